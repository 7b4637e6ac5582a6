//! The backends under test.

use std::any::Any;
use std::path::PathBuf;

use counterfoil_engine::store::Store;
use counterfoil_store::{MemoryStore, Micros, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::conformance::Backend;

pub(crate) fn memory(micros: Micros) -> Box<dyn Backend> {
    Box::new(Memory(MemoryStore::new(micros)))
}

pub(crate) fn sqlite(micros: Micros) -> Box<dyn Backend> {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), micros).unwrap();
    Box::new(Sqlite { store, folder })
}

struct Memory(MemoryStore);

impl Backend for Memory {
    fn store(&self) -> &dyn Store {
        &self.0
    }

    fn reopen(self: Box<Self>, _: Micros) -> Option<Box<dyn Backend>> {
        None
    }

    fn stall(&self) -> Option<Box<dyn Any>> {
        None
    }
}

/// The store first, so that it is closed before its folder goes.
struct Sqlite {
    store: SqliteStore,
    folder: TempDir,
}

impl Sqlite {
    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }
}

impl Backend for Sqlite {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn reopen(self: Box<Self>, micros: Micros) -> Option<Box<dyn Backend>> {
        let path = self.path();
        let Self { store, folder } = *self;
        drop(store);
        let store = SqliteStore::open(&path, micros).unwrap();
        Some(Box::new(Self { store, folder }))
    }

    /// As another process that writes.
    fn stall(&self) -> Option<Box<dyn Any>> {
        let connection = Connection::open(self.path()).unwrap();
        connection.execute_batch("begin immediate").unwrap();
        Some(Box::new(connection))
    }
}
