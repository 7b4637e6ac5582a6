//! An authorization in progress: what was asked, in which browser, how far the customer has come.
//!
//! Requirements live here and not in the URL, so they survive a restart, the back button and a
//! second tab (attacks.md P34).

use counterfoil_protocol::ids::{ClientId, ConsentId, GrantId, InteractionId, SubjectId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Digest;
use serde::{Deserialize, Serialize};

use crate::openid_request::OpenIdRequest;

/// An interaction as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interaction {
    /// Its id; stands in the URL and is worth nothing without the cookie.
    pub id: InteractionId,
    /// The surface it came through.
    pub surface: Box<str>,
    /// Who asks.
    pub client: ClientId,
    /// Where the answer goes: matched against the registration before this record was made.
    pub redirect_uri: RedirectUri,
    /// What is asked.
    pub scope: ScopeSet,
    /// In which spelling.
    pub spelled: Box<str>,
    /// The code challenge, as sent.
    pub challenge: Option<Box<str>>,
    /// Returned byte for byte.
    pub state: Option<Box<str>>,
    /// Copied into the ID token.
    pub nonce: Option<Box<str>>,
    /// How the answer travels.
    pub channel: Channel,
    /// Digest of the cookie of the browser it belongs to; `None` until a browser has come.
    pub browser: Option<Digest>,
    /// How far it is.
    pub step: Step,
    /// Wrong passwords so far.
    pub failures: u8,
    /// When it ends.
    pub ends: Moment,
    /// What was asked beyond RFC 6749.
    pub openid: OpenIdRequest,
}

/// How the answer travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    /// By redirect, as RFC 6749 has it.
    Redirect,
    /// By redirect in the shape of an account information provider (surfaces.md 2.8).
    Provider {
        /// The provider's id, returned in the answer.
        provider: Box<str>,
    },
    /// The client polls; the customer approves elsewhere (surfaces.md 2.8).
    Decoupled {
        /// The provider's id, returned in the answer.
        provider: Box<str>,
        /// The customer the client named.
        psu: Box<str>,
    },
}

/// How far an interaction is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Nobody has signed in.
    Login,
    /// Somebody has, and has not answered.
    Consent {
        /// Who.
        subject: SubjectId,
        /// When they signed in.
        auth_time: Moment,
    },
    /// They said yes.
    Approved {
        /// Who.
        subject: SubjectId,
        /// When they signed in.
        auth_time: Moment,
        /// Under which consent.
        consent: ConsentId,
        /// The grant, once there is one. Decoupled: made when the client first asks.
        grant: Option<GrantId>,
    },
    /// They, or the bank for them, said no.
    Refused {
        /// Why.
        why: RefusedWhy,
    },
}

/// Why an authorization came to nothing on the customer's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusedWhy {
    /// They said no.
    Declined,
    /// The bank said no for them.
    DeclinedByBank,
    /// Strong authentication failed.
    ScaFailed,
    /// They signed in with a wrong password too often.
    Throttled,
}

impl RefusedWhy {
    /// The refusal this is towards the client.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        match self {
            Self::Declined | Self::DeclinedByBank => Refusal::AccessDenied,
            Self::ScaFailed => Refusal::AuthenticationFailed,
            Self::Throttled => Refusal::LoginThrottled,
        }
    }
}
