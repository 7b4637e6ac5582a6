//! The feed: gapless within a lane, chained, in the order of commits.

use std::collections::BTreeMap;
use std::thread;

use counterfoil_engine::audit::{Event, chain};
use counterfoil_engine::store::{Batch, CommitError, FeedEvent, Position, Store};
use counterfoil_store::codec;

use super::{Open, block_on, commit, create, name, opened, owner, put, samples};

const CALLERS: u8 = 8;
const ROUNDS: u8 = 20;

/// With many callers, whose own events stay in their order.
pub fn events_are_gapless_chained_and_in_order(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let events = vec![event(caller, round, 1), event(caller, round, 2)];
                    let changes = vec![create(name(format!("{caller} {round}")), owner(1))];
                    commit(store, Batch { guards: vec![], changes, events }).unwrap();
                }
            });
        }
    });
    let events = all(store, 7);
    assert_eq!(events.len(), usize::from(CALLERS) * usize::from(ROUNDS) * 2);
    verify(&events);
    for caller in 0..CALLERS {
        let own = events.iter().map(|e| e.event.request).filter(|request| request[0] == caller);
        let wanted = (0..ROUNDS).flat_map(|round| [1, 2].map(|n| event(caller, round, n).request));
        assert!(own.eq(wanted), "the events of caller {caller} are out of order");
    }
}

/// Position and limit.
pub fn the_feed_goes_on_where_it_was_left(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    assert_eq!(block_on(store.feed(Position::default(), 5)).unwrap(), []);
    let events = (0..10).map(|n| event(0, n, 0)).collect();
    commit(store, Batch { events, ..Batch::default() }).unwrap();
    let whole = all(store, 100);
    assert_eq!(all(store, 3), whole);
    assert_eq!(block_on(store.feed(Position::default(), 0)).unwrap(), []);
    let last = whole.last().unwrap();
    let end = Position(vec![(last.lane, last.number)]);
    assert_eq!(block_on(store.feed(end.clone(), 5)).unwrap(), []);
    commit(store, Batch { events: vec![event(0, 10, 0)], ..Batch::default() }).unwrap();
    let next = block_on(store.feed(end, 5)).unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].number, last.number + 1);
    // A position ahead of the store, as after a restored backup, is no error.
    let ahead = Position(vec![(last.lane, u64::MAX), (9, 1)]);
    assert_eq!(block_on(store.feed(ahead, 5)).unwrap(), []);
}

/// S1 for events.
pub fn a_refused_batch_leaves_its_numbers_to_the_next(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    put(store, name("taken"), owner(1));
    for round in 0..5 {
        let changes = vec![create(name(round), owner(1)), create(name("taken"), owner(1))];
        let bad = Batch { guards: vec![], changes, events: vec![event(1, round, 0); 3] };
        assert_eq!(commit(store, bad), Err(CommitError::Conflict(name("taken"))));
        let good = Batch { events: vec![event(2, round, 0)], ..Batch::default() };
        assert_eq!(commit(store, good), Ok(()));
    }
    let events = all(store, 100);
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|one| one.event.request[0] == 2));
    verify(&events);
}

pub(super) fn event(caller: u8, round: u8, number: u8) -> Event {
    let mut request = [0; 16];
    request[..3].copy_from_slice(&[caller, round, number]);
    Event { request, ..samples::event() }
}

/// All events, read in parts.
pub(super) fn all(store: &dyn Store, max: usize) -> Vec<FeedEvent> {
    let (mut all, mut lanes) = (vec![], BTreeMap::new());
    loop {
        let position = Position(lanes.iter().map(|(lane, number)| (*lane, *number)).collect());
        let part = block_on(store.feed(position, max)).unwrap();
        assert!(part.len() <= max);
        if part.is_empty() {
            return all;
        }
        lanes.extend(part.iter().map(|event| (event.lane, event.number)));
        all.extend(part);
    }
}

/// Numbers from 1 without a gap, and every hash over the one before it, in each lane.
pub fn verify(events: &[FeedEvent]) {
    let mut heads = BTreeMap::new();
    for FeedEvent { lane, number, event, hash } in events {
        let (last, previous) = heads.get(lane).copied().unwrap_or((0, [0; 32]));
        assert_eq!(*number, last + 1, "a gap in lane {lane}");
        assert_eq!(*hash, chain(&previous, &codec::encode_event(event).unwrap()));
        heads.insert(*lane, (*number, *hash));
    }
}
