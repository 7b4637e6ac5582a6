//! The cache of tenants and clients. It decides nothing that can be spent: each entry carries the
//! revision it was read at, and that revision is a guard of every commit.
//!
//! Coherent on one node: every commit that touches a cached kind drops the entry before it is
//! answered, and an entry read before that commit is not put back after it (`epoch`). A commit whose
//! sender went away may still arrive, nobody knows when: what it changes is not kept from then on
//! (`unanswered`).
//!
//! On a store that several processes share, what the others commit is heard from its feed
//! (architecture.md 9.6), and nothing is used unless it was heard lately (`Lease`).

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use counterfoil_protocol::ids::{ClientId, TenantId};

use crate::audit::Event;
use crate::client::Client;
use crate::keys::Issuer;
use crate::limits::{CLIENTS_CACHED_MAX, TENANTS_CACHED_MAX};
use crate::store::{Change, Key, Revision};

/// Which client, of which tenant.
type ClientAt = (TenantId, ClientId);

/// Whether what other processes have changed was heard lately enough to use what is remembered.
pub trait Lease: std::fmt::Debug + Send + Sync {
    /// Asked at every use.
    fn holds(&self) -> bool;
}

/// What is remembered between requests.
#[derive(Debug, Default)]
pub struct Directory {
    /// `None`: no other process writes to the store.
    lease: Option<Arc<dyn Lease>>,
    epoch: AtomicU64,
    issuers: RwLock<HashMap<TenantId, Arc<Issuer>>>,
    clients: RwLock<HashMap<ClientAt, (Arc<Client>, Revision)>>,
    /// How many commits that change a cached record have not been answered, by its key.
    unanswered: Mutex<HashMap<Key, u32>>,
}

/// A commit on its way, and what it changes of this cache. Dropped without an answer, it stays in
/// doubt for good.
#[must_use]
pub(crate) struct Unanswered<'d> {
    directory: &'d Directory,
    keys: Vec<Key>,
}

/// Taken before a read; an entry is kept only if no cached kind has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

impl Directory {
    /// One that is used only while the lease holds.
    #[must_use]
    pub fn leased(lease: Arc<dyn Lease>) -> Self {
        Self { lease: Some(lease), ..Self::default() }
    }

    /// Other processes have committed this; `None` is an event that only a later version can read. An
    /// event that names no client may stand for any client of its tenant.
    pub fn heard<'e>(&self, events: impl IntoIterator<Item = Option<&'e Event>>) {
        let (mut keys, mut tenants) = (BTreeSet::new(), BTreeSet::new());
        for event in events {
            let Some(event) = event else { return self.forget_all() };
            match &event.client {
                Some(client) => {
                    keys.insert(Key::Client(event.tenant.clone(), client.clone()));
                }
                None => {
                    tenants.insert(&event.tenant);
                    keys.insert(Key::Tenant(event.tenant.clone()));
                }
            }
        }
        self.forget(&Vec::from_iter(keys));
        if !tenants.is_empty() {
            let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
            clients.retain(|(tenant, _), _| !tenants.contains(tenant));
        }
    }

    fn forget_all(&self) {
        self.moved();
        self.issuers.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.clients.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is_usable(&self) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.holds())
    }

    /// To be taken before reading what may be put in.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    pub(crate) fn issuer(&self, tenant: &TenantId) -> Option<Arc<Issuer>> {
        if !self.is_usable() {
            return None;
        }
        self.issuers.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    pub(crate) fn keep_issuer(&self, issuer: &Arc<Issuer>, since: Epoch) {
        let mut issuers = self.issuers.write().unwrap_or_else(PoisonError::into_inner);
        let tenant = Key::Tenant(issuer.tenant.id.clone());
        if self.epoch() == since && !self.is_unanswered(&tenant) {
            if issuers.len() >= TENANTS_CACHED_MAX {
                issuers.clear();
            }
            issuers.insert(issuer.tenant.id.clone(), issuer.clone());
        }
    }

    pub(crate) fn client(&self, at: &ClientAt) -> Option<(Arc<Client>, Revision)> {
        if !self.is_usable() {
            return None;
        }
        self.clients.read().unwrap_or_else(PoisonError::into_inner).get(at).cloned()
    }

    pub(crate) fn keep_client(
        &self,
        at: ClientAt,
        client: &Arc<Client>,
        revision: Revision,
        since: Epoch,
    ) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        let key = Key::Client(at.0.clone(), at.1.clone());
        if self.epoch() == since && !self.is_unanswered(&key) {
            if clients.len() >= CLIENTS_CACHED_MAX {
                clients.clear();
            }
            clients.insert(at, (client.clone(), revision));
        }
    }

    /// A batch is about to be committed: nobody who starts now keeps what it changes.
    pub(crate) fn sent(&self, changes: &[Change]) -> Unanswered<'_> {
        let keys = Self::concerns(changes);
        if !keys.is_empty() {
            let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
            for key in &keys {
                *unanswered.entry(key.clone()).or_default() += 1;
            }
        }
        self.forget(&keys);
        Unanswered { directory: self, keys }
    }

    fn is_unanswered(&self, key: &Key) -> bool {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// What is read from now on is read from the store.
    pub(crate) fn forget(&self, keys: &[Key]) {
        if keys.is_empty() {
            return;
        }
        // First: whoever read before this must find it moved.
        self.moved();
        for key in keys {
            match key {
                Key::Tenant(tenant) => {
                    let mut issuers = self.issuers.write().unwrap_or_else(PoisonError::into_inner);
                    issuers.remove(tenant);
                }
                Key::Client(tenant, client) => {
                    let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
                    clients.remove(&(tenant.clone(), client.clone()));
                }
                Key::KeySet(..)
                | Key::SigningKey(..)
                | Key::Grant(..)
                | Key::Consent(..)
                | Key::Subject(..)
                | Key::Interaction(..)
                | Key::Session(..)
                | Key::Replay(..)
                | Key::Claim(..)
                | Key::Customer(..)
                | Key::Pushed(..)
                | Key::Delivery(..) => {}
            }
        }
    }

    /// Whoever read before this does not put the old value back.
    fn moved(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// What a batch changes of this cache: a tenant is kept together with its keys.
    fn concerns(changes: &[Change]) -> Vec<Key> {
        let cached = |change: &Change| match &change.key {
            Key::Tenant(tenant) | Key::KeySet(tenant) | Key::SigningKey(tenant, _) => {
                Some(Key::Tenant(tenant.clone()))
            }
            Key::Client(tenant, client) => Some(Key::Client(tenant.clone(), client.clone())),
            Key::Grant(..)
            | Key::Consent(..)
            | Key::Subject(..)
            | Key::Interaction(..)
            | Key::Session(..)
            | Key::Replay(..)
            | Key::Claim(..)
            | Key::Customer(..)
            | Key::Pushed(..)
            | Key::Delivery(..) => None,
        };
        changes.iter().filter_map(cached).collect()
    }
}

impl Unanswered<'_> {
    /// The store has answered. Nobody who read meanwhile puts the old value back.
    pub(crate) fn answered(self) {
        if self.keys.is_empty() {
            return;
        }
        let directory = self.directory;
        let mut unanswered = directory.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            if let Some(count) = unanswered.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    unanswered.remove(key);
                }
            }
        }
        drop(unanswered);
        directory.forget(&self.keys);
    }
}
