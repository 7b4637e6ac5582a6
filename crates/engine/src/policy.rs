//! Security rules as data: a profile is a value to compare, not a flag to test all over the code.
//!
//! A policy names the very rules it allows, so a grant type that it does not list cannot be reached.
//! A field exists only where two surfaces differ in it. There is no `Default`: a new field makes the
//! compiler list every surface that must take a position.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::{assertion, dpop, request_object};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use crate::client::Client;
use crate::client_auth::ClientAuth;
use crate::details::types::DetailsType;
use crate::grants::GrantRule;
use crate::response_mode::ResponseMode;
use crate::sender::Binding;

/// The rules of one surface.
pub struct Policy {
    /// The surface, as stored in its grants and clients.
    pub name: &'static str,
    /// The grant types it serves.
    pub grants: &'static [&'static dyn GrantRule],
    /// How clients prove who they are.
    pub client_auth: ClientAuthRules,
    /// Which scopes exist and how they are spelled.
    pub scopes: &'static dyn ScopeRules,
    /// What a missing scope means.
    pub scope_absent: ScopeAbsent,
    /// Proof key for code exchange.
    pub pkce: Pkce,
    /// What a redemption without a verifier is, where one is required.
    pub verifier_absent: VerifierAbsent,
    /// Whether a redemption must repeat the redirect URI.
    pub redirect_uri: RedirectRule,
    /// Whether a login is told to the client.
    pub id_token: IdToken,
    /// What an access token looks like.
    pub access_format: AccessFormat,
    /// Algorithms of signatures, ours and those of clients.
    pub algs: &'static [Alg],
    /// How authorization requests come and are answered beyond RFC 6749.
    pub authorization: &'static AuthorizationRules,
    /// Life of a code.
    pub code_ttl_s: u64,
    /// Life of an access token.
    pub access_ttl_s: u64,
    /// An unused refresh token dies after this; a rotated one starts anew.
    pub refresh_ttl_s: u64,
    /// Nothing below a grant outlives this, however often it is refreshed.
    pub grant_ttl_s: u64,
    /// What a refresh does to the refresh token.
    pub rotation: Rotation,
    /// What a refresh does to the access tokens before it.
    pub previous_access: Previous,
    /// How tokens are tied to whoever asked for them.
    pub sender: SenderRules,
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Policy({})", self.name)
    }
}

/// How tokens are tied to whoever asked for them (RFC 8705, RFC 9449).
#[derive(Clone, Copy, Debug)]
pub struct SenderRules {
    /// Whether a token that is tied to nothing can be had at all.
    pub required: bool,
    /// The rules of proofs. Without them the `DPoP` header means nothing here.
    pub proofs: Option<&'static dpop::Profile>,
    /// What a nonce of ours is for.
    pub nonce: NonceRule,
}

impl SenderRules {
    /// Whoever has a token can use it.
    pub const BEARER: Self = Self { required: false, proofs: None, nonce: NonceRule::Honoured };
}

/// What a nonce in a proof is for (RFC 9449 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceRule {
    /// One that is there must be ours.
    Honoured,
    /// There must be one.
    Required,
}

/// How clients prove who they are at an endpoint.
#[derive(Clone, Copy)]
pub struct ClientAuthRules {
    /// The methods that are taken.
    pub methods: &'static [&'static dyn ClientAuth],
    /// What holds when credentials come in the header and in the body.
    pub credentials_twice: CredentialsTwice,
    /// The rules of client assertions, where they are taken.
    pub assertion: Option<&'static assertion::Profile>,
}

/// What holds when the same request carries a Basic header and credentials in its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialsTwice {
    /// RFC 6749 §2.3: not more than one method.
    Refused,
    /// Fintecture's Python SDK and keycloak-connect send both: accepted when they agree.
    AcceptedWhenEqual,
}

/// How authorization requests come and are answered beyond RFC 6749.
#[derive(Debug)]
pub struct AuthorizationRules {
    /// Whether requests are pushed (RFC 9126).
    pub pushed: PushedRequests,
    /// Whether requests are signed (RFC 9101).
    pub signed: SignedRequests,
    /// Which further parameters are read.
    pub parameters: Parameters,
    /// How an answer may travel. The first is meant where a request does not say.
    pub response_modes: &'static [ResponseMode],
    /// Whether a customer is asked for what they have allowed before.
    pub consent: ConsentMemory,
    /// Types of authorization details that clients can register (RFC 9396).
    pub details: &'static [&'static DetailsType],
}

/// RFC 6749 and nothing else.
pub static RFC6749: AuthorizationRules = AuthorizationRules {
    pushed: PushedRequests::Never,
    signed: SignedRequests::Never,
    parameters: Parameters::OAuth,
    response_modes: &[ResponseMode::Query],
    consent: ConsentMemory::AsksAlways,
    details: &[],
};

/// Whether authorization requests are pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushedRequests {
    /// There is no such endpoint.
    Never,
    /// They may be.
    Taken,
    /// Nothing else is taken.
    Required,
}

/// Whether authorization requests are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedRequests {
    /// A request object is refused.
    Never,
    /// They may be.
    Taken(&'static request_object::Profile),
    /// A pushed request must be.
    Required(&'static request_object::Profile),
}

/// Which parameters of an authorization request are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// Those of RFC 6749 and 7636, and `nonce`.
    OAuth,
    /// Those of OpenID Connect Core §3.1.2.1, RFC 8707, 9396 and 9449 besides.
    OpenId,
}

