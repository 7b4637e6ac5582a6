//! A consent: what one customer allowed one client, what they were shown, and every grant below it.

use counterfoil_protocol::ids::{AccountId, ClientId, ConsentId, GrantId, SubjectId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::scope::ScopeSet;
use serde::{Deserialize, Serialize};

use crate::limits::GRANTS_PER_CONSENT_MAX;

/// A consent as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Its id; shown to resource servers.
    pub id: ConsentId,
    /// Raised by every change.
    pub version: u32,
    /// Who allowed it.
    pub subject: SubjectId,
    /// To whom.
    pub client: ClientId,
    /// What, in scopes.
    pub scope: ScopeSet,
    /// Which accounts; empty where the scopes concern none.
    pub accounts: Vec<AccountId>,
    /// When.
    pub given: Moment,
    /// Until when.
    pub ends: Moment,
    /// What the customer saw when they said yes.
    pub shown: Shown,
    /// Where it stands.
    pub state: ConsentState,
    /// Every grant that hangs from it, oldest first; bounded.
    pub grants: Vec<GrantId>,
    /// What, in authorization details (RFC 9396), normalised JSON.
    pub details: Option<Box<str>>,
}

/// The page that was shown, so that it can be proven later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// SHA-256 of the page's bytes.
    pub page_sha256: [u8; 32],
    /// The language.
    pub locale: Box<str>,
    /// The version of templates and texts.
    pub template: Box<str>,
}

/// The life of a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentState {
    /// Allowed.
    Active,
    /// Taken back, by whom and when. Final.
    Withdrawn {
        /// When.
        at: Moment,
        /// By whom.
        by: WithdrawnBy,
    },
}

/// Who took a consent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WithdrawnBy {
    /// The client, for the customer (Fintecture: `DELETE /ais/v1/customer/{id}`).
    Client,
    /// The customer.
    Customer,
    /// The bank.
    Operator,
}

impl Consent {
    /// Whether it allows anything at `now`.
    #[must_use]
    pub fn active(&self, now: Moment) -> bool {
        self.state == ConsentState::Active && self.ends > now
    }

    /// Hangs one more grant below it. Returns the oldest one when the list was full: it must end in
    /// the same batch.
    #[must_use]
    pub fn hang(&mut self, grant: GrantId) -> Option<GrantId> {
        let full = self.grants.len() == GRANTS_PER_CONSENT_MAX;
        let oldest = full.then(|| self.grants.remove(0));
        self.grants.push(grant);
        oldest
    }

    /// Takes it back. The caller ends its grants in the same batch.
    pub fn withdraw(&mut self, at: Moment, by: WithdrawnBy) {
        if self.state == ConsentState::Active {
            self.state = ConsentState::Withdrawn { at, by };
            self.version = self.version.saturating_add(1);
        }
    }
}
