//! The store in one SQLite file: a writer that commits in groups, readers beside it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterfoil_engine::store::{
    Batch, BoxFuture, CommitError, FeedEvent, Key, Listed, Page, Position, Query, Store, Swept,
    Unavailable, Versioned,
};
use counterfoil_protocol::moment::Moment;
use tokio::task::yield_now;

use crate::chain::LANE;
use crate::codec;
use crate::codec::key::Range;
use crate::encoded::{self, Encoded};
use crate::health::{Condition, Health};
use crate::kind::Kind;
use crate::limits::{LIST_STEP_MAX, SWEEP_STEP_MAX};
use crate::open::OpenError;
use crate::revisions::Micros;

mod statements;
mod schema;
mod owner;
mod cache;
mod prepared;
mod stands;
mod group;
mod folding;
mod writer;
mod reader;
mod backup;
mod examine;
mod mark;

pub use backup::{BackupError, backup, restore};
pub use examine::{Report, examine};
pub use folding::LogPages;

use cache::Cache;
use folding::Folding;
use group::{Outcome, Work};
use owner::Owner;
use reader::Readers;
use writer::Writer;

/// See the module.
pub struct SqliteStore {
    path: PathBuf,
    readers: Readers,
    cache: Arc<Cache>,
    /// `None` when it was opened read-only.
    writer: Option<Writer>,
    condition: Arc<Condition>,
}

impl SqliteStore {
    /// Opens the store at `path`, or makes an empty one. No other process may write to it meanwhile.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path, micros: Micros) -> Result<Self, OpenError> {
        Self::open_with(path, micros, LogPages::of_process())
    }

    /// The same, with a log that is folded more often or less.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_with(path: &Path, micros: Micros, pages: LogPages) -> Result<Self, OpenError> {
        let owner = Arc::new(Owner::take(path)?);
        let mut connection = schema::open_writer(path)?;
        let condition = Arc::new(Condition::default());
        let readers = Readers::open(path, Arc::clone(&condition))?;
        let folding = Folding::start(&mut connection, path, (pages, &condition, &owner))?;
        let cache = Arc::new(Cache::default());
        let hands = writer::Hands { connection, folding, owner, micros, cache: Arc::clone(&cache) };
        let writer = Writer::start(hands, Arc::clone(&condition))
            .map_err(|why| OpenError::failed(path, why))?;
        Ok(Self { path: path.into(), readers, cache, writer: Some(writer), condition })
    }

    /// Opens the store at `path` for reading, also while a server works on it.
    ///
    /// # Errors
    /// [`OpenError`], also when there is no store.
    pub fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        let condition = Arc::new(Condition::default());
        condition.stop("opened read-only");
        let readers = Readers::open(path, Arc::clone(&condition))?;
        let cache = Arc::default();
        Ok(Self { path: path.into(), readers, cache, writer: None, condition })
    }

    /// Whether it takes commits.
    #[must_use]
    pub fn health(&self) -> Health {
        self.condition.health()
    }

    /// The last thing that went wrong with a single request: a damaged record, a failed read.
    #[must_use]
    pub fn last_fault(&self) -> Option<Box<str>> {
        self.condition.last_fault()
    }

    /// Copies the store to a new file while it works, whole and as of one moment. Blocks.
    ///
    /// # Errors
    /// When `to` is there already, or the copy cannot be made; then there is no `to`.
    pub fn backup_to(&self, to: &Path) -> Result<(), BackupError> {
        backup::backup(&self.path, to)
    }

    /// Answers what is queued, folds the log into the file and lets go of it. Blocks. Afterwards
    /// everything is unavailable.
    pub fn close(&self) {
        // First, so that the writer's is the last connection and removes the log.
        self.readers.close();
        if let Some(writer) = &self.writer {
            writer.close();
        }
        self.cache.forget_all();
    }

    /// A single grant may come from the cache; several keys come from one snapshot of the file. One
    /// that is opened read-only knows nothing of the writer, and keeps nothing.
    fn look(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        let [key] = keys else {
            return self.readers.run(|connection| reader::read(connection, keys));
        };
        let kind = Kind::of(key);
        if !Cache::keeps(kind) || self.writer.is_none() {
            return self.readers.run(|connection| reader::read(connection, keys));
        }
        let name = codec::key::encode(key);
        match self.cache.get(&name) {
            Ok(hit) => Ok(vec![Some(hit)]),
            Err(since) => {
                let found = self.readers.run(|connection| reader::read(connection, keys))?;
                if let [Some(found)] = found.as_slice() {
                    self.cache.keep(&name, found, since);
                }
                Ok(found)
            }
        }
    }

    async fn ask(&self, work: Work) -> Option<Outcome> {
        self.writer.as_ref()?.ask(work).await
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.path.display())
    }
}

impl Store for SqliteStore {
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Versioned>>, Unavailable>> {
        Box::pin(async move { self.look(keys) })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            let encoded = Encoded::of(&batch).map_err(|damaged| {
                self.condition.note(damaged);
                CommitError::Unavailable
            })?;
            match self.ask(Work::Commit(encoded)).await {
                Some(Outcome::Done(_)) => Ok(()),
                Some(Outcome::Conflict(index)) => Err(encoded::conflict(batch, index)),
                None => Err(CommitError::Unavailable),
            }
        })
    }

    fn list(&self, query: Query, page: Page) -> BoxFuture<'_, Result<Listed, Unavailable>> {
        Box::pin(async move {
            let mut listed = Listed::new();
            let mut after = page.after;
            while let Some(range) = Range::of(&query, after.as_ref()) {
                let step = LIST_STEP_MAX.min(page.max - listed.len());
                let part = self.readers.run(|connection| reader::list(connection, &range, step))?;
                let ended = part.len() < step;
                listed.extend(part);
                if ended || listed.len() == page.max {
                    break;
                }
                after = listed.last().map(|(key, _)| key.clone());
                yield_now().await;
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
            let known = after.0.iter().find(|(lane, _)| *lane == LANE).map_or(0, |(_, n)| *n);
            let mut events = vec![];
            loop {
                let step = LIST_STEP_MAX.min(max - events.len());
                let after = known + events.len() as u64;
                let part = self.readers.run(|connection| reader::feed(connection, after, step))?;
                let ended = part.len() < step;
                events.extend(part);
                if ended || events.len() == max {
                    return Ok(events);
                }
                yield_now().await;
            }
        })
    }

    fn sweep(&self, now: Moment, max: usize) -> BoxFuture<'_, Result<Swept, Unavailable>> {
        Box::pin(async move {
            let mut records = 0;
            loop {
                let step = SWEEP_STEP_MAX.min(max - records);
                // Each step queues up anew, behind the commits that came meanwhile (S10).
                match self.ask(Work::Sweep { now, max: step }).await {
                    Some(Outcome::Done(freed)) => {
                        records += freed;
                        if freed < step || records == max {
                            return Ok(Swept { records, more: freed == step });
                        }
                    }
                    Some(Outcome::Conflict(_)) | None => return Err(Unavailable),
                }
            }
        })
    }
}
