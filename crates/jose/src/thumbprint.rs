//! The name of a public key: SHA-256 of its required members (RFC 7638).

use serde_json::to_string;

use crate::jwk::Jwk;
use crate::provider;

/// `None` for a kind of key that has no registered form here, or without a required member.
#[must_use]
pub fn jwk_thumbprint(jwk: &Jwk) -> Option<[u8; 32]> {
    let quote = |member: &Option<String>| to_string(member.as_ref()?).ok();
    // RFC 7638 §3.3: these members, in this order, no white space.
    let canonical = match jwk.kty.as_str() {
        "RSA" => format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, quote(&jwk.e)?, quote(&jwk.n)?),
        "EC" => {
            let (crv, x, y) = (quote(&jwk.crv)?, quote(&jwk.x)?, quote(&jwk.y)?);
            format!(r#"{{"crv":{crv},"kty":"EC","x":{x},"y":{y}}}"#)
        }
        "OKP" => {
            format!(r#"{{"crv":{},"kty":"OKP","x":{}}}"#, quote(&jwk.crv)?, quote(&jwk.x)?)
        }
        _ => return None,
    };
    Some(provider::sha256(canonical.as_bytes()))
}
