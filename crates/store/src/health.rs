//! Whether a store works, and why not.

use std::fmt;
use std::sync::{Mutex, OnceLock};

/// Whether a store takes commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Ready,
    /// Not now; it tries by itself to be ready again. Reads may go on.
    Interrupted {
        /// For the operator.
        why: Box<str>,
    },
    /// It does not, and will not until the process is restarted. Reads may go on.
    Stopped {
        /// For the operator.
        why: Box<str>,
    },
}

/// What the parts of a store tell each other about its health.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    stopped: OnceLock<Box<str>>,
    interrupted: Mutex<Option<Box<str>>>,
    fault: Mutex<Option<Box<str>>>,
}

impl Condition {
    /// For good. The first reason stays.
    pub(crate) fn stop(&self, why: impl fmt::Display) {
        let _ = self.stopped.set(why.to_string().into());
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.get().is_some()
    }

    /// For now; `None` ends it.
    pub(crate) fn interrupted(&self, why: Option<&dyn fmt::Display>) {
        if let Ok(mut interrupted) = self.interrupted.lock() {
            *interrupted = why.map(|why| why.to_string().into());
        }
    }

    /// One request failed; the store goes on.
    pub(crate) fn note(&self, fault: impl fmt::Display) {
        if let Ok(mut last) = self.fault.lock() {
            *last = Some(fault.to_string().into());
        }
    }

    pub(crate) fn health(&self) -> Health {
        let interrupted = || self.interrupted.lock().ok().and_then(|why| why.clone());
        match self.stopped.get() {
            Some(why) => Health::Stopped { why: why.clone() },
            None => interrupted().map_or(Health::Ready, |why| Health::Interrupted { why }),
        }
    }

    pub(crate) fn last_fault(&self) -> Option<Box<str>> {
        self.fault.lock().ok()?.clone()
    }
}
