//! The store in memory, for tests and throw-away servers. The same promises, but for the disk: `Ok`
//! means that it is there until the process ends.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use counterfoil_engine::store::{
    Batch, BoxFuture, CommitError, FeedEvent, Key, Listed, Page, Position, Query, Store, Swept,
    Unavailable, Versioned,
};
use counterfoil_protocol::moment::Moment;
use tokio::task::yield_now;

use crate::chain::LANE;
use crate::codec::key::Range;
use crate::limits::{LIST_STEP_MAX, SWEEP_STEP_MAX};
use crate::revisions::Micros;

mod state;
mod table;

use state::State;

/// See the module.
pub struct MemoryStore {
    state: Mutex<State>,
    micros: Micros,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new(micros: Micros) -> Self {
        Self { state: Mutex::default(), micros }
    }

    /// A thread that panicked may have left half a batch: nothing is answered from that.
    fn state(&self) -> Result<MutexGuard<'_, State>, Unavailable> {
        self.state.lock().map_err(|_| Unavailable)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory:")
    }
}

impl Store for MemoryStore {
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Versioned>>, Unavailable>> {
        // One lock, so one snapshot (S7).
        Box::pin(async move {
            let state = self.state()?;
            Ok(keys.iter().map(|key| state.get(key)).collect())
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move {
            let mut state = self.state().map_err(|Unavailable| CommitError::Unavailable)?;
            state.commit(batch, (self.micros)())
        })
    }

    fn list(&self, query: Query, page: Page) -> BoxFuture<'_, Result<Listed, Unavailable>> {
        Box::pin(async move {
            let mut listed = Listed::new();
            let mut after = page.after;
            while let Some(range) = Range::of(&query, after.as_ref()) {
                let step = LIST_STEP_MAX.min(page.max - listed.len());
                let part = self.state()?.list(&range, step);
                let ended = part.len() < step;
                listed.extend(part);
                if ended || listed.len() == page.max {
                    break;
                }
                after = listed.last().map(|(key, _)| key.clone());
                yield_now().await;
            }
            Ok(listed)
        })
    }

    fn feed(
        &self,
        after: Position,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<FeedEvent>, Unavailable>> {
        Box::pin(async move {
            let known = after.0.iter().find(|(lane, _)| *lane == LANE).map_or(0, |(_, n)| *n);
            let mut events = vec![];
            loop {
                let step = LIST_STEP_MAX.min(max - events.len());
                let part = self.state()?.feed(known + events.len() as u64, step);
                let ended = part.len() < step;
                events.extend(part);
                if ended || events.len() == max {
                    return Ok(events);
                }
                yield_now().await;
            }
        })
    }

    fn sweep(&self, now: Moment, max: usize) -> BoxFuture<'_, Result<Swept, Unavailable>> {
        Box::pin(async move {
            let mut records = 0;
            loop {
                let step = SWEEP_STEP_MAX.min(max - records);
                let freed = self.state()?.sweep(now, step);
                records += freed;
                if freed < step || records == max {
                    return Ok(Swept { records, more: freed == step });
                }
                // Between two steps everybody else gets their turn (S10).
                yield_now().await;
            }
        })
    }
}
