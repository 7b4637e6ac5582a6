//! The end of the event chain of one lane.

use counterfoil_engine::audit;

/// The one committer of an embedded store.
pub(crate) const LANE: u16 = 0;

/// The last event, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its number; 0 before the first.
    pub(crate) number: u64,
    /// Its hash; zeros before the first.
    pub(crate) hash: [u8; 32],
}

impl Head {
    /// The head after an event of these bytes.
    pub(crate) fn after(&self, body: &[u8]) -> Self {
        Self { number: self.number + 1, hash: audit::chain(&self.hash, body) }
    }
}
