//! Certificates of clients as names and keys (RFC 5280). Chains are judged by TLS, not here.

use std::fmt;

use counterfoil_protocol::moment::Moment;
use der::{Decode as _, Encode as _};

use crate::key::{KeyError, VerifyingKey};
use crate::provider;

/// Real ones have one or two kilobytes.
const DER_LEN_MAX: usize = 32 * 1024;

/// Not a certificate, or too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateError;

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed certificate")
    }
}

impl std::error::Error for CertificateError {}

/// What we need of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    sha1: [u8; 20],
    sha256: [u8; 32],
    spki: Vec<u8>,
    not_before: Moment,
    not_after: Moment,
    subject: String,
}

impl Certificate {
    /// One certificate and nothing after it.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > DER_LEN_MAX {
            return Err(CertificateError);
        }
        let parsed = x509_cert::Certificate::from_der(der).map_err(|_| CertificateError)?;
        let tbs = parsed.tbs_certificate();
        let moment = |time: x509_cert::time::Time| Moment(time.to_unix_duration().as_secs());
        Ok(Self {
            sha1: provider::sha1_fingerprint(der),
            sha256: provider::sha256(der),
            spki: tbs.subject_public_key_info().to_der().map_err(|_| CertificateError)?,
            not_before: moment(tbs.validity().not_before),
            not_after: moment(tbs.validity().not_after),
            subject: tbs.subject().to_string(),
        })
    }

    /// `CERTIFICATE` (RFC 7468 §5).
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        if pem.len() > 2 * DER_LEN_MAX {
            return Err(CertificateError);
        }
        match der::pem::decode_vec(pem.as_bytes()) {
            Ok(("CERTIFICATE", der)) => Self::from_der(&der),
            Ok(_) | Err(_) => Err(CertificateError),
        }
    }

    /// SHA-1 of the DER: a name that clients use, never a reason to trust.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        self.sha1
    }

    /// SHA-256 of the DER (`x5t#S256`).
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The key in it.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        VerifyingKey::from_spki_der(&self.spki)
    }

    /// First moment of its validity.
    #[must_use]
    pub fn not_before(&self) -> Moment {
        self.not_before
    }

    /// Last moment of its validity.
    #[must_use]
    pub fn not_after(&self) -> Moment {
        self.not_after
    }

    /// The subject as text (RFC 4514).
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}
