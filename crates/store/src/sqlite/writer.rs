//! The writer: one thread owns the connection that writes, and callers are answered after the flush.
//!
//! It blocks for the first batch, takes what has queued up behind it, and commits all of it at once.
//! Groups form by themselves while the disk works; a lone batch waits for nobody.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::cache::Cache;
use super::folding::{self, Folding};
use super::group::{Committer, Outcome, Work};
use super::owner::Owner;
use super::schema;
use crate::health::Condition;
use crate::limits::{GROUP_MAX, QUEUE_MAX};
use crate::revisions::Micros;

/// What the writer's thread owns, and the cache it keeps honest.
pub(super) struct Hands {
    pub(super) connection: Connection,
    pub(super) folding: Folding,
    pub(super) owner: Arc<Owner>,
    pub(super) micros: Micros,
    pub(super) cache: Arc<Cache>,
}

/// The callers' end of the writer.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    closing: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    /// Whoever finds the other end dropped knows nothing about the outcome.
    Work(Work, oneshot::Sender<Outcome>),
    Close,
}

impl Writer {
    pub(super) fn start(hands: Hands, condition: Arc<Condition>) -> io::Result<Self> {
        let Hands { mut connection, folding, owner, micros, cache } = hands;
        let (queue, messages) = sync_channel(QUEUE_MAX);
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || {
            // However the thread ends, from here on the store takes no commits.
            let ended = Ended(condition);
            let done = work(&connection, micros, (&cache, &ended.0), &messages);
            folding.end(&mut connection);
            // After an error no flush of this process proves anything any more, one at the end of it
            // least of all.
            if done.is_err() || ended.0.is_stopped() {
                schema::leave_log(&connection);
            }
            match done {
                Ok(()) => ended.0.stop("closed"),
                Err(why) => ended.0.stop(format_args!("a write failed: {why}")),
            }
            // In this order: the last connection folds the log into the file and removes it, and
            // only then may another process write.
            drop(connection);
            drop(owner);
        })?;
        Ok(Self { queue, closing: AtomicBool::new(false), thread: Mutex::new(Some(thread)) })
    }

    /// The outcome, once it is on disk. `None` at once when the queue is full or the writer has
    /// stopped; `None` later when nobody knows.
    pub(super) async fn ask(&self, work: Work) -> Option<Outcome> {
        let (answer, outcome) = oneshot::channel();
        if self.closing.load(Ordering::Acquire) {
            return None;
        }
        self.queue.try_send(Message::Work(work, answer)).ok()?;
        outcome.await.ok()
    }

    /// Lets everything in the queue be answered and waits until the file is closed.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            // Fails only when the thread has ended already.
            let _ = self.queue.send(Message::Close);
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

struct Ended(Arc<Condition>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.stop("the writer panicked");
    }
}

/// Until the queue is closed, or something failed: then the disk is in an unknown state, and nothing
/// may be built upon it. No write follows a failed flush.
fn work(
    connection: &Connection,
    micros: Micros,
    (cache, condition): (&Cache, &Condition),
    messages: &Receiver<Message>,
) -> rusqlite::Result<()> {
    let mut committer = Committer::load(connection, micros)?;
    let mut group = Vec::with_capacity(GROUP_MAX);
    let mut open = true;
    while open && let Ok(first) = messages.recv() {
        for message in [first].into_iter().chain(messages.try_iter().take(GROUP_MAX - 1)) {
            match message {
                Message::Work(work, answer) => group.push((work, answer)),
                Message::Close => open = false,
            }
        }
        if group.is_empty() {
            continue;
        }
        if condition.is_stopped() {
            return Err(folding::stopped());
        }
        match committer.begin() {
            Ok(()) => {}
            // Another process holds the lock for too long. Nothing was written, so only this group
            // is told that the store is unavailable.
            Err(why) if why.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                group.clear();
                continue;
            }
            Err(why) => return Err(why),
        }
        cache.forget(group.iter().map(|(work, _)| work));
        let outcomes = committer.group(group.iter().map(|(work, _)| work));
        // Also when it failed: what is in the file now is not known here.
        cache.forget(group.iter().map(|(work, _)| work));
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            // A write for which there is no space fails before anything counts, and nothing was
            // flushed. The group is told that the store is unavailable; the next one tries again.
            Err(why) if why.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                committer.take_back()?;
                condition.interrupted(Some(&why));
                group.clear();
                continue;
            }
            Err(why) => return Err(why),
        };
        // Work that changed nothing, such as a sweep of nothing, does not show that there is space.
        if group.iter().zip(&outcomes).any(|((work, _), outcome)| wrote(work, *outcome)) {
            condition.interrupted(None);
        }
        for ((_, answer), outcome) in group.drain(..).zip(outcomes) {
            // A caller that has gone needs no answer.
            let _ = answer.send(outcome);
        }
    }
    committer.settle()
}

/// Whether something was written.
fn wrote(work: &Work, outcome: Outcome) -> bool {
    match (work, outcome) {
        (_, Outcome::Conflict(_)) => false,
        (Work::Commit(batch), Outcome::Done(_)) => {
            !batch.changes.is_empty() || !batch.events.is_empty()
        }
        (Work::Sweep { .. }, Outcome::Done(freed)) => freed > 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use counterfoil_engine::store::Batch;

    use super::*;
    use crate::conformance::block_on;
    use crate::encoded::Encoded;
    use crate::health::Health;
    use crate::sqlite::folding::LogPages;

    #[test]
    fn a_lock_that_another_process_holds_is_unavailable_and_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let owner = Arc::new(Owner::take(&path).unwrap());
        let mut connection = schema::open_writer(&path).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        let condition = Arc::new(Condition::default());
        let folding =
            Folding::start(&mut connection, &path, (LogPages::SHIPPED, &condition, &owner))
                .unwrap();
        let time = crate::conformance::Hands::at(crate::conformance::Hands::START);
        let (micros, cache) = (time.micros(), Arc::default());
        let hands = Hands { connection, folding, owner, micros, cache };
        let writer = Writer::start(hands, Arc::clone(&condition)).unwrap();
        let work = || Work::Commit(Encoded::of(&Batch::default()).unwrap());

        let other = Connection::open(&path).unwrap();
        other.execute_batch("begin immediate").unwrap();
        assert_eq!(block_on(writer.ask(work())), None);
        assert_eq!(condition.health(), Health::Ready);
        other.execute_batch("rollback").unwrap();
        assert_eq!(block_on(writer.ask(work())), Some(Outcome::Done(0)));
        writer.close();
        assert_eq!(block_on(writer.ask(work())), None);
    }
}
