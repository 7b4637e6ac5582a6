//! Connections: how they are opened, configured and recognised, and the schema they find.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::statements::SCHEMA;
use crate::limits::{BUSY_TIMEOUT_MS, STATEMENTS_MAX};
use crate::open::OpenError;

/// Says in the file's header whose it is: "CFOL".
const APPLICATION: i64 = 0x4346_4f4c;
/// Step n leads from schema version n to n + 1. A step that was shipped is never changed.
pub(super) const STEPS: &[&str] = &[include_str!("schema.sql"), include_str!("schema_2.sql")];
/// The version after the last step.
pub(super) const KNOWN: i64 = STEPS.len().cast_signed() as i64;

/// Nothing is answered before it is flushed: the log is written ahead and synced at every commit, by
/// macOS too. It is folded into the file by [`super::folding`], and given back when a burst is over.
const WRITER: &str = "
    pragma synchronous = full;
    pragma fullfsync = on;
    pragma checkpoint_fullfsync = on;
    pragma wal_autocheckpoint = 0;
    pragma journal_size_limit = 67108864;
    pragma temp_store = memory;
    pragma cache_size = -8192;
";

/// The inner pages of a table of millions fit into the cache; leaves come from the system's. Nothing
/// is mapped: every connection would map the whole file, and count it as memory of this process.
const READER: &str = "
    pragma query_only = on;
    pragma temp_store = memory;
    pragma cache_size = -8192;
";

/// The connection that writes: makes the file if it is not there, brings its schema up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    create_private(path).map_err(|why| OpenError::failed(path, why))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = open(path, flags)?;
    let found = version(&connection, path)?;
    if found > KNOWN {
        return Err(OpenError::Newer { path: path.into(), found, known: KNOWN });
    }
    let failed = |why| OpenError::failed(path, why);
    let journal: String =
        connection.query_row("pragma journal_mode = wal", [], |row| row.get(0)).map_err(failed)?;
    connection.execute_batch(WRITER).map_err(failed)?;
    let synchronous: i64 =
        connection.query_row("pragma synchronous", [], |row| row.get(0)).map_err(failed)?;
    if journal != "wal" || synchronous != 2 {
        return Err(OpenError::NotDurable(path.into()));
    }
    fold(&connection).map_err(failed)?;
    migrate(&mut connection, found).map_err(failed)?;
    Ok(connection)
}

/// The connection that folds the log of the store at `path` into the file.
pub(super) fn open_folding(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    connection.execute_batch(WRITER).map_err(|why| OpenError::failed(path, why))?;
    Ok(connection)
}

/// A connection that reads. The file must be there and its schema up to date.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    if !path.try_exists().map_err(|why| OpenError::failed(path, why))? {
        return Err(OpenError::Missing(path.into()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    connection.execute_batch(READER).map_err(|why| OpenError::failed(path, why))?;
    let found = version(&connection, path)?;
    match found.cmp(&KNOWN) {
        std::cmp::Ordering::Equal => Ok(connection),
        std::cmp::Ordering::Greater => {
            Err(OpenError::Newer { path: path.into(), found, known: KNOWN })
        }
        std::cmp::Ordering::Less => {
            Err(OpenError::Older { path: path.into(), found, known: KNOWN })
        }
    }
}

/// Makes a file that only its owner can read, because salts and hashes lie in it. One that is there
/// is left as it is.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why),
    }
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, OpenError> {
    let failed = |why| OpenError::failed(path, why);
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// The schema version of a file; 0 for an empty one.
fn version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let one = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let read = || match one("pragma application_id")? {
        APPLICATION => one(SCHEMA).map(Some),
        0 if one("select count(*) from sqlite_schema")? == 0 => Ok(Some(0)),
        _ => Ok(None),
    };
    match read() {
        Ok(Some(version)) => Ok(version),
        Ok(None) => Err(OpenError::Foreign(path.into())),
        Err(why) if why.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(OpenError::Foreign(path.into()))
        }
        Err(why) => Err(OpenError::failed(path, why)),
    }
}

/// Folds a log that an earlier process has left into the file, with writes and flushes of our own.
/// That process may have died of a failed flush: then the system takes the log for flushed and never
/// writes it again, and what follows it would be lost with it at the next power failure. Nothing may
/// be built upon a log that only looks durable.
fn fold(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
}

/// Folds what is in the log just now, and waits for nobody.
pub(super) fn fold_part(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
}

/// Closing this connection neither folds the log nor removes it: the next start does.
pub(super) fn leave_log(connection: &Connection) {
    // Fails only where SQLite does not know the setting.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

fn migrate(connection: &mut Connection, found: i64) -> rusqlite::Result<()> {
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(STEPS.len())) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_ahead_and_flushed_at_every_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let writer = open_writer(&path).unwrap();
        let text = |connection: &Connection, name: &str| {
            connection
                .query_row(&format!("pragma {name}"), [], |row| row.get::<_, String>(0))
                .unwrap()
        };
        let number = |connection: &Connection, name: &str| {
            connection.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!(text(&writer, "journal_mode"), "wal");
        assert_eq!(number(&writer, "synchronous"), 2);
        assert_eq!(number(&writer, "fullfsync"), 1);
        assert_eq!(number(&writer, "checkpoint_fullfsync"), 1);
        assert_eq!(number(&writer, "wal_autocheckpoint"), 0);
        let reader = open_reader(&path).unwrap();
        assert_eq!(number(&reader, "query_only"), 1);
        assert!(reader.execute("delete from meta", []).is_err());
    }

    #[test]
    fn every_table_is_strict_and_ordered_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let writer = open_writer(&folder.path().join("store.db")).unwrap();
        let loose: i64 = writer
            .query_row(
                "select count(*) from pragma_table_list
                 where schema = 'main' and name not like 'sqlite_%' and (strict = 0 or wr = 0)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(loose, 0);
    }
}
