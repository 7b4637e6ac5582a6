//! Read, decide, commit, answer: the one loop that every request which may change something goes
//! through. The only caller of `commit`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use counterfoil_protocol::ids::{ClientId, SubjectId, TenantId};
use counterfoil_protocol::refusal::Refusal;

use crate::audit::{Event, Note};
use crate::client::Client;
use crate::client_keys::Fetched;
use crate::ctx::{Clock, Ctx, Entropy};
use crate::directory::Directory;
use crate::keys::{Issuer, KeyFile, LoadedKey, Signer};
use crate::limits::{ACCESS_EVENTS_MAX, ATTEMPTS_MAX, READ_KEYS_MAX};
use crate::login::password::Passwords;
use crate::login::throttle::Throttle;
use crate::outbound::Outbound;
use crate::outbox::Outbox;
use crate::policy::Policy;
use crate::store::{
    Batch, Change, ClaimKind, CommitError, Expected, Guard, Key, Record, Revision, Store,
    Unavailable, Versioned,
};
use crate::tenant::Tenant;

/// Everything a request needs besides its own content.
pub struct Engine {
    /// Where records are.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Keys that are not in the store.
    pub file: Arc<KeyFile>,
    /// Makes signatures.
    pub signer: Arc<dyn Signer>,
    /// Checks passwords.
    pub passwords: Arc<dyn Passwords>,
    /// Calls addresses that clients registered.
    pub outbound: Arc<dyn Outbound>,
    /// The address of the server, without a slash at the end. Never taken from a request.
    pub base: Box<str>,
    /// Whether events of issuance that changes nothing are kept.
    pub audit: AuditMode,
    /// What is remembered between requests.
    pub directory: Directory,
    /// When keys of clients were fetched.
    pub fetched: Fetched,
    /// Bounds guessing of passwords.
    pub throttle: Throttle,
    /// Which clients are still to be told something.
    pub outbox: Outbox,
    /// Bounds open registration.
    pub registrations: crate::register::Flood,
    /// Events that wait for the next append.
    pub access_events: Mutex<VecDeque<Event>>,
}

/// Which events are kept of requests that change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditMode {
    /// None: the audit trail tells of changes.
    Changes,
    /// All, appended at least every second; a crash may lose the last second.
    Tokens,
    /// All, and the answer waits for the append.
    EveryToken,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.base)
    }
}

/// The circumstances of one request.
pub struct Call<'a> {
    /// The tenant it is for.
    pub issuer: &'a Arc<Issuer>,
    /// The rules of its surface.
    pub policy: &'static Policy,
    /// Dice.
    pub entropy: &'a mut dyn Entropy,
    /// What `X-Request-Id` will say.
    pub request: [u8; 16],
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({:?}, {})", self.issuer, self.policy.name)
    }
}

/// What has been read for a decision.
#[derive(Debug, Default)]
pub struct Seen(Vec<(Key, Option<Versioned>)>);

impl Seen {
    /// The record under `key`; `None` when it does not exist. Asking for what was not read is the
    /// same as not existing, and the commit will find out.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Record> {
        let (_, found) = self.0.iter().find(|(known, _)| known == key)?;
        found.as_ref().map(|versioned| &versioned.record)
    }

    /// Whether `key` has been read.
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        self.0.iter().any(|(known, _)| known == key)
    }

    fn expected(&self, key: &Key) -> Expected {
        let found = self.0.iter().find(|(known, _)| known == key);
        found
            .and_then(|(_, versioned)| versioned.as_ref())
            .map_or(Expected::Absent, |versioned| Expected::Revision(versioned.revision))
    }
}

/// What to write, what to tell the auditors, what to answer. A refusal may still have an effect (a
/// replayed code revokes its grant), so these are separate.
#[derive(Debug)]
pub struct Decided<T> {
    /// Empty: nothing changes, so nothing is written.
    pub changes: Vec<(Key, Option<Record>)>,
    /// What the audit trail says.
    pub notes: Vec<Note>,
    /// The answer, if the commit succeeds.
    pub outcome: Result<T, Refusal>,
}

