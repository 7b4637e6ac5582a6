//! The journal on disk: one JSON line per refusal, for `counterfoil explain`. Bounded: two files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use counterfoil_web::journal::{Entry, Journal};

/// Entries that wait for the disk; one more is dropped.
const WAITING_MAX: usize = 4096;
/// Size at which a file is put aside and the one before it forgotten.
const FILE_LEN_MAX: u64 = 8 * 1024 * 1024;

/// Hands entries to a thread of its own; never blocks a request.
#[derive(Debug)]
pub struct JournalFile(SyncSender<Entry>);

impl JournalFile {
    /// Appends to `path`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn open(path: PathBuf) -> std::io::Result<Self> {
        let (entries, waiting) = sync_channel(WAITING_MAX);
        std::thread::Builder::new().name("journal".into()).spawn(move || write(&path, &waiting))?;
        Ok(Self(entries))
    }
}

impl Journal for JournalFile {
    fn keep(&self, entry: Entry) {
        // A full queue drops the entry: looking back is a comfort, answering is not.
        let _ = self.0.try_send(entry);
    }

    fn wants_successes(&self) -> bool {
        false
    }
}

/// Where the file before the current one is.
fn previous(path: &Path) -> PathBuf {
    path.with_extension("1.jsonl")
}

fn write(path: &Path, entries: &Receiver<Entry>) {
    let mut batch = Vec::new();
    while let Ok(first) = entries.recv() {
        batch.clear();
        for entry in std::iter::once(first).chain(entries.try_iter().take(WAITING_MAX)) {
            if serde_json::to_writer(&mut batch, &entry).is_ok() {
                batch.push(b'\n');
            }
        }
        if std::fs::metadata(path).is_ok_and(|meta| meta.len() > FILE_LEN_MAX) {
            let _ = std::fs::rename(path, previous(path));
        }
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| file.write_all(&batch));
    }
}

/// The newest entry of that reference.
#[must_use]
pub fn find(path: &Path, reference: &str) -> Option<Entry> {
    let wanted = reference.to_ascii_uppercase();
    [path.to_owned(), previous(path)].into_iter().find_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        text.lines().rev().find_map(|line| {
            let entry: Entry = serde_json::from_str(line).ok()?;
            let hit = entry.reference == wanted || entry.request_id.eq_ignore_ascii_case(reference);
            hit.then_some(entry)
        })
    })
}
