//! The keys of a client, from the set it registered by value (RFC 7517), with the certificates that
//! `self_signed_tls_client_auth` compares (RFC 8705 §2.2.2).

use base64ct::{Base64, Encoding as _};
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::jwk::JwkSet;
use counterfoil_jose::key::VerifyingKey;
use counterfoil_protocol::refusal::{MetadataFault, Refusal};
use serde_json::Value;

use crate::client::ClientKey;
use crate::limits::CREDENTIALS_PER_CLIENT_MAX;

/// The keys that can verify something, in the order of the set. Keys for encryption are left out.
///
/// # Errors
/// [`Refusal::Metadata`]: not a set of public keys, a weak key, too many, none that verifies.
pub fn read(jwks: &Value) -> Result<Vec<ClientKey>, Refusal> {
    let malformed = || Refusal::Metadata("jwks", MetadataFault::Malformed);
    let set: JwkSet = serde_json::from_value(jwks.clone()).map_err(|_| malformed())?;
    let raw = jwks.get("keys").and_then(Value::as_array).ok_or_else(malformed)?;
    let mut keys = vec![];
    for (jwk, raw) in set.keys.iter().zip(raw) {
        if jwk.use_.as_deref().is_some_and(|purpose| purpose != "sig") {
            continue;
        }
        let key = VerifyingKey::from_jwk(jwk).map_err(|_| malformed())?;
        let spki = key.to_spki_der().map_err(|_| malformed())?;
        let certificate = certificate(raw)?;
        // A certificate of another key would let somebody else in.
        if certificate.as_ref().is_some_and(|certificate| certificate.spki_der() != spki) {
            return Err(malformed());
        }
        keys.push(ClientKey {
            kid: jwk.kid.as_deref().map(Into::into),
            spki,
            sha1: certificate.as_ref().map(Certificate::sha1),
            sha256: certificate.as_ref().map(Certificate::sha256),
            not_before: certificate.as_ref().map(Certificate::not_before),
            not_after: certificate.as_ref().map(Certificate::not_after),
        });
    }
    match keys.len() {
        0 => Err(malformed()),
        many if many > CREDENTIALS_PER_CLIENT_MAX => {
            Err(Refusal::Metadata("jwks", MetadataFault::NotAllowed))
        }
        _ => Ok(keys),
    }
}

/// The first certificate of `x5c` (RFC 7517 §4.7), if there is one.
fn certificate(jwk: &Value) -> Result<Option<Certificate>, Refusal> {
    let malformed = Refusal::Metadata("jwks", MetadataFault::Malformed);
    let Some(chain) = jwk.get("x5c") else { return Ok(None) };
    let first = chain.as_array().and_then(|chain| chain.first()).and_then(Value::as_str);
    let der = Base64::decode_vec(first.ok_or(malformed)?).map_err(|_| malformed)?;
    Certificate::from_der(&der).map(Some).map_err(|_| malformed)
}
