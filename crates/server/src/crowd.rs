//! How many connections ask for something: all that can keep the processors busy. One that is merely open,
//! or does not come to the end of its request, costs no time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long a connection counts after it has asked; at most twice as long.
const PERIOD: Duration = Duration::from_secs(1);
/// The period of a connection that has not asked: 68 years away from the first one.
const NEVER: u32 = u32::MAX / 2;

/// See the module. What is counted here decides nothing exactly: it may be off by a few.
#[derive(Debug, Default)]
pub struct Crowd {
    /// The number of this period.
    period: AtomicU32,
    /// Connections that have asked in this period.
    asking: AtomicU32,
    /// Those of the period before.
    asked: AtomicU32,
    /// New ones that no worker has looked at. Who asks once per connection waits here.
    new: AtomicU32,
}

/// The period in which a connection has asked last.
#[derive(Debug)]
pub struct Asked(AtomicU32);

impl Default for Asked {
    fn default() -> Self {
        Self(AtomicU32::new(NEVER))
    }
}

impl Crowd {
    /// There is a new connection.
    pub fn accepted(&self) {
        self.new.fetch_add(1, Ordering::Relaxed);
    }

    /// A worker looks at it.
    pub fn started(&self) {
        self.new.fetch_sub(1, Ordering::Relaxed);
    }

    /// A connection has asked for something: all of its request is here, or nobody will read it.
    pub fn asks(&self, connection: &Asked) {
        let period = self.period.load(Ordering::Relaxed);
        if connection.0.load(Ordering::Relaxed) != period {
            connection.0.store(period, Ordering::Relaxed);
            self.asking.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection has ended: what asks once and goes does not add up.
    pub fn ended(&self, connection: &Asked) {
        let now = self.period.load(Ordering::Relaxed);
        let counter = match now.wrapping_sub(connection.0.load(Ordering::Relaxed)) {
            0 => &self.asking,
            1 => &self.asked,
            _ => return,
        };
        let less = |count: u32| count.checked_sub(1);
        // Nothing to take away: the period has changed in between.
        let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// How many there are.
    #[must_use]
    pub fn size(&self) -> usize {
        let asking = self.asking.load(Ordering::Relaxed).max(self.asked.load(Ordering::Relaxed));
        asking.saturating_add(self.new.load(Ordering::Relaxed)) as usize
    }

    /// Tells how many there are, and lets time pass; for one caller, which comes more often than a
    /// period is long.
    pub fn watched(self: Arc<Self>) -> impl FnMut() -> usize {
        let mut begun = Instant::now();
        move || {
            if begun.elapsed() >= PERIOD {
                begun = Instant::now();
                self.next_period();
            }
            self.size()
        }
    }

    fn next_period(&self) {
        self.asked.store(self.asking.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        self.period.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_counts_once_and_only_as_long_as_it_asks() {
        let (crowd, some) = (Crowd::default(), [(); 5].map(|()| Asked::default()));
        some.iter().chain(&some).for_each(|connection| crowd.asks(connection));
        assert_eq!(crowd.size(), 5);
        // They stay open, and stand still.
        crowd.next_period();
        assert_eq!(crowd.size(), 5);
        some.iter().take(2).for_each(|connection| crowd.asks(connection));
        crowd.next_period();
        assert_eq!(crowd.size(), 2);
        crowd.next_period();
        assert_eq!(crowd.size(), 0);
    }

    #[test]
    fn a_connection_counts_no_more_when_it_is_gone() {
        let (crowd, stays) = (Crowd::default(), Asked::default());
        crowd.asks(&stays);
        for _ in 0..3 {
            let passing = Asked::default();
            crowd.asks(&passing);
            assert_eq!(crowd.size(), 2);
            crowd.ended(&passing);
        }
        crowd.ended(&Asked::default());
        assert_eq!(crowd.size(), 1);
        let late = Asked::default();
        crowd.asks(&late);
        crowd.next_period();
        crowd.ended(&late);
        assert_eq!(crowd.size(), 1);
    }

    #[test]
    fn whoever_waits_to_be_looked_at_counts() {
        let crowd = Crowd::default();
        crowd.accepted();
        crowd.accepted();
        crowd.started();
        assert_eq!(crowd.size(), 1);
    }
}
