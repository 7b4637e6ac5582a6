//! A login of a customer in one browser. Named by a cookie, which is a handle like any other.

use counterfoil_protocol::ids::{ClientId, SessionId, SubjectId};
use counterfoil_protocol::moment::Moment;
use serde::{Deserialize, Serialize};

use crate::handle::{Facts, Generation, KeyId, Minted, Salt, Serial, TenantRing, ViewId};

/// A session as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who signed in.
    pub subject: SubjectId,
    /// When.
    pub auth_time: Moment,
    /// Until when it saves another login.
    pub ends: Moment,
    /// Never leaves the store.
    pub salt: Salt,
    /// The key its cookie was minted with.
    pub key: KeyId,
    /// How strongly they signed in (`acr`).
    pub acr: Option<Box<str>>,
    /// By which means (`amr`, RFC 8176).
    pub amr: Vec<Box<str>>,
    /// The clients that were told of this login, oldest first; bounded.
    pub clients: Vec<ClientId>,
}

impl Session {
    /// The value of the cookie: a function of the record.
    #[must_use]
    pub fn cookie(&self, ring: &TenantRing) -> Option<Minted<crate::handle::Session>> {
        let facts = Facts {
            key: self.key,
            record: self.id.0,
            generation: Generation::FIRST,
            view: ViewId::WHOLE,
            serial: Serial::NONE,
            expires: self.ends,
            binding: None,
        };
        Minted::mint(facts, &self.salt, ring)
    }
}
