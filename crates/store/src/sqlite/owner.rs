//! One process writes to a store: it keeps the end of the event chain and the revisions in memory,
//! so a second writer would break both.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::schema::create_private;
use crate::open::OpenError;

/// Held as long as the store is open for writing. The system lets go of it when the process dies.
#[derive(Debug)]
pub(super) struct Owner(#[expect(dead_code, reason = "holds the lock")] File);

impl Owner {
    /// A file beside the store carries the lock: closing any handle of the store's own file would
    /// drop the locks that SQLite holds on it.
    pub(super) fn take(store: &Path) -> Result<Self, OpenError> {
        let path = beside(store, "-lock");
        let failed = |why| OpenError::failed(&path, why);
        create_private(&path).map_err(failed)?;
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(store.into())),
            Err(TryLockError::Error(why)) => Err(failed(why)),
        }
    }
}

/// `path` with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