/// Whether a customer is asked for what they have allowed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentMemory {
    /// Every time: each consent is a contract of its own.
    AsksAlways,
    /// Not as long as the earlier consent covers the request.
    Remembers,
}

/// What a request without `scope` gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeAbsent {
    /// Nothing: the document requires it.
    Refused,
    /// What the client's registration says.
    ClientDefault,
}

/// FAPI 2.0 says never, MX says on use, and both are right on their own surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The refresh token stays.
    Never,
    /// Always retry-safe: for `retry_s` seconds, and only while the successor is unused, the
    /// predecessor returns the very same successor.
    OnUse {
        /// How long a lost answer can be asked for again.
        retry_s: u64,
    },
}

/// What a refresh does to the access tokens before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Previous {
    /// They run until they expire.
    Lives,
    /// They are inactive the moment the refresh commits.
    Dies,
}

/// Proof key for code exchange; only S256 anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// Honoured when the authorization request had it.
    Optional,
    /// Required; the challenge has `len_min` to `len_max` characters, of which only 43 can ever be
    /// redeemed.
    Required {
        /// Shortest challenge that is accepted.
        len_min: usize,
        /// Longest challenge that is accepted.
        len_max: usize,
    },
}

/// What a redemption without `code_verifier` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifierAbsent {
    /// A message that lacks a parameter, and is told so.
    Told,
    /// A verifier that does not match (RFC 7636 §4.6): `invalid_grant`, as FAPI's tests demand.
    Mismatch,
}

/// Whether a redemption must repeat the redirect URI of the authorization request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectRule {
    /// RFC 6749 §4.1.3.
    MustEqual,
    /// Fintecture: may be left out; if it is there it must be equal.
    EqualIfSent,
}

/// Whether the client is told of the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdToken {
    /// Never.
    Never,
    /// With every answer of a grant whose scope holds `openid`.
    Signed {
        /// The algorithm.
        alg: Alg,
        /// Seconds until `exp`.
        ttl_s: u64,
    },
}

/// What an access token looks like.
#[derive(Clone, Copy)]
pub enum AccessFormat {
    /// A handle: says nothing, asked about at introspection.
    Opaque,
    /// The same statement, signed.
    Jwt {
        /// The algorithm.
        alg: Alg,
        /// `typ` of its header.
        typ: &'static str,
        /// The claims, as one JSON object in the order the surface's clients know.
        claims: fn(&AccessClaims<'_>) -> String,
    },
}

/// What a JWT access token says.
#[derive(Debug)]
pub struct AccessClaims<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// Names the token: grant, generation, view and serial.
    pub id: &'a str,
    /// When it was made.
    pub issued: Moment,
    /// When it ends.
    pub expires: Moment,
    /// The customer, or the client in its own name.
    pub subject: &'a str,
    /// The client.
    pub client: &'a str,
    /// The scope, as answered.
    pub scope: &'a str,
    /// The resource servers it is for; empty: all of the tenant.
    pub audience: &'a [Box<str>],
    /// What it is bound to.
    pub binding: Option<Binding>,
    /// When the customer signed in, and how strongly.
    pub login: Option<(Moment, Option<&'a str>)>,
    /// Authorization details, normalised JSON.
    pub details: Option<&'a str>,
}

/// Which scopes exist on a surface, how they are spelled, and what they allow.
pub trait ScopeRules: Send + Sync {
    /// The canonical set behind the text of a request.
    ///
    /// # Errors
    /// [`Refusal::ScopeNotAllowed`] for text that is no scope here.
    fn read(&self, raw: &str, client: &Client) -> Result<ScopeSet, Refusal>;

    /// Whether `scope` can be had through the grant type of that name.
    fn through(&self, grant_type: &str, scope: &ScopeSet) -> bool;

    /// For a client acting in its own name: `Some(seconds)` when this scope comes with a refresh
    /// token that ends after so long. Such a token has a grant of its own.
    fn refreshable_s(&self, scope: &ScopeSet) -> Option<u64>;

    /// The scope that every authorization request must contain, if there is one.
    fn required(&self) -> Option<&'static str>;

    /// Whether a scope that is repeated at redemption must be that of the code. RFC 6749 §4.1.3 does
    /// not know the parameter there, so most surfaces ignore it.
    fn compared_at_redemption(&self) -> bool;
}

/// Scopes are what they are spelled (RFC 6749 §3.3).
pub struct ExactScopes {
    /// See [`ScopeRules::required`].
    pub required: Option<&'static str>,
}

impl ScopeRules for ExactScopes {
    fn read(&self, raw: &str, _: &Client) -> Result<ScopeSet, Refusal> {
        ScopeSet::parse(raw).map_err(|_| Refusal::ScopeNotAllowed)
    }
    fn through(&self, _: &str, _: &ScopeSet) -> bool {
        true
    }
    fn refreshable_s(&self, _: &ScopeSet) -> Option<u64> {
        None
    }
    fn required(&self) -> Option<&'static str> {
        self.required
    }
    fn compared_at_redemption(&self) -> bool {
        false
    }
}
