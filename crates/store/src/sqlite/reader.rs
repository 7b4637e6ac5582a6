//! The readers: a few connections for many threads, each read on a snapshot of the log.
//!
//! A read that starts after an answered commit sees it, because answers are given after the commit
//! and a snapshot begins with the first statement (S6).

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use counterfoil_engine::store::{FeedEvent, Key, Listed, Revision, Unavailable, Versioned};
use rusqlite::{Connection, Row, params};

use super::schema::open_reader;
use super::statements as sql;
use crate::chain::LANE;
use crate::codec::{self, Damaged, key::Range};
use crate::health::Condition;
use crate::kind::Kind;
use crate::limits::READERS;
use crate::open::OpenError;

/// See the module. A connection is taken away when the store is closed.
pub(super) struct Readers {
    seats: Vec<Mutex<Option<Connection>>>,
    condition: Arc<Condition>,
}

/// Why a read failed.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    Damaged(Damaged),
}

impl Readers {
    pub(super) fn open(path: &Path, condition: Arc<Condition>) -> Result<Self, OpenError> {
        let seats = (0..READERS).map(|_| open_reader(path).map(|c| Mutex::new(Some(c))));
        Ok(Self { seats: seats.collect::<Result<_, _>>()?, condition })
    }

    /// Runs a read. This is the one place that decides where: on the calling thread, because a point
    /// read of a page in memory costs a few microseconds, less than handing it to another thread.
    pub(super) fn run<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, Unavailable> {
        let seat = self.seat().ok_or(Unavailable)?;
        let connection = seat.as_ref().ok_or(Unavailable)?;
        read(connection).map_err(|fault| {
            self.condition.note(fault);
            Unavailable
        })
    }

    pub(super) fn close(&self) {
        for seat in &self.seats {
            if let Ok(mut seat) = seat.lock() {
                *seat = None;
            }
        }
    }

    /// A free connection, the same one for the same thread where possible; otherwise a short wait.
    fn seat(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        let (later, first) = self.seats.split_at(SEAT.with(|seat| *seat) % self.seats.len());
        for seat in first.iter().chain(later) {
            match seat.try_lock() {
                Ok(seat) => return Some(seat),
                Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => {}
            }
        }
        first.first()?.lock().ok()
    }
}

thread_local! {
    static SEAT: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

/// Records by key, all from one snapshot (S7): one statement is one, several need a transaction.
pub(super) fn read(connection: &Connection, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Fault> {
    if keys.len() < 2 {
        return keys.iter().map(|key| one(connection, key)).collect();
    }
    connection.prepare_cached(sql::BEGIN_READ)?.execute([])?;
    let found = keys.iter().map(|key| one(connection, key)).collect();
    connection.prepare_cached(sql::COMMIT)?.execute([])?;
    found
}

fn one(connection: &Connection, key: &Key) -> Result<Option<Versioned>, Fault> {
    let kind = Kind::of(key);
    let mut statement = connection.prepare_cached(sql::select(kind))?;
    let mut rows = statement.query([codec::key::encode(key)])?;
    rows.next()?.map(|row| versioned(kind, row, 0)).transpose()
}

pub(super) fn list(connection: &Connection, range: &Range, max: usize) -> Result<Listed, Fault> {
    let mut statement = connection.prepare_cached(sql::list(range.kind))?;
    let mut rows = statement.query(params![range.above, range.below, limit(max)])?;
    let mut listed = Listed::new();
    while let Some(row) = rows.next()? {
        let key = codec::key::decode(range.kind, blob(row, 0)?)?;
        listed.push((key, versioned(range.kind, row, 1)?));
    }
    Ok(listed)
}

pub(super) fn feed(
    connection: &Connection,
    after: u64,
    max: usize,
) -> Result<Vec<FeedEvent>, Fault> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql::FEED)?;
    let mut rows = statement.query(params![LANE, after, limit(max)])?;
    let mut events = vec![];
    while let Some(row) = rows.next()? {
        events.push(FeedEvent {
            lane: LANE,
            number: row.get::<_, i64>(0)?.cast_unsigned(),
            event: codec::decode_event(blob(row, 1)?)?,
            hash: row.get(2)?,
        });
    }
    Ok(events)
}

/// A revision and a body, from column `first` on.
fn versioned(kind: Kind, row: &Row<'_>, first: usize) -> Result<Versioned, Fault> {
    let revision = Revision(row.get::<_, i64>(first)?.cast_unsigned());
    Ok(Versioned { record: codec::decode(kind, blob(row, first + 1)?)?, revision })
}

fn blob<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r [u8], Fault> {
    Ok(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(why) => why.fmt(f),
            Self::Damaged(damaged) => damaged.fmt(f),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(why: rusqlite::Error) -> Self {
        Self::Sqlite(why)
    }
}

impl From<Damaged> for Fault {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged)
    }
}
