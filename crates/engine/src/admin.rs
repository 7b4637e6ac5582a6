//! What the operator decides: resources from files, suspension, withdrawal.
//!
//! Applying twice changes nothing. Nothing is ever deleted because a file no longer names it, and
//! what the server has learned (the grants of a customer) survives an update. Whether somebody is
//! suspended is what the file says: what a file manages is managed there.

use counterfoil_protocol::ids::{ClientId, SubjectId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;

use crate::audit::{Event, Note, What};
use crate::client::{Client, ClientStatus};
use crate::ctx::Entropy;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::keys::StoredKey;
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
                let Some(Versioned { record: Record::Grant(grant), revision }) = found else {
                    continue;
                };
                if grant.suspended.by_subject != subject.suspended {
                    let mut grant = (*grant).clone();
                    grant.suspended.by_subject = subject.suspended;
                    let expected = Expected::Revision(revision);
                    let next = Some(Record::Grant(grant.into()));
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
    /// [`Refusal::CustomerUnknown`], the store's.
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
                    let mut grant = (**grant).clone();
                    grant.suspended.by_subject = suspended;
                    changes.push((at, Some(Record::Grant(grant.into()))));
                }
            }
            changes.push((key.clone(), Some(Record::Subject(next))));
            let note = Note { subject: Some(id.clone()), ..Note::of(What::SubjectChanged) };
            Decided { changes, notes: vec![note], outcome: Ok(()) }
        })
        .await
    }
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
            | Key::Customer(..)
            | Key::Pushed(..)
            | Key::Delivery(..) => return None,
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
