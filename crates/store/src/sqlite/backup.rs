//! A copy of the store while it works. It has everything but the keys, which are not in the store.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::owner::{Owner, beside};
use super::schema::{create_private, open_reader, open_writer};

/// Why there is no copy.
pub type BackupError = Box<dyn Error + Send + Sync>;

/// Copies the store at `from` to `to`, which must not be there: a backup never replaces another one.
/// The copy has its name only once it is whole, checked and flushed. Also while a server works on the
/// store; blocks.
///
/// # Errors
/// When `to` is there already, or the copy cannot be made; then there is no `to`.
pub fn backup(from: &Path, to: &Path) -> Result<(), BackupError> {
    if to.try_exists()? {
        return Err(format!("{} is there already", to.display()).into());
    }
    let partial = beside(to, ".partial");
    match fs::remove_file(&partial) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why.into()),
        Ok(()) | Err(_) => create_private(&partial)?,
    }
    copy(from, &partial)?;
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, to)?;
    flush_folder(to)?;
    Ok(())
}

/// Puts a copy of `from` in the place of the store at `to`. What was there is moved aside, whole and in
/// one file, and returned. No server may work on it.
///
/// # Errors
/// When `to` is in use, or `from` cannot be copied; then `to` is as it was.
pub fn restore(from: &Path, to: &Path) -> Result<Option<PathBuf>, BackupError> {
    let owner = Owner::take(to)?;
    let incoming = beside(to, ".incoming");
    match fs::remove_file(&incoming) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why.into()),
        Ok(()) | Err(_) => {}
    }
    backup(from, &incoming)?;
    let aside = if to.try_exists()? { Some(move_aside(to)?) } else { None };
    fs::rename(&incoming, to)?;
    flush_folder(to)?;
    drop(owner);
    Ok(aside)
}

/// With its log folded in, where it can be opened; a damaged one is moved with its log.
fn move_aside(store: &Path) -> Result<PathBuf, BackupError> {
    if let Ok(connection) = open_writer(store) {
        connection.close().map_err(|(_, why)| why)?;
    }
    let free = |n: &u32| beside(store, &format!(".before-restore-{n}"));
    let mut names = (1..).map(|n| free(&n));
    let aside = names.find(|name| !name.exists()).ok_or("no name is free")?;
    for suffix in ["-wal", "-shm", ""] {
        match fs::rename(beside(store, suffix), beside(&aside, suffix)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why.into()),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(aside)
}

fn flush_folder(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// In one step, so on one snapshot: a copy in several steps starts again whenever something is
/// committed in between. Commits do not wait for it; the log grows meanwhile.
fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    let source = open_reader(from)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags)?;
    let step = Backup::new(&source, &mut target)?.step(-1)?;
    if step != StepResult::Done {
        return Err(format!("the copy stopped: {step:?}").into());
    }
    // One file, without a log beside it.
    let journal: String = target.query_row("pragma journal_mode = delete", [], |row| row.get(0))?;
    let check: String = target.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
    if journal != "delete" || check != "ok" {
        return Err(format!("the copy is not sound: {check}").into());
    }
    target.close().map_err(|(_, why)| why)?;
    Ok(())
}
