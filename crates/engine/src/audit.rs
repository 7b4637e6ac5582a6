//! The audit trail: what happened, to which record, because of which request. Hash-chained.

use counterfoil_jose::provider;
use counterfoil_protocol::ids::{ClientId, SubjectId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// One event as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// In which tenant.
    pub tenant: TenantId,
    /// What.
    pub what: What,
    /// Which client was concerned.
    pub client: Option<ClientId>,
    /// Which customer was concerned.
    pub subject: Option<SubjectId>,
    /// The id of the record: a grant, a consent.
    pub record: Option<[u8; 16]>,
    /// The stable code of the refusal, if it was one.
    pub why: Option<Box<str>>,
    /// The request, as its `X-Request-Id` said.
    pub request: [u8; 16],
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum What {
    /// A client got a token through a grant that changed.
    TokenIssued,
    /// A client got a token and nothing changed.
    TokenIssuedUnchanged,
    /// A code or refresh token was used again; its grant is revoked.
    ReplayDetected,
    /// Somebody holds one of our handle keys.
    HandleForged,
    /// The store is older than what it handed out.
    StoreBehind,
    /// A grant was revoked by its client.
    GrantRevoked,
    /// An access token was revoked by its client.
    TokenRevoked,
    /// A client tried to revoke what is not its own.
    RevocationOfForeignToken,
    /// An authorization was started.
    AuthorizationStarted,
    /// A customer signed in.
    LoginSucceeded,
    /// A customer failed to sign in.
    LoginFailed,
    /// A customer said yes.
    ConsentGiven,
    /// A customer, or the bank for them, said no.
    ConsentRefused,
    /// A consent was taken back.
    ConsentWithdrawn,
    /// A client assertion without `jti` was accepted (surfaces.md 4.4).
    AssertionWithoutId,
    /// A resource was created or changed by configuration.
    ResourceApplied,
    /// A customer was suspended or resumed.
    SubjectChanged,
    /// A client was suspended or resumed.
    ClientChanged,
    /// A signing key changed its state.
    KeyChanged,
    /// A client registered, changed or removed itself.
    ClientRegistered,
    /// A customer signed out.
    LoggedOut,
    /// A client heard that a customer signed out.
    LogoutDelivered,
    /// A client could not be told that a customer signed out.
    LogoutGivenUp,
}

impl What {
    /// Whether it is kept whatever the operator chose: somebody attacks, or a client is weak.
    #[must_use]
    pub const fn is_always_kept(self) -> bool {
        matches!(
            self,
            Self::HandleForged
                | Self::StoreBehind
                | Self::RevocationOfForeignToken
                | Self::AssertionWithoutId
        )
    }

    /// A dotted name for logs and exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokenIssued => "token.issued",
            Self::TokenIssuedUnchanged => "token.issued.unchanged",
            Self::ReplayDetected => "grant.replay_detected",
            Self::HandleForged => "handle.forged",
            Self::StoreBehind => "store.behind",
            Self::GrantRevoked => "grant.revoked",
            Self::TokenRevoked => "token.revoked",
            Self::RevocationOfForeignToken => "token.revocation_of_foreign",
            Self::AuthorizationStarted => "authorization.started",
            Self::LoginSucceeded => "login.succeeded",
            Self::LoginFailed => "login.failed",
            Self::ConsentGiven => "consent.given",
            Self::ConsentRefused => "consent.refused",
            Self::ConsentWithdrawn => "consent.withdrawn",
            Self::AssertionWithoutId => "assertion.without_id",
            Self::ResourceApplied => "resource.applied",
            Self::SubjectChanged => "subject.changed",
            Self::ClientChanged => "client.changed",
            Self::KeyChanged => "key.changed",
            Self::ClientRegistered => "client.registered",
            Self::LoggedOut => "logout.done",
            Self::LogoutDelivered => "logout.delivered",
            Self::LogoutGivenUp => "logout.given_up",
        }
    }
}

/// What an event says before the circumstances are known. Decisions make these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub what: What,
    /// Which client was concerned.
    pub client: Option<ClientId>,
    /// Which customer was concerned.
    pub subject: Option<SubjectId>,
    /// The id of the record.
    pub record: Option<[u8; 16]>,
    /// The refusal, if it was one.
    pub why: Option<Refusal>,
}

impl Note {
    /// A note about nothing but what happened.
    #[must_use]
    pub fn of(what: What) -> Self {
        Self { what, client: None, subject: None, record: None, why: None }
    }

    /// The same, about a grant.
    #[must_use]
    pub fn about(what: What, grant: &crate::grant::Grant) -> Self {
        Self {
            what,
            client: Some(grant.client.clone()),
            subject: grant.subject.as_ref().map(|s| s.id.clone()),
            record: Some(grant.id.0),
            why: None,
        }
    }

    /// The same, because of a refusal.
    #[must_use]
    pub fn because(self, why: Refusal) -> Self {
        Self { why: Some(why), ..self }
    }

    /// The event this becomes.
    #[must_use]
    pub fn at(self, at: Moment, tenant: &TenantId, request: [u8; 16]) -> Event {
        Event {
            at,
            tenant: tenant.clone(),
            what: self.what,
            client: self.client,
            subject: self.subject,
            record: self.record,
            why: self.why.map(|why| why.stable().code.into()),
            request,
        }
    }
}

/// The hash of event n: over the hash of event n−1 and the bytes of event n.
#[must_use]
pub fn chain(previous: &[u8; 32], body: &[u8]) -> [u8; 32] {
    provider::sha256_of(&[previous, body])
}
