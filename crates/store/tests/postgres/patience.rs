//! Waiting for what must come: every wait has an end, and says what did not come.

use std::time::{Duration, Instant};

/// Longer than anything that is waited for takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until it is so.
pub(crate) fn until(what: &str, is: impl Fn() -> bool) {
    until_some(what, || is().then_some(()));
}

/// Asks until there is something.
#[expect(clippy::disallowed_methods, reason = "who waits for ever never says for what")]
pub(crate) fn until_some<T>(what: &str, find: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::yield_now();
    }
}
