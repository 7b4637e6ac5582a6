//! What the operator decides: resources from files, suspension, withdrawal, keys.
//!
//! Applying twice changes nothing. Nothing is ever deleted because a file no longer names it, and
//! what the server has learned (the grants of a customer) survives an update. Whether somebody is
//! suspended is what the file says: what a file manages is managed there.

use counterfoil_jose::alg::Alg;
use counterfoil_protocol::ids::{ClientId, Kid, SubjectId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;

use crate::audit::{Event, Note, What};
use crate::client::{Client, ClientStatus};
use crate::ctx::Entropy;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::keys::{KeyEntry, KeySet, KeyState, StoredKey};
use crate::limits::{ATTEMPTS_MAX, BATCH_RECORDS_MAX};
use crate::store::{
    Batch, Change, ClaimKind, CommitError, Expected, Guard, Key, Record, Versioned,
};
use crate::subject::Subject;
use crate::tenant::Tenant;

/// What files say there should be.
#[derive(Debug, Default)]
pub struct Desired {
    /// Tenants.
    pub tenants: Vec<Tenant>,
    /// Clients, each in its tenant.
    pub clients: Vec<(TenantId, Client)>,
    /// Customers, each in its tenant.
    pub subjects: Vec<(TenantId, Subject)>,
    /// Signing keys that must exist: made beforehand, taken only where a tenant has none of that
    /// algorithm.
    pub keys: Vec<(TenantId, StoredKey)>,
}

/// Records that are applied in one batch.
const APPLIED_AT_ONCE: usize = BATCH_RECORDS_MAX / 4;

/// One line of what was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// `+` new, `~` changed.
    pub sign: char,
    /// Tenant, client, user or key.
    pub kind: &'static str,
    /// Which.
    pub name: String,
}

