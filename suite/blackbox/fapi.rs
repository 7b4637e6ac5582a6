//! The FAPI clients of the sandbox, as `--json` names them: each of their keys and their certificate
//! gets a bound token, and the demo resource takes it from its sender alone (conformance.md 5.4, 7).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::dpop::token_hash;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::sha256;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::jwt::{now, sign};
use crate::mtls::{self, Identity};
use crate::server::{FORM, Server};
use crate::tls;
use crate::wire::{Answer, encoded, is_uuid, request};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// One client on one surface.
struct Client<'s> {
    server: &'s Server,
    facts: &'s Value,
    of: &'s Value,
}

impl<'s> Client<'s> {
    fn new(server: &'s Server, surface: &str, name: &str) -> Self {
        let facts = &server.ready["surfaces"][surface];
        Self { server, facts, of: &facts[name] }
    }

    fn id(&self) -> &'s str {
        self.of["client_id"].as_str().unwrap()
    }

    /// Its key of an algorithm, with its name. It is kept as PEM beside the set.
    fn key(&self, alg: Alg) -> (SigningKey, &'s str) {
        let all = self.of["jwks"]["keys"].as_array().unwrap();
        let jwk = all.iter().find(|jwk| jwk["alg"] == alg.as_str()).unwrap();
        let kid = jwk["kid"].as_str().unwrap();
        let path = self.server.state.join(format!("keys/fapi-{kid}.pem"));
        let key = SigningKey::from_pem(alg, &std::fs::read_to_string(path).unwrap()).unwrap();
        let public = key.public_jwk(kid);
        for (told, ours) in [(&jwk["x"], public.x), (&jwk["n"], public.n)] {
            assert_eq!(told.as_str(), ours.as_deref(), "{kid}: the set has another key");
        }
        (key, kid)
    }

    fn identity(&self) -> Identity {
        let path = |name: &str| self.of[name].as_str().unwrap();
        let certificate = CertificateDer::from_pem_file(path("certificate")).unwrap();
        let key = PrivateKeyDer::from_pem_file(path("certificate_key")).unwrap();
        Identity { der: certificate.to_vec(), key: key.secret_der().to_vec() }
    }

    /// What proves by assertion who it is.
    fn assertion(&self, alg: Alg) -> String {
        let (key, kid) = self.key(alg);
        let (id, now) = (self.id(), now());
        let header = json!({"alg": alg.as_str(), "kid": kid});
        let claims = json!({
            "iss": id, "sub": id, "aud": self.facts["issuer"], "jti": fresh(), "iat": now,
            "exp": now + 60,
        });
        let signed = sign(&key, &header.to_string(), &claims.to_string());
        format!("client_assertion_type={}&client_assertion={signed}", encoded(TYPE))
    }

    /// A request to the tenant: over the ordinary listener, or over the one that asks.
    fn send(
        &self,
        over: Over<'_>,
        line: (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let issuer = self.facts["issuer"].as_str().unwrap();
        let https = self.server.ready["https"].as_str().unwrap();
        let target = format!("{}{}", issuer.strip_prefix(https).unwrap(), line.1);
        let Over::Asking(identity) = over else {
            return tls::ask(self.server, line.0, &target, headers, body);
        };
        let mut wire = mtls::connect(self.server, identity);
        wire.send(&request(line.0, &target, headers, body.as_bytes()));
        wire.read().unwrap()
    }

    fn token(&self, over: Over<'_>, proof: Option<&str>, authentication: &str) -> Answer {
        let mut headers = vec![("content-type", FORM)];
        headers.extend(proof.map(|proof| ("dpop", proof)));
        let body = format!("grant_type=client_credentials&scope=accounts&{authentication}");
        self.send(over, ("POST", "/token"), &headers, &body)
    }

    fn resource(&self, over: Over<'_>, headers: &[(&str, &str)]) -> Answer {
        self.send(over, ("GET", "/demo/resource"), headers, "")
    }

    /// A proof for the ordinary address, of a key that is not one of its set.
    fn proof(&self, key: &SigningKey, (method, path): (&str, &str), token: Option<&str>) -> String {
        let mut jwk = serde_json::to_value(key.public_jwk("")).unwrap();
        jwk.as_object_mut().unwrap().retain(|name, _| !["kid", "use", "alg"].contains(&&**name));
        let header = json!({"typ": "dpop+jwt", "alg": key.alg().as_str(), "jwk": jwk});
        let url = format!("{}{path}", self.facts["issuer"].as_str().unwrap());
        let mut claims = json!({"jti": fresh(), "htm": method, "htu": url, "iat": now()});
        if let Some(token) = token {
            claims["ath"] = token_hash(token).into();
        }
        sign(key, &header.to_string(), &claims.to_string())
    }
}

