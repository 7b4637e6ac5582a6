//! Identifiers. Every one is parsed at the edge; nothing inside takes a bare `String` for one.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Why a value off the wire could not become a domain value: the field, never the value itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {}", self.0)
    }
}

impl std::error::Error for Malformed {}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident($text:ty), max = $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(#[serde(deserialize_with = "crate::text::read")] $text);

        impl $name {
            /// Parses the text of the wire; refuses what is empty, too long or outside the alphabet.
            ///
            /// # Errors
            /// [`Malformed`] names the field.
            pub fn parse(raw: &str) -> Result<Self, Malformed> {
                let allowed: fn(u8) -> bool = $allowed;
                let fits = !raw.is_empty() && raw.len() <= $max && raw.bytes().all(allowed);
                fits.then(|| Self(raw.into())).ok_or(Malformed(stringify!($name)))
            }

            /// The text as it was parsed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// RFC 6749 appendix A: VSCHAR.
fn visible(b: u8) -> bool {
    (0x20..0x7f).contains(&b)
}

/// Safe in a path segment and in a file name.
fn segment(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')
}

text_id!(
    /// A client of this server (RFC 6749 §2.2). Shared, as is what else a grant holds: it is copied at
    /// every request, and changed by none.
    ClientId(Arc<str>), max = 255, visible
);
text_id!(
    /// A customer of the bank, as the bank knows it. Never leaves the server as such.
    SubjectId(Arc<str>), max = 255, visible
);
text_id!(
    /// What a customer types to sign in.
    Login(Box<str>), max = 255, |b| b >= 0x20 && b != 0x7f
);
text_id!(
    /// One issuer: its clients, keys, customers and consents. Also its path segment. Shared: it is part
    /// of every key.
    TenantId(Arc<str>), max = 64, segment
);
text_id!(
    /// The identifier of a signing key, as JWS headers carry it (RFC 7515 §4.1.4).
    Kid(Box<str>), max = 128, visible
);
text_id!(
    /// An account of a customer, as the bank names it towards resource servers.
    AccountId(Arc<str>), max = 128, segment
);

macro_rules! record_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Ordered by time, because the order of keys decides the store's throughput: 6 bytes of
            /// milliseconds, 2 of shard (0), 8 of `random`. Not a secret; that no record of this id
            /// exists yet is guarded at the commit.
            #[must_use]
            pub fn mint(now: Moment, random: [u8; 32]) -> Self {
                let mut id = [0; 16];
                // The clock has whole seconds; ten random bits keep neighbours apart and in order.
                let spread = u64::from(u16::from_be_bytes([random[8], random[9]])) % 1000;
                let millis = now.0.saturating_mul(1000).saturating_add(spread);
                id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
                id[8..].copy_from_slice(&random[..8]);
                Self(id)
            }

            /// 32 lower-case hexadecimal digits.
            #[must_use]
            pub fn to_hex(self) -> String {
                hex(&self.0)
            }

            /// The inverse of [`Self::to_hex`]; only lower case.
            ///
            /// # Errors
            /// [`Malformed`] for any other text.
            pub fn parse_hex(raw: &str) -> Result<Self, Malformed> {
                unhex(raw).map(Self).ok_or(Malformed(stringify!($name)))
            }
        }
    };
}

record_id!(
    /// One authorization: code, refresh chain and access tokens live and die together.
    GrantId
);
record_id!(
    /// What one customer allowed one client, whatever grants hang from it.
    ConsentId
);
record_id!(
    /// An authorization in progress.
    InteractionId
);
record_id!(
    /// A login of a customer in a browser.
    SessionId
);
record_id!(
    /// A pushed authorization request (RFC 9126).
    PushedId
);
record_id!(
    /// Something a client must still be told.
    DeliveryId
);

/// Lower-case hexadecimal text of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Vec::with_capacity(2 * bytes.len());
    for b in bytes {
        text.extend([DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    }
    // Digits are ASCII.
    String::from_utf8(text).unwrap_or_default()
}

fn unhex(raw: &str) -> Option<[u8; 16]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let raw: &[u8; 32] = raw.as_bytes().try_into().ok()?;
    let mut out = [0; 16];
    for (byte, pair) in out.iter_mut().zip(raw.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_id_has_one_spelling() {
        let id = GrantId::mint(Moment(1_790_000_000), [7; 32]);
        assert_eq!(GrantId::parse_hex(&id.to_hex()), Ok(id));
        assert!(GrantId::parse_hex(&id.to_hex().to_uppercase()).is_err());
        assert!(GrantId::parse_hex("00").is_err());
    }

    #[test]
    fn record_ids_sort_by_time() {
        let (early, late) = (Moment(1_790_000_000), Moment(1_790_000_001));
        assert!(GrantId::mint(early, [0xff; 32]) < GrantId::mint(late, [0; 32]));
    }

    #[test]
    fn an_id_refuses_what_a_header_could_not_carry() {
        assert!(ClientId::parse("").is_err());
        assert!(ClientId::parse("a\nb").is_err());
        assert!(ClientId::parse(&"a".repeat(256)).is_err());
        assert!(TenantId::parse("../etc").is_err());
    }
}
