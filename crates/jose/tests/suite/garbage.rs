//! Whatever comes over the wire, nothing panics.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::assertion::Received;
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::http_signature::SignatureHeader;
use counterfoil_jose::jwk::{Jwk, JwkSet};
use counterfoil_jose::jws::Compact;
use counterfoil_jose::key::{SigningKey, VerifyingKey};
use counterfoil_jose::thumbprint::jwk_thumbprint;
use proptest::collection::vec;
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};

use crate::support::{b64, key, public, sign};

/// Good bytes with some of them changed.
fn mutate(mut good: Vec<u8>, changes: &[(usize, u8)]) -> Vec<u8> {
    let len = good.len();
    for (at, byte) in changes {
        good[at % len] = *byte;
    }
    good
}

fn read_as_everything(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Compact::parse(&text, 1 << 16);
    let _ = Compact::parse_with_jwk(&text, 1 << 16);
    let _ = Received::parse(&text);
    let _ = SignatureHeader::parse(&text);
    let _ = Certificate::from_der(bytes);
    let _ = Certificate::from_pem(&text);
    let _ = VerifyingKey::from_spki_der(bytes);
    let _ = VerifyingKey::from_pem(&text);
    let _ = serde_json::from_slice::<JwkSet>(bytes);
    for alg in Alg::ALL {
        let _ = SigningKey::from_pem(alg, &text);
    }
    if let Ok(jwk) = serde_json::from_slice::<Jwk>(bytes) {
        let _ = VerifyingKey::from_jwk(&jwk);
        let _ = jwk_thumbprint(&jwk);
    }
}

proptest! {
    #[test]
    fn random_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..600)) {
        read_as_everything(&bytes);
        read_as_everything(format!("{}.{}.{}", b64(&bytes), b64(&bytes), b64(&bytes)).as_bytes());
        for alg in Alg::ALL {
            prop_assert!(SigningKey::from_pkcs8(alg, &bytes).is_err());
        }
    }

    #[test]
    fn random_headers_are_read_without_panic(text in any::<String>()) {
        let header = format!(r#"{{"alg":"ES256","kid":{text:?}}}"#);
        read_as_everything(format!("{}.{}.AQ", b64(header), b64(&text)).as_bytes());
        read_as_everything(format!(r#"keyId="{text}",algorithm="rsa-sha256",signature="AQ==""#).as_bytes());
    }

    #[test]
    fn changed_messages_are_read_without_panic(changes in vec((any::<usize>(), any::<u8>()), 1..8)) {
        let raw = sign(key(Alg::EdDSA), r#"{"alg":"EdDSA","kid":"k"}"#, r#"{"sub":"a","aud":["b"],"exp":1}"#);
        read_as_everything(&mutate(raw.into_bytes(), &changes));
        let jwk = serde_json::to_vec(&key(Alg::ES256).public_jwk("k")).unwrap();
        read_as_everything(&mutate(jwk, &changes));
    }

    #[test]
    fn changed_certificates_are_read_without_panic(changes in vec((any::<usize>(), any::<u8>()), 1..8)) {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let made = CertificateParams::new(vec!["a.example".into()]).unwrap().self_signed(&pair).unwrap();
        if let Ok(certificate) = Certificate::from_der(&mutate(made.der().to_vec(), &changes)) {
            let _ = certificate.verifying_key();
        }
        let _ = Certificate::from_pem(&String::from_utf8_lossy(&mutate(made.pem().into_bytes(), &changes)));
    }

    #[test]
    fn random_signatures_do_not_verify(signature in vec(any::<u8>(), 0..300)) {
        for alg in [Alg::ES256, Alg::ES512, Alg::EdDSA, Alg::RS256, Alg::PS256] {
            prop_assert!(!public(alg).verify(alg, b"message", &signature));
        }
    }
}