impl Engine {
    /// The algorithms of which a tenant has no active key yet.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn algs_missing(
        &self,
        tenant: &TenantId,
        wanted: &[Alg],
    ) -> Result<Vec<Alg>, Refusal> {
        let key = [Key::KeySet(tenant.clone())];
        let found = self.store.read(&key).await?.pop().flatten().map(|v| v.record);
        let has = |alg: &Alg| match &found {
            Some(Record::KeySet(set)) => set
                .keys
                .iter()
                .any(|key| &*key.alg == alg.as_str() && key.state == KeyState::Active),
            _ => false,
        };
        Ok(wanted.iter().filter(|alg| !has(alg)).copied().collect())
    }

    /// Makes the store say what files say. Returns what changed; nothing if nothing had to.
    ///
    /// # Errors
    /// The store's. In batches of bounded size: tenants and keys first, so that a client never
    /// stands in a tenant that is not there.
    pub async fn apply(
        &self,
        desired: &Desired,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<Applied>, Refusal> {
        let mut applied = vec![];
        let mut all: Vec<(Key, Record)> = vec![];
        for tenant in &desired.tenants {
            all.push((Key::Tenant(tenant.id.clone()), Record::Tenant(Box::new(tenant.clone()))));
        }
        for (tenant, client) in &desired.clients {
            let record = Record::Client(Box::new(client.clone()));
            all.push((Key::Client(tenant.clone(), client.id.clone()), record));
            for subject in &client.assertion_subjects {
                let kind = ClaimKind::AssertionSubject;
                let record = Record::Claim(client.id.as_str().into());
                all.push((Key::Claim(tenant.clone(), kind, subject.clone()), record));
            }
        }
        for (tenant, subject) in &desired.subjects {
            let record = Record::Subject(Box::new(subject.clone()));
            all.push((Key::Subject(tenant.clone(), subject.id.clone()), record));
            let record = Record::Claim(subject.id.as_str().into());
            let login = subject.login.as_str().into();
            all.push((Key::Claim(tenant.clone(), ClaimKind::Login, login), record));
        }
        for (tenant, key) in &desired.keys {
            self.add_key(tenant, key).await?;
            let name = format!("{} {}", tenant, key.kid);
            applied.push(Applied { sign: '+', kind: "key", name });
        }
        for some in all.chunks(APPLIED_AT_ONCE) {
            applied.extend(self.apply_some(some, entropy).await?);
        }
        for (tenant, subject) in &desired.subjects {
            self.suspend_grants(tenant, subject).await?;
        }
        Ok(applied)
    }

    /// Lets the grants of a customer follow what the file says of the customer.
    async fn suspend_grants(&self, tenant: &TenantId, wanted: &Subject) -> Result<(), Refusal> {
        let key = Key::Subject(tenant.clone(), wanted.id.clone());
        for _ in 0..ATTEMPTS_MAX {
            let found = self.store.read(std::slice::from_ref(&key)).await?.pop().flatten();
            let Some(Versioned { record: Record::Subject(subject), revision }) = found else {
                return Ok(());
            };
            let guard = Guard { key: key.clone(), expected: Expected::Revision(revision) };
            let mut batch = Batch { guards: vec![guard], ..Batch::default() };
            for id in &subject.grants {
                let key = Key::Grant(tenant.clone(), *id);
                let found = self.store.read(std::slice::from_ref(&key)).await?.pop().flatten();
                let Some(Versioned { record: Record::Grant(mut grant), revision }) = found else {
                    continue;
                };
                if grant.suspended.by_subject != subject.suspended {
                    grant.suspended.by_subject = subject.suspended;
                    let expected = Expected::Revision(revision);
                    let next = Some(Record::Grant(grant));
                    batch.changes.push(Change { key, expected, next });
                }
            }
            if batch.changes.is_empty() {
                return Ok(());
            }
            match self.commit(batch).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Unavailable) => return Err(Refusal::StoreUnavailable),
            }
        }
        Err(Refusal::StoreContended)
    }

    async fn apply_some(
        &self,
        some: &[(Key, Record)],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<Applied>, Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let mut batch = Batch::default();
            let mut applied = vec![];
            let now = self.clock.now();
            for (key, wanted) in some {
                let found = self.store.read(std::slice::from_ref(key)).await?.pop().flatten();
                let wanted = merged(wanted, found.as_ref());
                if found.as_ref().is_some_and(|found| found.record == wanted) {
                    continue;
                }
                if let Some(line) = Applied::of(key, found.is_some()) {
                    batch.events.push(told(key, now, entropy));
                    applied.push(line);
                }
                let expected = found.map_or(Expected::Absent, |f| Expected::Revision(f.revision));
                batch.changes.push(Change { key: key.clone(), expected, next: Some(wanted) });
            }
            if batch.changes.is_empty() {
                return Ok(vec![]);
            }
            match self.commit(batch).await {
                Ok(()) => return Ok(applied),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Unavailable) => return Err(Refusal::StoreUnavailable),
            }
        }
        Err(Refusal::StoreContended)
    }

    /// Publishes a key and lets it sign at once: for a tenant that had none of its algorithm.
    async fn add_key(&self, tenant: &TenantId, stored: &StoredKey) -> Result<(), Refusal> {
        let set_key = Key::KeySet(tenant.clone());
        for _ in 0..ATTEMPTS_MAX {
            let found = self.store.read(std::slice::from_ref(&set_key)).await?.pop().flatten();
            let (mut set, expected) = match found {
                Some(Versioned { record: Record::KeySet(set), revision }) => {
                    (*set, Expected::Revision(revision))
                }
                _ => (KeySet::default(), Expected::Absent),
            };
            let taken = |key: &KeyEntry| key.alg == stored.alg && key.state == KeyState::Active;
            if set.keys.iter().any(taken) {
                return Ok(());
            }
            let (kid, alg) = (stored.kid.clone(), stored.alg.clone());
            set.keys.push(KeyEntry { kid, alg, state: KeyState::Active });
            let key = Key::SigningKey(tenant.clone(), stored.kid.clone());
            let record = Record::SigningKey(Box::new(stored.clone()));
            let batch = Batch {
                changes: vec![
                    Change { key, expected: Expected::Absent, next: Some(record) },
                    Change {
                        key: set_key.clone(),
                        expected,
                        next: Some(Record::KeySet(Box::new(set))),
                    },
                ],
                ..Batch::default()
            };
            match self.commit(batch).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Unavailable) => return Err(Refusal::StoreUnavailable),
            }
        }
        Err(Refusal::StoreContended)
    }

    /// Moves the keys of one algorithm one step on: a `next` key becomes active, the active one
    /// retires; `new` is published as the next one. Called twice, with the time in between that
    /// verifiers cache a key set, a rotation is never noticed.
    ///
    /// # Errors
    /// The store's.
    pub async fn rotate_key(&self, tenant: &TenantId, new: &StoredKey) -> Result<(), Refusal> {
        let set_key = Key::KeySet(tenant.clone());
        let now = self.clock.now();
        for _ in 0..ATTEMPTS_MAX {
            let found = self.store.read(std::slice::from_ref(&set_key)).await?.pop().flatten();
            let Some(Versioned { record: Record::KeySet(mut set), revision }) = found else {
                return Err(Refusal::TenantUnknown);
            };
            step(&mut set, &new.alg, &new.kid, now);
            let key = Key::SigningKey(tenant.clone(), new.kid.clone());
            let record = Record::SigningKey(Box::new(new.clone()));
            let batch = Batch {
                guards: vec![],
                changes: vec![
                    Change { key, expected: Expected::Absent, next: Some(record) },
                    Change {
                        key: set_key.clone(),
                        expected: Expected::Revision(revision),
                        next: Some(Record::KeySet(set)),
                    },
                ],
                events: vec![Note::of(What::KeyChanged).at(now, tenant, [0; 16])],
            };
            match self.commit(batch).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Unavailable) => return Err(Refusal::StoreUnavailable),
            }
        }
        Err(Refusal::StoreContended)
    }

    /// Lets a client in, or keeps it out. Nothing it was given is active while it is out, and no
    /// request that commits after this returned issues for it.
    ///
    /// # Errors
    /// [`Refusal::ClientUnknown`], the store's.
    pub async fn set_client_status(
        &self,
        call: &mut Call<'_>,
        id: &ClientId,
        status: ClientStatus,
    ) -> Result<(), Refusal> {
        let key = Key::Client(call.issuer.tenant.id.clone(), id.clone());
        let needs = |_: &Seen| vec![key.clone()];
        self.settle(call, Settle::default(), needs, |_, seen| {
            let Some(Record::Client(client)) = seen.get(&key) else {
                return Decided::refuse(Refusal::ClientUnknown);
            };
            if client.status == status {
                return Decided::answer(());
            }
            let mut next = client.clone();
            next.status = status;
            let note = Note { client: Some(id.clone()), ..Note::of(What::ClientChanged) };
            let changes = vec![(key.clone(), Some(Record::Client(next)))];
            Decided { changes, notes: vec![note], outcome: Ok(()) }
        })
        .await
    }

    /// Stops everything that stands in a customer's name, or lets it go on, in one batch.
    ///
    /// # Errors
    /// [`Refusal::SubjectSuspended`] never; [`Refusal::CustomerUnknown`], the store's.
    pub async fn set_subject_suspended(
        &self,
        call: &mut Call<'_>,
        id: &SubjectId,
        suspended: bool,
    ) -> Result<(), Refusal> {
        let tenant = call.issuer.tenant.id.clone();
        let key = Key::Subject(tenant.clone(), id.clone());
        let needs = |seen: &Seen| {
            let mut keys = vec![key.clone()];
            if let Some(Record::Subject(subject)) = seen.get(&key) {
                keys.extend(subject.grants.iter().map(|id| Key::Grant(tenant.clone(), *id)));
            }
            keys
        };
        self.settle(call, Settle::default(), needs, |_, seen| {
            let Some(Record::Subject(subject)) = seen.get(&key) else {
                return Decided::refuse(Refusal::CustomerUnknown);
            };
            let mut next = subject.clone();
            next.suspended = suspended;
            let mut changes = vec![];
            for id in &subject.grants {
                let at = Key::Grant(tenant.clone(), *id);
                if let Some(Record::Grant(grant)) = seen.get(&at) {
                    let mut grant = grant.clone();
                    grant.suspended.by_subject = suspended;
                    changes.push((at, Some(Record::Grant(grant))));
                }
            }
            changes.push((key.clone(), Some(Record::Subject(next))));
            let note = Note { subject: Some(id.clone()), ..Note::of(What::SubjectChanged) };
            Decided { changes, notes: vec![note], outcome: Ok(()) }
        })
        .await
    }

    /// Removes retiring keys whose last token has expired.
    ///
    /// # Errors
    /// The store's.
    pub async fn retire_keys(
        &self,
        tenant: &TenantId,
        longest_token_s: u64,
    ) -> Result<(), Refusal> {
        let set_key = Key::KeySet(tenant.clone());
        let found = self.store.read(std::slice::from_ref(&set_key)).await?.pop().flatten();
        let Some(Versioned { record: Record::KeySet(set), revision }) = found else {
            return Ok(());
        };
        let now = self.clock.now();
        let over = |key: &KeyEntry| match key.state {
            KeyState::Retiring { since } => since.after(longest_token_s) <= now,
            KeyState::Next | KeyState::Active => false,
        };
        if !set.keys.iter().any(over) {
            return Ok(());
        }
        let mut next = set.clone();
        next.keys.retain(|key| !over(key));
        let change = Change {
            key: set_key,
            expected: Expected::Revision(revision),
            next: Some(Record::KeySet(next)),
        };
        let batch = Batch { changes: vec![change], ..Batch::default() };
        // A conflict means somebody else is at it: the next round looks again.
        match self.commit(batch).await {
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(CommitError::Unavailable) => Err(Refusal::StoreUnavailable),
        }
    }
}

