//! Tokens of our own.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwk::Jwk;
use counterfoil_jose::jws::JwsFault;
use counterfoil_jose::jwt::{NumericDate, OWN_LEN_MAX, claims, issue, verify_own};
use counterfoil_jose::key::VerifyingKey;
use counterfoil_protocol::ids::Kid;
use counterfoil_protocol::moment::Moment;
use serde::{Deserialize, Serialize};

use crate::support::{b64, key, public, sign};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: NumericDate,
}

fn example() -> Claims {
    Claims { sub: "a\"b".into(), exp: NumericDate(Moment(1_795_283_141)) }
}

fn kid(name: &str) -> Kid {
    Kid::parse(name).unwrap()
}

#[test]
fn a_token_of_ours_is_taken_back() {
    let (es256, rs256) = (public(Alg::ES256), public(Alg::RS256));
    let keys = [("k1", &rs256, Alg::RS256), ("k2", &es256, Alg::ES256)];
    let raw = issue(key(Alg::ES256), "JWT", &kid("k2"), &example()).unwrap();
    let payload = verify_own(&raw, "JWT", keys).unwrap();
    assert_eq!(payload, br#"{"sub":"a\"b","exp":1795283141}"#);
    assert_eq!(claims::<Claims>(&payload), Ok(example()));
    verify_own(&raw, "jwt", keys).unwrap();
}

#[test]
fn the_kid_chooses_the_key_and_the_key_its_algorithm() {
    let rsa = public(Alg::RS256);
    let keys = [("k1", &rsa, Alg::PS256)];
    let raw = issue(key(Alg::RS256), "JWT", &kid("k1"), &example()).unwrap();
    assert_eq!(verify_own(&raw, "JWT", keys), Err(JwsFault::Algorithm));
    let raw = issue(key(Alg::RS256), "JWT", &kid("k2"), &example()).unwrap();
    assert_eq!(verify_own(&raw, "JWT", keys), Err(JwsFault::KeyUnknown));
    let raw = sign(key(Alg::RS256), r#"{"alg":"RS256","typ":"JWT"}"#, "{}");
    assert_eq!(verify_own(&raw, "JWT", keys), Err(JwsFault::KeyUnknown));
    let keys = [("k1", &rsa, Alg::RS256)];
    let raw = issue(key(Alg::PS256), "JWT", &kid("k1"), &example()).unwrap();
    assert_eq!(verify_own(&raw, "JWT", keys), Err(JwsFault::Algorithm));
    let other =
        VerifyingKey::from_jwk(&Jwk { alg: None, ..key(Alg::PS256).public_jwk("k") }).unwrap();
    let raw = issue(key(Alg::RS256), "JWT", &kid("k1"), &example()).unwrap();
    assert_eq!(verify_own(&raw, "JWT", [("k1", &other, Alg::RS256)]), Err(JwsFault::Signature));
}

#[test]
fn one_kind_of_token_is_not_taken_for_another() {
    let es256 = public(Alg::ES256);
    let keys = [("k1", &es256, Alg::ES256)];
    let raw = issue(key(Alg::ES256), "JWT", &kid("k1"), &example()).unwrap();
    assert_eq!(verify_own(&raw, "at+jwt", keys), Err(JwsFault::Type));
    let raw = sign(key(Alg::ES256), r#"{"alg":"ES256","kid":"k1"}"#, "{}");
    assert_eq!(verify_own(&raw, "JWT", keys), Err(JwsFault::Type));
    let long = format!("{}.{}.AQ", b64(r#"{"alg":"ES256"}"#), "A".repeat(OWN_LEN_MAX));
    assert_eq!(verify_own(&long, "JWT", keys), Err(JwsFault::TooLong));
}

#[test]
fn claims_are_read_strictly() {
    for payload in [
        r#"{"sub":"a","exp":1,"exp":2}"#,
        r#"{"sub":"a","exp":1,"x":{"y":1,"y":1}}"#,
        r#"{"sub":"a","exp":"1"}"#,
        r#"{"sub":"a","exp":-1}"#,
        r#"{"sub":"a","exp":1.5}"#,
        r#"{"sub":"a","exp":9007199254740993}"#,
        r#"{"sub":"a"}"#,
        "[]",
    ] {
        assert_eq!(claims::<Claims>(payload.as_bytes()), Err(JwsFault::Malformed), "{payload}");
    }
    let float = claims::<Claims>(br#"{"sub":"a","exp":1e9}"#).unwrap();
    assert_eq!(float.exp, NumericDate(Moment(1_000_000_000)));
}
