//! Handles: every opaque credential we issue, as a statement about a record and two tags.
//!
//! `<kind>_` + base64url of what it says (40 bytes, 72 if bound to a key), the seal (8) and the
//! proof (16). The *seal* needs a server key only: garbage and forgeries are refused before any
//! read. The *proof* needs the key and the record's salt, which never leaves the store: neither a
//! leaked key nor a leaked store is enough to make one. Nothing in a handle is confidential.

use std::fmt;
use std::marker::PhantomData;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::provider::MacKey;
use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::secret::{Digest, Secret, same_bytes};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::ctx::Entropy;
use crate::sender::Binding;

/// What a handle opens: a type, so that a code can never be spent as a token, and a number below 16,
/// so that both tags cover it.
pub trait Kind: fmt::Debug {
    /// What the text starts with.
    const PREFIX: &'static str;
    /// What stands in the first byte.
    const NUMBER: u8;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl Kind for $name {
            const PREFIX: &'static str = $prefix;
            const NUMBER: u8 = $number;
        }
    )*};
}
kinds! {
    /// An authorization code.
    Code = 1, "ac_";
    /// An access token.
    Access = 2, "at_";
    /// A refresh token.
    Refresh = 3, "rt_";
    /// A pushed authorization request.
    RequestUri = 4, "ru_";
    /// What a client manages its own registration with.
    Registration = 7, "rg_";
    /// A login session.
    Session = 8, "se_";
}

/// How often a chain has moved on. At one step a second it lasts 136 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation(pub u32);

impl Generation {
    /// Where every chain starts.
    pub const FIRST: Self = Self(1);
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Names one narrowed view of a grant; never reused within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ViewId(pub u16);

impl ViewId {
    /// The grant as it was given, unnarrowed.
    pub const WHOLE: Self = Self(0);
}

/// Tells the access tokens of one generation apart, so that one of them can be revoked. Generations
/// cannot: a refresh that writes nothing cannot count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Serial(pub u64);

impl Serial {
    /// For kinds of which there is one at a time.
    pub const NONE: Self = Self(0);
    /// A random one.
    pub fn mint(entropy: &mut dyn Entropy) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = entropy.bytes32();
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// Which handle key made the tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(pub u8);

/// What a handle says. Everything in it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The key of both tags.
    pub key: KeyId,
    /// The record it hangs from: a grant, a session.
    pub record: [u8; 16],
    /// The step of its chain.
    pub generation: Generation,
    /// Which part of the grant.
    pub view: ViewId,
    /// Which of its siblings.
    pub serial: Serial,
    /// When it ends.
    pub expires: Moment,
    /// The certificate or key the token is bound to (RFC 8705 §3, RFC 9449 §6). Here and not in the
    /// store, because a client may come with a new key at every refresh.
    pub binding: Option<Binding>,
}

/// The first byte of a handle: the layout in the upper half, the kind in the lower.
const UNBOUND: u8 = 0x10;
const BY_KEY: u8 = 0x20;
const BY_CERTIFICATE: u8 = 0x30;
const FACTS_LEN: usize = 40;
const BINDING_LEN: usize = 32;
const SEAL_LEN: usize = 8;
const PROOF_LEN: usize = 16;
const HANDLE_LEN_MAX: usize = FACTS_LEN + BINDING_LEN + SEAL_LEN + PROOF_LEN;

/// What a handle says, as bytes.
struct Said {
    bytes: [u8; FACTS_LEN + BINDING_LEN],
    len: usize,
}

impl Said {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Facts {
    fn encode(&self, kind: u8) -> Said {
        let mut bytes = [0; FACTS_LEN + BINDING_LEN];
        let layout = match self.binding {
            None => UNBOUND,
            Some(Binding::Key(_)) => BY_KEY,
            Some(Binding::Certificate(_)) => BY_CERTIFICATE,
        };
        bytes[0] = layout | kind;
        bytes[1] = self.key.0;
        bytes[2..18].copy_from_slice(&self.record);
        bytes[18..22].copy_from_slice(&self.generation.0.to_be_bytes());
        bytes[22..24].copy_from_slice(&self.view.0.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.serial.0.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.expires.0.to_be_bytes());
        let Some(binding) = &self.binding else { return Said { bytes, len: FACTS_LEN } };
        bytes[FACTS_LEN..].copy_from_slice(binding.digest().bytes());
        Said { bytes, len: FACTS_LEN + BINDING_LEN }
    }

