//! The authorization endpoint as a chain of steps: received, validated, signed in, consented, granted.
//!
//! Each step consumes the one before it, and what is required lives in the interaction record, so
//! no step can be skipped by going to another URL.

mod parameters;
pub(crate) mod hint;
mod unpack;
mod validate;
mod browse;
mod consent;
mod complete;
mod remembered;
mod respond;
mod jarm;
mod decoupled;

pub use browse::{Browser, Started};
pub(crate) use browse::{cookie_digest, held, living, new_cookie, session_key};
pub(crate) use complete::{spend, withdraw};
pub(crate) use consent::pushed_key;
pub use consent::{Approval, ConsentQuestion};
pub use decoupled::Polled;
pub use respond::{Answer, Outcome};
pub use unpack::Unpacked;
pub(crate) use unpack::{URN, written};
pub use validate::{AuthorizeError, Mismatch, Received, TrustedRedirect, Validated};
