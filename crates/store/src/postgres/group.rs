//! One transaction for many batches, in two round trips: lock and look, then write and commit.
//!
//! Every guard is a row check under a row lock that lasts until the commit, so READ COMMITTED
//! suffices (S2). Rows are locked in one order by everybody, and inserts come after all locks, so
//! lanes do not wait for each other in a circle; should the server find one all the same, it gives
//! one of them up, and that one is run anew as a whole. A guard that missed is never run anew.

use std::time::Duration;

use counterfoil_engine::store::{Expected, Revision};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::decide::{Outcome, Records, Write};
use super::revisions::wanted;
use super::session::{Session, Trouble};
use super::shared::Shared;
use super::statements::{self as sql, Prepared, Verb};
use super::together::{Sending, together};
use crate::chain::Head;
use crate::encoded::Encoded;
use crate::kind::Kind;
use crate::limits::{POSTGRES_ATTEMPTS_MAX, POSTGRES_LANES_MAX, POSTGRES_REVISIONS_RESERVED};

/// One lane: a connection, its number, the end of its chain.
pub(super) struct Committer {
    pub(super) session: Session,
    prepared: Prepared,
    lane: i16,
    head: Head,
}

type Asked<'a> = Sending<'a, Result<Vec<Row>, tokio_postgres::Error>>;
type Parameters<'a> = [&'a (dyn ToSql + Sync)];

/// The rows of one kind that are written in one way, as columns.
struct Rows<'g> {
    verb: Verb,
    kind: Kind,
    keys: Vec<&'g [u8]>,
    revisions: Vec<i64>,
    buckets: Vec<Option<i64>>,
    bodies: Vec<&'g [u8]>,
}

/// The events of a group, as columns.
#[derive(Default)]
struct Events<'g> {
    numbers: Vec<i64>,
    revisions: Vec<i64>,
    bodies: Vec<&'g [u8]>,
    hashes: Vec<Vec<u8>>,
    heard: Vec<bool>,
}

impl Committer {
    /// Takes the first lane that nobody has. It is ours as long as this connection lives; one whose
    /// holder has just died is not waited for.
    pub(super) async fn claim(session: Session, shared: &Shared) -> Result<Self, Trouble> {
        let mut prepared = Prepared::default();
        let store = shared.number();
        let claim = prepared.text(&session.client, sql::CLAIM).await?;
        let mut lane = 0;
        while lane < POSTGRES_LANES_MAX {
            let number = i32::from(lane);
            let values: [&(dyn ToSql + Sync); 2] = [&store, &number];
            let asked = session.client.query_one(&claim, &values);
            if Session::within(asked).await?.try_get(0)? {
                break;
            }
            lane += 1;
        }
        Session::within(session.client.execute(sql::ADD_LANE, &[&lane])).await?;
        let head = Session::within(session.client.query_opt(sql::HEAD, &[&lane])).await?;
        let head = match head {
            None => Head::default(),
            Some(row) => Head {
                number: row.try_get::<_, i64>(0)?.cast_unsigned(),
                hash: row.try_get::<_, &[u8]>(1)?.try_into().unwrap_or_default(),
            },
        };
        Ok(Self { session, prepared, lane, head })
    }

