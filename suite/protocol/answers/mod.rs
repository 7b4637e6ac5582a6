//! One answer per situation: the rows of the table in conformance.md 3, each a test with its number.
//! `../answers.md` says which row is where, and which do not apply.

mod token;
mod pushed;
mod authorize;

use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use serde_json::{Value, json};

use crate::browser::{Browser, CALLBACK, VERIFIER};
use crate::fapi::Client;
use crate::wire::{Answer, Ask};
use crate::world::{World, file};

const VERIFIED: (&str, &str) = ("code_verifier", VERIFIER);
const ASSERTED: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The other client of the surface.
fn other(world: &World) -> Client<'_> {
    let key = SigningKey::from_pem(Alg::ES256, &file("keys/elliptic-other.pem")).unwrap();
    Client { key, ..Client::of(world, "fapiother", "/o/fapi2") }
}

/// A code of alice's.
fn code(client: &Client<'_>) -> String {
    let pushed = client.world.send(client.push(&[])).expect(201);
    consented(client, &pushed)
}

fn consented(client: &Client<'_>, pushed: &Answer) -> String {
    let back = Browser::new(client.world).consent(&client.authorize(pushed), "alice");
    back.parameter("code").unwrap_or_else(|| panic!("no code: {}", back.location()))
}

/// A request to the token endpoint with a proof.
fn proven(client: &Client<'_>, ask: Ask) -> Ask {
    ask.with("dpop", &client.proof("POST", "/token", None))
}

/// 400 with this error and nothing else (R20).
fn told(answer: &Answer, error: &str) {
    assert_eq!((answer.status, &*answer.member("error")), (400, error), "{}", answer.text());
}

/// An answer of `client` to the token endpoint, with an assertion of these claims.
fn with_claims(client: &Client<'_>, path: &str, changes: &Value) -> Answer {
    let now = client.now();
    let mut claims = json!({
        "iss": client.id, "sub": client.id, "aud": client.issuer(), "jti": client.unique(),
        "iat": now, "nbf": now, "exp": now + 60,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let assertion = client.signed(&json!({"alg": "ES256"}), &claims);
    client.world.send(asserted(client, path, &assertion))
}

fn asserted(client: &Client<'_>, path: &str, assertion: &str) -> Ask {
    let own = [("grant_type", "client_credentials"), ("scope", "payments")];
    let pushed = [("response_type", "code"), ("redirect_uri", CALLBACK), ("scope", "payments")];
    let mut pairs = if path == "/token" { own.to_vec() } else { pushed.to_vec() };
    pairs.extend([("client_assertion_type", ASSERTED), ("client_assertion", assertion)]);
    Ask::form(&format!("{}{path}", client.base), &pairs)
}

/// The page that is shown instead of a redirect.
fn stays(answer: &Answer) {
    assert_eq!(answer.status, 400);
    assert!(answer.header("location").is_none());
    assert!(answer.text().contains("id=\"error-reference\""));
}

fn authorize(world: &World, target: &str) -> Answer {
    world.send(Ask::get(target).with("accept", "text/html"))
}

fn push_object(client: &Client<'_>, request: &str) -> Answer {
    client.world.send(client.ask("/par", &[("client_id", client.id), ("request", request)]))
}
