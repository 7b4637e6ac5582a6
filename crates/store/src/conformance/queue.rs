//! S9: a full queue is an answer, not a wait.

use std::task::Poll;

use counterfoil_engine::store::{CommitError, Store};
use counterfoil_store::limits::{GROUP_MAX, QUEUE_MAX};

use super::{Open, batch, block_on, create, get, name, opened, owner, start};

/// Commits are queued while the backend is held up, until one is refused. Nobody who was let in is
/// forgotten.
pub fn a_full_queue_is_an_answer_and_not_a_wait(open: &Open) {
    let backend = opened(open);
    let store: &dyn Store = backend.store();
    let Some(stall) = backend.stall() else { return };
    let mut waiting = vec![];
    let refused = (0..).find_map(|n| {
        assert!(n <= QUEUE_MAX + GROUP_MAX, "the queue has no end");
        let mut commit = store.commit(batch([create(name(n), owner(n))]));
        match start(&mut commit) {
            Poll::Pending => {
                waiting.push(commit);
                None
            }
            Poll::Ready(outcome) => Some((n, outcome)),
        }
    });
    let (refused, outcome) = refused.unwrap();
    assert_eq!(outcome, Err(CommitError::Unavailable));
    assert!(refused >= QUEUE_MAX, "full at {refused}");

    drop(stall);
    for commit in waiting {
        assert_eq!(block_on(commit), Ok(()));
    }
    assert!(get(store, &name(refused - 1)).is_some());
    assert!(get(store, &name(refused)).is_none());
}
