//! A pushed authorization request (RFC 9126), named by its `request_uri`, a handle like any other.

use counterfoil_protocol::ids::{ClientId, PushedId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::secret::Digest;
use serde::{Deserialize, Serialize};

use crate::handle::{self, Facts, Generation, KeyId, Minted, Salt, Serial, TenantRing, ViewId};

/// A pushed request as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Its id.
    pub id: PushedId,
    /// Who pushed it; nobody else may use it.
    pub client: ClientId,
    /// Its parameters as `application/x-www-form-urlencoded`, without credentials.
    pub form: Box<str>,
    /// The key or certificate the code will be bound to.
    pub sender: Option<Digest>,
    /// Until when an authorization may begin with it.
    pub expires: Moment,
    /// Kept longer, because it is spent when the authorization completes and not before.
    pub ends: Moment,
    /// Whether an authorization has completed.
    pub spent: bool,
    /// Never leaves the store.
    pub salt: Salt,
    /// The key its name was minted with.
    pub key: KeyId,
}

impl Pushed {
    /// Its name, without the URN in front: a function of the record.
    #[must_use]
    pub fn handle(&self, ring: &TenantRing) -> Option<Minted<handle::RequestUri>> {
        let facts = Facts {
            key: self.key,
            record: self.id.0,
            generation: Generation::FIRST,
            view: ViewId::WHOLE,
            serial: Serial::NONE,
            expires: self.expires,
            binding: None,
        };
        Minted::mint(facts, &self.salt, ring)
    }
}
