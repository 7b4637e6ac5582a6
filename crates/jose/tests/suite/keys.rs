//! Making, storing and refusing keys.

use counterfoil_jose::alg::{Alg, Kty};
use counterfoil_jose::jwk::Jwk;
use counterfoil_jose::key::{KeyError, SigningKey, VerifyingKey};
use counterfoil_jose::private_jwk::private_jwk;
use counterfoil_protocol::secret::Secret;

use crate::support::{b64, key, public, unb64};

fn refused(jwk: &Jwk) -> KeyError {
    VerifyingKey::from_jwk(jwk).unwrap_err()
}

#[test]
fn a_key_of_every_algorithm_signs_is_stored_and_published() {
    for alg in Alg::ALL {
        let (made, pkcs8): (SigningKey, Secret) = SigningKey::generate(alg).unwrap();
        let loaded = SigningKey::from_pkcs8(alg, pkcs8.expose()).unwrap();
        let jwk = loaded.public_jwk("k1");
        assert_eq!(jwk, made.public_jwk("k1"));
        assert_eq!(
            (jwk.kty.as_str(), jwk.alg.as_deref()),
            (alg.kty().as_str(), Some(alg.as_str()))
        );
        let json = serde_json::to_string(&jwk).unwrap();
        let read: Jwk = serde_json::from_str(&json).unwrap();
        assert_eq!(read, jwk);
        let signature = loaded.sign(b"message").unwrap();
        let key = VerifyingKey::from_jwk(&read).unwrap();
        assert!(key.verify(alg, b"message", &signature), "{alg}");
        assert!(!key.verify(alg, b"massage", &signature), "{alg}");
        let spki = VerifyingKey::from_spki_der(&key.to_spki_der().unwrap()).unwrap();
        assert!(spki.verify(alg, b"message", &signature), "{alg}");
        assert_eq!(loaded.is_slow(), alg.kty() == Kty::Rsa);
    }
}

#[test]
fn whoever_plays_a_client_is_handed_the_private_members_as_well() {
    for (alg, private) in [
        (Alg::ES256, &["d"][..]),
        (Alg::ES512, &["d"]),
        (Alg::EdDSA, &["d"]),
        (Alg::PS256, &["d", "p", "q", "dp", "dq", "qi"]),
    ] {
        let (made, pkcs8) = SigningKey::generate(alg).unwrap();
        let mut members = private_jwk(alg, pkcs8.expose(), "k1").unwrap();
        let told = serde_json::to_string(&members).unwrap();
        assert!(serde_json::from_str::<Jwk>(&told).is_err(), "{alg}: taken for a public key");
        for name in private {
            let text = members.remove(*name).unwrap();
            let len = unb64(text.as_str().unwrap()).len();
            let wanted = match (alg, *name) {
                (Alg::PS256, "d") => 250..=256,
                (Alg::PS256, _) => 120..=128,
                (Alg::ES512, _) => 66..=66,
                _ => 32..=32,
            };
            assert!(wanted.contains(&len), "{alg} {name}: {len} bytes");
        }
        let public: Jwk = serde_json::from_value(members.into()).unwrap();
        assert_eq!(public, made.public_jwk("k1"));
        assert!(private_jwk(alg, &pkcs8.expose()[1..], "k1").is_err());
    }
    let (_, other) = SigningKey::generate(Alg::ES256).unwrap();
    assert!(private_jwk(Alg::PS256, other.expose(), "k1").is_err());
}

#[test]
fn an_algorithm_of_another_kind_of_key_never_verifies() {
    for signed in Alg::ALL {
        let signature = key(signed).sign(b"message").unwrap();
        for other in Alg::ALL {
            let verifies = public(signed).verify(other, b"message", &signature);
            assert_eq!(verifies, signed == other, "{signed} as {other}");
        }
    }
}

