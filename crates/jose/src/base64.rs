//! Strict base64: one spelling per value (RFC 4648 §3.5, RFC 7515 §2).

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};

/// base64url without padding.
pub(crate) fn url_decode(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}

pub(crate) fn url_encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The other alphabet, with padding: HTTP signatures and digests.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_spelling() {
        assert_eq!(url_decode("AQ"), Some(vec![1]));
        for other in ["AR", "AQ==", "AQ=", "A", "A Q", "AQ\n", "+w", "/w"] {
            assert_eq!(url_decode(other), None, "{other}");
        }
        assert_eq!(decode("AQ=="), Some(vec![1]));
        for other in ["AR==", "AQ", "AQ=", "-w==", "AQ==\n"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }
}
