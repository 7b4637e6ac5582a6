//! Private keys of the backend, by algorithm.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self as sig, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use counterfoil_protocol::secret::Secret;

use crate::alg::Alg;
use crate::key::KeyError;
use crate::parts::{Curve, PublicParts};

/// A private key of the backend.
pub(crate) enum PrivateKey {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
}

/// How private keys come as DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrivateForm {
    /// RFC 5208.
    Pkcs8,
    /// RFC 8017 A.1.2 for RSA, RFC 5915 for EC.
    Traditional,
}

impl PrivateKey {
    /// A new key and its PKCS#8 form.
    pub(crate) fn generate(alg: Alg) -> Result<(Self, Secret), KeyError> {
        let failed = |_| KeyError::Backend;
        Ok(match alg.curve() {
            None => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                let secret = Secret::new(der.as_ref().to_vec());
                (Self::Rsa(Box::new(pair)), secret)
            }
            Some(Curve::Ed25519) => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let der = pair.to_pkcs8v1().map_err(failed)?;
                (Self::Ed(Box::new(pair)), Secret::new(der.as_ref().to_vec()))
            }
            Some(curve @ (Curve::P256 | Curve::P384 | Curve::P521)) => {
                let signing = ec_signing(curve).ok_or(KeyError::Unsupported)?;
                let pair = EcdsaKeyPair::generate(signing).map_err(failed)?;
                let der = pair.to_pkcs8v1().map_err(failed)?;
                (Self::Ec(Box::new(pair)), Secret::new(der.as_ref().to_vec()))
            }
        })
    }

    pub(crate) fn from_der(alg: Alg, form: PrivateForm, der: &[u8]) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::Malformed;
        match (alg.curve(), form) {
            (None, PrivateForm::Pkcs8) => RsaKeyPair::from_pkcs8(der).map(Box::new).map(Self::Rsa),
            (None, PrivateForm::Traditional) => {
                RsaKeyPair::from_der(der).map(Box::new).map(Self::Rsa)
            }
            (Some(Curve::Ed25519), PrivateForm::Pkcs8) => {
                Ed25519KeyPair::from_pkcs8(der).map(Box::new).map(Self::Ed)
            }
            (Some(Curve::Ed25519), PrivateForm::Traditional) => return Err(KeyError::Unsupported),
            (Some(curve @ (Curve::P256 | Curve::P384 | Curve::P521)), form) => {
                let signing = ec_signing(curve).ok_or(KeyError::Unsupported)?;
                match form {
                    PrivateForm::Pkcs8 => EcdsaKeyPair::from_pkcs8(signing, der),
                    PrivateForm::Traditional => EcdsaKeyPair::from_private_key_der(signing, der),
                }
                .map(Box::new)
                .map(Self::Ec)
            }
        }
        .map_err(malformed)
    }

    /// JOSE form: for EC the two numbers side by side (RFC 7518 §3.4).
    pub(crate) fn sign(&self, alg: Alg, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let rng = SystemRandom::new();
        let failed = |_| KeyError::Backend;
        match self {
            Self::Rsa(pair) => {
                let encoding = rsa_encoding(alg).ok_or(KeyError::AlgorithmMismatch)?;
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &rng, message, &mut out).map_err(failed)?;
                Ok(out)
            }
            Self::Ec(pair) => Ok(pair.sign(&rng, message).map_err(failed)?.as_ref().to_vec()),
            Self::Ed(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
        }
    }

    /// The public half.
    pub(crate) fn public(&self, alg: Alg) -> Result<PublicParts, KeyError> {
        match (self, alg.curve()) {
            (Self::Rsa(pair), _) => PublicParts::from_pkcs1(pair.public_key().as_ref()),
            (Self::Ec(pair), Some(curve)) => {
                PublicParts::from_point(curve, pair.public_key().as_ref())
            }
            (Self::Ed(pair), _) => {
                PublicParts::from_point(Curve::Ed25519, pair.public_key().as_ref())
            }
            (Self::Ec(_), None) => Err(KeyError::AlgorithmMismatch),
        }
    }
}

fn ec_signing(curve: Curve) -> Option<&'static EcdsaSigningAlgorithm> {
    match curve {
        Curve::P256 => Some(&sig::ECDSA_P256_SHA256_FIXED_SIGNING),
        Curve::P384 => Some(&sig::ECDSA_P384_SHA384_FIXED_SIGNING),
        Curve::P521 => Some(&sig::ECDSA_P521_SHA512_FIXED_SIGNING),
        Curve::Ed25519 => None,
    }
}

fn rsa_encoding(alg: Alg) -> Option<&'static dyn sig::RsaEncoding> {
    match alg {
        Alg::RS256 => Some(&sig::RSA_PKCS1_SHA256),
        Alg::RS384 => Some(&sig::RSA_PKCS1_SHA384),
        Alg::RS512 => Some(&sig::RSA_PKCS1_SHA512),
        Alg::PS256 => Some(&sig::RSA_PSS_SHA256),
        Alg::PS384 => Some(&sig::RSA_PSS_SHA384),
        Alg::PS512 => Some(&sig::RSA_PSS_SHA512),
        Alg::ES256 | Alg::ES384 | Alg::ES512 | Alg::EdDSA => None,
    }
}
