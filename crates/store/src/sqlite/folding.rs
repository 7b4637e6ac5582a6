//! Folding the log into the file beside the commits.
//!
//! Left to itself SQLite folds the whole log inside the commit that crosses a bound, and whoever
//! commits meanwhile waits for tens of megabytes. So a thread with a connection of its own folds what
//! has come, a part at a time; the commit that crosses the bound finds little left to fold, and the
//! log begins anew. Neither makes anybody wait for a lock: while one folds, the other lets it.
//!
//! What is folded is durable in the log: it shows nothing to other connections before its flush. What
//! was folded while commits went on is not flushed in the file yet, and SQLite counts it as folded all
//! the same; the flush of a later part covers it. So nothing may follow a flush that failed, not even
//! another try: the log stays as it is, and the next start folds all of it anew.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use rusqlite::hooks::Wal;
use rusqlite::{Connection, Error, ErrorCode, ffi};

use super::owner::Owner;
use super::schema;
use crate::health::Condition;
use crate::limits::{LOG_PAGES_MAX, LOG_PAGES_PART};
use crate::open::OpenError;

/// When the log is folded, in pages of it.
#[derive(Clone, Copy, Debug)]
pub struct LogPages {
    /// So many more, and a part is folded beside the commits.
    pub part: i32,
    /// So many, and the commit folds what is left.
    pub max: i32,
}

static OF_PROCESS: OnceLock<LogPages> = OnceLock::new();

impl LogPages {
    /// As shipped.
    pub const SHIPPED: Self = Self { part: LOG_PAGES_PART, max: LOG_PAGES_MAX };

    /// For every store that this process opens afterwards without saying: so that a harness sees in a
    /// short run what takes megabytes otherwise. Only the first call counts.
    pub fn set_for_process(self) {
        let _ = OF_PROCESS.set(self);
    }

    pub(super) fn of_process() -> Self {
        OF_PROCESS.get().copied().unwrap_or(Self::SHIPPED)
    }
}

/// The thread, while it works.
pub(super) struct Folding(JoinHandle<()>);

impl Folding {
    /// From now on the log of `writer`, the connection that writes to the store at `path`, is folded.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) fn start(
        writer: &mut Connection,
        path: &Path,
        (pages, condition, owner): (LogPages, &Arc<Condition>, &Arc<Owner>),
    ) -> Result<Self, OpenError> {
        // One part that waits is enough: it takes all there is.
        let (more, parts) = sync_channel(1);
        let connection = schema::open_folding(path)?;
        let (told, owner) = (Arc::clone(condition), Arc::clone(owner));
        let thread = thread::Builder::new().name("store-folding".into()).spawn(move || {
            for () in parts {
                if passed(&told, schema::fold_part(&connection)).is_err() {
                    schema::leave_log(&connection);
                    break;
                }
            }
            // No other process may write before this one has let go of the file.
            drop(connection);
            drop(owner);
        });
        let thread = thread.map_err(|why| OpenError::failed(path, why))?;
        let mut log = Log { pages, folded: 0, more, condition: Arc::clone(condition) };
        let hook = move |wal: &mut Wal, pages| log.grew(pages, || wal.checkpoint());
        writer.wal_hook(Some(hook)).map_err(|why| OpenError::failed(path, why))?;
        Ok(Self(thread))
    }

    /// Nothing is folded any more when this returns, and the thread's connection is closed.
    pub(super) fn end(self, writer: &mut Connection) {
        // With the hook goes what the thread waits for. Neither can fail in a way that matters here:
        // the writer's connection is closed next.
        let _ = writer.wal_hook(None::<fn(&mut Wal, i32) -> rusqlite::Result<()>>);
        let _ = self.0.join();
    }
}

/// What a writer is told once the store has stopped.
pub(super) fn stopped() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), None)
}

/// The log as the writer sees it after each commit.
struct Log {
    pages: LogPages,
    /// At how many pages the thread was told last.
    folded: i32,
    more: SyncSender<()>,
    condition: Arc<Condition>,
}

