//! The life of signing keys: next, active, retiring, gone. A key is published before its first
//! signature and stays published until the last token it signed has expired (attacks.md I9). Where
//! several processes serve from one store, it signs only once each of them has loaded it
//! (architecture.md 5.5).

use std::collections::BTreeSet;

use counterfoil_jose::alg::Alg;
use counterfoil_protocol::ids::{Kid, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;

use crate::audit::{Note, What};
use crate::ctx::Entropy;
use crate::engine::Engine;
use crate::keys::{self, KeyEntry, KeySet, KeyState, StoredKey};
use crate::limits::{ATTEMPTS_MAX, SIGNING_KEYS_MAX};
use crate::store::{Batch, Change, CommitError, Expected, Key, Record, Versioned};

/// How long a key waits and how long it lingers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTimes {
    /// Seconds for which a `next` key is published before it signs: longer than anybody may keep the
    /// published set without asking again.
    pub published_s: u64,
    /// Seconds after which an active key is due to be followed by another.
    pub rotated_s: u64,
    /// The longest life of anything that a key signs, in seconds.
    pub longest_token_s: u64,
}

/// One key of a tenant, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLine {
    /// Its name.
    pub kid: Kid,
    /// Its algorithm.
    pub alg: Box<str>,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made and published.
    pub created: Moment,
}

/// What is known of the other processes that serve from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// There are none.
    Alone,
    /// All of them say that they have loaded these waiting keys. A process that starts later reads the
    /// set with the key in it, so what was true once stays true.
    ToAll(BTreeSet<Kid>),
}

impl Known {
    fn includes(&self, kid: &Kid) -> bool {
        match self {
            Self::Alone => true,
            Self::ToAll(kids) => kids.contains(kid),
        }
    }
}

/// A key set as it was read, and where it stood.
type Read = (KeySet, Expected);

