//! The public key of a client, with the names it goes by and the time in which it counts.

use std::sync::Arc;

use counterfoil_protocol::moment::Moment;

use crate::base64;
use crate::jws::Header;
use crate::key::VerifyingKey;

/// Keys that are tried when a signature names none: verifying costs.
const KEYS_TRIED_MAX: usize = 10;

/// A key as registered. One that came in a certificate has its fingerprints and its validity.
#[derive(Clone, Debug)]
pub struct RegisteredKey {
    /// The `kid` of a JWK.
    pub kid: Option<String>,
    /// SHA-1 of the certificate: a name, never a reason to trust.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256 of the certificate.
    pub sha256: Option<[u8; 32]>,
    /// First moment of the certificate.
    pub not_before: Option<Moment>,
    /// Last moment of the certificate.
    pub not_after: Option<Moment>,
    /// The key.
    pub key: Arc<VerifyingKey>,
}

impl RegisteredKey {
    /// Certificates that have expired, or are not valid yet, do not verify.
    #[must_use]
    pub fn is_valid_at(&self, now: Moment) -> bool {
        self.not_before.is_none_or(|from| from <= now) && self.not_after.is_none_or(|to| now <= to)
    }

    /// Whether `kid` is one of its names (surfaces.md 4.4): 40 hexadecimal digits are the SHA-1 and
    /// 64 the SHA-256 of its certificate, in any case, colons ignored; else the `kid` of its JWK.
    #[must_use]
    pub fn is_named(&self, kid: &str) -> bool {
        self.kid.as_deref() == Some(kid)
            || self.sha1.is_some_and(|sha1| is_hex_of(kid, &sha1))
            || self.sha256.is_some_and(|sha256| is_hex_of(kid, &sha256))
    }
}

fn is_hex_of(text: &str, bytes: &[u8]) -> bool {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    digits.eq_ignore_ascii_case(&counterfoil_protocol::ids::hex(bytes))
}

/// How a message names its key.
pub(crate) enum KeyName {
    /// `kid`.
    Kid(String),
    /// `x5t`, `x5t#S256` or both.
    Fingerprint(Option<[u8; 20]>, Option<[u8; 32]>),
    /// Not at all: the keys are tried.
    None,
}

impl KeyName {
    /// `kid` first: it is what most clients mean. `None` for a fingerprint that is not one.
    pub(crate) fn of(header: &Header) -> Option<Self> {
        if let Some(kid) = &header.kid {
            return Some(Self::Kid(kid.clone()));
        }
        let sha1 = header.x5t.as_deref().map(digest).transpose();
        let sha256 = header.x5t_s256.as_deref().map(digest).transpose();
        Some(match (sha1.ok()?, sha256.ok()?) {
            (None, None) => Self::None,
            (sha1, sha256) => Self::Fingerprint(sha1, sha256),
        })
    }

    fn names(&self, key: &RegisteredKey) -> bool {
        match self {
            Self::Kid(kid) => key.is_named(kid),
            Self::Fingerprint(sha1, sha256) => {
                sha1.is_none_or(|sent| key.sha1 == Some(sent))
                    && sha256.is_none_or(|sent| key.sha256 == Some(sent))
            }
            Self::None => true,
        }
    }
}

fn digest<const N: usize>(text: &str) -> Result<[u8; N], ()> {
    base64::url_decode(text).and_then(|bytes| bytes.try_into().ok()).ok_or(())
}

/// The keys worth trying, in the order of registration. Empty: the key is unknown.
pub(crate) fn candidates<'k>(
    keys: &'k [RegisteredKey],
    name: &KeyName,
    now: Moment,
) -> Vec<&'k RegisteredKey> {
    keys.iter().filter(|key| name.names(key) && key.is_valid_at(now)).take(KEYS_TRIED_MAX).collect()
}
