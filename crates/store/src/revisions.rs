//! Revisions only grow (S8). One high-water mark for the whole store grows with every batch, so a
//! record that was deleted and created anew can never meet a guard of its earlier life.

use counterfoil_engine::store::Revision;

/// Where microseconds since the epoch come from.
pub type Micros = Box<dyn Fn() -> u64 + Send + Sync>;

/// Far beyond any date, far from overflow: a broken clock must not use up the revisions.
const MICROS_MAX: u64 = 1 << 60;

/// The mark.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Revisions {
    /// The last one that was given out, or that an earlier process may have given out.
    pub(crate) last: u64,
}

impl Revisions {
    /// The next one: greater than every one before, and not before `micros`.
    pub(crate) fn next(&mut self, micros: u64) -> Revision {
        self.last = micros.min(MICROS_MAX).max(self.last + 1);
        Revision(self.last)
    }

    /// The greatest that `count` calls of [`Self::next`] at `micros` can give.
    pub(crate) fn after(&self, micros: u64, count: usize) -> u64 {
        micros.min(MICROS_MAX).max(self.last) + count as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_follow_the_clock_and_never_go_back() {
        let mut revisions = Revisions::default();
        assert_eq!(revisions.after(1_000, 3), 1_003);
        assert_eq!(revisions.next(1_000), Revision(1_000));
        assert_eq!(revisions.next(1_000), Revision(1_001));
        assert_eq!(revisions.next(5), Revision(1_002));
        assert_eq!(revisions.next(2_000), Revision(2_000));
        assert_eq!(revisions.next(u64::MAX), Revision(MICROS_MAX));
        assert_eq!(revisions.next(u64::MAX), Revision(MICROS_MAX + 1));
    }
}
