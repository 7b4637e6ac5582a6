//! Request objects: whatever opens was signed by the client, is meant for us and of now, and says
//! nothing that a form could not.

use std::sync::LazyLock;

use super::shared::{CLIENT, ISSUER, Message, NOW, harmless, keys, members};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::request_object::{FAPI, From, OPENID, Profile, open};
use counterfoil_protocol::form::{Form, encode};
use counterfoil_protocol::ids::ClientId;
use serde_json::{Map, Value};

static CLIENT_ID: LazyLock<ClientId> = LazyLock::new(|| ClientId::parse(CLIENT).expect("an id"));

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Some(sent) = Message::of(data) else { return };
    for profile in [&FAPI, &OPENID] {
        let from = From { client: &CLIENT_ID, keys: keys(), allowed: &[Alg::ES256, Alg::PS256] };
        let Ok(signed) = open(&sent.raw, profile, from, ISSUER, NOW) else { continue };
        assert!(sent.signed);
        let (header, payload) = sent.parts();
        harmless(&header, false);
        let claims = members(&payload);
        judge(profile, &claims);
        for (name, value) in &signed.parameters {
            assert!(!["iss", "aud", "exp", "nbf", "iat", "jti", "sub"].contains(&name.as_str()));
            assert!(!["request", "request_uri"].contains(&name.as_str()));
            let twice = signed.parameters.iter().filter(|(known, _)| known == name).count() > 1;
            assert!(!twice || name == "resource");
            if let Some(text) = claims[name].as_str() {
                assert_eq!(text, value);
            }
        }
        let form: Vec<String> = signed
            .parameters
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let form = form.join("&");
        let form = Form::decode(form.as_bytes()).expect("a form could carry it");
        let said = signed.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        assert!(form.iter().eq(said));
        let nobody = From { keys: &[], ..from };
        assert!(open(&sent.raw, profile, nobody, ISSUER, NOW).is_err(), "no key");
        assert!(
            open(&sent.raw, profile, from, ISSUER, NOW.after(8_000)).is_err()
                || !claims.contains_key("exp")
        );
    }
}

fn judge(profile: &Profile, claims: &Map<String, Value>) {
    let issuer = claims.get("iss");
    assert!(issuer.map_or(!profile.issuer_required, |issuer| issuer == CLIENT));
    assert!(claims.get("client_id").is_none_or(|id| id == CLIENT));
    assert!(claims.get("sub").is_none_or(|subject| subject != CLIENT));
    match claims.get("aud") {
        None => assert!(!profile.issuer_required),
        Some(Value::Array(some)) => assert!(some.iter().any(|one| one == ISSUER)),
        Some(one) => assert_eq!(one, ISSUER),
    }
    let now = NOW.0 as f64;
    let date = |name: &str| claims.get(name).map(|date| date.as_f64().expect("a date"));
    let (expires, from) = (date("exp"), date("nbf"));
    assert!(!profile.times_required || (expires.is_some() && from.is_some()));
    assert!(expires.is_none_or(|expires| expires > now));
    assert!(from.is_none_or(|from| from <= now + 60.0 && from >= now - 3_600.0));
    assert!(expires.is_none_or(|expires| expires - from.unwrap_or(now) <= 3_600.0));
}