impl<T> Decided<T> {
    /// No, and nothing changes.
    pub fn refuse(why: Refusal) -> Self {
        Self { changes: vec![], notes: vec![], outcome: Err(why) }
    }

    /// Yes, and nothing changes.
    pub fn answer(answer: T) -> Self {
        Self { changes: vec![], notes: vec![], outcome: Ok(answer) }
    }

    /// The same decision, answered in other words.
    pub(crate) fn map<U>(self, words: impl FnOnce(T) -> U) -> Decided<U> {
        let Self { changes, notes, outcome } = self;
        Decided { changes, notes, outcome: outcome.map(words) }
    }
}

/// Rounds of reading for one decision: what is read may name what else must be read.
const READ_ROUNDS_MAX: usize = 6;

impl Engine {
    /// The tenant of that name, ready for work.
    ///
    /// # Errors
    /// [`Refusal::TenantUnknown`] when there is none, [`Refusal::TenantDisabled`];
    /// [`Refusal::StoreUnavailable`].
    pub async fn issuer(&self, tenant: &TenantId) -> Result<Arc<Issuer>, Refusal> {
        if let Some(issuer) = self.directory.issuer(tenant) {
            return Ok(issuer);
        }
        let since = self.directory.epoch();
        let keys = [Key::Tenant(tenant.clone()), Key::KeySet(tenant.clone())];
        let mut found = self.store.read(&keys).await?.into_iter().map(|v| v.map(|v| v.record));
        let Some(Some(Record::Tenant(record))) = found.next() else {
            return Err(Refusal::TenantUnknown);
        };
        if !record.enabled {
            return Err(Refusal::TenantDisabled);
        }
        let set = match found.next() {
            Some(Some(Record::KeySet(set))) => set.keys,
            _ => vec![],
        };
        let mut loaded = Vec::with_capacity(set.len());
        for entry in &set {
            let key = [Key::SigningKey(tenant.clone(), entry.kid.clone())];
            let stored = self.store.read(&key).await?.pop().flatten().map(|v| v.record);
            let Some(Record::SigningKey(stored)) = stored else { continue };
            // A key that does not load must not be published as ours: nothing could be signed.
            let key = LoadedKey::load(&stored, entry.state, &self.file.wrapping);
            loaded.push(Arc::new(key.ok_or(Refusal::Internal)?));
        }
        let issuer = Arc::new(Issuer::new(*record, &self.base, loaded, &self.file));
        self.directory.keep_issuer(&issuer, since);
        Ok(issuer)
    }

    /// The tenant of that name, if it is at hand: for whoever may not wait for the store.
    #[must_use]
    pub fn issuer_at_hand(&self, tenant: &TenantId) -> Option<Arc<Issuer>> {
        self.directory.issuer(tenant)
    }

    /// The record of a tenant, enabled or not: for what may be said of one that does no work.
    ///
    /// # Errors
    /// [`Refusal::TenantUnknown`]; [`Refusal::StoreUnavailable`].
    pub async fn tenant(&self, tenant: &TenantId) -> Result<Tenant, Refusal> {
        let found = self.store.read(&[Key::Tenant(tenant.clone())]).await?.pop().flatten();
        match found.map(|found| found.record) {
            Some(Record::Tenant(record)) => Ok(*record),
            Some(_) | None => Err(Refusal::TenantUnknown),
        }
    }

