//! Proofs of possession at a resource: the 32 blocks of `dpop-negative-tests` (conformance.md 5.3.4),
//! and more of our own.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use serde_json::{Value, json};

use crate::jwt::now;
use crate::prover::{Fapi, b64, unique};
use crate::server::Server;
use crate::wire::Answer;

const RESOURCE: &str = "/demo/resource";

/// A client with a token, at the resource.
struct Probe<'s> {
    client: Fapi<'s>,
    token: String,
}

impl<'s> Probe<'s> {
    fn new(server: &'s Server) -> Self {
        let client = Fapi::plain(server);
        let token = client.token();
        Self { client, token }
    }

    /// What a good proof says, with other members; `null` takes one out.
    fn changed(&self, header: &Value, claims: &Value) -> (String, String) {
        let merge = |mut whole: Value, changes: &Value| {
            for (name, value) in changes.as_object().unwrap() {
                whole[name] = value.clone();
            }
            whole.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            whole.to_string()
        };
        let said = self.client.proof_claims("GET", RESOURCE, &self.token);
        (merge(self.client.proof_header(), header), merge(said, claims))
    }

    fn proof(&self, header: &Value, claims: &Value) -> String {
        let (header, claims) = self.changed(header, claims);
        self.client.signed(&header, &claims)
    }

    fn by(&self, key: SigningKey, header: &Value, claims: &Value) -> String {
        let (header, claims) = self.changed(header, claims);
        Fapi { key, ..Fapi::plain(self.client.server) }.signed(&header, &claims)
    }

    fn send(&self, scheme: &str, proofs: &[(&str, &str)]) -> Answer {
        let authorization = format!("{scheme} {}", self.token);
        let mut headers = vec![("authorization", &*authorization)];
        headers.extend_from_slice(proofs);
        self.client.send("GET", RESOURCE, &headers, "")
    }

    fn taken(&self, probe: &str, proof: &str) {
        let answer = self.send("DPoP", &[("dpop", proof)]);
        assert_eq!(answer.status, 200, "{probe}: {}", answer.text());
        assert_eq!(answer.json()["client_id"], self.client.id, "{probe}");
    }

    fn refused(&self, probe: &str, proof: &str) {
        refused(probe, &self.send("DPoP", &[("dpop", proof)]));
    }
}

fn refused(probe: &str, answer: &Answer) {
    assert_eq!(answer.status, 401, "{probe}: {}", answer.text());
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("DPoP"), "{probe}: {challenge}");
}

