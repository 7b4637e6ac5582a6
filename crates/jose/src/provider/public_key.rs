//! Public keys of the backend, parsed once.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{
    self as sig, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents,
};

use crate::alg::Alg;
use crate::key::KeyError;
use crate::parts::{Curve, PublicParts};

/// A public key of the backend. RSA is parsed per algorithm, at the first use of each.
pub(crate) enum PublicKey {
    Rsa(Box<RsaPublicKey>),
    Curve(Curve, Box<ParsedPublicKey>),
}

/// The numbers, and the key per algorithm.
pub(crate) struct RsaPublicKey {
    numbers: RsaPublicKeyComponents<Vec<u8>>,
    parsed: [OnceLock<Option<ParsedPublicKey>>; 6],
}

impl PublicKey {
    /// The parts hold what [`PublicParts`] promises; that a point lies on its curve is checked here.
    pub(crate) fn new(parts: &PublicParts) -> Result<Self, KeyError> {
        let parse = |curve, bytes: &[u8]| {
            let parsed = match ec_verification(curve) {
                Some(algorithm) => ParsedPublicKey::new(algorithm, bytes),
                None => ParsedPublicKey::new(&sig::ED25519, bytes),
            };
            Ok(Self::Curve(curve, Box::new(parsed.map_err(|_| KeyError::Malformed)?)))
        };
        match parts {
            PublicParts::Rsa { n, e } => {
                let numbers = RsaPublicKeyComponents { n: n.clone(), e: e.clone() };
                Ok(Self::Rsa(Box::new(RsaPublicKey { numbers, parsed: Default::default() })))
            }
            PublicParts::Ec { curve, x, y } => {
                parse(*curve, &[&[4], x.as_slice(), y.as_slice()].concat())
            }
            PublicParts::Okp { x } => parse(Curve::Ed25519, x),
        }
    }

    /// Whether `alg` is one of this kind of key.
    pub(crate) fn fits(&self, alg: Alg) -> bool {
        match self {
            Self::Rsa(_) => alg.curve().is_none(),
            Self::Curve(curve, _) => alg.curve() == Some(*curve),
        }
    }

    pub(crate) fn verify(&self, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(alg) {
            return false;
        }
        match self {
            Self::Rsa(key) => {
                let Some((slot, parameters)) = rsa_parameters(alg) else { return false };
                let parse = || key.numbers.to_parsed_public_key(parameters).ok();
                let key = key.parsed[slot].get_or_init(parse);
                key.as_ref().is_some_and(|key| key.verify_sig(message, signature).is_ok())
            }
            Self::Curve(_, key) => key.verify_sig(message, signature).is_ok(),
        }
    }

    /// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub(crate) fn to_spki_der(&self) -> Result<Vec<u8>, KeyError> {
        let der: Result<PublicKeyX509Der<'_>, _> = match self {
            Self::Rsa(key) => key.numbers.as_der(),
            Self::Curve(_, key) => key.as_der(),
        };
        der.map(|der| der.as_ref().to_vec()).map_err(|_| KeyError::Backend)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(key) => write!(f, "RSA {}", key.numbers.n.len() * 8),
            Self::Curve(curve, _) => f.write_str(curve.as_str()),
        }
    }
}

fn ec_verification(curve: Curve) -> Option<&'static EcdsaVerificationAlgorithm> {
    match curve {
        Curve::P256 => Some(&sig::ECDSA_P256_SHA256_FIXED),
        Curve::P384 => Some(&sig::ECDSA_P384_SHA384_FIXED),
        Curve::P521 => Some(&sig::ECDSA_P521_SHA512_FIXED),
        Curve::Ed25519 => None,
    }
}

fn rsa_parameters(alg: Alg) -> Option<(usize, &'static RsaParameters)> {
    match alg {
        Alg::RS256 => Some((0, &sig::RSA_PKCS1_2048_8192_SHA256)),
        Alg::RS384 => Some((1, &sig::RSA_PKCS1_2048_8192_SHA384)),
        Alg::RS512 => Some((2, &sig::RSA_PKCS1_2048_8192_SHA512)),
        Alg::PS256 => Some((3, &sig::RSA_PSS_2048_8192_SHA256)),
        Alg::PS384 => Some((4, &sig::RSA_PSS_2048_8192_SHA384)),
        Alg::PS512 => Some((5, &sig::RSA_PSS_2048_8192_SHA512)),
        Alg::ES256 | Alg::ES384 | Alg::ES512 | Alg::EdDSA => None,
    }
}
