//! Proofs of possession (DPoP, RFC 9449 §4): a JWT that carries its own key and names one request.

use std::fmt;

use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::ProofFault;
use serde_json::{Map, Value};

use crate::alg::Alg;
use crate::base64;
use crate::json::{self, WrongType};
use crate::jwk::Jwk;
use crate::jws::{Compact, JwsFault};
use crate::key::VerifyingKey;
use crate::provider::{self, MacKey};
use crate::thumbprint::jwk_thumbprint;

/// Real ones have less than one kilobyte, with an RSA key two.
pub const PROOF_LEN_MAX: usize = 8 * 1024;
/// `jti` is remembered by us as a digest; longer ones are no ids.
const ID_LEN_MAX: usize = 255;
/// Longest `htu` that is looked at.
const ADDRESS_LEN_MAX: usize = 2_048;
const TYPE: &str = "dpop+jwt";

/// What differs between surfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The algorithms of proofs.
    pub algs: &'static [Alg],
    /// How old `iat` may be: the way to us, and clocks that differ.
    pub age_max_s: u64,
    /// How far ahead it may lie.
    pub ahead_max_s: u64,
}

/// FAPI 2.0 Security Profile §5.3.2.1 and §5.4: ten seconds must be taken either way, more than a
/// minute ahead must not.
pub static FAPI2: Profile =
    Profile { algs: &[Alg::PS256, Alg::ES256, Alg::EdDSA], age_max_s: 60, ahead_max_s: 60 };

/// RFC 9449 §4.3: any digital signature that the server supports.
pub static RFC9449: Profile = Profile {
    algs: &[Alg::RS256, Alg::PS256, Alg::ES256, Alg::ES384, Alg::ES512, Alg::EdDSA],
    age_max_s: 60,
    ahead_max_s: 60,
};

/// By what a proof counts as recent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// By its `iat`.
    Issued,
    /// By a nonce of ours that counts until then; its sender's clock is of no interest
    /// (RFC 9449 §11.1).
    Nonce(Moment),
}

/// What a proof must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The addresses of the endpoint, all spellings that are its own.
    pub addresses: &'a [&'a str],
    /// The access token that comes with it, at resources.
    pub token: Option<&'a str>,
    /// The rules.
    pub profile: &'static Profile,
    /// By what it must be recent.
    pub fresh: Fresh,
}

/// A proof of the right form. All it says is the sender's claim.
pub struct Received {
    message: Compact,
    jwk: Jwk,
    id: String,
    method: String,
    address: String,
    issued: Moment,
    nonce: Option<String>,
    token_hash: Option<String>,
}

impl Received {
    /// Reads the form; nothing is verified.
    ///
    /// # Errors
    /// Not a proof, an algorithm that is none of ours, no key or a private one, a claim that is
    /// missing.
    pub fn parse(raw: &str) -> Result<Self, ProofFault> {
        let message = Compact::parse_with_jwk(raw, PROOF_LEN_MAX).map_err(fault)?;
        // RFC 9449 §4.2: so that no other JWT of the client passes for a proof.
        if message.header().typ.as_deref() != Some(TYPE) {
            return Err(ProofFault::Type);
        }
        let jwk = message.header().jwk.clone().ok_or(ProofFault::KeyMissing)?;
        let members = json::object(message.unverified_payload()).ok_or(ProofFault::Malformed)?;
        let id = text(&members, "jti")?.ok_or(ProofFault::IdMissing)?;
        if !(1..=ID_LEN_MAX).contains(&id.len()) {
            return Err(ProofFault::IdMissing);
        }
        let issued = json::date(&members, "iat").map_err(|WrongType| ProofFault::Malformed)?;
        Ok(Self {
            method: text(&members, "htm")?.ok_or(ProofFault::Method)?,
            address: text(&members, "htu")?.ok_or(ProofFault::Address)?,
            issued: issued.ok_or(ProofFault::Issued)?,
            nonce: text(&members, "nonce")?,
            token_hash: text(&members, "ath")?,
            message,
            jwk,
            id,
        })
    }

    /// The claimed nonce.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// Checks everything but the single use of `jti`, which is a write. Cheap checks come first.
    ///
    /// # Errors
    /// The first fault.
    pub fn verify(&self, expected: &Expected<'_>, now: Moment) -> Result<Verified, ProofFault> {
        let Expected { method, addresses, token, profile, fresh } = *expected;
        if !profile.algs.contains(&self.message.header().alg) {
            return Err(ProofFault::Algorithm);
        }
        if self.method != method {
            return Err(ProofFault::Method);
        }
        let sent = canonical(&self.address).ok_or(ProofFault::Address)?;
        if !addresses.iter().any(|ours| canonical(ours).is_some_and(|ours| ours == sent)) {
            return Err(ProofFault::Address);
        }
        let until = match fresh {
            Fresh::Nonce(until) => until,
            Fresh::Issued => self.recent(profile, now)?,
        };
        if token.is_some_and(|token| self.token_hash.as_deref() != Some(&*token_hash(token))) {
            return Err(ProofFault::TokenHash);
        }
        let key = VerifyingKey::from_jwk(&self.jwk).map_err(|_| ProofFault::Key)?;
        let thumbprint = jwk_thumbprint(&self.jwk).ok_or(ProofFault::Key)?;
        self.message.verify(&key, profile.algs).map_err(fault)?;
        let parts: [&[u8]; 3] = [b"dpop\0", &thumbprint, self.id.as_bytes()];
        let mut id = [0; 16];
        id.copy_from_slice(&provider::sha256_of(&parts)[..16]);
        Ok(Verified { thumbprint, id, until })
    }

