//! Public keys as JSON (RFC 7517). Public only: a JWK that carries private members is refused.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json::{self, Strict, WrongType};

/// Keys of one set: more is an attack or a mistake.
pub const KEYS_MAX: usize = 100;
/// An RSA modulus of 8192 bits has 1366 characters.
const MEMBER_LEN_MAX: usize = 2048;

/// Members that only a private or a symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key. Members we do not know are ignored (RFC 7517 §4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwk {
    /// Kind of key.
    pub kty: String,
    /// Purpose: `sig`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_: Option<String>,
    /// The algorithm it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// First coordinate, or the whole key of OKP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Second coordinate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// RSA modulus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA public exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
}

impl Jwk {
    pub(crate) fn of(kty: &str) -> Self {
        Self {
            kty: kty.into(),
            use_: None,
            alg: None,
            kid: None,
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
        }
    }

    /// Reads the members; the error says what is wrong and never holds a value.
    pub(crate) fn from_members(members: &Map<String, Value>) -> Result<Self, &'static str> {
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err("a public key with private members");
        }
        let text = |name: &str| {
            let text = json::text(members, name).map_err(|WrongType| "a member is not text")?;
            match text {
                Some(text) if text.len() > MEMBER_LEN_MAX => Err("a member is too long"),
                Some(_) | None => Ok(text),
            }
        };
        Ok(Self {
            kty: text("kty")?.ok_or("no kty")?,
            use_: text("use")?,
            alg: text("alg")?,
            kid: text("kid")?,
            crv: text("crv")?,
            x: text("x")?,
            y: text("y")?,
            n: text("n")?,
            e: text("e")?,
        })
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Strict(value) = Strict::deserialize(deserializer)?;
        let members = value.as_object().ok_or_else(|| D::Error::custom("not an object"))?;
        Self::from_members(members).map_err(D::Error::custom)
    }
}

/// The keys of one party (RFC 7517 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// In the order of publication.
    pub keys: Vec<Jwk>,
}

impl<'de> Deserialize<'de> for JwkSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Strict(value) = Strict::deserialize(deserializer)?;
        let keys = value.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or_else(|| D::Error::custom("no keys"))?;
        if keys.len() > KEYS_MAX {
            return Err(D::Error::custom("too many keys"));
        }
        let read = |key: &Value| {
            let members = key.as_object().ok_or("a key is not an object")?;
            Jwk::from_members(members)
        };
        let keys = keys.iter().map(read).collect::<Result<_, _>>().map_err(D::Error::custom)?;
        Ok(Self { keys })
    }
}
