//! The journal on disk: one JSON line per refusal, for `counterfoil explain`. Bounded: two files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use counterfoil_web::journal::{Entry, Journal};

/// Bytes that wait for the disk, some thousands of entries; what does not fit is dropped.
const WAITING_LEN_MAX: usize = 1024 * 1024;
/// How long entries gather before they are written: looking back can wait, and a write for each of
/// them costs more than the answer it is about.
const GATHERING: Duration = Duration::from_millis(10);
/// Size at which a file is put aside and the one before it forgotten.
const FILE_LEN_MAX: u64 = 8 * 1024 * 1024;

/// Gives entries to a thread of its own; never waits for the disk. What waits is written before it is
/// dropped.
#[derive(Debug)]
pub struct JournalFile {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    closing: bool,
}

impl JournalFile {
    /// Appends to `path`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn open(path: PathBuf) -> std::io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let work = desk.clone();
        let thread =
            std::thread::Builder::new().name("journal".into()).spawn(move || work.write(&path))?;
        Ok(Self { desk, thread: Some(thread) })
    }
}

impl Journal for JournalFile {
    fn keep(&self, entry: &Entry<'_>) {
        let mut line = Vec::with_capacity(512);
        if serde_json::to_writer(&mut line, entry).is_err() {
            return;
        }
        line.push(b'\n');
        let mut waiting = self.desk.waiting();
        // No room: looking back is a comfort, answering is not.
        if waiting.lines.len() + line.len() <= WAITING_LEN_MAX {
            let first = waiting.lines.is_empty();
            waiting.lines.extend_from_slice(&line);
            drop(waiting);
            if first {
                self.desk.changed.notify_one();
            }
        }
    }

    fn wants_successes(&self) -> bool {
        false
    }
}

impl Drop for JournalFile {
    fn drop(&mut self) {
        self.desk.waiting().closing = true;
        self.desk.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until it is closed: waits for a first entry, lets others gather, writes them all.
    fn write(&self, path: &Path) {
        let mut lines = Vec::new();
        loop {
            let idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.closing;
            let waiting = self.changed.wait_while(self.waiting(), idle);
            let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            let gathered =
                self.changed.wait_timeout_while(waiting, GATHERING, |waiting| !waiting.closing);
            let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut waiting.lines, &mut lines);
            let closing = waiting.closing;
            drop(waiting);
            append(path, &lines);
            lines.clear();
            if closing {
                return;
            }
        }
    }
}

fn append(path: &Path, lines: &[u8]) {
    if lines.is_empty() {
        return;
    }
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() > FILE_LEN_MAX) {
        let _ = std::fs::rename(path, previous(path));
    }
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let _ = file.and_then(|mut file| file.write_all(lines));
}

/// Where the file before the current one is.
fn previous(path: &Path) -> PathBuf {
    path.with_extension("1.jsonl")
}

/// The newest entry of that reference.
#[must_use]
pub fn find(path: &Path, reference: &str) -> Option<Entry<'static>> {
    let wanted = reference.to_ascii_uppercase();
    [path.to_owned(), previous(path)].into_iter().find_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        text.lines().rev().find_map(|line| {
            let entry: Entry<'static> = serde_json::from_str(line).ok()?;
            let hit = entry.reference == wanted || entry.request_id.eq_ignore_ascii_case(reference);
            hit.then_some(entry)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(reference: &str) -> Entry<'_> {
        Entry { reference: reference.into(), ..Entry::default() }
    }

    #[test]
    fn what_was_kept_is_found_once_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let journal = JournalFile::open(path.clone()).unwrap();
        journal.keep(&entry("AAAA-0000"));
        journal.keep(&entry("AAAA-0001"));
        drop(journal);
        for reference in ["aaaa-0000", "AAAA-0001"] {
            assert!(find(&path, reference).is_some(), "{reference}");
        }
        assert!(find(&path, "AAAA-0002").is_none());
    }

    #[test]
    fn what_waits_is_bounded() {
        let desk = Arc::new(Desk::default());
        let journal = JournalFile { desk: desk.clone(), thread: None };
        let long = "A".repeat(WAITING_LEN_MAX / 3);
        (0..4).for_each(|_| journal.keep(&entry(&long)));
        let waiting = desk.waiting().lines.len();
        assert!(waiting > 0 && waiting <= WAITING_LEN_MAX, "{waiting}");
    }
}
