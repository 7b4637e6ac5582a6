//! The weather between the engine and its store: waits, failing commits, answers that are lost, and
//! the bugs that the simulator must be able to see.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use counterfoil_engine::audit::{Event, What};
use counterfoil_engine::client::ClientStatus;
use counterfoil_engine::grant::Grant;
use counterfoil_engine::store::{
    Batch, BoxFuture, Change, CommitError, Expected, FeedEvent, Key, Listed, Page, Position, Query,
    Record, Store, Swept, Unavailable, Versioned,
};
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::moment::Moment;

use crate::dice::{Dice, Yield, now};

/// What is wrong with the store, in tests of the simulator itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    /// A commit does not check what it was decided on.
    Unguarded,
    /// A commit does not check what it was decided on and does not change.
    GuardsIgnored,
    /// Single-use ids are not kept.
    ReplaysForgotten,
    /// The audit trail is not kept.
    EventsDropped,
    /// A commit that fails is answered as if it had not.
    FailureUntold,
    /// Of a batch, only a part is written.
    Torn,
    /// A read may return what stood there before.
    Stale,
}

pub(crate) struct Storm {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
}

struct State {
    faults_per_mille: u64,
    /// Answers of the store that are waited for once more.
    slow_per_mille: u64,
    bug: Bug,
    reads: u64,
    commits: u64,
    /// What records were before their last change; only kept for [`Bug::Stale`].
    before: BTreeMap<Key, Option<Versioned>>,
    broken: Option<String>,
    dice: Dice,
}

/// A batch on its way. Whoever sent it may be gone before it arrives: it may arrive all the same.
struct Sent<'s> {
    storm: &'s Storm,
    batch: Option<Batch>,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take()
            && self.storm.state().dice.chance(500)
        {
            let _ = self.storm.write(batch);
        }
    }
}

