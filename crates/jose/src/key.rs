//! Signing and verifying keys, parsed once and used often.

use std::fmt;

use counterfoil_protocol::secret::Secret;
use zeroize::Zeroizing;

use crate::alg::{Alg, Kty};
use crate::jwk::Jwk;
use crate::parts::PublicParts;
use crate::provider::{PrivateForm, PrivateKey, PublicKey};

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not of its form, or not on its curve.
    Malformed,
    /// A kind of key, a curve or a purpose we do not take.
    Unsupported,
    /// An RSA key that is too short, too long, or has unfit numbers (RFC 7518 §3.3), or a point of
    /// small order.
    Weak,
    /// The key is not one of this algorithm.
    AlgorithmMismatch,
    /// The backend failed.
    Backend,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed key",
            Self::Unsupported => "unsupported key",
            Self::Weak => "weak key",
            Self::AlgorithmMismatch => "key of another algorithm",
            Self::Backend => "the crypto backend failed",
        })
    }
}

impl std::error::Error for KeyError {}

/// A private key of one algorithm.
pub struct SigningKey {
    alg: Alg,
    private: PrivateKey,
    public: PublicParts,
}

impl SigningKey {
    /// A new key, and its PKCS#8 form to be wrapped and stored. RSA has 2048 bits.
    ///
    /// # Errors
    /// [`KeyError::Backend`].
    pub fn generate(alg: Alg) -> Result<(Self, Secret), KeyError> {
        let (private, pkcs8) = PrivateKey::generate(alg)?;
        Ok((Self::new(alg, private)?, pkcs8))
    }

    /// The inverse of [`Self::generate`] (RFC 5208).
    ///
    /// # Errors
    /// What is wrong with the key; one of another kind is malformed.
    pub fn from_pkcs8(alg: Alg, der: &[u8]) -> Result<Self, KeyError> {
        Self::new(alg, PrivateKey::from_der(alg, PrivateForm::Pkcs8, der)?)
    }

    /// `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY` (RFC 7468).
    ///
    /// # Errors
    /// What is wrong with the key; an encrypted one is unsupported.
    pub fn from_pem(alg: Alg, pem: &str) -> Result<Self, KeyError> {
        let decoded = der::pem::decode_vec(pem.as_bytes());
        let (label, bytes) = decoded.map_err(|_| KeyError::Malformed)?;
        let bytes = Zeroizing::new(bytes);
        let form = match (label, alg.kty()) {
            ("PRIVATE KEY", _) => PrivateForm::Pkcs8,
            ("RSA PRIVATE KEY", Kty::Rsa) | ("EC PRIVATE KEY", Kty::Ec) => PrivateForm::Traditional,
            _ => return Err(KeyError::Unsupported),
        };
        Self::new(alg, PrivateKey::from_der(alg, form, &bytes)?)
    }

    fn new(alg: Alg, private: PrivateKey) -> Result<Self, KeyError> {
        let public = private.public(alg)?;
        Ok(Self { alg, private, public })
    }

    /// The signature in JOSE form.
    ///
    /// # Errors
    /// [`KeyError::Backend`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.private.sign(self.alg, message)
    }

    /// Its algorithm; a key has exactly one (RFC 8725 §3.1).
    #[must_use]
    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// Whether a signature takes long enough to be made off the async workers.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.alg.is_slow()
    }

    /// What is published.
    #[must_use]
    pub fn public_jwk(&self, kid: &str) -> Jwk {
        Jwk {
            use_: Some("sig".into()),
            alg: Some(self.alg.as_str().into()),
            kid: Some(kid.into()),
            ..self.public.to_jwk()
        }
    }

    /// The key that verifies what this one signs.
    ///
    /// # Errors
    /// [`KeyError::Backend`].
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        VerifyingKey::new(&self.public, Some(self.alg))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.alg)
    }
}

/// A public key.
pub struct VerifyingKey {
    public: PublicKey,
    /// What its JWK says it is for.
    only: Option<Alg>,
}

impl VerifyingKey {
    /// A JWK for signatures. One that names an algorithm verifies nothing else.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        if jwk.use_.as_deref().is_some_and(|purpose| purpose != "sig") {
            return Err(KeyError::Unsupported);
        }
        let only = jwk.alg.as_deref().map(|name| Alg::parse(name).ok_or(KeyError::Unsupported));
        Self::new(&PublicParts::from_jwk(jwk)?, only.transpose()?)
    }

    /// SubjectPublicKeyInfo, as certificates carry it.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(&PublicParts::from_spki(der)?, None)
    }

    /// `PUBLIC KEY` (RFC 7468 §13).
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        match der::pem::decode_vec(pem.as_bytes()) {
            Ok(("PUBLIC KEY", der)) => Self::from_spki_der(&der),
            Ok(_) => Err(KeyError::Unsupported),
            Err(_) => Err(KeyError::Malformed),
        }
    }

    fn new(parts: &PublicParts, only: Option<Alg>) -> Result<Self, KeyError> {
        let public = PublicKey::new(parts)?;
        if only.is_some_and(|alg| !public.fits(alg)) {
            return Err(KeyError::AlgorithmMismatch);
        }
        Ok(Self { public, only })
    }

    /// Whether this key can verify signatures of `alg` at all.
    #[must_use]
    pub fn fits(&self, alg: Alg) -> bool {
        self.public.fits(alg) && self.only.is_none_or(|only| only == alg)
    }

    /// Whether `signature`, in JOSE form, is one of this key. `false` for an algorithm of another
    /// kind of key (RFC 8725 §3.1).
    #[must_use]
    pub fn verify(&self, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
        self.fits(alg) && self.public.verify(alg, message, signature)
    }

    /// SubjectPublicKeyInfo, to store a key that came as a JWK.
    ///
    /// # Errors
    /// [`KeyError::Backend`].
    pub fn to_spki_der(&self) -> Result<Vec<u8>, KeyError> {
        self.public.to_spki_der()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?})", self.public)
    }
}
