//! Keys and certificates of the clients that the suite plays.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Reader as _, SliceReader};
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256};
use serde_json::{Value, json};

/// The key of one client, and a certificate of its own for it. RSA, because the suite skips what it
/// asks about RS256 for other keys.
pub(super) struct Key {
    /// A JWK with its private members, for the suite.
    pub(super) private: Value,
    /// The same without them, for the server.
    pub(super) public: Value,
    /// PEM.
    pub(super) certificate: String,
    /// PEM.
    pub(super) certificate_key: String,
}

/// The members of an RSA key, in the order of RFC 8017 A.1.2.
const MEMBERS: [&str; 8] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];

/// How many of them are public.
const PUBLIC: usize = 2;

impl Key {
    /// Makes one. `kid` names the key and the subject of the certificate.
    pub(super) fn make(kid: &str) -> Result<Self, String> {
        let told = |why: &dyn std::fmt::Display| format!("key {kid}: {why}");
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|e| told(&e))?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|e| told(&e))?;
        let numbers = numbers(pkcs8.as_ref()).map_err(|e| told(&e))?;

        let signer = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(
            &pkcs8.as_ref().to_vec().into(),
            &PKCS_RSA_SHA256,
        );
        let signer = signer.map_err(|e| told(&e))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, kid);
        let certificate = params.self_signed(&signer).map_err(|e| told(&e))?;

        let chain = [Base64::encode_string(certificate.der())];
        let mut public =
            json!({"kty": "RSA", "kid": kid, "alg": "PS256", "use": "sig", "x5c": chain});
        let mut private = public.clone();
        for (at, (name, number)) in MEMBERS.iter().zip(&numbers).enumerate() {
            private[name] = number.as_str().into();
            if at < PUBLIC {
                public[name] = number.as_str().into();
            }
        }
        Ok(Self {
            private,
            public,
            certificate: certificate.pem(),
            certificate_key: signer.serialize_pem(),
        })
    }
}

/// The numbers of an RSA key in PKCS #8, each as a JWK has them.
fn numbers(pkcs8: &[u8]) -> Result<Vec<String>, der::Error> {
    let mut outer = SliceReader::new(pkcs8)?;
    let inner: &OctetStringRef = outer.sequence(|reader| -> Result<_, der::Error> {
        let _version: UintRef<'_> = reader.decode()?;
        let _algorithm: AnyRef<'_> = reader.decode()?;
        reader.decode()
    })?;
    let mut rsa = SliceReader::new(inner.as_bytes())?;
    rsa.sequence(|reader| -> Result<_, der::Error> {
        let _version: UintRef<'_> = reader.decode()?;
        let mut numbers = vec![];
        for _ in MEMBERS {
            let number: UintRef<'_> = reader.decode()?;
            numbers.push(Base64UrlUnpadded::encode_string(number.as_bytes()));
        }
        Ok(numbers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_gets_nothing_private() {
        let key = Key::make("one").unwrap();
        let names =
            |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        let public = names(&key.public);
        assert!(MEMBERS[..PUBLIC].iter().all(|name| public.contains(&(*name).to_owned())));
        assert!(MEMBERS[PUBLIC..].iter().all(|name| !public.contains(&(*name).to_owned())));
        assert_eq!(names(&key.private).len(), public.len() + MEMBERS.len() - PUBLIC);
        // A modulus of 2048 bits is 342 characters, and nearly every exponent is 65537.
        assert_eq!(key.private["n"].as_str().map(str::len), Some(342));
        assert_eq!(key.private["e"], "AQAB");
        assert!(key.certificate.contains("BEGIN CERTIFICATE"));
        assert!(key.certificate_key.contains("BEGIN PRIVATE KEY"));
    }
}
