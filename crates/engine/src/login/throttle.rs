//! Bounds guessing: so many failures per login name in a window, whatever the browser.
//!
//! In memory: forgetting at a restart gives a guesser twenty more guesses, no more. An unknown name
//! is counted like a known one, so the count is no oracle.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use counterfoil_protocol::moment::Moment;

use crate::limits::{LOGIN_FAILURES_MAX, LOGIN_NAMES_MAX, LOGIN_WINDOW_S};

/// A keyed digest of a login name.
type Name = [u8; 32];

/// Failures by name.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<Name, (Moment, u32)>>);

impl Throttle {
    /// Whether another attempt for this name is looked at.
    #[must_use]
    pub fn admits(&self, name: &Name, now: Moment) -> bool {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = table.get(name).filter(|(since, _)| now.since(*since) < LOGIN_WINDOW_S);
        current.is_none_or(|(_, failures)| *failures < LOGIN_FAILURES_MAX)
    }

    /// One more failure.
    pub fn failed(&self, name: &Name, now: Moment) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= LOGIN_NAMES_MAX && !table.contains_key(name) {
            table.clear();
        }
        let (since, failures) = table.entry(*name).or_insert((now, 0));
        if now.since(*since) >= LOGIN_WINDOW_S {
            (*since, *failures) = (now, 0);
        }
        *failures = failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_closed_after_many_failures_and_opens_again() {
        let (throttle, now) = (Throttle::default(), Moment(1_000));
        for _ in 0..LOGIN_FAILURES_MAX {
            assert!(throttle.admits(&[1; 32], now));
            throttle.failed(&[1; 32], now);
        }
        assert!(!throttle.admits(&[1; 32], now));
        assert!(throttle.admits(&[2; 32], now));
        assert!(throttle.admits(&[1; 32], now.after(LOGIN_WINDOW_S)));
    }
}