#[test]
fn a_jwk_that_names_an_algorithm_is_for_nothing_else() {
    let rs256 = key(Alg::RS256);
    let pkcs1 = rs256.sign(b"message").unwrap();
    let bound = rs256.verifying_key().unwrap();
    assert!(bound.verify(Alg::RS256, b"message", &pkcs1));
    assert!(!bound.fits(Alg::RS512) && !bound.fits(Alg::PS256));
    let open = VerifyingKey::from_jwk(&Jwk { alg: None, ..rs256.public_jwk("k") }).unwrap();
    assert!(open.fits(Alg::PS256) && !open.fits(Alg::ES256));
    let jwk = rs256.public_jwk("k");
    assert_eq!(
        refused(&Jwk { alg: Some("ES256".into()), ..jwk.clone() }),
        KeyError::AlgorithmMismatch
    );
    assert_eq!(
        refused(&Jwk { alg: Some("RSA-OAEP".into()), ..jwk.clone() }),
        KeyError::Unsupported
    );
    assert_eq!(refused(&Jwk { alg: Some("HS256".into()), ..jwk.clone() }), KeyError::Unsupported);
    assert_eq!(refused(&Jwk { use_: Some("enc".into()), ..jwk }), KeyError::Unsupported);
}

#[test]
fn rsa_keys_that_are_short_or_have_unfit_numbers_are_refused() {
    let jwk = key(Alg::RS256).public_jwk("k");
    let n = unb64(jwk.n.as_deref().unwrap());
    let with_n = |n: &[u8]| refused(&Jwk { n: Some(b64(n)), ..jwk.clone() });
    let with_e = |e: &[u8]| refused(&Jwk { e: Some(b64(e)), ..jwk.clone() });
    assert_eq!(with_n(&n[128..].iter().map(|b| b | 0x80).collect::<Vec<_>>()), KeyError::Weak);
    let mut just_short = n.clone();
    just_short[0] = 0x7f;
    assert_eq!(with_n(&just_short), KeyError::Weak);
    let mut even = n.clone();
    even[255] &= 0xfe;
    assert_eq!(with_n(&even), KeyError::Weak);
    assert_eq!(with_n(&[0x81; 1025]), KeyError::Weak);
    assert_eq!(with_n(&[&[0], n.as_slice()].concat()), KeyError::Malformed);
    assert_eq!(with_n(&[]), KeyError::Malformed);
    assert_eq!(with_e(&[1]), KeyError::Weak);
    assert_eq!(with_e(&[2]), KeyError::Weak);
    assert_eq!(with_e(&[1, 0, 0]), KeyError::Weak);
    assert_eq!(with_e(&[0, 1, 0, 1]), KeyError::Malformed);
    assert_eq!(with_e(&[1; 6]), KeyError::Weak);
    assert_eq!(with_e(&[]), KeyError::Malformed);
    assert_eq!(
        refused(&Jwk { n: Some(format!("{}=", b64(&n))), ..jwk.clone() }),
        KeyError::Malformed
    );
    assert_eq!(refused(&Jwk { n: None, ..jwk.clone() }), KeyError::Malformed);
    assert_eq!(refused(&Jwk { crv: Some("P-256".into()), ..jwk }), KeyError::Unsupported);
    let short = include_bytes!("../data/rsa-1024.spki.der");
    assert_eq!(VerifyingKey::from_spki_der(short).unwrap_err(), KeyError::Weak);
}

#[test]
fn points_off_their_curve_are_refused() {
    for alg in [Alg::ES256, Alg::ES384, Alg::ES512] {
        let jwk = key(alg).public_jwk("k");
        let (x, y) = (unb64(jwk.x.as_deref().unwrap()), unb64(jwk.y.as_deref().unwrap()));
        let mut off = y.clone();
        off[y.len() - 1] ^= 1;
        let with =
            |x: &[u8], y: &[u8]| refused(&Jwk { x: Some(b64(x)), y: Some(b64(y)), ..jwk.clone() });
        assert_eq!(with(&x, &off), KeyError::Malformed, "{alg}");
        assert_eq!(with(&vec![0; x.len()], &vec![0; y.len()]), KeyError::Malformed, "{alg}");
        assert_eq!(with(&vec![0xff; x.len()], &y), KeyError::Malformed, "{alg}");
        assert_eq!(with(&x[1..], &y), KeyError::Malformed, "{alg}");
        assert_eq!(with(&[&[0], x.as_slice()].concat(), &y), KeyError::Malformed, "{alg}");
    }
    let jwk = key(Alg::ES256).public_jwk("k");
    for crv in ["P-384", "secp256k1", "Ed25519", "p-256", ""] {
        VerifyingKey::from_jwk(&Jwk { crv: Some(crv.into()), ..jwk.clone() }).unwrap_err();
    }
    let okp = key(Alg::EdDSA).public_jwk("k");
    for crv in ["X25519", "Ed448", "P-256"] {
        assert_eq!(refused(&Jwk { crv: Some(crv.into()), ..okp.clone() }), KeyError::Unsupported);
    }
    assert_eq!(refused(&Jwk { x: Some(b64([1; 31])), ..okp }), KeyError::Malformed);
}

