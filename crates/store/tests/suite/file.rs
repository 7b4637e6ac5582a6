//! The file: who may open it, what is beside it, and copies of it.

use std::fs;
use std::path::Path;

use counterfoil_engine::store::{
    Batch, Change, CommitError, Expected, Key, Page, Query, Store, Versioned,
};
use counterfoil_store::{Health, OpenError, SqliteStore, open};
use rusqlite::Connection;
use tempfile::tempdir;

use crate::conformance::{Hands, block_on, samples};

fn opened(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Hands::at(Hands::START).micros()).unwrap()
}

fn refusal(path: &Path) -> OpenError {
    SqliteStore::open(path, Hands::at(Hands::START).micros()).unwrap_err()
}

/// One record of every kind, and an event.
fn fill(store: &dyn Store) {
    let change = |(key, record)| Change { key, expected: Expected::Absent, next: Some(record) };
    let changes = samples::all().into_iter().map(change).collect();
    let batch = Batch { guards: vec![], changes, events: vec![samples::event()] };
    block_on(store.commit(batch)).unwrap();
}

fn contents(store: &dyn Store) -> Vec<Option<Versioned>> {
    let keys: Vec<Key> = samples::all().into_iter().map(|(key, _)| key).collect();
    keys.chunks(4).flat_map(|keys| block_on(store.read(keys)).unwrap()).collect()
}

#[test]
fn a_store_is_opened_by_its_url() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.db").display().to_string();
    let micros = || Hands::at(Hands::START).micros();
    for url in [format!("sqlite:{file}"), format!("sqlite://{file}"), file] {
        let opened = open(&url, micros()).unwrap();
        assert_eq!(opened.health(), Health::Ready);
        assert_eq!(block_on(opened.store().commit(Batch::default())), Ok(()));
        opened.close();
        assert_ne!(opened.health(), Health::Ready);
    }
    let opened = open("memory:", micros()).unwrap();
    assert_eq!(block_on(opened.store().commit(Batch::default())), Ok(()));
    assert_eq!(opened.health(), Health::Ready);
}

#[test]
fn an_unknown_scheme_says_what_is_supported_and_keeps_the_password() {
    let micros = || Hands::at(Hands::START).micros();
    let refused = open("mysql://user:hunter2@host/db", micros()).unwrap_err().to_string();
    assert!(refused.contains("`mysql:`") && refused.contains("`sqlite:PATH`"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
    assert!(matches!(open("memory:x", micros()), Err(OpenError::Unsupported(_))));
    assert!(matches!(open("sqlite:", micros()), Err(OpenError::NoPath)));
    assert!(matches!(open("", micros()), Err(OpenError::NoPath)));
    let missing = tempdir().unwrap().path().join("no/such/folder/a.db");
    assert!(matches!(refusal(&missing), OpenError::Failed { .. }));
}

#[test]
fn a_store_has_one_writer() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = opened(&path);
    assert!(matches!(refusal(&path), OpenError::InUse(_)));
    drop(store);
    drop(opened(&path));
}

#[test]
fn a_later_schema_is_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(opened(&path));
    let connection = Connection::open(&path).unwrap();
    connection.execute("update meta set value = 3 where name = 'schema'", []).unwrap();
    drop(connection);
    let refused = refusal(&path);
    assert!(matches!(refused, OpenError::Newer { found: 3, known: 2, .. }), "{refused}");
    assert!(refused.to_string().contains("schema version 3"), "{refused}");
    let refused = SqliteStore::open_read_only(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 3, known: 2, .. }), "{refused}");
}

#[test]
fn a_foreign_file_is_refused_and_left_as_it_is() {
    let folder = tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    let words = "not a database, but long enough to be taken for the header of one".repeat(4);
    fs::write(&text, &words).unwrap();
    assert!(matches!(refusal(&text), OpenError::Foreign(_)));
    assert_eq!(fs::read_to_string(&text).unwrap(), words);

    let other = folder.path().join("other.db");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("create table meta (name text, value any)").unwrap();
    drop(connection);
    let before = fs::read(&other).unwrap();
    assert!(matches!(refusal(&other), OpenError::Foreign(_)));
    assert!(matches!(SqliteStore::open_read_only(&other), Err(OpenError::Foreign(_))));
    assert_eq!(fs::read(&other).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempdir().unwrap();
    let store = opened(&folder.path().join("a.db"));
    fill(&store);
    store.backup_to(&folder.path().join("copy.db")).unwrap();
    let mut names = vec![];
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        names.push(file.file_name().into_string().unwrap());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{names:?}");
    }
    names.sort();
    assert_eq!(names, ["a.db", "a.db-lock", "a.db-shm", "a.db-wal", "copy.db"]);
}

#[test]
fn a_closed_store_is_one_file_and_answers_nothing() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = opened(&path);
    fill(&store);
    for (key, _) in samples::all() {
        assert!(block_on(store.read(&[key])).unwrap()[0].is_some());
    }
    store.close();
    assert!(!folder.path().join("a.db-wal").exists());
    assert_eq!(store.health(), Health::Stopped { why: "closed".into() });
    assert_eq!(block_on(store.commit(Batch::default())), Err(CommitError::Unavailable));
    assert!(block_on(store.read(&[])).is_err());
    for (key, _) in samples::all() {
        assert!(block_on(store.read(&[key])).is_err());
    }
    store.close();
    let alone = folder.path().join("moved.db");
    fs::rename(&path, &alone).unwrap();
    assert!(contents(&opened(&alone)).iter().all(Option::is_some));
}

#[test]
fn a_reader_beside_the_server_sees_what_was_committed() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    assert!(matches!(SqliteStore::open_read_only(&path), Err(OpenError::Missing(_))));
    let store = opened(&path);
    let reader = SqliteStore::open_read_only(&path).unwrap();
    assert!(contents(&reader).iter().all(Option::is_none));
    fill(&store);
    assert_eq!(contents(&reader), contents(&store));
    let page = Page { after: None, max: 10 };
    assert_eq!(block_on(reader.list(Query::Tenants, page)).unwrap().len(), 1);
    assert_eq!(block_on(reader.commit(Batch::default())), Err(CommitError::Unavailable));
    assert_eq!(reader.health(), Health::Stopped { why: "opened read-only".into() });
    // Nor does it keep the server from stopping, or starting again.
    drop(store);
    assert!(contents(&reader).iter().all(Option::is_some));
    drop(opened(&path));
}

#[test]
fn a_store_that_nobody_has_open_can_be_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = opened(&path);
    fill(&store);
    drop(store);
    assert!(contents(&SqliteStore::open_read_only(&path).unwrap()).iter().all(Option::is_some));
}

#[test]
fn a_backup_is_whole_and_never_replaces_another() {
    let folder = tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    let store = opened(&path);
    fill(&store);
    // What a backup that was cut off has left.
    fs::write(folder.path().join("copy.db.partial"), "half").unwrap();
    store.backup_to(&copy).unwrap();
    let before = fs::read(&copy).unwrap();
    assert!(store.backup_to(&copy).is_err());
    assert_eq!(fs::read(&copy).unwrap(), before);
    let copied = opened(&copy);
    assert_eq!(contents(&copied), contents(&store));
    // It is a store of its own from here on.
    assert_eq!(block_on(copied.commit(Batch::default())), Ok(()));
    assert!(!folder.path().join("copy.db.partial").exists());
}