    /// The client of that id, and the revision that a commit must guard.
    pub(crate) async fn client(
        &self,
        tenant: &TenantId,
        id: &ClientId,
    ) -> Result<Option<(Arc<Client>, Revision)>, Refusal> {
        let at = (tenant.clone(), id.clone());
        if let Some(hit) = self.directory.client(&at) {
            return Ok(Some(hit));
        }
        let since = self.directory.epoch();
        let key = [Key::Client(at.0.clone(), at.1.clone())];
        let Some(Versioned { record: Record::Client(client), revision }) =
            self.store.read(&key).await?.pop().flatten()
        else {
            return Ok(None);
        };
        let client = Arc::<Client>::from(client);
        self.directory.keep_client(at, &client, revision, since);
        Ok(Some((client, revision)))
    }

    /// The owner of a claimed name.
    pub(crate) async fn owner(
        &self,
        tenant: &TenantId,
        kind: ClaimKind,
        name: &str,
    ) -> Result<Option<Box<str>>, Refusal> {
        let key = [Key::Claim(tenant.clone(), kind, name.into())];
        let found = self.store.read(&key).await?.pop().flatten();
        Ok(found.and_then(|v| if let Record::Claim(owner) = v.record { Some(owner) } else { None }))
    }

    /// The customer of that id.
    pub(crate) async fn subject(
        &self,
        tenant: &TenantId,
        id: &SubjectId,
    ) -> Result<Option<crate::subject::Subject>, Refusal> {
        let key = [Key::Subject(tenant.clone(), id.clone())];
        let found = self.store.read(&key).await?.pop().flatten();
        Ok(found.and_then(|v| if let Record::Subject(s) = v.record { Some(*s) } else { None }))
    }

    /// Reads what `needs` asks for, decides, commits, answers.
    ///
    /// `needs` is asked again with what has been seen until it asks for nothing new. Records that
    /// were read and are not changed are guards, as is everything in `guards`.
    ///
    /// # Errors
    /// What the decision refuses, or that the store did not let it through.
    pub(crate) async fn settle<T>(
        &self,
        call: &mut Call<'_>,
        with: Settle<'_>,
        needs: impl Fn(&Seen) -> Vec<Key>,
        decide: impl Fn(&mut Ctx<'_>, &Seen) -> Decided<T>,
    ) -> Result<T, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let seen = self.gather(&needs).await?;
            let now = self.clock.now();
            let issuer = call.issuer;
            let mut ctx = Ctx { now, entropy: call.entropy, policy: call.policy, issuer };
            let Decided { changes, notes, outcome } = decide(&mut ctx, &seen);

            let tenant = &issuer.tenant.id;
            let nothing_to_write = changes.is_empty() && with.replay.is_empty();
            let mut notes = notes;
            if nothing_to_write && (with.quiet || self.audit == AuditMode::Changes) {
                notes.retain(|note| note.what.is_always_kept());
                if notes.is_empty() {
                    return outcome;
                }
            }
            let events = notes.into_iter().map(|note| note.at(now, tenant, call.request));
            if nothing_to_write {
                self.remember(events.collect()).await?;
                return outcome;
            }
            let batch = assemble(&seen, changes, &with, events.collect(), tenant);
            // Nothing is answered before it is durable: commit first, then speak.
            match self.commit(batch).await {
                Ok(()) => return outcome,
                // The assertion or the proof was used: final, whoever used it.
                Err(CommitError::Conflict(key @ Key::Replay(..))) => {
                    let twice = with.replay.iter().find(|used| used.key == key);
                    return Err(twice.map_or(Refusal::StoreContended, |used| used.twice));
                }
                // The client was changed under us: what it proved was proven to the old record.
                Err(CommitError::Conflict(key @ Key::Client(..))) => {
                    self.directory.forget(&[key]);
                    return Err(Refusal::StoreContended);
                }
                Err(CommitError::Conflict(_)) => continue,
                Err(CommitError::Unavailable) => return Err(Refusal::StoreUnavailable),
            }
        }
        Err(Refusal::StoreContended)
    }

    /// Commits a batch that configuration or an operator's tool has decided on.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let sent = self.directory.sent(&batch.changes);
        let done = self.store.commit(batch).await;
        sent.answered();
        done
    }

    async fn gather(&self, needs: &impl Fn(&Seen) -> Vec<Key>) -> Result<Seen, Refusal> {
        let mut seen = Seen::default();
        for _ in 0..READ_ROUNDS_MAX {
            let mut keys = needs(&seen);
            keys.retain(|key| !seen.has(key));
            if keys.is_empty() {
                break;
            }
            let mut found = Vec::with_capacity(keys.len());
            for some in keys.chunks(READ_KEYS_MAX) {
                found.extend(self.store.read(some).await?);
            }
            seen.0.extend(keys.into_iter().zip(found));
        }
        Ok(seen)
    }

    /// Keeps the events of a request that changed nothing, as the operator wants it.
    async fn remember(&self, events: Vec<Event>) -> Result<(), Refusal> {
        if events.is_empty() {
            return Ok(());
        }
        if self.audit == AuditMode::EveryToken {
            let batch = Batch { events, ..Batch::default() };
            return self.commit(batch).await.map_err(|_| Refusal::StoreUnavailable);
        }
        self.keep_waiting(events);
        Ok(())
    }

    /// Keeps events for the next append; the oldest go when there are too many.
    pub(crate) fn keep_waiting(&self, events: impl IntoIterator<Item = Event>) {
        let mut waiting = self.access_events.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            if waiting.len() == ACCESS_EVENTS_MAX {
                waiting.pop_front();
            }
            waiting.push_back(event);
        }
    }

    /// Appends the events that wait. Called at least every second by whoever runs the process.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`]; the events wait for the next time.
    pub async fn append_access_events(&self) -> Result<usize, Refusal> {
        let events: Vec<Event> = {
            let mut waiting = self.access_events.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.drain(..).collect()
        };
        if events.is_empty() {
            return Ok(0);
        }
        let count = events.len();
        let batch = Batch { events: events.clone(), ..Batch::default() };
        if self.commit(batch).await.is_err() {
            let mut waiting = self.access_events.lock().unwrap_or_else(PoisonError::into_inner);
            for event in events.into_iter().rev() {
                waiting.push_front(event);
            }
            return Err(Refusal::StoreUnavailable);
        }
        Ok(count)
    }
}