    fn decode(said: &[u8], kind: u8) -> Option<Self> {
        let (fixed, rest) = said.split_first_chunk::<FACTS_LEN>()?;
        let binding = match rest.len() {
            0 if fixed[0] == UNBOUND | kind => None,
            BINDING_LEN => {
                let digest = Digest::known(rest.try_into().ok()?);
                match fixed[0] {
                    first if first == BY_KEY | kind => Some(Binding::Key(digest)),
                    first if first == BY_CERTIFICATE | kind => Some(Binding::Certificate(digest)),
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(Self {
            key: KeyId(fixed[1]),
            record: fixed[2..18].try_into().ok()?,
            generation: Generation(u32::from_be_bytes(fixed[18..22].try_into().ok()?)),
            view: ViewId(u16::from_be_bytes(fixed[22..24].try_into().ok()?)),
            serial: Serial(u64::from_be_bytes(fixed[24..32].try_into().ok()?)),
            expires: Moment(u64::from_be_bytes(fixed[32..40].try_into().ok()?)),
            binding,
        })
    }
}

/// Sixteen random bytes of a record. In the store and in the engine; never in a handle, a log, a key
/// file or an answer.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salt([u8; 16]);

impl Salt {
    /// A new one.
    pub fn mint(entropy: &mut dyn Entropy) -> Self {
        let mut salt = [0; 16];
        salt.copy_from_slice(&entropy.bytes32()[..16]);
        Self(salt)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt([redacted])")
    }
}

/// One server key. Lives in a key file or a KMS, never in the store and never in its backups.
#[derive(Debug)]
pub struct HandleKey {
    /// Its number in the handles it made.
    pub id: KeyId,
    /// 32 random bytes.
    pub secret: Secret,
}

/// The handle keys of this server. The first mints; the others only verify, until the last handle
/// minted under them has expired.
#[derive(Debug)]
pub struct Keyring {
    active: HandleKey,
    retiring: Vec<HandleKey>,
}

impl Keyring {
    /// `retiring` are the keys that still verify, `next` ones included.
    #[must_use]
    pub fn new(active: HandleKey, retiring: Vec<HandleKey>) -> Self {
        Self { active, retiring }
    }

    /// The keys of one tenant: a handle of one tenant does not open at another.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> TenantRing {
        let derive = |key: &HandleKey| {
            let parts: [&[u8]; 2] = [b"counterfoil handle 1", tenant.as_str().as_bytes()];
            let secret = Zeroizing::new(MacKey::new(key.secret.expose()).tag(&parts));
            (key.id, MacKey::new(secret.as_slice()))
        };
        let keys = std::iter::once(&self.active).chain(&self.retiring).map(derive).collect();
        TenantRing { active: self.active.id, keys }
    }
}

/// The handle keys of one tenant, ready for use.
pub struct TenantRing {
    active: KeyId,
    keys: Vec<(KeyId, MacKey)>,
}

impl fmt::Debug for TenantRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|(id, _)| id.0).collect();
        write!(f, "TenantRing({ids:?}, active {})", self.active.0)
    }
}

impl TenantRing {
    /// The key that mints.
    #[must_use]
    pub fn active(&self) -> KeyId {
        self.active
    }

    fn tag(&self, id: KeyId, label: &[u8], facts: &[u8], salt: &[u8]) -> Option<[u8; 32]> {
        let (_, key) = self.keys.iter().find(|(known, _)| *known == id)?;
        Some(key.tag(&[label, facts, salt]))
    }

    fn seal(&self, id: KeyId, facts: &[u8]) -> Option<[u8; SEAL_LEN]> {
        self.tag(id, b"seal", facts, &[])?[..SEAL_LEN].try_into().ok()
    }

    fn proof(&self, id: KeyId, facts: &[u8], salt: &Salt) -> Option<[u8; PROOF_LEN]> {
        self.tag(id, b"proof", facts, &salt.0)?[..PROOF_LEN].try_into().ok()
    }
}

/// Off the wire with its seal intact: worth a read. It can name its record and nothing else may be
/// believed yet.
///
/// ```compile_fail
/// use counterfoil_engine::handle::{Code, Refresh, Sealed};
/// fn spend(_: Sealed<Refresh>) {}
/// fn confuse(code: Sealed<Code>) { spend(code) } // a code is not a refresh token
/// ```
pub struct Sealed<K: Kind> {
    facts: Facts,
    proof: [u8; PROOF_LEN],
    kind: PhantomData<K>,
}

impl<K: Kind> fmt::Debug for Sealed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", K::PREFIX, self.facts)
    }
}

