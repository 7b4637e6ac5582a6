//! What the parts of one open store share: where it is, its clock, its revisions, how it does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::address::Address;
use super::nodes::Node;
use super::revisions::Span;
use crate::health::Health;
use crate::limits::QUEUE_MAX;
use crate::revisions::Micros;

/// See the module.
pub(super) struct Shared {
    pub(super) address: Address,
    pub(super) span: Span,
    micros: Micros,
    /// Under which locks of this store are taken.
    number: AtomicI32,
    /// Batches that have no answer yet.
    waiting: AtomicUsize,
    closed: AtomicBool,
    /// The version of a program that the tables need, when it is later than ours; 0: it is not.
    needed: AtomicI64,
    closing: Notify,
    idle: Notify,
    node: Mutex<Option<Node>>,
    /// The connections that are lost, and why.
    lost: Mutex<BTreeMap<String, String>>,
    fault: Mutex<Option<Box<str>>>,
}

impl Shared {
    pub(super) fn new(address: Address, micros: Micros) -> Self {
        Self {
            address,
            span: Span::default(),
            micros,
            number: AtomicI32::default(),
            waiting: AtomicUsize::default(),
            closed: AtomicBool::default(),
            needed: AtomicI64::default(),
            closing: Notify::new(),
            idle: Notify::new(),
            node: Mutex::default(),
            lost: Mutex::default(),
            fault: Mutex::default(),
        }
    }

    pub(super) fn micros(&self) -> u64 {
        (self.micros)()
    }

    pub(super) fn number(&self) -> i32 {
        self.number.load(Ordering::Relaxed)
    }

    pub(super) fn is_number(&self, number: i32) {
        self.number.store(number, Ordering::Relaxed);
    }

    /// Room for one more batch, or a refusal at once (S9).
    pub(super) fn admit(&self) -> bool {
        // Counted first: whoever closes then sees either this batch or nobody.
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let admitted = before < QUEUE_MAX && !self.is_closed() && !self.is_left_behind();
        if !admitted {
            self.answered(1);
        }
        admitted
    }

    /// A batch that was admitted has its answer.
    pub(super) fn answered(&self, count: usize) {
        if self.waiting.fetch_sub(count, Ordering::AcqRel) == count {
            self.idle.notify_one();
        }
    }

    /// Nothing is taken any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.closing.notify_one();
    }

    pub(super) async fn closing(&self) {
        self.closing.notified().await;
    }

    /// Every batch that was admitted has its answer.
    pub(super) async fn idle(&self) {
        while self.waiting.load(Ordering::Acquire) > 0 {
            self.idle.notified().await;
        }
    }

    /// What this process says of itself, if it does.
    pub(super) fn node(&self) -> Option<Node> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_node(&self, node: Node) {
        *self.node.lock().unwrap_or_else(PoisonError::into_inner) = Some(node);
    }

    /// The tables have contracted: what we would write or read in them may mean something else now.
    pub(super) fn left_behind(&self, needed: i64) {
        self.needed.store(needed, Ordering::Release);
    }

    pub(super) fn is_left_behind(&self) -> bool {
        self.needed.load(Ordering::Acquire) > 0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// A connection is lost; it is being tried anew.
    pub(super) fn lost(&self, part: &str, why: impl std::fmt::Display) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.insert(part.to_owned(), why.to_string());
    }

    /// It is back.
    pub(super) fn found(&self, part: &str) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).remove(part);
    }

    /// One request failed; the store goes on.
    pub(super) fn note(&self, fault: impl std::fmt::Display) {
        let mut last = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(fault.to_string().into());
    }

    pub(super) fn last_fault(&self) -> Option<Box<str>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn health(&self) -> Health {
        if self.is_closed() {
            return Health::Stopped { why: "closed".into() };
        }
        if self.is_left_behind() {
            let needed = self.needed.load(Ordering::Acquire);
            let why = format!("its tables need a program of version {needed}: use the later one");
            return Health::Stopped { why: why.into() };
        }
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        match lost.first_key_value() {
            None => Health::Ready,
            Some((part, why)) => Health::Interrupted { why: format!("{part}: {why}").into() },
        }
    }
}
