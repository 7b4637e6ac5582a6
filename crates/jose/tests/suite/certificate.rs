//! Certificates as names and keys.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::certificate::{AltName, Certificate, CertificateError};
use counterfoil_jose::distinguished_name::{DistinguishedName, NameError};
use counterfoil_protocol::ids::hex;
use counterfoil_protocol::moment::Moment;
use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

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

fn name(text: &str) -> Result<DistinguishedName, NameError> {
    DistinguishedName::parse(text)
}

#[test]
fn one_name_has_many_spellings() {
    let same = [
        "CN=Ada Lovelace Ltd,O=Bank,C=DE",
        "cn=ada lovelace ltd,o=BANK,c=de",
        "CN=  Ada   Lovelace Ltd , O = Bank ,C=DE",
        "CN=Ada\\20Lovelace Ltd,O=\\42ank,C=DE",
        "commonName=Ada Lovelace Ltd,organizationName=Bank,countryName=DE",
        "2.5.4.3=Ada Lovelace Ltd,2.5.4.10=Bank,2.5.4.6=DE",
        "OID.2.5.4.3=Ada Lovelace Ltd,oid.2.5.4.10=Bank,C=DE",
        // UTF8String, PrintableString, TeletexString, BMPString, IA5String.
        "CN=Ada Lovelace Ltd,O=#0c0442616e6b,C=#13024445",
        "CN=Ada Lovelace Ltd,2.5.4.10=#140442616e6b,C=DE",
        "CN=Ada Lovelace Ltd,O=#1e0800420061006e006b,C=DE",
        "CN=Ada Lovelace Ltd,O=#160442616e6b,C=DE",
    ];
    for spelling in same {
        assert_eq!(name(spelling), name(same[0]), "{spelling}");
    }
    for other in [
        "O=Bank,CN=Ada Lovelace Ltd,C=DE",
        "C=DE,O=Bank,CN=Ada Lovelace Ltd",
        "CN=Ada Lovelace Ltd,O=Bank",
        "CN=Ada Lovelace Ltd,O=Bank,C=DE,L=Berlin",
        "CN=AdaLovelace Ltd,O=Bank,C=DE",
        "CN=Ada Lovelace Ltd+O=Bank,C=DE",
        "CN=Ada Lovelace Ltd,OU=Bank,C=DE",
    ] {
        assert_ne!(name(other), name(same[0]), "{other}");
    }
}

#[test]
fn a_relative_name_is_a_set() {
    assert_eq!(name("UID=1+CN=a,O=b"), name("CN=a+UID=1,O=b"));
    assert_ne!(name("UID=1+CN=a,O=b"), name("UID=1,CN=a,O=b"));
}

#[test]
fn escapes_are_those_of_the_rfc() {
    let der = |text: &str| format!("O=#0c{:02x}{}", text.len(), hex(text.as_bytes()));
    for (text, value) in [
        ("O=Sue\\, Grabbit and Runn", "Sue, Grabbit and Runn"),
        ("O=James \\\"Jim\\\" Smith\\, III", "James \"Jim\" Smith, III"),
        ("O=Before\\0dAfter", "Before\rAfter"),
        ("O=Lu\\C4\\8Di\\C4\\87", "Lu\u{10d}i\u{107}"),
        ("O=Lu\u{10d}i\u{107}", "Lu\u{10d}i\u{107}"),
        ("O=a\\+b\\=c\\;d\\<e\\>f\\#g\\\\h", "a+b=c;d<e>f#g\\h"),
        ("O=a=b", "a=b"),
    ] {
        assert_eq!(name(text), name(&der(value)), "{text}");
    }
}

#[test]
fn a_type_nobody_knows_is_compared_with_its_case() {
    assert_eq!(name("1.2.3.4=Abc"), name("1.2.3.4=#0c03416263"));
    assert_ne!(name("1.2.3.4=Abc"), name("1.2.3.4=abc"));
    // What is no text is compared as it is.
    assert_eq!(name("1.2.3.4=#020105"), name("1.2.3.4=#020105"));
    assert_ne!(name("1.2.3.4=#020105"), name("1.2.3.4=#020106"));
}

