//! Pushed requests and request objects: rows A13 to A24.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use serde_json::{Value, json};

use super::{other, push_object, told, with_claims};
use crate::fapi::{Client, object};
use crate::wire::Ask;
use crate::world::{World, file};

#[test]
fn a13_a_named_key_that_is_not_the_one_of_the_proof() {
    let world = World::new();
    let client = Client::plain(&world);
    let named = Base64UrlUnpadded::encode_string(&[7; 32]);
    let push = client.push(&[("dpop_jkt", &named)]);
    told(&world.send(push.with("dpop", &client.proof("POST", "/par", None))), "invalid_dpop_proof");
}

#[test]
fn a14_a_pushed_request_with_a_wrong_assertion() {
    let world = World::new();
    let client = Client::plain(&world);
    let (issuer, now) = (client.issuer(), client.now());
    for changes in [
        json!({"aud": [issuer]}),
        json!({"aud": format!("{issuer}/par")}),
        json!({"aud": format!("{issuer}/token")}),
        json!({"aud": "https://other.example"}),
        json!({"iss": "fapiother"}),
        json!({"sub": "fapiother"}),
        json!({"nbf": now + 62, "iat": now + 62, "exp": now + 122}),
    ] {
        told(&with_claims(&client, "/par", &changes), "invalid_client");
    }
    // Accepted by the client authentication: what is refused is the request, which has no challenge.
    let ahead = json!({"nbf": now + 8, "iat": now + 8, "exp": now + 68});
    told(&with_claims(&client, "/par", &ahead), "invalid_request");
}

#[test]
fn a15_a17_a_request_object_that_is_not_as_it_must_be() {
    let world = World::new();
    let client = Client::signer(&world);
    let (issuer, now) = (client.issuer(), client.now());
    for changes in [
        json!({"exp": now - 60, "nbf": now - 120}),
        json!({"exp": now + 4_200}),
        json!({"nbf": now - 4_200}),
        json!({"aud": "https://other.example"}),
        json!({"aud": [format!("{issuer}/par")]}),
        json!({"request_uri": "urn:ietf:params:oauth:request_uri:ru_x"}),
        json!({"request": "x.y.z"}),
    ] {
        told(&push_object(&client, &object(&client, &changes)), "invalid_request_object");
    }
    let whole: Value = {
        let made = object(&client, &json!({}));
        let payload = made.split('.').nth(1).unwrap();
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(payload).unwrap()).unwrap()
    };
    for missing in ["exp", "nbf", "aud", "iss"] {
        let mut less = whole.clone();
        less.as_object_mut().unwrap().remove(missing);
        let signed = client.signed(&json!({"alg": "ES256"}), &less);
        told(&push_object(&client, &signed), "invalid_request_object");
    }
    let rsa = SigningKey::from_pem(Alg::RS256, &file("keys/client.pem")).unwrap();
    let rsa = Client { key: rsa, ..Client::signer(&world) };
    let header = Base64UrlUnpadded::encode_string(br#"{"alg":"none"}"#);
    let payload = Base64UrlUnpadded::encode_string(whole.to_string().as_bytes());
    let good = client.signed(&json!({"alg": "ES256"}), &whole);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let spoiled = format!("{input}.{}", signature.chars().rev().collect::<String>());
    for request in [
        rsa.signed(&json!({"alg": "RS256"}), &whole),
        format!("{header}.{payload}."),
        format!("{header}.{payload}.AAAA"),
        spoiled,
    ] {
        told(&push_object(&client, &request), "invalid_request_object");
    }
    push_object(&client, &good).expect(201);
}

#[test]
fn a16_a_request_object_by_the_key_of_another_client() {
    let world = World::new();
    let client = Client::signer(&world);
    let foreign = Client { key: other(&world).key, ..Client::signer(&world) };
    let request = object(&foreign, &json!({}));
    told(&push_object(&client, &request), "invalid_request_object");
}

#[test]
fn a18_a20_a21_a22_a23_what_must_not_be_pushed() {
    let world = World::new();
    let client = Client::plain(&world);
    let reference = "urn:ietf:params:oauth:request_uri:ru_x";
    for (row, change, error) in [
        ("a18", ("request_uri", reference), "invalid_request"),
        ("a18", ("request_uri", "https://client.example/request"), "invalid_request"),
        ("a20", ("code_challenge", ""), "invalid_request"),
        ("a20", ("code_challenge_method", "plain"), "invalid_request"),
        ("a20", ("code_challenge_method", ""), "invalid_request"),
        ("a21", ("response_type", "token"), "unsupported_response_type"),
        ("a21", ("response_type", "code id_token"), "unsupported_response_type"),
        ("a22", ("redirect_uri", ""), "invalid_request"),
        ("a23", ("redirect_uri", "https://evil.example/cb"), "invalid_request"),
        ("a23", ("redirect_uri", "http://127.0.0.1/callback?x"), "invalid_request"),
    ] {
        let answer = world.send(client.push(&[change]));
        assert_eq!((answer.status, &*answer.member("error")), (400, error), "{row} {change:?}");
    }
}

#[test]
fn a19_an_unsigned_request_of_a_client_that_must_sign() {
    let world = World::new();
    told(&world.send(Client::signer(&world).push(&[])), "invalid_request");
}

#[test]
fn a24_a_pushed_request_with_put() {
    let world = World::new();
    let client = Client::plain(&world);
    for method in ["PUT", "GET", "DELETE", "PATCH"] {
        let ask = Ask { method: method.into(), ..client.push(&[]) };
        assert_eq!(world.send(ask).expect(405).header("allow"), Some("POST"), "{method}");
    }
}
