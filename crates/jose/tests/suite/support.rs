//! Keys and messages that many tests need.

use std::sync::{Arc, LazyLock};

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws;
use counterfoil_jose::key::{SigningKey, VerifyingKey};
use counterfoil_jose::registered_key::RegisteredKey;
use counterfoil_protocol::moment::Moment;

/// 2026-11-21T17:45:25Z, when the captured requests were made.
pub(crate) const NOW: Moment = Moment(1_795_283_125);

pub(crate) const CERTIFICATE: &str = include_str!("../data/captured-cert.pem");

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

pub(crate) fn unb64(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).unwrap()
}

pub(crate) fn standard_b64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

static KEYS: LazyLock<Vec<SigningKey>> =
    LazyLock::new(|| Alg::ALL.map(|alg| SigningKey::generate(alg).unwrap().0).into());

/// One key per algorithm, made once: RSA takes its time.
pub(crate) fn key(alg: Alg) -> &'static SigningKey {
    KEYS.iter().find(|key| key.alg() == alg).unwrap()
}

/// Verifies whatever fits the kind of key.
pub(crate) fn public(alg: Alg) -> VerifyingKey {
    let bound = key(alg).verifying_key().unwrap();
    VerifyingKey::from_spki_der(&bound.to_spki_der().unwrap()).unwrap()
}

pub(crate) fn registered(key: VerifyingKey) -> RegisteredKey {
    RegisteredKey {
        kid: None,
        sha1: None,
        sha256: None,
        not_before: None,
        not_after: None,
        key: Arc::new(key),
    }
}

/// Signs whatever header and payload, also wrong ones.
pub(crate) fn sign(key: &SigningKey, header: &str, payload: &str) -> String {
    let input = jws::signing_input(header.as_bytes(), payload.as_bytes());
    let signature = key.sign(input.as_bytes()).unwrap();
    jws::finish(input, &signature)
}
