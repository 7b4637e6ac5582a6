//! Certificates, DER and PEM: the same bytes say the same, and what the statements of a payment
//! service provider say can be written and read again.

use base64ct::{Base64, Encoding as _};
use counterfoil_jose::certificate::{AltName, Certificate};
use counterfoil_jose::distinguished_name::DistinguishedName;
use counterfoil_jose::provider::{sha1_fingerprint, sha256};
use counterfoil_jose::qc_statement::Provider;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    if let Some(provider) = Provider::from_der(data) {
        rewritten(&provider);
    }
    if data.starts_with(b"-----BEGIN") {
        let Ok(text) = std::str::from_utf8(data) else { return };
        let Ok(certificate) = Certificate::from_pem(text) else { return };
        // Only the usual shape is read a second time.
        let body = text.strip_prefix("-----BEGIN CERTIFICATE-----\n");
        let body = body.and_then(|rest| rest.split_once("\n-----END CERTIFICATE-----"));
        let der = body.and_then(|(body, _)| Base64::decode_vec(&body.replace('\n', "")).ok());
        if let Some(der) = der {
            assert_eq!(certificate.sha256(), sha256(&der));
            judge(&der, &certificate);
        }
        return;
    }
    let Ok(certificate) = Certificate::from_der(data) else { return };
    judge(data, &certificate);
    let encoded = Base64::encode_string(data);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let pem =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    assert_eq!(Certificate::from_pem(&pem), Ok(certificate));
}

fn judge(der: &[u8], certificate: &Certificate) {
    assert_eq!((certificate.sha256(), certificate.sha1()), (sha256(der), sha1_fingerprint(der)));
    assert_eq!(Certificate::from_der(der).as_ref(), Ok(certificate), "the same twice");
    assert!(Certificate::from_der(&[der, &[0]].concat()).is_err(), "more behind it");
    assert!(Certificate::from_der(&der[..der.len() - 1]).is_err(), "cut");
    for name in certificate.alt_names() {
        // A mail address without a host is none, and equals nothing.
        let named = !matches!(name, AltName::Email(mail) if !mail.contains('@'));
        assert_eq!(name.matches(name), named, "{name:?}");
    }
    for moment in [certificate.not_before(), certificate.not_after()] {
        let within = certificate.not_before() <= certificate.not_after();
        assert_eq!(certificate.is_valid_at(moment), within);
    }
    if let Some(provider) = certificate.provider() {
        rewritten(provider);
    }
    if let Ok(key) = certificate.verifying_key() {
        assert!(key.to_spki_der().is_ok());
    }
    // The text that an operator copies must never stand for somebody else.
    if let (Some(name), Ok(copied)) =
        (certificate.name(), DistinguishedName::parse(certificate.subject()))
    {
        assert_eq!(&copied, name, "{}", certificate.subject());
    }
}

fn rewritten(provider: &Provider) {
    let der = provider.to_der().expect("what was read can be written");
    assert_eq!(Provider::from_der(&der).as_ref(), Some(provider));
}