#[derive(Clone, Copy)]
enum Over<'i> {
    Ordinary,
    Asking(Option<&'i Identity>),
}

fn fresh() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("fapi-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn every(server: &Server) -> impl Iterator<Item = Client<'_>> {
    let surfaces = ["fapi2", "fapi2_ms"].into_iter();
    surfaces
        .flat_map(|surface| ["client", "client2"].map(|name| Client::new(server, surface, name)))
}

/// Whether a token of the first client opens the resource with a proof by its own key.
pub(crate) fn opens_the_resource(server: &Server, token: &str) {
    let client = Client::new(server, "fapi2", "client");
    let (key, _) = client.key(Alg::ES256);
    let proof = client.proof(&key, ("GET", "/demo/resource"), Some(token));
    let authorization = format!("DPoP {token}");
    let headers = [("authorization", &*authorization), ("dpop", &*proof)];
    client.resource(Over::Ordinary, &headers).expect(200);
}

#[test]
fn every_key_and_the_certificate_of_a_seeded_client_gets_tokens_that_are_bound_either_way() {
    let server = Server::shared();
    let proving = SigningKey::generate(Alg::ES256).unwrap().0;
    for client in every(&server) {
        let identity = client.identity();
        let by_name = format!("client_id={}", client.id());
        let thumbprint = Base64UrlUnpadded::encode_string(&sha256(&identity.der));
        let proof = || client.proof(&proving, ("POST", "/token"), None);
        for (authentication, over) in [
            (client.assertion(Alg::ES256), Over::Ordinary),
            (client.assertion(Alg::PS256), Over::Ordinary),
            (by_name.clone(), Over::Asking(Some(&identity))),
        ] {
            let answer = client.token(over, Some(&proof()), &authentication).expect(200).json();
            assert_eq!(answer["token_type"], "DPoP", "{}", client.id());
        }
        for authentication in [client.assertion(Alg::ES256), client.assertion(Alg::PS256), by_name]
        {
            let over = Over::Asking(Some(&identity));
            let answer = client.token(over, None, &authentication).expect(200).json();
            assert_eq!(answer["token_type"], "Bearer", "{}", client.id());
            let token = answer["access_token"].as_str().unwrap();
            let of = |name: &str| client.facts["resource_server"][name].as_str().unwrap();
            let basic = crate::wire::basic(of("client_id"), of("client_secret"));
            let headers = [("authorization", &*basic), ("content-type", FORM)];
            let told = client.send(
                Over::Ordinary,
                ("POST", "/introspect"),
                &headers,
                &format!("token={token}"),
            );
            assert_eq!(told.expect(200).json()["cnf"], json!({"x5t#S256": thumbprint}));
        }
    }
}

#[test]
fn a_seeded_client_cannot_pass_for_the_other() {
    let server = Server::shared();
    let (one, two) =
        (Client::new(&server, "fapi2", "client"), Client::new(&server, "fapi2", "client2"));
    let identity = one.identity();
    let by_name = format!("client_id={}", two.id());
    let stranger = Identity::self_signed();
    for (over, authentication) in [
        (Over::Asking(Some(&identity)), by_name.clone()),
        (Over::Asking(Some(&stranger)), by_name.clone()),
        (Over::Asking(None), by_name.clone()),
        (Over::Asking(Some(&identity)), format!("{}&{by_name}", one.assertion(Alg::ES256))),
    ] {
        let answer = two.token(over, None, &authentication).expect(400);
        assert_eq!(answer.member("error"), "invalid_client", "{authentication}");
    }
    // Neither a proof nor a certificate: nothing to bind to.
    let answer = one.token(Over::Ordinary, None, &one.assertion(Alg::PS256)).expect(400);
    assert_eq!(answer.member("error"), "invalid_dpop_proof");
    let answer = one.token(Over::Asking(None), None, &one.assertion(Alg::PS256)).expect(400);
    assert_eq!(answer.member("error"), "invalid_dpop_proof");
}

