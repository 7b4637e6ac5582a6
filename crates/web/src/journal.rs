//! What the operator may look up later: every refusal with its reference, reason and what was sent.

use counterfoil_protocol::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// One request as the journal keeps it. Never a token, a code, a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Seconds since the epoch.
    pub at: u64,
    /// The short reference.
    pub reference: String,
    /// The request id in full.
    pub request_id: String,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The tenant, once known.
    pub tenant: Option<String>,
    /// The surface, once known.
    pub surface: Option<String>,
    /// The client that was named; unverified.
    pub client: Option<String>,
    /// The status that was answered.
    pub status: u16,
    /// The stable code, for a refusal.
    pub code: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// What was sent and what was expected, as pairs of words.
    pub facts: Vec<(String, String)>,
}

/// Where entries go. Must not block: it is called before the answer leaves.
pub trait Journal: Send + Sync {
    /// Keeps an entry, or drops it when there is no room.
    fn keep(&self, entry: Entry);

    /// Whether successes are wanted too.
    fn wants_successes(&self) -> bool;
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Journal for Nowhere {
    fn keep(&self, _: Entry) {}
    fn wants_successes(&self) -> bool {
        false
    }
}

/// What a request collects for its entry while it is answered.
#[derive(Debug, Default)]
pub struct Trace {
    /// The tenant.
    pub tenant: Option<String>,
    /// The surface.
    pub surface: Option<&'static str>,
    /// The client that was named.
    pub client: Option<String>,
    /// The refusal.
    pub why: Option<Refusal>,
    /// Sent and expected.
    pub facts: Vec<(String, String)>,
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
    pub fn fact(&mut self, name: &str, value: &str) {
        const FACT_LEN_MAX: usize = 300;
        let value: String = counterfoil_protocol::refusal::printable(value);
        self.facts.push((name.into(), value.chars().take(FACT_LEN_MAX).collect()));
    }
}
