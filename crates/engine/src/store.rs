//! The store contract: keyed reads, one guarded atomic commit, and what operations need besides.
//!
//! Promises of every backend; `counterfoil-store/src/conformance.rs` proves them.
//! - **S1** A batch is atomic: all changes and events, or none.
//! - **S2** Every `Expected`, of guards and changes, holds at the batch's commit point.
//! - **S3** `Ok` means durable under the configured durability.
//! - **S4** `Conflict(key)` means nothing was written, and names the first key that did not match.
//!   The backend never retries a conflict.
//! - **S5** `Unavailable` means unknown: written or not. Nobody retries it for the caller.
//! - **S6** A read sees every commit whose `Ok` was returned, to anybody, before the read began.
//! - **S7** `read` returns the keys of one call from one snapshot.
//! - **S8** Revisions of a key only grow, also across delete and create: the next one is the greater
//!   of the old one + 1 and the time in microseconds.
//! - **S9** A full queue is `Unavailable` at once, not a wait.
//! - **S10** `list`, `feed` and `sweep` never delay `commit` by more than one bounded step.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use counterfoil_protocol::ids::{
    ClientId, ConsentId, DeliveryId, GrantId, InteractionId, Kid, PushedId, SessionId, SubjectId,
    TenantId,
};
use counterfoil_protocol::moment::Moment;
use serde::{Deserialize, Serialize};

use crate::audit::Event;
use crate::client::Client;
use crate::consent::Consent;
use crate::customer::Customer;
use crate::delivery::Delivery;
use crate::grant::Grant;
use crate::interaction::Interaction;
use crate::keys::{KeySet, StoredKey};
use crate::limits;
use crate::pushed::Pushed;
use crate::session::Session;
use crate::subject::Subject;
use crate::tenant::Tenant;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Moves up with every change of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(pub u64);

/// The name of a record. Everything but the tenant itself belongs to a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A tenant.
    Tenant(TenantId),
    /// A client.
    Client(TenantId, ClientId),
    /// A grant.
    Grant(TenantId, GrantId),
    /// A consent.
    Consent(TenantId, ConsentId),
    /// A customer of the bank.
    Subject(TenantId, SubjectId),
    /// An authorization in progress.
    Interaction(TenantId, InteractionId),
    /// A login.
    Session(TenantId, SessionId),
    /// A single-use id that was used.
    Replay(TenantId, ReplayId),
    /// A signing key.
    SigningKey(TenantId, Kid),
    /// The signing keys of a tenant by state.
    KeySet(TenantId),
    /// A name that can be taken once, and by whom. Uniqueness is "must not exist".
    Claim(TenantId, ClaimKind, Box<str>),
    /// A customer id as one client knows it (Fintecture).
    Customer(TenantId, Box<str>),
    /// A pushed authorization request.
    Pushed(TenantId, PushedId),
    /// Something a client must still be told.
    Delivery(TenantId, DeliveryId),
}

/// Names one use of a single-use id. It starts with the minute in which the id loses its meaning, so
/// inserts stay in a small hot range and a minute is dropped as one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplayId {
    /// Minutes since the epoch.
    pub minute: u64,
    /// First 16 bytes of SHA-256(client, purpose, id).
    pub digest: [u8; 16],
}

/// What kind of name a claim takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClaimKind {
    /// What a customer signs in with; owned by a subject.
    Login,
    /// Another `sub` of a client's assertions; owned by a client.
    AssertionSubject,
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// See [`Key::Tenant`].
    Tenant(Box<Tenant>),
    /// See [`Key::Client`].
    Client(Box<Client>),
    /// See [`Key::Grant`].
    /// Shared: most requests read it and few change it.
    Grant(Arc<Grant>),
    /// See [`Key::Consent`].
    Consent(Box<Consent>),
    /// See [`Key::Subject`].
    Subject(Box<Subject>),
    /// See [`Key::Interaction`].
    Interaction(Box<Interaction>),
    /// See [`Key::Session`].
    Session(Box<Session>),
    /// See [`Key::Replay`]: being there is all it says.
    Replay,
    /// See [`Key::SigningKey`].
    SigningKey(Box<StoredKey>),
    /// See [`Key::KeySet`].
    KeySet(Box<KeySet>),
    /// See [`Key::Claim`]: the id of the owner.
    Claim(Box<str>),
    /// See [`Key::Customer`].
    Customer(Box<Customer>),
    /// See [`Key::Pushed`].
    Pushed(Box<Pushed>),
    /// See [`Key::Delivery`].
    Delivery(Box<Delivery>),
}

/// A record and where it stood when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The record.
    pub record: Record,
    /// Its revision.
    pub revision: Revision,
}

