//! The published keys of a tenant (RFC 7517 §5).

use crate::app::{App, Ask};
use crate::reply::Reply;

/// Where every tenant that is no realm publishes them.
pub const PATH: &str = "/jwks";

/// `GET` of the key set.
pub async fn answer(_: &App, ask: &mut Ask<'_>) -> Reply {
    let mut reply = Reply::json(200, &ask.issuer.jwks());
    reply.cacheable = true;
    reply
}
