//! Grants that were read lately, so that a hot grant costs no statement and no file lock.
//!
//! Coherent because one process writes: the writer drops what a group changes *before* its
//! transaction, so that nobody keeps what was read before it, and *after* it, before anybody is
//! answered, so that nobody keeps what was read meanwhile (S6). Nothing that is spent is decided
//! here: what a decision was taken on is checked again by revision at the commit.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use counterfoil_engine::store::Versioned;

use super::group::Work;
use crate::encoded::Encoded;
use crate::kind::Kind;

/// Fewer callers wait for each other.
const SHARDS: usize = 16;
/// Records of one half of a shard. Two halves of all shards are 16,384 grants, some ten megabytes.
const HALF_MAX: usize = 512;

/// See the module.
pub(super) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
}

/// Two halves: what is used moves to the young one; when that is full, the old one is forgotten.
#[derive(Default)]
struct Shard {
    /// Moves with every change of this shard.
    changes: u64,
    young: HashMap<Box<[u8]>, Versioned>,
    old: HashMap<Box<[u8]>, Versioned>,
}

/// Taken before a read of the file; what was read is kept only if nothing has changed since.
#[derive(Clone, Copy)]
pub(super) struct Since(u64);

impl Default for Cache {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Cache {
    /// Whether records of this kind are kept: only those that requests read again and again.
    pub(super) fn keeps(kind: Kind) -> bool {
        kind == Kind::Grant
    }

    /// The record, or leave to keep it.
    pub(super) fn get(&self, key: &[u8]) -> Result<Versioned, Since> {
        let mut shard = self.shard(key);
        if let Some(hit) = shard.young.get(key) {
            return Ok(hit.clone());
        }
        let Some((key, hit)) = shard.old.remove_entry(key) else {
            return Err(Since(shard.changes));
        };
        shard.put(key, hit.clone());
        Ok(hit)
    }

    /// Keeps what was read, unless something has changed meanwhile.
    pub(super) fn keep(&self, key: &[u8], found: &Versioned, since: Since) {
        let mut shard = self.shard(key);
        if shard.changes == since.0 {
            shard.put(key.into(), found.clone());
        }
    }

    /// Drops everything that this work changes. The writer calls it before and after.
    pub(super) fn forget<'w>(&self, works: impl Iterator<Item = &'w Work>) {
        for work in works {
            match work {
                Work::Commit(batch) => self.forget_changes(batch),
                Work::Sweep { .. } => self.forget_all(),
            }
        }
    }

    fn forget_changes(&self, batch: &Encoded) {
        for (named, _) in batch.changes.iter().filter(|(named, _)| Self::keeps(named.kind)) {
            let mut shard = self.shard(&named.key);
            shard.changes += 1;
            shard.young.remove(&*named.key);
            shard.old.remove(&*named.key);
        }
    }

    /// Drops everything.
    pub(super) fn forget_all(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.changes += 1;
            shard.young.clear();
            shard.old.clear();
        }
    }

    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        // A grant's id ends in random bytes.
        let at = key.last().map_or(0, |last| usize::from(*last)) % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn put(&mut self, key: Box<[u8]>, record: Versioned) {
        if self.young.len() >= HALF_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, record);
    }
}

#[cfg(test)]
mod tests {
    use counterfoil_engine::store::{Record, Revision};

    use super::*;

    fn versioned(revision: u64) -> Versioned {
        Versioned { record: Record::Replay, revision: Revision(revision) }
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let cache = Cache::default();
        let Err(since) = cache.get(b"k") else { unreachable!() };
        cache.forget_all();
        cache.keep(b"k", &versioned(1), since);
        let Err(since) = cache.get(b"k") else { unreachable!("kept what is old") };
        cache.keep(b"k", &versioned(2), since);
        assert!(cache.get(b"k").is_ok_and(|hit| hit == versioned(2)));
    }

    #[test]
    fn it_is_bounded_and_what_is_used_stays() {
        let cache = Cache::default();
        let keep = |n: u32| {
            let key = n.to_be_bytes();
            if let Err(since) = cache.get(&key) {
                cache.keep(&key, &versioned(u64::from(n)), since);
            }
        };
        keep(0);
        for n in 1..100_000 {
            keep(n);
            keep(0);
        }
        let held: usize = cache
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap())
            .map(|shard| shard.young.len() + shard.old.len())
            .sum();
        assert!(held <= SHARDS * HALF_MAX * 2, "{held}");
        assert!(cache.get(&0_u32.to_be_bytes()).is_ok());
    }
}
