//! The checker is proven too: a store that breaks one promise is caught by the case that is there for
//! it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread::yield_now;

use counterfoil_engine::store::{
    Batch, BoxFuture, CommitError, Expected, FeedEvent, Key, Listed, Page, Position, Query, Store,
    Swept, Unavailable, Versioned,
};
use counterfoil_protocol::moment::Moment;
use counterfoil_store::{MemoryStore, Micros};

use crate::conformance::{self, Backend, Hands, Open, block_on};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// Nothing: the cases pass.
    Sound,
    IgnoresExpectations,
    IgnoresGuards,
    WritesOneByOne,
    NamesTheLastKey,
    ReadsOneByOne,
    ReadsTheFirstState,
    FollowsTheClock,
    SkipsAnEvent,
    StartsPagesAgain,
    SweepsWithoutEnd,
    SweepsInOneStep,
}

#[test]
fn every_broken_promise_is_caught() {
    use conformance::{batches, feed, list, revisions, rivals, sweep, visibility};

    caught(Flaw::IgnoresExpectations, rivals::of_sixty_four_rivals_one_wins);
    caught(Flaw::IgnoresExpectations, rivals::of_sixty_four_creators_one_wins);
    caught(Flaw::IgnoresExpectations, rivals::a_replay_id_is_taken_once);
    caught(Flaw::IgnoresExpectations, batches::an_expectation_that_does_not_hold_is_a_conflict);
    caught(Flaw::IgnoresExpectations, batches::a_key_twice_in_a_batch_conflicts);
    caught(Flaw::IgnoresGuards, batches::an_expectation_that_does_not_hold_is_a_conflict);
    caught(Flaw::IgnoresGuards, batches::a_batch_without_changes_checks_its_guards);
    caught(Flaw::WritesOneByOne, batches::a_batch_is_all_or_nothing);
    caught(Flaw::WritesOneByOne, rivals::a_conflict_harms_no_neighbour);
    caught(Flaw::WritesOneByOne, visibility::keys_of_one_read_come_from_one_snapshot);
    caught(Flaw::WritesOneByOne, feed::a_refused_batch_leaves_its_numbers_to_the_next);
    caught(Flaw::NamesTheLastKey, batches::the_first_mismatch_is_named);
    caught(Flaw::ReadsOneByOne, visibility::keys_of_one_read_come_from_one_snapshot);
    caught(Flaw::ReadsTheFirstState, visibility::what_was_acknowledged_is_seen_by_everybody);
    caught(
        Flaw::FollowsTheClock,
        revisions::revisions_grow_across_delete_and_create_also_when_the_clock_goes_back,
    );
    caught(Flaw::SkipsAnEvent, feed::events_are_gapless_chained_and_in_order);
    caught(Flaw::StartsPagesAgain, list::a_list_keeps_to_its_tenant);
    caught(Flaw::SweepsWithoutEnd, sweep::only_what_has_ended_is_swept);
    caught(Flaw::SweepsWithoutEnd, sweep::a_record_that_was_extended_stays);
    caught(Flaw::SweepsInOneStep, sweep::a_commit_waits_for_one_step_of_a_sweep);
}

/// The case passes on the sound store and fails on the broken one.
fn caught(flaw: Flaw, case: fn(&Open)) {
    let run = |flaw| {
        let open = move |micros| -> Box<dyn Backend> { Box::new(Broken::new(flaw, micros)) };
        catch_unwind(AssertUnwindSafe(|| case(&open)))
    };
    assert!(run(Flaw::Sound).is_ok(), "the sound store does not pass");
    assert!(run(flaw).is_err(), "{flaw:?} passes");
}

struct Broken {
    flaw: Flaw,
    inner: MemoryStore,
    first: Mutex<Vec<(Key, Versioned)>>,
    before: Mutex<Option<Versioned>>,
}

impl Broken {
    fn new(flaw: Flaw, micros: Micros) -> Self {
        let inner = MemoryStore::new(micros);
        Self { flaw, inner, first: Mutex::default(), before: Mutex::default() }
    }

    fn one(&self, key: &Key) -> Option<Versioned> {
        block_on(self.inner.read(std::slice::from_ref(key))).unwrap().remove(0)
    }

    /// The first of several records as it stood at the read before.
    fn apart(&self, mut found: Vec<Option<Versioned>>) -> Vec<Option<Versioned>> {
        if let [Some(first), _, ..] = found.as_mut_slice() {
            std::mem::swap(self.before.lock().unwrap().get_or_insert(first.clone()), first);
        }
        found
    }

    /// As the first reader of a key saw it.
    fn seen_first(&self, key: &Key) -> Option<Versioned> {
        let found = self.one(key)?;
        let mut first = self.first.lock().unwrap();
        if let Some((_, seen)) = first.iter().find(|(known, _)| known == key) {
            return Some(Versioned { revision: found.revision, ..seen.clone() });
        }
        first.push((key.clone(), found.clone()));
        Some(found)
    }

