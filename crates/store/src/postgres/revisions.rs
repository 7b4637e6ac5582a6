//! Revisions for several lanes of several nodes (S8). The mark in the database stands above every
//! revision that was ever given out; a node raises it by a span and gives out what lies in between.
//! So no two nodes ever give out the same, and a guard never meets a record that was made anew.

use std::sync::{Mutex, PoisonError};

use crate::limits::POSTGRES_REVISIONS_RESERVED;
use crate::revisions::Revisions;

/// Far beyond any date, far from overflow.
const REVISION_MAX: u64 = 1 << 60;

/// The span that this node may give out.
#[derive(Default)]
pub(super) struct Span(Mutex<Within>);

#[derive(Default)]
struct Within {
    revisions: Revisions,
    end: u64,
}

impl Span {
    /// The first of `count` revisions in a row: not before `micros`, and above all that the batches
    /// were decided on. `None` when the span does not reach that far.
    pub(super) fn take(&self, count: usize, above: u64, micros: u64) -> Option<u64> {
        let mut within = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = micros.min(REVISION_MAX).max(above + 1).max(within.revisions.last + 1);
        let last = first + count as u64 - 1;
        if last > within.end {
            return None;
        }
        within.revisions.last = last;
        Some(first)
    }

    /// The database has raised its mark to `mark` for us. Of two that were raised at the same time
    /// the higher one is kept.
    pub(super) fn extend(&self, mark: u64) {
        let mut within = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if mark > within.end {
            within.end = mark;
            let before = mark.saturating_sub(POSTGRES_REVISIONS_RESERVED);
            within.revisions.last = within.revisions.last.max(before);
        }
    }
}

/// What the database is asked to raise its mark to at least.
pub(super) fn wanted(above: u64, micros: u64) -> i64 {
    // Nobody was given anything above the bound, so an expectation there is nobody's.
    let above = if above > REVISION_MAX { 0 } else { above };
    micros.min(REVISION_MAX).max(above).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_out_lies_within_what_was_reserved() {
        let span = Span::default();
        assert_eq!(span.take(1, 0, 1_000), None);
        span.extend(1_000 + POSTGRES_REVISIONS_RESERVED);
        assert_eq!(span.take(2, 0, 1_000), Some(1_001));
        assert_eq!(span.take(1, 0, 1_000), Some(1_003));
        assert_eq!(span.take(1, 5_000, 1_000), Some(5_001));
        assert_eq!(span.take(1, 0, 0), Some(5_002));
        assert_eq!(span.take(1, 0, 2_000_000), Some(2_000_000));
        assert_eq!(span.take(1, u64::MAX / 2, 0), None);
        assert_eq!(span.take(1, 0, POSTGRES_REVISIONS_RESERVED * 2), None);
    }

    #[test]
    fn a_lower_mark_changes_nothing() {
        let span = Span::default();
        span.extend(POSTGRES_REVISIONS_RESERVED * 3);
        assert_eq!(span.take(1, 0, 0), Some(POSTGRES_REVISIONS_RESERVED * 2 + 1));
        span.extend(POSTGRES_REVISIONS_RESERVED);
        assert_eq!(span.take(1, 0, 0), Some(POSTGRES_REVISIONS_RESERVED * 2 + 2));
    }

    #[test]
    fn an_impossible_expectation_does_not_move_the_mark() {
        assert_eq!(wanted(u64::MAX, 7), 7);
        assert_eq!(wanted(9, 7), 9);
        assert_eq!(wanted(0, u64::MAX), REVISION_MAX.cast_signed());
    }
}