fn step(set: &mut KeySet, alg: &str, new: &Kid, now: Moment) {
    let waiting = set.keys.iter().any(|key| &*key.alg == alg && key.state == KeyState::Next);
    for key in set.keys.iter_mut().filter(|key| &*key.alg == alg) {
        match key.state {
            KeyState::Active if waiting => key.state = KeyState::Retiring { since: now },
            KeyState::Next => key.state = KeyState::Active,
            KeyState::Active | KeyState::Retiring { .. } => {}
        }
    }
    set.keys.push(KeyEntry { kid: new.clone(), alg: alg.into(), state: KeyState::Next });
}

/// What a file says, and what only the server knows.
fn merged(wanted: &Record, found: Option<&Versioned>) -> Record {
    match (wanted, found.map(|found| &found.record)) {
        (Record::Subject(wanted), Some(Record::Subject(found))) => {
            let mut next = wanted.clone();
            next.grants = found.grants.clone();
            Record::Subject(next)
        }
        (wanted, _) => wanted.clone(),
    }
}

impl Applied {
    fn of(key: &Key, existed: bool) -> Option<Self> {
        let (kind, name) = match key {
            Key::Tenant(tenant) => ("tenant", tenant.to_string()),
            Key::Client(_, client) => ("client", client.to_string()),
            Key::Subject(_, subject) => ("user", subject.to_string()),
            Key::Grant(..)
            | Key::Consent(..)
            | Key::Interaction(..)
            | Key::Session(..)
            | Key::Replay(..)
            | Key::SigningKey(..)
            | Key::KeySet(..)
            | Key::Claim(..)
            | Key::Customer(..) => return None,
        };
        Some(Self { sign: if existed { '~' } else { '+' }, kind, name })
    }
}

fn told(key: &Key, now: Moment, entropy: &mut dyn Entropy) -> Event {
    let mut request = [0; 16];
    request.copy_from_slice(&entropy.bytes32()[..16]);
    let client = if let Key::Client(_, id) = key { Some(id.clone()) } else { None };
    let subject = if let Key::Subject(_, id) = key { Some(id.clone()) } else { None };
    let note = Note { client, subject, ..Note::of(What::ResourceApplied) };
    note.at(now, key.tenant(), request)
}
