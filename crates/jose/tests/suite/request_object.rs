//! Request objects: one fault at a time, and what a good one becomes.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::request_object::{FAPI, From, OPENID, Profile, Signed, open};
use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::refusal::RequestObjectFault as Fault;

use crate::support::{NOW, b64, key, public, registered, sign};

const ISSUER: &str = "https://as.example/o/fapi2-ms";
const HEADER: &str = r#"{"alg":"PS256"}"#;

fn good() -> String {
    let (from, to) = (NOW.0, NOW.0 + 300);
    format!(
        r#"{{"iss":"c1","aud":"{ISSUER}","nbf":{from},"exp":{to},"client_id":"c1","response_type":"code"}}"#
    )
}

fn with(profile: &Profile, raw: &str) -> Result<Signed, Fault> {
    let client = ClientId::parse("c1").unwrap();
    let keys = [registered(public(Alg::PS256))];
    let from = From { client: &client, keys: &keys, allowed: &[Alg::PS256, Alg::ES256] };
    open(raw, profile, from, ISSUER, NOW)
}

fn fapi(header: &str, payload: &str) -> Result<Signed, Fault> {
    with(&FAPI, &sign(key(Alg::PS256), header, payload))
}

/// The good payload with one text replaced.
fn but(old: &str, new: &str) -> Result<Signed, Fault> {
    let payload = good();
    assert!(payload.contains(old), "{old}");
    fapi(HEADER, &payload.replace(old, new))
}