    /// Commits what can be committed of these batches. After an error, nothing is known, unless the
    /// error says that it is; the connection is of no more use.
    pub(super) async fn commit(
        &mut self,
        batches: &[Encoded],
        shared: &Shared,
    ) -> Result<Vec<Outcome>, Trouble> {
        let mut attempt = 0;
        loop {
            let first = self.revisions(batches, shared).await?;
            let trouble = match self.attempt(batches, first).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(trouble) => trouble,
            };
            let again = trouble.is_worth_another_try() || trouble.is_taken();
            attempt += 1;
            if !again || attempt > POSTGRES_ATTEMPTS_MAX {
                return Err(trouble);
            }
            Session::within(self.session.client.batch_execute(sql::ROLLBACK)).await?;
            // Lanes of several nodes that met once should not meet again at once.
            let jitter = shared.micros() % 8 + u64::from(self.lane.unsigned_abs() % 8);
            let pause = Duration::from_millis(u64::from(attempt) * jitter);
            let _ = timeout(pause, std::future::pending::<()>()).await;
        }
    }

    async fn revisions(&mut self, batches: &[Encoded], shared: &Shared) -> Result<u64, Trouble> {
        let changes = batches.iter().flat_map(|batch| &batch.changes);
        let expected = changes.filter_map(|(named, _)| match named.expected {
            Expected::Revision(revision) => Some(revision.0),
            Expected::Absent => None,
        });
        let above = expected.max().unwrap_or_default();
        let micros = shared.micros();
        let known = above.min(u64::MAX / 4);
        loop {
            if let Some(first) = shared.span.take(batches.len(), known, micros) {
                return Ok(first);
            }
            let reserve = self.prepared.text(&self.session.client, sql::RESERVE).await?;
            let mark = wanted(above, micros);
            let span = POSTGRES_REVISIONS_RESERVED.cast_signed();
            let values: [&(dyn ToSql + Sync); 2] = [&mark, &span];
            let asked = self.session.client.query_one(&reserve, &values);
            let mark = Session::within(asked).await?.try_get::<_, i64>(0)?;
            shared.span.extend(mark.cast_unsigned());
            if known > mark.cast_unsigned() {
                // An expectation that nobody can have: it will not hold, and needs no number.
                return shared.span.take(batches.len(), 0, micros).ok_or(Trouble::Silent);
            }
        }
    }

    async fn attempt(&mut self, batches: &[Encoded], first: u64) -> Result<Vec<Outcome>, Trouble> {
        let mut records = Records::of(batches.iter());
        self.lock(&mut records).await?;
        let mut head = self.head;
        let mut events = Events::default();
        let decided = batches.iter().zip(first..).map(|(batch, revision)| {
            let outcome = records.decide(batch, Revision(revision));
            if outcome == Outcome::Done {
                let heard = is_for_others(batch);
                for body in &batch.events {
                    head = head.after(body);
                    events.numbers.push(head.number.cast_signed());
                    events.revisions.push(revision.cast_signed());
                    events.bodies.push(body);
                    events.hashes.push(head.hash.to_vec());
                    events.heard.push(heard);
                }
            }
            outcome
        });
        let outcomes: Vec<Outcome> = decided.collect();
        self.write(rows(&records), events).await?;
        self.head = head;
        Ok(outcomes)
    }

    /// Begins, and learns where the records stand. They do not move until the end.
    async fn lock<'g>(&mut self, records: &mut Records<'g>) -> Result<(), Trouble> {
        let client = &self.session.client;
        let begin = self.prepared.text(client, sql::BEGIN).await?;
        let to_lock = records.to_lock();
        let mut statements = vec![];
        for (kind, changes, _) in &to_lock {
            let verb = if *changes { Verb::Take } else { Verb::Hold };
            statements.push(self.prepared.of(client, verb, *kind).await?);
        }
        let parameters: Vec<[&(dyn ToSql + Sync); 1]> =
            to_lock.iter().map(|(_, _, keys)| [keys as &(dyn ToSql + Sync)]).collect();
        let mut sending = vec![ask(client, &begin, &[])];
        for (statement, parameters) in statements.iter().zip(&parameters) {
            sending.push(ask(client, statement, parameters));
        }
        let mut answers = exchange(sending).await?;
        answers.remove(0);
        for ((kind, _, keys), rows) in to_lock.iter().zip(answers) {
            for row in rows {
                let revision = Revision(row.try_get::<_, i64>(1)?.cast_unsigned());
                if let Ok(at) = keys.binary_search(&row.try_get(0)?) {
                    records.found(*kind, keys[at], revision);
                }
            }
        }
        Ok(())
    }

    /// Writes and commits. When anything fails, the commit that follows it changes nothing.
    async fn write(&mut self, rows: Vec<Rows<'_>>, events: Events<'_>) -> Result<(), Trouble> {
        let client = &self.session.client;
        let mut statements = vec![];
        for rows in &rows {
            statements.push(self.prepared.of(client, rows.verb, rows.kind).await?);
        }
        let insert_events = match events.numbers.is_empty() {
            true => None,
            false => Some(self.prepared.text(client, sql::INSERT_EVENTS).await?),
        };
        let commit = self.prepared.text(client, sql::COMMIT).await?;
        let columns: Vec<_> = rows.iter().map(Rows::parameters).collect();
        let Events { numbers, revisions, bodies, hashes, heard } = &events;
        let of_events: [&(dyn ToSql + Sync); 6] =
            [&self.lane, numbers, revisions, bodies, hashes, heard];
        let mut sending = vec![];
        for (statement, columns) in statements.iter().zip(&columns) {
            sending.push(ask(client, statement, columns));
        }
        if let Some(insert_events) = &insert_events {
            sending.push(ask(client, insert_events, &of_events));
        }
        sending.push(ask(client, &commit, &[]));
        self.session.surely(exchange(sending)).await.map(|_| ())
    }
}

