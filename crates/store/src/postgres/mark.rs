//! How far the lanes have come, and whether events are gone that were there: what tells a database that
//! was set back by an older copy, or a standby that lacked the last commits, from one that went on.

use std::collections::BTreeMap;

use counterfoil_engine::store::Unavailable;
use tokio_postgres::Row;

use super::desk::Value;
use super::{Fault, PostgresStore, statements};
use crate::codec::Damaged;
use crate::mark::{Mark, Progress, Standing};

/// What the server says of one lane.
struct Lane {
    now: Mark,
    /// The hash of the event of the earlier mark.
    then: Option<[u8; 32]>,
}

impl PostgresStore {
    /// One mark for each lane that has events, and how they stand to earlier ones. What it says is
    /// durable, and where a standby must confirm it is confirmed: before that nobody sees it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn progress(&self, earlier: &[Mark]) -> Result<Progress, Unavailable> {
        let of_lanes = earlier.iter().filter_map(|mark| Some((lane(mark)?, mark)));
        let earlier: BTreeMap<i16, &Mark> = of_lanes.collect();
        let numbers: Vec<i64> = earlier.values().map(|mark| mark.number.cast_signed()).collect();
        let lanes: Vec<i16> = earlier.keys().copied().collect();
        let values: Vec<Value> = vec![Box::new(lanes), Box::new(numbers)];
        let rows = self.ear(statements::PROGRESS, values).await?;
        let found: Result<BTreeMap<i16, Lane>, Fault> = rows.iter().map(read).collect();
        let found = found.map_err(|fault| self.unavailable(fault))?;
        let standing = standing(&found, &earlier);
        let marks = found.into_values().map(|lane| lane.now).filter(|now| now.number > 0);
        Ok(Progress { marks: marks.collect(), standing })
    }
}

fn standing(found: &BTreeMap<i16, Lane>, earlier: &BTreeMap<i16, &Mark>) -> Standing {
    let store = |mark: &Mark| mark.store.first_chunk::<4>().copied();
    let ours = found.values().find(|lane| lane.now.number > 0).map(|lane| store(&lane.now));
    let Some(ours) = ours else {
        // No events at all: the same tables as of their first moment, or new ones.
        return earlier.values().fold(Standing::New, |worst, mark| {
            let same = found.values().any(|lane| store(&lane.now) == store(mark));
            if same { worst.or(Standing::SetBack { by: mark.number }) } else { worst }
        });
    };
    let one = |(number, earlier): (&i16, &&Mark)| match found.get(number) {
        _ if store(earlier) != ours => Standing::Foreign,
        None => Standing::SetBack { by: earlier.number },
        Some(lane) => lane.now.standing(earlier, lane.then),
    };
    earlier.iter().map(one).fold(Standing::WentOn, Standing::or)
}

/// A lane counts as a store of its own: by the number of the store, and its own.
fn name(store: i64, lane: i16) -> [u8; 16] {
    let mut name = [0; 16];
    // The number was made as a positive int4.
    name[..4].copy_from_slice(&u32::try_from(store).unwrap_or_default().to_be_bytes());
    name[14..].copy_from_slice(&lane.to_be_bytes());
    name
}

fn lane(mark: &Mark) -> Option<i16> {
    mark.store.last_chunk().copied().map(i16::from_be_bytes)
}

fn read(row: &Row) -> Result<(i16, Lane), Fault> {
    let hash = |at: usize| -> Result<Option<[u8; 32]>, Fault> {
        let wrong = Damaged { what: "event", version: None };
        let bytes: Option<&[u8]> = row.try_get(at)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| wrong.into())).transpose()
    };
    let (store, lane): (i64, i16) = (row.try_get(0)?, row.try_get(1)?);
    let number: Option<i64> = row.try_get(2)?;
    let now = Mark {
        store: name(store, lane),
        number: number.unwrap_or_default().cast_unsigned(),
        hash: hash(3)?.unwrap_or_default(),
    };
    Ok((lane, Lane { now, then: hash(4)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(store: i64, lane: i16, number: u64) -> Mark {
        Mark { store: name(store, lane), number, hash: [7; 32] }
    }

    fn judged(found: &[(Mark, bool)], earlier: &[Mark]) -> Standing {
        let found = found.iter().map(|(now, same)| {
            let then = same.then_some([7; 32]);
            (lane(now).unwrap(), Lane { now: *now, then })
        });
        let earlier = earlier.iter().map(|mark| (lane(mark).unwrap(), mark)).collect();
        standing(&found.collect(), &earlier)
    }

    #[test]
    fn every_lane_must_have_gone_on() {
        let earlier = [mark(9, 0, 5), mark(9, 3, 2)];
        let on = [(mark(9, 0, 8), true), (mark(9, 1, 4), false), (mark(9, 3, 2), true)];
        assert_eq!(judged(&on, &earlier), Standing::WentOn);
        assert_eq!(judged(&on, &[]), Standing::WentOn);
        let back = [(mark(9, 0, 3), false), (mark(9, 3, 0), false)];
        assert_eq!(judged(&back, &earlier), Standing::SetBack { by: 4 });
        let before_the_lane = [(mark(9, 0, 5), true)];
        assert_eq!(judged(&before_the_lane, &earlier), Standing::SetBack { by: 2 });
        let forked = [(mark(9, 0, 8), false), (mark(9, 3, 1), false)];
        assert_eq!(judged(&forked, &earlier), Standing::Forked);
    }

    #[test]
    fn another_database_is_told_from_an_empty_one() {
        let earlier = [mark(9, 0, 5), mark(9, 3, 2)];
        assert_eq!(judged(&[(mark(8, 0, 50), true)], &earlier), Standing::Foreign);
        assert_eq!(judged(&[(mark(8, 1, 1), false)], &earlier), Standing::Foreign);
        assert_eq!(judged(&[(mark(8, 0, 0), false)], &earlier), Standing::New);
        assert_eq!(judged(&[], &earlier), Standing::New);
        assert_eq!(judged(&[(mark(9, 0, 0), false)], &earlier), Standing::SetBack { by: 7 });
    }
}