impl Storm {
    pub(crate) fn over(inner: Arc<dyn Store>, seed: u64) -> Self {
        let state = State {
            faults_per_mille: 0,
            slow_per_mille: 0,
            bug: Bug::None,
            reads: 0,
            commits: 0,
            before: BTreeMap::new(),
            broken: None,
            dice: Dice(seed),
        };
        Self { inner, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn set_faults(&self, per_mille: u64) {
        self.state().faults_per_mille = per_mille;
    }

    pub(crate) fn set_slow(&self, per_mille: u64) {
        self.state().slow_per_mille = per_mille;
    }

    fn is_slow(&self) -> bool {
        let mut state = self.state();
        let slow = state.slow_per_mille;
        state.dice.chance(slow)
    }

    pub(crate) fn set_bug(&self, bug: Bug) {
        self.state().bug = bug;
    }

    /// Round trips so far: reads, commits.
    pub(crate) fn trips(&self) -> (u64, u64) {
        let state = self.state();
        (state.reads, state.commits)
    }

    /// What a committed batch broke.
    pub(crate) fn broken(&self) -> Option<String> {
        self.state().broken.clone()
    }

    /// What stands there, without weather.
    pub(crate) fn record(&self, key: &Key) -> Option<Record> {
        self.versioned(key).map(|found| found.record)
    }

    fn versioned(&self, key: &Key) -> Option<Versioned> {
        now(self.inner.read(std::slice::from_ref(key))).unwrap().pop().flatten()
    }

    pub(crate) fn put(&self, key: Key, record: Record) {
        self.set(key, Some(record));
    }

    /// Writes, or deletes, past the engine.
    pub(crate) fn set(&self, key: Key, next: Option<Record>) {
        let found = self.versioned(&key);
        let expected = found.map_or(Expected::Absent, |found| Expected::Revision(found.revision));
        let change = Change { key, expected, next };
        now(self.inner.commit(Batch { changes: vec![change], ..Batch::default() })).unwrap();
    }

    pub(crate) fn events(&self) -> Vec<FeedEvent> {
        now(self.inner.feed(Position::default(), 100_000)).unwrap()
    }

    async fn found(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        let mut found = self.inner.read(keys).await?;
        let mut state = self.state();
        state.reads += 1;
        if state.bug == Bug::Stale {
            for (key, found) in keys.iter().zip(&mut found) {
                if state.dice.chance(300)
                    && let Some(before) = state.before.get(key)
                {
                    found.clone_from(before);
                }
            }
        }
        Ok(found)
    }

    /// The write itself, in one step.
    fn write(&self, mut batch: Batch) -> Result<(), CommitError> {
        let bug = self.state().bug;
        match bug {
            Bug::None | Bug::FailureUntold | Bug::Stale => {}
            Bug::Unguarded => {
                batch.guards.clear();
                for change in &mut batch.changes {
                    let found = self.versioned(&change.key).map(|found| found.revision);
                    change.expected = found.map_or(Expected::Absent, Expected::Revision);
                }
            }
            Bug::GuardsIgnored => batch.guards.clear(),
            Bug::ReplaysForgotten => {
                batch.changes.retain(|change| !matches!(change.key, Key::Replay(..)));
            }
            Bug::EventsDropped => batch.events.clear(),
            Bug::Torn => {
                batch.changes.truncate(batch.changes.len().div_ceil(2));
            }
        }
        let changed: Vec<Key> = batch.changes.iter().map(|change| change.key.clone()).collect();
        let before: Vec<_> = changed.iter().map(|key| (key.clone(), self.versioned(key))).collect();
        let events = batch.events.clone();
        now(self.inner.commit(batch))?;
        let broken = events.iter().find_map(|event| self.judge(event));
        let mut state = self.state();
        state.commits += 1;
        state.broken = state.broken.take().or(broken);
        if bug == Bug::Stale {
            state.before.extend(before);
        }
        Ok(())
    }

    /// What must be true in the store in the very moment in which an event is written.
    fn judge(&self, event: &Event) -> Option<String> {
        let issued = match event.what {
            What::TokenIssued | What::ConsentGiven => true,
            // The grant was only read, so it may have ended meanwhile: its token is dead then.
            What::TokenIssuedUnchanged
            | What::AuthorizationStarted
            | What::GrantRevoked
            | What::TokenRevoked => false,
            _ => return None,
        };
        let client = event.client.clone()?;
        if let Some(Record::Client(client)) =
            self.record(&Key::Client(event.tenant.clone(), client))
            && client.status == ClientStatus::Suspended
        {
            return Some("committed for a client that is suspended".into());
        }
        let subject = event.subject.clone().filter(|_| issued)?;
        if let Some(Record::Subject(subject)) =
            self.record(&Key::Subject(event.tenant.clone(), subject))
            && subject.suspended
        {
            return Some("committed for a customer who is suspended".into());
        }
        let grant = GrantId(event.record.filter(|_| event.what == What::TokenIssued)?);
        let grant = self.record(&Key::Grant(event.tenant.clone(), grant));
        let Some(Record::Grant(grant)) = grant else {
            return Some("a token was issued from no grant".into());
        };
        self.consented(&grant, event)
    }

    fn consented(&self, grant: &Grant, event: &Event) -> Option<String> {
        let Some(copy) = &grant.consent else {
            return Some("a token for a customer without a consent".into());
        };
        let consent = self.record(&Key::Consent(event.tenant.clone(), copy.id));
        match consent {
            Some(Record::Consent(consent)) if consent.active(event.at) => {
                let fits = grant.scope.is_subset(&consent.scope)
                    && Some(&consent.subject) == grant.subject.as_ref().map(|s| &s.id)
                    && consent.client == grant.client;
                (!fits).then(|| "a grant is more than its consent".into())
            }
            _ => Some("a token was issued and no consent allows it".into()),
        }
    }
}

impl Store for Storm {
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Versioned>>, Unavailable>> {
        Box::pin(async move {
            Yield::once().await;
            let found = self.found(keys).await?;
            if self.is_slow() {
                Yield::once().await;
            }
            Ok(found)
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            let mut sent = Sent { storm: self, batch: Some(batch) };
            Yield::once().await;
            let Some(batch) = sent.batch.take() else { return Ok(()) };
            let (fault, unwritten, bug) = {
                let mut state = self.state();
                let faults = state.faults_per_mille;
                let fault = state.dice.chance(faults);
                (fault, state.dice.chance(500), state.bug)
            };
            let done =
                if fault && unwritten { Err(CommitError::Unavailable) } else { self.write(batch) };
            if self.is_slow() {
                Yield::once().await;
            }
            match done {
                Err(CommitError::Unavailable) if bug == Bug::FailureUntold => Ok(()),
                // Written, and the answer of the store is lost.
                Ok(()) if fault => Err(CommitError::Unavailable),
                done => done,
            }
        })
    }

    fn list(&self, query: Query, page: Page) -> BoxFuture<'_, Result<Listed, Unavailable>> {
        self.inner.list(query, page)
    }

    fn feed(
        &self,
        after: Position,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<FeedEvent>, Unavailable>> {
        self.inner.feed(after, max)
    }

    fn sweep(&self, now: Moment, max: usize) -> BoxFuture<'_, Result<Swept, Unavailable>> {
        Box::pin(async move {
            Yield::once().await;
            self.inner.sweep(now, max).await
        })
    }
}
