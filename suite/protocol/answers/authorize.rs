//! The authorization endpoint: rows A25 to A36.

use serde_json::json;

use super::{authorize, consented, other, push_object, stays};
use crate::browser::{Browser, CALLBACK};
use crate::fapi::{Client, object};
use crate::openid::OPENID;
use crate::wire::encoded;
use crate::world::World;

#[test]
fn a25_a_request_uri_that_was_used_or_is_expired() {
    let world = World::new();
    let client = Client::plain(&world);
    let pushed = world.send(client.push(&[])).expect(201);
    let target = client.authorize(&pushed);
    // R10: opened twice before it is completed is no use of it.
    assert_eq!(authorize(&world, &target).status, 303);
    consented(&client, &pushed);
    stays(&authorize(&world, &target));
    let late = client.authorize(&world.send(client.push(&[])).expect(201));
    world.clock.advance(91);
    stays(&authorize(&world, &late));
}

#[test]
fn a26_the_request_uri_of_another_client() {
    let world = World::new();
    let (client, other) = (Client::plain(&world), other(&world));
    let pushed = world.send(client.push(&[])).expect(201);
    stays(&authorize(&world, &other.authorize(&pushed)));
    consented(&client, &pushed);
}

#[test]
fn a27_a_request_that_was_not_pushed() {
    let world = World::new();
    let client = Client::plain(&world);
    let challenge = crate::browser::challenge();
    let query = encoded(&[
        ("client_id", client.id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "payments"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    stays(&authorize(&world, &format!("{}/authorize?{query}", client.base)));
}

/// An authorization request of plain OpenID Connect.
fn openid(more: &[(&str, &str)]) -> String {
    let mut pairs = vec![("client_id", OPENID.id), ("redirect_uri", CALLBACK), ("scope", "openid")];
    pairs.extend_from_slice(more);
    format!("{}/authorize?{}", OPENID.base, encoded(&pairs))
}

#[test]
fn a33_no_response_type() {
    let world = World::new();
    let back = authorize(&world, &openid(&[("state", "s")])).expect(303);
    assert_eq!(back.parameter("error").as_deref(), Some("invalid_request"));
    assert_eq!(back.parameter("state").as_deref(), Some("s"));
    // Where the answer is posted, this one is too.
    let posted = authorize(&world, &openid(&[("response_mode", "form_post")])).expect(200);
    assert!(posted.text().contains("name=\"error\" value=\"invalid_request\""));
}

#[test]
fn a34_nobody_is_signed_in_and_nobody_may_be_asked() {
    let world = World::new();
    let silent = openid(&[("response_type", "code"), ("prompt", "none")]);
    let back = authorize(&world, &silent).expect(303);
    assert_eq!(back.parameter("error").as_deref(), Some("login_required"));
}

#[test]
fn a35_the_customer_declines() {
    let world = World::new();
    let client = Client::plain(&world);
    let pushed = world.send(client.push(&[("state", "s")])).expect(201);
    let mut browser = Browser::new(&world);
    let page = browser.open(&client.authorize(&pushed));
    let page = browser.sign_in(&page, "alice");
    let back = browser.submit(&page, &[("action", "deny")]);
    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(back.parameter("state").as_deref(), Some("s"));
    assert_eq!(back.parameter("iss"), Some(client.issuer()));
    assert!(back.parameter("code").is_none());
}

#[test]
fn a36_an_error_of_a_client_whose_answers_are_signed() {
    let world = World::new();
    let client = Client::signer(&world);
    // Before anything is trusted there is a page, and nothing to sign for anybody.
    let unknown = encoded(&[
        ("client_id", client.id),
        ("request_uri", "urn:ietf:params:oauth:request_uri:ru_x"),
    ]);
    stays(&authorize(&world, &format!("{}/authorize?{unknown}", client.base)));
    // After that, everything is inside of the response.
    let request = object(&client, &json!({"response_mode": "jwt", "prompt": "none"}));
    let pushed = push_object(&client, &request).expect(201);
    let back = authorize(&world, &client.authorize(&pushed)).expect(303);
    let (_, query) = back.location().split_once('?').unwrap();
    assert!(query.starts_with("response=") && !query.contains('&'), "{query}");
    let says = client.claims(&back.parameter("response").unwrap());
    assert_eq!(says["error"], "login_required");
}
