//! What an authorization request asked beyond RFC 6749: OpenID Connect Core §3.1.2.1, PAR, DPoP,
//! authorization details, resource indicators. The defaults are those of a request that asked for
//! nothing.

use counterfoil_protocol::ids::{PushedId, SessionId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::secret::Digest;
use serde::{Deserialize, Serialize};

use crate::response_mode::ResponseMode;

/// Kept with the interaction, so that nothing of it has to come back from the browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIdRequest {
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// What the client wants the customer to do; empty: whatever is needed.
    pub prompt: Vec<Prompt>,
    /// A login before this does not count (`prompt=login`, `max_age`).
    pub login_since: Option<Moment>,
    /// Whether the ID token must tell when the customer signed in.
    pub auth_time: bool,
    /// In order of preference.
    pub acr_values: Vec<Box<str>>,
    /// The `claims` parameter, as sent; it has been parsed once.
    pub claims: Option<Box<str>>,
    /// Languages, in order of preference.
    pub ui_locales: Option<Box<str>>,
    /// Whom the client expects.
    pub login_hint: Option<Box<str>>,
    /// Who it must be, as the client knows them (`id_token_hint`).
    pub sub: Option<Box<str>>,
    /// `authorization_details`, normalised JSON (RFC 9396).
    pub details: Option<Box<str>>,
    /// `resource`, in the order sent (RFC 8707).
    pub resources: Vec<Box<str>>,
    /// The key or certificate the code will be bound to (RFC 9449 §10).
    pub sender: Option<Digest>,
    /// The pushed request it came as, to be spent with the answer (RFC 9126).
    pub pushed: Option<PushedId>,
    /// The login that the answer will stand on.
    pub session: Option<SessionId>,
}

/// `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// No page at all.
    None,
    /// Sign in, also if signed in.
    Login,
    /// Be asked, also if asked before.
    Consent,
    /// Choose who to be.
    SelectAccount,
}
