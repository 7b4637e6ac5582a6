//! The cache of tenants and clients. It decides nothing that can be spent: each entry carries the
//! revision it was read at, and that revision is a guard of every commit.
//!
//! Coherent on one node: every commit that touches a cached kind drops the entry before it is
//! answered, and an entry read before that commit is not put back after it (`epoch`). A commit whose
//! sender went away may still arrive, nobody knows when: what it changes is not kept from then on
//! (`unanswered`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use counterfoil_protocol::ids::{ClientId, TenantId};

use crate::client::Client;
use crate::keys::Issuer;
use crate::limits::{CLIENTS_CACHED_MAX, TENANTS_CACHED_MAX};
use crate::store::{Change, Key, Revision};

/// Which client, of which tenant.
type ClientAt = (TenantId, ClientId);

/// What is remembered between requests.
#[derive(Debug, Default)]
pub struct Directory {
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
    /// To be taken before reading what may be put in.
    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    pub(crate) fn issuer(&self, tenant: &TenantId) -> Option<Arc<Issuer>> {
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
        // First: whoever read before this must find it moved, and not put the old value back.
        self.epoch.fetch_add(1, Ordering::AcqRel);
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
