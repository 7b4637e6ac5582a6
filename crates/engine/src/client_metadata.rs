//! What a client registered beyond OAuth's own: OpenID Connect registration, RFC 7591, 8705, 9126,
//! 9396, 9449. The defaults are those of a client that registered nothing.

use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::redirect_uri::RedirectUri;
use serde::{Deserialize, Serialize};

use crate::handle::{Generation, KeyId, Salt};

/// Metadata by its registered names; what the name does not say is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// `dpop_bound_access_tokens`, `tls_client_certificate_bound_access_tokens`.
    pub sender: Sender,
    /// The certificate it authenticates with by `tls_client_auth`; at most one member (RFC 8705
    /// §2.1.2).
    pub tls_subject: Option<TlsSubject>,
    /// Where its keys are published; `Client::keys` then holds the last good set.
    pub jwks_uri: Option<Box<str>>,
    /// The set it registered by value, for `client_read` (RFC 7592 §2.1).
    pub jwks: Option<Box<str>>,
    /// Whether its `sub` values are its own.
    pub subject_type: SubjectType,
    /// The document that names its redirect URIs.
    pub sector_identifier_uri: Option<Box<str>>,
    /// The host under which its `sub` values are made; its own id when there is none.
    pub sector: Option<Box<str>>,
    /// `id_token_signed_response_alg`.
    pub id_token_alg: Option<Box<str>>,
    /// `userinfo_signed_response_alg`; plain JSON when there is none.
    pub userinfo_alg: Option<Box<str>>,
    /// `authorization_signed_response_alg` (JARM).
    pub authorization_alg: Option<Box<str>>,
    /// `introspection_signed_response_alg` (RFC 9701).
    pub introspection_alg: Option<Box<str>>,
    /// `request_object_signing_alg`.
    pub request_object_alg: Option<Box<str>>,
    /// Response modes it may use; empty: all of its surface.
    pub response_modes: Vec<Box<str>>,
    /// `default_max_age`.
    pub default_max_age_s: Option<u64>,
    /// `require_auth_time`.
    pub require_auth_time: bool,
    /// `default_acr_values`.
    pub default_acr_values: Vec<Box<str>>,
    /// Where a browser may be sent after it signed out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Where it hears that a customer signed out.
    pub backchannel_logout_uri: Option<Box<str>>,
    /// Whether it wants to know of which login.
    pub backchannel_logout_session_required: bool,
    /// Where others may start a login with it.
    pub initiate_login_uri: Option<Box<str>>,
    /// `authorization_details_types` (RFC 9396 §10).
    pub details_types: Vec<Box<str>>,
    /// Its access tokens are JWTs (RFC 9068) instead of handles.
    pub jwt_access_tokens: bool,
    /// Its logo.
    pub logo_uri: Option<Box<str>>,
    /// What it says of privacy.
    pub policy_uri: Option<Box<str>>,
    /// Its terms.
    pub tos_uri: Option<Box<str>>,
    /// Its website.
    pub client_uri: Option<Box<str>>,
    /// Who answers for it.
    pub contacts: Vec<Box<str>>,
    /// How it manages itself, if it registered itself (RFC 7592).
    pub registration: Option<Registration>,
}

/// What its access tokens are bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sender {
    /// Nothing, unless the surface demands it or the client proves a key.
    #[default]
    Unbound,
    /// A key it proves with every request (RFC 9449).
    Dpop,
    /// The certificate of its connection (RFC 8705 §3).
    Mtls,
}

/// Which certificate a client authenticates with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsSubject {
    /// `tls_client_auth_subject_dn`, compared as RFC 4517 §4.2.15 says.
    Dn(Box<str>),
    /// `tls_client_auth_san_dns`.
    Dns(Box<str>),
    /// `tls_client_auth_san_uri`.
    Uri(Box<str>),
    /// `tls_client_auth_san_ip`.
    Ip(Box<str>),
    /// `tls_client_auth_san_email`.
    Email(Box<str>),
}

/// Whether a client's `sub` values are its own (OpenID Connect Core §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubjectType {
    /// Different for every sector.
    #[default]
    Pairwise,
    /// The same for all.
    Public,
}

/// A client that registered itself: what its registration access token is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Never leaves the store.
    pub salt: Salt,
    /// The key the token was minted with.
    pub key: KeyId,
    /// Which token is current.
    pub generation: Generation,
    /// When it registered.
    pub issued: Moment,
}
