//! What this server asks of others, their key sets for instance, and what it tells them. Every
//! address that a client registered is called through this one door (attacks.md P11).

use crate::store::BoxFuture;

/// One call to an address that somebody else chose.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Where to. Never put together from parts of a request.
    pub url: &'a str,
    /// The media types that are worth an answer.
    pub accept: &'a str,
    /// A form to post; `None` asks with GET.
    pub form: Option<&'a str>,
    /// A longer answer is none.
    pub len_max: usize,
}

/// What came back. Redirects are not followed: a 302 is an answer like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The status.
    pub status: u16,
    /// The media type without parameters, in lower case.
    pub media_type: Option<Box<str>>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer. Deliberately few: who registered the address must not learn from us what
/// lies behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundFault {
    /// The address is one that we do not call.
    NotAdmitted,
    /// Nobody answered in time, in bounds and over TLS.
    NoAnswer,
}

/// Calls others. The implementation holds the guard: `https` only, no inner addresses after the name
/// was resolved, no redirects, bounded in size and time.
pub trait Outbound: Send + Sync {
    /// Whether an address could be called, as far as its text tells: for registrations.
    fn admits(&self, url: &str) -> bool;

    /// Calls it.
    fn call<'a>(&'a self, call: Outgoing<'a>) -> BoxFuture<'a, Result<Incoming, OutboundFault>>;
}

/// Calls nobody: for engines without a network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Outbound for Nobody {
    fn admits(&self, _: &str) -> bool {
        false
    }

    fn call<'a>(&'a self, _: Outgoing<'a>) -> BoxFuture<'a, Result<Incoming, OutboundFault>> {
        Box::pin(std::future::ready(Err(OutboundFault::NotAdmitted)))
    }
}
