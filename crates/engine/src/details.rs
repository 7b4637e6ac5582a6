//! Authorization details (RFC 9396): what is asked for, in more than a word.

use counterfoil_protocol::refusal::{AuthorizeFault, Refusal};

/// Reads the parameter of a client that registered these types.
///
/// # Errors
/// [`Refusal::Authorize(AuthorizeFault::DetailsInvalid)`] for an unknown type, or one that the client did not register.
pub(crate) fn read(_: &str, _: &[Box<str>]) -> Result<Box<str>, Refusal> {
    Err(Refusal::Authorize(AuthorizeFault::DetailsInvalid))
}
