//! FAPI 2.0 as a client sees it: pushed, proven, bound; with signed messages, signed both ways.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::{jws, jwt, provider};
use serde_json::{Value, json};

use crate::browser::{Browser, CALLBACK, VERIFIER, challenge};
use crate::wire::{Answer, Ask, encoded};
use crate::world::{BASE, World, file};

/// A client and its tenant.
pub(crate) struct Client<'w> {
    pub(crate) world: &'w World,
    pub(crate) id: &'static str,
    pub(crate) base: &'static str,
    pub(crate) key: SigningKey,
}

fn b64(text: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(text.as_ref())
}

impl<'w> Client<'w> {
    pub(crate) fn of(world: &'w World, id: &'static str, base: &'static str) -> Self {
        let key = SigningKey::from_pem(Alg::ES256, &file("keys/elliptic.pem")).unwrap();
        Self { world, id, base, key }
    }

    pub(crate) fn plain(world: &'w World) -> Self {
        Self::of(world, "fapiapp", "/o/fapi2")
    }

    pub(crate) fn signer(world: &'w World) -> Self {
        Self::of(world, "fapisigner", "/o/fapi2-ms")
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{BASE}{}", self.base)
    }

    pub(crate) fn now(&self) -> u64 {
        self.world.app.engine.clock.now().0
    }

    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        let input =
            jws::signing_input(header.to_string().as_bytes(), claims.to_string().as_bytes());
        let signature = self.key.sign(input.as_bytes()).unwrap();
        jws::finish(input, &signature)
    }

    pub(crate) fn unique(&self) -> String {
        let mut dice = self.world.dice.clone();
        b64(counterfoil_engine::ctx::Entropy::bytes32(&mut dice))
    }

    pub(crate) fn assertion(&self, audience: Value) -> String {
        let now = self.now();
        let claims = json!({
            "iss": self.id, "sub": self.id, "aud": audience, "jti": self.unique(),
            "iat": now, "nbf": now, "exp": now + 60,
        });
        self.signed(&json!({"alg": "ES256"}), &claims)
    }

    /// A form to an endpoint with the client's assertion and a proof of its key.
    pub(crate) fn ask(&self, path: &str, pairs: &[(&str, &str)]) -> Ask {
        self.asserted(path, pairs, self.issuer().into())
    }

    pub(crate) fn asserted(&self, path: &str, pairs: &[(&str, &str)], audience: Value) -> Ask {
        let assertion = self.assertion(audience);
        let mut all = pairs.to_vec();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        all.push(("client_assertion_type", kind));
        all.push(("client_assertion", &assertion));
        Ask::form(&format!("{}{path}", self.base), &all)
    }

    pub(crate) fn proof(&self, method: &str, path: &str, token: Option<&str>) -> String {
        let jwk = serde_json::to_value(self.key.public_jwk("k")).unwrap();
        let bare = json!({"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]});
        let mut claims = json!({
            "jti": self.unique(), "htm": method, "iat": self.now(),
            "htu": format!("{}{path}", self.issuer()),
        });
        if let Some(token) = token {
            claims["ath"] = b64(provider::sha256(token.as_bytes())).into();
        }
        self.signed(&json!({"alg": "ES256", "typ": "dpop+jwt", "jwk": bare}), &claims)
    }

    pub(crate) fn push(&self, more: &[(&str, &str)]) -> Ask {
        let challenge = challenge();
        let mut pairs = vec![
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid payments"),
            ("code_challenge", &*challenge),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        pairs.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        self.ask("/par", &pairs)
    }

    pub(crate) fn authorize(&self, pushed: &Answer) -> String {
        let uri = pushed.member("request_uri");
        format!(
            "{}/authorize?{}",
            self.base,
            encoded(&[("client_id", self.id), ("request_uri", &uri)])
        )
    }

    pub(crate) fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Ask {
        let mut pairs =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        pairs.extend_from_slice(more);
        self.ask("/token", &pairs)
    }

    pub(crate) fn claims(&self, token: &str) -> Value {
        let issuer = self.world.issuer(self.base.trim_start_matches("/o/"));
        let keys = issuer.keys.iter().map(|key| (key.kid.as_str(), &*key.verifying, key.alg));
        serde_json::from_slice(&jwt::verify_own(token, "JWT", keys).unwrap()).unwrap()
    }
}

#[test]
fn a_pushed_request_ends_with_a_token_that_is_bound() {
    let world = World::new();
    let client = Client::plain(&world);
    let pushed = world.send(client.push(&[("state", "s"), ("nonce", "n")])).expect(201);
    let back = Browser::new(&world).consent(&client.authorize(&pushed), "alice");
    assert_eq!(back.parameter("state").as_deref(), Some("s"));
    assert_eq!(back.parameter("iss"), Some(client.issuer()));
    let code = back.parameter("code").unwrap();
    let verifier = [("code_verifier", VERIFIER)];
    // Without a proof there is no token, and the code is not spent by the attempt (R5, section 3).
    world.refused(client.redeem(&code, &verifier), 400, "E1401");
    let wrong = [("code_verifier", "verifier-of-another-request-0123456789abcdefg")];
    let proven = |ask: Ask| ask.with("dpop", &client.proof("POST", "/token", None));
    world.refused(proven(client.redeem(&code, &wrong)), 400, "E2020");
    world.refused(proven(client.redeem(&code, &[])), 400, "E2020");
    let tokens = world.send(proven(client.redeem(&code, &verifier))).expect(200);
    assert_eq!(tokens.member("token_type"), "DPoP");
    let says = client.claims(&tokens.member("id_token"));
    assert_eq!((&says["aud"], &says["nonce"]), (&json!("fapiapp"), &json!("n")));
    let token = tokens.member("access_token");
    let bound = Ask::get("/o/fapi2/userinfo").with("authorization", &format!("DPoP {token}"));
    world.send(bound.clone()).expect(401);
    let proof = client.proof("GET", "/userinfo", Some(&token));
    let info = world.send(bound.with("dpop", &proof)).expect(200).json();
    assert_eq!(info["sub"], says["sub"]);
    // It stays after a refresh (R4), also with another proof.
    let refresh = tokens.member("refresh_token");
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    world.refused(client.ask("/token", &pairs), 400, "E1401");
    let again = world.send(proven(client.ask("/token", &pairs))).expect(200);
    assert_eq!(again.member("refresh_token"), refresh);
    world.refused(proven(client.redeem(&code, &verifier)), 400, "E2015");
}

#[test]
fn only_the_issuer_is_an_audience_of_an_assertion() {
    let world = World::new();
    let client = Client::plain(&world);
    let issuer = client.issuer();
    for audience in [
        json!([issuer]),
        json!(format!("{issuer}/par")),
        json!(format!("{issuer}/token")),
        json!(format!("{issuer}/")),
    ] {
        world.refused(
            client.asserted("/par", &[("response_type", "code")], audience),
            400,
            "E1210",
        );
    }
}

#[test]
fn what_must_not_be_pushed() {
    let world = World::new();
    let client = Client::plain(&world);
    for (change, error, code) in [
        (("code_challenge", ""), "invalid_request", "E1001"),
        (("code_challenge_method", "plain"), "invalid_request", "E1002"),
        (("response_type", "token"), "unsupported_response_type", "E3001"),
        (("response_type", "code id_token"), "unsupported_response_type", "E3001"),
        (("redirect_uri", ""), "invalid_request", "E1001"),
        (("redirect_uri", "https://evil.example/cb"), "invalid_request", "E1042"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:ru_x"), "invalid_request", "E1005"),
        (("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported", "E3070"),
        (("scope", "everything"), "invalid_scope", "E2031"),
    ] {
        let answer = world.refused(client.push(&[change]), 400, code);
        assert_eq!(answer.member("error"), error, "{change:?}");
    }
}

#[test]
fn a_key_that_was_named_or_proven_when_pushing_is_the_one_that_redeems() {
    let world = World::new();
    let client = Client::plain(&world);
    let jkt = b64([7; 32]);
    // Named and proven differ.
    let proof = client.proof("POST", "/par", None);
    let both = client.push(&[("dpop_jkt", &jkt)]).with("dpop", &proof);
    world.refused(both, 400, "E1415");
    let code = |ask: Ask| {
        let pushed = world.send(ask).expect(201);
        let back = Browser::new(&world).consent(&client.authorize(&pushed), "alice");
        back.parameter("code").unwrap()
    };
    let verifier = [("code_verifier", VERIFIER)];
    let redeem = |code: &str| {
        client.redeem(code, &verifier).with("dpop", &client.proof("POST", "/token", None))
    };
    let named = code(client.push(&[("dpop_jkt", &jkt)]));
    world.refused(redeem(&named), 400, "E1415");
    let proven = code(client.push(&[]).with("dpop", &client.proof("POST", "/par", None)));
    world.send(redeem(&proven)).expect(200);
}

/// A request object of the client.
pub(crate) fn object(client: &Client<'_>, changes: &Value) -> String {
    let now = client.now();
    let mut object = json!({
        "iss": client.id, "aud": client.issuer(), "nbf": now, "exp": now + 300,
        "client_id": client.id, "redirect_uri": CALLBACK, "response_type": "code",
        "scope": "openid", "state": "inside", "code_challenge": challenge(),
        "code_challenge_method": "S256",
    });
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    client.signed(&json!({"alg": "ES256"}), &object)
}

#[test]
fn messages_are_signed_both_ways() {
    let world = World::new();
    let client = Client::signer(&world);
    world.refused(client.push(&[]), 400, "E3072");
    let request = object(&client, &json!({"response_mode": "jwt"}));
    let pairs = [("client_id", client.id), ("request", &*request), ("state", "outside")];
    let pushed = world.send(client.ask("/par", &pairs)).expect(201);
    let back = Browser::new(&world).consent(&client.authorize(&pushed), "alice");
    let (_, query) = back.location().split_once('?').unwrap();
    assert!(query.starts_with("response=") && !query.contains('&'), "{query}");
    let says = client.claims(&back.parameter("response").unwrap());
    assert_eq!((&says["iss"], &says["aud"]), (&json!(client.issuer()), &json!(client.id)));
    assert_eq!(says["state"], "inside");
    let code = says["code"].as_str().unwrap();
    let redeem = client.redeem(code, &[("code_verifier", VERIFIER)]);
    world.send(redeem.with("dpop", &client.proof("POST", "/token", None))).expect(200);
    // A no is signed as well.
    let pushed = world.send(client.ask("/par", &pairs[..2])).expect(201);
    let mut browser = Browser::new(&world);
    let page = browser.open(&client.authorize(&pushed));
    let back = browser.submit(&page, &[("action", "cancel")]);
    let says = client.claims(&back.parameter("response").unwrap());
    assert_eq!((&says["error"], &says["state"]), (&json!("access_denied"), &json!("inside")));
}

#[test]
fn a_pushed_request_object_is_judged_before_anything_is_pushed() {
    let world = World::new();
    let client = Client::signer(&world);
    let now = client.now();
    let push =
        |request: &str| client.ask("/par", &[("client_id", client.id), ("request", request)]);
    world.send(push(&object(&client, &json!({"aud": ["x", client.issuer()]})))).expect(201);
    world.send(push(&object(&client, &json!({"nbf": now + 8})))).expect(201);
    let none = format!("{}.e30.", b64(r#"{"alg":"none"}"#));
    for (request, code) in [
        (object(&client, &json!({"exp": null})), "E3101"),
        (object(&client, &json!({"exp": now - 3600})), "E3113"),
        (object(&client, &json!({"exp": now + 4200})), "E3114"),
        (object(&client, &json!({"nbf": now - 4200})), "E3114"),
        (object(&client, &json!({"aud": "https://other.example"})), "E3110"),
        (object(&client, &json!({"aud": format!("{}/par", client.issuer())})), "E3110"),
        (object(&client, &json!({"request_uri": "urn:x"})), "E3115"),
        (none, "E3102"),
        (format!("{}x", object(&client, &json!({}))), "E3101"),
    ] {
        let answer = world.refused(push(&request), 400, code);
        assert_eq!(answer.member("error"), "invalid_request_object", "{code}");
    }
    let answer =
        world.refused(push(&object(&client, &json!({"response_mode": "query"}))), 400, "E1002");
    assert_eq!(answer.member("error"), "invalid_request");
}
