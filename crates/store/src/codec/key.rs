//! Keys as bytes, so that the order of bytes is the order wanted: by tenant, then by id. Ids that
//! start with time keep inserts together; replay ids start with the minute even before the tenant,
//! so all tenants share one hot range and a minute is dropped as one range.

use counterfoil_engine::store::{ClaimKind, Key, Query, ReplayId};
use counterfoil_protocol::ids::{
    ClientId, ConsentId, DeliveryId, GrantId, InteractionId, Kid, PushedId, SessionId, SubjectId,
    TenantId,
};

use super::Damaged;
use crate::kind::Kind;

/// Between a tenant and an id. No tenant contains it, so no tenant is the beginning of another.
const END: u8 = 0;

/// The bytes of a key. Its kind is known from the table.
#[must_use]
pub fn encode(key: &Key) -> Vec<u8> {
    match key {
        Key::Tenant(tenant) | Key::KeySet(tenant) => bytes(&[], tenant, &[]),
        Key::Client(tenant, id) => bytes(&[], tenant, id.as_str().as_bytes()),
        Key::Subject(tenant, id) => bytes(&[], tenant, id.as_str().as_bytes()),
        Key::SigningKey(tenant, id) => bytes(&[], tenant, id.as_str().as_bytes()),
        Key::Customer(tenant, id) => bytes(&[], tenant, id.as_bytes()),
        Key::Claim(tenant, kind, name) => {
            [&bytes(&[], tenant, &[claim(*kind)]), name.as_bytes()].concat()
        }
        Key::Grant(tenant, id) => bytes(&[], tenant, &id.0),
        Key::Consent(tenant, id) => bytes(&[], tenant, &id.0),
        Key::Interaction(tenant, id) => bytes(&[], tenant, &id.0),
        Key::Session(tenant, id) => bytes(&[], tenant, &id.0),
        Key::Pushed(tenant, id) => bytes(&[], tenant, &id.0),
        Key::Delivery(tenant, id) => bytes(&[], tenant, &id.0),
        Key::Replay(tenant, id) => bytes(&id.minute.to_be_bytes(), tenant, &id.digest),
    }
}

/// The inverse of [`encode`].
///
/// # Errors
/// [`Damaged`] for what [`encode`] does not make.
pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Key, Damaged> {
    parse(kind, bytes).ok_or(Damaged { what: "key", version: None })
}

/// The first bytes of the replay ids of `minute` and later.
#[must_use]
pub fn from_minute(minute: u64) -> [u8; 8] {
    minute.to_be_bytes()
}

/// Where the answer to a query stands: a kind, and the keys between two bounds that are no keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The table.
    pub kind: Kind,
    /// Below the first key.
    pub above: Vec<u8>,
    /// Above the last key.
    pub below: Vec<u8>,
}

impl Range {
    /// `after` is the last key of the part before. A key of another list ends the list, rather than
    /// starting it again for ever.
    #[must_use]
    pub fn of(query: &Query, after: Option<&Key>) -> Option<Self> {
        let (kind, tenant) = match query {
            Query::Tenants => (Kind::Tenant, None),
            Query::Clients(tenant) => (Kind::Client, Some(tenant)),
            Query::Subjects(tenant) => (Kind::Subject, Some(tenant)),
            Query::Consents(tenant) => (Kind::Consent, Some(tenant)),
            Query::Deliveries(tenant) => (Kind::Delivery, Some(tenant)),
        };
        let (mut above, below) = match tenant {
            Some(tenant) => {
                let name = tenant.as_str().as_bytes();
                ([name, &[END]].concat(), [name, &[END + 1]].concat())
            }
            // Tenants are ASCII.
            None => (vec![], vec![0x80]),
        };
        if let Some(after) = after {
            let fits = Kind::of(after) == kind && tenant.is_none_or(|t| t == after.tenant());
            above = fits.then(|| encode(after))?;
        }
        Some(Self { kind, above, below })
    }
}

const CLAIMS: [ClaimKind; 2] = [ClaimKind::Login, ClaimKind::AssertionSubject];

/// Stands in keys: a number is never used for another kind.
const fn claim(kind: ClaimKind) -> u8 {
    match kind {
        ClaimKind::Login => 1,
        ClaimKind::AssertionSubject => 2,
    }
}

fn bytes(before: &[u8], tenant: &TenantId, id: &[u8]) -> Vec<u8> {
    [before, tenant.as_str().as_bytes(), &[END], id].concat()
}

fn parse(kind: Kind, bytes: &[u8]) -> Option<Key> {
    let (minute, bytes) = match kind {
        Kind::Replay => {
            bytes.split_first_chunk().map(|(m, rest)| (u64::from_be_bytes(*m), rest))?
        }
        Kind::Tenant
        | Kind::Client
        | Kind::Grant
        | Kind::Consent
        | Kind::Subject
        | Kind::Interaction
        | Kind::Session
        | Kind::SigningKey
        | Kind::KeySet
        | Kind::Claim
        | Kind::Customer
        | Kind::Pushed
        | Kind::Delivery => (0, bytes),
    };
    let end = bytes.iter().position(|b| *b == END)?;
    let (tenant, id) = (text(&bytes[..end])?, &bytes[end + 1..]);
    let tenant = TenantId::parse(tenant).ok()?;
    Some(match kind {
        Kind::Tenant => id.is_empty().then_some(Key::Tenant(tenant))?,
        Kind::KeySet => id.is_empty().then_some(Key::KeySet(tenant))?,
        Kind::Client => Key::Client(tenant, ClientId::parse(text(id)?).ok()?),
        Kind::Subject => Key::Subject(tenant, SubjectId::parse(text(id)?).ok()?),
        Kind::SigningKey => Key::SigningKey(tenant, Kid::parse(text(id)?).ok()?),
        Kind::Claim => {
            let (kind, name) = id.split_first()?;
            let kind = CLAIMS.into_iter().find(|known| claim(*known) == *kind)?;
            Key::Claim(tenant, kind, text(name)?.into())
        }
        Kind::Customer => Key::Customer(tenant, text(id)?.into()),
        Kind::Grant => Key::Grant(tenant, GrantId(id.try_into().ok()?)),
        Kind::Consent => Key::Consent(tenant, ConsentId(id.try_into().ok()?)),
        Kind::Interaction => Key::Interaction(tenant, InteractionId(id.try_into().ok()?)),
        Kind::Session => Key::Session(tenant, SessionId(id.try_into().ok()?)),
        Kind::Pushed => Key::Pushed(tenant, PushedId(id.try_into().ok()?)),
        Kind::Delivery => Key::Delivery(tenant, DeliveryId(id.try_into().ok()?)),
        Kind::Replay => Key::Replay(tenant, ReplayId { minute, digest: id.try_into().ok()? }),
    })
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}
