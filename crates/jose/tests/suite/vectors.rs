//! Examples of RFC 7515, 7520, 7638 and 8037.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwk::Jwk;
use counterfoil_jose::jws::{Compact, JwsFault, Protected, encode};
use counterfoil_jose::key::{SigningKey, VerifyingKey};
use counterfoil_jose::thumbprint::jwk_thumbprint;
use serde_json::Value;

use crate::support::{b64, unb64};

const VECTORS: &str = include_str!("../data/rfc_signatures.json");
const RSA_PKCS1: &str = include_str!("../data/rfc7520-rsa-pkcs1.pem");

struct Vector {
    name: String,
    alg: Alg,
    jwk: Jwk,
    compact: String,
}

fn vectors() -> Vec<Vector> {
    let all: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let read = |vector: &Value| Vector {
        name: vector["name"].as_str().unwrap().into(),
        alg: Alg::parse(vector["alg"].as_str().unwrap()).unwrap(),
        jwk: serde_json::from_value(vector["jwk"].clone()).unwrap(),
        compact: vector["compact"].as_str().unwrap().into(),
    };
    all.iter().map(read).collect()
}

#[test]
fn the_signatures_of_the_rfcs_verify() {
    assert_eq!(vectors().len(), 7);
    for Vector { name, alg, jwk, compact } in vectors() {
        let message = Compact::parse(&compact, 4096).unwrap();
        let key = VerifyingKey::from_jwk(&jwk).unwrap();
        let payload =
            message.verify(&key, &[alg]).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(b64(payload), compact.split('.').nth(1).unwrap(), "{name}");
        let others: Vec<_> = Alg::ALL.into_iter().filter(|other| *other != alg).collect();
        assert_eq!(message.verify(&key, &others), Err(JwsFault::Algorithm), "{name}");
    }
}

#[test]
fn a_changed_bit_anywhere_does_not_verify() {
    for Vector { name, alg, jwk, compact } in vectors() {
        let key = VerifyingKey::from_jwk(&jwk).unwrap();
        let (input, signature) = compact.rsplit_once('.').unwrap();
        let signature = unb64(signature);
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 0x10;
            assert!(!key.verify(alg, input.as_bytes(), &changed), "{name} {at}");
        }
        for at in 0..input.len() {
            let mut changed = input.as_bytes().to_vec();
            changed[at] ^= 1;
            assert!(!key.verify(alg, &changed, &signature), "{name} {at}");
        }
        assert!(key.verify(alg, input.as_bytes(), &signature), "{name}");
    }
}

#[test]
fn deterministic_signatures_are_the_same_as_in_the_rfcs() {
    // RFC 7520 §4.1.
    let vector = vectors().into_iter().find(|v| v.name == "RFC 7520 4.1").unwrap();
    let key = SigningKey::from_pem(Alg::RS256, RSA_PKCS1).unwrap();
    let header = Protected::new(Alg::RS256, None, Some("bilbo.baggins@hobbiton.example"));
    let payload = unb64(vector.compact.split('.').nth(1).unwrap());
    assert_eq!(encode(&header, &payload, &key).unwrap(), vector.compact);
    // RFC 8037 A.4; the seed in PKCS#8 (RFC 8410 §7).
    let vector = vectors().into_iter().find(|v| v.name == "RFC 8037 A.4").unwrap();
    let mut pkcs8 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    pkcs8.extend(unb64("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
    let key = SigningKey::from_pkcs8(Alg::EdDSA, &pkcs8).unwrap();
    let header = Protected::new(Alg::EdDSA, None, None);
    assert_eq!(encode(&header, b"Example of Ed25519 signing", &key).unwrap(), vector.compact);
    assert_eq!(key.public_jwk("k").x, vector.jwk.x);
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let named = |name: &str| vectors().into_iter().find(|v| v.name == name).unwrap().jwk;
    let print = |jwk: &Jwk| b64(jwk_thumbprint(jwk).unwrap());
    // RFC 8037 A.3.
    let okp = named("RFC 8037 A.4");
    assert_eq!(print(&okp), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    // RFC 7638 §3.1.
    let rsa: Jwk = serde_json::from_str(
        r#"{"kty":"RSA","alg":"RS256","kid":"2011-04-29","e":"AQAB",
        "n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#,
    )
    .unwrap();
    assert_eq!(print(&rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // The members that are not required do not count; the required ones must be there.
    assert_eq!(print(&Jwk { kid: None, alg: None, ..rsa.clone() }), print(&rsa));
    assert_eq!(jwk_thumbprint(&Jwk { e: None, ..rsa }), None);
    assert_eq!(jwk_thumbprint(&Jwk { kty: "oct".into(), ..okp.clone() }), None);
    assert_eq!(jwk_thumbprint(&Jwk { crv: None, ..okp }), None);
    let ec = named("RFC 7515 A.3");
    assert_eq!(print(&ec), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    assert_eq!(jwk_thumbprint(&Jwk { y: None, ..ec }), None);
}
