//! Resource indicators (RFC 8707) as a client and its resource servers see them: they only narrow.

use counterfoil_jose::jwt;
use serde_json::{Value, json};

use crate::browser::{App, Browser, CALLBACK};
use crate::openid::OPENID;
use crate::wire::{Answer, Ask, encoded};
use crate::world::{BASE, World};

const JWT: App = App { id: "openidjwt", secret: "jwtsecret", base: "/o/standard" };
const ACCOUNTS: &str = "https://api.example";
const PAYMENTS: &str = "https://api.example/payments";
const URN: &str = "urn:example:bank";

/// What introspection says to the resource server of the tenant.
pub(crate) fn introspected(world: &World, token: &str) -> Value {
    let ask = Ask::form("/o/standard/introspect", &[("token", token)]);
    world.send(ask.basic("openidresource", "resourcesecret")).expect(200).json()
}

/// A request to the token endpoint for these resource servers.
fn asked(app: &App, pairs: &[(&str, &str)], resources: &[&str]) -> Ask {
    let resources = resources.iter().map(|resource| ("resource", *resource));
    app.ask("/token", &pairs.iter().copied().chain(resources).collect::<Vec<_>>())
}

fn code(world: &World, app: &App, resources: &[&str]) -> String {
    let mut pairs = vec![
        ("client_id", app.id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
    ];
    pairs.extend(resources.iter().map(|resource| ("resource", *resource)));
    let target = format!("{}/authorize?{}", app.base, encoded(&pairs));
    Browser::new(world).consent(&target, "alice").parameter("code").unwrap()
}

fn redeem(world: &World, app: &App, code: &str, resources: &[&str]) -> Answer {
    let pairs = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    world.send(asked(app, &pairs, resources))
}

fn refresh(world: &World, tokens: &Answer, resources: &[&str]) -> Answer {
    let token = tokens.member("refresh_token");
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    world.send(asked(&OPENID, &pairs, resources))
}

fn audience(world: &World, tokens: &Answer) -> Value {
    introspected(world, &tokens.member("access_token"))["aud"].clone()
}

#[test]
fn a_token_is_for_what_was_asked_and_a_refresh_narrows_only() {
    let world = World::new();
    let code = code(&world, &OPENID, &[ACCOUNTS, PAYMENTS]);
    // More than was asked for spends nothing.
    world.drain();
    let more = redeem(&world, &OPENID, &code, &[ACCOUNTS, URN]).expect(400);
    assert_eq!(
        (more.member("error"), world.drain()),
        ("invalid_target".into(), vec!["E3081".into()])
    );
    let first = redeem(&world, &OPENID, &code, &[PAYMENTS]).expect(200);
    assert_eq!(audience(&world, &first), PAYMENTS);
    // The refresh token keeps all of it (§2.2).
    let second = refresh(&world, &first, &[]).expect(200);
    assert_eq!(audience(&world, &second), json!([ACCOUNTS, PAYMENTS]));
    let third = refresh(&world, &second, &[ACCOUNTS]).expect(200);
    assert_eq!(audience(&world, &third), ACCOUNTS);
    for bad in [URN, "https://other.example", "x", "https://api.example/#a"] {
        assert_eq!(refresh(&world, &third, &[bad]).expect(400).member("error"), "invalid_target");
    }
    // A refusal has used nothing up; both in another order are all that was given.
    let fourth = refresh(&world, &third, &[PAYMENTS, ACCOUNTS, PAYMENTS]).expect(200);
    assert_eq!(audience(&world, &fourth), json!([ACCOUNTS, PAYMENTS]));
    assert_eq!(audience(&world, &first), PAYMENTS, "the first token is what it was");
}

#[test]
fn without_a_resource_a_token_is_for_the_tenant_and_may_be_narrowed_to_one_of_its_servers() {
    let world = World::new();
    let issuer = format!("{BASE}/o/standard");
    let tokens = redeem(&world, &OPENID, &code(&world, &OPENID, &[]), &[]).expect(200);
    assert_eq!(audience(&world, &tokens), *issuer);
    let tokens = refresh(&world, &tokens, &[URN]).expect(200);
    assert_eq!(audience(&world, &tokens), URN);
    let own = format!("{issuer}/userinfo");
    let tokens = refresh(&world, &tokens, &[&own]).expect(200);
    assert_eq!(audience(&world, &tokens), *own);
}

#[test]
fn a_token_in_the_clients_own_name_is_for_what_was_asked() {
    let world = World::new();
    let pairs = [("grant_type", "client_credentials"), ("scope", "email")];
    let token = |resources: &[&str]| world.send(asked(&OPENID, &pairs, resources)).expect(200);
    let (one, all, two) = (token(&[URN]), token(&[]), token(&[URN, ACCOUNTS]));
    assert_eq!(audience(&world, &one), URN);
    assert_eq!(audience(&world, &all), format!("{BASE}/o/standard"));
    assert_eq!(audience(&world, &two), json!([URN, ACCOUNTS]));
}

#[test]
fn a_jwt_says_for_whom_it_is() {
    let world = World::new();
    let tokens = redeem(&world, &JWT, &code(&world, &JWT, &[ACCOUNTS, URN]), &[URN]).expect(200);
    let issuer = world.issuer("standard");
    let keys = issuer.keys.iter().map(|key| (key.kid.as_str(), &*key.verifying, key.alg));
    let token = tokens.member("access_token");
    let claims = jwt::verify_own(&token, "at+jwt", keys).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], URN);
    assert!(claims["auth_time"].is_u64() && claims["acr"].is_string(), "{claims}");
    assert_eq!(introspected(&world, &token)["aud"], URN);
}
