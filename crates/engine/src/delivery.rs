//! The outbox: what a client must still be told after a commit. Written in the batch that causes it,
//! so that it survives a restart; deleted when it was delivered.

use counterfoil_protocol::ids::{ClientId, DeliveryId};
use counterfoil_protocol::moment::Moment;
use serde::{Deserialize, Serialize};

use crate::limits::DELIVERY_PAUSES_S;

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

impl Delivery {
    /// The record with one more attempt counted, and due again after a pause that grows. `None`: it
    /// was tried often enough, or for long enough.
    #[must_use]
    pub fn attempt(&self, now: Moment) -> Option<Self> {
        if self.ends <= now || self.is_tried_out() {
            return None;
        }
        let pause_s = usize::try_from(self.attempts).ok().and_then(|n| DELIVERY_PAUSES_S.get(n));
        let due = now.after(*pause_s.or(DELIVERY_PAUSES_S.last())?);
        Some(Self { attempts: self.attempts.saturating_add(1), due, ..self.clone() })
    }

    /// Whether there is no attempt left: one before each pause, and one after the last.
    #[must_use]
    pub fn is_tried_out(&self) -> bool {
        usize::try_from(self.attempts).map_or(true, |tried| tried > DELIVERY_PAUSES_S.len())
    }
}
