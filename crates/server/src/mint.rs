//! Certificates for tests, under the authority of a sandbox: of clients, and of payment service
//! providers with the statements of ETSI TS 119 495.

use std::path::{Path, PathBuf};
use std::time::Duration;

use counterfoil_jose::qc_statement::{Kind, Provider};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};

use crate::failure::Failure;
use crate::keyfile::private;
use crate::system::micros;

/// The name of a sandbox's authority.
const AUTHORITY: &str = "Counterfoil sandbox CA";
const ORGANIZATION_IDENTIFIER: [u64; 4] = [2, 5, 4, 97];
const QC_STATEMENTS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 3];

/// What stands in a certificate.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The common name.
    pub common_name: String,
    /// The organization.
    pub organization: Option<String>,
    /// Its identifier, such as `PSDDE-BAFIN-123456`.
    pub organization_id: Option<String>,
    /// Two letters.
    pub country: Option<String>,
    /// Names of hosts.
    pub hosts: Vec<String>,
    /// First and last day, counted from today.
    pub days: (i64, i64),
    /// What it says of a payment service provider.
    pub provider: Option<Provider>,
}

/// A certificate and its key.
pub struct Minted {
    /// PEM.
    pub certificate: String,
    /// PKCS#8, PEM.
    pub key: String,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Minted")
    }
}

/// The parameters of a sandbox's authority; with its key they are its certificate.
pub(crate) fn authority(days: (i64, i64)) -> CertificateParams {
    let wanted = Wanted { common_name: AUTHORITY.into(), days, ..Wanted::default() };
    let mut params = dated(&wanted);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Makes a certificate for a client, signed by the authority whose key is in `ca_key`.
///
/// # Errors
/// [`Failure::failed`] naming what does not fit.
pub fn client(ca_key: &Path, wanted: &Wanted) -> Result<Minted, Failure> {
    let pem = crate::toml_file::text(ca_key)?;
    let signer = KeyPair::from_pem(&pem).map_err(|e| told(ca_key, &e))?;
    let issuer = Issuer::new(authority((-1, 365)), &signer);
    let bad = |what: &dyn std::fmt::Display| Failure::usage(format!("a certificate: {what}"));
    let mut params = dated(wanted);
    for host in &wanted.hosts {
        let name = host.as_str().try_into().map_err(|e| bad(&e))?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let seal = wanted.provider.as_ref().is_some_and(|p| p.kind == Some(Kind::Seal));
    if !seal {
        let usages = [ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.extended_key_usages = usages.into();
    }
    params.use_authority_key_identifier_extension = true;
    if let Some(provider) = &wanted.provider {
        let content = provider.to_der().ok_or_else(|| bad(&"its statements are too long"))?;
        let extension = CustomExtension::from_oid_content(&QC_STATEMENTS, content);
        params.custom_extensions.push(extension);
    }
    let key = KeyPair::generate().map_err(|e| bad(&e))?;
    let made = params.signed_by(&key, &issuer).map_err(|e| bad(&e))?;
    Ok(Minted { certificate: made.pem(), key: key.serialize_pem() })
}

/// Writes `PREFIX.pem` and `PREFIX-key.pem`; the key is for its owner alone.
///
/// # Errors
/// [`Failure::failed`] naming the file.
pub fn write(prefix: &Path, minted: &Minted) -> Result<(PathBuf, PathBuf), Failure> {
    let named = |ending: &str| {
        let mut name = prefix.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let (certificate, key) = (named(".pem"), named("-key.pem"));
    for (path, text) in [(&certificate, &minted.certificate), (&key, &minted.key)] {
        let _ = std::fs::remove_file(path);
        private(path, text.as_bytes()).map_err(|e| told(path, &e))?;
    }
    Ok((certificate, key))
}

fn dated(wanted: &Wanted) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    let parts = [
        (DnType::CountryName, &wanted.country),
        (DnType::OrganizationName, &wanted.organization),
        (DnType::CustomDnType(ORGANIZATION_IDENTIFIER.into()), &wanted.organization_id),
    ];
    for (kind, value) in parts {
        if let Some(value) = value {
            subject.push(kind, value.as_str());
        }
    }
    subject.push(DnType::CommonName, wanted.common_name.as_str());
    params.distinguished_name = subject;
    let now = i64::try_from(micros() / 1_000_000).unwrap_or(i64::MAX);
    let day = |offset: i64| {
        let seconds = u64::try_from(now + offset * 86_400).unwrap_or_default();
        let since = Duration::from_secs(seconds).try_into().unwrap_or_default();
        rcgen::date_time_ymd(1970, 1, 1).saturating_add(since)
    };
    params.not_before = day(wanted.days.0);
    params.not_after = day(wanted.days.1);
    params
}

fn told(path: &Path, what: &impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: {what}", path.display()))
}
