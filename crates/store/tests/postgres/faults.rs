//! What the store does when the server does not: nothing is guessed, and nothing has to be restarted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use counterfoil_engine::store::{
    Batch, Change, ClaimKind, CommitError, Expected, Guard, Key, Position, Record, Store, Versioned,
};
use counterfoil_protocol::ids::TenantId;
use counterfoil_store::{Health, PostgresStore};

use crate::backend::Place;
use crate::conformance::{Hands, block_on};
use crate::patience::{until, until_some};

fn opened(place: &Place) -> PostgresStore {
    PostgresStore::open(&place.url, Hands::at(Hands::START).micros()).unwrap()
}

fn claim(name: &str) -> Key {
    Key::Claim(TenantId::parse("bank").unwrap(), ClaimKind::Login, name.into())
}

fn owner(name: &str) -> Record {
    Record::Claim(name.into())
}

fn create(name: &str) -> Batch {
    let change =
        Change { key: claim(name), expected: Expected::Absent, next: Some(owner("someone")) };
    Batch { changes: vec![change], ..Batch::default() }
}

fn get(store: &PostgresStore, name: &str) -> Option<Versioned> {
    block_on(store.read(&[claim(name)])).unwrap().pop().flatten()
}

/// Asks until the store says yes; each no is a whole round trip or a pause of the store's own.
fn until_committed(store: &PostgresStore, name: &str) {
    let tried = AtomicUsize::new(0);
    until("a commit is taken", || {
        let n = tried.fetch_add(1, Ordering::Relaxed);
        let done = block_on(store.commit(create(&format!("{name} {n}"))));
        assert!(matches!(done, Ok(()) | Err(CommitError::Unavailable)), "{done:?}");
        done.is_ok()
    });
}

fn end_all(place: &Place) {
    let sessions = place.sessions();
    place.other().number(&format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where pid in {sessions}"
    ));
}

#[test]
fn connections_that_the_server_ends_are_had_again() {
    let place = Place::new();
    let store = opened(&place);
    block_on(store.commit(create("before"))).unwrap();
    end_all(&place);
    until_committed(&store, "after");
    // There are two readers, and each finds out by itself.
    let found = until_some("reads are answered", || block_on(store.read(&[claim("before")])).ok());
    assert!(found.into_iter().flatten().next().is_some());
    until("every connection is back", || store.health() == Health::Ready);
}

/// The transaction that is cut off has sent its commit or has not: nobody knows, and nobody says so.
#[test]
fn a_connection_lost_during_a_commit_is_unavailable_and_never_success() {
    let place = Place::new();
    let store = opened(&place);
    let other = place.other();
    other.run("begin; lock table claims in exclusive mode");
    let waiting = place.other();
    thread::scope(|scope| {
        let commit = scope.spawn(|| block_on(store.commit(create("cut off"))));
        let locked = "select count(*) from pg_locks where not granted";
        until("the commit waits for the lock", || waiting.number(locked) > 0);
        waiting.number("select count(pg_terminate_backend(pid)) from pg_locks where not granted");
        assert_eq!(commit.join().unwrap(), Err(CommitError::Unavailable));
    });
    other.run("rollback");
    until_committed(&store, "after");
    assert!(get(&store, "cut off").is_none());
}

/// A lane of a node whose connection died is not waited for, and its chain is not continued by two.
#[test]
fn after_a_lost_connection_every_chain_is_still_one() {
    let place = Place::new();
    let store = opened(&place);
    for round in 0..5 {
        for n in 0..20 {
            let batch = Batch {
                events: vec![crate::conformance::samples::event()],
                ..create(&format!("{round} {n}"))
            };
            // Whatever came of it: the chain must hold.
            let _ = block_on(store.commit(batch));
        }
        end_all(&place);
    }
    until_committed(&store, "end");
    let feed = || block_on(store.feed(Position::default(), 1_000)).ok();
    let events = until_some("the feed is answered", feed);
    assert!(!events.is_empty());
    crate::conformance::feed::verify(&events);
}

