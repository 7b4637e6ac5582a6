//! What the lock of the memory store protects.

use std::collections::BTreeMap;

use counterfoil_engine::store::{
    Batch, Change, CommitError, Expected, FeedEvent, Guard, Key, Listed, Record, Revision,
    Versioned,
};
use counterfoil_protocol::moment::Moment;

use super::table::{Row, Table};
use crate::bucket;
use crate::chain::{Head, LANE};
use crate::codec::{self, key::Range};
use crate::kind::Kind;
use crate::revisions::Revisions;

/// Everything.
#[derive(Default)]
pub(super) struct State {
    tables: BTreeMap<Kind, Table>,
    events: Vec<FeedEvent>,
    head: Head,
    revisions: Revisions,
}

impl State {
    pub(super) fn get(&self, key: &Key) -> Option<Versioned> {
        Some(self.tables.get(&Kind::of(key))?.get(&codec::key::encode(key))?.value.clone())
    }

    /// Changes are made one after another, and undone when a later one does not match: what a batch
    /// with the same key twice means is then the same as on disk.
    pub(super) fn commit(&mut self, batch: Batch, micros: u64) -> Result<(), CommitError> {
        let bodies = batch.events.iter().map(codec::encode_event).collect::<Result<Vec<_>, _>>();
        let bodies = bodies.map_err(|_| CommitError::Unavailable)?;
        // On disk, a record under the key of another kind could not be read back.
        let fits = |change: &Change| {
            let kind = Kind::of(&change.key);
            change.next.as_ref().is_none_or(|record| Kind::of_record(record) == kind)
        };
        if !batch.changes.iter().all(fits) {
            return Err(CommitError::Unavailable);
        }
        for Guard { key, expected } in batch.guards {
            if !self.stands(&key, expected) {
                return Err(CommitError::Conflict(key));
            }
        }
        let revision = self.revisions.next(micros);
        let mut undo = vec![];
        for Change { key, expected, next } in batch.changes {
            if !self.stands(&key, expected) {
                for (key, before) in undo.into_iter().rev() {
                    self.put(&key, before);
                }
                return Err(CommitError::Conflict(key));
            }
            let before = self.put(&key, next.map(|record| row(&key, record, revision)));
            undo.push((key, before));
        }
        for (event, body) in batch.events.into_iter().zip(bodies) {
            self.head = self.head.after(&body);
            let Head { number, hash } = self.head;
            self.events.push(FeedEvent { lane: LANE, number, event, hash });
        }
        Ok(())
    }

    pub(super) fn list(&self, range: &Range, max: usize) -> Listed {
        let rows = self.tables.get(&range.kind).into_iter().flat_map(|table| table.within(range));
        rows.take(max).map(|row| (row.key.clone(), row.value.clone())).collect()
    }

    pub(super) fn feed(&self, after: u64, max: usize) -> Vec<FeedEvent> {
        let known = usize::try_from(after).unwrap_or(usize::MAX);
        self.events.iter().skip(known).take(max).cloned().collect()
    }

    pub(super) fn sweep(&mut self, now: Moment, max: usize) -> usize {
        let mut freed = 0;
        if let Some(replays) = self.tables.get_mut(&Kind::Replay) {
            let kept = codec::key::from_minute(bucket::first_minute_kept(now));
            freed += replays.sweep_below(&kept, max);
        }
        for kind in Kind::IN_BUCKETS {
            if let Some(table) = self.tables.get_mut(&kind) {
                freed += table.sweep_buckets(bucket::first_kept(now), max - freed);
            }
        }
        freed
    }

    fn stands(&self, key: &Key, expected: Expected) -> bool {
        let table = self.tables.get(&Kind::of(key));
        let row = table.and_then(|table| table.get(&codec::key::encode(key)));
        match (expected, row) {
            (Expected::Absent, None) => true,
            (Expected::Revision(expected), Some(row)) => row.value.revision == expected,
            (Expected::Absent, Some(_)) | (Expected::Revision(_), None) => false,
        }
    }

    fn put(&mut self, key: &Key, row: Option<Row>) -> Option<Row> {
        self.tables.entry(Kind::of(key)).or_default().put(codec::key::encode(key), row)
    }
}

fn row(key: &Key, record: Record, revision: Revision) -> Row {
    let bucket = bucket::of(&record);
    Row { key: key.clone(), value: Versioned { record, revision }, bucket }
}
