//! What clients asked, when, and what they were told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long one waits for the next call before one looks whether there can be any.
const TICK: Duration = Duration::from_millis(20);

/// A point in time: nobody asks a clock, so calls are ordered by what was seen of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    pub(crate) order: u64,
    /// Operations of the disk until then; always 0 where the disk is not counted.
    pub(crate) disk: u64,
    /// Seconds since 1970: codes live a minute.
    pub(crate) second: u64,
}

/// Who presents a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Owner,
    /// Another client, with credentials of its own.
    Stranger,
    /// Its client, with another verifier.
    WrongVerifier,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Approve {
        scope: String,
    },
    Redeem {
        code: String,
        by: By,
    },
    Refresh {
        token: String,
    },
    /// A token in the client's own name, with a grant of its own.
    Issue {
        client: &'static str,
        scope: String,
    },
    Assert {
        assertion: String,
        scope: String,
    },
    Revoke {
        token: String,
    },
    Suspend {
        client: &'static str,
    },
    Resume {
        client: &'static str,
    },
    Look {
        token: String,
    },
}

/// What was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// No answer: it may have happened.
    Nothing,
    /// 503: it may have happened.
    Later,
    Refused(String),
    Code(String),
    Tokens {
        access: String,
        refresh: Option<String>,
        scope: Option<String>,
    },
    Done,
    Active {
        scope: String,
    },
    Inactive,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) begin: Stamp,
    /// When the answer had arrived, or when there could be none any more: the process was dead.
    pub(crate) end: Stamp,
    pub(crate) what: What,
    pub(crate) said: Said,
    /// Its name in the audit trail.
    pub(crate) request: Option<[u8; 16]>,
}

impl Call {
    /// Whether its answer had arrived before `other` was sent.
    pub(crate) fn before(&self, other: &Self) -> bool {
        self.said != Said::Nothing && self.end.order < other.begin.order
    }

    /// Whether it could have had an effect on what `other` was told.
    pub(crate) fn may_precede(&self, other: &Self) -> bool {
        self.begin.order < other.end.order
    }
}

/// Calls for people, with long tokens cut.
pub(crate) fn shown(calls: &[Call]) -> String {
    const SHOWN: usize = 34;
    let mut text = String::new();
    for Call { begin, end, what, said, .. } in calls {
        text.push_str(&format!("{:>5}-{:<5} ", begin.order, end.order));
        let line = format!("{what:?} -> {said:?}");
        let words = line.split(' ').map(|word| match word.char_indices().nth(SHOWN) {
            Some((at, _)) => format!("{}…", &word[..at]),
            None => word.to_owned(),
        });
        text.push_str(&words.collect::<Vec<_>>().join(" "));
        text.push('\n');
    }
    text
}

/// All calls, by when they began.
#[derive(Default)]
pub(crate) struct History {
    order: AtomicU64,
    calls: Mutex<Vec<Call>>,
    more: Condvar,
    /// Where the clock stands.
    pub(crate) second: Option<u64>,
    /// Where the disk is counted.
    pub(crate) disk: Option<counterfoil_disk::Disk>,
}

impl History {
    /// Something happens now.
    pub(crate) fn now(&self) -> Stamp {
        // The disk first at the end of a call and last at its begin would be tighter; this is safe:
        // a call is taken to begin not later and to end not earlier than it did.
        let disk = self.disk.as_ref().map_or(0, counterfoil_disk::Disk::changes);
        let second = self.second.unwrap_or_else(crate::actors::now);
        Stamp { order: self.order.fetch_add(1, Ordering::SeqCst), disk, second }
    }

    /// A call has its answer, or will never have one.
    pub(crate) fn told(&self, begin: Stamp, what: What, (said, request): (Said, Option<[u8; 16]>)) {
        let end = self.now();
        let call = Call { begin, end, what, said, request };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        self.more.notify_all();
    }

    /// A fact from before this history.
    pub(crate) fn known(&self, what: What, said: Said) {
        let begin = self.now();
        self.told(begin, what, (said, None));
    }

    /// Everything so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        calls.sort_by_key(|call| call.begin.order);
        calls
    }

    /// Answers so far, whatever they said.
    pub(crate) fn answers(&self) -> usize {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|call| call.said != Said::Nothing).count()
    }

    /// Waits until so many answers have arrived. Not, when `going` says no before.
    pub(crate) fn wait_for(&self, answers: usize, going: &dyn Fn() -> bool) -> bool {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        while going() {
            if calls.iter().filter(|call| call.said != Said::Nothing).count() >= answers {
                return true;
            }
            calls = self.more.wait_timeout(calls, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    /// The history as it was when the disk had done so many operations and no more.
    pub(crate) fn cut(&self, disk: u64) -> Self {
        let mut calls = self.calls();
        calls.retain(|call| call.begin.disk <= disk);
        for call in &mut calls {
            if call.end.disk > disk {
                (call.said, call.request) = (Said::Nothing, None);
            }
        }
        let order = AtomicU64::new(self.order.load(Ordering::SeqCst));
        Self {
            order,
            calls: Mutex::new(calls),
            more: Condvar::new(),
            second: self.second,
            disk: None,
        }
    }
}