    fn write(&self, mut batch: Batch) -> Result<(), CommitError> {
        match self.flaw {
            Flaw::IgnoresGuards => batch.guards.clear(),
            Flaw::IgnoresExpectations => return self.force(&batch),
            Flaw::WritesOneByOne => {
                let events = std::mem::take(&mut batch.events);
                self.inner_commit(Batch { events, ..Batch::default() })?;
                for change in std::mem::take(&mut batch.changes) {
                    self.inner_commit(Batch { changes: vec![change], ..Batch::default() })?;
                    yield_now();
                }
            }
            Flaw::NamesTheLastKey => {
                batch.guards.reverse();
                batch.changes.reverse();
            }
            Flaw::Sound
            | Flaw::ReadsOneByOne
            | Flaw::ReadsTheFirstState
            | Flaw::FollowsTheClock
            | Flaw::SkipsAnEvent
            | Flaw::StartsPagesAgain
            | Flaw::SweepsWithoutEnd
            | Flaw::SweepsInOneStep => {}
        }
        self.inner_commit(batch)
    }

    fn inner_commit(&self, batch: Batch) -> Result<(), CommitError> {
        block_on(self.inner.commit(batch))
    }

    /// Last write wins.
    fn force(&self, batch: &Batch) -> Result<(), CommitError> {
        for change in &batch.changes {
            loop {
                let found = self.one(&change.key).map(|found| Expected::Revision(found.revision));
                let mut change = change.clone();
                change.expected = found.unwrap_or(Expected::Absent);
                if self.inner_commit(Batch { changes: vec![change], ..Batch::default() }).is_ok() {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Backend for Broken {
    fn store(&self) -> &dyn Store {
        self
    }

    fn reopen(self: Box<Self>, _: Micros) -> Option<Box<dyn Backend>> {
        None
    }

    fn stall(&self) -> Option<Box<dyn Any>> {
        None
    }
}

impl Store for Broken {
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Versioned>>, Unavailable>> {
        Box::pin(async move {
            // The clock at the start of the test, whatever happened since.
            let rounded = |found: Versioned| Versioned {
                revision: counterfoil_engine::store::Revision(Hands::START),
                ..found
            };
            match self.flaw {
                Flaw::ReadsOneByOne => Ok(self.apart(self.inner.read(keys).await?)),
                Flaw::ReadsTheFirstState => {
                    Ok(keys.iter().map(|key| self.seen_first(key)).collect())
                }
                Flaw::FollowsTheClock => {
                    let found = self.inner.read(keys).await?;
                    Ok(found.into_iter().map(|one| one.map(rounded)).collect())
                }
                Flaw::Sound
                | Flaw::IgnoresExpectations
                | Flaw::IgnoresGuards
                | Flaw::WritesOneByOne
                | Flaw::NamesTheLastKey
                | Flaw::SkipsAnEvent
                | Flaw::StartsPagesAgain
                | Flaw::SweepsWithoutEnd
                | Flaw::SweepsInOneStep => self.inner.read(keys).await,
            }
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move { self.write(batch) })
    }

    fn list(&self, query: Query, mut page: Page) -> BoxFuture<'_, Result<Listed, Unavailable>> {
        if self.flaw == Flaw::StartsPagesAgain {
            page.after = page.after.filter(|_| page.max < 9);
        }
        self.inner.list(query, page)
    }

    fn feed(
        &self,
        after: Position,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<FeedEvent>, Unavailable>> {
        Box::pin(async move {
            let mut events = self.inner.feed(after, max).await?;
            if self.flaw == Flaw::SkipsAnEvent {
                events.retain(|event| event.number != 5);
            }
            Ok(events)
        })
    }

    fn sweep(&self, now: Moment, max: usize) -> BoxFuture<'_, Result<Swept, Unavailable>> {
        Box::pin(async move {
            match self.flaw {
                Flaw::SweepsWithoutEnd => self.inner.sweep(now.after(100_000), max).await,
                Flaw::SweepsInOneStep => {
                    let swept = block_on(self.inner.sweep(now, max))?;
                    tokio::task::yield_now().await;
                    Ok(swept)
                }
                Flaw::Sound
                | Flaw::IgnoresExpectations
                | Flaw::IgnoresGuards
                | Flaw::WritesOneByOne
                | Flaw::NamesTheLastKey
                | Flaw::ReadsOneByOne
                | Flaw::ReadsTheFirstState
                | Flaw::FollowsTheClock
                | Flaw::SkipsAnEvent
                | Flaw::StartsPagesAgain => self.inner.sweep(now, max).await,
            }
        })
    }
}
