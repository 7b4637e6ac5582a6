//! One transaction for many batches. Each batch has its own outcome; one that does not match changes
//! nothing and harms no neighbour.

use counterfoil_engine::store::{Expected, Revision};
use counterfoil_protocol::moment::Moment;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::prepared::Prepared;
use super::stands::Stands;
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
    prepared: Prepared<'c>,
    micros: Micros,
    revisions: Revisions,
    /// Stands in the file, so that a later process starts above everything this one gave out.
    reserved: u64,
    head: Head,
    stands: Stands,
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
        let (head, stands) = (head.unwrap_or_default(), Stands::default());
        let prepared = Prepared::new(connection);
        Ok(Self { prepared, micros, revisions, reserved, head, stands })
    }

    /// Takes the write lock. Fails without harm when another process holds it.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
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
            self.stands.forget_all();
        }
        done
    }

    /// Ends a group for which there was no space: SQLite has written nothing that counts.
    pub(super) fn take_back(&mut self) -> rusqlite::Result<()> {
        if self.prepared.connection().is_autocommit() { Ok(()) } else { self.run(sql::ROLLBACK) }
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
        self.prepared
            .connection()
            .execute(sql::RESERVE, [self.revisions.last.cast_signed()])
            .map(|_| ())
    }

    fn reserve(&mut self, needed: u64) -> rusqlite::Result<()> {
        if needed > self.reserved {
            self.reserved = needed + REVISIONS_RESERVED;
            let reserved = self.reserved.cast_signed();
            self.prepared.get(sql::RESERVE)?.execute([reserved])?;
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

    fn stands(&mut self, named: &Named) -> rusqlite::Result<bool> {
        let Named { kind, key, .. } = named;
        let mut found = self.stands.get(*kind, key);
        if found.is_none() {
            let statement = self.prepared.get(sql::revision(*kind))?;
            let read = statement.query_row([key], |row| row.get::<_, i64>(0)).optional()?;
            found = read.map(|revision| Revision(revision.cast_unsigned()));
            self.stands.note(*kind, key, found);
        }
        Ok(match named.expected {
            Expected::Absent => found.is_none(),
            Expected::Revision(expected) => found == Some(expected),
        })
    }

    /// Whether the record stood where it was expected, and changed.
    fn change(
        &mut self,
        named: &Named,
        next: Option<&Next>,
        revision: Revision,
    ) -> rusqlite::Result<bool> {
        let Named { kind, key, expected } = named;
        self.stands.forget(*kind, key);
        let to = revision.0.cast_signed();
        let changed = match (expected, next) {
            (Expected::Absent, None) => return self.stands(named),
            (Expected::Absent, Some(Next { bucket, body })) => {
                self.prepared.get(sql::insert(*kind))?.execute(params![key, to, bucket, body])?
            }
            (Expected::Revision(from), None) => self
                .prepared
                .get(sql::delete(*kind))?
                .execute(params![key, from.0.cast_signed()])?,
            (Expected::Revision(from), Some(Next { bucket, body })) => {
                let parameters = params![key, from.0.cast_signed(), to, body, bucket];
                match self.prepared.get(sql::rewrite(*kind))?.execute(parameters)? {
                    0 if kind.has_bucket() => {
                        self.prepared.get(sql::replace(*kind))?.execute(parameters)?
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
            let statement = self.prepared.get(sql::INSERT_EVENT)?;
            statement.execute(params![LANE, number.cast_signed(), body, hash])?;
        }
        Ok(())
    }

    fn sweep(&mut self, now: Moment, max: usize) -> rusqlite::Result<Outcome> {
        let left = |freed: usize| i64::try_from(max - freed).unwrap_or(i64::MAX);
        let minute = key::from_minute(bucket::first_minute_kept(now));
        let statement = self.prepared.get(sql::sweep_below(Kind::Replay))?;
        let mut freed = statement.execute(params![minute, left(0)])?;
        for kind in Kind::IN_BUCKETS {
            let statement = self.prepared.get(sql::sweep_buckets(kind))?;
            freed += statement.execute(params![bucket::first_kept(now), left(freed)])?;
        }
        Ok(Outcome::Done(freed))
    }

    fn run(&mut self, statement: &'static str) -> rusqlite::Result<()> {
        self.prepared.get(statement)?.execute([]).map(|_| ())
    }
}
