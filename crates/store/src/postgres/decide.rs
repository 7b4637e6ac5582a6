//! What becomes of a group of batches, decided on where the records stand while their rows are
//! locked. No I/O: each batch is checked in its order, one that does not match changes nothing and
//! harms no neighbour, and what remains is one change per record.

use std::collections::BTreeMap;

use counterfoil_engine::store::{Expected, Revision};

use crate::encoded::{Encoded, Named, Next};
use crate::kind::Kind;

/// What came of a batch, or will once the transaction is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It happens.
    Done,
    /// The expectation of this index does not hold. Nothing of it happens.
    Conflict(usize),
}

/// Which record.
pub(super) type Place<'g> = (Kind, &'g [u8]);

/// The records of a group, in the order in which they are locked.
#[derive(Default)]
pub(super) struct Records<'g>(BTreeMap<Place<'g>, Standing<'g>>);

/// Where one record stands: at the beginning, and after the batches decided so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Standing<'g> {
    /// Whether some batch wants to change it.
    changes: bool,
    before: Option<Revision>,
    now: Option<Revision>,
    next: Option<&'g Next>,
    /// A batch that happens was decided on its being absent, or has changed it.
    matters: bool,
}

/// What must be written of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write<'g> {
    Insert(Revision, &'g Next),
    Update(Revision, &'g Next),
    Delete,
    /// It is absent and must be so at the commit.
    Absent,
}

impl<'g> Records<'g> {
    /// Everything that these batches name.
    pub(super) fn of(batches: impl Iterator<Item = &'g Encoded>) -> Self {
        let mut records = Self::default();
        for batch in batches {
            for guard in &batch.guards {
                records.0.entry((guard.kind, &guard.key)).or_default();
            }
            for (named, _) in &batch.changes {
                records.0.entry((named.kind, &named.key)).or_default().changes = true;
            }
        }
        records
    }

    /// The keys by kind, sorted, and whether any of that kind is to change: then all of them are
    /// locked for that, because two statements could not keep to one order.
    pub(super) fn to_lock(&self) -> Vec<(Kind, bool, Vec<&'g [u8]>)> {
        let mut kinds: Vec<(Kind, bool, Vec<&'g [u8]>)> = vec![];
        for ((kind, key), standing) in &self.0 {
            match kinds.last_mut() {
                Some((last, changes, keys)) if last == kind => {
                    *changes |= standing.changes;
                    keys.push(key);
                }
                Some(_) | None => kinds.push((*kind, standing.changes, vec![key])),
            }
        }
        kinds
    }

    /// The record stands at this revision.
    pub(super) fn found(&mut self, kind: Kind, key: &'g [u8], revision: Revision) {
        if let Some(standing) = self.0.get_mut(&(kind, key)) {
            standing.before = Some(revision);
            standing.now = Some(revision);
        }
    }

    /// Decides one batch; if it happens, its records stand at `revision`.
    pub(super) fn decide(&mut self, batch: &'g Encoded, revision: Revision) -> Outcome {
        let stands = |named: &Named, now: Option<Revision>| match named.expected {
            Expected::Absent => now.is_none(),
            Expected::Revision(expected) => now == Some(expected),
        };
        for (index, guard) in batch.guards.iter().enumerate() {
            if !stands(guard, self.standing(guard).now) {
                return Outcome::Conflict(index);
            }
        }
        let mut undo = vec![];
        for (index, (named, next)) in batch.changes.iter().enumerate() {
            let place = (named.kind, &*named.key);
            let standing = self.standing(named);
            if !stands(named, standing.now) {
                for (place, before) in undo.into_iter().rev() {
                    self.0.insert(place, before);
                }
                return Outcome::Conflict(batch.guards.len() + index);
            }
            undo.push((place, standing));
            let now = next.as_ref().map(|_| revision);
            let next = next.as_ref();
            self.0.insert(place, Standing { now, next, matters: true, ..standing });
        }
        for guard in &batch.guards {
            if let Some(standing) = self.0.get_mut(&(guard.kind, &*guard.key)) {
                standing.matters = true;
            }
        }
        Outcome::Done
    }

    /// What the batches that happen leave to be written, in the order of locks.
    pub(super) fn writes(&self) -> impl Iterator<Item = (Place<'g>, Write<'g>)> {
        let needed = self.0.iter().filter(|(_, standing)| standing.matters);
        needed.filter_map(|(place, standing)| {
            let write = match (standing.before, standing.now, standing.next) {
                (None, None, _) => Write::Absent,
                (None, Some(revision), Some(next)) => Write::Insert(revision, next),
                (Some(_), None, _) => Write::Delete,
                (Some(before), Some(now), Some(next)) if before != now => Write::Update(now, next),
                // Only looked at.
                (_, Some(_), _) => return None,
            };
            Some((*place, write))
        })
    }

    fn standing(&self, named: &Named) -> Standing<'g> {
        self.0.get(&(named.kind, &*named.key)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Revision = Revision(5);
    const NEW: Revision = Revision(10);

    fn named(key: &str, expected: Expected) -> Named {
        Named { kind: Kind::Claim, key: key.into(), expected }
    }

    fn next() -> Option<Next> {
        Some(Next { bucket: None, body: vec![1] })
    }

    fn batch(guards: &[(&str, Expected)], changes: &[(&str, Expected, bool)]) -> Encoded {
        let guards = guards.iter().map(|(key, expected)| named(key, *expected)).collect();
        let change = |(key, expected, some): &(&str, Expected, bool)| {
            (named(key, *expected), next().filter(|_| *some))
        };
        Encoded { guards, changes: changes.iter().map(change).collect(), events: vec![] }
    }

    fn run<'g>(
        batches: &'g [Encoded],
        there: &[&'g str],
    ) -> (Vec<Outcome>, Vec<(String, Write<'g>)>) {
        let mut records = Records::of(batches.iter());
        for key in there {
            records.found(Kind::Claim, key.as_bytes(), OLD);
        }
        let outcomes = batches.iter().zip(NEW.0..).map(|(one, n)| records.decide(one, Revision(n)));
        let outcomes = outcomes.collect();
        let key = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
        let writes = records.writes().map(|((_, place), write)| (key(place), write)).collect();
        (outcomes, writes)
    }

    #[test]
    fn of_rivals_in_one_group_the_first_wins() {
        let change = [("a", Expected::Revision(OLD), true)];
        let batches = [batch(&[], &change), batch(&[], &change), batch(&[], &change)];
        let (outcomes, writes) = run(&batches, &["a"]);
        assert_eq!(outcomes, [Outcome::Done, Outcome::Conflict(0), Outcome::Conflict(0)]);
        let [(key, Write::Update(revision, _))] = &writes[..] else { panic!("{writes:?}") };
        assert_eq!((key.as_str(), *revision), ("a", NEW));
    }

    #[test]
    fn a_batch_that_does_not_match_leaves_nothing_behind() {
        let absent = Expected::Absent;
        let batches = [
            batch(&[], &[("a", absent, true), ("b", absent, true)]),
            batch(&[("z", absent)], &[("c", absent, true)]),
        ];
        let (outcomes, writes) = run(&batches, &["b", "z"]);
        assert_eq!(outcomes, [Outcome::Conflict(1), Outcome::Conflict(0)]);
        assert_eq!(writes, []);
    }

    #[test]
    fn what_was_decided_on_absence_is_held_absent() {
        let absent = Expected::Absent;
        let batches = [
            batch(&[("gone", absent)], &[("new", absent, true)]),
            batch(&[], &[("also gone", absent, false)]),
            batch(&[("unimportant", absent), ("new", absent)], &[]),
        ];
        let (outcomes, writes) = run(&batches, &[]);
        assert_eq!(outcomes, [Outcome::Done, Outcome::Done, Outcome::Conflict(1)]);
        let keys: Vec<_> = writes.iter().map(|(key, write)| (key.as_str(), *write)).collect();
        assert_eq!(keys[0], ("also gone", Write::Absent));
        assert_eq!(keys[1], ("gone", Write::Absent));
        assert!(matches!(keys[2], ("new", Write::Insert(NEW, _))));
        assert_eq!(keys.len(), 3);
    }

    #[test]
    fn a_guard_that_holds_writes_nothing() {
        let batches = [batch(&[("a", Expected::Revision(OLD))], &[])];
        assert_eq!(run(&batches, &["a"]), (vec![Outcome::Done], vec![]));
    }

    #[test]
    fn kinds_that_change_are_locked_for_it() {
        let batches = [batch(&[("g", Expected::Absent)], &[("c", Expected::Absent, true)])];
        let records = Records::of(batches.iter());
        assert_eq!(records.to_lock(), [(Kind::Claim, true, vec![&b"c"[..], &b"g"[..]])]);
        let batches = [batch(&[("g", Expected::Absent)], &[])];
        assert_eq!(Records::of(batches.iter()).to_lock(), [(Kind::Claim, false, vec![&b"g"[..]])]);
    }
}
