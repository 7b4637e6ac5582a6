//! One file as the device has it: what is flushed, and what is only on its way.

/// A device writes sectors; a page of several can be torn between them.
const SECTOR: usize = 512;

/// What remains of the writes that were not flushed when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// All of them: the device was quicker than the failure.
    All,
    /// None of them.
    None,
    /// Some sectors of some of them, in no order; the number decides which.
    Some(u64),
}

/// A change of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// These bytes from there on.
    Bytes(u64, Vec<u8>),
    /// A new length.
    Length(u64),
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Platter {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

impl Platter {
    pub(crate) fn of(durable: Vec<u8>) -> Self {
        Self { durable, pending: vec![] }
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.pending.push(change);
    }

    /// A flush that worked.
    pub(crate) fn flushed(&mut self) {
        for change in self.pending.drain(..) {
            apply(&mut self.durable, &change, |_| true);
        }
    }

    /// A flush that failed: the system takes the pages for clean from here on, so what was on its way
    /// never arrives.
    pub(crate) fn lost(&mut self) {
        self.pending.clear();
    }

    /// What the next start finds.
    pub(crate) fn after(&self, cut: Cut) -> Vec<u8> {
        let mut found = self.durable.clone();
        let mut dice = match cut {
            Cut::Some(seed) => seed,
            Cut::All | Cut::None => 0,
        };
        for change in &self.pending {
            match cut {
                Cut::All => apply(&mut found, change, |_| true),
                Cut::None => {}
                Cut::Some(_) => {
                    // Half of the changes arrive whole; of the others, every sector by itself.
                    let whole = even(&mut dice);
                    apply(&mut found, change, |_| whole || even(&mut dice));
                }
            }
        }
        found
    }
}

fn even(dice: &mut u64) -> bool {
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*dice >> 33) & 1 == 0
}

fn apply(file: &mut Vec<u8>, change: &Change, mut arrives: impl FnMut(usize) -> bool) {
    match change {
        Change::Length(len) => {
            if arrives(0) {
                file.resize(usize::try_from(*len).unwrap_or_default(), 0);
            }
        }
        Change::Bytes(from, bytes) => {
            let from = usize::try_from(*from).unwrap_or_default();
            let mut at = 0;
            while at < bytes.len() {
                // To the end of the sector in which `at` lies.
                let len = (SECTOR - (from + at) % SECTOR).min(bytes.len() - at);
                if arrives(at) {
                    let end = from + at + len;
                    if file.len() < end {
                        file.resize(end, 0);
                    }
                    if let Some(target) = file.get_mut(from + at..end) {
                        target.copy_from_slice(&bytes[at..at + len]);
                    }
                }
                at += len;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_flushed_stays_and_the_rest_may_go() {
        let mut platter = Platter::of(vec![1; 10]);
        platter.change(Change::Bytes(8, vec![2; 4]));
        assert_eq!(platter.after(Cut::None), [1; 10]);
        assert_eq!(platter.after(Cut::All), [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
        platter.flushed();
        platter.change(Change::Length(3));
        assert_eq!(platter.after(Cut::None).len(), 12);
        assert_eq!(platter.after(Cut::All), [1, 1, 1]);
        platter.lost();
        platter.flushed();
        assert_eq!(platter.after(Cut::All).len(), 12);
    }

    #[test]
    fn a_page_can_be_torn_between_its_sectors() {
        let mut platter = Platter::of(vec![0; 4096]);
        platter.change(Change::Bytes(0, vec![7; 4096]));
        let sevens = |seed| platter.after(Cut::Some(seed)).iter().filter(|b| **b == 7).count();
        let all: Vec<usize> = (0..64).map(sevens).collect();
        assert!(all.iter().all(|n| n.is_multiple_of(SECTOR)), "{all:?}");
        assert!(all.contains(&4096) && all.iter().any(|n| (1..4096).contains(n)), "{all:?}");
    }
}