/// What a batch was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// There is no such record.
    Absent,
    /// It stands at this revision. There is no "any".
    Revision(Revision),
}

/// A record the batch was decided on and does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Which.
    pub key: Key,
    /// Where it stood.
    pub expected: Expected,
}

/// A record the batch changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub key: Key,
    /// Where it stood.
    pub expected: Expected,
    /// What it becomes; `None` deletes.
    pub next: Option<Record>,
}

/// All or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Decided on, not changed.
    pub guards: Vec<Guard>,
    /// Changed.
    pub changes: Vec<Change>,
    /// What the audit trail says of it.
    pub events: Vec<Event>,
}

/// Why a batch was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitError {
    /// Somebody else moved first. Nothing was written; read again and decide again.
    Conflict(Key),
    /// The outcome is unknown, or the store is down, or its queue is full.
    Unavailable,
}

/// The store did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// What can be listed, for people and tools. Never for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// All tenants.
    Tenants,
    /// The clients of a tenant.
    Clients(TenantId),
    /// The customers of a tenant.
    Subjects(TenantId),
    /// The consents of a tenant.
    Consents(TenantId),
    /// What the clients of a tenant must still be told.
    Deliveries(TenantId),
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The last key of the part before.
    pub after: Option<Key>,
    /// At most so many.
    pub max: usize,
}

/// Keys and records in the order of keys.
pub type Listed = Vec<(Key, Versioned)>;

/// Where a reader of the feed is: one number per lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position(pub Vec<(u16, u64)>);

impl Position {
    /// Everything of this lane up to this number is behind it.
    pub fn advance(&mut self, lane: u16, number: u64) {
        self.0.retain(|(known, _)| *known != lane);
        self.0.push((lane, number));
    }
}

/// An event with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// The committer that wrote it.
    pub lane: u16,
    /// Gapless within its lane, from 1.
    pub number: u64,
    /// The event.
    pub event: Event,
    /// Over the hash before it and this event's bytes.
    pub hash: [u8; 32],
}

/// What a sweep freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records that are gone.
    pub records: usize,
    /// Whether there may be more.
    pub more: bool,
}

/// A backend is these methods and nothing else.
pub trait Store: Send + Sync {
    /// Up to [`limits::READ_KEYS_MAX`] records in one round trip, in the order asked.
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Versioned>>, Unavailable>>;

    /// All or nothing. Durable when it returns `Ok`.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>>;

    /// By key order, paged. Admin only.
    fn list(&self, query: Query, page: Page) -> BoxFuture<'_, Result<Listed, Unavailable>>;

    /// Events after a position, in order within each lane.
    fn feed(
        &self,
        after: Position,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<FeedEvent>, Unavailable>>;

    /// Frees at most `max` records whose bucket has passed, oldest first.
    fn sweep(&self, now: Moment, max: usize) -> BoxFuture<'_, Result<Swept, Unavailable>>;
}

impl Record {
    /// The moment after which this record may be swept; `None` for what ends only by decision.
    #[must_use]
    pub fn ends(&self) -> Option<Moment> {
        match self {
            Self::Grant(grant) if grant.ends == Moment::NEVER => None,
            Self::Grant(grant) => Some(grant.ends.after(limits::GRANT_GRACE_S)),
            Self::Consent(consent) => Some(consent.ends.after(limits::CONSENT_GRACE_S)),
            Self::Interaction(interaction) => Some(interaction.ends),
            Self::Session(session) => Some(session.ends),
            Self::Pushed(pushed) => Some(pushed.ends),
            Self::Delivery(delivery) => Some(delivery.ends),
            Self::Tenant(_)
            | Self::Client(_)
            | Self::Subject(_)
            | Self::Replay
            | Self::SigningKey(_)
            | Self::KeySet(_)
            | Self::Claim(_)
            | Self::Customer(_) => None,
        }
    }
}

impl ReplayId {
    /// The moment after which nobody can present this id any more.
    #[must_use]
    pub fn ends(&self) -> Moment {
        Moment((self.minute + 1).saturating_mul(60)).after(limits::REPLAY_GRACE_S)
    }
}

impl Key {
    /// The tenant it belongs to.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Tenant(tenant)
            | Self::Client(tenant, _)
            | Self::Grant(tenant, _)
            | Self::Consent(tenant, _)
            | Self::Subject(tenant, _)
            | Self::Interaction(tenant, _)
            | Self::Session(tenant, _)
            | Self::Replay(tenant, _)
            | Self::SigningKey(tenant, _)
            | Self::KeySet(tenant)
            | Self::Claim(tenant, ..)
            | Self::Customer(tenant, _)
            | Self::Pushed(tenant, _)
            | Self::Delivery(tenant, _) => tenant,
        }
    }
}
