//! Class C: signed messages with one thing wrong with each, at every place that takes one.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::provider::MacKey;
use serde_json::{Value, json};

use crate::browser::challenge;
use crate::jwt::now;
use crate::prover::{Fapi, b64, unique};
use crate::server::Server;
use crate::wire::Answer;

/// Header and payload of a good message, as text.
struct Good<'f> {
    client: &'f Fapi<'f>,
    header: Value,
    claims: Value,
    /// A proof brings its key.
    brings_key: bool,
}

/// What is wrong, and the message.
type Wrong = (String, String);

impl Good<'_> {
    fn signed(&self, header: &str, claims: &str) -> String {
        self.client.signed(header, claims)
    }

    /// Another id in every message, so that none is refused for having been there before.
    fn claims(&self) -> Value {
        let mut claims = self.claims.clone();
        claims["jti"] = unique().into();
        claims
    }

    #[expect(clippy::too_many_lines, reason = "a table of headers")]
    fn headers(&self) -> Vec<Wrong> {
        let more = |members: Value| {
            let mut header = self.header.clone();
            for (name, value) in members.as_object().unwrap() {
                header[name] = value.clone();
            }
            header
        };
        let mut all: Vec<Value> = [
            "none",
            "None",
            "NONE",
            "",
            "HS256",
            "HS384",
            "HS512",
            "RS256",
            "RS512",
            "PS256",
            "ES384",
            "ES512",
            "ES256K",
            "EdDSA",
            "Ed25519",
            "es256",
            "ES256 ",
            "RSA1_5",
            "RSA-OAEP",
            "dir",
            "A256KW",
            "PBES2-HS256+A128KW",
        ]
        .into_iter()
        .map(|alg| more(json!({"alg": alg})))
        .collect();
        all.extend(
            [
                json!({"alg": null}),
                json!({"alg": ["ES256"]}),
                json!({"alg": 256}),
                json!({"alg": {"ES256": 1}}),
                json!({"crit": ["b64"], "b64": false}),
                json!({"crit": ["b64"], "b64": true}),
                json!({"b64": false}),
                json!({"crit": []}),
                json!({"crit": ["exp"]}),
                json!({"crit": "exp"}),
                json!({"crit": null}),
                json!({"crit": ["alg"]}),
                json!({"zip": "DEF"}),
                json!({"x5c": ["MIIB"]}),
                json!({"jku": "https://127.0.0.1:1/jwks"}),
                json!({"x5u": "https://127.0.0.1:1/x5c"}),
                json!({"kid": 7}),
                json!({"kid": ["elliptic"]}),
                json!({"typ": 7}),
            ]
            .map(more),
        );
        if !self.brings_key {
            let own = serde_json::to_value(self.client.key.public_jwk("elliptic")).unwrap();
            all.push(more(json!({"jwk": own})));
            all.push(more(json!({"kid": "../../../etc/passwd"})));
            all.push(more(json!({"kid": "' or '1'='1"})));
            all.push(more(json!({"kid": "k".repeat(10_000)})));
            all.push(more(json!({"x5t": b64([1; 20]), "kid": "another"})));
        }
        let sign = |header: Value| {
            (header.to_string(), self.signed(&header.to_string(), &self.claims().to_string()))
        };
        let mut wrong: Vec<Wrong> = all.into_iter().map(sign).collect();
        let plain = self.header.to_string();
        for (what, header) in [
            ("alg twice", plain.replacen('{', "{\"alg\":\"ES256\",", 1)),
            ("alg twice, in disguise", plain.replacen('{', "{\"\\u0061lg\":\"none\",", 1)),
            ("typ twice", plain.replacen('{', "{\"typ\":\"JWT\",\"typ\":\"JWT\",", 1)),
            ("twice inside", plain.replacen('{', "{\"x\":{\"a\":1,\"a\":2},", 1)),
            ("a byte order mark", format!("\u{feff}{plain}")),
            ("text behind", format!("{plain} x")),
            ("two objects", format!("{plain}{plain}")),
            ("a comment", plain.replacen('{', "{/**/", 1)),
            ("a comma at the end", plain.replace('}', ",}")),
            ("an array", format!("[{plain}]")),
            ("text", format!("{plain:?}")),
            ("null", "null".into()),
            ("nothing", String::new()),
            ("a thousand levels", format!("{{\"a\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000))),
            ("a long one", plain.replacen('{', &format!("{{\"a\":\"{}\",", "a".repeat(9_000)), 1)),
        ] {
            wrong.push((what.into(), self.signed(&header, &self.claims().to_string())));
        }
        wrong
    }

    fn payloads(&self) -> Vec<Wrong> {
        let header = self.header.to_string();
        let plain = || self.claims().to_string();
        let mut all: Vec<(String, String)> = vec![];
        for name in self.claims.as_object().unwrap().keys() {
            let twice = plain().replacen('{', &format!("{{\"{name}\":{},", self.claims[name]), 1);
            all.push((format!("{name} twice"), twice));
        }
        for (what, payload) in [
            ("twice inside", plain().replacen('{', "{\"x\":[{\"a\":1,\"a\":1}],", 1)),
            ("a byte order mark", format!("\u{feff}{}", plain())),
            ("text behind", format!("{}x", plain())),
            ("an array", format!("[{}]", plain())),
            ("text", format!("{:?}", plain())),
            ("no JSON", "x".into()),
            ("nothing", String::new()),
            (
                "a thousand levels",
                plain().replacen(
                    '{',
                    &format!("{{\"x\":{}1{},", "[".repeat(1_000), "]".repeat(1_000)),
                    1,
                ),
            ),
            ("half a pair", plain().replacen('{', "{\"x\":\"\\ud800\",", 1)),
            ("a line end", plain().replacen('{', "{\"x\":\"\n\",", 1)),
        ] {
            all.push((what.into(), payload));
        }
        all.into_iter().map(|(what, text)| (what, self.signed(&header, &text))).collect()
    }

    /// Spellings of a good message that are none.
    fn spellings(&self) -> Vec<Wrong> {
        let good = || self.signed(&self.header.to_string(), &self.claims().to_string());
        let split = |message: &str| -> Vec<String> { message.split('.').map(Into::into).collect() };
        let json = {
            let parts = split(&good());
            json!({"payload": parts[1], "protected": parts[0], "signature": parts[2]}).to_string()
        };
        let signature = |change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
            let message = good();
            let (input, signature) = message.rsplit_once('.').unwrap();
            let raw = change(Base64UrlUnpadded::decode_vec(signature).unwrap());
            format!("{input}.{}", b64(raw))
        };
        // The last digit of 64 bytes holds two bits that say nothing.
        let stray = || {
            let message = good();
            let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let at = digits.find(&message[message.len() - 1..]).unwrap();
            format!("{}{}", &message[..message.len() - 1], &digits[at + 1..at + 2])
        };
        let whole = good();
        let public = self.client.key.verifying_key().unwrap().to_spki_der().unwrap();
        let hmac = {
            let header = json!({"alg": "HS256", "typ": self.header["typ"]}).to_string();
            let input = format!("{}.{}", b64(header), b64(self.claims().to_string()));
            let tag = MacKey::new(&public).tag(&[input.as_bytes()]);
            format!("{input}.{}", b64(tag))
        };
        let five = format!("{}.a.b.c.d", b64(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#));
        let strong =
            r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAA"}"#;
        let mut all = vec![
            ("two parts", whole.rsplit_once('.').unwrap().0.to_owned()),
            ("no signature", format!("{}.", whole.rsplit_once('.').unwrap().0)),
            ("four parts", format!("{whole}.AAAA")),
            ("five parts", five),
            ("a password of two thousand million rounds", format!("{}.a.b.c.d", b64(strong))),
            ("padding", format!("{whole}=")),
            ("a space", whole.replacen('.', " .", 1)),
            ("a line end", format!("{whole}\n")),
            ("the other alphabet", format!("{}+/", &whole[..whole.len() - 2])),
            ("stray bits", stray()),
            ("JSON serialization", json),
            ("HMAC with the public key", hmac),
            ("zeros", signature(&|_| vec![0; 64])),
            ("all ones", signature(&|_| vec![0xff; 64])),
            ("one byte less", signature(&|raw| raw[1..].to_vec())),
            ("one byte more", signature(&|raw| [&raw[..], &[0]].concat())),
            (
                "DER",
                signature(&|raw| {
                    let (r, s) = raw.split_at(32);
                    [&[0x30, 0x44, 2, 0x20][..], r, &[2, 0x20], s].concat()
                }),
            ),
            (
                "one bit",
                signature(&|mut raw| {
                    raw[5] ^= 1;
                    raw
                }),
            ),
        ];
        for part in 0..2 {
            let mut parts = split(&good());
            parts[part].push('=');
            all.push(("padding inside", parts.join(".")));
            let mut parts = split(&good());
            parts[part].clear();
            all.push(("an empty part", parts.join(".")));
        }
        all.into_iter().map(|(what, message)| (what.to_owned(), message)).collect()
    }

    /// All of them.
    fn wrong(&self) -> Vec<Wrong> {
        [self.headers(), self.payloads(), self.spellings()].concat()
    }

    /// With claims that are of the wrong type or time.
    fn dates(&self) -> Vec<Wrong> {
        let now = now();
        let mut all = vec![];
        for (name, value) in [
            ("exp", json!(now.to_string())),
            ("exp", json!(-1)),
            ("exp", json!(0)),
            ("exp", json!(now - 3_600)),
            ("exp", json!(9_223_372_036_854_775_808_u64)),
            ("exp", json!(1e300)),
            ("exp", json!(now as f64 + 60.5)),
            ("exp", json!(null)),
            ("exp", json!([now + 60])),
            ("nbf", json!(now + 3_600)),
            ("nbf", json!("x")),
            ("nbf", json!({})),
            ("aud", json!(null)),
            ("aud", json!("")),
            ("aud", json!({})),
            ("aud", json!([])),
            ("aud", json!([[self.claims["aud"]]])),
            ("aud", json!("https://evil.example")),
            ("aud", json!(vec![self.claims["aud"].clone(); 11])),
            ("iss", json!("another")),
            ("iss", json!(7)),
        ] {
            let mut claims = self.claims();
            claims[name] = value;
            let signed = self.signed(&self.header.to_string(), &claims.to_string());
            all.push((format!("{name}: {}", claims[name]), signed));
        }
        all
    }
}

/// Refused by the place itself, or for its length by the one before.
fn refused(what: &str, answer: &Answer, error: &str) {
    if matches!(answer.status, 413 | 431) {
        return;
    }
    assert_eq!(answer.status, 400, "{what}: {}", answer.text());
    assert_eq!(answer.member("error"), error, "{what}: {}", answer.text());
}

#[test]
fn assertions() {
    let server = Server::shared();
    let client = Fapi::plain(&server);
    let header = json!({"alg": "ES256", "kid": "elliptic"});
    let good = Good { client: &client, header, claims: client.claims(), brings_key: false };
    let ask = |assertion: &str| {
        let assertion = crate::wire::encoded(assertion);
        let proof = client.proof("POST", "/token", "");
        client.post("/token", &assertion, "grant_type=client_credentials&scope=accounts", &proof)
    };
    for (what, message) in [good.wrong(), good.dates()].concat() {
        refused(&what, &ask(&message), "invalid_client");
    }
    refused("1 MiB", &ask(&format!("{}.e30.AAAA", "A".repeat(1 << 20))), "invalid_client");
    refused("50 KiB", &ask(&format!("{}.e30.AAAA", "A".repeat(50 << 10))), "invalid_client");
    ask(&client.assertion()).expect(200);
}

#[test]
fn request_objects() {
    let server = Server::shared();
    let client = Fapi::signer(&server);
    let now = now();
    let claims = json!({
        "iss": client.id, "aud": client.issuer(), "nbf": now, "exp": now + 300,
        "client_id": client.id, "redirect_uri": "http://127.0.0.1/callback",
        "response_type": "code", "scope": "accounts", "code_challenge": challenge(),
        "code_challenge_method": "S256",
    });
    let header = json!({"alg": "ES256", "kid": "elliptic"});
    let good = Good { client: &client, header, claims, brings_key: false };
    let push = |object: &str| {
        let object = crate::wire::encoded(object);
        client.post(
            "/par",
            &client.assertion(),
            &format!("client_id={}&request={object}", client.id),
            "",
        )
    };
    for (what, message) in [good.wrong(), good.dates()].concat() {
        refused(&what, &push(&message), "invalid_request_object");
    }
    for typ in ["dpop+jwt", "at+jwt", "secevent+jwt", "logout+jwt", "client-authentication+jwt", ""]
    {
        let header = json!({"alg": "ES256", "kid": "elliptic", "typ": typ}).to_string();
        let message = good.signed(&header, &good.claims().to_string());
        refused(typ, &push(&message), "invalid_request_object");
    }
    // A client assertion is no request.
    refused("an assertion", &push(&client.assertion()), "invalid_request_object");
    refused("1 MiB", &push(&format!("{}.e30.AAAA", "A".repeat(1 << 20))), "invalid_request_object");
    push(&good.signed(&good.header.to_string(), &good.claims().to_string())).expect(201);
}

#[test]
fn proofs() {
    let server = Server::shared();
    let client = Fapi::plain(&server);
    let claims = client.proof_claims("POST", "/token", "");
    let good = Good { client: &client, header: client.proof_header(), claims, brings_key: true };
    let ask = |proof: &str| {
        client.post(
            "/token",
            &client.assertion(),
            "grant_type=client_credentials&scope=accounts",
            proof,
        )
    };
    for (what, message) in good.wrong() {
        // What no header can carry is not sent.
        if !message.contains('\n') {
            refused(&what, &ask(&message), "invalid_dpop_proof");
        }
    }
    for len in [20 << 10, 1 << 20] {
        let long = format!("{}.e30.AAAA", "A".repeat(len));
        refused("a long one", &ask(&long), "invalid_dpop_proof");
    }
    ask(&client.proof("POST", "/token", "")).expect(200);
}

/// Of a genuine ID token, nothing but the very text is a hint.
#[test]
fn hints() {
    let server = Server::shared();
    let client = Fapi { base: "/o/standard", ..Fapi::plain(&server) };
    let issuer = client.issuer();
    let now = now();
    let claims =
        json!({"iss": issuer, "aud": "openidapp", "sub": "x", "iat": now, "exp": now + 60});
    let keys = client.send("GET", "/jwks", &[], "").expect(200).json();
    let kid = keys["keys"][0]["kid"].clone();
    for header in [
        json!({"alg": "none", "kid": kid}),
        json!({"alg": "HS256", "kid": kid}),
        json!({"alg": "RS256", "kid": kid}),
        json!({"alg": "ES256", "kid": kid}),
        json!({"alg": "ES256", "kid": "elliptic"}),
        json!({"alg": "ES256", "jwk": client.proof_header()["jwk"]}),
    ] {
        let hint = client.signed(&header.to_string(), &claims.to_string());
        let target = format!(
            "/authorize?client_id=openidapp&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback\
             &response_type=code&scope=openid&prompt=none&id_token_hint={hint}"
        );
        let back = client.send("GET", &target, &[], "").expect(303);
        assert_eq!(back.parameter("error").as_deref(), Some("invalid_request"), "{header}");
    }
}
