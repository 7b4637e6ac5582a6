//! The smallest store that keeps every promise: a map, one batch at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use counterfoil_engine::audit;
use counterfoil_engine::store::{
    Batch, BoxFuture, CommitError, Expected, FeedEvent, Key, Listed, Page, Position, Query,
    Revision, Store, Swept, Unavailable, Versioned,
};
use counterfoil_protocol::moment::Moment;

#[derive(Default)]
pub(crate) struct Plain(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    records: BTreeMap<Key, Versioned>,
    events: Vec<FeedEvent>,
    /// One mark for all keys, so revisions grow also across delete and create (S8).
    last: u64,
}

impl Inside {
    fn stands(&self, key: &Key, expected: Expected) -> bool {
        let found = self.records.get(key).map(|v| Expected::Revision(v.revision));
        found.unwrap_or(Expected::Absent) == expected
    }

    fn write(&mut self, batch: Batch) -> Result<(), CommitError> {
        let guards = batch.guards.iter().map(|guard| (&guard.key, guard.expected));
        let changes = batch.changes.iter().map(|change| (&change.key, change.expected));
        let stale = guards.chain(changes).find(|(key, expected)| !self.stands(key, *expected));
        if let Some((key, _)) = stale {
            return Err(CommitError::Conflict(key.clone()));
        }
        self.last += 1;
        let revision = Revision(self.last);
        for change in batch.changes {
            match change.next {
                Some(record) => {
                    self.records.insert(change.key, Versioned { record, revision });
                }
                None => {
                    self.records.remove(&change.key);
                }
            }
        }
        for event in batch.events {
            let number = self.events.len() as u64 + 1;
            let before = self.events.last().map_or([0; 32], |event| event.hash);
            let hash = audit::chain(&before, format!("{event:?}").as_bytes());
            self.events.push(FeedEvent { lane: 0, number, event, hash });
        }
        Ok(())
    }

    fn sweep(&mut self, now: Moment, max: usize) -> Swept {
        let over = |(key, found): (&Key, &Versioned)| {
            let ends =
                if let Key::Replay(_, id) = key { Some(id.ends()) } else { found.record.ends() };
            ends.is_some_and(|ends| ends <= now).then(|| key.clone())
        };
        let gone: Vec<Key> = self.records.iter().filter_map(over).take(max).collect();
        for key in &gone {
            self.records.remove(key);
        }
        Swept { records: gone.len(), more: gone.len() == max }
    }
}

impl Plain {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }
}

impl Store for Plain {
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Versioned>>, Unavailable>> {
        Box::pin(async move {
            let inside = self.inside();
            Ok(keys.iter().map(|key| inside.records.get(key).cloned()).collect())
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async move { self.inside().write(batch) })
    }

    fn list(&self, query: Query, page: Page) -> BoxFuture<'_, Result<Listed, Unavailable>> {
        let asked = move |key: &Key| match (&query, key) {
            (Query::Tenants, Key::Tenant(_)) => true,
            (Query::Clients(of), Key::Client(tenant, _))
            | (Query::Subjects(of), Key::Subject(tenant, _))
            | (Query::Consents(of), Key::Consent(tenant, _))
            | (Query::Deliveries(of), Key::Delivery(tenant, _)) => of == tenant,
            _ => false,
        };
        Box::pin(async move {
            let inside = self.inside();
            let after = inside.records.iter().filter(|(key, _)| Some(*key) > page.after.as_ref());
            let some = after.filter(|(key, _)| asked(key)).take(page.max);
            Ok(some.map(|(key, found)| (key.clone(), found.clone())).collect())
        })
    }

    fn feed(
        &self,
        after: Position,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<FeedEvent>, Unavailable>> {
        let known = after.0.first().map_or(0, |(_, number)| *number);
        Box::pin(async move {
            let inside = self.inside();
            let newer = inside.events.iter().filter(|event| event.number > known);
            Ok(newer.take(max).cloned().collect())
        })
    }

    fn sweep(&self, now: Moment, max: usize) -> BoxFuture<'_, Result<Swept, Unavailable>> {
        Box::pin(async move { Ok(self.inside().sweep(now, max)) })
    }
}
