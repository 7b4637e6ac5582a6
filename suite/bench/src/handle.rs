//! The floor's handles: the same bytes, tags and text as the server's, without its types.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::provider::MacKey;
use counterfoil_protocol::secret::same_bytes;

/// What a handle says (docs/reference/handles.md), bytes.
const SAID_LEN: usize = 40;
const SEAL_LEN: usize = 8;
const PROOF_LEN: usize = 16;
/// The thumbprint of a key or a certificate.
const BINDING_LEN: usize = 32;
const LEN: usize = SAID_LEN + SEAL_LEN + PROOF_LEN;
/// The text of the longest one.
const TEXT_LEN: usize = (LEN + BINDING_LEN).div_ceil(3) * 4;

/// Kinds and what their text starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Code,
    Access,
    Refresh,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "ac_",
            Self::Access => "at_",
            Self::Refresh => "rt_",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Code => 0x11,
            Self::Access => 0x12,
            Self::Refresh => 0x13,
        }
    }
}

/// What is believed once both tags have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) record: [u8; 16],
    pub(crate) generation: u32,
    pub(crate) serial: u64,
    pub(crate) expires: u64,
}

/// Sealed by us; the proof needs the salt of the record.
pub(crate) struct Sealed {
    pub(crate) facts: Facts,
    said: [u8; SAID_LEN],
    proof: [u8; PROOF_LEN],
}

fn said(kind: Kind, facts: &Facts) -> [u8; SAID_LEN] {
    let mut said = [0; SAID_LEN];
    said[0] = kind.number();
    said[1] = 1;
    said[2..18].copy_from_slice(&facts.record);
    said[18..22].copy_from_slice(&facts.generation.to_be_bytes());
    said[24..32].copy_from_slice(&facts.serial.to_be_bytes());
    said[32..40].copy_from_slice(&facts.expires.to_be_bytes());
    said
}

/// A handle as text.
pub(crate) fn mint(kind: Kind, facts: &Facts, salt: &[u8; 16], key: &MacKey) -> String {
    text(kind, &said(kind, facts), salt, key)
}

/// An access token that is bound to a key or a certificate.
pub(crate) fn bound(
    facts: &Facts,
    binding: &[u8; BINDING_LEN],
    salt: &[u8; 16],
    key: &MacKey,
) -> String {
    let mut bytes = [0; SAID_LEN + BINDING_LEN];
    bytes[..SAID_LEN].copy_from_slice(&said(Kind::Access, facts));
    bytes[SAID_LEN..].copy_from_slice(binding);
    text(Kind::Access, &bytes, salt, key)
}

fn text(kind: Kind, said: &[u8], salt: &[u8; 16], key: &MacKey) -> String {
    let mut bytes = [0; LEN + BINDING_LEN];
    let (sealed, end) = (said.len() + SEAL_LEN, said.len() + SEAL_LEN + PROOF_LEN);
    bytes[..said.len()].copy_from_slice(said);
    bytes[said.len()..sealed].copy_from_slice(&key.tag(&[b"seal", said])[..SEAL_LEN]);
    let proof = key.tag(&[b"proof", said, salt]);
    bytes[sealed..end].copy_from_slice(&proof[..PROOF_LEN]);
    let mut text = [0; TEXT_LEN];
    let body = Base64UrlUnpadded::encode(&bytes[..end], &mut text).unwrap_or_default();
    let mut out = String::with_capacity(3 + body.len());
    out.push_str(kind.prefix());
    out.push_str(body);
    out
}

/// The inverse, up to the proof.
pub(crate) fn open(kind: Kind, text: &str, key: &MacKey) -> Option<Sealed> {
    let mut bytes = [0; LEN];
    let body = text.strip_prefix(kind.prefix())?;
    let decoded = Base64UrlUnpadded::decode(body, &mut bytes).ok()?;
    let bytes: [u8; LEN] = decoded.try_into().ok()?;
    let said: [u8; SAID_LEN] = bytes[..SAID_LEN].try_into().ok()?;
    let seal = &bytes[SAID_LEN..SAID_LEN + SEAL_LEN];
    if said[0] != kind.number() || !same_bytes(&key.tag(&[b"seal", &said])[..SEAL_LEN], seal) {
        return None;
    }
    let facts = Facts {
        record: said[2..18].try_into().ok()?,
        generation: u32::from_be_bytes(said[18..22].try_into().ok()?),
        serial: u64::from_be_bytes(said[24..32].try_into().ok()?),
        expires: u64::from_be_bytes(said[32..40].try_into().ok()?),
    };
    Some(Sealed { facts, said, proof: bytes[SAID_LEN + SEAL_LEN..].try_into().ok()? })
}

impl Sealed {
    /// Whether it was made for the record with this salt.
    pub(crate) fn is_of(&self, salt: &[u8; 16], key: &MacKey) -> bool {
        let proof = key.tag(&[b"proof", &self.said, salt]);
        same_bytes(&proof[..PROOF_LEN], &self.proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_opens_and_is_proven_and_nothing_else_is() {
        let key = MacKey::new(&[7; 32]);
        let facts = Facts { record: [1; 16], generation: 3, serial: 4, expires: 5 };
        let text = mint(Kind::Access, &facts, &[9; 16], &key);
        assert_eq!(text.len(), 89);
        let sealed = open(Kind::Access, &text, &key).unwrap();
        assert_eq!(sealed.facts, facts);
        assert!(sealed.is_of(&[9; 16], &key) && !sealed.is_of(&[8; 16], &key));
        assert!(open(Kind::Refresh, &text, &key).is_none());
        assert!(open(Kind::Access, &text, &MacKey::new(&[8; 32])).is_none());
    }
}
