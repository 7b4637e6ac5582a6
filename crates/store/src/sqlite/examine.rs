//! Looks at a whole store: is it sound, can every record be read, does the chain of events hold?

use std::path::Path;

use counterfoil_protocol::moment::Moment;
use rusqlite::Connection;

use super::mark;
use super::reader::Fault;
use super::schema::open_reader;
use super::statements as sql;
use crate::chain::{Head, LANE};
use crate::codec;
use crate::kind::Kind;
use crate::mark::Mark;
use crate::open::OpenError;

/// Faults that are told one by one; whoever has more has more than a few.
const FAULTS_MAX: usize = 20;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How far the store has come.
    pub mark: Mark,
    /// When its newest event happened.
    pub newest: Option<Moment>,
    /// Records of each kind.
    pub records: Vec<(Kind, u64)>,
    /// Events.
    pub events: u64,
    /// What is wrong with it, at most a few of each.
    pub faults: Vec<String>,
}

/// Reads everything in the store at `path`, also while a server works on it. Takes as long as
/// reading the file takes.
///
/// # Errors
/// When it cannot be opened, or not be read at all.
pub fn examine(path: &Path) -> Result<Report, OpenError> {
    let connection = open_reader(path)?;
    looked_at(&connection).map_err(|why| OpenError::failed(path, why.to_string()))
}

/// In one transaction, so that counts and chain belong together.
fn looked_at(connection: &Connection) -> Result<Report, Fault> {
    connection.prepare_cached(sql::BEGIN_READ)?.execute([])?;
    let mark = mark::read(connection)?;
    let mut report = Report { mark, newest: None, records: vec![], events: 0, faults: vec![] };
    structure(connection, &mut report)?;
    for kind in Kind::ALL {
        let count = records(connection, kind, &mut report)?;
        report.records.push((kind, count));
    }
    chain(connection, &mut report)?;
    connection.prepare_cached(sql::COMMIT)?.execute([])?;
    Ok(report)
}

/// SQLite's own look at its pages and indexes.
fn structure(connection: &Connection, report: &mut Report) -> Result<(), Fault> {
    let mut check = connection.prepare("pragma integrity_check(20)")?;
    let mut rows = check.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            report.fault(line);
        }
    }
    Ok(())
}

fn records(connection: &Connection, kind: Kind, report: &mut Report) -> Result<u64, Fault> {
    let mut all = connection.prepare(sql::all(kind))?;
    let mut rows = all.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        let key = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if let Err(damaged) = codec::key::decode(kind, key) {
            report.fault(format!("the key of a {}: {damaged}", kind.name()));
        }
        if let Err(damaged) = codec::decode(kind, body) {
            report.fault(damaged.to_string());
        }
    }
    Ok(count)
}

/// Every event follows the one before it: gapless, and its hash covers both.
fn chain(connection: &Connection, report: &mut Report) -> Result<(), Fault> {
    let mut all = connection.prepare(sql::CHAIN)?;
    let mut rows = all.query([LANE])?;
    let mut head = Head::default();
    while let Some(row) = rows.next()? {
        let number = row.get::<_, i64>(0)?.cast_unsigned();
        let body = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let hash: [u8; 32] = row.get(2)?;
        let expected = head.after(body);
        if number != expected.number {
            report.fault(format!("event {number} stands where {} should", expected.number));
        } else if hash != expected.hash {
            report.fault(format!("event {number} is not the one that was written"));
        }
        match codec::decode_event(body) {
            Ok(event) => report.newest = Some(event.at),
            Err(damaged) => report.fault(format!("event {number}: {damaged}")),
        }
        report.events += 1;
        head = Head { number, hash };
    }
    Ok(())
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(what);
        }
    }
}