/// Two writers that lock in opposite orders: the server gives one up, and it is run anew.
#[test]
fn a_transaction_that_the_server_gives_up_is_run_anew() {
    let place = Place::new();
    let store = opened(&place);
    for name in ["a", "b"] {
        block_on(store.commit(create(name))).unwrap();
    }
    let stands = |name: &str| Expected::Revision(get(&store, name).unwrap().revision);
    let change =
        |name: &str| Change { key: claim(name), expected: stands(name), next: Some(owner("new")) };
    let batch = Batch { changes: vec![change("a"), change("b")], ..Batch::default() };
    let (other, watching) = (place.other(), place.other());
    // Looks long before it leaps: the store's transaction is the one that finds the circle.
    other.run("begin; set local deadlock_timeout = '20s'");
    other.run("update claims set bucket = 1 where key = '\\x62616e6b000162'");
    thread::scope(|scope| {
        let commit = scope.spawn(|| block_on(store.commit(batch)));
        let waits = format!("select count(*) {}", place.held_up());
        until("the commit waits for a lock", || watching.number(&waits) > 0);
        other.run("update claims set bucket = 1 where key = '\\x62616e6b000161'; commit");
        assert_eq!(commit.join().unwrap(), Ok(()));
    });
    assert_eq!(get(&store, "a").unwrap().record, owner("new"));
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    until("the server counts a deadlock", || {
        watching.run("select pg_stat_clear_snapshot()");
        watching.number(deadlocks) > 0
    });
}

/// What a batch was decided on being absent stays so until it is committed, also against somebody
/// who never heard of our locks.
#[test]
fn absence_is_held_until_the_commit() {
    let place = Place::new();
    let first = opened(&place);
    let second = opened(&place);
    for round in 0..50 {
        let (mine, yours) = (format!("mine {round}"), format!("yours {round}"));
        let taken_by = |who: &str, guard: &str| Batch {
            guards: vec![Guard { key: claim(guard), expected: Expected::Absent }],
            ..create(who)
        };
        // Each takes a name and insists that the other has not: at most one may.
        let (one, two) = thread::scope(|scope| {
            let one = scope.spawn(|| block_on(first.commit(taken_by(&mine, &yours))));
            let two = scope.spawn(|| block_on(second.commit(taken_by(&yours, &mine))));
            (one.join().unwrap(), two.join().unwrap())
        });
        let both = [get(&first, &mine), get(&first, &yours)];
        assert!(both.iter().flatten().count() < 2, "both were taken: {one:?} {two:?}");
    }
}

#[test]
fn two_nodes_never_give_out_the_same_revision() {
    let place = Place::new();
    let nodes = [Arc::new(opened(&place)), Arc::new(opened(&place))];
    let made = thread::scope(|scope| {
        let node = |at: usize| {
            let store = Arc::clone(&nodes[at]);
            scope.spawn(move || {
                let make = |n| {
                    let name = format!("{at} {n}");
                    block_on(store.commit(create(&name))).unwrap();
                    get(&store, &name).unwrap().revision
                };
                (0..200).map(make).collect::<Vec<_>>()
            })
        };
        let threads = [node(0), node(1)];
        threads.map(|thread| thread.join().unwrap()).concat()
    });
    let mut unique = made.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), made.len());
}

/// In turns on two nodes: each change stands above the one before, whoever made it.
#[test]
fn a_record_that_two_nodes_change_in_turn_only_grows() {
    let place = Place::new();
    let nodes = [opened(&place), opened(&place)];
    block_on(nodes[0].commit(create("ball"))).unwrap();
    let mut last = get(&nodes[0], "ball").unwrap().revision;
    for round in 0..40 {
        let node = &nodes[round % 2];
        let next = Some(owner(&round.to_string()));
        let change = Change { key: claim("ball"), expected: Expected::Revision(last), next };
        block_on(node.commit(Batch { changes: vec![change], ..Batch::default() })).unwrap();
        let found = get(&nodes[(round + 1) % 2], "ball").unwrap();
        assert_eq!(found.record, owner(&round.to_string()));
        assert!(found.revision > last);
        last = found.revision;
    }
}
