//! The vectors of Project Wycheproof for what JOSE signs with: known attacks must not verify.
//!
//! How many cases a file has, and how many of them must verify, is asserted: an empty file proves
//! nothing.

use ::wycheproof::{ecdsa, eddsa, mac, rsa_pkcs1_verify as pkcs1, rsa_pss_verify as pss};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwk::Jwk;
use counterfoil_jose::key::VerifyingKey;
use counterfoil_jose::provider::MacKey;
use serde_json::Value;

/// What a file expects of us.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    cases: usize,
    verified: usize,
}

fn count(cases: usize, verified: usize) -> Count {
    Count { cases, verified }
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    assert!(text.len().is_multiple_of(2), "{text}");
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().unwrap()
}

/// The key of a group in each form in which it can reach us. Files that write a JWK write the same
/// key as that.
fn keys(group: &Value) -> Vec<VerifyingKey> {
    let mut keys = vec![VerifyingKey::from_spki_der(&hex(&group["publicKeyDer"])).unwrap()];
    keys.push(VerifyingKey::from_pem(group["publicKeyPem"].as_str().unwrap()).unwrap());
    let jwk = ["publicKeyJwk", "keyJwk"].iter().find_map(|name| group.get(*name));
    if let Some(jwk) = jwk {
        let jwk: Jwk = serde_json::from_value(jwk.clone()).unwrap();
        keys.push(VerifyingKey::from_jwk(&jwk).unwrap());
    }
    keys
}

/// Whether the case must verify. The one case of a file that is merely acceptable is a DigestInfo
/// without the NULL that RFC 8017 §A.2.4 demands; tolerance there is what forgeries of PKCS #1
/// signatures live on, so it must not.
fn is_valid(test: &Value) -> bool {
    match test["result"].as_str().unwrap() {
        "valid" => true,
        "invalid" => false,
        "acceptable" => {
            assert_eq!(test["flags"], serde_json::json!(["MissingNull"]));
            false
        }
        other => panic!("{other}"),
    }
}

/// Every case of `json` with `alg`, in groups for which `meant` holds.
///
/// Not `ours`: JOSE does not sign like that, so what is valid there may not verify here. What is
/// invalid there may be valid here (a salt of another length), so it is left out.
fn run(name: &str, json: &str, alg: Alg, meant: impl Fn(&Value) -> bool, ours: bool) -> Count {
    let file: Value = serde_json::from_str(json).unwrap();
    let mut done = Count::default();
    for group in list(&file, "testGroups").iter().filter(|group| meant(group)) {
        let keys = keys(group);
        for test in list(group, "tests").iter().filter(|test| ours || is_valid(test)) {
            let expected = ours && is_valid(test);
            let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
            for key in &keys {
                let verified = key.verify(alg, &message, &signature);
                assert_eq!(verified, expected, "{name} {alg} case {}", test["tcId"]);
            }
            done.cases += 1;
            done.verified += usize::from(expected);
        }
    }
    done
}

fn all(_: &Value) -> bool {
    true
}

#[test]
fn signatures_of_pkcs1() {
    use pkcs1::TestName as Name;
    let files = [
        (Name::Rsa2048Sha256, Alg::RS256, count(259, 9)),
        (Name::Rsa2048Sha384, Alg::RS384, count(258, 7)),
        (Name::Rsa2048Sha512, Alg::RS512, count(259, 8)),
        (Name::Rsa3072Sha256, Alg::RS256, count(259, 8)),
        (Name::Rsa3072Sha384, Alg::RS384, count(259, 7)),
        (Name::Rsa3072Sha512, Alg::RS512, count(260, 8)),
        (Name::Rsa4096Sha256, Alg::RS256, count(258, 7)),
        (Name::Rsa4096Sha384, Alg::RS384, count(259, 7)),
        (Name::Rsa4096Sha512, Alg::RS512, count(259, 7)),
        (Name::Rsa8192Sha256, Alg::RS256, count(258, 7)),
        (Name::Rsa8192Sha384, Alg::RS384, count(259, 7)),
        (Name::Rsa8192Sha512, Alg::RS512, count(259, 7)),
    ];
    for (file, alg, expected) in files {
        let name = format!("{file:?}");
        assert_eq!(run(&name, file.json_data(), alg, all, true), expected, "{name}");
    }
}

