//! The token endpoint, and proofs at resources: rows A01 to A12 and A42.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::sender::mtls::PeerCertificate;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::key::SigningKey;
use serde_json::json;

use super::{VERIFIED, asserted, code, consented, other, proven, told, with_claims};
use crate::browser::CALLBACK;
use crate::fapi::Client;
use crate::wire::Ask;
use crate::world::{World, file};

#[test]
fn a01_a_code_that_is_expired_used_or_of_another_client() {
    let world = World::new();
    let (client, other) = (Client::plain(&world), other(&world));
    let late = code(&client);
    world.clock.advance(61);
    told(&world.send(proven(&client, client.redeem(&late, &[VERIFIED]))), "invalid_grant");
    let foreign = code(&client);
    told(&world.send(proven(&other, other.redeem(&foreign, &[VERIFIED]))), "invalid_grant");
    world.send(proven(&client, client.redeem(&foreign, &[VERIFIED]))).expect(200);
    told(&world.send(proven(&client, client.redeem(&foreign, &[VERIFIED]))), "invalid_grant");
}

#[test]
fn a02_a03_a_verifier_that_is_missing_or_wrong() {
    let world = World::new();
    let client = Client::plain(&world);
    let code = code(&client);
    let wrong = "verifier-of-another-request-0123456789abcdefg";
    for more in [&[][..], &[("code_verifier", wrong)], &[("code_verifier", "short")]] {
        told(&world.send(proven(&client, client.redeem(&code, more))), "invalid_grant");
    }
    world.send(proven(&client, client.redeem(&code, &[VERIFIED]))).expect(200);
}

#[test]
fn a04_the_refresh_token_of_another_client() {
    let world = World::new();
    let (client, other) = (Client::plain(&world), other(&world));
    let code = code(&client);
    let tokens = world.send(proven(&client, client.redeem(&code, &[VERIFIED]))).expect(200);
    let refresh = tokens.member("refresh_token");
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    told(&world.send(proven(&other, other.ask("/token", &pairs))), "invalid_grant");
    world.send(proven(&client, client.ask("/token", &pairs))).expect(200);
}

#[test]
fn a05_an_assertion_by_rs256() {
    let world = World::new();
    let client = Client::plain(&world);
    let rsa = SigningKey::from_pem(Alg::RS256, &file("keys/client.pem")).unwrap();
    let rsa = Client { key: rsa, ..Client::plain(&world) };
    let now = client.now();
    let claims = json!({
        "iss": client.id, "sub": client.id, "aud": client.issuer(), "jti": client.unique(),
        "iat": now, "nbf": now, "exp": now + 60,
    });
    let signed = rsa.signed(&json!({"alg": "RS256"}), &claims);
    for path in ["/token", "/par"] {
        told(&world.send(proven(&client, asserted(&client, path, &signed))), "invalid_client");
    }
}

#[test]
fn a06_an_assertion_with_a_wrong_claim() {
    let world = World::new();
    let client = Client::plain(&world);
    let now = client.now();
    for changes in [
        json!({"exp": now - 300, "iat": now - 360, "nbf": now - 360}),
        json!({"exp": null}),
        json!({"aud": "https://other.example"}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"iss": null}),
        json!({"iss": "fapiother"}),
        json!({"sub": "fapiother"}),
        json!({"jti": null}),
    ] {
        told(&with_claims(&client, "/token", &changes), "invalid_client");
    }
}

#[test]
fn a07_no_assertion_and_a_client_id_only() {
    let world = World::new();
    let ask = |path: &str, pairs: &[(&str, &str)]| {
        told(&world.send(Ask::form(&format!("/o/fapi2{path}"), pairs)), "invalid_client");
    };
    let id = ("client_id", "fapiapp");
    ask("/token", &[("grant_type", "client_credentials"), id]);
    ask("/token", &[("grant_type", "authorization_code"), ("code", "ac_x"), id]);
    ask("/token", &[("grant_type", "refresh_token"), ("refresh_token", "rt_x"), id]);
    ask("/par", &[("response_type", "code"), ("redirect_uri", CALLBACK), id]);
}

#[test]
fn a08_the_client_id_of_another_beside_good_credentials() {
    let world = World::new();
    let client = Client::plain(&world);
    let code = code(&client);
    let foreign = ("client_id", "fapiother");
    told(
        &world.send(proven(&client, client.redeem(&code, &[VERIFIED, foreign]))),
        "invalid_client",
    );
    told(&world.send(client.push(&[foreign])), "invalid_client");
    let own = ("client_id", "fapiapp");
    world.send(proven(&client, client.redeem(&code, &[VERIFIED, own]))).expect(200);
}

