//! What the store does when the disk does not: nothing is guessed, nothing is written afterwards.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterfoil_engine::store::{
    Batch, Change, ClaimKind, CommitError, Expected, Key, Record, Store, Unavailable,
};
use counterfoil_protocol::ids::{GrantId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_store::{Health, SqliteStore};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use crate::conformance::{Hands, block_on, samples};

fn store() -> (SqliteStore, PathBuf, TempDir) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(&path, Hands::at(Hands::START).micros()).unwrap();
    (store, path, folder)
}

fn claim(name: &str) -> Key {
    Key::Claim(TenantId::parse("bank").unwrap(), ClaimKind::Login, name.into())
}

fn create(key: Key, record: Record) -> Batch {
    let change = Change { key, expected: Expected::Absent, next: Some(record) };
    Batch { changes: vec![change], ..Batch::default() }
}

fn elsewhere(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn after_a_failed_write_nothing_more_is_written_and_reads_go_on() {
    let (store, path, _folder) = store();
    let owner = || Record::Claim("owner".into());
    block_on(store.commit(create(claim("before"), owner()))).unwrap();
    elsewhere(&path, "drop table grants");
    let grant = Key::Grant(TenantId::parse("bank").unwrap(), GrantId([1; 16]));
    let grant = create(grant, Record::Grant(Arc::new(samples::grant())));
    assert_eq!(block_on(store.commit(grant)), Err(CommitError::Unavailable));

    let again = store.commit(create(claim("after"), owner()));
    assert_eq!(block_on(again), Err(CommitError::Unavailable));
    assert_eq!(block_on(store.sweep(Moment(0), 1)), Err(Unavailable));
    let found = block_on(store.read(&[claim("before"), claim("after")])).unwrap();
    assert!(found[0].is_some() && found[1].is_none());
    let Health::Stopped { why } = store.health() else { unreachable!("it is ready") };
    assert!(why.contains("a write failed") && why.contains("grants"), "{why}");
}

#[test]
fn a_damaged_record_is_unavailable_and_named() {
    let (store, path, _folder) = store();
    block_on(store.commit(create(claim("a"), Record::Claim("owner".into())))).unwrap();
    block_on(store.commit(create(claim("b"), Record::Claim("owner".into())))).unwrap();
    elsewhere(&path, "update claims set body = x'0701' where key = x'62616e6b000161'");
    assert_eq!(block_on(store.read(&[claim("a")])), Err(Unavailable));
    assert_eq!(block_on(store.read(&[claim("b"), claim("a")])), Err(Unavailable));
    assert_eq!(store.last_fault().as_deref(), Some("damaged claim, format version 7"));
    // Its neighbours are read, and the store goes on.
    assert!(block_on(store.read(&[claim("b")])).unwrap()[0].is_some());
    assert_eq!(store.health(), Health::Ready);
}

#[test]
fn whoever_gives_up_waiting_changes_nothing_for_others() {
    let (store, _path, _folder) = store();
    for n in 0..10 {
        let mut abandoned = store.commit(create(claim(&format!("{n}")), Record::Claim("x".into())));
        let waker = std::task::Waker::noop();
        let _ = abandoned.as_mut().poll(&mut std::task::Context::from_waker(waker));
        drop(abandoned);
    }
    block_on(store.commit(create(claim("last"), Record::Claim("x".into())))).unwrap();
    assert!(
        block_on(store.read(&[claim("9"), claim("last")])).unwrap().iter().all(Option::is_some)
    );
}