#[test]
fn the_32_probes_of_the_conformance_suite() {
    let server = Server::shared();
    let probe = Probe::new(&server);
    let none = json!({});
    let good = || probe.proof(&none, &none);
    let claim = |claims: Value| probe.proof(&none, &claims);
    let head = |header: Value| probe.proof(&header, &none);

    let answer = probe.send("DPoP", &[("DPOP", &good())]);
    assert_eq!(answer.status, 200, "1: {}", answer.text());
    refused("2", &probe.send("DPoP", &[("dpop", &good()), ("dpop", &good())]));
    probe.refused("3", "this is not a JWT");
    for (n, name) in [(4, "typ"), (5, "alg"), (6, "jwk")] {
        probe.refused(&format!("{n}"), &head(json!({name: null})));
    }
    for (n, name) in [(7, "jti"), (8, "htm"), (9, "htu"), (10, "iat"), (11, "ath")] {
        probe.refused(&format!("{n}"), &claim(json!({name: null})));
    }
    probe.refused("12", &head(json!({"typ": "JWT"})));
    let rsa = SigningKey::generate(Alg::RS256).unwrap().0;
    let jwk = serde_json::to_value(rsa.public_jwk("k")).unwrap();
    let jwk = json!({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]});
    probe.refused("13", &probe.by(rsa, &json!({"alg": "RS256", "jwk": jwk}), &none));
    let (header, claims) = probe.changed(&json!({"alg": "none"}), &none);
    probe.refused("14", &format!("{}.{}.", b64(&header), b64(&claims)));
    probe.refused("14", &head(json!({"alg": "none"})));
    let whole = good();
    let (input, _) = whole.rsplit_once('.').unwrap();
    probe.refused("15", &format!("{input}.{}", b64([1; 64])));
    let mut private = probe.client.proof_header()["jwk"].clone();
    private["d"] = b64([7; 32]).into();
    probe.refused("16", &head(json!({"jwk": private})));
    probe.refused("17", &claim(json!({"htm": "POST"})));
    let htu = format!("{}{RESOURCE}", probe.client.issuer());
    probe.taken("18", &claim(json!({"htu": format!("{htu}?a=b#c")})));
    probe.taken("19", &claim(json!({"htu": htu})));
    probe.refused("20", &claim(json!({"htu": format!("{}/userinfo", probe.client.issuer())})));
    probe.refused("21", &claim(json!({"iat": now() + 3_600})));
    probe.refused("22", &claim(json!({"iat": now() - 3_600})));
    let once = good();
    probe.taken("23", &once);
    probe.refused("24", &once);
    probe.refused("25", &claim(json!({"ath": b64([7; 32])})));
    let stranger = SigningKey::generate(Alg::ES256).unwrap().0;
    probe.refused("26", &probe.by(stranger, &none, &none));
    probe.taken("27", &probe.proof(&json!({"x": 1}), &json!({"y": {"z": [null]}})));
    let capitals = htu.replacen("https://localhost", "HTTPS://LOCALHOST", 1);
    probe.taken("28", &claim(json!({"htu": capitals})));
    // 29, the default port, needs one to listen at: `dpop.rs` of the crate `jose` and
    // `senders.rs` of the decisions have it. Here another port must not pass for ours.
    let (_, path) = htu.rsplit_once(':').unwrap().1.split_once('/').unwrap();
    probe.refused("29", &claim(json!({"htu": format!("https://localhost:443/{path}")})));
    refused("30", &probe.send("DPoP", &[]));
    refused("31", &probe.send("Bearer", &[]));
    refused("31", &probe.send("Bearer", &[("dpop", &good())]));
    probe.taken("32", &good());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of proofs")]
fn probes_of_our_own() {
    let server = Server::shared();
    let probe = Probe::new(&server);
    let none = json!({});
    let htu = format!("{}{RESOURCE}", probe.client.issuer());
    let claim = |claims: Value| probe.proof(&none, &claims);
    // R24: clocks differ.
    for seconds in [-10_i64, 8] {
        let iat = now().checked_add_signed(seconds).unwrap();
        probe.taken("a clock that differs", &claim(json!({"iat": iat, "nbf": 1, "exp": 2})));
    }
    for claims in [
        json!({"htm": "get"}),
        json!({"htm": ["GET"]}),
        json!({"htu": htu.replacen("https", "http", 1)}),
        json!({"htu": htu.replacen("localhost", "127.0.0.1", 1)}),
        json!({"htu": htu.replacen("localhost", "localhost.", 1)}),
        json!({"htu": htu.replacen("localhost", "a@localhost", 1)}),
        json!({"htu": htu.replacen("localhost", "evil.example\\@localhost", 1)}),
        json!({"htu": format!("{htu}/")}),
        json!({"htu": htu.replacen("demo", "%64emo", 1)}),
        json!({"htu": htu.replacen("demo", "x/../demo", 1)}),
        json!({"htu": htu.replacen("/o/fapi2", "/o/fapi2-ms", 1)}),
        json!({"htu": RESOURCE}),
        json!({"htu": [htu]}),
        json!({"htu": format!("{htu} ")}),
        json!({"iat": now().to_string()}),
        json!({"iat": -1}),
        json!({"iat": 1e300}),
        json!({"iat": now() as f64 + 0.5}),
        json!({"iat": null}),
        json!({"jti": ""}),
        json!({"jti": 7}),
        json!({"jti": "j".repeat(256)}),
        json!({"ath": probe.token}),
        json!({"ath": ""}),
        json!({"nonce": "not one of ours"}),
        json!({"nonce": 1}),
    ] {
        probe.refused(&claims.to_string(), &claim(claims.clone()));
    }
    let jwk = probe.client.proof_header()["jwk"].clone();
    let with = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        json!({"jwk": jwk})
    };
    for header in [
        json!({"jwk": {"kty": "oct", "k": "AAAA"}}),
        json!({"jwk": {}}),
        json!({"jwk": []}),
        json!({"jwk": "x"}),
        json!({"jwk": null, "kid": "elliptic"}),
        json!({"jwk": null, "x5c": ["MIIB"]}),
        with("x", b64([0; 32]).into()),
        with("x", b64([0xff; 31]).into()),
        with("y", jwk["x"].clone()),
        with("crv", "P-384".into()),
        with("crv", "secp256k1".into()),
        with("kty", "OKP".into()),
        with("use", "enc".into()),
        with("alg", "ES384".into()),
        with("k", "AAAA".into()),
        json!({"crit": ["exp"]}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"zip": "DEF"}),
        json!({"jku": "https://evil.example/jwks"}),
        json!({"alg": "EdDSA"}),
        json!({"alg": "HS256"}),
        json!({"typ": "dpop"}),
        json!({"typ": "DPOP+JWT2"}),
    ] {
        probe.refused(&header.to_string(), &probe.proof(&header, &none));
    }
    // A name twice: two readers would see two proofs.
    let (header, claims) = probe.changed(&none, &none);
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        let said: Value = serde_json::from_str(&claims).unwrap();
        let twice = claims.replacen('{', &format!("{{\"{name}\":{},", said[name]), 1);
        probe.refused(name, &probe.client.signed(&header, &twice));
    }
    let twice = header.replacen('{', "{\"alg\":\"ES256\",", 1);
    probe.refused("alg twice", &probe.client.signed(&twice, &claims));
    let good = probe.proof(&none, &none);
    for spoiled in [
        String::new(),
        format!("{good}."),
        format!("{good}="),
        format!("{good}.{good}"),
        format!("{good},{good}"),
        good.replacen('.', "..", 1),
        good[..good.len() - 1].to_owned(),
        "a".repeat(9_000),
    ] {
        refused(&spoiled, &probe.send("DPoP", &[("dpop", &spoiled)]));
    }
    probe.taken("and a good one", &good);
}

