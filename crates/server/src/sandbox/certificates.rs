//! The sandbox's own CA, the server's certificate and the key pair of the Worldline client.

use std::path::Path;

use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair, SanType};

use super::Files;
use super::clients::CLIENTS;
use crate::failure::Failure;
use crate::keyfile::private;
use crate::mint;
use crate::system::micros;

/// Certificates are made anew when fewer days than this are left.
const DAYS_LEFT_MIN: u64 = 30;
pub(super) const DAYS: i64 = 365;

/// Makes what is missing or about to expire. RSA keys take their time, so they are made while the
/// rest is done.
///
/// # Errors
/// [`Failure::failed`] naming the file.
pub(super) fn make(files: &Files) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        let slow = [scope.spawn(|| worldline(files))].into_iter();
        let slow: Vec<_> = slow
            .chain(CLIENTS.iter().map(|client| scope.spawn(|| client.make_keys(files))))
            .collect();
        let gone = server(files)?;
        CLIENTS.iter().try_for_each(|client| client.make_certificate(files, gone))?;
        slow.into_iter().try_for_each(|made| {
            made.join().map_err(|_| Failure::failed("the keys of a client could not be made"))?
        })
    })
}

pub(super) fn fresh(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    counterfoil_jose::certificate::Certificate::from_pem(&text).is_ok_and(|certificate| {
        let left = certificate.not_after().0.saturating_sub(micros() / 1_000_000);
        left > DAYS_LEFT_MIN * 86_400
    })
}

/// The authority and the certificate of the server; whether they are new.
fn server(files: &Files) -> Result<bool, Failure> {
    if fresh(&files.ca) && fresh(&files.tls) && files.ca_key.exists() {
        return Ok(false);
    }
    let ca_key = KeyPair::generate().map_err(|e| told(&files.ca_key, &e))?;
    let ca = mint::authority((-1, DAYS));
    let certificate = ca.self_signed(&ca_key).map_err(|e| told(&files.ca, &e))?;
    let issuer = Issuer::new(ca, &ca_key);

    let names = vec![
        SanType::DnsName("localhost".try_into().map_err(|e| told(&files.tls, &e))?),
        SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()),
        SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
    ];
    let key = KeyPair::generate().map_err(|e| told(&files.tls_key, &e))?;
    let leaf =
        params("localhost", names).signed_by(&key, &issuer).map_err(|e| told(&files.tls, &e))?;
    write(&files.ca, certificate.pem().as_bytes())?;
    write(&files.ca_key, ca_key.serialize_pem().as_bytes())?;
    write(&files.tls, leaf.pem().as_bytes())?;
    write(&files.tls_key, key.serialize_pem().as_bytes())?;
    Ok(true)
}

/// RSA, as the vendor's sample is; self-signed, as the vendor allows.
fn worldline(files: &Files) -> Result<(), Failure> {
    if fresh(&files.worldline) && files.worldline_key.exists() {
        return Ok(());
    }
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)
        .map_err(|e| told(&files.worldline_key, &e))?;
    let certificate = params("Worldline-000021", vec![])
        .self_signed(&key)
        .map_err(|e| told(&files.worldline, &e))?;
    write(&files.worldline, certificate.pem().as_bytes())?;
    write(&files.worldline_key, key.serialize_pem().as_bytes())
}

fn params(name: &str, names: Vec<SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.subject_alt_names = names;
    let now = i64::try_from(micros() / 1_000_000).unwrap_or(i64::MAX);
    let day = |offset: i64| {
        rcgen::date_time_ymd(1970, 1, 1).saturating_add(
            std::time::Duration::from_secs(
                u64::try_from(now + offset * 86_400).unwrap_or_default(),
            )
            .try_into()
            .unwrap_or_default(),
        )
    };
    params.not_before = day(-1);
    params.not_after = day(DAYS);
    params
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let _ = std::fs::remove_file(path);
    private(path, bytes).map_err(|e| told(path, &e))
}

fn told(path: &Path, what: &impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: {what}", path.display()))
}
