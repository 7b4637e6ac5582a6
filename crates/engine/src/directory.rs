//! The cache of tenants and clients. It decides nothing that can be spent: each entry carries the
//! revision it was read at, and that revision is a guard of every commit.
//!
//! Coherent on one node: every commit that touches a cached kind drops the entry before it is
//! answered, and an entry read before that commit is not put back after it (`epoch`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

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
        if self.epoch() == since {
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
        if self.epoch() == since {
            if clients.len() >= CLIENTS_CACHED_MAX {
                clients.clear();
            }
            clients.insert(at, (client.clone(), revision));
        }
    }

    /// Forgets what a batch changes. Called before and after its commit: before, so that nobody who
    /// starts now keeps the old value; after, so that nobody who read meanwhile does.
    pub(crate) fn forget(&self, keys: &[Key]) {
        if keys.is_empty() {
            return;
        }
        // First: whoever read before this must find it moved, and not put the old value back.
        self.epoch.fetch_add(1, Ordering::AcqRel);
        for key in keys {
            match key {
                Key::Tenant(tenant) | Key::KeySet(tenant) | Key::SigningKey(tenant, _) => {
                    let mut issuers = self.issuers.write().unwrap_or_else(PoisonError::into_inner);
                    issuers.remove(tenant);
                }
                Key::Client(tenant, client) => {
                    let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
                    clients.remove(&(tenant.clone(), client.clone()));
                }
                Key::Grant(..)
                | Key::Consent(..)
                | Key::Subject(..)
                | Key::Interaction(..)
                | Key::Session(..)
                | Key::Replay(..)
                | Key::Claim(..)
                | Key::Customer(..) => {}
            }
        }
    }

    /// The keys of a batch that concern this cache.
    pub(crate) fn concerns(changes: &[Change]) -> Vec<Key> {
        let cached = |key: &&Key| {
            matches!(key, Key::Tenant(_) | Key::KeySet(_) | Key::SigningKey(..) | Key::Client(..))
        };
        changes.iter().map(|change| &change.key).filter(cached).cloned().collect()
    }
}
