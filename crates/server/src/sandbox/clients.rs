//! The key pairs of the seeded FAPI clients: a private key set for whoever plays the client, a public
//! key for the registration.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use rcgen::KeyPair;
use serde_json::json;

use super::Files;
use crate::failure::Failure;
use crate::keyfile::private;

/// The seeded clients: what their files and keys are called.
pub(super) const CLIENTS: [&str; 2] = ["client", "client2"];

/// Makes what is missing.
///
/// # Errors
/// [`Failure::failed`] naming the file.
pub(super) fn make(files: &Files) -> Result<(), Failure> {
    for name in CLIENTS {
        let (set, public) = (set(files, name), files.key(&format!("fapi-{name}-public.pem")));
        if set.exists() && public.exists() {
            continue;
        }
        let told =
            |what: &dyn std::fmt::Display| Failure::failed(format!("{}: {what}", set.display()));
        let pair = KeyPair::generate().map_err(|e| told(&e))?;
        let jwk = private_jwk(&pair, name).ok_or_else(|| told(&"no P-256 key in PKCS#8"))?;
        let text = json!({"keys": [jwk]}).to_string();
        for (path, bytes) in [(&set, text.as_bytes()), (&public, pair.public_key_pem().as_bytes())]
        {
            let _ = std::fs::remove_file(path);
            private(path, bytes).map_err(|e| told(&e))?;
        }
    }
    Ok(())
}

/// The private key set of a client.
pub(super) fn set(files: &Files, name: &str) -> std::path::PathBuf {
    files.key(&format!("fapi-{name}.jwks.json"))
}

/// A P-256 key as a JWK (RFC 7518 §6.2). rcgen gives PKCS#8, in which the private number follows
/// `INTEGER 1, OCTET STRING (32)` (RFC 5915 §3), and the public point as `04 || x || y`.
fn private_jwk(pair: &KeyPair, kid: &str) -> Option<serde_json::Value> {
    const BEFORE: [u8; 5] = [0x02, 0x01, 0x01, 0x04, 0x20];
    let der = pair.serialized_der();
    let at = der.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let number = der.get(at..at + 32)?;
    let point = pair.public_key_raw();
    let (x, y) = (point.get(1..33)?, point.get(33..65)?);
    let text = Base64UrlUnpadded::encode_string;
    Some(json!({
        "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "d": text(number),
        "use": "sig", "alg": "ES256", "kid": kid,
    }))
}
