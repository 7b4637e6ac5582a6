//! S8: revisions of a key only grow, so a guard can never meet a record that was made anew.

use counterfoil_engine::store::{Change, CommitError, Expected, Revision};

use super::{Hands, Open, batch, commit, get, name, owner, put, standing};

/// The first part of the rule: the time in microseconds, or more.
pub fn a_revision_is_not_before_the_clock(open: &Open) {
    let hands = Hands::at(Hands::START);
    let backend = open(hands.micros());
    let store = backend.store();
    put(store, name("a"), owner(1));
    assert!(get(store, &name("a")).unwrap().revision >= Revision(Hands::START));
    hands.set(Hands::START * 2);
    put(store, name("b"), owner(1));
    assert!(get(store, &name("b")).unwrap().revision >= Revision(Hands::START * 2));
}

/// The second part: more than before, whatever the clock says and whatever happened in between.
pub fn revisions_grow_across_delete_and_create_also_when_the_clock_goes_back(open: &Open) {
    let hands = Hands::at(Hands::START);
    let backend = open(hands.micros());
    let store = backend.store();
    let mut last = Revision(0);
    let mut stale = None;
    for round in 0..20 {
        put(store, name("a"), owner(round));
        let created = get(store, &name("a")).unwrap().revision;
        assert!(created > last, "{created:?} after {last:?}");
        let expected = Expected::Revision(created);
        let changed = Change { key: name("a"), expected, next: Some(owner(round)) };
        assert_eq!(commit(store, batch([changed.clone()])), Ok(()));
        last = get(store, &name("a")).unwrap().revision;
        assert!(last > created, "{last:?} after {created:?}");
        // A decision taken on any earlier life is refused.
        let stale = stale.replace(changed).unwrap_or_else(|| delete(expected));
        assert_eq!(commit(store, batch([stale])), Err(CommitError::Conflict(name("a"))));
        assert_eq!(commit(store, batch([delete(standing(store, &name("a")))])), Ok(()));
        hands.set(Hands::START - round * 1_000_000);
    }
}

fn delete(expected: Expected) -> Change {
    Change { key: name("a"), expected, next: None }
}