#[test]
fn a09_a10_no_proof_or_one_by_another_key() {
    let world = World::new();
    let (client, other) = (Client::plain(&world), other(&world));
    let first = code(&client);
    told(&world.send(client.redeem(&first, &[VERIFIED])), "invalid_dpop_proof");
    let own = [("grant_type", "client_credentials"), ("scope", "payments")];
    told(&world.send(client.ask("/token", &own)), "invalid_dpop_proof");
    // The key was named, or shown, when the request was pushed.
    let thumbprint = |client: &Client<'_>| {
        let jwk = client.key.public_jwk("1");
        let digest = counterfoil_jose::thumbprint::jwk_thumbprint(&jwk).unwrap();
        Base64UrlUnpadded::encode_string(&digest)
    };
    let named = client.push(&[("dpop_jkt", &thumbprint(&client))]);
    let shown = client.push(&[]).with("dpop", &client.proof("POST", "/par", None));
    for push in [named, shown] {
        let code = consented(&client, &world.send(push).expect(201));
        let foreign = client.redeem(&code, &[VERIFIED]);
        let foreign = foreign.with("dpop", &other.proof("POST", "/token", None));
        told(&world.send(foreign), "invalid_dpop_proof");
        world.send(proven(&client, client.redeem(&code, &[VERIFIED]))).expect(200);
    }
}

/// What a connection shows.
fn certificate(name: &str) -> Arc<PeerCertificate> {
    let certificate = Certificate::from_pem(&file(name)).unwrap();
    Arc::new(PeerCertificate { certificate, trusted: false })
}

fn over(ask: Ask, certificate: &Arc<PeerCertificate>) -> Ask {
    Ask { certificate: Some(certificate.clone()), ..ask }
}

#[test]
fn a11_no_certificate_of_a_client_that_authenticates_with_one() {
    let world = World::new();
    let client = Client::of(&world, "fapitls", "/o/fapi2");
    let pairs =
        [("grant_type", "client_credentials"), ("scope", "payments"), ("client_id", client.id)];
    let ask = Ask::form("/o/fapi2/token", &pairs);
    told(&world.send(ask.clone()), "invalid_client");
    told(&world.send(over(ask.clone(), &certificate("captured-cert.pem"))), "invalid_client");
    world.send(over(ask, &certificate("keys/client-cert.pem"))).expect(200);
}

#[test]
fn a12_no_certificate_where_tokens_are_bound_to_it() {
    let world = World::new();
    let client = Client::of(&world, "fapibound", "/o/fapi2");
    let code = code(&client);
    told(&world.send(client.redeem(&code, &[VERIFIED])), "invalid_request");
    let own = [("grant_type", "client_credentials"), ("scope", "payments")];
    told(&world.send(client.ask("/token", &own)), "invalid_request");
    let shown = over(client.redeem(&code, &[VERIFIED]), &certificate("keys/client-cert.pem"));
    let tokens = world.send(shown).expect(200);
    assert_eq!(tokens.member("token_type"), "Bearer");
    let pairs =
        [("grant_type", "refresh_token"), ("refresh_token", &*tokens.member("refresh_token"))];
    told(&world.send(client.ask("/token", &pairs)), "invalid_request");
}

#[test]
fn a42_a_bad_proof_at_a_resource() {
    let world = World::new();
    let (client, other) = (Client::plain(&world), other(&world));
    let code = code(&client);
    let tokens = world.send(proven(&client, client.redeem(&code, &[VERIFIED]))).expect(200);
    let token = tokens.member("access_token");
    let bound = Ask::get("/o/fapi2/userinfo").with("authorization", &format!("DPoP {token}"));
    for proof in [
        "x".to_owned(),
        client.proof("POST", "/userinfo", Some(&token)),
        client.proof("GET", "/token", Some(&token)),
        client.proof("GET", "/userinfo", None),
        client.proof("GET", "/userinfo", Some("another")),
        other.proof("GET", "/userinfo", Some(&token)),
    ] {
        let answer = world.send(bound.clone().with("dpop", &proof)).expect(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("DPoP "), "{challenge}");
        assert_eq!(answer.member("error"), "invalid_dpop_proof");
    }
    world.send(bound.clone()).expect(401);
    world.send(bound.with("dpop", &client.proof("GET", "/userinfo", Some(&token)))).expect(200);
}
