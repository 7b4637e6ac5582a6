//! S1, S2, S4: a batch is all or nothing, and happens only when what it was decided on still stands.

use counterfoil_engine::store::{Batch, Change, CommitError, Expected, Position, Record, Revision};

use super::{
    Open, batch, block_on, commit, create, get, guard, name, opened, owner, put, samples, standing,
};

const OTHER: Expected = Expected::Revision(Revision(7));

/// S1, with a miss in the last of several changes.
pub fn a_batch_is_all_or_nothing(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    put(store, name("taken"), owner(1));
    let before = standing(store, &name("taken"));
    let changes = vec![
        create(name("new"), owner(1)),
        Change { key: name("taken"), expected: before, next: Some(owner(2)) },
        create(name("last"), owner(1)),
    ];
    let good = Batch { guards: vec![], changes, events: vec![samples::event(); 2] };
    let mut bad = good.clone();
    bad.changes.push(Change { key: name("gone"), expected: OTHER, next: None });

    assert_eq!(commit(store, bad), Err(CommitError::Conflict(name("gone"))));
    assert_eq!(get(store, &name("new")), None);
    assert_eq!(get(store, &name("last")), None);
    assert_eq!(standing(store, &name("taken")), before);
    assert_eq!(block_on(store.feed(Position::default(), 10)).unwrap(), []);

    assert_eq!(commit(store, good), Ok(()));
    assert_eq!(get(store, &name("new")).unwrap().record, owner(1));
    assert_eq!(get(store, &name("taken")).unwrap().record, owner(2));
    assert_eq!(get(store, &name("last")).unwrap().record, owner(1));
    assert_eq!(block_on(store.feed(Position::default(), 10)).unwrap().len(), 2);
}

/// S2, every form of expectation that holds.
pub fn an_expectation_that_holds_lets_through(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    put(store, name("a"), owner(1));
    put(store, name("b"), owner(1));
    let stands = |key| standing(store, &name(key));
    let guards = vec![guard(name("a"), stands("a")), guard(name("nobody"), Expected::Absent)];
    let changes = vec![
        Change { key: name("a"), expected: stands("a"), next: Some(owner(2)) },
        Change { key: name("b"), expected: stands("b"), next: None },
        Change { key: name("c"), expected: Expected::Absent, next: Some(owner(3)) },
        Change { key: name("d"), expected: Expected::Absent, next: None },
    ];
    assert_eq!(commit(store, Batch { guards, changes, events: vec![] }), Ok(()));
    assert_eq!(get(store, &name("a")).unwrap().record, owner(2));
    assert_eq!(get(store, &name("b")), None);
    assert_eq!(get(store, &name("c")).unwrap().record, owner(3));
    assert_eq!(get(store, &name("d")), None);
}

/// S2 and S4, every form of expectation that does not hold, as guard and as change.
pub fn an_expectation_that_does_not_hold_is_a_conflict(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    put(store, name("there"), owner(1));
    let before = get(store, &name("there"));
    let misses = [("there", Expected::Absent), ("there", OTHER), ("gone", OTHER)];
    for (key, expected) in misses {
        for next in [Some(owner(2)), None] {
            let change = Change { key: name(key), expected, next };
            assert_eq!(commit(store, batch([change])), Err(CommitError::Conflict(name(key))));
        }
        let guards = vec![guard(name(key), expected)];
        let changes = vec![create(name("new"), owner(1))];
        let guarded = Batch { guards, changes, events: vec![samples::event()] };
        assert_eq!(commit(store, guarded), Err(CommitError::Conflict(name(key))));
    }
    assert_eq!(get(store, &name("there")), before);
    assert_eq!(get(store, &name("gone")), None);
    assert_eq!(get(store, &name("new")), None);
}

/// S4, guards before changes, each in their order.
pub fn the_first_mismatch_is_named(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let miss = |key| Change { key: name(key), expected: OTHER, next: None };
    let changes = vec![create(name("fine"), owner(1)), miss("second"), miss("third")];
    assert_eq!(commit(store, batch(changes.clone())), Err(CommitError::Conflict(name("second"))));
    let guards = vec![guard(name("free"), Expected::Absent), guard(name("first"), OTHER)];
    assert_eq!(
        commit(store, Batch { guards, changes, events: vec![] }),
        Err(CommitError::Conflict(name("first")))
    );
}

/// S2, also when nothing is written.
pub fn a_batch_without_changes_checks_its_guards(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    put(store, name("a"), owner(1));
    let only = |expected| Batch { guards: vec![guard(name("a"), expected)], ..Batch::default() };
    assert_eq!(commit(store, only(standing(store, &name("a")))), Ok(()));
    assert_eq!(commit(store, only(OTHER)), Err(CommitError::Conflict(name("a"))));
    assert_eq!(commit(store, Batch::default()), Ok(()));
}

/// A batch that was put together wrongly does not happen, rather than by halves.
pub fn a_key_twice_in_a_batch_conflicts(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let twice = batch([create(name("a"), owner(1)), create(name("a"), owner(2))]);
    assert_eq!(commit(store, twice), Err(CommitError::Conflict(name("a"))));
    assert_eq!(get(store, &name("a")), None);

    put(store, name("a"), owner(1));
    let before = get(store, &name("a"));
    let expected = standing(store, &name("a"));
    let change = |n| Change { key: name("a"), expected, next: Some(owner(n)) };
    let twice = batch([change(2), change(3)]);
    assert_eq!(commit(store, twice), Err(CommitError::Conflict(name("a"))));
    assert_eq!(get(store, &name("a")), before);
}

/// Every kind: created, read, changed, deleted.
pub fn a_record_of_every_kind_is_read_as_it_was_written(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    for (key, record) in samples::all() {
        assert_eq!(get(store, &key), None);
        put(store, key.clone(), record.clone());
        let found = get(store, &key).unwrap();
        assert_eq!(found.record, record);
        let expected = Expected::Revision(found.revision);
        let again = Change { key: key.clone(), expected, next: Some(record.clone()) };
        assert_eq!(commit(store, batch([again])), Ok(()));
        assert_eq!(get(store, &key).unwrap().record, record);
        let expected = standing(store, &key);
        assert_eq!(
            commit(store, batch([Change { key: key.clone(), expected, next: None }])),
            Ok(())
        );
        assert_eq!(get(store, &key), None);
    }
    // A record under the key of another kind would be unreadable: it is refused instead.
    let foreign = create(name("a"), Record::Replay);
    assert_eq!(commit(store, batch([foreign])), Err(CommitError::Unavailable));
    assert_eq!(get(store, &name("a")), None);
}
