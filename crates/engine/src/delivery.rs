//! The outbox: what a client must still be told after a commit. Written in the batch that causes it,
//! so that it survives a restart; deleted when it was delivered.

use counterfoil_protocol::ids::{ClientId, DeliveryId};
use counterfoil_protocol::moment::Moment;
use serde::{Deserialize, Serialize};

/// A back-channel logout that has not arrived yet (OpenID Connect Back-Channel Logout §2.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id; also the `jti` of the logout token.
    pub id: DeliveryId,
    /// Whom it concerns.
    pub client: ClientId,
    /// Where it goes, as registered when it was written.
    pub url: Box<str>,
    /// The customer, as this client knows them.
    pub sub: Option<Box<str>>,
    /// The login that ended.
    pub sid: Option<Box<str>>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due: Moment,
    /// When it is given up.
    pub ends: Moment,
}
