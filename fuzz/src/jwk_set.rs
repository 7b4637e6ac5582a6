//! Key sets: no private member, no name twice, and a key keeps its meaning on the way through.

use super::shared::members;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwk::{JwkSet, KEYS_MAX};
use counterfoil_jose::key::VerifyingKey;
use counterfoil_jose::thumbprint::jwk_thumbprint;
use serde_json::Value;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(set) = serde_json::from_slice::<JwkSet>(data) else { return };
    let sent = members(data);
    let sent = sent.get("keys").and_then(Value::as_array).expect("the keys");
    assert!(set.keys.len() <= KEYS_MAX && set.keys.len() == sent.len());
    for (jwk, sent) in set.keys.iter().zip(sent) {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(sent.get(private).is_none(), "{private}");
        }
        let thumbprint = jwk_thumbprint(jwk);
        let Ok(key) = VerifyingKey::from_jwk(jwk) else { continue };
        assert!(thumbprint.is_some(), "a key has a name");
        assert!(jwk.use_.as_deref().is_none_or(|purpose| purpose == "sig"));
        let named = jwk.alg.as_deref().map(|name| Alg::parse(name).expect("one of ours"));
        for alg in Alg::ALL {
            assert!(!key.fits(alg) || alg.kty().as_str() == jwk.kty);
            assert!(!key.fits(alg) || named.is_none_or(|only| only == alg));
            assert!(!key.verify(alg, b"nobody has signed this", &[0; 64]), "{alg}");
        }
        let spki = key.to_spki_der().expect("a key can be written");
        let again = VerifyingKey::from_spki_der(&spki).expect("what is written is read");
        assert_eq!(again.to_spki_der().as_ref(), Ok(&spki));
        assert!(Alg::ALL.into_iter().filter(|alg| key.fits(*alg)).all(|alg| again.fits(alg)));
    }
    let written = serde_json::to_vec(&set).expect("a set can be written");
    assert_eq!(serde_json::from_slice::<JwkSet>(&written).ok(), Some(set));
}
