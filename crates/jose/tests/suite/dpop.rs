//! DPoP proofs (RFC 9449 §4.3): every check, and what must pass although it looks odd. The probes of
//! the conformance suite that a proof alone can show are among them.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::dpop::{
    Expected, FAPI2, Fresh, Nonces, PROOF_LEN_MAX, RFC9449, Received, Verified, thumbprint_of,
    thumbprint_text, token_hash,
};
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::MacKey;
use counterfoil_jose::thumbprint::jwk_thumbprint;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::ProofFault;
use serde_json::{Value, json};

use crate::support::{NOW, b64, key, sign};

const URL: &str = "https://as.example/o/fapi2/demo/resource";
const ALIAS: &str = "https://mtls.as.example:8444/o/fapi2/demo/resource";
const TOKEN: &str = "at_token";

/// The public key as the header of a proof carries it.
fn jwk(key: &SigningKey) -> Value {
    let mut jwk = serde_json::to_value(key.public_jwk("1")).unwrap();
    for name in ["kid", "use", "alg"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    jwk
}

struct Proof {
    header: Value,
    payload: Value,
    alg: Alg,
}

impl Proof {
    fn of(alg: Alg) -> Self {
        let header = json!({"typ": "dpop+jwt", "alg": alg.as_str(), "jwk": jwk(key(alg))});
        let payload = json!({
            "jti": "j1", "htm": "GET", "htu": URL, "iat": NOW.0, "ath": token_hash(TOKEN),
        });
        Self { header, payload, alg }
    }

    fn header(mut self, name: &str, value: Value) -> Self {
        set(&mut self.header, name, value);
        self
    }

    fn claim(mut self, name: &str, value: Value) -> Self {
        set(&mut self.payload, name, value);
        self
    }

    fn signed(&self) -> String {
        sign(key(self.alg), &self.header.to_string(), &self.payload.to_string())
    }

    fn judged(&self) -> Result<Verified, ProofFault> {
        judge(&self.signed(), Fresh::Issued, NOW)
    }
}

/// `null` takes the member away.
fn set(object: &mut Value, name: &str, value: Value) {
    let object = object.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.into(), value);
    }
}

fn judge(raw: &str, fresh: Fresh, now: Moment) -> Result<Verified, ProofFault> {
    let expected = Expected {
        method: "GET",
        addresses: &[URL, ALIAS],
        token: Some(TOKEN),
        profile: &FAPI2,
        fresh,
    };
    Received::parse(raw)?.verify(&expected, now)
}

fn good() -> Proof {
    Proof::of(Alg::ES256)
}

fn in_(seconds: i64) -> Value {
    NOW.0.checked_add_signed(seconds).unwrap().into()
}

#[test]
fn a_good_proof_says_whose_it_is_and_how_long_it_must_be_remembered() {
    for alg in [Alg::ES256, Alg::PS256, Alg::EdDSA] {
        let verified = Proof::of(alg).judged().unwrap();
        let thumbprint = jwk_thumbprint(&key(alg).public_jwk("1")).unwrap();
        assert_eq!(verified.thumbprint, thumbprint);
        assert_eq!(verified.until, NOW.after(61));
        assert_eq!(thumbprint_of(&thumbprint_text(&thumbprint)), Some(thumbprint));
    }
    let renamed = good().header("alg", "EdDSA".into()).header("alg", "Ed25519".into());
    let renamed = Proof { alg: Alg::EdDSA, ..renamed };
    let renamed = renamed.header("jwk", jwk(key(Alg::EdDSA)));
    assert!(renamed.judged().is_ok(), "the newer name of the same algorithm");
}