#[test]
fn a_proof_is_for_one_request_at_one_endpoint() {
    let server = Server::shared();
    let client = Fapi::plain(&server);
    let more = "grant_type=client_credentials&scope=accounts";
    let proof = client.proof("POST", "/token", "");
    client.post("/token", &client.assertion(), more, &proof).expect(200);
    let again = client.post("/token", &client.assertion(), more, &proof).expect(400);
    assert_eq!(again.member("error"), "invalid_dpop_proof");
    // The id of one that was used elsewhere is another proof's, unless the key is the same one.
    let jti = unique();
    let same = |method: &str, path: &str, token: &str| {
        let mut claims = client.proof_claims(method, path, token);
        claims["jti"] = jti.clone().into();
        client.signed(&client.proof_header().to_string(), &claims.to_string())
    };
    let token = client.post("/token", &client.assertion(), more, &same("POST", "/token", ""));
    let token = token.expect(200).member("access_token");
    let authorization = format!("DPoP {token}");
    let proof = same("GET", RESOURCE, &token);
    let headers = [("authorization", &*authorization), ("dpop", &*proof)];
    refused("the same jti", &client.send("GET", RESOURCE, &headers, ""));
}

#[test]
fn a_token_of_another_key_is_not_carried_by_a_good_proof() {
    let server = Server::shared();
    let probe = Probe::new(&server);
    let key = SigningKey::generate(Alg::ES256).unwrap().0;
    let thief = Fapi { key, ..Fapi::plain(&server) };
    let proof = thief.proof("GET", RESOURCE, &probe.token);
    refused("a stolen token", &probe.send("DPoP", &[("dpop", &proof)]));
    // Scheme names have no case, and a token in the query is none.
    for scheme in ["dpop", "DPOP", "dPoP"] {
        let proof = probe.proof(&json!({}), &json!({}));
        assert_eq!(probe.send(scheme, &[("dpop", &proof)]).status, 200, "{scheme}");
    }
    let target = format!("{RESOURCE}?access_token={}", probe.token);
    let proof = probe.proof(&json!({}), &json!({}));
    let answer = probe.client.send("GET", &target, &[("dpop", &proof)], "");
    assert!(matches!(answer.status, 400 | 401), "{}", answer.text());
}
