//! Client assertions: every row of surfaces.md 4.4.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::assertion::{
    ASSERTION_LEN_MAX, Profile, RFC7523, Received, RegisteredKey, Verified, WORLDLINE,
};
use counterfoil_protocol::ids::hex;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::AssertionFault;

use crate::support::{NOW, b64, key, public, registered, sign};

const ISSUER: &str = "https://id.example/auth/realms/r";
const TOKEN_URL: &str = "https://id.example/auth/realms/r/protocol/openid-connect/token";
const OURS: [&str; 3] = [ISSUER, TOKEN_URL, "https://id.example/realms/r"];
const HEADER: &str = r#"{"alg":"RS256"}"#;

/// The claims of a good assertion with one of them replaced, added (`was` empty) or left out.
fn claims(was: &str, is: &str) -> String {
    let good = format!(
        r#"{{"sub":"c1","iss":"c1","aud":"{ISSUER}","iat":{},"exp":{},"jti":"j1"}}"#,
        NOW.0,
        NOW.0 + 60
    );
    if was.is_empty() {
        return good.replacen('{', &format!("{{{is}"), 1);
    }
    assert!(good.contains(was), "{was}");
    good.replace(was, is)
}

fn good() -> String {
    claims("\"c1\"", "\"c1\"")
}

fn in_(seconds: i64) -> u64 {
    NOW.0.checked_add_signed(seconds).unwrap()
}

fn known() -> Vec<RegisteredKey> {
    vec![registered(public(Alg::RS256))]
}

fn verify_with(
    raw: &str,
    profile: &Profile,
    keys: &[RegisteredKey],
) -> Result<Verified, AssertionFault> {
    Received::parse(raw)?.verify(profile, keys, &[Alg::RS256], &OURS, NOW)
}

fn verify(header: &str, claims: &str) -> Result<Verified, AssertionFault> {
    verify_with(&sign(key(Alg::RS256), header, claims), &WORLDLINE, &known())
}

fn refused(claims: &str) -> AssertionFault {
    verify(HEADER, claims).unwrap_err()
}

#[test]
fn a_good_assertion_says_who_sent_it_and_how_long_its_id_counts() {
    for profile in [&WORLDLINE, &RFC7523] {
        let raw = sign(key(Alg::RS256), HEADER, &good());
        let verified = verify_with(&raw, profile, &known()).unwrap();
        assert_eq!(verified.subject, "c1");
        assert_eq!(verified.id.as_deref(), Some("j1"));
        assert_eq!(verified.expires, Moment(in_(60 + 10)));
    }
}

#[test]
fn the_sample_of_the_seed_is_taken() {
    let now = Moment(1_781_615_413);
    let payload = r#"{"sub": "5734699", "aud": "https://example-domain/auth/realms/example-realm", "iat": 1781615413, "exp": 1781619013}"#;
    let header = r#"{"alg":"RS256","kid":"B4E11A49EE0D1239E7F784919B91DF577E839385","typ":"JWT"}"#;
    let mut keys = known();
    keys[0].sha1 = Some([
        0xb4, 0xe1, 0x1a, 0x49, 0xee, 0x0d, 0x12, 0x39, 0xe7, 0xf7, 0x84, 0x91, 0x9b, 0x91, 0xdf,
        0x57, 0x7e, 0x83, 0x93, 0x85,
    ]);
    let received = Received::parse(&sign(key(Alg::RS256), header, payload)).unwrap();
    assert_eq!(received.subject(), "5734699");
    assert_eq!(received.kid(), Some("B4E11A49EE0D1239E7F784919B91DF577E839385"));
    assert_eq!(received.alg(), Alg::RS256);
    let ours = ["https://example-domain/auth/realms/example-realm"];
    let verified = received.verify(&WORLDLINE, &keys, &[Alg::RS256], &ours, now).unwrap();
    assert_eq!(verified.id, None);
    let strict = received.verify(&RFC7523, &keys, &[Alg::RS256], &ours, now);
    assert_eq!(strict, Err(AssertionFault::Issuer));
}

