//! JSON in which a member name occurs once at every depth. RFC 7515 §4 and RFC 7519 §4 leave the
//! choice between refusing and the last one; two readers must not see two messages, so we refuse.

use std::fmt;

use counterfoil_protocol::moment::Moment;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The largest integer that every JSON reader sees alike (RFC 8259 §6).
const INTEGER_MAX: u64 = 1 << 53;

/// The object that is all of `bytes`; `None` for anything else, and when a name occurs twice.
#[must_use]
pub fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice::<Strict>(bytes).ok()?.0 {
        Value::Object(members) => Some(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

/// A member of the wrong type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongType;

/// The text of a member; `null` is not text.
pub(crate) fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, WrongType> {
    match members.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(|text| Some(text.into())).ok_or(WrongType),
    }
}

/// A NumericDate (RFC 7519 §2) in whole seconds. `1e9` and `1.0` are whole; negative numbers, text
/// and what is not exact in other readers are refused.
pub(crate) fn date(members: &Map<String, Value>, name: &str) -> Result<Option<Moment>, WrongType> {
    match members.get(name) {
        None => Ok(None),
        Some(value) => numeric_date(value).map(Some).ok_or(WrongType),
    }
}

pub(crate) fn numeric_date(value: &Value) -> Option<Moment> {
    if let Some(whole) = value.as_u64() {
        return (whole <= INTEGER_MAX).then_some(Moment(whole));
    }
    let float = value.as_f64()?;
    let whole = float.fract() == 0.0 && (0.0..=INTEGER_MAX as f64).contains(&float);
    whole.then_some(Moment(float as u64))
}

/// Any JSON value without repeated members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strict(pub Value);

impl serde::Serialize for Strict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if out.contains_key(&name) {
                return Err(A::Error::custom("repeated member"));
            }
            let Strict(value) = members.next_value()?;
            out.insert(name, value);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_member_is_refused_at_every_depth() {
        assert!(object(br#"{"a":1,"b":{"a":1}}"#).is_some());
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"a":1} x"#,
            r#"["a"]"#,
            "",
        ] {
            assert!(object(text.as_bytes()).is_none(), "{text}");
        }
        assert!(object(&[b"{\"a\":".repeat(10_000), b"}".repeat(10_000)].concat()).is_none());
    }

    #[test]
    fn dates_are_whole_numbers_that_every_reader_sees_alike() {
        let read = |text: &str| numeric_date(&serde_json::from_str(text).unwrap());
        assert_eq!(read("1795283141"), Some(Moment(1_795_283_141)));
        assert_eq!(read("1795283141.0"), Some(Moment(1_795_283_141)));
        assert_eq!(read("1e9"), Some(Moment(1_000_000_000)));
        assert_eq!(read("0"), Some(Moment(0)));
        assert_eq!(read("9007199254740992"), Some(Moment(INTEGER_MAX)));
        for text in [
            "-1",
            "-1.0",
            "1.5",
            "9007199254740993",
            "1e300",
            "18446744073709551616",
            "\"1795283141\"",
            "null",
            "true",
            "[1]",
            "{}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