impl Log {
    /// Called when a commit is on disk and nobody was answered yet. After an error nobody is, and the
    /// writer stops.
    fn grew(
        &mut self,
        pages: i32,
        fold: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        if self.condition.is_stopped() {
            return Err(stopped());
        }
        // It began anew.
        if pages < self.folded {
            self.folded = 0;
        }
        if pages - self.folded >= self.pages.part {
            self.folded = pages;
            // Full: the part that waits will take this too. Closed: the bound is left.
            let _ = self.more.try_send(());
        }
        if pages >= self.pages.max { passed(&self.condition, fold()) } else { Ok(()) }
    }
}

/// What could not be folded stays in the log and is folded the next time, if somebody else folds just
/// now, or the file cannot grow. Everything else stops the store.
fn passed(condition: &Condition, folded: rusqlite::Result<()>) -> rusqlite::Result<()> {
    match folded.as_ref().map_err(Error::sqlite_error_code) {
        Ok(()) | Err(Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull)) => Ok(()),
        Err(_) => folded.inspect_err(|why| {
            condition.stop(format_args!("the log could not be folded into the file: {why}"));
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Health;

    const SMALL: LogPages = LogPages { part: 10, max: 40 };
    const PARTS_ONLY: LogPages = LogPages { part: 10, max: i32::MAX };
    const BOUND_ONLY: LogPages = LogPages { part: i32::MAX, max: 40 };

    fn log(more: SyncSender<()>) -> Log {
        Log { pages: SMALL, folded: 0, more, condition: Arc::default() }
    }

    #[test]
    fn the_thread_is_told_of_every_part_and_the_commit_folds_at_the_bound() {
        let (more, parts) = sync_channel(1);
        let mut log = log(more);
        let mut told = |pages| {
            let mut folds = false;
            let fold = || {
                folds = true;
                Ok(())
            };
            log.grew(pages, fold).unwrap();
            (folds, parts.try_recv().is_ok())
        };
        assert_eq!(told(9), (false, false));
        assert_eq!(told(10), (false, true));
        assert_eq!(told(11), (false, false));
        assert_eq!(told(30), (false, true));
        // The log began anew.
        assert_eq!(told(1), (false, false));
        assert_eq!(told(10), (false, true));
        assert_eq!(told(40), (true, true));
        assert_eq!(told(41), (true, false));
    }

    #[test]
    fn an_error_of_the_device_stops_the_store_and_a_full_disk_does_not() {
        let failure = |code| Err(Error::SqliteFailure(ffi::Error::new(code), None));
        let mut log = log(sync_channel(1).0);
        assert!(log.grew(40, || failure(ffi::SQLITE_BUSY)).is_ok());
        assert!(log.grew(40, || failure(ffi::SQLITE_FULL)).is_ok());
        assert_eq!(log.condition.health(), Health::Ready);
        assert!(log.grew(40, || failure(ffi::SQLITE_IOERR_FSYNC)).is_err());
        let Health::Stopped { why } = log.condition.health() else { panic!("it goes on") };
        assert!(why.starts_with("the log could not be folded"), "{why}");
        assert!(log.grew(1, || Ok(())).is_err(), "nothing follows");
    }

    /// The lengths of log and file after a thousand pages, before the last connection is closed.
    fn lengths(pages: LogPages) -> (u64, u64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let owner = Arc::new(Owner::take(&path).unwrap());
        let mut writer = schema::open_writer(&path).unwrap();
        let condition = Arc::default();
        let folding = Folding::start(&mut writer, &path, (pages, &condition, &owner)).unwrap();
        writer.execute_batch("create table t (n integer primary key, body blob)").unwrap();
        for _ in 0..200 {
            writer.execute("insert into t(body) values (zeroblob(20000))", []).unwrap();
        }
        folding.end(&mut writer);
        let len = |name| std::fs::metadata(folder.path().join(name)).unwrap().len();
        let lengths = (len("store.db-wal"), len("store.db"));
        drop(writer);
        assert!(!folder.path().join("store.db-wal").exists());
        assert_eq!(condition.health(), Health::Ready);
        lengths
    }

    #[test]
    fn the_log_is_bounded_by_the_commits_and_emptied_by_the_thread() {
        let (log, _) = lengths(BOUND_ONLY);
        assert!(log < 60 * 4_120, "{log} bytes");
        let (_, file) = lengths(PARTS_ONLY);
        // All but the last part and what came while it was folded, which nothing bounds.
        assert!(file > 4_096 * 100, "{file} bytes");
    }
}
