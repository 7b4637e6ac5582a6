//! The name of one request: a UUID v4 on the wire and in logs, nine characters for people.

use std::fmt::{self, Write as _};

/// What `X-Request-Id` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// From random bytes (RFC 9562 §5.4).
    #[must_use]
    pub fn new(mut random: [u8; 16]) -> Self {
        random[6] = (random[6] & 0x0f) | 0x40;
        random[8] = (random[8] & 0x3f) | 0x80;
        Self(random)
    }

    /// As the audit trail keeps it.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// What a person reads out to the support, such as `7H2K-9QXD`: the first 40 bits, in letters
    /// and digits that cannot be mistaken for each other.
    #[must_use]
    pub fn reference(self) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let [a, b, c, d, e, ..] = self.0;
        let bits = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
        let digit = |n: u32| char::from(DIGITS[usize::try_from(bits >> (5 * n) & 31).unwrap_or(0)]);
        let mut out: String = (4..8).rev().map(digit).collect();
        out.push('-');
        out.extend((0..4).rev().map(digit));
        out
    }
}

impl RequestId {
    /// What `X-Request-Id` says, as ASCII: every answer has one, so it is written without detours.
    #[must_use]
    pub fn text(self) -> [u8; 36] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (n, byte) in self.0.into_iter().enumerate() {
            // A dash before bytes 4, 6, 8 and 10.
            at += usize::from(matches!(n, 4 | 6 | 8 | 10));
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 15)];
            at += 2;
        }
        text
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().into_iter().try_for_each(|byte| f.write_char(char::from(byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_uuid_and_has_a_short_name() {
        let id = RequestId::new([0xff; 16]);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(id.reference(), "ZZZZ-ZZZZ");
        assert_eq!(RequestId::new([0; 16]).reference(), "0000-0000");
        let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(RequestId::new(bytes).to_string(), "01234567-89ab-4def-8001-020304050607");
    }
}
