//! When what others have changed was heard last: for how long what is remembered may be used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use counterfoil_engine::directory::Lease;
use tokio::time::Instant;

/// What is remembered is used for so long after everything committed until then was heard: the bound
/// that `docs/reference/store.md` publishes.
pub const HEARD_FOR: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct Heard {
    start: Instant,
    /// Microseconds after `start`; 0: never.
    last: AtomicU64,
}

impl Heard {
    /// Nothing was heard yet.
    #[must_use]
    pub fn never() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0) }
    }

    /// Microseconds since the start, by a clock that nobody sets.
    #[must_use]
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Everything that was committed before this moment was heard.
    pub fn until(&self, moment: u64) {
        self.last.fetch_max(moment, Ordering::AcqRel);
    }

    /// For how long nothing was heard.
    #[must_use]
    pub fn silence(&self) -> Duration {
        let last = self.last.load(Ordering::Acquire);
        Duration::from_micros(self.now().saturating_sub(last))
    }
}

impl Lease for Heard {
    fn holds(&self) -> bool {
        self.last.load(Ordering::Acquire) > 0 && self.silence() < HEARD_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_used_before_anything_was_heard_and_for_a_second_after_it() {
        let heard = Heard::never();
        assert!(!heard.holds());
        heard.until(heard.now().max(1));
        assert!(heard.holds());
        let long_ago = Heard {
            start: Instant::now() - Duration::from_secs(5),
            last: AtomicU64::new(3_999_000),
        };
        assert!(!long_ago.holds());
        long_ago.until(1);
        assert!(long_ago.silence() < Duration::from_secs(2), "what was heard stays heard");
        long_ago.until(long_ago.now());
        assert!(long_ago.holds());
    }
}
