//! The floor's store: one writer that commits in groups, read connections on the workers.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::oneshot;

use crate::row;

/// Rows of one transaction, as in the server.
const GROUP_MAX: usize = 1_024;
const QUEUE_MAX: usize = 8_192;

/// A guarded write.
pub(super) enum Write {
    /// A row that must not be there yet, in this table.
    Insert(&'static str, Vec<u8>, Vec<u8>),
    /// A grant that must stand at this revision.
    Grant(Vec<u8>, i64, Vec<u8>),
}

/// Writes that belong together, and who waits for them.
type Waiting = (Vec<Write>, oneshot::Sender<bool>);

/// See the module.
pub(super) struct Store {
    path: PathBuf,
    queue: SyncSender<Waiting>,
}

thread_local! {
    static READER: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// A connection with the settings of the server's.
pub(crate) fn connect(path: &Path) -> Result<Connection, String> {
    let told = |e: rusqlite::Error| format!("{}: {e}", path.display());
    let connection = Connection::open(path).map_err(told)?;
    connection.execute_batch(row::PRAGMAS).map_err(told)?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(connection)
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let connection = connect(path)?;
        connection.execute_batch(row::TABLES).map_err(|e| e.to_string())?;
        let (queue, writes) = sync_channel(QUEUE_MAX);
        std::thread::Builder::new()
            .name("floor-writer".into())
            .spawn(move || work(&connection, &writes))
            .map_err(|e| e.to_string())?;
        Ok(Self { path: path.to_owned(), queue })
    }

    /// The grant of that id and its revision.
    pub(super) fn read(&self, key: &[u8]) -> Option<(i64, row::Row)> {
        READER.with_borrow_mut(|reader| {
            if reader.is_none() {
                *reader = connect(&self.path).ok();
            }
            let connection = reader.as_ref()?;
            let mut statement = connection
                .prepare_cached("select revision, body from grants where key = ?1")
                .ok()?;
            let mut rows = statement.query([key]).ok()?;
            let row = rows.next().ok()??;
            let body = row.get_ref(1).ok()?.as_blob().ok()?;
            Some((row.get(0).ok()?, row::Row::decode(body)?))
        })
    }

    /// Whether the guard held; known once it is on disk.
    pub(super) async fn write(&self, write: Write) -> bool {
        self.write_all(vec![write]).await
    }

    /// Whether every guard held.
    pub(super) async fn write_all(&self, writes: Vec<Write>) -> bool {
        let (answer, outcome) = oneshot::channel();
        self.queue.try_send((writes, answer)).is_ok() && outcome.await.unwrap_or(false)
    }
}

fn work(connection: &Connection, writes: &Receiver<Waiting>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while let Ok(first) = writes.recv() {
        let done = commit(connection, [first].into_iter().chain(writes.try_iter()), &mut group);
        for (answer, held) in group.drain(..) {
            let _ = answer.send(held && done.is_ok());
        }
    }
}

fn commit(
    connection: &Connection,
    writes: impl Iterator<Item = Waiting>,
    group: &mut Vec<(oneshot::Sender<bool>, bool)>,
) -> rusqlite::Result<()> {
    connection.prepare_cached("begin immediate")?.execute([])?;
    for (together, answer) in writes.take(GROUP_MAX) {
        let mut held = true;
        for write in &together {
            held &= one(connection, write)? == 1;
        }
        group.push((answer, held));
    }
    connection.prepare_cached("commit")?.execute([]).optional()?;
    Ok(())
}

fn one(connection: &Connection, write: &Write) -> rusqlite::Result<usize> {
    match write {
        Write::Insert(sql, key, body) => {
            connection.prepare_cached(sql)?.execute(params![key, body])
        }
        Write::Grant(key, revision, body) => connection
            .prepare_cached(
                "update grants set revision = ?3, body = ?4 where key = ?1 and revision = ?2",
            )?
            .execute(params![key, revision, revision + 1, body]),
    }
}
