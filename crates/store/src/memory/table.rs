//! One table in memory: rows by key, and the keys of those that expire by bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use counterfoil_engine::store::{Key, Versioned};

use crate::codec::key::Range;

/// One record.
pub(super) struct Row {
    pub(super) key: Key,
    pub(super) value: Versioned,
    pub(super) bucket: Option<i64>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<Vec<u8>, Row>,
    buckets: BTreeSet<(i64, Vec<u8>)>,
}

impl Table {
    pub(super) fn get(&self, key: &[u8]) -> Option<&Row> {
        self.rows.get(key)
    }

    /// Puts or removes a row, and returns what stood there.
    pub(super) fn put(&mut self, key: Vec<u8>, row: Option<Row>) -> Option<Row> {
        let bucket = row.as_ref().and_then(|row| row.bucket);
        let before = match row {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(&key),
        };
        if let Some(before) = before.as_ref().and_then(|row| row.bucket) {
            self.buckets.remove(&(before, key.clone()));
        }
        if let Some(bucket) = bucket {
            self.buckets.insert((bucket, key));
        }
        before
    }

    pub(super) fn within(&self, range: &Range) -> impl Iterator<Item = &Row> {
        let bounds = (Excluded(&*range.above), Excluded(&*range.below));
        self.rows.range::<[u8], _>(bounds).map(|(_, row)| row)
    }

    /// Removes at most `max` rows whose keys are below `key`, lowest first.
    pub(super) fn sweep_below(&mut self, key: &[u8], max: usize) -> usize {
        let below = self.rows.range::<[u8], _>((Unbounded, Excluded(key)));
        let ended: Vec<_> = below.take(max).map(|(key, _)| key.clone()).collect();
        self.remove(ended)
    }

    /// Removes at most `max` rows whose buckets are below `bucket`, oldest first.
    pub(super) fn sweep_buckets(&mut self, bucket: i64, max: usize) -> usize {
        let passed = self.buckets.iter().take_while(|(passed, _)| *passed < bucket);
        let ended: Vec<_> = passed.take(max).map(|(_, key)| key.clone()).collect();
        self.remove(ended)
    }

    fn remove(&mut self, keys: Vec<Vec<u8>>) -> usize {
        let count = keys.len();
        for key in keys {
            self.put(key, None);
        }
        count
    }
}
