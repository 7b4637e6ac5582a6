//! Certificates of clients as names and keys (RFC 5280). Chains are judged by TLS, not here.

use std::fmt;
use std::net::IpAddr;

use counterfoil_protocol::moment::Moment;
use der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::distinguished_name::DistinguishedName;
use crate::key::{KeyError, VerifyingKey};
use crate::provider;
use crate::qc_statement::{self, Provider};

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

/// Another name of the subject (RFC 5280 §4.2.1.6), of the kinds that clients register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AltName {
    /// `dNSName`.
    Dns(Box<str>),
    /// `uniformResourceIdentifier`.
    Uri(Box<str>),
    /// `iPAddress`.
    Ip(IpAddr),
    /// `rfc822Name`.
    Email(Box<str>),
}

impl AltName {
    /// Whether two names mean the same: hosts without regard to case, addresses by value, the rest
    /// byte for byte. There are no wildcards.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dns(one), Self::Dns(other)) => one.eq_ignore_ascii_case(other),
            (Self::Email(one), Self::Email(other)) => {
                let (Some((one, at)), Some((other, there))) =
                    (one.rsplit_once('@'), other.rsplit_once('@'))
                else {
                    return false;
                };
                one == other && at.eq_ignore_ascii_case(there)
            }
            (one, other) => one == other,
        }
    }

    fn read(name: &GeneralName) -> Option<Self> {
        match name {
            GeneralName::DnsName(name) => Some(Self::Dns(name.as_str().into())),
            GeneralName::UniformResourceIdentifier(uri) => Some(Self::Uri(uri.as_str().into())),
            GeneralName::Rfc822Name(mail) => Some(Self::Email(mail.as_str().into())),
            GeneralName::IpAddress(bytes) => {
                let bytes = bytes.as_bytes();
                let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
                four.or(<[u8; 16]>::try_from(bytes).map(IpAddr::from)).map(Self::Ip).ok()
            }
            GeneralName::OtherName(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::RegisteredId(_) => None,
        }
    }
}

/// What we need of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    sha1: [u8; 20],
    sha256: [u8; 32],
    spki: Vec<u8>,
    not_before: Moment,
    not_after: Moment,
    subject: String,
    name: Option<DistinguishedName>,
    alt_names: Vec<AltName>,
    provider: Option<Provider>,
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
            name: DistinguishedName::from_certificate(tbs.subject()).ok(),
            alt_names: alt_names(tbs),
            provider: provider_of(tbs),
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

    /// The subject as a name that can be compared; `None` when it is too long for one.
    #[must_use]
    pub fn name(&self) -> Option<&DistinguishedName> {
        self.name.as_ref()
    }

    /// The other names of the subject.
    #[must_use]
    pub fn alt_names(&self) -> &[AltName] {
        &self.alt_names
    }

    /// What it says of a payment service provider (ETSI TS 119 495); `None` for other certificates.
    #[must_use]
    pub fn provider(&self) -> Option<&Provider> {
        self.provider.as_ref()
    }

    /// Whether it counts at this moment.
    #[must_use]
    pub fn is_valid_at(&self, now: Moment) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

/// Names of an extension that cannot be read are none: nothing can match them.
fn alt_names(tbs: &x509_cert::TbsCertificate) -> Vec<AltName> {
    let Ok(Some((_, SubjectAltName(names)))) = tbs.get_extension::<SubjectAltName>() else {
        return vec![];
    };
    names.iter().filter_map(AltName::read).collect()
}

fn provider_of(tbs: &x509_cert::TbsCertificate) -> Option<Provider> {
    let mut statements = tbs.extensions()?.iter().filter(|e| e.extn_id == qc_statement::EXTENSION);
    let one = statements.next()?;
    Provider::from_der(one.extn_value.as_bytes()).filter(|_| statements.next().is_none())
}
