//! What the operator may look up later: every refusal with its reference, reason and what was sent.

use std::borrow::Cow;
use std::sync::Arc;

use counterfoil_engine::keys::Issuer;
use counterfoil_protocol::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// One request as the journal keeps it. Never a token, a code, a secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Entry<'r> {
    /// Seconds since the epoch.
    pub at: u64,
    /// The short reference.
    pub reference: Cow<'r, str>,
    /// The request id in full.
    pub request_id: Cow<'r, str>,
    /// The method.
    pub method: Cow<'r, str>,
    /// The path, without the query.
    pub path: Cow<'r, str>,
    /// The tenant, once known.
    pub tenant: Option<Cow<'r, str>>,
    /// The surface, once known.
    pub surface: Option<Cow<'r, str>>,
    /// The client that was named; unverified.
    pub client: Option<Cow<'r, str>>,
    /// The status that was answered.
    pub status: u16,
    /// The stable code, for a refusal.
    pub code: Option<Cow<'r, str>>,
    /// Its title.
    pub title: Option<Cow<'r, str>>,
    /// What was sent and what was expected, as pairs of words.
    pub facts: Cow<'r, [Fact]>,
}

/// A name and what was sent or expected under it.
pub type Fact = (Cow<'static, str>, String);

impl Entry<'_> {
    /// The same, of which nothing is borrowed.
    #[must_use]
    pub fn into_owned(self) -> Entry<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Entry {
            at: self.at,
            reference: owned(self.reference),
            request_id: owned(self.request_id),
            method: owned(self.method),
            path: owned(self.path),
            tenant: self.tenant.map(owned),
            surface: self.surface.map(owned),
            client: self.client.map(owned),
            status: self.status,
            code: self.code.map(owned),
            title: self.title.map(owned),
            facts: Cow::Owned(self.facts.into_owned()),
        }
    }
}

/// Where entries go. Must not block: it is called before the answer leaves.
pub trait Journal: Send + Sync {
    /// Keeps an entry, or drops it when there is no room.
    fn keep(&self, entry: &Entry<'_>);

    /// Whether successes are wanted too.
    fn wants_successes(&self) -> bool;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Journal for Nowhere {
    fn keep(&self, _: &Entry<'_>) {}
    fn wants_successes(&self) -> bool {
        false
    }
}

/// What a request collects for its entry while it is answered.
#[derive(Debug, Default)]
pub struct Trace {
    /// The tenant.
    pub issuer: Option<Arc<Issuer>>,
    /// The surface.
    pub surface: Option<&'static str>,
    /// The client that was named.
    pub client: Option<String>,
    /// The refusal.
    pub why: Option<Refusal>,
    /// Sent and expected.
    pub facts: Vec<Fact>,
}

impl Trace {
    /// Notes a refusal.
    pub fn refused(&mut self, why: Refusal) {
        self.why = Some(why);
        if let Refusal::Parameter(name, _) = why {
            self.facts.push(("parameter".into(), name.into()));
        }
        if let Refusal::ClientAuthNotAllowed(method) = why {
            self.facts.push(("method tried".into(), method.into()));
        }
    }

    /// Notes something that was sent or expected.
    pub fn fact(&mut self, name: impl Into<Cow<'static, str>>, value: &str) {
        self.facts.push((name.into(), counterfoil_protocol::refusal::printable(value)));
    }
}
