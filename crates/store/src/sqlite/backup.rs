//! A copy of the store while it works. It has everything but the keys, which are not in the store.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::owner::beside;
use super::schema::{create_private, open_reader};

/// Why there is no copy.
pub type BackupError = Box<dyn Error + Send + Sync>;

/// Copies `from` to `to`, which must not be there: a backup never replaces another one. The copy has
/// its name only once it is whole, checked and flushed.
pub(super) fn backup(from: &Path, to: &Path) -> Result<(), BackupError> {
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
    match to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all()?,
        None => File::open(".")?.sync_all()?,
    }
    Ok(())
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
