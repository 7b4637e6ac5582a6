//! The compact form, and what does not have it.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws::{Compact, JwsFault, Protected, encode, finish, signing_input};
use counterfoil_jose::key::KeyError;

use crate::support::{b64, key, public, sign};

const LEN_MAX: usize = 1 << 21;

fn fault(raw: &str) -> JwsFault {
    Compact::parse(raw, LEN_MAX).unwrap_err()
}

fn with_header(header: &str) -> String {
    format!("{}.{}.{}", b64(header), b64("{}"), b64("signature"))
}

#[test]
fn what_is_encoded_is_read_back() {
    for alg in Alg::ALL {
        let header = Protected::new(alg, Some("at+jwt"), Some("k1"));
        let raw = encode(&header, b"{\"a\":1}", key(alg)).unwrap();
        let message = Compact::parse(&raw, LEN_MAX).unwrap();
        assert_eq!(message.header().alg, alg);
        assert_eq!(message.header().typ.as_deref(), Some("at+jwt"));
        assert_eq!(message.header().kid.as_deref(), Some("k1"));
        assert_eq!(message.verify(&public(alg), &[alg]), Ok(b"{\"a\":1}".as_slice()));
        let json = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"k1"}}"#);
        assert!(raw.starts_with(&b64(json)));
    }
}

