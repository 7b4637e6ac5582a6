//! The suite that every backend must pass: S1 to S10 of the store contract, with real threads.
//!
//! [`conformance!`](crate::conformance!) makes one test of every case. Two promises need faults that
//! a test cannot cause from outside and are proven beside the backend: durability under power loss
//! (S3), and that an unknown outcome is reported as such (S5).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test is where a surprise may panic")]

use std::any::Any;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use counterfoil_engine::store::{
    Batch, Change, ClaimKind, CommitError, Expected, Guard, Key, Record, Store, Versioned,
};
use counterfoil_protocol::ids::TenantId;
use counterfoil_store::Micros;

pub mod samples;
pub mod variants;
pub mod batches;
pub mod rivals;
pub mod visibility;
pub mod revisions;
pub mod queue;
pub mod list;
pub mod feed;
pub mod sweep;
pub mod reopen;

/// One test for every case, against what the function at `$open` opens.
#[macro_export]
macro_rules! conformance {
    ($open:path) => {
        $crate::conformance!(@ $open:
            batches { a_batch_is_all_or_nothing, an_expectation_that_holds_lets_through,
                an_expectation_that_does_not_hold_is_a_conflict, the_first_mismatch_is_named,
                a_batch_without_changes_checks_its_guards, a_key_twice_in_a_batch_conflicts,
                a_record_of_every_kind_is_read_as_it_was_written }
            rivals { of_sixty_four_rivals_one_wins, of_sixty_four_creators_one_wins,
                a_replay_id_is_taken_once, a_conflict_harms_no_neighbour }
            visibility { what_was_acknowledged_is_seen_by_everybody,
                keys_of_one_read_come_from_one_snapshot, records_come_in_the_order_asked }
            revisions { a_revision_is_not_before_the_clock,
                revisions_grow_across_delete_and_create_also_when_the_clock_goes_back }
            queue { a_full_queue_is_an_answer_and_not_a_wait }
            list { pages_follow_the_order_of_keys, a_list_keeps_to_its_tenant,
                a_long_list_is_read_in_steps }
            feed { events_are_gapless_chained_and_in_order, the_feed_goes_on_where_it_was_left,
                a_refused_batch_leaves_its_numbers_to_the_next }
            sweep { only_what_has_ended_is_swept, a_sweep_is_bounded_and_takes_the_oldest_first,
                a_record_that_was_extended_stays, a_commit_waits_for_one_step_of_a_sweep }
            reopen { everything_is_there_after_reopening,
                revisions_and_the_chain_go_on_after_reopening }
        );
    };
    (@ $open:path: $($module:ident { $($case:ident),* $(,)? })*) => {$(
        mod $module {
            $(#[test]
            fn $case() {
                $crate::conformance::$module::$case(&$open);
            })*
        }
    )*};
}

/// A backend under test.
pub trait Backend: Send + Sync {
    /// The store.
    fn store(&self) -> &dyn Store;

    /// Closes it and opens it again with another clock; `None` when it keeps nothing.
    fn reopen(self: Box<Self>, micros: Micros) -> Option<Box<dyn Backend>>;

    /// Keeps commits waiting until the value is dropped; `None` when they never queue.
    fn stall(&self) -> Option<Box<dyn Any>>;
}

/// Opens an empty one.
pub type Open = dyn Fn(Micros) -> Box<dyn Backend>;

/// A clock that tests move.
#[derive(Clone, Debug)]
pub struct Hands(Arc<AtomicU64>);

impl Hands {
    /// Late in 2026.
    pub const START: u64 = 1_795_000_000_000_000;

    /// Shows `micros`.
    #[must_use]
    pub fn at(micros: u64) -> Self {
        Self(Arc::new(AtomicU64::new(micros)))
    }

    /// Moves it, also backwards.
    pub fn set(&self, micros: u64) {
        self.0.store(micros, Ordering::Relaxed);
    }

    /// As a store reads it.
    #[must_use]
    pub fn micros(&self) -> Micros {
        let hands = Arc::clone(&self.0);
        Box::new(move || hands.load(Ordering::Relaxed))
    }
}

fn opened(open: &Open) -> Box<dyn Backend> {
    open(Hands::at(Hands::START).micros())
}

fn tenant() -> TenantId {
    TenantId::parse("bank").unwrap()
}

/// The smallest record there is, under any name.
fn name(name: impl ToString) -> Key {
    Key::Claim(tenant(), ClaimKind::Login, name.to_string().into())
}

fn owner(owner: impl ToString) -> Record {
    Record::Claim(owner.to_string().into())
}

fn create(key: Key, record: Record) -> Change {
    Change { key, expected: Expected::Absent, next: Some(record) }
}

fn batch(changes: impl Into<Vec<Change>>) -> Batch {
    Batch { changes: changes.into(), ..Batch::default() }
}

fn guard(key: Key, expected: Expected) -> Guard {
    Guard { key, expected }
}

fn commit(store: &dyn Store, batch: Batch) -> Result<(), CommitError> {
    block_on(store.commit(batch))
}

fn put(store: &dyn Store, key: Key, record: Record) {
    commit(store, batch([create(key, record)])).unwrap();
}

fn get(store: &dyn Store, key: &Key) -> Option<Versioned> {
    block_on(store.read(std::slice::from_ref(key))).unwrap().pop().flatten()
}

fn standing(store: &dyn Store, key: &Key) -> Expected {
    get(store, key).map_or(Expected::Absent, |found| Expected::Revision(found.revision))
}

/// Runs a future on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

/// Lets a future start, and go no further than it can without waiting.
fn start<T>(future: &mut Pin<Box<dyn Future<Output = T> + Send + '_>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
