//! Proof key for code exchange: only S256 (RFC 7636).

use std::fmt;

use crate::ids::Malformed;

/// RFC 7636 §4.1: unreserved characters.
fn unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~')
}

/// A code challenge as sent. Only one of exactly 43 base64url characters can ever be redeemed, but a
/// surface may be asked to accept others and let them fail later (MX: "greater than or equal to 32").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(Box<str>);

impl Challenge {
    /// # Errors
    /// [`Malformed`] when shorter than `len_min`, longer than 128, or outside the alphabet.
    pub fn parse(raw: &str, len_min: usize, len_max: usize) -> Result<Self, Malformed> {
        let fits = (len_min..=len_max).contains(&raw.len()) && raw.bytes().all(unreserved);
        fits.then(|| Self(raw.into())).ok_or(Malformed("code_challenge"))
    }

    /// The text as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1). A secret of the client.
pub struct Verifier(Box<str>);

impl Verifier {
    /// # Errors
    /// [`Malformed`] when the length or the alphabet is wrong.
    pub fn parse(raw: &str) -> Result<Self, Malformed> {
        let fits = (43..=128).contains(&raw.len()) && raw.bytes().all(unreserved);
        fits.then(|| Self(raw.into())).ok_or(Malformed("code_verifier"))
    }

    /// What is hashed and compared with the challenge.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_at_the_edge() {
        for (len, fits) in [(42, false), (43, true), (128, true), (129, false)] {
            assert_eq!(Verifier::parse(&"a".repeat(len)).is_ok(), fits, "{len}");
        }
        assert!(Challenge::parse(&"a".repeat(31), 32, 128).is_err());
        assert!(Challenge::parse(&"a".repeat(32), 32, 128).is_ok());
        assert!(Challenge::parse(&"+".repeat(43), 32, 128).is_err());
    }
}
