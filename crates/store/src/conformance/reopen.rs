//! S3 and S8 across a restart: what was acknowledged is there, and counting goes on.

use counterfoil_engine::store::{Batch, Change, Expected, Position};

use super::{
    Hands, Open, batch, block_on, commit, feed, get, name, opened, owner, put, samples, standing,
};

/// Every kind of record, and the feed.
pub fn everything_is_there_after_reopening(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    for (key, record) in samples::all() {
        put(store, key, record);
    }
    let events = vec![samples::event(); 3];
    commit(store, Batch { events, ..Batch::default() }).unwrap();
    let before: Vec<_> = samples::all().iter().map(|(key, _)| get(store, key)).collect();
    let feed = block_on(store.feed(Position::default(), 10)).unwrap();

    let Some(backend) = backend.reopen(Hands::at(Hands::START).micros()) else { return };
    let store = backend.store();
    let after: Vec<_> = samples::all().iter().map(|(key, _)| get(store, key)).collect();
    assert_eq!(after, before);
    assert_eq!(block_on(store.feed(Position::default(), 10)).unwrap(), feed);
}

/// Also when the clock was set back while nobody looked, and the record is gone.
pub fn revisions_and_the_chain_go_on_after_reopening(open: &Open) {
    let mut backend = opened(open);
    let mut last = standing(backend.store(), &name("nobody"));
    for round in 0..3 {
        let store = backend.store();
        put(store, name("a"), owner(round));
        let events = vec![feed::event(round, 0, 0)];
        commit(store, Batch { events, ..Batch::default() }).unwrap();
        let expected = standing(store, &name("a"));
        assert!(revision(expected) > revision(last), "{expected:?} after {last:?}");
        last = expected;
        commit(store, batch([Change { key: name("a"), expected, next: None }])).unwrap();
        let earlier = Hands::at(Hands::START - 1_000_000 * u64::from(round));
        match backend.reopen(earlier.micros()) {
            Some(reopened) => backend = reopened,
            None => return,
        }
    }
    let events = feed::all(backend.store(), 10);
    assert_eq!(events.len(), 3);
    feed::verify(&events);
}

fn revision(expected: Expected) -> u64 {
    match expected {
        Expected::Absent => 0,
        Expected::Revision(revision) => revision.0,
    }
}
