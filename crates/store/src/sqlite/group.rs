//! One transaction for many batches. Each batch has its own outcome; one that does not match changes
//! nothing and harms no neighbour.

use counterfoil_engine::store::{Expected, Revision};
use counterfoil_protocol::moment::Moment;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::statements as sql;
use crate::bucket;
use crate::chain::{Head, LANE};
use crate::codec::key;
use crate::encoded::{Encoded, Named, Next};
use crate::kind::Kind;
use crate::limits::{GROUP_MAX, REVISIONS_RESERVED};
use crate::revisions::{Micros, Revisions};

/// Something to do in a transaction.
pub(super) enum Work {
    /// A batch.
    Commit(Encoded),
    /// One step of a sweep.
    Sweep {
        /// What has passed.
        now: Moment,
        /// At most so many rows.
        max: usize,
    },
}

/// What came of it, known once the transaction is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It happened, and freed so many rows.
    Done(usize),
    /// The expectation of this index did not hold. Nothing happened.
    Conflict(usize),
}

/// The state of the one committer: what it would otherwise have to read for every group.
pub(super) struct Committer<'c> {
    connection: &'c Connection,
    micros: Micros,
    revisions: Revisions,
    /// Stands in the file, so that a later process starts above everything this one gave out.
    reserved: u64,
    head: Head,
}

impl<'c> Committer<'c> {
    pub(super) fn load(connection: &'c Connection, micros: Micros) -> rusqlite::Result<Self> {
        let reserved = connection.query_row(sql::RESERVED, [], |row| row.get::<_, i64>(0))?;
        let head = connection
            .query_row(sql::HEAD, [LANE], |row| {
                Ok(Head { number: row.get::<_, i64>(0)?.cast_unsigned(), hash: row.get(1)? })
            })
            .optional()?;
        let reserved = reserved.cast_unsigned();
        let revisions = Revisions { last: reserved };
        Ok(Self { connection, micros, revisions, reserved, head: head.unwrap_or_default() })
    }