impl Engine {
    /// Every published key of a tenant, in the order of publication.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn key_lines(&self, tenant: &TenantId) -> Result<Vec<KeyLine>, Refusal> {
        let (set, _) = self.key_set(tenant).await?;
        let mut lines = Vec::with_capacity(set.keys.len());
        for KeyEntry { kid, alg, state } in set.keys {
            let created = self.stored_key(tenant, &kid).await?.map_or(Moment(0), |k| k.created);
            lines.push(KeyLine { kid, alg, state, created });
        }
        Ok(lines)
    }

    /// The algorithms of which a tenant has no active key yet.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn algs_missing(
        &self,
        tenant: &TenantId,
        wanted: &[Alg],
    ) -> Result<Vec<Alg>, Refusal> {
        let (set, _) = self.key_set(tenant).await?;
        Ok(wanted.iter().filter(|alg| !signs(&set, alg.as_str())).copied().collect())
    }

    /// Makes the keys that a client is the first of a tenant to need.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`], also when the key cannot be made.
    pub async fn ensure_keys(
        &self,
        tenant: &TenantId,
        wanted: &[Alg],
        entropy: &mut dyn Entropy,
    ) -> Result<(), Refusal> {
        for alg in self.algs_missing(tenant, wanted).await? {
            let stored = self.new_key(alg, entropy).await?;
            self.add_key(tenant, &stored).await?;
        }
        Ok(())
    }

    /// A key pair as a record, made wherever this server makes keys.
    async fn new_key(&self, alg: Alg, entropy: &mut dyn Entropy) -> Result<StoredKey, Refusal> {
        let pair = self.signer.make(alg).await.map_err(|_| Refusal::StoreUnavailable)?;
        let stored = keys::stored(pair, &self.file.wrapping, self.clock.now(), entropy);
        stored.map_err(|_| Refusal::StoreUnavailable)
    }

    /// Publishes a key and lets it sign at once: for a tenant that had none of its algorithm, so
    /// that nobody can hold an older set of it.
    pub(crate) async fn add_key(
        &self,
        tenant: &TenantId,
        stored: &StoredKey,
    ) -> Result<(), Refusal> {
        self.change_keys(tenant, Some(stored), |set, _| {
            let new = !signs(set, &stored.alg);
            if new {
                let (kid, alg) = (stored.kid.clone(), stored.alg.clone());
                set.keys.push(KeyEntry { kid, alg, state: KeyState::Active });
            }
            new
        })
        .await
    }

    /// Announces the successor of the active key of its algorithm. Returns its name, or that of the
    /// key that is waiting already: there is one at a time.
    ///
    /// # Errors
    /// [`Refusal::TenantUnknown`] when the tenant signs nothing with that algorithm,
    /// [`Refusal::RateLimited`] when too many keys are retiring; the store's.
    pub async fn announce_key(
        &self,
        tenant: &TenantId,
        alg: Alg,
        entropy: &mut dyn Entropy,
    ) -> Result<Kid, Refusal> {
        let (set, _) = self.key_set(tenant).await?;
        if !signs(&set, alg.as_str()) {
            return Err(Refusal::TenantUnknown);
        }
        if let Some(waiting) = waiting(&set, alg.as_str()) {
            return Ok(waiting);
        }
        if set.keys.len() >= SIGNING_KEYS_MAX {
            return Err(Refusal::RateLimited);
        }
        let stored = self.new_key(alg, entropy).await?;
        self.publish_key(tenant, &stored).await?;
        let (set, _) = self.key_set(tenant).await?;
        Ok(waiting(&set, alg.as_str()).unwrap_or(stored.kid))
    }

    /// Publishes a key that will sign later, unless one of its algorithm is waiting.
    ///
    /// # Errors
    /// The store's.
    pub async fn publish_key(&self, tenant: &TenantId, stored: &StoredKey) -> Result<(), Refusal> {
        self.change_keys(tenant, Some(stored), |set, _| {
            let new = waiting(set, &stored.alg).is_none() && set.keys.len() < SIGNING_KEYS_MAX;
            if new {
                let (kid, alg) = (stored.kid.clone(), stored.alg.clone());
                set.keys.push(KeyEntry { kid, alg, state: KeyState::Next });
            }
            new
        })
        .await
    }

    /// A key that is waiting signs from now on, and the one before it retires. Before its time only
    /// when the operator says so: a verifier may hold a set without it. `false` when some process
    /// that serves from the store may lack it: then nothing changes.
    ///
    /// # Errors
    /// The store's.
    pub async fn activate_key(
        &self,
        tenant: &TenantId,
        kid: &Kid,
        known: &Known,
    ) -> Result<bool, Refusal> {
        if !known.includes(kid) {
            return Ok(false);
        }
        self.change_keys(tenant, None, |set, now| activate(set, kid, now)).await?;
        Ok(true)
    }

    /// What time asks for: keys that were published long enough sign, keys whose last token has
    /// expired are gone, active keys that are due get a successor.
    ///
    /// # Errors
    /// The store's.
    pub async fn turn_keys(
        &self,
        tenant: &TenantId,
        (times, known): (&KeyTimes, &Known),
        entropy: &mut dyn Entropy,
    ) -> Result<(), Refusal> {
        let now = self.clock.now();
        let lines = self.key_lines(tenant).await?;
        for line in &lines {
            match line.state {
                KeyState::Next if line.created.after(times.published_s) <= now => {
                    // Otherwise the next time.
                    self.activate_key(tenant, &line.kid, known).await?;
                }
                KeyState::Active if line.created.after(times.rotated_s) <= now => {
                    let Some(alg) = Alg::parse(&line.alg) else { continue };
                    self.announce_key(tenant, alg, entropy).await?;
                }
                KeyState::Next | KeyState::Active | KeyState::Retiring { .. } => {}
            }
        }
        self.retire_keys(tenant, times.longest_token_s).await
    }

    /// Removes retiring keys whose last token has expired, their private parts with them.
    ///
    /// # Errors
    /// The store's.
    pub async fn retire_keys(
        &self,
        tenant: &TenantId,
        longest_token_s: u64,
    ) -> Result<(), Refusal> {
        self.change_keys(tenant, None, |set, now| {
            let before = set.keys.len();
            set.keys.retain(|key| match key.state {
                KeyState::Retiring { since } => since.after(longest_token_s) > now,
                KeyState::Next | KeyState::Active => true,
            });
            set.keys.len() < before
        })
        .await
    }

    async fn key_set(&self, tenant: &TenantId) -> Result<Read, Refusal> {
        let key = [Key::KeySet(tenant.clone())];
        Ok(match self.store.read(&key).await?.pop().flatten() {
            Some(Versioned { record: Record::KeySet(set), revision }) => {
                (*set, Expected::Revision(revision))
            }
            _ => (KeySet::default(), Expected::Absent),
        })
    }

    async fn stored_key(
        &self,
        tenant: &TenantId,
        kid: &Kid,
    ) -> Result<Option<Box<StoredKey>>, Refusal> {
        let key = [Key::SigningKey(tenant.clone(), kid.clone())];
        let found = self.store.read(&key).await?.pop().flatten();
        Ok(found.and_then(|v| if let Record::SigningKey(k) = v.record { Some(k) } else { None }))
    }

    /// One change of a tenant's set, with the key that joins it and without those that leave it, in
    /// one batch. `change` says whether there is anything to write.
    async fn change_keys(
        &self,
        tenant: &TenantId,
        joins: Option<&StoredKey>,
        change: impl Fn(&mut KeySet, Moment) -> bool,
    ) -> Result<(), Refusal> {
        for _ in 0..ATTEMPTS_MAX {
            let (before, expected) = self.key_set(tenant).await?;
            let (mut set, now) = (before.clone(), self.clock.now());
            if !change(&mut set, now) {
                return Ok(());
            }
            let mut changes = vec![];
            for gone in before.keys.iter().filter(|key| !named(&set, &key.kid)) {
                let key = Key::SigningKey(tenant.clone(), gone.kid.clone());
                let found = self.store.read(std::slice::from_ref(&key)).await?.pop().flatten();
                let Some(Versioned { revision, .. }) = found else { continue };
                changes.push(Change { key, expected: Expected::Revision(revision), next: None });
            }
            if let Some(stored) = joins {
                let key = Key::SigningKey(tenant.clone(), stored.kid.clone());
                let next = Some(Record::SigningKey(Box::new(stored.clone())));
                changes.push(Change { key, expected: Expected::Absent, next });
            }
            let next = Some(Record::KeySet(Box::new(set)));
            changes.push(Change { key: Key::KeySet(tenant.clone()), expected, next });
            let events = vec![Note::of(What::KeyChanged).at(now, tenant, [0; 16])];
            match self.commit(Batch { changes, events, ..Batch::default() }).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Unavailable) => return Err(Refusal::StoreUnavailable),
            }
        }
        Err(Refusal::StoreContended)
    }
}

fn named(set: &KeySet, kid: &Kid) -> bool {
    set.keys.iter().any(|key| key.kid == *kid)
}

fn signs(set: &KeySet, alg: &str) -> bool {
    set.keys.iter().any(|key| &*key.alg == alg && key.state == KeyState::Active)
}

/// The key of that algorithm that is published and does not sign yet.
fn waiting(set: &KeySet, alg: &str) -> Option<Kid> {
    let next = set.keys.iter().find(|key| &*key.alg == alg && key.state == KeyState::Next)?;
    Some(next.kid.clone())
}

/// Whether `kid` was waiting.
fn activate(set: &mut KeySet, kid: &Kid, now: Moment) -> bool {
    let Some(at) = set.keys.iter().position(|k| k.kid == *kid && k.state == KeyState::Next) else {
        return false;
    };
    let alg = set.keys[at].alg.clone();
    for key in set.keys.iter_mut().filter(|key| key.alg == alg && key.state == KeyState::Active) {
        key.state = KeyState::Retiring { since: now };
    }
    set.keys[at].state = KeyState::Active;
    true
}