#[test]
fn the_demo_resource_takes_a_token_from_its_sender_alone() {
    let server = Server::shared();
    let client = Client::new(&server, "fapi2", "client");
    let (proving, other) =
        (SigningKey::generate(Alg::ES256).unwrap().0, SigningKey::generate(Alg::ES256).unwrap().0);
    let proof = client.proof(&proving, ("POST", "/token"), None);
    let answer =
        client.token(Over::Ordinary, Some(&proof), &client.assertion(Alg::ES256)).expect(200);
    let token = answer.member("access_token");
    let at = ("GET", "/demo/resource");
    let proof = |key: &SigningKey| client.proof(key, at, Some(&token));
    let ask = |scheme: &str, proof: Option<&str>| {
        let authorization = format!("{scheme} {token}");
        let mut headers = vec![("authorization", &*authorization)];
        headers.extend(proof.map(|proof| ("dpop", proof)));
        client.resource(Over::Ordinary, &headers)
    };
    for scheme in ["DPoP", "dpop", "DPOP", "dPoP"] {
        let seen = ask(scheme, Some(&proof(&proving))).expect(200);
        assert_eq!(
            (seen.member("client_id"), seen.member("scope")),
            ("fapiapp".into(), "accounts".into())
        );
        assert!(is_uuid(seen.header("x-fapi-interaction-id").unwrap()));
        assert!(seen.header("date").unwrap().ends_with(" GMT"));
    }
    let once = proof(&proving);
    ask("DPoP", Some(&once)).expect(200);
    let wrong_token = client.proof(&proving, at, Some("another"));
    let elsewhere = client.proof(&proving, ("GET", "/userinfo"), Some(&token));
    for (what, scheme, proof) in [
        ("once more", "DPoP", Some(&*once)),
        ("by another key", "DPoP", Some(&*proof(&other))),
        ("for another token", "DPoP", Some(&*wrong_token)),
        ("for another address", "DPoP", Some(&*elsewhere)),
        ("without a proof", "DPoP", None),
        ("as a bearer token", "Bearer", None),
        ("as a bearer token with a proof", "Bearer", Some(&*proof(&proving))),
    ] {
        let refused = ask(scheme, proof).expect(401);
        assert!(refused.header("www-authenticate").unwrap().starts_with("DPoP "), "{what}");
        assert!(
            refused.header("date").is_some() && refused.header("x-fapi-interaction-id").is_some()
        );
    }
    // In the query it is none, and one too many (R22).
    let target = ("GET", &*format!("/demo/resource?access_token={token}"));
    client.send(Over::Ordinary, target, &[], "").expect(401);
    let authorization = format!("DPoP {token}");
    let proof = proof(&proving);
    let headers = [("authorization", &*authorization), ("dpop", &*proof)];
    client.send(Over::Ordinary, target, &headers, "").expect(400);
    // On the other listener, under its own address as well as this one.
    let mut moved = client.proof(&proving, at, Some(&token));
    for _ in 0..2 {
        let headers = [("authorization", &*authorization), ("dpop", &*moved)];
        client.resource(Over::Asking(None), &headers).expect(200);
        let mtls = server.ready["mtls"].as_str().unwrap();
        let facts = json!({"issuer": format!("{mtls}/o/fapi2")});
        moved = Client { server: &server, facts: &facts, of: client.of }.proof(
            &proving,
            at,
            Some(&token),
        );
    }
}

#[test]
fn the_demo_resource_takes_a_certificate_bound_token_over_its_connection_alone() {
    let server = Server::shared();
    let client = Client::new(&server, "fapi2", "client");
    let (identity, other) =
        (client.identity(), Client::new(&server, "fapi2", "client2").identity());
    let answer = client
        .token(Over::Asking(Some(&identity)), None, &client.assertion(Alg::PS256))
        .expect(200);
    let token = answer.member("access_token");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let authorization = format!("{scheme} {token}");
        let headers = [
            ("authorization", &*authorization),
            // R26: what a FAPI client may send besides.
            ("x-fapi-interaction-id", "C770AEF3-6784-41F7-8E0E-FF5F97BDDB3A"),
            ("x-fapi-auth-date", "Sun, 10 Sep 2017 19:43:31 GMT"),
            ("x-fapi-customer-ip-address", "2001:db8::1893:25c8:1946"),
            ("accept", "application/json; charset=utf-8"),
        ];
        let seen = client.resource(Over::Asking(Some(&identity)), &headers).expect(200);
        assert_eq!(seen.header("x-fapi-interaction-id"), Some(headers[1].1));
        assert_eq!(seen.header("content-type"), Some("application/json"));
    }
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", &*authorization)];
    for over in [Over::Asking(Some(&other)), Over::Asking(None), Over::Ordinary] {
        let refused = client.resource(over, &headers).expect(401);
        assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer "));
        assert!(refused.text().contains("invalid_token"), "{}", refused.text());
    }
    for (method, body) in [("POST", r#"{"a":1}"#), ("PUT", ""), ("DELETE", "")] {
        let headers = [headers[0], ("content-type", "application/json")];
        client
            .send(Over::Asking(Some(&identity)), (method, "/demo/resource"), &headers, body)
            .expect(200);
    }
}
