//! Digests, MACs, randomness, wrapping.

use counterfoil_jose::provider::{
    MacKey, WrappingKey, random_bytes, sha1_fingerprint, sha256, sha256_of,
};
use counterfoil_protocol::ids::hex;

#[test]
fn digests_are_those_of_the_standards() {
    // FIPS 180-4 examples.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hex(&sha256(b"abc")), abc);
    assert_eq!(hex(&sha256_of(&[b"a", b"", b"bc"])), abc);
    assert_eq!(hex(&sha1_fingerprint(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

#[test]
fn tags_are_those_of_rfc_4231() {
    let key = MacKey::new(b"Jefe");
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hex(&key.tag(&[b"what do ya want ", b"for nothing?"])), expected);
    assert_eq!(hex(&key.clone().tag(&[b"what do ya want for nothing?"])), expected);
    assert_ne!(MacKey::new(b"jefe").tag(&[b"x"]), key.tag(&[b"x"]));
}

#[test]
fn random_bytes_differ() {
    let (mut a, mut b) = ([0; 32], [0; 32]);
    random_bytes(&mut a).unwrap();
    random_bytes(&mut b).unwrap();
    assert_ne!(a, b);
    assert_ne!(a, [0; 32]);
}

#[test]
fn a_wrapped_secret_opens_only_with_everything_unchanged() {
    let (key, nonce) = (WrappingKey::new(&[7; 32]), [1; 12]);
    let sealed = key.seal(nonce, b"kid", b"private");
    assert_eq!(sealed.len(), 7 + 16);
    assert_eq!(key.open(nonce, b"kid", &sealed).unwrap().expose(), b"private");
    assert!(WrappingKey::new(&[8; 32]).open(nonce, b"kid", &sealed).is_none());
    assert!(key.open([2; 12], b"kid", &sealed).is_none());
    assert!(key.open(nonce, b"dik", &sealed).is_none());
    assert!(key.open(nonce, b"kid", b"").is_none());
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(key.open(nonce, b"kid", &changed).is_none(), "{at}");
        assert!(key.open(nonce, b"kid", &sealed[..at]).is_none(), "{at}");
    }
}

#[test]
fn keys_do_not_print() {
    assert_eq!(format!("{:?}", MacKey::new(b"x")), "MacKey([redacted])");
    assert_eq!(format!("{:?}", WrappingKey::new(&[7; 32])), "WrappingKey([redacted])");
}
