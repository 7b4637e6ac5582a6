//! Client assertions: whatever verifies was signed by the client, is about itself, is meant for us
//! and is of now.

use super::shared::{ISSUER, Message, NOW, harmless, keys, members};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::assertion::{FAPI2, Profile, RFC7523, Received, WORLDLINE};
use serde_json::Value;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Some(sent) = Message::of(data) else { return };
    let Ok(received) = Received::parse(&sent.raw) else { return };
    let (header, payload) = sent.parts();
    harmless(&header, false);
    let claims = members(&payload);
    assert_eq!(claims.get("sub").and_then(Value::as_str), Some(received.subject()));
    assert!((1..=255).contains(&received.subject().len()));
    for profile in [&FAPI2, &RFC7523, &WORLDLINE] {
        let Ok(verified) = received.verify(profile, keys(), &Alg::ALL, &[ISSUER], NOW) else {
            continue;
        };
        assert!(sent.signed && profile.algs.contains(&received.alg()));
        assert_eq!(verified.subject, received.subject());
        let id = claims.get("jti").and_then(Value::as_str);
        assert_eq!(verified.id.as_deref(), id);
        assert!(id.is_some() || !profile.id_required);
        judge(profile, &claims);
        let expires = claims["exp"].as_f64().expect("a date");
        assert!(verified.expires > NOW && verified.expires.0 as f64 >= expires);
        assert!(received.verify(profile, &[], &Alg::ALL, &[ISSUER], NOW).is_err(), "no key");
        assert!(received.verify(profile, keys(), &[], &[ISSUER], NOW).is_err(), "no algorithm");
        assert!(received.verify(profile, keys(), &Alg::ALL, &[], NOW).is_err(), "not us");
    }
}

fn judge(profile: &Profile, claims: &serde_json::Map<String, Value>) {
    let issuer = claims.get("iss").and_then(Value::as_str);
    assert!(
        issuer.map_or(!profile.issuer_required, |issuer| Some(issuer) == claims["sub"].as_str())
    );
    match &claims["aud"] {
        Value::String(one) => assert_eq!(one, ISSUER),
        Value::Array(some) => {
            assert!(profile.audience_array && some.iter().any(|one| one == ISSUER));
            assert!(some.len() == 1 || profile.audience_multiple);
        }
        other => panic!("{other}"),
    }
    let now = NOW.0 as f64;
    let (life, ahead) = (profile.lifetime_max_s as f64, profile.ahead_s as f64);
    let date = |name: &str| claims.get(name).map(|date| date.as_f64().expect("a date"));
    let expires = date("exp").expect("an end");
    assert!(expires + profile.grace_s as f64 > now);
    assert!(date("nbf").is_none_or(|from| from <= now + ahead));
    assert!(date("iat").is_none_or(|issued| issued <= now + ahead));
    assert!(expires - date("iat").unwrap_or(now) <= life);
}