    /// Takes the write lock. Fails without harm when another process holds it.
    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        self.run(sql::BEGIN)
    }

    /// Does all the work and flushes it. After an error nothing is known, and nothing may follow but
    /// [`Self::take_back`].
    pub(super) fn group<'w>(
        &mut self,
        works: impl Iterator<Item = &'w Work>,
    ) -> rusqlite::Result<Vec<Outcome>> {
        let (head, reserved) = (self.head, self.reserved);
        let done = self.all(works);
        if done.is_err() {
            // The numbers of events go to the next group, and what it must reserve is not in the file.
            (self.head, self.reserved) = (head, reserved);
        }
        done
    }

    /// Ends a group for which there was no space: SQLite has written nothing that counts.
    pub(super) fn take_back(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() { Ok(()) } else { self.run(sql::ROLLBACK) }
    }

    fn all<'w>(&mut self, works: impl Iterator<Item = &'w Work>) -> rusqlite::Result<Vec<Outcome>> {
        let micros = (self.micros)();
        self.reserve(self.revisions.after(micros, GROUP_MAX))?;
        let outcomes = works
            .map(|work| match work {
                Work::Commit(batch) => self.batch(batch, micros),
                Work::Sweep { now, max } => self.sweep(*now, *max),
            })
            .collect::<rusqlite::Result<_>>()?;
        self.run(sql::COMMIT)?;
        Ok(outcomes)
    }

    /// At a graceful stop: the next process need not start above the reservation.
    pub(super) fn settle(&self) -> rusqlite::Result<()> {
        self.connection.execute(sql::RESERVE, [self.revisions.last.cast_signed()]).map(|_| ())
    }

    fn reserve(&mut self, needed: u64) -> rusqlite::Result<()> {
        if needed > self.reserved {
            self.reserved = needed + REVISIONS_RESERVED;
            let mut statement = self.connection.prepare_cached(sql::RESERVE)?;
            statement.execute([self.reserved.cast_signed()])?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &Encoded, micros: u64) -> rusqlite::Result<Outcome> {
        // Nobody else writes, so guards that hold now hold until the commit (S2).
        for (index, guard) in batch.guards.iter().enumerate() {
            if !self.stands(guard)? {
                return Ok(Outcome::Conflict(index));
            }
        }
        let revision = self.revisions.next(micros);
        // A single change that does not match has written nothing, so it needs no way back.
        let several = batch.changes.len() > 1;
        if several {
            self.run(sql::SAVEPOINT)?;
        }
        for (index, (named, next)) in batch.changes.iter().enumerate() {
            if !self.change(named, next.as_ref(), revision)? {
                if several {
                    self.run(sql::ROLLBACK_TO)?;
                    self.run(sql::RELEASE)?;
                }
                return Ok(Outcome::Conflict(batch.guards.len() + index));
            }
        }
        if several {
            self.run(sql::RELEASE)?;
        }
        self.append(&batch.events)?;
        Ok(Outcome::Done(0))
    }

    fn stands(&self, named: &Named) -> rusqlite::Result<bool> {
        let mut statement = self.connection.prepare_cached(sql::revision(named.kind))?;
        let found = statement.query_row([&named.key], |row| row.get::<_, i64>(0)).optional()?;
        let found = found.map(|revision| Revision(revision.cast_unsigned()));
        Ok(match named.expected {
            Expected::Absent => found.is_none(),
            Expected::Revision(expected) => found == Some(expected),
        })
    }

    /// Whether the record stood where it was expected, and changed.
    fn change(
        &self,
        named: &Named,
        next: Option<&Next>,
        revision: Revision,
    ) -> rusqlite::Result<bool> {
        let Named { kind, key, expected } = named;
        let to = revision.0.cast_signed();
        let changed = match (expected, next) {
            (Expected::Absent, None) => return self.stands(named),
            (Expected::Absent, Some(Next { bucket, body })) => self
                .connection
                .prepare_cached(sql::insert(*kind))?
                .execute(params![key, to, bucket, body])?,
            (Expected::Revision(from), None) => self
                .connection
                .prepare_cached(sql::delete(*kind))?
                .execute(params![key, from.0.cast_signed()])?,
            (Expected::Revision(from), Some(Next { bucket, body })) => {
                let parameters = params![key, from.0.cast_signed(), to, body, bucket];
                let mut rewrite = self.connection.prepare_cached(sql::rewrite(*kind))?;
                match rewrite.execute(parameters)? {
                    0 if kind.has_bucket() => {
                        self.connection.prepare_cached(sql::replace(*kind))?.execute(parameters)?
                    }
                    changed => changed,
                }
            }
        };
        Ok(changed == 1)
    }

    fn append(&mut self, events: &[Vec<u8>]) -> rusqlite::Result<()> {
        for body in events {
            self.head = self.head.after(body);
            let Head { number, hash } = self.head;
            let mut statement = self.connection.prepare_cached(sql::INSERT_EVENT)?;
            statement.execute(params![LANE, number.cast_signed(), body, hash])?;
        }
        Ok(())
    }

    fn sweep(&self, now: Moment, max: usize) -> rusqlite::Result<Outcome> {
        let left = |freed: usize| i64::try_from(max - freed).unwrap_or(i64::MAX);
        let minute = key::from_minute(bucket::first_minute_kept(now));
        let mut statement = self.connection.prepare_cached(sql::sweep_below(Kind::Replay))?;
        let mut freed = statement.execute(params![minute, left(0)])?;
        for kind in Kind::IN_BUCKETS {
            let mut statement = self.connection.prepare_cached(sql::sweep_buckets(kind))?;
            freed += statement.execute(params![bucket::first_kept(now), left(freed)])?;
        }
        Ok(Outcome::Done(freed))
    }

    fn run(&self, statement: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(statement)?.execute([]).map(|_| ())
    }
}
