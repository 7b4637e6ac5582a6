//! Signed messages in compact serialization (RFC 7515 §3.1, §7.1).

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::alg::Alg;
use crate::base64;
use crate::json::{self, WrongType};
use crate::jwk::Jwk;
use crate::key::{KeyError, SigningKey, VerifyingKey};

/// Characters of an encoded header; ours have about 100.
const HEADER_LEN_MAX: usize = 8 * 1024;

/// Why a signed message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsFault {
    /// Longer than allowed.
    TooLong,
    /// Not three parts of strict base64url with a JSON object in front.
    Malformed,
    /// `alg` is unknown, or not allowed here.
    Algorithm,
    /// A critical header parameter (RFC 7515 §4.1.11); we know none.
    Critical,
    /// The message brings its own key, or says where to fetch one.
    KeyEmbedded,
    /// The key that the message brings is none: malformed, private, symmetric.
    Key,
    /// No key of that `kid`.
    KeyUnknown,
    /// `typ` is another one (RFC 8725 §3.11).
    Type,
    /// The signature does not verify.
    Signature,
}

impl fmt::Display for JwsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "too long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm not allowed",
            Self::Critical => "unknown critical header parameter",
            Self::KeyEmbedded => "embedded key",
            Self::Key => "malformed embedded key",
            Self::KeyUnknown => "unknown key",
            Self::Type => "other type",
            Self::Signature => "wrong signature",
        })
    }
}

impl std::error::Error for JwsFault {}

/// The header of what we sign, in this order.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Protected<'a> {
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

impl<'a> Protected<'a> {
    /// `typ` keeps kinds of tokens apart (RFC 8725 §3.11).
    #[must_use]
    pub fn new(alg: Alg, typ: Option<&'a str>, kid: Option<&'a str>) -> Self {
        Self { alg: alg.as_str(), typ, kid }
    }
}

/// Signs `payload` in place.
///
/// # Errors
/// [`KeyError::AlgorithmMismatch`] when the header names another algorithm than the key's;
/// [`KeyError::Backend`].
pub fn encode(
    header: &Protected<'_>,
    payload: &[u8],
    key: &SigningKey,
) -> Result<String, KeyError> {
    if header.alg != key.alg().as_str() {
        return Err(KeyError::AlgorithmMismatch);
    }
    let header = serde_json::to_vec(header).map_err(|_| KeyError::Backend)?;
    let input = signing_input(&header, payload);
    let signature = key.sign(input.as_bytes())?;
    Ok(finish(input, &signature))
}

/// What is signed (RFC 7515 §5.1), for keys that sign elsewhere.
#[must_use]
pub fn signing_input(header_json: &[u8], payload: &[u8]) -> String {
    let mut input = base64::url_encode(header_json);
    input.push('.');
    input.push_str(&base64::url_encode(payload));
    input
}

/// The message, once its signature is there.
#[must_use]
pub fn finish(mut input: String, signature: &[u8]) -> String {
    input.push('.');
    input.push_str(&base64::url_encode(signature));
    input
}

/// The header of what we received. It is a claim of the sender until the signature verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The algorithm.
    pub alg: Alg,
    /// The type, as sent.
    pub typ: Option<String>,
    /// The name of the key.
    pub kid: Option<String>,
    /// SHA-1 of a certificate, base64url (RFC 7515 §4.1.7).
    pub x5t: Option<String>,
    /// SHA-256 of a certificate, base64url (RFC 7515 §4.1.8).
    pub x5t_s256: Option<String>,
    /// The key itself, where the profile takes it (RFC 9449 §4.2).
    pub jwk: Option<Jwk>,
}

impl Header {
    fn read(members: &Map<String, Value>, jwk_allowed: bool) -> Result<Self, JwsFault> {
        let text = |name| json::text(members, name).map_err(|WrongType| JwsFault::Malformed);
        let alg = text("alg")?.ok_or(JwsFault::Malformed)?;
        let alg = Alg::parse(&alg).ok_or(JwsFault::Algorithm)?;
        // `b64` must be listed in `crit` (RFC 7797 §6), so it is one we do not understand as well.
        if members.contains_key("crit") || members.contains_key("b64") {
            return Err(JwsFault::Critical);
        }
        if members.contains_key("zip") {
            return Err(JwsFault::Malformed);
        }
        // A key that the message brings proves nothing about its sender, and an address would make
        // us fetch (RFC 8725 §3.10).
        let elsewhere = ["x5c", "jku", "x5u"].iter().any(|name| members.contains_key(*name));
        let jwk = match members.get("jwk") {
            None => None,
            Some(_) if !jwk_allowed => return Err(JwsFault::KeyEmbedded),
            Some(value) => {
                let jwk = value.as_object().ok_or(JwsFault::Key)?;
                Some(Jwk::from_members(jwk).map_err(|_| JwsFault::Key)?)
            }
        };
        if elsewhere {
            return Err(JwsFault::KeyEmbedded);
        }
        Ok(Self {
            alg,
            typ: text("typ")?,
            kid: text("kid")?,
            x5t: text("x5t")?,
            x5t_s256: text("x5t#S256")?,
            jwk,
        })
    }
}

/// A message of compact form. Nothing in it may be believed before [`Compact::verify`].
pub struct Compact {
    header: Header,
    input: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Compact {
    /// Reads a message that must not bring its own key.
    ///
    /// # Errors
    /// Every fault but [`JwsFault::Signature`].
    pub fn parse(raw: &str, len_max: usize) -> Result<Self, JwsFault> {
        Self::read(raw, len_max, false)
    }

    /// Reads a message that may carry `jwk`, for profiles that prove possession of it.
    ///
    /// # Errors
    /// Every fault but [`JwsFault::Signature`].
    pub fn parse_with_jwk(raw: &str, len_max: usize) -> Result<Self, JwsFault> {
        Self::read(raw, len_max, true)
    }

    fn read(raw: &str, len_max: usize, jwk_allowed: bool) -> Result<Self, JwsFault> {
        if raw.len() > len_max {
            return Err(JwsFault::TooLong);
        }
        let (input, signature) = raw.rsplit_once('.').ok_or(JwsFault::Malformed)?;
        let (header, payload) = input.split_once('.').ok_or(JwsFault::Malformed)?;
        if header.len() > HEADER_LEN_MAX {
            return Err(JwsFault::TooLong);
        }
        // A fourth part makes the payload undecodable: the dot is not in the alphabet.
        let decode = |text| base64::url_decode(text).ok_or(JwsFault::Malformed);
        let members = json::object(&decode(header)?).ok_or(JwsFault::Malformed)?;
        let header = Header::read(&members, jwk_allowed)?;
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        if signature.is_empty() {
            return Err(JwsFault::Malformed);
        }
        Ok(Self { header, input: input.into(), payload, signature })
    }

    /// What the sender says about the message.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// For profiles that must look inside to learn whose key to take.
    pub(crate) fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, when `key` signed it with an algorithm of `allowed`.
    ///
    /// # Errors
    /// [`JwsFault::Algorithm`] and [`JwsFault::Signature`].
    pub fn verify(&self, key: &VerifyingKey, allowed: &[Alg]) -> Result<&[u8], JwsFault> {
        if !allowed.contains(&self.header.alg) {
            return Err(JwsFault::Algorithm);
        }
        let verifies = key.verify(self.header.alg, self.input.as_bytes(), &self.signature);
        verifies.then_some(self.payload.as_slice()).ok_or(JwsFault::Signature)
    }
}

impl fmt::Debug for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compact({})", self.header.alg)
    }
}
