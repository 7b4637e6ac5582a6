//! Claims (RFC 7519), and the tokens we issued ourselves. Claims are serde structs of whoever issues.

use counterfoil_protocol::ids::Kid;
use counterfoil_protocol::moment::Moment;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize};

use crate::alg::Alg;
use crate::json;
use crate::jws::{self, Compact, JwsFault, Protected};
use crate::key::{KeyError, SigningKey, VerifyingKey};

/// Our own tokens have about one kilobyte.
pub const OWN_LEN_MAX: usize = 16 * 1024;

/// A claim that is a moment (RFC 7519 §2): whole seconds, written as an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct NumericDate(pub Moment);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        json::numeric_date(&value).map(Self).ok_or_else(|| D::Error::custom("not a date"))
    }
}

/// What is signed for a token of ours; the signature is made elsewhere and joined by
/// [`jws::finish`].
///
/// # Errors
/// [`KeyError::Backend`] when the claims cannot be written as JSON.
pub fn signing_input<C: Serialize>(
    alg: Alg,
    typ: &str,
    kid: &Kid,
    claims: &C,
) -> Result<String, KeyError> {
    let header = Protected::new(alg, Some(typ), Some(kid.as_str()));
    let header = serde_json::to_vec(&header).map_err(|_| KeyError::Backend)?;
    let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Backend)?;
    Ok(jws::signing_input(&header, &claims))
}

/// A token of ours, signed in place.
///
/// # Errors
/// [`KeyError`].
pub fn issue<C: Serialize>(
    key: &SigningKey,
    typ: &str,
    kid: &Kid,
    claims: &C,
) -> Result<String, KeyError> {
    let input = signing_input(key.alg(), typ, kid, claims)?;
    let signature = key.sign(input.as_bytes())?;
    Ok(jws::finish(input, &signature))
}

/// The payload of a token that one of `keys` signed. The `kid` chooses the key and the key its
/// algorithm, so the header has no say in either (RFC 8725 §3.1). `typ` must be the expected one, so
/// that one kind of token is not taken for another (RFC 8725 §3.11).
///
/// # Errors
/// [`JwsFault`].
pub fn verify_own<'k>(
    raw: &str,
    typ: &str,
    keys: impl IntoIterator<Item = (&'k str, &'k VerifyingKey, Alg)>,
) -> Result<Vec<u8>, JwsFault> {
    let token = Compact::parse(raw, OWN_LEN_MAX)?;
    let header = token.header();
    if !header.typ.as_deref().is_some_and(|sent| sent.eq_ignore_ascii_case(typ)) {
        return Err(JwsFault::Type);
    }
    let kid = header.kid.as_deref().ok_or(JwsFault::KeyUnknown)?;
    let key = keys.into_iter().find(|(known, ..)| *known == kid);
    let (_, key, alg) = key.ok_or(JwsFault::KeyUnknown)?;
    token.verify(key, &[alg]).map(<[u8]>::to_vec)
}

/// Claims of a verified payload as a type; a member that occurs twice is refused.
///
/// # Errors
/// [`JwsFault::Malformed`].
pub fn claims<C: DeserializeOwned>(payload: &[u8]) -> Result<C, JwsFault> {
    let members = json::object(payload).ok_or(JwsFault::Malformed)?;
    serde_json::from_value(members.into()).map_err(|_| JwsFault::Malformed)
}
