//! Time as a value.

use serde::{Deserialize, Serialize};

/// Seconds since the Unix epoch. Read once per attempt, so that all checks of a decision agree.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Moment(pub u64);

impl Moment {
    /// The far future: for what ends only by decision.
    pub const NEVER: Self = Self(u64::MAX);

    /// This moment and `seconds` more; saturates.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// This moment less `seconds`; saturates at the epoch.
    #[must_use]
    pub fn before(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Seconds from `earlier` until this moment; 0 when it lies before.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