impl<K: Kind> Sealed<K> {
    /// `None` for garbage, typing errors, other kinds, other tenants, keys that are gone.
    #[must_use]
    pub fn open(raw: &str, keys: &TenantRing) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; HANDLE_LEN_MAX]);
        let body = raw.strip_prefix(K::PREFIX)?;
        // Strict: no padding, no stray bits, so a handle has one spelling.
        let decoded = Base64UrlUnpadded::decode(body, bytes.as_mut_slice()).ok()?;
        let (sealed, proof) = decoded.split_last_chunk::<PROOF_LEN>()?;
        let (said, seal) = sealed.split_last_chunk::<SEAL_LEN>()?;
        let facts = Facts::decode(said, K::NUMBER)?;
        let intact = same_bytes(&keys.seal(facts.key, said)?, seal);
        intact.then_some(Self { facts, proof: *proof, kind: PhantomData })
    }

    /// The id of the record it hangs from.
    #[must_use]
    pub fn record(&self) -> [u8; 16] {
        self.facts.record
    }

    /// Known before the read, so an expired access token costs none.
    #[must_use]
    pub fn expires(&self) -> Moment {
        self.facts.expires
    }

    /// `None` although the seal was intact: somebody holds a server key. Raise the alarm.
    #[must_use]
    pub fn prove(&self, salt: &Salt, keys: &TenantRing) -> Option<Proven<K>> {
        let said = self.facts.encode(K::NUMBER);
        let proof = keys.proof(self.facts.key, said.as_slice(), salt)?;
        let ours = same_bytes(&proof, &self.proof);
        ours.then_some(Proven { facts: self.facts, kind: PhantomData })
    }
}

/// Minted by us for this very record. The only thing a decision may look into.
///
/// ```compile_fail
/// use counterfoil_engine::handle::{Facts, Proven, Refresh};
/// fn forge(facts: Facts) -> Proven<Refresh> { Proven { facts, kind: std::marker::PhantomData } }
/// ```
#[derive(Debug)]
pub struct Proven<K: Kind> {
    facts: Facts,
    kind: PhantomData<K>,
}

impl<K: Kind> Proven<K> {
    /// What it says, which is true.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl Proven<Access> {
    /// The same statement, signed instead of MACed: a JWT access token whose signature verified.
    pub(crate) fn by_signature(facts: Facts) -> Self {
        Self { facts, kind: PhantomData }
    }
}

/// On its way out. A function of the facts, the salt and the key: minting the same facts again gives
/// the same text, which is what makes a retry safe without remembering any answer.
pub struct Minted<K: Kind> {
    facts: Facts,
    wire: Zeroizing<String>,
    kind: PhantomData<K>,
}

impl<K: Kind> Minted<K> {
    /// `None` only if the key named in the facts has been dropped from the ring.
    #[must_use]
    pub fn mint(facts: Facts, salt: &Salt, keys: &TenantRing) -> Option<Self> {
        let said = facts.encode(K::NUMBER);
        let said = said.as_slice();
        let (seal, proof) = (keys.seal(facts.key, said)?, keys.proof(facts.key, said, salt)?);
        let mut bytes = Zeroizing::new([0; HANDLE_LEN_MAX]);
        let len = said.len() + SEAL_LEN + PROOF_LEN;
        bytes[..said.len()].copy_from_slice(said);
        bytes[said.len()..said.len() + SEAL_LEN].copy_from_slice(&seal);
        bytes[said.len() + SEAL_LEN..len].copy_from_slice(&proof);
        // Written where it stays: a copy in between would have to be wiped too.
        let prefix = K::PREFIX.as_bytes();
        let mut text = vec![0; prefix.len() + Base64UrlUnpadded::encoded_len(&bytes[..len])];
        let (before, body) = text.split_at_mut(prefix.len());
        before.copy_from_slice(prefix);
        Base64UrlUnpadded::encode(&bytes[..len], body).ok()?;
        let wire = Zeroizing::new(String::from_utf8(text).ok()?);
        Some(Self { facts, wire, kind: PhantomData })
    }

    /// What it says.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The value leaves the process here and in [`Self::into_wire`], and nowhere else.
    #[must_use]
    pub fn to_wire(&self) -> &str {
        &self.wire
    }

    /// The same, without a copy that would have to be wiped too.
    #[must_use]
    pub fn into_wire(self) -> Zeroizing<String> {
        self.wire
    }
}

impl<K: Kind> fmt::Debug for Minted<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", K::PREFIX, self.facts)
    }
}
