//! The store at a PostgreSQL server, which several nodes share: a few lanes that commit in groups,
//! readers beside them, two desks for everything else. All of it on one thread with a runtime of its
//! own, so that callers need none.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use counterfoil_engine::store::{
    Batch, BoxFuture, CommitError, FeedEvent, Key, Listed, Page, Position, Query, Revision, Store,
    Swept, Unavailable, Versioned,
};
use counterfoil_protocol::moment::Moment;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio_postgres::Row;

use crate::bucket;
use crate::codec::key::Range;
use crate::codec::{self, Damaged};
use crate::encoded::{self, Encoded};
use crate::health::Health;
use crate::kind::Kind;
use crate::limits::{LIST_STEP_MAX, SWEEP_STEP_MAX};
use crate::open::OpenError;
use crate::revisions::Micros;

mod address;
mod tls;
mod session;
mod schema;
mod statements;
mod revisions;
mod shared;
mod together;
mod decide;
mod group;
mod lane;
mod reader;
mod desk;
mod nodes;
mod mark;
mod thread;

pub use address::without_password;
pub use nodes::{Listening, Node, Other};
pub use schema::{Plan, STEPS, Step};

use address::Address;
use decide::Outcome;
use desk::Value;
use lane::Waiting;
use schema::Schema;
use session::{Session, Troubles};
use shared::Shared;
use thread::Parts;

/// See the module.
pub struct PostgresStore {
    shared: Arc<Shared>,
    parts: Parts,
    next_reader: AtomicUsize,
    knows: i64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl PostgresStore {
    /// Opens the store at `url`, and makes its tables where there are none. Blocks until every
    /// connection stands.
    ///
    /// # Errors
    /// [`OpenError`]: what was tried, what was found, what to do.
    pub fn open(url: &str, micros: Micros) -> Result<Self, OpenError> {
        Self::open_knowing(url, micros, STEPS)
    }

    /// Whether the URL can be understood, its certificate file included. Asks nobody.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn check(url: &str) -> Result<(), OpenError> {
        Address::parse(url).map(|_| ())
    }

