//! S2 and S4 under contention: whoever was first wins, everybody else is told so.

use std::sync::Barrier;
use std::thread;

use counterfoil_engine::store::{Change, CommitError, Key, Record, ReplayId, Store};

use super::{Open, batch, commit, create, get, name, opened, owner, put, standing, tenant};

const RIVALS: usize = 64;
const ROUNDS: usize = 10;

/// 64 threads change one record from the same revision.
pub fn of_sixty_four_rivals_one_wins(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    put(store, name("prize"), owner("nobody"));
    for _ in 0..ROUNDS {
        let expected = standing(store, &name("prize"));
        let winner =
            race(store, |rival| Change { key: name("prize"), expected, next: Some(owner(rival)) });
        assert_eq!(get(store, &name("prize")).unwrap().record, owner(winner));
    }
}

/// 64 threads create one record.
pub fn of_sixty_four_creators_one_wins(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    for round in 0..ROUNDS {
        let winner = race(store, |rival| create(name(round), owner(rival)));
        assert_eq!(get(store, &name(round)).unwrap().record, owner(winner));
    }
}

/// A single-use id is used once, whoever comes and however often.
pub fn a_replay_id_is_taken_once(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let id = |n| Key::Replay(tenant(), ReplayId { minute: 29_916_666, digest: [n; 16] });
    race(store, |_| create(id(1), Record::Replay));
    let again = batch([create(id(1), Record::Replay)]);
    assert_eq!(commit(store, again), Err(CommitError::Conflict(id(1))));
    put(store, id(2), Record::Replay);
    let later = Key::Replay(tenant(), ReplayId { minute: 29_916_667, digest: [1; 16] });
    put(store, later, Record::Replay);
}

/// Good and bad batches at the same time, which a backend may write together.
pub fn a_conflict_harms_no_neighbour(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    put(store, name("taken"), owner(0));
    let barrier = Barrier::new(RIVALS);
    thread::scope(|scope| {
        for caller in 0..RIVALS {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                for round in 0..ROUNDS {
                    let own = |part: &str| name(format!("{caller} {round} {part}"));
                    let mut changes =
                        vec![create(own("first"), owner(caller)), create(own("second"), owner(1))];
                    let good = caller % 2 == 0;
                    if !good {
                        changes.push(create(name("taken"), owner(caller)));
                    }
                    let conflict = Err(CommitError::Conflict(name("taken")));
                    let wanted = if good { Ok(()) } else { conflict };
                    assert_eq!(commit(store, batch(changes)), wanted);
                    assert_eq!(get(store, &own("first")).is_some(), good);
                    assert_eq!(get(store, &own("second")).is_some(), good);
                }
            });
        }
    });
    assert_eq!(get(store, &name("taken")).unwrap().record, owner(0));
}

/// Who won; everybody else was refused with the same key.
fn race(store: &dyn Store, change: impl Fn(usize) -> Change + Sync) -> usize {
    let barrier = Barrier::new(RIVALS);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let run = |rival| {
            let (barrier, change) = (&barrier, &change);
            scope.spawn(move || {
                let change = change(rival);
                let key = change.key.clone();
                barrier.wait();
                let outcome = commit(store, batch([change]));
                assert!(outcome == Ok(()) || outcome == Err(CommitError::Conflict(key)));
                outcome.is_ok()
            })
        };
        let rivals: Vec<_> = (0..RIVALS).map(run).collect();
        rivals.into_iter().map(|rival| rival.join().unwrap()).collect()
    });
    let winners: Vec<_> = (0..RIVALS).filter(|rival| outcomes[*rival]).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    winners[0]
}
