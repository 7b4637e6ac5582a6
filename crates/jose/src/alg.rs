//! Algorithms of signatures (RFC 7518 §3.1, RFC 8037). `none` and HMAC have no value here, so they
//! cannot be allowed by mistake.

use std::fmt;

use crate::parts::Curve;

/// A digital signature algorithm, by its registered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    ES512,
    /// Ed25519 (RFC 8037).
    EdDSA,
}

/// The kind of key an algorithm needs (RFC 7518 §6.1, RFC 8037 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kty {
    /// RSA.
    Rsa,
    /// A NIST curve.
    Ec,
    /// Ed25519.
    Okp,
}

impl Kty {
    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ec => "EC",
            Self::Okp => "OKP",
        }
    }
}

impl Alg {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
    ];

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Names are case-sensitive (RFC 7515 §4.1.1). `Ed25519` is the newer name of what we mean by
    /// `EdDSA` (RFC 9864 §2.2): Ed448 is not offered here.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDSA);
        }
        Self::ALL.into_iter().find(|alg| alg.as_str() == name)
    }

    /// The kind of key.
    #[must_use]
    pub const fn kty(self) -> Kty {
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => {
                Kty::Rsa
            }
            Self::ES256 | Self::ES384 | Self::ES512 => Kty::Ec,
            Self::EdDSA => Kty::Okp,
        }
    }

    /// Whether keys take long to make and to sign with: too long for a thread that others wait for.
    #[must_use]
    pub fn is_slow(self) -> bool {
        self.kty() == Kty::Rsa
    }

    /// The curve; RSA has none.
    pub(crate) const fn curve(self) -> Option<Curve> {
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => {
                None
            }
            Self::ES256 => Some(Curve::P256),
            Self::ES384 => Some(Curve::P384),
            Self::ES512 => Some(Curve::P521),
            Self::EdDSA => Some(Curve::Ed25519),
        }
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        for alg in Alg::ALL {
            assert_eq!(Alg::parse(alg.as_str()), Some(alg));
        }
        assert_eq!(Alg::parse("Ed25519"), Some(Alg::EdDSA));
        for name in
            ["ed25519", "Ed448", "none", "None", "HS256", "rs256", "RS256 ", "ES256K", "RSA1_5", ""]
        {
            assert_eq!(Alg::parse(name), None, "{name}");
        }
    }
}