    /// Opens it as a program that knows these steps of the schema.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_knowing(
        url: &str,
        micros: Micros,
        steps: &'static [Step],
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(Address::parse(url)?, micros));
        let (parts, thread) = thread::start(&shared, steps)?;
        let knows = steps.last().map_or(0, |step| step.version);
        let thread = Mutex::new(Some(thread));
        Ok(Self { shared, parts, next_reader: AtomicUsize::new(0), knows, thread })
    }

    /// Which steps the tables at `url` lack.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn plan(url: &str, steps: &'static [Step]) -> Result<Plan, OpenError> {
        Self::migrating(url, steps, false)
    }

    /// Takes the steps that can be taken now, and says what was left before.
    ///
    /// # Errors
    /// [`OpenError`]; the steps before the one that failed have been taken.
    pub fn migrate(url: &str, steps: &'static [Step]) -> Result<Plan, OpenError> {
        Self::migrating(url, steps, true)
    }

    fn migrating(url: &str, steps: &'static [Step], take: bool) -> Result<Plan, OpenError> {
        let address = Address::parse(url)?;
        let failed = |why| OpenError::unreachable(&address, why, "look at what the system lacks");
        let work = async {
            let found = Session::open(&address).await;
            let session = found.map_err(|why: Troubles| why.at_start(&address))?;
            let schema = Schema { session: &session, address: &address, steps };
            let plan = schema.plan().await?;
            if take {
                schema.run_all().await?;
            }
            Ok(plan)
        };
        thread::run(work, failed)
    }

    /// Whether it takes commits and reads now.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// The last thing that went wrong with a request: a damaged record, a lost connection.
    #[must_use]
    pub fn last_fault(&self) -> Option<Box<str>> {
        self.shared.last_fault()
    }

    /// Answers what is queued and lets go of the connections. Blocks. Afterwards everything is
    /// unavailable.
    pub fn close(&self) {
        self.shared.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Fails only when the thread has panicked, and then it has ended as well.
            let _ = thread.join();
        }
    }

    /// The batches of one record meet in one lane, so that rivals within a node never wait for each
    /// other's locks. What names no record goes to the first one, so that it stays in order.
    fn lane(&self, batch: &Encoded) -> &UnboundedSender<Waiting> {
        let at = batch.changes.first().map_or(0, |(named, _)| {
            let mut hasher = DefaultHasher::new();
            (named.kind, &named.key).hash(&mut hasher);
            usize::try_from(hasher.finish() % self.parts.lanes.len() as u64).unwrap_or_default()
        });
        &self.parts.lanes[at]
    }

    async fn look(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        if keys.is_empty() {
            return Ok(vec![]);
        }
        if self.shared.is_left_behind() {
            return Err(Unavailable);
        }
        let at = self.next_reader.fetch_add(1, Ordering::Relaxed) % self.parts.readers.len();
        let wanted = keys.iter().map(|key| (Kind::of(key), codec::key::encode(key))).collect();
        let (answer, found) = oneshot::channel();
        self.parts.readers[at].try_send((wanted, answer)).map_err(|_| Unavailable)?;
        let found = found.await.map_err(|_| Unavailable)?;
        let one = |(key, found): (&Key, reader::Found)| {
            let decoded = found.map(|(revision, body)| {
                let record = codec::decode(Kind::of(key), &body)?;
                Ok(Versioned { record, revision: Revision(revision.cast_unsigned()) })
            });
            decoded.transpose()
        };
        let found: Result<_, Damaged> = keys.iter().zip(found).map(one).collect();
        found.map_err(|damaged| self.unavailable(damaged))
    }

    async fn list_step(&self, range: &Range, max: usize) -> Result<Listed, Unavailable> {
        let values: Vec<Value> = vec![
            Box::new(range.above.clone()),
            Box::new(range.below.clone()),
            Box::new(limit(max)),
        ];
        let rows = self.desk(statements::list(range.kind), values).await?;
        let one = |row: &Row| {
            let key = codec::key::decode(range.kind, row.try_get(0)?)?;
            let revision = Revision(row.try_get::<_, i64>(1)?.cast_unsigned());
            let record = codec::decode(range.kind, row.try_get(2)?)?;
            Ok((key, Versioned { record, revision }))
        };
        let listed: Result<_, Fault> = rows.iter().map(one).collect();
        listed.map_err(|fault| self.unavailable(fault))
    }

    async fn feed_step(&self, after: &Position, max: usize) -> Result<Vec<FeedEvent>, Unavailable> {
        let rows = self.desk(statements::FEED, beyond(after, max)).await?;
        let one = |row: &Row| {
            let wrong = Damaged { what: "event", version: None };
            let hash: &[u8] = row.try_get(3)?;
            Ok(FeedEvent {
                lane: row.try_get::<_, i16>(0)?.cast_unsigned(),
                number: row.try_get::<_, i64>(1)?.cast_unsigned(),
                event: codec::decode_event(row.try_get(2)?)?,
                hash: hash.try_into().map_err(|_| wrong)?,
            })
        };
        let events: Result<_, Fault> = rows.iter().map(one).collect();
        events.map_err(|fault| self.unavailable(fault))
    }

    async fn sweep_step(&self, now: Moment, max: usize) -> Result<usize, Unavailable> {
        let minute = codec::key::from_minute(bucket::first_minute_kept(now)).to_vec();
        let values: Vec<Value> = vec![Box::new(minute), Box::new(limit(max))];
        let mut freed = self.count(statements::sweep_below(Kind::Replay), values).await?;
        for kind in Kind::IN_BUCKETS {
            if freed == max {
                break;
            }
            let values: Vec<Value> =
                vec![Box::new(bucket::first_kept(now)), Box::new(limit(max - freed))];
            freed += self.count(statements::sweep_buckets(kind), values).await?;
        }
        Ok(freed)
    }

    async fn count(&self, text: String, values: Vec<Value>) -> Result<usize, Unavailable> {
        let rows = self.desk(text, values).await?;
        let count: i64 = match rows.first() {
            Some(row) => row.try_get(0).map_err(|why| self.unavailable(Fault::Postgres(why)))?,
            None => 0,
        };
        Ok(usize::try_from(count).unwrap_or_default())
    }

    async fn desk(
        &self,
        text: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Unavailable> {
        desk::ask(&self.parts.desk, text, values).await.ok_or(Unavailable)
    }

    fn unavailable(&self, fault: impl fmt::Display) -> Unavailable {
        self.shared.note(fault);
        Unavailable
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shared.address)
    }
}