#[test]
fn points_of_small_order_are_refused() {
    let jwk = key(Alg::EdDSA).public_jwk("k");
    let p = |last: u8| [&[last], [0xff; 30].as_slice(), &[0x7f]].concat();
    let one = [&[1], [0; 31].as_slice()].concat();
    for x in [vec![0; 32], one, p(0xec), p(0xed), p(0xee)] {
        for sign in [0, 0x80] {
            let mut x = x.clone();
            x[31] |= sign;
            assert_eq!(refused(&Jwk { x: Some(b64(x)), ..jwk.clone() }), KeyError::Weak);
        }
    }
}

#[test]
fn private_keys_come_in_three_kinds_of_pem() {
    let pkcs1 = include_str!("../data/rfc7520-rsa-pkcs1.pem");
    let pkcs8 = include_str!("../data/rfc7520-rsa-pkcs8.pem");
    let sec1 = include_str!("../data/rfc7520-ec-sec1.pem");
    let public = include_str!("../data/rfc7520-rsa-public.pem");
    let one = SigningKey::from_pem(Alg::PS256, pkcs1).unwrap();
    let other = SigningKey::from_pem(Alg::PS256, pkcs8).unwrap();
    assert_eq!(one.public_jwk("k"), other.public_jwk("k"));
    let signature = one.sign(b"message").unwrap();
    assert!(VerifyingKey::from_pem(public).unwrap().verify(Alg::PS256, b"message", &signature));
    SigningKey::from_pem(Alg::PS256, &pkcs8.replace('\n', "\r\n")).unwrap();
    let ec = SigningKey::from_pem(Alg::ES512, sec1).unwrap();
    assert_eq!(ec.public_jwk("k").crv.as_deref(), Some("P-521"));

    let error = |alg, pem: &str| SigningKey::from_pem(alg, pem).unwrap_err();
    assert_eq!(error(Alg::ES256, pkcs1), KeyError::Unsupported);
    assert_eq!(error(Alg::ES256, pkcs8), KeyError::Malformed);
    assert_eq!(error(Alg::ES256, sec1), KeyError::Malformed);
    assert_eq!(error(Alg::RS256, public), KeyError::Unsupported);
    assert_eq!(error(Alg::RS256, ""), KeyError::Malformed);
    assert_eq!(
        error(Alg::RS256, &pkcs8.replace("PRIVATE", "ENCRYPTED PRIVATE")),
        KeyError::Unsupported
    );
    assert_eq!(error(Alg::RS256, &pkcs8[..pkcs8.len() / 2]), KeyError::Malformed);
    VerifyingKey::from_pem(pkcs8).unwrap_err();
}

#[test]
fn a_private_key_of_another_algorithm_is_refused() {
    for alg in Alg::ALL {
        let (_, pkcs8) = SigningKey::generate(alg).unwrap();
        for other in Alg::ALL {
            let loads = SigningKey::from_pkcs8(other, pkcs8.expose()).is_ok();
            let same_kind = alg == other || (alg.kty() == Kty::Rsa && other.kty() == Kty::Rsa);
            assert_eq!(loads, same_kind, "{alg} as {other}");
        }
        let damaged = &pkcs8.expose()[..pkcs8.expose().len() - 1];
        assert!(SigningKey::from_pkcs8(alg, damaged).is_err(), "{alg}");
    }
}

#[test]
fn keys_print_what_they_are_and_not_what_they_hold() {
    assert_eq!(format!("{:?}", key(Alg::ES256)), "SigningKey(ES256)");
    assert_eq!(format!("{:?}", public(Alg::RS256)), "VerifyingKey(RSA 2048)");
    assert_eq!(format!("{:?}", public(Alg::EdDSA)), "VerifyingKey(Ed25519)");
}