    /// RFC 9449 §11.1. Answers from when on it is too old, whatever the clock said when it came: a
    /// proof dated ahead counts for longer, and so must its single use.
    fn recent(&self, profile: &Profile, now: Moment) -> Result<Moment, ProofFault> {
        let until = self.issued.after(profile.age_max_s + 1);
        let fits = self.issued <= now.after(profile.ahead_max_s) && now < until;
        fits.then_some(until).ok_or(ProofFault::Issued)
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof({:?})", self.message)
    }
}

/// Its sender holds the key. Only [`Received::verify`] makes one.
///
/// ```compile_fail,E0639
/// use counterfoil_jose::dpop::Verified;
/// use counterfoil_protocol::moment::Moment;
/// let forged = Verified { thumbprint: [0; 32], id: [0; 16], until: Moment(1) };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive] // no constructor outside this crate
pub struct Verified {
    /// `jkt`: the thumbprint of the key (RFC 9449 §6).
    pub thumbprint: [u8; 32],
    /// Names the proof among those of its key: for single use.
    pub id: [u8; 16],
    /// From this moment on nobody takes it any more, so its id can be forgotten.
    pub until: Moment,
}

/// `ath`: the hash of an access token (RFC 9449 §4.2).
#[must_use]
pub fn token_hash(token: &str) -> String {
    base64::url_encode(&provider::sha256(token.as_bytes()))
}

/// `jkt` off the wire: a SHA-256 thumbprint in base64url.
#[must_use]
pub fn thumbprint_of(text: &str) -> Option<[u8; 32]> {
    base64::url_decode(text)?.try_into().ok()
}

/// `jkt` and `x5t#S256` as text.
#[must_use]
pub fn thumbprint_text(thumbprint: &[u8; 32]) -> String {
    base64::url_encode(thumbprint)
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, ProofFault> {
    json::text(members, name).map_err(|WrongType| ProofFault::Malformed)
}

fn fault(fault: JwsFault) -> ProofFault {
    match fault {
        JwsFault::Algorithm => ProofFault::Algorithm,
        JwsFault::Signature => ProofFault::Signature,
        JwsFault::Key => ProofFault::Key,
        JwsFault::Type => ProofFault::Type,
        JwsFault::TooLong
        | JwsFault::Malformed
        | JwsFault::Critical
        | JwsFault::KeyEmbedded
        | JwsFault::KeyUnknown => ProofFault::Malformed,
    }
}

/// An address without query and fragment, scheme and host in lower case, the default port left out
/// (RFC 9449 §4.3 item 9, RFC 3986 §6.2.2 and §6.2.3). `None` for what is no address of a request.
fn canonical(address: &str) -> Option<String> {
    let plain = address.len() <= ADDRESS_LEN_MAX && address.bytes().all(|b| b.is_ascii_graphic());
    if !plain || address.contains('\\') {
        return None;
    }
    let address = address.split(['?', '#']).next()?;
    let (scheme, rest) = address.split_once("://")?;
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let default = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = authority.strip_suffix(default).or(authority.strip_suffix(':'));
    let host = host.unwrap_or(&authority);
    (!host.is_empty() && !host.contains('@')).then(|| format!("{scheme}://{host}{path}"))
}

/// Nonces of ours without any state (RFC 9449 §8): a step of time and its MAC. They hold on every
/// node that has the key, and across restarts.
#[derive(Debug)]
pub struct Nonces(MacKey);

/// A nonce is good for its step and the ones after it, four to five minutes.
const STEP_S: u64 = 60;
const STEPS: u64 = 5;
const STEP_LEN: usize = 8;
const TAG_LEN: usize = 16;

impl Nonces {
    /// `key` is used for nothing else.
    #[must_use]
    pub fn new(key: MacKey) -> Self {
        Self(key)
    }

    /// The nonce of this moment: the same within one step.
    #[must_use]
    pub fn current(&self, now: Moment) -> String {
        self.of(now.0 / STEP_S)
    }

    /// Until when `nonce` counts; `None` when it is not ours, or too old.
    #[must_use]
    pub fn until(&self, nonce: &str, now: Moment) -> Option<Moment> {
        let bytes = base64::url_decode(nonce)?;
        let step = u64::from_be_bytes(bytes.get(..STEP_LEN)?.try_into().ok()?);
        let current = now.0 / STEP_S;
        // One step ahead: the clock of the node that made it.
        if step > current + 1 || current >= step.saturating_add(STEPS) {
            return None;
        }
        let same =
            counterfoil_protocol::secret::same_bytes(self.of(step).as_bytes(), nonce.as_bytes());
        same.then(|| Moment((step + STEPS).saturating_mul(STEP_S)))
    }

    fn of(&self, step: u64) -> String {
        let step = step.to_be_bytes();
        let tag = self.0.tag(&[b"dpop nonce\0", &step]);
        base64::url_encode(&[&step, &tag[..TAG_LEN]].concat())
    }
}
