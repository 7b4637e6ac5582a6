//! Names of certificate subjects, compared by distinguishedNameMatch (RFC 4517 §4.2.15), as text
//! (RFC 4514) and as they stand in certificates (RFC 5280 §4.1.2.4).

use std::fmt;

use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _, Tag, Tagged as _, asn1::AnyRef};

/// Longest text that is looked at; real names have some hundred characters.
const TEXT_LEN_MAX: usize = 2_048;
/// Parts of a name.
const PARTS_MAX: usize = 32;

/// The attribute types that have a short name (RFC 4514 §3, RFC 4519, X.520, ETSI EN 319 412-1), all
/// of which are compared without regard to case (`caseIgnoreMatch`, `caseIgnoreIA5Match`).
const TYPES: [(&str, &str); 26] = [
    ("CN", "2.5.4.3"),
    ("commonName", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("countryName", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("localityName", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("S", "2.5.4.8"),
    ("stateOrProvinceName", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("organizationName", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("organizationalUnitName", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("businessCategory", "2.5.4.15"),
    ("postalCode", "2.5.4.17"),
    ("GN", "2.5.4.42"),
    ("organizationIdentifier", "2.5.4.97"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
    ("E", "1.2.840.113549.1.9.1"),
    ("jurisdictionCountryName", "1.3.6.1.4.1.311.60.2.1.3"),
];

/// Not a distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameError;

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed distinguished name")
    }
}

impl std::error::Error for NameError {}

/// A name in the form in which names are equal: `==` is distinguishedNameMatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName(Vec<Vec<Part>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    kind: ObjectIdentifier,
    value: Value,
}

/// What a part says. String types do not matter: two certificates of one client may differ in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Text(String),
    /// A value that is no text, as DER.
    Other(Vec<u8>),
}

impl DistinguishedName {
    /// The text form, as clients register it. Attribute types may be short names or object
    /// identifiers, values may be text or `#` and hexadecimal DER, in any mixture.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > TEXT_LEN_MAX || text.trim().is_empty() {
            return Err(NameError);
        }
        let mut parts = vec![];
        for relative in split(text, ',')? {
            let relative = split(relative, '+')?;
            parts.push(relative.into_iter().map(Part::parse).collect::<Result<Vec<_>, _>>()?);
        }
        // RFC 4514 §2.1: the text starts with the last one.
        parts.reverse();
        Self::of(parts)
    }

    pub(crate) fn from_certificate(name: &x509_cert::name::Name) -> Result<Self, NameError> {
        let relative = name.iter_rdn().map(|relative| {
            let part = |attribute: &x509_cert::attr::AttributeTypeAndValue| {
                if !is_shortest(attribute.oid) {
                    return Err(NameError);
                }
                Part::of(attribute.oid, AnyRef::from(&attribute.value))
            };
            relative.iter().map(part).collect::<Result<Vec<_>, _>>()
        });
        Self::of(relative.collect::<Result<Vec<_>, _>>()?)
    }

    fn of(mut parts: Vec<Vec<Part>>) -> Result<Self, NameError> {
        if parts.iter().map(Vec::len).sum::<usize>() > PARTS_MAX {
            return Err(NameError);
        }
        // A relative name is a set: its order says nothing.
        parts.iter_mut().for_each(|relative| relative.sort());
        Ok(Self(parts))
    }

    /// Whether it says anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, NameError> {
        let (kind, value) = text.split_once('=').ok_or(NameError)?;
        let kind = kind_of(kind.trim())?;
        let value = value.trim_start();
        if let Some(digits) = value.trim_end().strip_prefix('#') {
            let der = unhex(digits).ok_or(NameError)?;
            let any = AnyRef::from_der(&der).map_err(|_| NameError)?;
            return Self::of(kind, any);
        }
        Ok(Self { kind, value: Value::Text(prepared(kind, &unescaped(value)?)) })
    }

    fn of(kind: ObjectIdentifier, value: AnyRef<'_>) -> Result<Self, NameError> {
        let value = match decoded(value) {
            Some(text) => Value::Text(prepared(kind, &text)),
            None => Value::Other(value.to_der().map_err(|_| NameError)?),
        };
        Ok(Self { kind, value })
    }
}

/// Whether no arc begins with a zero (X.690 §8.19.2). With one, two identifiers would read the same.
fn is_shortest(kind: ObjectIdentifier) -> bool {
    let bytes = kind.as_bytes();
    let before = std::iter::once(&0).chain(bytes);
    before.zip(bytes).all(|(before, byte)| *byte != 0x80 || before & 0x80 != 0)
}

fn kind_of(text: &str) -> Result<ObjectIdentifier, NameError> {
    let known = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let bare = text.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("OID."));
    let dotted = known.map_or(bare.map_or(text, |_| &text[4..]), |(_, dotted)| dotted);
    ObjectIdentifier::new(dotted).map_err(|_| NameError)
}

/// The text of a value of a string type; `None` for other types and for text that is broken.
fn decoded(value: AnyRef<'_>) -> Option<String> {
    const UTF8: [Tag; 5] = [
        Tag::Utf8String,
        Tag::PrintableString,
        Tag::Ia5String,
        Tag::NumericString,
        Tag::VisibleString,
    ];
    let (tag, bytes) = (value.tag(), value.value());
    if UTF8.contains(&tag) {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    if tag == Tag::TeletexString {
        // In practice always Latin-1.
        return Some(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    let (pairs, rest) = bytes.as_chunks::<2>();
    if tag != Tag::BmpString || !rest.is_empty() {
        return None;
    }
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    String::from_utf16(&units).ok()
}

/// RFC 4518 as far as it matters here: case is folded where the type ignores it, space at the ends
/// is dropped and within is one, what cannot be seen is left out.
fn prepared(kind: ObjectIdentifier, text: &str) -> String {
    let invisible = |c: &char| {
        (c.is_control() && !c.is_whitespace())
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let visible: String = text.chars().filter(|c| !invisible(c)).collect();
    let spaced = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let known = TYPES.iter().any(|(_, dotted)| ObjectIdentifier::new(dotted) == Ok(kind));
    // Of a type we do not know we do not know that case is of no interest.
    if known { spaced.to_lowercase() } else { spaced }
}

/// Splits at separators that are not escaped.
fn split(text: &str, separator: char) -> Result<Vec<&str>, NameError> {
    let (mut parts, mut start, mut escaped) = (vec![], 0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == separator => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    if escaped || parts.len() > PARTS_MAX { Err(NameError) } else { Ok(parts) }
}

/// RFC 4514 §2.4: a backslash in front of a special character, or of two hexadecimal digits.
fn unescaped(text: &str) -> Result<String, NameError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'\\', [special, after @ ..]) if b" \"#+,;<=>\\".contains(special) => {
                bytes.push(*special);
                rest = after;
            }
            (b'\\', [high, low, after @ ..]) => {
                let pair = [*high, *low];
                let pair = std::str::from_utf8(&pair).ok().and_then(unhex).ok_or(NameError)?;
                bytes.extend(pair);
                rest = after;
            }
            (b'\\' | b'"' | b';' | b'<' | b'>' | 0, _) => return Err(NameError),
            (plain, _) => bytes.push(*plain),
        }
    }
    String::from_utf8(bytes).map_err(|_| NameError)
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}