/// RFC 7518 §3.5: the hash of the mask is that of the message, and the salt has its length.
#[test]
fn signatures_of_pss() {
    use pss::TestName as Name;
    let files = [
        (Name::RsaPss2048Sha256Mgf1SaltLen32, Alg::PS256, count(108, 63)),
        (Name::RsaPss2048Sha384Mgf1SaltLen48, Alg::PS384, count(141, 95)),
        (Name::RsaPss3072Sha256Mgf1SaltLen32, Alg::PS256, count(108, 63)),
        (Name::RsaPss4096Sha256Mgf1SaltLen32, Alg::PS256, count(108, 63)),
        (Name::RsaPss4096Sha384Mgf1SaltLen48, Alg::PS384, count(141, 95)),
        (Name::RsaPss4096Sha512Mgf1SaltLen64, Alg::PS512, count(179, 132)),
    ];
    for (file, alg, expected) in files {
        let name = format!("{file:?}");
        assert_eq!(run(&name, file.json_data(), alg, all, true), expected, "{name}");
    }
    let misc = Name::RsaPssmisc.json_data();
    for (alg, hash, salt) in
        [(Alg::PS256, "SHA-256", 32), (Alg::PS384, "SHA-384", 48), (Alg::PS512, "SHA-512", 64)]
    {
        let jose = |g: &Value| g["sha"] == hash && g["mgfSha"] == hash && g["sLen"] == salt;
        assert_eq!(run("misc", misc, alg, jose, true), count(1, 1), "{alg}");
        assert_eq!(run("misc", misc, alg, |g| !jose(g), false), count(149, 0), "{alg}");
    }
}

/// Valid elsewhere, and not what `PS256` and `PS512` name.
#[test]
fn pss_with_other_parameters_is_none_of_ours() {
    use pss::TestName as Name;
    let files = [
        (Name::RsaPss2048Sha1Mgf1SaltLen20, Alg::PS256, 42),
        (Name::RsaPss2048Sha256Mgf1SaltLen0, Alg::PS256, 61),
        (Name::RsaPss2048Sha256Mgf1Sha1_20, Alg::PS256, 63),
        (Name::RsaPss2048Sha512_256Mgf1SaltLen32, Alg::PS512, 69),
        (Name::RsaPss4096Sha512Mgf1SaltLen32, Alg::PS512, 132),
    ];
    for (file, alg, cases) in files {
        let name = format!("{file:?}");
        assert_eq!(run(&name, file.json_data(), alg, all, false), count(cases, 0), "{name}");
    }
}

#[test]
fn signatures_on_curves_in_the_form_of_jose() {
    use ecdsa::TestName as Name;
    let files = [
        (Name::EcdsaSecp256r1Sha256P1363, Alg::ES256, count(262, 173)),
        (Name::EcdsaSecp384r1Sha384P1363, Alg::ES384, count(280, 193)),
        (Name::EcdsaSecp521r1Sha512P1363, Alg::ES512, count(318, 231)),
    ];
    for (file, alg, expected) in files {
        let name = format!("{file:?}");
        assert_eq!(run(&name, file.json_data(), alg, all, true), expected, "{name}");
    }
}

/// RFC 7518 §3.4: the two numbers one after the other, and never DER; and one hash per curve.
#[test]
fn a_signature_on_a_curve_in_der_or_with_another_hash_is_none_of_ours() {
    use ecdsa::TestName as Name;
    let files = [
        (Name::EcdsaSecp256r1Sha256, Alg::ES256, 174),
        (Name::EcdsaSecp384r1Sha384, Alg::ES384, 194),
        (Name::EcdsaSecp521r1Sha512, Alg::ES512, 232),
        (Name::EcdsaSecp256r1Sha512P1363, Alg::ES256, 242),
        (Name::EcdsaSecp384r1Sha512P1363, Alg::ES384, 230),
    ];
    for (file, alg, cases) in files {
        let name = format!("{file:?}");
        assert_eq!(run(&name, file.json_data(), alg, all, false), count(cases, 0), "{name}");
    }
}

/// Not on a curve that we take: the key is refused before any signature is looked at.
#[test]
fn keys_on_other_curves_are_refused() {
    use ecdsa::TestName as Name;
    for file in [Name::EcdsaSecp256k1Sha256P1363, Name::EcdsaSecp224r1Sha256P1363] {
        let json: Value = serde_json::from_str(file.json_data()).unwrap();
        let groups = list(&json, "testGroups");
        assert!(groups.len() > 90, "{file:?}");
        for group in groups {
            assert!(VerifyingKey::from_spki_der(&hex(&group["publicKeyDer"])).is_err());
        }
    }
}

#[test]
fn signatures_of_ed25519() {
    let json = eddsa::TestName::Ed25519.json_data();
    assert_eq!(run("ed25519", json, Alg::EdDSA, all, true), count(151, 88));
}

/// We compute tags and compare them whole; the shorter ones of the file are beginnings of ours.
#[test]
fn tags_of_hmac_sha256() {
    let json: Value = serde_json::from_str(mac::TestName::HmacSha256.json_data()).unwrap();
    let mut done = Count::default();
    for group in list(&json, "testGroups") {
        let len = usize::try_from(group["tagSize"].as_u64().unwrap()).unwrap() / 8;
        for test in list(group, "tests") {
            let tag = MacKey::new(&hex(&test["key"])).tag(&[&hex(&test["msg"])]);
            let equal = tag[..len] == hex(&test["tag"])[..];
            assert_eq!(equal, is_valid(test), "case {}", test["tcId"]);
            done.cases += 1;
            done.verified += usize::from(equal);
        }
    }
    assert_eq!(done, count(174, 66));
}