#[test]
fn the_form_is_checked_first() {
    let fault = |raw: &str| Received::parse(raw).unwrap_err();
    let signed = |header: &str| sign(key(Alg::RS256), header, &good());
    assert_eq!(fault("x"), AssertionFault::Malformed);
    assert_eq!(fault(&"x".repeat(ASSERTION_LEN_MAX + 1)), AssertionFault::Malformed);
    assert_eq!(fault(&signed(r#"{"alg":"none"}"#)), AssertionFault::Algorithm);
    assert_eq!(fault(&signed(r#"{"alg":"HS256"}"#)), AssertionFault::Algorithm);
    assert_eq!(fault(&signed(r#"{"alg":"RS256","crit":["x"],"x":1}"#)), AssertionFault::Critical);
    assert_eq!(fault(&signed(r#"{"alg":"RS256","jku":"x"}"#)), AssertionFault::Malformed);
    assert_eq!(refused("[]"), AssertionFault::Malformed);
    assert_eq!(refused("text"), AssertionFault::Malformed);
    assert_eq!(refused(&claims("", r#""sub":"c2","#)), AssertionFault::Malformed);
    assert_eq!(refused(&claims("", r#""x":{"y":1,"y":2},"#)), AssertionFault::Malformed);
}

#[test]
fn claims_have_their_types() {
    let exp = format!(r#""exp":{}"#, in_(60));
    for (was, is) in [
        (r#""sub":"c1""#, r#""sub":1"#),
        (r#""sub":"c1""#, r#""sub":"""#),
        (r#""sub":"c1""#, r#""sub":null"#),
        (r#""iss":"c1""#, r#""iss":["c1"]"#),
        (r#""jti":"j1""#, r#""jti":1"#),
        (r#""jti":"j1""#, r#""jti":"""#),
        (exp.as_str(), r#""exp":"1795283185""#),
        (&exp, r#""exp":null"#),
        (&exp, r#""exp":-1"#),
        (&exp, r#""exp":1795283185.5"#),
        (&exp, r#""exp":1e300"#),
        (&format!(r#""iat":{}"#, NOW.0), r#""iat":true"#),
        ("", r#""nbf":"0","#),
        (&format!(r#""{ISSUER}""#), "1"),
        (&format!(r#""{ISSUER}""#), r#"{"a":1}"#),
        (&format!(r#""{ISSUER}""#), "[1]"),
    ] {
        assert_eq!(refused(&claims(was, is)), AssertionFault::Malformed, "{is}");
    }
    let long = format!(r#""jti":"{}""#, "j".repeat(256));
    assert_eq!(refused(&claims(r#""jti":"j1""#, &long)), AssertionFault::Malformed);
    let whole = format!(r#""exp":{}.0"#, in_(60));
    verify(HEADER, &claims(&exp, &whole)).unwrap();
}

#[test]
fn only_the_allowed_algorithms_are_taken() {
    for alg in Alg::ALL {
        let raw = sign(key(alg), &format!(r#"{{"alg":"{alg}"}}"#), &good());
        let received = Received::parse(&raw).unwrap();
        let keys = [registered(public(alg))];
        let with = |allowed: &[Alg]| received.verify(&WORLDLINE, &keys, allowed, &OURS, NOW);
        with(&[alg]).unwrap();
        with(&Alg::ALL).unwrap();
        let others: Vec<_> = Alg::ALL.into_iter().filter(|other| *other != alg).collect();
        assert_eq!(with(&others), Err(AssertionFault::Algorithm));
        assert_eq!(with(&[]), Err(AssertionFault::Algorithm));
    }
}

#[test]
fn a_client_speaks_about_itself() {
    assert_eq!(refused(&claims(r#""sub":"c1","#, "")), AssertionFault::SubjectMissing);
    assert_eq!(refused(&claims(r#""iss":"c1""#, r#""iss":"c2""#)), AssertionFault::Issuer);
    let without = claims(r#""iss":"c1","#, "");
    verify(HEADER, &without).unwrap();
    let raw = sign(key(Alg::RS256), HEADER, &without);
    assert_eq!(verify_with(&raw, &RFC7523, &known()), Err(AssertionFault::Issuer));
}

#[test]
fn the_audience_is_us_in_a_known_spelling() {
    let aud = |is: &str| claims(&format!(r#""{ISSUER}""#), is);
    for ours in OURS {
        verify(HEADER, &aud(&format!(r#""{ours}""#))).unwrap();
        verify(HEADER, &aud(&format!(r#"["{ours}"]"#))).unwrap();
    }
    for other in [
        r#""https://other.example/""#.into(),
        format!(r#""{ISSUER}/""#),
        format!(r#""{}""#, ISSUER.to_uppercase()),
        r#""""#.into(),
        "[]".into(),
    ] {
        assert_eq!(refused(&aud(&other)), AssertionFault::Audience, "{other}");
    }
    assert_eq!(refused(&claims(&format!(r#""aud":"{ISSUER}","#), "")), AssertionFault::Audience);
    let two = aud(&format!(r#"["{ISSUER}","https://other.example/"]"#));
    assert_eq!(refused(&two), AssertionFault::AudienceMultiple);
    let raw = sign(key(Alg::RS256), HEADER, &two);
    verify_with(&raw, &RFC7523, &known()).unwrap();
    let many = format!("[{}]", vec![format!(r#""{ISSUER}""#); 11].join(","));
    assert_eq!(refused(&aud(&many)), AssertionFault::Malformed);
}

#[test]
fn an_assertion_lives_between_its_moments() {
    let with = |iat: Option<i64>, exp: Option<i64>, nbf: Option<i64>| {
        let member = |name: &str, at: Option<i64>| {
            at.map(|at| format!(r#""{name}":{},"#, in_(at))).unwrap_or_default()
        };
        let times = member("iat", iat) + &member("exp", exp) + &member("nbf", nbf);
        verify(HEADER, &format!(r#"{{{times}"sub":"c1","aud":"{ISSUER}"}}"#)).map(|_| ())
    };
    for (iat, exp, nbf, expected) in [
        (Some(0), Some(60), None, Ok(())),
        (Some(0), Some(3600), None, Ok(())),
        (None, Some(3600), None, Ok(())),
        (Some(-3609), Some(-9), None, Ok(())),
        (Some(60), Some(3660), Some(60), Ok(())),
        (Some(0), None, None, Err(AssertionFault::ExpiryMissing)),
        (Some(-3610), Some(-10), None, Err(AssertionFault::NotActive)),
        (None, Some(-11), None, Err(AssertionFault::NotActive)),
        (Some(0), Some(600), Some(61), Err(AssertionFault::NotActive)),
        (Some(61), Some(600), None, Err(AssertionFault::IssuedInFuture)),
        (Some(0), Some(3601), None, Err(AssertionFault::LifetimeTooLong)),
        (Some(-3600), Some(1), None, Err(AssertionFault::LifetimeTooLong)),
        (None, Some(3601), None, Err(AssertionFault::ExpiryTooFar)),
    ] {
        assert_eq!(with(iat, exp, nbf), expected, "iat {iat:?} exp {exp:?} nbf {nbf:?}");
    }
    let forever = claims(&format!(r#""exp":{}"#, in_(60)), r#""exp":9007199254740992"#);
    assert_eq!(refused(&forever), AssertionFault::LifetimeTooLong);
}

#[test]
fn an_id_is_required_where_the_profile_says_so() {
    let without = claims(r#","jti":"j1""#, "");
    assert_eq!(verify(HEADER, &without).unwrap().id, None);
    let raw = sign(key(Alg::RS256), HEADER, &without);
    assert_eq!(verify_with(&raw, &RFC7523, &known()), Err(AssertionFault::IdMissing));
}

#[test]
fn a_key_goes_by_its_fingerprints_or_its_kid() {
    let mut keys = known();
    keys[0].sha1 = Some([0xab; 20]);
    keys[0].sha256 = Some([0xcd; 32]);
    keys[0].kid = Some("my key:1".into());
    let with = |member: &str| {
        let header = format!(r#"{{"alg":"RS256",{member}}}"#);
        verify_with(&sign(key(Alg::RS256), &header, &good()), &WORLDLINE, &keys).map(|_| ())
    };
    let colons = vec!["AB"; 20].join(":");
    for (member, expected) in [
        (format!(r#""kid":"{}""#, hex(&[0xab; 20])), Ok(())),
        (format!(r#""kid":"{}""#, hex(&[0xab; 20]).to_uppercase()), Ok(())),
        (format!(r#""kid":"{colons}""#), Ok(())),
        (format!(r#""kid":"{}""#, hex(&[0xcd; 32])), Ok(())),
        (r#""kid":"my key:1""#.into(), Ok(())),
        (format!(r#""x5t":"{}""#, b64([0xab; 20])), Ok(())),
        (format!(r#""x5t#S256":"{}""#, b64([0xcd; 32])), Ok(())),
        (format!(r#""x5t":"{}","x5t#S256":"{}""#, b64([0xab; 20]), b64([0xcd; 32])), Ok(())),
        // `kid` is asked first.
        (format!(r#""kid":"my key:1","x5t":"{}""#, b64([0; 20])), Ok(())),
        (format!(r#""kid":"{}""#, hex(&[0xaa; 20])), Err(AssertionFault::KeyUnknown)),
        (format!(r#""kid":"{}""#, hex(&[0xab; 32])), Err(AssertionFault::KeyUnknown)),
        (format!(r#""kid":"{}""#, hex(&[0xab; 19])), Err(AssertionFault::KeyUnknown)),
        (r#""kid":"MY KEY:1""#.into(), Err(AssertionFault::KeyUnknown)),
        (r#""kid":"my key1""#.into(), Err(AssertionFault::KeyUnknown)),
        (r#""kid":"""#.into(), Err(AssertionFault::KeyUnknown)),
        (format!(r#""x5t":"{}""#, b64([0xaa; 20])), Err(AssertionFault::KeyUnknown)),
        (
            format!(r#""x5t":"{}","x5t#S256":"{}""#, b64([0xab; 20]), b64([0; 32])),
            Err(AssertionFault::KeyUnknown),
        ),
        (format!(r#""x5t":"{}""#, b64([0xab; 32])), Err(AssertionFault::Malformed)),
        (r#""x5t#S256":"%%""#.into(), Err(AssertionFault::Malformed)),
    ] {
        assert_eq!(with(&member), expected, "{member}");
    }
}

#[test]
fn a_key_that_is_not_named_is_found_by_trying() {
    let raw = sign(key(Alg::RS256), HEADER, &good());
    let other = || registered(public(Alg::PS256));
    let keys = [registered(public(Alg::ES256)), other(), registered(public(Alg::RS256))];
    verify_with(&raw, &WORLDLINE, &keys).unwrap();
    assert_eq!(verify_with(&raw, &WORLDLINE, &[other()]), Err(AssertionFault::SignatureWrong));
    assert_eq!(verify_with(&raw, &WORLDLINE, &[]), Err(AssertionFault::KeyUnknown));
    // Not without end.
    let mut many: Vec<_> = (0..10).map(|_| other()).collect();
    many.push(registered(public(Alg::RS256)));
    assert_eq!(verify_with(&raw, &WORLDLINE, &many), Err(AssertionFault::SignatureWrong));
}

#[test]
fn a_certificate_out_of_its_time_does_not_verify() {
    let raw = sign(key(Alg::RS256), HEADER, &good());
    let valid = |from: i64, to: i64| {
        let mut keys = known();
        keys[0].not_before = Some(Moment(in_(from)));
        keys[0].not_after = Some(Moment(in_(to)));
        verify_with(&raw, &WORLDLINE, &keys).map(|_| ())
    };
    assert_eq!(valid(0, 0), Ok(()));
    assert_eq!(valid(-10, -1), Err(AssertionFault::KeyUnknown));
    assert_eq!(valid(1, 10), Err(AssertionFault::KeyUnknown));
}

#[test]
fn a_signature_of_somebody_else_is_wrong() {
    let raw = sign(key(Alg::RS384), HEADER, &good());
    assert_eq!(verify_with(&raw, &WORLDLINE, &known()), Err(AssertionFault::SignatureWrong));
    let raw = sign(key(Alg::RS256), HEADER, &good());
    let (input, _) = raw.rsplit_once('.').unwrap();
    let cut = format!("{input}.AQ");
    assert_eq!(verify_with(&cut, &WORLDLINE, &known()), Err(AssertionFault::SignatureWrong));
}

#[test]
fn cheap_checks_come_before_the_signature() {
    let raw = sign(key(Alg::RS384), HEADER, &claims(ISSUER, "https://other.example/"));
    assert_eq!(verify_with(&raw, &WORLDLINE, &[]), Err(AssertionFault::Audience));
}

#[test]
fn an_assertion_prints_nothing_of_its_content() {
    let received = Received::parse(&sign(key(Alg::RS256), HEADER, &good())).unwrap();
    assert_eq!(format!("{received:?}"), "Received(Compact(RS256))");
}
