//! Signatures that must not verify, made by changing good ones (after the Wycheproof families).

use counterfoil_jose::alg::{Alg, Kty};
use counterfoil_jose::provider::MacKey;

use crate::support::{b64, key, public, unb64};

const MESSAGE: &[u8] = b"header.payload";

/// The orders of the groups (FIPS 186-4 D.1.2).
fn order(alg: Alg) -> Vec<u8> {
    let hex = match alg.as_str() {
        "ES256" => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551".into(),
        "ES384" => format!("{}c7634d81f4372ddf581a0db248b0a77aecec196accc52973", "f".repeat(48)),
        "ES512" => format!(
            "01{}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
            "f".repeat(64)
        ),
        other => panic!("{other} has no order here"),
    };
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// ASN.1 INTEGER, for the DER form that JOSE does not use.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let stripped: Vec<u8> = number.iter().copied().skip_while(|b| *b == 0).collect();
    let sign = if stripped[0] >= 0x80 { vec![0] } else { vec![] };
    let value = [sign, stripped].concat();
    [vec![2, value.len() as u8], value].concat()
}

fn assert_refused(alg: Alg, signature: &[u8], what: &str) {
    assert!(!public(alg).verify(alg, MESSAGE, signature), "{alg}: {what}");
}

#[test]
fn a_signature_has_one_length() {
    for alg in Alg::ALL {
        let good = key(alg).sign(MESSAGE).unwrap();
        assert!(public(alg).verify(alg, MESSAGE, &good));
        assert_refused(alg, &[], "empty");
        assert_refused(alg, &good[..good.len() - 1], "short at the end");
        assert_refused(alg, &good[1..], "short in front");
        assert_refused(alg, &[good.as_slice(), &[0]].concat(), "a zero behind");
        assert_refused(alg, &[&[0], good.as_slice()].concat(), "a zero in front");
        assert_refused(alg, &[good.as_slice(), good.as_slice()].concat(), "twice");
        assert_refused(alg, &vec![0; good.len()], "all zero");
        assert_refused(alg, &vec![0xff; good.len()], "all one");
    }
}

#[test]
fn a_flipped_bit_does_not_verify() {
    for alg in Alg::ALL {
        let good = key(alg).sign(MESSAGE).unwrap();
        for bit in (0..good.len() * 8).step_by(5) {
            let mut changed = good.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_refused(alg, &changed, "a flipped bit");
        }
    }
}

#[test]
fn ecdsa_numbers_outside_their_range_do_not_verify() {
    for alg in [Alg::ES256, Alg::ES384, Alg::ES512] {
        let good = key(alg).sign(MESSAGE).unwrap();
        let (r, s) = good.split_at(good.len() / 2);
        let (zero, order) = (vec![0; r.len()], order(alg));
        let mut one = zero.clone();
        one[r.len() - 1] = 1;
        assert_eq!(order.len(), r.len());
        for (r, s, what) in [
            (zero.as_slice(), s, "r = 0"),
            (r, zero.as_slice(), "s = 0"),
            (&order, s, "r = n"),
            (r, &order, "s = n"),
            (&zero, &zero, "r = s = 0"),
            (&order, &order, "r = s = n"),
            (&zero, &order, "r = 0, s = n"),
            (&one, &zero, "r = 1, s = 0"),
            (&one, &one, "r = s = 1"),
            (s, r, "exchanged"),
        ] {
            assert_refused(alg, &[r, s].concat(), what);
        }
    }
}

#[test]
fn the_der_form_of_ecdsa_does_not_verify() {
    for alg in [Alg::ES256, Alg::ES384, Alg::ES512] {
        let good = key(alg).sign(MESSAGE).unwrap();
        let (r, s) = good.split_at(good.len() / 2);
        let body = [der_integer(r), der_integer(s)].concat();
        let length =
            if body.len() < 128 { vec![body.len() as u8] } else { vec![0x81, body.len() as u8] };
        assert_refused(alg, &[vec![0x30], length, body].concat(), "DER");
    }
}

#[test]
fn rsa_signatures_at_the_modulus_or_above_do_not_verify() {
    for alg in Alg::ALL.into_iter().filter(|alg| alg.kty() == Kty::Rsa) {
        let n = unb64(&key(alg).public_jwk("k").n.unwrap());
        assert_refused(alg, &n, "s = n");
        let mut one = vec![0; n.len()];
        one[n.len() - 1] = 1;
        assert_refused(alg, &one, "s = 1");
        let mut below = n.clone();
        below[n.len() - 1] -= 1;
        assert_refused(alg, &below, "s = n - 1");
    }
}

#[test]
fn a_mac_keyed_with_the_public_key_is_not_a_signature() {
    for alg in Alg::ALL {
        let spki = public(alg).to_spki_der().unwrap();
        assert_refused(alg, &MacKey::new(&spki).tag(&[MESSAGE]), "a MAC");
        let pem = b64(&spki);
        assert_refused(alg, &MacKey::new(pem.as_bytes()).tag(&[MESSAGE]), "a MAC");
    }
}
