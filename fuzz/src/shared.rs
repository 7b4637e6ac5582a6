//! What the properties share: a moment, keys, messages signed on the spot, and a second reading of JSON
//! that sees what the first must refuse.

use std::fmt;
use std::sync::{Arc, LazyLock};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws;
use counterfoil_jose::key::{SigningKey, VerifyingKey};
use counterfoil_jose::registered_key::RegisteredKey;
use counterfoil_protocol::moment::Moment;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// When every target runs.
pub const NOW: Moment = Moment(1_795_000_000);
/// Our own name.
pub const ISSUER: &str = "https://bank.example";
/// Whose key signs.
pub const CLIENT: &str = "client";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let pem = include_str!("../../suite/protocol/keys/elliptic.pem");
    SigningKey::from_pem(Alg::ES256, pem).expect("a key of the suite")
});

static REGISTERED: LazyLock<Vec<RegisteredKey>> = LazyLock::new(|| {
    vec![RegisteredKey {
        kid: Some("k1".into()),
        sha1: None,
        sha256: None,
        not_before: None,
        not_after: None,
        key: Arc::new(KEY.verifying_key().expect("it has a public half")),
    }]
});

/// The keys of [`CLIENT`].
#[must_use]
pub fn keys() -> &'static [RegisteredKey] {
    &REGISTERED
}

/// The one key of [`CLIENT`].
#[must_use]
pub fn key() -> &'static VerifyingKey {
    &REGISTERED[0].key
}

/// A message in compact form.
pub struct Message {
    /// The text of the wire.
    pub raw: String,
    /// Whether [`CLIENT`] has signed it just now.
    pub signed: bool,
}

impl Message {
    /// A header, the end of a line and a payload are signed; any other text is a message already.
    /// Without a key, all that lies behind the signature would be out of reach.
    #[must_use]
    pub fn of(data: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(data).ok()?;
        let Some((header, payload)) = text.split_once('\n') else {
            return Some(Self { raw: text.into(), signed: false });
        };
        let input = jws::signing_input(header.as_bytes(), payload.as_bytes());
        let signature = KEY.sign(input.as_bytes()).expect("the backend signs");
        Some(Self { raw: jws::finish(input, &signature), signed: true })
    }

    /// The header and the payload of a message that was taken, read a second time.
    ///
    /// # Panics
    /// When what was taken is not what may be taken: three parts, each in its one spelling, and in
    /// front of them JSON in which nothing stands twice.
    #[must_use]
    pub fn parts(&self) -> (Map<String, Value>, Vec<u8>) {
        let parts: Vec<&str> = self.raw.split('.').collect();
        assert_eq!(parts.len(), 3, "three parts");
        let decoded = parts.iter().map(|part| {
            let bytes = Base64UrlUnpadded::decode_vec(part).expect("base64url");
            assert_eq!(Base64UrlUnpadded::encode_string(&bytes), *part, "a second spelling");
            bytes
        });
        let mut decoded: Vec<Vec<u8>> = decoded.collect();
        assert!(!decoded[2].is_empty(), "no signature");
        let payload = decoded.swap_remove(1);
        (members(&decoded[0]), payload)
    }
}

/// The members of an object that was taken.
///
/// # Panics
/// When it is none, or a name stands in it twice, at any depth.
#[must_use]
pub fn members(json: &[u8]) -> Map<String, Value> {
    let Names { twice } = serde_json::from_slice(json).expect("JSON");
    assert!(!twice, "a name stands twice");
    match serde_json::from_slice(json) {
        Ok(Value::Object(members)) => members,
        other => panic!("not an object: {other:?}"),
    }
}

/// Parameters of a header that we understand none of, or must not believe.
///
/// # Panics
/// When one of them is there.
pub fn harmless(header: &Map<String, Value>, jwk_allowed: bool) {
    for name in ["crit", "b64", "zip", "jku", "x5u", "x5c"] {
        assert!(!header.contains_key(name), "{name}");
    }
    assert!(jwk_allowed || !header.contains_key("jwk"), "jwk");
    let alg = header.get("alg").and_then(Value::as_str).expect("alg");
    assert!(!alg.eq_ignore_ascii_case("none") && !alg.starts_with("HS"), "{alg}");
}

/// Reads JSON for one thing: whether a name stands twice in one object.
struct Names {
    twice: bool,
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Names, E> {
        Ok(Names { twice: false })
    }
    fn visit_bool<E>(self, _: bool) -> Result<Names, E> {
        Ok(Names { twice: false })
    }
    fn visit_u64<E>(self, _: u64) -> Result<Names, E> {
        Ok(Names { twice: false })
    }
    fn visit_i64<E>(self, _: i64) -> Result<Names, E> {
        Ok(Names { twice: false })
    }
    fn visit_f64<E>(self, _: f64) -> Result<Names, E> {
        Ok(Names { twice: false })
    }
    fn visit_str<E>(self, _: &str) -> Result<Names, E> {
        Ok(Names { twice: false })
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Names, A::Error> {
        let mut twice = false;
        while let Some(item) = items.next_element::<Names>()? {
            twice |= item.twice;
        }
        Ok(Names { twice })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Names, A::Error> {
        let (mut seen, mut twice) = (Vec::<String>::new(), false);
        while let Some(name) = members.next_key::<String>()? {
            twice |= seen.contains(&name);
            seen.push(name);
            twice |= members.next_value::<Names>()?.twice;
        }
        Ok(Names { twice })
    }
}
