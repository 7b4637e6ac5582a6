//! A batch as bytes. Made on the thread of the caller, because a committer has enough to do.

use counterfoil_engine::store::{Batch, Change, CommitError, Expected, Guard, Key, Record};

use crate::bucket;
use crate::codec::{self, Damaged};
use crate::kind::Kind;

/// A key and where its record stood.
pub(crate) struct Named {
    pub(crate) kind: Kind,
    pub(crate) key: Vec<u8>,
    pub(crate) expected: Expected,
}

/// What a record becomes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) bucket: Option<i64>,
    pub(crate) body: Vec<u8>,
}

/// See the module. The order is that of the batch, guards first.
pub(crate) struct Encoded {
    pub(crate) guards: Vec<Named>,
    pub(crate) changes: Vec<(Named, Option<Next>)>,
    pub(crate) events: Vec<Vec<u8>>,
}

impl Encoded {
    pub(crate) fn of(batch: &Batch) -> Result<Self, Damaged> {
        let guards = batch.guards.iter().map(|Guard { key, expected }| named(key, *expected));
        let changes = batch.changes.iter().map(|Change { key, expected, next: record }| {
            let named = named(key, *expected);
            let next = record.as_ref().map(|record| next(named.kind, record)).transpose()?;
            Ok((named, next))
        });
        let events = batch.events.iter().map(codec::encode_event);
        Ok(Self {
            guards: guards.collect(),
            changes: changes.collect::<Result<_, _>>()?,
            events: events.collect::<Result<_, _>>()?,
        })
    }
}

/// What the caller is told of the `index`th expectation of `batch`, which did not hold.
pub(crate) fn conflict(batch: Batch, index: usize) -> CommitError {
    let guards = batch.guards.into_iter().map(|guard| guard.key);
    let mut keys = guards.chain(batch.changes.into_iter().map(|change| change.key));
    keys.nth(index).map_or(CommitError::Unavailable, CommitError::Conflict)
}

fn named(key: &Key, expected: Expected) -> Named {
    Named { kind: Kind::of(key), key: codec::key::encode(key), expected }
}

fn next(kind: Kind, record: &Record) -> Result<Next, Damaged> {
    Ok(Next { bucket: bucket::of(record), body: codec::encode(kind, record)? })
}