#[test]
fn what_is_no_name_is_refused() {
    for text in [
        "",
        " ",
        "CN",
        "CN=a,",
        ",CN=a",
        "CN=a,,O=b",
        "CN=a+",
        "XX=a",
        "1.2.=a",
        "9.9.9=a",
        "=a",
        "CN=a\\",
        "CN=a\\zz",
        "CN=a\"b",
        "CN=a;b",
        "CN=a<b",
        "CN=\\ff\\fe",
        "CN=#",
        "CN=#0c",
        "CN=#0",
        "CN=#zz",
        "CN=#0c0441",
        "CN=#0c03416263ff",
    ] {
        assert_eq!(name(text), Err(NameError), "{text}");
    }
    assert_eq!(name(&format!("CN={}", "a".repeat(3000))), Err(NameError));
    assert_eq!(name(&vec!["CN=a"; 33].join(",")), Err(NameError));
}

#[test]
fn a_certificate_is_known_by_its_names() {
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    let mut subject = rcgen::DistinguishedName::new();
    subject.push(DnType::CountryName, "DE");
    subject.push(
        DnType::OrganizationName,
        rcgen::DnValue::PrintableString("Bank AG".try_into().unwrap()),
    );
    subject.push(DnType::CustomDnType(vec![2, 5, 4, 97]), "PSDDE-BAFIN-123456");
    subject.push(DnType::CommonName, "tpp.example");
    params.distinguished_name = subject;
    params.subject_alt_names = vec![
        SanType::DnsName("TPP.example".try_into().unwrap()),
        SanType::URI("https://tpp.example/a".try_into().unwrap()),
        SanType::IpAddress("192.0.2.1".parse().unwrap()),
        SanType::IpAddress("2001:db8::1".parse().unwrap()),
        SanType::Rfc822Name("Ops@TPP.example".try_into().unwrap()),
    ];
    let made = Certificate::from_der(params.self_signed(&pair).unwrap().der()).unwrap();
    for text in [
        "CN=tpp.example,organizationIdentifier=PSDDE-BAFIN-123456,O=Bank AG,C=DE",
        "cn=tpp.example, 2.5.4.97=psdde-bafin-123456, o=bank ag, c=de",
        "CN=tpp.example,2.5.4.97=#0c1250534444452d424146494e2d313233343536,O=Bank AG,C=DE",
    ] {
        assert_eq!(name(text).ok().as_ref(), made.name(), "{text}");
    }
    // What the certificate prints of itself is read back.
    assert_eq!(name(made.subject()).ok().as_ref(), made.name());

    let known = |name: AltName| made.alt_names().iter().any(|known| known.matches(&name));
    assert_eq!(made.alt_names().len(), 5);
    for dns in ["tpp.example", "TPP.EXAMPLE"] {
        assert!(known(AltName::Dns(dns.into())), "{dns}");
    }
    for dns in ["", "example", "a.tpp.example", "*.example", "tpp.example."] {
        assert!(!known(AltName::Dns(dns.into())), "{dns}");
    }
    assert!(known(AltName::Uri("https://tpp.example/a".into())));
    assert!(!known(AltName::Uri("https://TPP.example/a".into())));
    assert!(!known(AltName::Dns("https://tpp.example/a".into())));
    assert!(known(AltName::Ip("192.0.2.1".parse().unwrap())));
    assert!(known(AltName::Ip("2001:db8:0::1".parse().unwrap())));
    assert!(!known(AltName::Ip("192.0.2.2".parse().unwrap())));
    assert!(known(AltName::Email("Ops@tpp.EXAMPLE".into())));
    assert!(!known(AltName::Email("ops@tpp.example".into())));
    assert!(!known(AltName::Email("Ops".into())));
    assert!(made.is_valid_at(made.not_after()) && !made.is_valid_at(made.not_after().after(1)));
    assert!(made.is_valid_at(made.not_before()));
    assert!(!made.is_valid_at(Moment(made.not_before().0 - 1)));
}

/// Found by `cargo xtask fuzz`: 2.5.3, written with a zero in front of the 3.
#[test]
fn a_name_whose_type_is_not_written_in_the_shortest_way_is_none() {
    let der = include_bytes!("../../../../fuzz/seeds/certificate/04");
    let certificate = Certificate::from_der(der).unwrap();
    assert!(certificate.name().is_none(), "{}", certificate.subject());
}
