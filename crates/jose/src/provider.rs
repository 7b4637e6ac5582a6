//! The one place that names aws-lc-rs: digests, MACs, randomness, wrapping, signatures.

mod private_key;
mod public_key;

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac, rand};
use counterfoil_protocol::secret::Secret;
use zeroize::Zeroizing;

pub(crate) use private_key::{PrivateForm, PrivateKey};
pub(crate) use public_key::PublicKey;

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha256_of(&[bytes])
}

/// SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    fixed(context.finish().as_ref())
}

/// SHA-384 of `bytes`.
#[must_use]
pub fn sha384(bytes: &[u8]) -> [u8; 48] {
    fixed(digest::digest(&digest::SHA384, bytes).as_ref())
}

/// SHA-512 of `bytes`.
#[must_use]
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    fixed(digest::digest(&digest::SHA512, bytes).as_ref())
}

/// SHA-1 of a certificate, because clients name their keys by it. A name, never a reason to trust.
#[must_use]
pub fn sha1_fingerprint(der: &[u8]) -> [u8; 20] {
    fixed(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref())
}

/// Copies as many bytes as fit; every caller's lengths agree.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

/// A key of HMAC-SHA-256 (RFC 2104), expanded once.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// A secret of any length; 32 random bytes are right.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The tag over the parts, one after the other; whoever calls makes their borders unambiguous.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        fixed(context.sign().as_ref())
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey([redacted])")
    }
}

/// The system's random generator did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no randomness")
    }
}

impl std::error::Error for Unavailable {}

/// Fills `out` from the system's generator: the one source of randomness.
///
/// # Errors
/// [`Unavailable`]; nothing may be minted then.
pub fn random_bytes(out: &mut [u8]) -> Result<(), Unavailable> {
    rand::fill(out).map_err(|_| Unavailable)
}

/// Wraps private signing keys at rest: AES-256-GCM (NIST SP 800-38D).
pub struct WrappingKey(Zeroizing<[u8; 32]>);

impl WrappingKey {
    /// 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*key))
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, self.0.as_slice()).ok().map(LessSafeKey::new)
    }

    /// Seals `plain`; a nonce is used once. Keeps `aad` from being exchanged. What the cipher cannot
    /// take (more than 64 GiB) comes out empty, and empty never opens.
    #[must_use]
    pub fn seal(&self, nonce: [u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        // Room for the tag, so that the plain text is not left behind by a reallocation.
        let mut sealed = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(plain);
        let done = self
            .cipher()
            .and_then(|key| key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed).ok());
        if done.is_some() { sealed } else { Vec::new() }
    }

    /// `None` when key, nonce, `aad` or any bit differ.
    #[must_use]
    pub fn open(&self, nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Secret> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let plain = self.cipher()?.open_in_place(nonce, Aad::from(aad), &mut bytes).ok()?;
        Some(Secret::new(plain.to_vec()))
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappingKey([redacted])")
    }
}
