//! Client assertions for the realm of the sandbox, right and wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws;
use counterfoil_jose::key::SigningKey;

use crate::server::{ELLIPTIC_KEY, REALM, Server};
use crate::wire::{Answer, encoded};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds since the epoch: the server under test looks at the same clock.
#[expect(
    clippy::disallowed_methods,
    reason = "an assertion needs the time of the process under test"
)]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn issuer(server: &Server) -> String {
    server.ready["surfaces"]["worldline"]["issuer"].as_str().unwrap().to_owned()
}

pub(crate) fn kid(server: &Server) -> String {
    server.ready["surfaces"]["worldline"]["client"]["kid"].as_str().unwrap().to_owned()
}

/// The key of `Worldline-000021` and `signed`.
pub(crate) fn key(server: &Server) -> SigningKey {
    let path = server.ready["surfaces"]["worldline"]["client"]["private_key"].as_str().unwrap();
    SigningKey::from_pem(Alg::RS256, &std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn elliptic() -> SigningKey {
    SigningKey::from_pem(Alg::ES256, ELLIPTIC_KEY).unwrap()
}

/// Header and claims that are right for a client.
pub(crate) fn header(server: &Server) -> String {
    format!(r#"{{"alg":"RS256","kid":"{}","typ":"JWT"}}"#, kid(server))
}

pub(crate) fn claims(server: &Server, client: &str, more: &str) -> String {
    let (issuer, now) = (issuer(server), now());
    format!(r#"{{"sub":"{client}","aud":"{issuer}","iat":{now},"exp":{}{more}}}"#, now + 300)
}

pub(crate) fn sign(key: &SigningKey, header: &str, claims: &str) -> String {
    let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
    let signature = key.sign(input.as_bytes()).unwrap();
    jws::finish(input, &signature)
}

/// A statement with whatever signature.
pub(crate) fn with_signature(header: &str, claims: &str, signature: &[u8]) -> String {
    let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
    format!("{input}.{}", Base64UrlUnpadded::encode_string(signature))
}

/// A token request with an assertion, and more parameters.
pub(crate) fn ask(server: &Server, assertion: &str, more: &str) -> Answer {
    let body = format!(
        "grant_type=client_credentials&scope=VOP&client_assertion_type={}&client_assertion={assertion}{more}",
        encoded(TYPE)
    );
    server.post(&format!("{REALM}/token"), &body)
}
