//! Worldline: what takes more than one request (surfaces.md 4.8).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::audit::What;
use counterfoil_engine::store::Position;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwk::JwkSet;
use counterfoil_jose::jws::Compact;
use counterfoil_jose::key::VerifyingKey;
use serde_json::Value;

use crate::assertions::assertion;
use crate::wire::{Answer, Ask};
use crate::world::{BASE, NOW, World};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn token(world: &World, prefix: &str) -> Answer {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("scope", "VOP WERO"),
        ("client_id", "Worldline-000021"),
        ("client_secret", "password123"),
    ];
    let path = format!("{prefix}/protocol/openid-connect/token");
    world.send(Ask::form(&path, &pairs)).expect(200)
}

fn with_assertion(assertion: &str) -> Ask {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("scope", "VOP"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    Ask::form("/auth/realms/sandbox/protocol/openid-connect/token", &pairs)
}

fn part(token: &str, n: usize) -> String {
    let part = token.split('.').nth(n).unwrap();
    String::from_utf8(Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap()
}

#[test]
fn w1_both_paths_give_tokens_of_the_one_issuer() {
    let world = World::new();
    for (prefix, issuer) in [
        ("/auth/realms/sandbox", "/auth/realms/sandbox"),
        ("/realms/sandbox", "/auth/realms/sandbox"),
        ("/auth/realms/bare", "/realms/bare"),
        ("/realms/bare", "/realms/bare"),
    ] {
        let claims: Value =
            serde_json::from_str(&part(&token(&world, prefix).member("access_token"), 1)).unwrap();
        assert_eq!(claims["iss"], format!("{BASE}{issuer}"), "{prefix}");
    }
}

#[test]
fn w11_a_token_verifies_as_keycloak_connect_does_it() {
    let world = World::new();
    let token = token(&world, "/auth/realms/sandbox").member("access_token");
    assert_eq!(part(&token, 0), r#"{"alg":"RS256","typ":"JWT","kid":"signing-key-1"}"#);
    let certs = "/auth/realms/sandbox/protocol/openid-connect/certs";
    let published: JwkSet = serde_json::from_slice(&world.send(Ask::get(certs)).body).unwrap();
    let key = published.keys.iter().find(|k| k.kid.as_deref() == Some("signing-key-1")).unwrap();
    let key = VerifyingKey::from_jwk(key).unwrap();
    Compact::parse(&token, 4096).unwrap().verify(&key, &[Alg::RS256]).unwrap();
    let jti = serde_json::from_str::<Value>(&part(&token, 1)).unwrap();
    let jti = jti["jti"].as_str().unwrap();
    let issuer = format!("{BASE}/auth/realms/sandbox");
    let (exp, iat) = (NOW.0 + 300, NOW.0);
    // The claims in Keycloak's order (surfaces.md 4.5).
    let wanted = format!(
        r#"{{"exp":{exp},"iat":{iat},"jti":"{jti}","iss":"{issuer}","aud":"{issuer}","sub":"Worldline-000021","typ":"Bearer","azp":"Worldline-000021","acr":"1","scope":"VOP WERO","client_id":"Worldline-000021"}}"#
    );
    assert_eq!(part(&token, 1), wanted);
}

#[test]
fn w2_introspection_and_revocation_know_a_signed_token() {
    let world = World::new();
    let connect = "/auth/realms/sandbox/protocol/openid-connect";
    let introspect = |token: &str| {
        let pairs =
            [("client_id", "wlresource"), ("client_secret", "resourcesecret"), ("token", token)];
        world.send(Ask::form(&format!("{connect}/token/introspect"), &pairs)).expect(200)
    };
    let (one, other) = (token(&world, "/realms/sandbox"), token(&world, "/realms/sandbox"));
    let (one, other) = (one.member("access_token"), other.member("access_token"));
    assert_ne!(one, other);
    assert_eq!(introspect(&one).member("scope"), "VOP WERO");
    let mut forged = one.clone();
    let last = if forged.ends_with('A') { "Q" } else { "A" };
    forged.replace_range(forged.len() - 1.., last);
    for bad in [&*forged, &one[..one.len() - 1], &format!("{one}.x"), &one.to_uppercase()] {
        assert_eq!(introspect(bad).text(), r#"{"active":false}"#);
    }
    let foreign = token(&world, "/auth/realms/bare").member("access_token");
    assert_eq!(introspect(&foreign).text(), r#"{"active":false}"#);
    let pairs =
        [("client_id", "Worldline-000021"), ("client_secret", "password123"), ("token", &*one)];
    world.send(Ask::form(&format!("{connect}/revoke"), &pairs)).expect(200);
    assert_eq!(introspect(&one).text(), r#"{"active":false}"#);
    assert_eq!(introspect(&other).json()["active"], true);
    world.clock.advance(300);
    assert_eq!(introspect(&other).text(), r#"{"active":false}"#);
}

#[test]
fn w8_the_same_jti_passes_once_as_long_as_it_could_be_presented() {
    let world = World::new();
    let once = assertion("jti=once", NOW.0);
    world.send(with_assertion(&once)).expect(200);
    world.refused(with_assertion(&once), 400, "E1218");
    world.clock.advance(3_600);
    world.refused(with_assertion(&once), 400, "E1218");
    world.clock.advance(10);
    world.refused(with_assertion(&once), 400, "E1213");
    let later = NOW.0 + 3_610;
    world.send(with_assertion(&assertion("jti=another", later))).expect(200);
}

#[test]
fn w8_an_assertion_without_jti_passes_twice_and_is_counted() {
    // Also where, as by default, events of requests that change nothing are not kept.
    let world = World::new();
    let again = assertion("", NOW.0);
    for _ in 0..2 {
        world.send(with_assertion(&again)).expect(200);
    }
    world.wait(world.app.engine.append_access_events()).unwrap();
    let feed = world.wait(world.app.engine.store.feed(Position::default(), 10_000)).unwrap();
    let counted = feed.iter().filter(|e| e.event.what == What::AssertionWithoutId);
    let clients: Vec<_> = counted.map(|e| e.event.client.clone().unwrap().to_string()).collect();
    assert_eq!(clients, ["Worldline-000021", "Worldline-000021"]);
}

#[test]
fn w8_a_jti_is_spent_by_a_request_that_fails_later_and_not_by_one_that_fails_before() {
    let world = World::new();
    let one = assertion("jti=one", NOW.0);
    let wrong = |body: &str| {
        let ask = with_assertion(&one);
        let text = String::from_utf8(ask.body).unwrap().replace("scope=VOP", body);
        Ask::post("/auth/realms/sandbox/protocol/openid-connect/token", &text)
    };
    // Not yet authenticated: nothing is spent (P10).
    world.refused(wrong("scope=VOP&client_id=secretonly"), 400, "E1208");
    world.refused(wrong("scope=VOP&scope=VOP"), 400, "E1003");
    // Authenticated, and refused for its scope: the assertion was used.
    world.refused(wrong("scope=IDEAL"), 400, "E2031");
    world.refused(with_assertion(&one), 400, "E1218");
    // The jti of one client says nothing about that of another.
    let strong = assertion("jti=one sub=strong h.alg=PS256", NOW.0);
    world.send(with_assertion(&strong)).expect(200);
}

#[test]
fn w7_an_expired_certificate_does_not_verify() {
    let world = World::new();
    // The certificate ends with the year 2049.
    world.clock.advance(2_524_608_000 - NOW.0);
    let now = world.app.engine.clock.now().0;
    for kid in ["", "h.kid=-"] {
        world.refused(with_assertion(&assertion(kid, now)), 400, "E1219");
    }
}
