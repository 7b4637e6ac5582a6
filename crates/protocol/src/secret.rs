//! Secrets: zeroed on drop, printed as `[redacted]`, compared in constant time, kept as digests.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Bytes that must not outlive their use. No `Clone`, no `Display`, no `Serialize`, no `PartialEq`.
///
/// ```compile_fail
/// fn log(s: counterfoil_protocol::secret::Secret) { println!("{s}") } // a secret has no Display
/// ```
/// ```compile_fail
/// use counterfoil_protocol::secret::Secret;
/// fn equal(a: Secret, b: Secret) -> bool { a == b } // compare digests
/// ```
/// ```compile_fail
/// use counterfoil_protocol::secret::Secret;
/// fn copy(s: &Secret) -> Secret { s.clone() }
/// ```
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; they are zeroed when the secret is dropped.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The one way out. `expose` is greppable; reviewers look at every use.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// 32 bytes made from a secret (SHA-256 or HMAC-SHA-256): the form in which client secrets, PKCE
/// challenges and certificates are kept and compared. `==` takes the same time whatever differs.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// A digest that was computed or decoded elsewhere.
    #[must_use]
    pub fn known(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest([redacted])")
    }
}

/// Compares bytes of equal length without telling where they differ.
#[must_use]
pub fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2".to_vec())), "[redacted]");
        assert_eq!(format!("{:?}", Digest::known([7; 32])), "Digest([redacted])");
    }
}