#[test]
fn a_signature_made_elsewhere_is_joined() {
    let input = signing_input(br#"{"alg":"ES256"}"#, b"payload");
    let signature = key(Alg::ES256).sign(input.as_bytes()).unwrap();
    let raw = finish(input, &signature);
    let message = Compact::parse(&raw, LEN_MAX).unwrap();
    assert_eq!(message.verify(&public(Alg::ES256), &[Alg::ES256]), Ok(b"payload".as_slice()));
}

#[test]
fn a_header_cannot_name_another_algorithm_than_the_key() {
    let header = Protected::new(Alg::RS256, None, None);
    assert_eq!(encode(&header, b"{}", key(Alg::PS256)), Err(KeyError::AlgorithmMismatch));
}

#[test]
fn none_and_hmac_are_unknown_algorithms() {
    for alg in ["none", "None", "nOnE", "HS256", "HS384", "HS512", "", "RS256\\u0000"] {
        assert_eq!(fault(&with_header(&format!(r#"{{"alg":"{alg}"}}"#))), JwsFault::Algorithm);
    }
    // The classic: no signature at all.
    assert_eq!(fault(&format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64("{}"))), JwsFault::Algorithm);
    assert_eq!(
        fault(&format!("{}.{}.", b64(r#"{"alg":"ES256"}"#), b64("{}"))),
        JwsFault::Malformed
    );
}

#[test]
fn an_algorithm_must_be_allowed_and_fit_the_key() {
    let raw = sign(key(Alg::RS256), r#"{"alg":"RS256"}"#, "{}");
    let message = Compact::parse(&raw, LEN_MAX).unwrap();
    assert_eq!(message.verify(&public(Alg::RS256), &[]), Err(JwsFault::Algorithm));
    assert_eq!(message.verify(&public(Alg::RS256), &[Alg::PS256]), Err(JwsFault::Algorithm));
    assert_eq!(message.verify(&public(Alg::ES256), &[Alg::RS256]), Err(JwsFault::Signature));
    // The header lies about how it was signed.
    let raw = sign(key(Alg::RS256), r#"{"alg":"PS256"}"#, "{}");
    let message = Compact::parse(&raw, LEN_MAX).unwrap();
    assert_eq!(message.verify(&public(Alg::RS256), &Alg::ALL), Err(JwsFault::Signature));
}

#[test]
fn critical_parameters_are_refused_although_the_signature_is_right() {
    for header in [
        r#"{"alg":"ES256","crit":["urn:must-understand"],"urn:must-understand":1}"#,
        r#"{"alg":"ES256","crit":["exp"]}"#,
        r#"{"alg":"ES256","crit":[]}"#,
        r#"{"alg":"ES256","crit":null}"#,
        r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"ES256","b64":false}"#,
        r#"{"alg":"ES256","b64":true}"#,
    ] {
        assert_eq!(fault(&sign(key(Alg::ES256), header, "{}")), JwsFault::Critical, "{header}");
    }
    assert_eq!(fault(&with_header(r#"{"alg":"ES256","zip":"DEF"}"#)), JwsFault::Malformed);
}

#[test]
fn a_message_does_not_bring_its_own_key() {
    let jwk = serde_json::to_string(&key(Alg::ES256).public_jwk("k")).unwrap();
    let own = format!(r#"{{"alg":"ES256","jwk":{jwk}}}"#);
    let raw = sign(key(Alg::ES256), &own, "{}");
    assert_eq!(fault(&raw), JwsFault::KeyEmbedded);
    for name in ["x5c", "jku", "x5u"] {
        let header = format!(r#"{{"alg":"ES256","{name}":"https://attacker.example/"}}"#);
        assert_eq!(fault(&with_header(&header)), JwsFault::KeyEmbedded);
        assert_eq!(
            Compact::parse_with_jwk(&with_header(&header), LEN_MAX).unwrap_err(),
            JwsFault::KeyEmbedded
        );
    }
    // Profiles that prove possession take it, and only a public one.
    let message = Compact::parse_with_jwk(&raw, LEN_MAX).unwrap();
    assert_eq!(message.header().jwk, Some(key(Alg::ES256).public_jwk("k")));
    let private = with_header(r#"{"alg":"ES256","jwk":{"kty":"EC","d":"AQ"}}"#);
    assert_eq!(Compact::parse_with_jwk(&private, LEN_MAX).unwrap_err(), JwsFault::Key);
    let text = with_header(r#"{"alg":"ES256","jwk":"x"}"#);
    assert_eq!(Compact::parse_with_jwk(&text, LEN_MAX).unwrap_err(), JwsFault::Key);
}

#[test]
fn a_header_is_one_object_with_each_member_once() {
    for header in [
        r#"{"alg":"ES256","alg":"none"}"#,
        r#"{"alg":"ES256","x":1,"x":1}"#,
        r#"{"alg":"ES256","\u0061lg":"RS256"}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":["ES256"]}"#,
        r#"{"alg":null}"#,
        r#"{"alg":"ES256","kid":1}"#,
        r#"{"alg":"ES256","typ":{}}"#,
        r#"{"alg":"ES256","x5t":1}"#,
        r#"{"alg":"ES256"}{}"#,
        r#"["ES256"]"#,
        r#""ES256""#,
        "{\"alg\":\"ES256\"",
        "\u{feff}{\"alg\":\"ES256\"}",
        "",
    ] {
        assert_eq!(fault(&with_header(header)), JwsFault::Malformed, "{header}");
    }
    let latin1 = [b"{\"alg\":\"ES256\",\"kid\":\"".as_slice(), b"\xe9", b"\"}"].concat();
    assert_eq!(fault(&format!("{}.e30.AQ", b64(latin1))), JwsFault::Malformed);
}

#[test]
fn base64url_has_one_spelling() {
    let header = b64(r#"{"alg":"ES256"}"#);
    for raw in [
        format!("{header}.e31.AQ"),
        format!("{header}.e30=.AQ"),
        format!("{header}.e30.AR"),
        format!("{header}.e30.AQ=="),
        format!("{header}.e30.A"),
        format!("{header}.e3 0.AQ"),
        format!("{header}.e30.AQ\n"),
        format!(" {header}.e30.AQ"),
        format!("{header}.e30.+/8"),
        format!("{header}.e30.AQ.AQ"),
        format!("{header}..e30.AQ"),
        format!("{header}.e30"),
        format!("{header}é.e30.AQ"),
        header,
        "..".into(),
        ".".into(),
        String::new(),
    ] {
        assert_eq!(fault(&raw), JwsFault::Malformed, "{raw}");
    }
}

#[test]
fn length_is_bounded_before_anything_is_decoded() {
    let raw = with_header(r#"{"alg":"ES256"}"#);
    Compact::parse(&raw, raw.len()).unwrap();
    assert_eq!(Compact::parse(&raw, raw.len() - 1).unwrap_err(), JwsFault::TooLong);
    let mebibyte = with_header(&format!(r#"{{"alg":"ES256","x":"{}"}}"#, "a".repeat(1 << 20)));
    assert_eq!(fault(&mebibyte), JwsFault::TooLong);
    let deep =
        with_header(&format!(r#"{{"alg":"ES256","x":{}1{}}}"#, "[".repeat(2000), "]".repeat(2000)));
    assert_eq!(fault(&deep), JwsFault::Malformed);
}

#[test]
fn a_message_prints_nothing_of_its_content() {
    let raw = sign(key(Alg::ES256), r#"{"alg":"ES256"}"#, r#"{"sub":"alice"}"#);
    assert_eq!(format!("{:?}", Compact::parse(&raw, LEN_MAX).unwrap()), "Compact(ES256)");
}
