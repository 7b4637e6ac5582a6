//! Certificates as names and keys.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::certificate::{Certificate, CertificateError};
use counterfoil_protocol::ids::hex;
use counterfoil_protocol::moment::Moment;
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

use crate::support::CERTIFICATE;

#[test]
fn the_captured_certificate_has_the_names_its_clients_use() {
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    assert_eq!(hex(&certificate.sha1()), "c1bae3508e44a3fdd0c0eecde1c0c780e62c5a5b");
    assert_eq!(certificate.subject(), "CN=ip");
    // 2026-11-21T16:55:22Z to 2027-11-21T16:55:22Z.
    assert_eq!(certificate.not_before(), Moment(1_795_280_122));
    assert_eq!(certificate.not_after(), Moment(1_826_816_122));
    assert!(certificate.verifying_key().unwrap().fits(Alg::RS256));
    assert_eq!(Certificate::from_pem(&CERTIFICATE.replace('\n', "\r\n")), Ok(certificate));
}

#[test]
fn a_certificate_after_2049_keeps_its_dates() {
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::new(vec!["tpp.example".into()]).unwrap();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2051, 1, 1);
    params.distinguished_name.push(DnType::CommonName, "a tpp, \u{e9}");
    let made = params.self_signed(&pair).unwrap();
    let certificate = Certificate::from_der(made.der()).unwrap();
    assert_eq!(certificate.not_before(), Moment(1_767_225_600));
    assert_eq!(certificate.not_after(), Moment(2_556_144_000));
    assert!(certificate.verifying_key().unwrap().fits(Alg::ES256));
    assert!(certificate.subject().contains("a tpp"), "{}", certificate.subject());
    assert_eq!(Certificate::from_pem(&made.pem()), Ok(certificate));
}

#[test]
fn what_is_not_one_certificate_is_refused() {
    let pair = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec![]).unwrap().self_signed(&pair).unwrap();
    let der = made.der().to_vec();
    Certificate::from_der(&der).unwrap();
    let refused = |der: &[u8]| assert_eq!(Certificate::from_der(der), Err(CertificateError));
    refused(&[]);
    refused(&[der.as_slice(), &[0]].concat());
    refused(&[0; 64 * 1024]);
    for len in 0..der.len() {
        refused(&der[..len]);
    }
    for pem in [
        "",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        &made.pem().replace("CERTIFICATE", "PUBLIC KEY"),
        &format!("{}{}", made.pem(), made.pem()),
        &"a".repeat(1 << 20),
    ] {
        assert_eq!(Certificate::from_pem(pem), Err(CertificateError));
    }
}
