//! Requests at a fixed rate: planned whatever the answers do, so that a server that stands still is
//! charged for everybody who would have come meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Arrivals come in bursts of this length: the timer has no finer one.
const TICK: Duration = Duration::from_millis(1);
/// A timer that is later than this is the driver's own trouble, and is charged.
const LATE: Duration = Duration::from_millis(2);

/// Planned requests that nobody has taken yet.
pub(super) struct Arrivals {
    per_second: f64,
    due: RefCell<VecDeque<Instant>>,
    waiting: Semaphore,
}

impl Arrivals {
    pub(super) fn new(per_second: f64) -> Self {
        Self { per_second, due: RefCell::default(), waiting: Semaphore::new(0) }
    }

    /// Plans until the end.
    pub(super) async fn run(&self, ended: &Cell<bool>) {
        let started = Instant::now();
        let mut planned = 0.0;
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !ended.get() {
            tick.tick().await;
            let now = Instant::now();
            let should = now.duration_since(started).as_secs_f64() * self.per_second;
            let mut some = 0;
            while planned < should {
                let exact = started + Duration::from_secs_f64(planned / self.per_second);
                let late = now.saturating_duration_since(exact);
                self.due.borrow_mut().push_back(if late > LATE { exact } else { now });
                planned += 1.0;
                some += 1;
            }
            self.waiting.add_permits(some);
        }
    }

    /// The moment of the next request, when it has come. `None` at the end.
    pub(super) async fn next(&self) -> Option<Instant> {
        self.waiting.acquire().await.ok()?.forget();
        self.due.borrow_mut().pop_front()
    }

    /// Whoever waits is told that there is no more.
    pub(super) fn end(&self, waiting: usize) {
        self.due.borrow_mut().clear();
        self.waiting.add_permits(waiting);
    }
}
