//! How far a store has come: what tells it from a copy that was made earlier.

/// A place in the life of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Drawn when the store was made. Copies have the same.
    pub store: [u8; 16],
    /// The number of its newest event; 0 before the first.
    pub number: u64,
    /// The hash of that event, which covers all before it; zeros before the first.
    pub hash: [u8; 32],
}

/// How a store stands to a mark of earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has everything that it had then.
    WentOn,
    /// It has nothing at all: a new store.
    New,
    /// It is the same store as of an earlier time: so many events are missing, and whatever they
    /// revoked is alive in it.
    SetBack {
        /// How many.
        by: u64,
    },
    /// The same store, but at that number it has another event: an earlier copy that went on.
    Forked,
    /// Another store.
    Foreign,
}

/// How far a store has come, and how that stands to earlier marks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// One for each lane. A lane counts as a store of its own.
    pub marks: Vec<Mark>,
    /// The worst of all lanes.
    pub standing: Standing,
}

impl Standing {
    /// The worse of two. What is missing in several lanes is missing altogether.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Foreign, _) | (_, Self::Foreign) => Self::Foreign,
            (Self::Forked, _) | (_, Self::Forked) => Self::Forked,
            (Self::SetBack { by: a }, Self::SetBack { by: b }) => Self::SetBack { by: a + b },
            (Self::SetBack { by }, Self::WentOn | Self::New)
            | (Self::WentOn | Self::New, Self::SetBack { by }) => Self::SetBack { by },
            (Self::WentOn, _) | (_, Self::WentOn) => Self::WentOn,
            (Self::New, Self::New) => Self::New,
        }
    }

    /// Whether it may hold something alive that had been ended.
    #[must_use]
    pub const fn is_doubtful(self) -> bool {
        match self {
            Self::WentOn | Self::New => false,
            Self::SetBack { .. } | Self::Forked | Self::Foreign => true,
        }
    }
}

impl Mark {
    /// How a store that is at `self` stands to `earlier`; `then` is the hash of its event of that
    /// number, if it has one.
    #[must_use]
    pub fn standing(&self, earlier: &Self, then: Option<[u8; 32]>) -> Standing {
        if self.number == 0 && self.store != earlier.store {
            return Standing::New;
        }
        if self.store != earlier.store {
            return Standing::Foreign;
        }
        if self.number < earlier.number {
            return Standing::SetBack { by: earlier.number - self.number };
        }
        if earlier.number == 0 || then == Some(earlier.hash) {
            Standing::WentOn
        } else {
            Standing::Forked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_knows_whether_it_was_set_back() {
        let mark = |store, number, hash| Mark { store: [store; 16], number, hash: [hash; 32] };
        let earlier = mark(1, 5, 5);
        assert_eq!(mark(1, 9, 9).standing(&earlier, Some([5; 32])), Standing::WentOn);
        assert_eq!(mark(1, 5, 5).standing(&earlier, Some([5; 32])), Standing::WentOn);
        assert_eq!(mark(1, 3, 3).standing(&earlier, None), Standing::SetBack { by: 2 });
        assert_eq!(mark(1, 0, 0).standing(&earlier, None), Standing::SetBack { by: 5 });
        assert_eq!(mark(1, 9, 9).standing(&earlier, Some([6; 32])), Standing::Forked);
        assert_eq!(mark(1, 9, 9).standing(&mark(1, 0, 0), None), Standing::WentOn);
        assert_eq!(mark(2, 9, 9).standing(&earlier, Some([5; 32])), Standing::Foreign);
        assert_eq!(mark(2, 0, 0).standing(&earlier, None), Standing::New);
    }
}