/// Whether it changes what other processes keep in memory.
fn is_for_others(batch: &Encoded) -> bool {
    batch.changes.iter().any(|(named, _)| Kind::REMEMBERED.contains(&named.kind))
}

fn ask<'a>(client: &'a Client, statement: &'a Statement, with: &'a Parameters<'a>) -> Asked<'a> {
    Box::pin(client.query(statement, with))
}

/// One round trip. The first failure is the one that says why.
async fn exchange(sending: Vec<Asked<'_>>) -> Result<Vec<Vec<Row>>, Trouble> {
    let all = async { together(sending).await.into_iter().collect() };
    Session::within(all).await
}

/// Inserts of every kind, then updates, then deletes: nobody waits for a row after an insert.
fn rows<'g>(records: &Records<'g>) -> Vec<Rows<'g>> {
    const EMPTY: &[u8] = &[];
    let mut all: Vec<Rows<'g>> = vec![];
    let mut add = |verb, kind, key, revision: Revision, bucket, body| {
        let at = all.iter().position(|rows| rows.verb == verb && rows.kind == kind);
        let at = at.unwrap_or_else(|| {
            all.push(Rows::new(verb, kind));
            all.len() - 1
        });
        all[at].push(key, revision, bucket, body);
    };
    for ((kind, key), write) in records.writes() {
        match write {
            Write::Insert(revision, next) => {
                add(Verb::Insert, kind, key, revision, next.bucket, &*next.body);
            }
            Write::Update(revision, next) => {
                add(Verb::Update, kind, key, revision, next.bucket, &*next.body);
            }
            Write::Delete => add(Verb::Delete, kind, key, Revision(0), None, EMPTY),
            // Taking the key and letting go of it keeps everybody else from it until the commit.
            Write::Absent => {
                add(Verb::Insert, kind, key, Revision(0), None, EMPTY);
                add(Verb::Delete, kind, key, Revision(0), None, EMPTY);
            }
        }
    }
    all.sort_by_key(|rows| match rows.verb {
        Verb::Insert => 0,
        Verb::Update => 1,
        Verb::Delete | Verb::Hold | Verb::Take => 2,
    });
    all
}

impl<'g> Rows<'g> {
    fn new(verb: Verb, kind: Kind) -> Self {
        Self { verb, kind, keys: vec![], revisions: vec![], buckets: vec![], bodies: vec![] }
    }

    fn push(&mut self, key: &'g [u8], revision: Revision, bucket: Option<i64>, body: &'g [u8]) {
        self.keys.push(key);
        self.revisions.push(revision.0.cast_signed());
        self.buckets.push(bucket);
        self.bodies.push(body);
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        match self.verb {
            Verb::Insert | Verb::Update => {
                vec![&self.keys, &self.revisions, &self.buckets, &self.bodies]
            }
            Verb::Delete | Verb::Hold | Verb::Take => vec![&self.keys],
        }
    }
}