#[test]
fn the_example_of_the_rfc_is_read() {
    // RFC 9449 §4.1, figure 2.
    let raw = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let expected = Expected {
        method: "POST",
        addresses: &["https://server.example.com/token"],
        token: None,
        profile: &FAPI2,
        fresh: Fresh::Issued,
    };
    let verified = Received::parse(raw).unwrap().verify(&expected, Moment(1_562_262_620)).unwrap();
    // RFC 9449 §6.1 names the key of the examples by this thumbprint.
    let text = thumbprint_text(&verified.thumbprint);
    assert_eq!(text, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

#[test]
fn what_is_missing_is_missed() {
    let without_header = |name| good().header(name, Value::Null).judged().unwrap_err();
    assert_eq!(without_header("typ"), ProofFault::Type);
    assert_eq!(without_header("alg"), ProofFault::Malformed);
    assert_eq!(without_header("jwk"), ProofFault::KeyMissing);
    let without = |name| good().claim(name, Value::Null).judged().unwrap_err();
    assert_eq!(without("jti"), ProofFault::IdMissing);
    assert_eq!(without("htm"), ProofFault::Method);
    assert_eq!(without("htu"), ProofFault::Address);
    assert_eq!(without("iat"), ProofFault::Issued);
    assert_eq!(without("ath"), ProofFault::TokenHash);
}

#[test]
fn what_is_no_proof_is_refused() {
    for raw in ["", "x", "a.b", "a.b.c", "a.b.c.d", "\u{e9}.\u{e9}.\u{e9}"] {
        assert_eq!(judge(raw, Fresh::Issued, NOW), Err(ProofFault::Malformed), "{raw}");
    }
    let long = format!("{}.{}", good().signed(), "a".repeat(PROOF_LEN_MAX));
    assert_eq!(judge(&long, Fresh::Issued, NOW), Err(ProofFault::Malformed));
    for (member, value) in
        [("crit", json!(["x"])), ("b64", json!(false)), ("zip", json!("DEF")), ("x5c", json!([]))]
    {
        let fault = good().header(member, value).judged();
        assert_eq!(fault, Err(ProofFault::Malformed), "{member}");
    }
    let unsigned = good().header("alg", "none".into()).signed();
    let (input, _) = unsigned.rsplit_once('.').unwrap();
    for raw in [format!("{input}."), unsigned.clone()] {
        assert_eq!(judge(&raw, Fresh::Issued, NOW), Err(ProofFault::Algorithm), "none");
    }
    for alg in ["HS256", "RS256", "ES384", "es256"] {
        assert_eq!(good().header("alg", alg.into()).judged(), Err(ProofFault::Algorithm), "{alg}");
    }
    for typ in ["JWT", "dpop", "DPOP+JWT", "dpop+jwt "] {
        assert_eq!(good().header("typ", typ.into()).judged(), Err(ProofFault::Type), "{typ}");
    }
}

#[test]
fn the_algorithms_are_those_of_the_profile() {
    for alg in Alg::ALL {
        let fapi = Proof::of(alg).judged().map(|_| ());
        let allowed = FAPI2.algs.contains(&alg);
        assert_eq!(fapi, if allowed { Ok(()) } else { Err(ProofFault::Algorithm) }, "{alg}");
        let raw = Proof::of(alg).signed();
        let expected = Expected {
            method: "GET",
            addresses: &[URL],
            token: None,
            profile: &RFC9449,
            fresh: Fresh::Issued,
        };
        let plain = Received::parse(&raw).unwrap().verify(&expected, NOW).is_ok();
        assert_eq!(plain, RFC9449.algs.contains(&alg), "{alg}");
    }
}

#[test]
fn the_key_is_a_public_one_and_the_one_that_signed() {
    let bad = |jwk: Value| good().header("jwk", jwk).judged().unwrap_err();
    let mut private = jwk(key(Alg::ES256));
    private["d"] = "AAAA".into();
    assert_eq!(bad(private), ProofFault::Key);
    assert_eq!(bad(json!({"kty": "oct", "k": "AAAA"})), ProofFault::Key);
    assert_eq!(bad("text".into()), ProofFault::Key);
    assert_eq!(bad(json!({})), ProofFault::Key);
    let mut off_curve = jwk(key(Alg::ES256));
    off_curve["y"] = b64([7; 32]).into();
    assert_eq!(bad(off_curve), ProofFault::Key);
    assert_eq!(bad(json!({"kty": "OKP", "crv": "Ed25519", "x": b64([0; 32])})), ProofFault::Key);
    let other = SigningKey::generate(Alg::ES256).unwrap().0;
    assert_eq!(bad(jwk(&other)), ProofFault::Signature);
    // A key of another kind than the algorithm needs.
    assert_eq!(bad(jwk(key(Alg::PS256))), ProofFault::Signature);

    let raw = good().signed();
    let (input, signature) = raw.rsplit_once('.').unwrap();
    for wrong in [b64([0; 64]), b64([0xff; 64]), b64([1; 63]), format!("{signature}AAAA")] {
        let raw = format!("{input}.{wrong}");
        assert_eq!(judge(&raw, Fresh::Issued, NOW), Err(ProofFault::Signature), "{wrong}");
    }
}

#[test]
fn one_request_is_meant() {
    for method in ["POST", "get", "", "GET "] {
        assert_eq!(good().claim("htm", method.into()).judged(), Err(ProofFault::Method));
    }
    for other in [
        "https://as.example/o/fapi2/userinfo",
        "https://as.example/o/fapi2/demo/resource/",
        "https://as.example/o/FAPI2/demo/resource",
        "https://as.example/o/fapi2//demo/resource",
        "https://as.example:8443/o/fapi2/demo/resource",
        "https://as.example:80/o/fapi2/demo/resource",
        "http://as.example/o/fapi2/demo/resource",
        "http://as.example:443/o/fapi2/demo/resource",
        "https://as.example.evil/o/fapi2/demo/resource",
        "https://evil@as.example/o/fapi2/demo/resource",
        "https://as.example\\@evil/o/fapi2/demo/resource",
        "https:/o/fapi2/demo/resource",
        "https:///o/fapi2/demo/resource",
        "/o/fapi2/demo/resource",
        "as.example/o/fapi2/demo/resource",
        "https://as.example",
        "https://as.example/o/fapi2/d\u{e9}mo/resource",
        "",
    ] {
        let fault = good().claim("htu", other.into()).judged();
        assert_eq!(fault, Err(ProofFault::Address), "{other}");
    }
    let long = format!("{URL}?{}", "a".repeat(4096));
    assert_eq!(good().claim("htu", long.into()).judged(), Err(ProofFault::Address));
}

#[test]
fn the_address_may_be_spelled_in_the_ways_of_the_rfc() {
    for same in [
        "https://as.example/o/fapi2/demo/resource?a=b",
        "https://as.example/o/fapi2/demo/resource#f",
        "https://as.example/o/fapi2/demo/resource?a=b#f",
        "HTTPS://AS.EXAMPLE/o/fapi2/demo/resource",
        "https://as.example:443/o/fapi2/demo/resource",
        "https://as.example:/o/fapi2/demo/resource",
        ALIAS,
        "https://MTLS.as.example:8444/o/fapi2/demo/resource?x",
    ] {
        assert!(good().claim("htu", same.into()).judged().is_ok(), "{same}");
    }
}

#[test]
fn members_we_do_not_know_are_ignored() {
    let proof = good()
        .header("x", json!({"y": 1}))
        .claim("x", json!([1, 2]))
        .claim("nbf", in_(7200))
        .claim("exp", in_(-7200))
        .claim("iss", 5.into());
    assert!(proof.judged().is_ok());
}

#[test]
fn claims_have_their_types_and_occur_once() {
    for (name, value) in [
        ("jti", json!(1)),
        ("htm", json!(["GET"])),
        ("htu", json!(1)),
        ("iat", json!("1795283125")),
        ("iat", json!(1795283125.5)),
        ("iat", json!(-1)),
        ("ath", json!(1)),
        ("nonce", json!(1)),
    ] {
        let fault = good().claim(name, value.clone()).judged();
        assert_eq!(fault, Err(ProofFault::Malformed), "{name} {value}");
    }
    for id in [String::new(), "j".repeat(256)] {
        assert_eq!(good().claim("jti", id.into()).judged(), Err(ProofFault::IdMissing));
    }
    let proof = good();
    let payload = proof.payload.to_string().replacen('{', r#"{"jti":"j2","#, 1);
    let raw = sign(key(Alg::ES256), &proof.header.to_string(), &payload);
    assert_eq!(judge(&raw, Fresh::Issued, NOW), Err(ProofFault::Malformed));
}

#[test]
fn a_proof_is_young() {
    for (seconds, expected) in [
        (-10, Ok(())),
        (8, Ok(())),
        (10, Ok(())),
        (-60, Ok(())),
        (60, Ok(())),
        (-61, Err(ProofFault::Issued)),
        (61, Err(ProofFault::Issued)),
        (-3600, Err(ProofFault::Issued)),
        (3600, Err(ProofFault::Issued)),
    ] {
        let judged = good().claim("iat", in_(seconds)).judged().map(|_| ());
        assert_eq!(judged, expected, "{seconds}");
    }
}

#[test]
fn a_proof_dated_ahead_is_remembered_as_long_as_it_can_be_sent() {
    // keycloak#43505: the single use must not be forgotten before the proof is too old.
    let raw = good().claim("iat", in_(60)).signed();
    let verified = judge(&raw, Fresh::Issued, NOW).unwrap();
    let last = NOW.after(120);
    assert_eq!(judge(&raw, Fresh::Issued, last).map(|_| ()), Ok(()), "still young enough");
    assert!(verified.until > last);
    assert_eq!(judge(&raw, Fresh::Issued, verified.until), Err(ProofFault::Issued));
}

#[test]
fn the_use_of_a_proof_has_one_name() {
    let first = good().judged().unwrap();
    // ECDSA signs differently each time; the id is of key and `jti`, whatever else is said.
    let second = good().claim("iat", in_(5)).claim("x", 1.into()).judged().unwrap();
    assert_eq!(first.id, second.id);
    assert_ne!(first.id, good().claim("jti", "j2".into()).judged().unwrap().id);
    assert_ne!(first.id, Proof::of(Alg::EdDSA).judged().unwrap().id);
}

#[test]
fn at_a_resource_the_token_is_named() {
    for ath in [token_hash("at_other"), String::new(), format!("{}=", token_hash(TOKEN))] {
        assert_eq!(good().claim("ath", ath.into()).judged(), Err(ProofFault::TokenHash));
    }
    // RFC 9449 §7.1, figure 13.
    let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    assert_eq!(token_hash(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

#[test]
fn with_a_nonce_the_clock_of_the_sender_is_of_no_interest() {
    let until = NOW.after(200);
    for seconds in [-3600, 3600] {
        let raw = good().claim("iat", in_(seconds)).signed();
        assert_eq!(judge(&raw, Fresh::Nonce(until), NOW).unwrap().until, until);
    }
}

#[test]
fn a_nonce_counts_for_some_minutes_and_needs_no_memory() {
    let nonces = |key: &[u8]| Nonces::new(MacKey::new(key));
    let ours = nonces(b"key");
    let start = Moment(NOW.0 / 60 * 60);
    let nonce = ours.current(start);
    assert_eq!(ours.current(start.after(59)), nonce, "the same within a step");
    assert_ne!(ours.current(start.after(60)), nonce);
    let until = start.after(300);
    for later in [0, 59, 60, 299] {
        assert_eq!(nonces(b"key").until(&nonce, start.after(later)), Some(until), "{later}");
    }
    assert_eq!(ours.until(&nonce, until), None, "too old");
    let ahead = ours.current(start.after(60));
    assert!(ours.until(&ahead, start).is_some(), "a neighbour whose clock is ahead");
    assert_eq!(ours.until(&ours.current(start.after(120)), start), None);
    assert_eq!(nonces(b"other").until(&nonce, start), None, "of somebody else");
    let mut flipped = nonce.clone().into_bytes();
    flipped[10] ^= 1;
    for other in ["", "AAAA", "x y", &String::from_utf8(flipped).unwrap(), &format!("{nonce}A")] {
        assert_eq!(ours.until(other, start), None, "{other}");
    }
    assert_eq!(ours.until(&b64([0xff; 24]), Moment(u64::MAX)), None);
}

#[test]
fn a_proof_prints_nothing_of_its_content() {
    let received = Received::parse(&good().signed()).unwrap();
    assert_eq!(format!("{received:?}"), "Proof(Compact(ES256))");
    assert_eq!(received.nonce(), None);
    let asked = good().claim("nonce", "n".into()).signed();
    assert_eq!(Received::parse(&asked).unwrap().nonce(), Some("n"));
}
