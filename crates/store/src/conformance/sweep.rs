//! Sweeping frees what has ended, the oldest first, in steps between which commits get their turn.

use std::sync::Arc;

use counterfoil_engine::limits::{
    BATCH_RECORDS_MAX, CONSENT_GRACE_S, GRANT_GRACE_S, REPLAY_GRACE_S,
};
use counterfoil_engine::store::{Change, Expected, Key, Record, ReplayId, Store, Swept};
use counterfoil_protocol::ids::{ConsentId, GrantId, InteractionId, SessionId};
use counterfoil_protocol::moment::Moment;
use counterfoil_store::limits::SWEEP_STEP_MAX;

use super::{
    Open, batch, block_on, commit, create, get, name, opened, owner, put, samples, standing, start,
    tenant,
};

const NOW: Moment = Moment(1_795_000_000);
const HOUR_S: u64 = 3_600;
/// Enough that a sweep in one piece would be noticed.
const MANY: u64 = 100_000;

/// Every kind that ends, on both sides of its end, and every kind that does not.
pub fn only_what_has_ended_is_swept(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let forever = samples::all()
        .into_iter()
        .filter(|(key, record)| record.ends().is_none() && !matches!(key, Key::Replay(..)));
    let mut kept: Vec<Key> = vec![];
    for (key, record) in forever {
        put(store, key.clone(), record);
        kept.push(key);
    }
    let never = Key::Grant(tenant(), GrantId([0xff; 16]));
    put(store, never.clone(), grant(Moment::NEVER));
    kept.push(never);
    let mut swept = vec![];
    // At the full hour, because what ends within an hour stays until it is over.
    let now = Moment(NOW.0 / HOUR_S * HOUR_S);
    let ends = [now.before(2 * HOUR_S), now.before(1), now, now.after(2 * HOUR_S)];
    for (id, ends) in (0..).zip(ends) {
        for (key, record) in ending(id, ends) {
            put(store, key.clone(), record);
            if ends < now { swept.push(key) } else { kept.push(key) }
        }
    }
    let found = block_on(store.sweep(now, usize::MAX)).unwrap();
    assert_eq!(found, Swept { records: swept.len(), more: false });
    for key in kept {
        assert!(get(store, &key).is_some(), "{key:?} was swept");
    }
    for key in swept {
        assert!(get(store, &key).is_none(), "{key:?} is still there");
    }
}

/// A limit below and above one step, and the order.
pub fn a_sweep_is_bounded_and_takes_the_oldest_first(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let ages = [3_u8, 1, 5, 2, 4];
    for age in ages {
        let ends = NOW.before(u64::from(age) * 2 * HOUR_S);
        put(store, Key::Session(tenant(), SessionId([age; 16])), session(ends));
    }
    for left in (0..5_u8).rev() {
        let found = block_on(store.sweep(NOW, 1)).unwrap();
        assert_eq!(found, Swept { records: 1, more: true });
        for age in ages {
            let key = Key::Session(tenant(), SessionId([age; 16]));
            assert_eq!(get(store, &key).is_some(), age <= left, "age {age}, {left} left");
        }
    }
    assert_eq!(block_on(store.sweep(NOW, 1)).unwrap(), Swept { records: 0, more: false });

    let count = SWEEP_STEP_MAX as u64 * 2 + 10;
    fill(store, count);
    let most = SWEEP_STEP_MAX + 500;
    assert_eq!(block_on(store.sweep(NOW, most)).unwrap(), Swept { records: most, more: true });
    for n in 0..count {
        assert_eq!(get(store, &replay(n)).is_none(), n < most as u64, "{n}");
    }
    let rest = usize::try_from(count).unwrap() - most;
    assert_eq!(block_on(store.sweep(NOW, most)).unwrap(), Swept { records: rest, more: false });
}

/// The end of a record may move after it was written.
pub fn a_record_that_was_extended_stays(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let key = Key::Session(tenant(), SessionId([1; 16]));
    let past = NOW.before(2 * HOUR_S);
    put(store, key.clone(), session(past));
    let change = |ends| Change {
        key: key.clone(),
        expected: standing(store, &key),
        next: Some(session(ends)),
    };
    commit(store, batch([change(NOW.after(2 * HOUR_S))])).unwrap();
    assert_eq!(block_on(store.sweep(NOW, 10)).unwrap().records, 0);
    // And back, without and with another hour.
    commit(store, batch([change(NOW.after(2 * HOUR_S + 1))])).unwrap();
    commit(store, batch([change(past)])).unwrap();
    assert_eq!(block_on(store.sweep(NOW, 10)).unwrap().records, 1);
    assert_eq!(standing(store, &key), Expected::Absent);
    put(store, key.clone(), session(past));
    assert_eq!(block_on(store.sweep(NOW, 10)).unwrap().records, 1);
}

/// S10: a sweep that was begun goes no further than one step before a commit gets through.
pub fn a_commit_waits_for_one_step_of_a_sweep(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    fill(store, MANY);
    let mut sweep = store.sweep(NOW, usize::MAX);
    assert!(start(&mut sweep).is_pending());
    put(store, name("in between"), owner(1));
    let first_kept = SWEEP_STEP_MAX as u64;
    assert!(get(store, &replay(first_kept)).is_some(), "the commit waited for more than a step");
    let records = usize::try_from(MANY).unwrap();
    assert_eq!(block_on(sweep).unwrap(), Swept { records, more: false });
    assert!(get(store, &replay(MANY - 1)).is_none());
}

/// Replay ids that have all ended, in the order of their numbers.
fn fill(store: &dyn Store, count: u64) {
    let numbers: Vec<_> = (0..count).collect();
    for part in numbers.chunks(BATCH_RECORDS_MAX) {
        let changes: Vec<_> = part.iter().map(|n| create(replay(*n), Record::Replay)).collect();
        commit(store, batch(changes)).unwrap();
    }
}

fn replay(number: u64) -> Key {
    let mut digest = [0; 16];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    Key::Replay(tenant(), ReplayId { minute: number / 1_000, digest })
}

/// One of every kind that ends, each of which may be swept after `ends`.
fn ending(id: u8, ends: Moment) -> Vec<(Key, Record)> {
    let of = tenant;
    let mut interaction = samples::interaction();
    interaction.ends = ends;
    let mut consent = samples::consent();
    consent.ends = ends.before(CONSENT_GRACE_S);
    // It can be presented until its minute is over.
    let minute = ends.before(REPLAY_GRACE_S).0 / 60 - 1;
    let replay = ReplayId { minute, digest: [id; 16] };
    assert!(replay.ends() <= ends);
    vec![
        (Key::Session(of(), SessionId([id; 16])), session(ends)),
        (Key::Interaction(of(), InteractionId([id; 16])), Record::Interaction(interaction.into())),
        (Key::Grant(of(), GrantId([id; 16])), grant(ends.before(GRANT_GRACE_S))),
        (Key::Consent(of(), ConsentId([id; 16])), Record::Consent(consent.into())),
        (Key::Replay(of(), replay), Record::Replay),
    ]
}

fn session(ends: Moment) -> Record {
    let mut session = samples::session();
    session.ends = ends;
    Record::Session(Box::new(session))
}

fn grant(ends: Moment) -> Record {
    let mut grant = samples::grant();
    grant.ends = ends;
    Record::Grant(Arc::new(grant))
}
