//! S6 and S7: what was acknowledged is seen by everybody, and one read is one snapshot.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

use counterfoil_engine::store::{Change, Record, Versioned};

use super::{Open, batch, block_on, commit, create, get, name, opened, owner, put, standing};

const ROUNDS: usize = 200;
const READERS: usize = 4;
/// What each of them must see.
const SNAPSHOTS: usize = 20;

/// S6: the reader starts when it hears of the answer.
pub fn what_was_acknowledged_is_seen_by_everybody(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    thread::scope(|scope| {
        for pair in 0..4 {
            let (tell, told) = sync_channel(ROUNDS);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let key = name(format!("{pair} {}", round % 10));
                    let expected = standing(store, &key);
                    let next = Some(owner(round));
                    commit(store, batch([Change { key: key.clone(), expected, next }])).unwrap();
                    tell.send((key, round)).unwrap();
                }
            });
            scope.spawn(move || {
                for (key, round) in told {
                    let found = get(store, &key).unwrap();
                    assert!(number(&found) >= round, "{found:?} is older than {round}");
                }
            });
        }
    });
}

/// S7 and S1: four records that always change together are never seen apart.
pub fn keys_of_one_read_come_from_one_snapshot(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let keys = ["a", "b", "c", "d"].map(name);
    commit(store, batch(keys.clone().map(|key| create(key, owner(0))))).unwrap();
    // Readers that met no writer would prove nothing: it goes on until all have seen it at work.
    let satisfied = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                let _done = Done(&satisfied);
                let (mut seen, mut last) = (BTreeSet::new(), 0);
                while seen.len() < SNAPSHOTS {
                    let found = block_on(store.read(&keys)).unwrap();
                    let found: Vec<_> = found.into_iter().flatten().collect();
                    let first = number(&found[0]);
                    assert!(found.iter().all(|one| number(one) == first), "{found:?}");
                    assert!(first >= last, "a snapshot went back from {last} to {first}");
                    last = first;
                    seen.insert(first);
                }
            });
        }
        for round in 1.. {
            let change = |key| {
                let expected = standing(store, &key);
                Change { key, expected, next: Some(owner(round)) }
            };
            commit(store, batch(keys.clone().map(change))).unwrap();
            if satisfied.load(Ordering::Acquire) == READERS {
                break;
            }
        }
    });
}

/// Places of what is not there stay empty.
pub fn records_come_in_the_order_asked(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    put(store, name("a"), owner(1));
    put(store, name("b"), owner(2));
    let found = block_on(store.read(&["b", "nobody", "a", "b"].map(name))).unwrap();
    let found: Vec<_> = found.into_iter().map(|one| one.map(|one| one.record)).collect();
    assert_eq!(found, [Some(owner(2)), None, Some(owner(1)), Some(owner(2))]);
    assert_eq!(block_on(store.read(&[])).unwrap(), []);
}

/// Also when a reader fails, so that the writer does not go on for ever.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

fn number(found: &Versioned) -> usize {
    let Record::Claim(owner) = &found.record else { panic!("{found:?}") };
    owner.parse().unwrap()
}
