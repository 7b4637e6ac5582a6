//! Public keys as JSON.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwk::{Jwk, JwkSet, KEYS_MAX};

use crate::support::key;

fn read(json: &str) -> Result<Jwk, serde_json::Error> {
    serde_json::from_str(json)
}

#[test]
fn private_and_symmetric_keys_are_refused() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        read(&format!(r#"{{"kty":"RSA","n":"AQ","e":"AQAB","{member}":"AQ"}}"#)).unwrap_err();
        read(&format!(r#"{{"kty":"RSA","{member}":null}}"#)).unwrap_err();
    }
    let error = read(r#"{"kty":"oct","k":"c2VjcmV0"}"#).unwrap_err().to_string();
    assert!(!error.contains("c2VjcmV0"), "{error}");
}

#[test]
fn a_repeated_member_is_refused_and_an_unknown_one_ignored() {
    read(r#"{"kty":"RSA","kty":"EC"}"#).unwrap_err();
    read(r#"{"kty":"RSA","unknown":1,"unknown":2}"#).unwrap_err();
    let jwk = read(r#"{"kty":"EC","x5c":["AQ"],"key_ops":["verify"]}"#).unwrap();
    assert_eq!(serde_json::to_string(&jwk).unwrap(), r#"{"kty":"EC"}"#);
}

#[test]
fn members_are_text_of_bounded_length() {
    read(r#"{"n":"AQ"}"#).unwrap_err();
    read(r#"{"kty":1}"#).unwrap_err();
    read(r#"{"kty":"RSA","n":null}"#).unwrap_err();
    read(r#"["RSA"]"#).unwrap_err();
    read(&format!(r#"{{"kty":"RSA","n":"{}"}}"#, "A".repeat(2048))).unwrap();
    read(&format!(r#"{{"kty":"RSA","n":"{}"}}"#, "A".repeat(2049))).unwrap_err();
}

#[test]
fn a_key_is_written_compact_and_in_one_order() {
    let json = serde_json::to_string(&key(Alg::ES256).public_jwk("k1")).unwrap();
    let start = r#"{"kty":"EC","use":"sig","alg":"ES256","kid":"k1","crv":"P-256","x":""#;
    assert!(json.starts_with(start), "{json}");
    let json = serde_json::to_string(&key(Alg::RS256).public_jwk("k1")).unwrap();
    assert!(json.starts_with(r#"{"kty":"RSA","use":"sig","alg":"RS256","kid":"k1","n":""#));
    assert!(json.ends_with(r#"","e":"AQAB"}"#));
}

#[test]
fn a_set_is_bounded_and_holds_public_keys_only() {
    let set =
        |count: usize| format!(r#"{{"keys":[{}]}}"#, vec![r#"{"kty":"EC"}"#; count].join(","));
    let read = |json: &str| serde_json::from_str::<JwkSet>(json);
    assert_eq!(read(&set(KEYS_MAX)).unwrap().keys.len(), KEYS_MAX);
    read(&set(KEYS_MAX + 1)).unwrap_err();
    read(r#"{"keys":[{"kty":"RSA","d":"AQ"}]}"#).unwrap_err();
    read(r#"{"keys":[],"keys":[]}"#).unwrap_err();
    read(r#"{"keys":{}}"#).unwrap_err();
    read(r#"{"keys":["x"]}"#).unwrap_err();
    read("{}").unwrap_err();
    let empty = JwkSet { keys: vec![] };
    assert_eq!(serde_json::to_string(&empty).unwrap(), r#"{"keys":[]}"#);
}