/// Something that is good for one use.
#[derive(Clone, Debug)]
pub(crate) struct SingleUse {
    /// Its name.
    pub(crate) key: Key,
    /// What a second use is.
    pub(crate) twice: Refusal,
}

/// What comes along with a decision.
#[derive(Debug, Default)]
pub(crate) struct Settle<'a> {
    /// Records read elsewhere that must not have moved: the client.
    pub(crate) guards: &'a [Guard],
    /// The single-use ids of what was presented. They are used whatever the outcome.
    pub(crate) replay: Vec<SingleUse>,
    /// Nobody wants to know when nothing changed.
    pub(crate) quiet: bool,
}

fn assemble(
    seen: &Seen,
    changes: Vec<(Key, Option<Record>)>,
    with: &Settle<'_>,
    events: Vec<Event>,
    tenant: &TenantId,
) -> Batch {
    let mut guards = with.guards.to_vec();
    if !changes.is_empty() {
        let untouched = seen.0.iter().filter(|(key, _)| !changes.iter().any(|(c, _)| c == key));
        guards.extend(
            untouched.map(|(key, _)| Guard { key: key.clone(), expected: seen.expected(key) }),
        );
    }
    debug_assert!(changes.iter().all(|(key, _)| key.tenant() == tenant));
    let mut all: Vec<Change> = changes
        .into_iter()
        .map(|(key, next)| Change { expected: seen.expected(&key), key, next })
        .collect();
    all.extend(with.replay.iter().map(|used| {
        let next = Some(Record::Replay);
        Change { key: used.key.clone(), expected: Expected::Absent, next }
    }));
    Batch { guards, changes: all, events }
}

impl From<Unavailable> for Refusal {
    fn from(_: Unavailable) -> Self {
        Self::StoreUnavailable
    }
}