impl Store for PostgresStore {
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Versioned>>, Unavailable>> {
        Box::pin(self.look(keys))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            let encoded = Encoded::of(&batch).map_err(|damaged| {
                self.shared.note(damaged);
                CommitError::Unavailable
            })?;
            if !self.shared.admit() {
                return Err(CommitError::Unavailable);
            }
            let (answer, outcome) = oneshot::channel();
            if self.lane(&encoded).send((encoded, answer)).is_err() {
                self.shared.answered(1);
                return Err(CommitError::Unavailable);
            }
            match outcome.await {
                Ok(Outcome::Done) => Ok(()),
                Ok(Outcome::Conflict(index)) => Err(encoded::conflict(batch, index)),
                Err(_) => Err(CommitError::Unavailable),
            }
        })
    }

    fn list(&self, query: Query, page: Page) -> BoxFuture<'_, Result<Listed, Unavailable>> {
        Box::pin(async move {
            let mut listed = Listed::new();
            let mut after = page.after;
            while let Some(range) = Range::of(&query, after.as_ref()) {
                let step = LIST_STEP_MAX.min(page.max - listed.len());
                let part = self.list_step(&range, step).await?;
                let ended = part.len() < step;
                listed.extend(part);
                if ended || listed.len() == page.max {
                    break;
                }
                after = listed.last().map(|(key, _)| key.clone());
            }
            Ok(listed)
        })
    }

    fn feed(
        &self,
        after: Position,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<FeedEvent>, Unavailable>> {
        Box::pin(async move {
            let (mut after, mut events) = (after, vec![]);
            loop {
                let step = LIST_STEP_MAX.min(max - events.len());
                let part = self.feed_step(&after, step).await?;
                let ended = part.len() < step;
                part.iter().for_each(|event| after.advance(event.lane, event.number));
                events.extend(part);
                if ended || events.len() == max {
                    return Ok(events);
                }
            }
        })
    }

    fn sweep(&self, now: Moment, max: usize) -> BoxFuture<'_, Result<Swept, Unavailable>> {
        Box::pin(async move {
            let mut records = 0;
            loop {
                let step = SWEEP_STEP_MAX.min(max - records);
                let freed = self.sweep_step(now, step).await?;
                records += freed;
                if freed < step || records == max {
                    return Ok(Swept { records, more: freed == step });
                }
            }
        })
    }
}

/// Why an answer of the server is of no use.
enum Fault {
    Postgres(tokio_postgres::Error),
    Damaged(Damaged),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(why) => f.write_str(&address::told(why)),
            Self::Damaged(damaged) => damaged.fmt(f),
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(why: tokio_postgres::Error) -> Self {
        Self::Postgres(why)
    }
}

impl From<Damaged> for Fault {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged)
    }
}

/// What a statement of the feed wants to know.
fn beyond(after: &Position, max: usize) -> Vec<Value> {
    let known = |(lane, _): &&(u16, u64)| i16::try_from(*lane).is_ok();
    let lanes: Vec<i16> =
        after.0.iter().filter(known).map(|(lane, _)| lane.cast_signed()).collect();
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let numbers: Vec<i64> = after.0.iter().filter(known).map(|(_, n)| number(*n)).collect();
    vec![Box::new(lanes), Box::new(numbers), Box::new(limit(max))]
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}