#[test]
fn a_good_object_becomes_parameters() {
    let pairs = |signed: Signed| signed.parameters;
    let plain = fapi(HEADER, &good()).map(pairs).unwrap();
    let both = [("client_id", "c1"), ("response_type", "code")];
    assert_eq!(plain, both.map(|(k, v)| (k.to_owned(), v.to_owned())));
    let rich = r#","max_age":0,"claims":{"userinfo":{"name":null}},"resource":["https://a","https://b"],"x":null}"#;
    let found = but("}", rich).map(pairs).unwrap();
    for pair in [
        ("max_age", "0"),
        ("claims", r#"{"userinfo":{"name":null}}"#),
        ("resource", "https://a"),
        ("resource", "https://b"),
    ] {
        assert!(found.iter().any(|(k, v)| (&**k, &**v) == pair), "{pair:?} in {found:?}");
    }
    assert!(found.iter().all(|(name, _)| name != "x"));
}

#[test]
fn the_issuer_may_stand_among_others_and_the_type_may_be_said() {
    let (one, several) = (format!(r#""{ISSUER}""#), format!(r#"["https://x","{ISSUER}"]"#));
    assert!(but(&one, &several).is_ok());
    for typ in ["JWT", "oauth-authz-req+jwt", "application/OAuth-Authz-Req+JWT"] {
        let header = format!(r#"{{"alg":"PS256","typ":"{typ}"}}"#);
        assert!(fapi(&header, &good()).is_ok(), "{typ}");
    }
    for typ in ["client-authentication+jwt", "dpop+jwt", ""] {
        let header = format!(r#"{{"alg":"PS256","typ":"{typ}"}}"#);
        assert_eq!(fapi(&header, &good()), Err(Fault::Type), "{typ}");
    }
}

#[test]
fn each_name_must_be_right() {
    let issuer = r#""iss":"c1""#;
    assert_eq!(but(issuer, r#""iss":"c2""#), Err(Fault::Issuer));
    assert_eq!(but(&format!("{issuer},"), ""), Err(Fault::Issuer));
    assert_eq!(but(issuer, r#""iss":1"#), Err(Fault::Malformed));
    assert_eq!(but(r#""client_id":"c1""#, r#""client_id":"c2""#), Err(Fault::ClientId));
    assert_eq!(but(issuer, r#""iss":"c1","sub":"c1""#), Err(Fault::Subject));
    for audience in [
        r#""https://as.example/o/fapi2-ms/par""#,
        r#""https://as.example/o/fapi2-ms/""#,
        r#""HTTPS://as.example/o/fapi2-ms""#,
        "[]",
        "{}",
        "null",
        "1",
    ] {
        let fault = but(&format!(r#""{ISSUER}""#), audience);
        assert_eq!(fault, Err(Fault::Audience), "{audience}");
    }
    let absent = but(&format!(r#""aud":"{ISSUER}","#), "");
    assert_eq!(absent, Err(Fault::Audience));
}

#[test]
fn each_moment_must_be_right() {
    let at = |nbf: i64, exp: i64| {
        let now = i64::try_from(NOW.0).unwrap();
        let text =
            good().replace(&format!(r#""nbf":{}"#, NOW.0), &format!(r#""nbf":{}"#, now + nbf));
        fapi(
            HEADER,
            &text.replace(&format!(r#""exp":{}"#, NOW.0 + 300), &format!(r#""exp":{}"#, now + exp)),
        )
    };
    for (nbf, exp) in [(0, 300), (8, 300), (60, 300), (-3300, 300), (0, 3600), (-3599, 1)] {
        assert!(at(nbf, exp).is_ok(), "{nbf} {exp}");
    }
    assert_eq!(at(-3600, 0), Err(Fault::NotActive));
    assert_eq!(at(-3600, 1), Err(Fault::LifetimeTooLong));
    assert_eq!(at(61, 300), Err(Fault::NotActive));
    assert_eq!(at(0, -3600), Err(Fault::NotActive));
    assert_eq!(at(-4200, 300), Err(Fault::LifetimeTooLong));
    assert_eq!(at(0, 4200), Err(Fault::LifetimeTooLong));
    assert_eq!(but(&format!(r#""exp":{},"#, NOW.0 + 300), ""), Err(Fault::ExpiryMissing));
    assert_eq!(but(&format!(r#""nbf":{},"#, NOW.0), ""), Err(Fault::NotBeforeMissing));
    let text = but(&format!(r#""nbf":{},"#, NOW.0), r#""nbf":"now","#);
    assert_eq!(text, Err(Fault::Malformed));
}

#[test]
fn the_signature_must_be_the_clients_own() {
    let other = sign(key(Alg::ES256), r#"{"alg":"ES256"}"#, &good());
    assert_eq!(with(&FAPI, &other), Err(Fault::SignatureWrong));
    let rs256 = sign(key(Alg::RS256), r#"{"alg":"RS256"}"#, &good());
    assert_eq!(with(&FAPI, &rs256), Err(Fault::Algorithm));
    let none = format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(good()));
    assert_eq!(with(&FAPI, &none), Err(Fault::Algorithm));
    let named = fapi(r#"{"alg":"PS256","kid":"k9"}"#, &good());
    assert_eq!(named, Err(Fault::KeyUnknown));
    let critical = fapi(r#"{"alg":"PS256","crit":["b64"],"b64":false}"#, &good());
    assert_eq!(critical, Err(Fault::Critical));
    let signed = sign(key(Alg::PS256), HEADER, &good());
    let (message, _) = signed.rsplit_once('.').unwrap();
    assert_eq!(with(&FAPI, &format!("{message}.AAAA")), Err(Fault::SignatureWrong));
}

#[test]
fn a_request_holds_no_other_request_and_no_member_twice() {
    for member in [r#","request":"x"}"#, r#","request_uri":"urn:x"}"#] {
        assert_eq!(but("}", member), Err(Fault::Nested));
    }
    assert_eq!(but("}", r#","client_id":"c1"}"#), Err(Fault::Malformed));
    assert_eq!(but("}", r#","state":"a\u0000b"}"#), Err(Fault::Malformed));
    for raw in ["", "x", "a.b.c", "a.b.c.d.e", &"a".repeat(40_000)] {
        assert_eq!(with(&FAPI, raw), Err(Fault::Malformed), "{}", raw.len());
    }
}

#[test]
fn plain_openid_demands_only_the_signature() {
    let bare = sign(key(Alg::PS256), HEADER, r#"{"response_type":"code"}"#);
    assert!(with(&OPENID, &bare).is_ok());
    assert_eq!(with(&FAPI, &bare), Err(Fault::Issuer));
    let wrong = sign(key(Alg::PS256), HEADER, r#"{"iss":"c2"}"#);
    assert_eq!(with(&OPENID, &wrong), Err(Fault::Issuer));
}
