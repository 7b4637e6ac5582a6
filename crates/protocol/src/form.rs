//! `application/x-www-form-urlencoded`: decoded once, bounded, order and duplicates kept.

use std::borrow::Cow;
use std::fmt;

use crate::refusal::{Fault, Refusal};

/// Most parameters of one request. FAPI's largest have about thirty.
pub const PARAMETERS_MAX: usize = 128;

/// The decoded parameters of a body or a query.
///
/// `Debug` prints names only: values may be credentials.
#[derive(Default)]
pub struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    /// Decodes the text of a body or query. An empty text is a form without parameters.
    ///
    /// # Errors
    /// [`Refusal::BodyMalformed`] for a broken `%` escape, invalid UTF-8, a NUL, or too many parameters.
    pub fn decode(raw: &'a [u8]) -> Result<Self, Refusal> {
        let raw = std::str::from_utf8(raw).map_err(|_| Refusal::BodyMalformed)?;
        let mut pairs = Vec::with_capacity(8);
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == PARAMETERS_MAX {
                return Err(Refusal::BodyMalformed);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// A form made of pairs that are decoded already.
    pub fn of(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of `name`: at most once, and empty means absent (RFC 6749 §3.2).
    ///
    /// # Errors
    /// [`Refusal::Parameter`] when it is repeated.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let mut hits = self.0.iter().filter(|(k, _)| k == name).map(|(_, v)| v.as_ref());
        let first = hits.next().filter(|value| !value.is_empty());
        hits.next().map_or(Ok(first), |_| Err(Refusal::Parameter(name, Fault::Repeated)))
    }

    /// The value of `name`, which must be there.
    ///
    /// # Errors
    /// [`Refusal::Parameter`] when it is missing or repeated.
    pub fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or(Refusal::Parameter(name, Fault::Missing))
    }

    /// Whether any parameter stands twice (RFC 6749 §3.2): refused whatever it is, before all else.
    /// `resource` is the one that may (RFC 8707 §2).
    #[must_use]
    pub fn repeats(&self) -> bool {
        let twice = |(n, (name, _)): (usize, &(Cow<'_, str>, Cow<'_, str>))| {
            name != "resource" && self.0[..n].iter().any(|(k, _)| k == name)
        };
        self.0.iter().enumerate().any(twice)
    }

    /// Names and values in the order of the wire.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

impl fmt::Debug for Form<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Whether `text` has such a byte. It looks at all of them: that needs no branch, so many are looked at
/// in one instruction.
pub(crate) fn holds(text: &str, such: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, b| found | such(b))
}

/// Decodes one name or value: `+` is a space, `%XX` a byte of UTF-8.
fn decode(raw: &str) -> Result<Cow<'_, str>, Refusal> {
    let text = percent_decode(raw, true).ok_or(Refusal::BodyMalformed)?;
    // A NUL is never part of a parameter, and C libraries behind us would stop at it.
    if holds(&text, |b| b == 0) { Err(Refusal::BodyMalformed) } else { Ok(text) }
}

/// Decodes `%XX`, and `+` as a space if asked. `None` for a broken escape or invalid UTF-8.
#[must_use]
pub fn percent_decode(raw: &str, plus_is_space: bool) -> Option<Cow<'_, str>> {
    if !holds(raw, |b| b == b'%' || (plus_is_space && b == b'+')) {
        return Some(Cow::Borrowed(raw));
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'+' if plus_is_space => b' ',
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// Encodes one value for a form body or a query; a space becomes `+`.
#[must_use]
pub fn encode(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for b in raw.bytes() {
        match b {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') => {
                out.push(b.into());
            }
            b => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(DIGITS[usize::from(b >> 4)].into());
                out.push(DIGITS[usize::from(b & 15)].into());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn empty_is_absent_and_twice_is_refused() {
        let form = Form::decode(b"a=&b=1&c=2&c=&&d").unwrap();
        assert_eq!(form.one("a"), Ok(None));
        assert_eq!(form.one("b"), Ok(Some("1")));
        assert_eq!(form.one("c"), Err(Refusal::Parameter("c", Fault::Repeated)));
        assert_eq!(form.required("d"), Err(Refusal::Parameter("d", Fault::Missing)));
        assert!(form.repeats());
        assert!(!Form::decode(b"a=1&b=1&resource=x&resource=y").unwrap().repeats());
    }

    #[test]
    fn broken_text_is_refused() {
        for raw in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%ff", b"a=\xff", b"a=%00", b"a=\0"] {
            assert!(Form::decode(raw).is_err(), "{raw:?}");
        }
        let many = vec!["a=1"; PARAMETERS_MAX + 1].join("&");
        assert!(Form::decode(many.as_bytes()).is_err());
    }

    #[test]
    fn debug_prints_no_value() {
        let form = Form::decode(b"client_secret=hunter2").unwrap();
        assert_eq!(format!("{form:?}"), r#"["client_secret"]"#);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(value in "[^\0]{0,40}") {
            let raw = format!("v={}", encode(&value));
            let form = Form::decode(raw.as_bytes()).unwrap();
            prop_assert_eq!(form.one("v").unwrap().unwrap_or(""), value);
        }

        #[test]
        fn nothing_panics(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::decode(&raw);
        }
    }
}
