//! The name of one request: a UUID v4 on the wire and in logs, nine characters for people.

use std::fmt;

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

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = counterfoil_protocol::ids::hex(&self.0);
        let (a, b, c) = (&hex[..8], &hex[8..12], &hex[12..16]);
        write!(f, "{a}-{b}-{c}-{}-{}", &hex[16..20], &hex[20..])
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
    }
}
