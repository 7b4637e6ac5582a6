//! Private keys as JWKs (RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2): only for whoever is handed a key to
//! play a client with. Nothing of ours is stored or published like this.

use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Reader as _, SliceReader};
use serde_json::{Map, Value};

use crate::alg::{Alg, Kty};
use crate::base64;
use crate::key::{KeyError, SigningKey};

/// What follows `n` and `e` in an RSAPrivateKey (RFC 8017 A.1.2), by its JOSE names.
const RSA: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

/// The members of a JWK, the private ones included. `pkcs8` is DER, as [`SigningKey::generate`] gives it.
///
/// # Errors
/// [`KeyError::Malformed`] and those of [`SigningKey::from_pkcs8`].
pub fn private_jwk(alg: Alg, pkcs8: &[u8], kid: &str) -> Result<Map<String, Value>, KeyError> {
    let public = SigningKey::from_pkcs8(alg, pkcs8)?.public_jwk(kid);
    let Ok(Value::Object(mut members)) = serde_json::to_value(public) else {
        return Err(KeyError::Backend);
    };
    for (name, number) in numbers(alg.kty(), pkcs8).map_err(|_| KeyError::Malformed)? {
        members.insert(name.into(), base64::url_encode(number).into());
    }
    Ok(members)
}

/// The private numbers in PKCS#8 (RFC 5208): of an RSA key, of an EC key (RFC 5915 §3), and the seed
/// of an Ed25519 key (RFC 8410 §7).
fn numbers(kty: Kty, pkcs8: &[u8]) -> der::Result<Vec<(&'static str, &[u8])>> {
    let mut outer = SliceReader::new(pkcs8)?;
    let key: &OctetStringRef = outer.sequence(|fields| -> der::Result<_> {
        let _version: UintRef<'_> = fields.decode()?;
        let _algorithm: AnyRef<'_> = fields.decode()?;
        let key = fields.decode()?;
        rest(fields)?;
        Ok(key)
    })?;
    let mut inner = SliceReader::new(key.as_bytes())?;
    match kty {
        Kty::Okp => {
            let seed: &OctetStringRef = inner.decode()?;
            Ok(vec![("d", seed.as_bytes())])
        }
        Kty::Ec => inner.sequence(|fields| {
            let _version: UintRef<'_> = fields.decode()?;
            let number: &OctetStringRef = fields.decode()?;
            rest(fields)?;
            Ok(vec![("d", number.as_bytes())])
        }),
        Kty::Rsa => inner.sequence(|fields| {
            let _version: UintRef<'_> = fields.decode()?;
            let _public: [UintRef<'_>; 2] = [fields.decode()?, fields.decode()?];
            let mut found = vec![];
            for name in RSA {
                let number: UintRef<'_> = fields.decode()?;
                found.push((name, number.as_bytes()));
            }
            Ok(found)
        }),
    }
}

/// What follows is of no interest here: attributes, the curve and the public key once more.
fn rest<'r>(fields: &mut impl der::Reader<'r>) -> der::Result<()> {
    while !fields.is_finished() {
        let _: AnyRef<'r> = fields.decode()?;
    }
    Ok(())
}
