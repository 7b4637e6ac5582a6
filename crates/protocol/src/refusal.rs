//! Every way we say no, and the single place where each becomes an RFC error code.

pub use crate::refusal_authorize::{AuthorizeFault, RequestObjectFault};

/// The precise reason, for the audit log and for tests. Never sent to a client as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    // --- the request as a message ---
    /// A parameter is missing, malformed, repeated, in the wrong place, or contradicts another.
    Parameter(&'static str, Fault),
    /// The media type of the body is not a form.
    MediaTypeWrong,
    /// The body cannot be decoded: a broken escape, invalid UTF-8, too many parameters.
    BodyMalformed,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The head is larger than the limit.
    HeadTooLarge,
    /// The request did not arrive in time.
    RequestTimeout,
    /// The path exists, with another method.
    MethodNotAllowed,
    /// No such path.
    PathUnknown,
    /// No such realm or tenant.
    TenantUnknown,
    /// The realm or tenant is disabled.
    TenantDisabled,
    /// It came without TLS, and this realm is for requests over TLS only.
    TlsRequired,

    // --- who is asking ---
    /// No credentials and no client id at all.
    ClientCredentialsMissing,
    /// No client of that id here.
    ClientUnknown,
    /// The client was suspended by the operator.
    ClientSuspended,
    /// The secret is wrong, or missing beside a client id.
    ClientCredentialsWrong,
    /// Credentials were given twice and differ.
    ClientCredentialsConflict,
    /// Two kinds of credentials in one request.
    ClientAuthAmbiguous,
    /// The method is not the client's, or not the surface's.
    ClientAuthNotAllowed(&'static str),
    /// The client assertion is not acceptable.
    Assertion(AssertionFault),
    /// The HTTP signature is missing where it is required, or wrong.
    Signature(SignatureFault),
    /// The proof of possession is missing or not acceptable.
    Proof(ProofFault),
    /// The certificate of the connection is not one to authenticate with.
    Certificate(CertificateFault),
    /// Tokens of this client are bound to the certificate of the connection, and there is none.
    CertificateMissing,

    // --- what is asked ---
    /// A grant type nobody here knows, or not on this surface.
    GrantTypeUnknown,
    /// The client may not use this grant type.
    GrantTypeNotAllowed,
    /// No scope, and one is required.
    ScopeMissing,
    /// A scope the client does not have, or that is malformed.
    ScopeNotAllowed,
    /// The handle cannot be opened: garbage, another kind, another tenant, another server.
    HandleUnknown,
    /// The handle is past its time.
    HandleExpired,
    /// Sealed with one of our keys, but not by us: a key has leaked.
    HandleForged,
    /// Ours, and newer than the store knows: the store has been set back.
    HandleAhead,
    /// A code was used a second time.
    CodeReplayed,
    /// A refresh token was used after its successor, or outside the retry window.
    RefreshReplayed,
    /// The grant was revoked, or its consent is suspended.
    GrantRevoked,
    /// The handle belongs to another client.
    ClientMismatch,
    /// The redirect URI differs from the one of the authorization request.
    RedirectMismatch,
    /// The code verifier does not match the challenge, or one of the two is missing.
    PkceMismatch,
    /// The customer was suspended.
    SubjectSuspended,

    // --- the authorization request ---
    /// The redirect URI is not registered for this client.
    RedirectUnregistered,
    /// A response type that is not `code`.
    ResponseTypeUnknown,
    /// The client may not use the authorization endpoint.
    AuthorizeNotAllowed,
    /// What it asks beyond RFC 6749 cannot be done, or not this way.
    Authorize(AuthorizeFault),
    /// The request object is not acceptable.
    RequestObject(RequestObjectFault),
    /// The customer, or the bank for the customer, declined.
    AccessDenied,
    /// The customer's strong authentication failed.
    AuthenticationFailed,
    /// The authorization in progress is unknown in this browser, finished, or too old.
    InteractionUnknown,
    /// The authorization in progress ran out of time.
    InteractionExpired,
    /// The form did not come from our own page.
    AntiForgery,
    /// User name or password are wrong.
    LoginWrong,
    /// Too many attempts to sign in.
    LoginThrottled,
    /// No account was chosen.
    AccountsMissing,
    /// The customer id is not one of this client's.
    CustomerUnknown,
    /// The access token is missing or not active.
    TokenInactive,
    /// The access token does not carry the scope that this needs.
    ScopeInsufficient,
    /// The customer behind the access token signed in too long ago, or not strongly enough.
    AuthenticationInsufficient,
    /// The access token is bound to a key and was sent as any other, or the other way round.
    SchemeWrong,
    /// The certificate of the connection is not the one that the code or the token is bound to.
    CertificateMismatch,

    // --- registration and logout ---
    /// A member of client metadata that cannot be taken.
    Metadata(&'static str, MetadataFault),
    /// The initial access token is missing or wrong.
    InitialAccessToken,
    /// The registration access token is missing, wrong, or no longer of use.
    RegistrationToken,
    /// The `id_token_hint` of a logout is no ID token of ours.
    LogoutHint,
    /// The `post_logout_redirect_uri` is not registered for the client.
    LogoutRedirectUnregistered,

    // --- us ---
    /// Too many requests of this client, from this address, or for one tenant's keys.
    RateLimited,
    /// All views of the grant are alive.
    TooManyViews,
    /// The store did not answer, or its answer is unknown.
    StoreUnavailable,
    /// Others kept moving first.
    StoreContended,
    /// Too many requests are in progress.
    Overloaded,
    /// A bug.
    Internal,
}

/// What is wrong with a parameter. Safe to tell the client, which sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Not there, or empty.
    Missing,
    /// There, and not of its form.
    Malformed,
    /// There more than once (RFC 6749 §3.2).
    Repeated,
    /// In the query, where credentials must not be (RFC 6749 §2.3.1).
    InQuery,
    /// Differs from what another part of the request says.
    Conflicting,
}

/// Why a client assertion was refused (surfaces.md 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AssertionFault {
    /// `client_assertion_type` is missing.
    TypeMissing,
    /// `client_assertion_type` is another one.
    TypeWrong,
    /// `client_assertion` is missing.
    Missing,
    /// Not a compact JWS with JSON objects inside.
    Malformed,
    /// An algorithm that is not allowed for this client, `none` and HMAC included.
    Algorithm,
    /// A critical header parameter that we do not know (RFC 7515 §4.1.11).
    Critical,
    /// No `sub`.
    SubjectMissing,
    /// The `client_id` of the body is another.
    ClientIdMismatch,
    /// `iss` is there and differs from `sub`, or is missing where it is required.
    Issuer,
    /// The audience is not us.
    Audience,
    /// More than one audience.
    AudienceMultiple,
    /// No `exp`.
    ExpiryMissing,
    /// Past, or not yet valid.
    NotActive,
    /// `iat` lies too far ahead.
    IssuedInFuture,
    /// `exp` lies too far ahead and there is no `iat`.
    ExpiryTooFar,
    /// The life from `iat` to `exp` is longer than allowed.
    LifetimeTooLong,
    /// No `jti` where one is required.
    IdMissing,
    /// This `jti` was used before.
    Replayed,
    /// The key that `kid` names is not one of the client's, or has expired.
    KeyUnknown,
    /// The signature does not verify.
    SignatureWrong,
}

/// Why an HTTP signature was refused (surfaces.md 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureFault {
    /// Required and not there.
    Missing,
    /// The header cannot be parsed, or names another algorithm.
    Malformed,
    /// `keyId` is not the authenticated app.
    KeyId,
    /// Required, and the app has no registered key.
    KeyUnregistered,
    /// `headers` lacks one that must be signed.
    HeadersMissing,
    /// `Date` is malformed or too far away.
    Date,
    /// `Digest` is not that of the body.
    Digest,
    /// The signature does not verify.
    Wrong,
}

/// Why a DPoP proof was refused (RFC 9449 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProofFault {
    /// There is none, and one is required.
    Missing,
    /// More than one `DPoP` header.
    Repeated,
    /// Not a compact JWS with JSON objects inside, or a claim of the wrong type.
    Malformed,
    /// `typ` is not `dpop+jwt`.
    Type,
    /// An algorithm that is not taken here, `none` and HMAC included.
    Algorithm,
    /// No `jwk` in its header.
    KeyMissing,
    /// The `jwk` is private, symmetric, weak or malformed.
    Key,
    /// The signature does not verify.
    Signature,
    /// No `jti`, or an empty or very long one.
    IdMissing,
    /// `htm` is missing or not the method of the request.
    Method,
    /// `htu` is missing or not the address of the request.
    Address,
    /// `iat` is missing, too old or too far ahead.
    Issued,
    /// `ath` is missing or not the hash of the access token.
    TokenHash,
    /// This `jti` was used before.
    Replayed,
    /// The key is not the one that the code or the access token is bound to.
    KeyMismatch,
    /// No nonce of ours, or an old one.
    Nonce,
}

/// What is wrong with a member of client metadata. Safe to tell the client, which sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetadataFault {
    /// Not there, and the rest of the metadata needs it.
    Missing,
    /// There, and not of its form.
    Malformed,
    /// Of its form, and not to be had here.
    NotAllowed,
    /// Contradicts another member.
    Conflicting,
    /// An address that did not give what it must.
    Unreachable,
    /// No member: the body is no JSON object of client metadata.
    NoObject,
    /// A redirect URI that cannot be registered, or none where one is needed.
    Redirect,
    /// A software statement; none is approved here.
    Statement,
}

impl MetadataFault {
    fn describe(self, name: &str) -> String {
        match self {
            Self::Missing => format!("missing metadata: {name}"),
            Self::Malformed => format!("malformed metadata: {name}"),
            Self::NotAllowed => format!("metadata not available here: {name}"),
            Self::Conflicting => format!("metadata contradicts the rest: {name}"),
            Self::Unreachable => format!("address does not give what it must: {name}"),
            Self::NoObject | Self::Redirect | Self::Statement => {
                Refusal::Metadata("", self).stable().title.into()
            }
        }
    }

    const fn code(self) -> ErrorCode {
        match self {
            Self::Missing
            | Self::Malformed
            | Self::NotAllowed
            | Self::Conflicting
            | Self::Unreachable
            | Self::NoObject => ErrorCode::InvalidClientMetadata,
            Self::Redirect => ErrorCode::InvalidRedirectUri,
            Self::Statement => ErrorCode::UnapprovedSoftwareStatement,
        }
    }
}

/// Why the certificate of a connection does not authenticate a client (RFC 8705 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateFault {
    /// It chains to no authority that is trusted for clients.
    Untrusted,
    /// Its names are not the one that the client registered.
    Subject,
    /// It is none of the client's registered certificates, and over none of its keys.
    Unregistered,
    /// It has expired, or is not valid yet.
    NotValid,
}

/// The registered error codes this server emits (IANA OAuth Extensions Error registry, OpenID).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// RFC 6749 §5.2.
    InvalidRequest,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §5.2.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §5.2.
    InvalidScope,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1.
    AccessDenied,
    /// RFC 6749 §4.1.2.1.
    ServerError,
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// RFC 9470 §3.
    InsufficientUserAuthentication,
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata,
    /// RFC 7591 §3.2.2.
    UnapprovedSoftwareStatement,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 9449 §8.
    UseDpopNonce,
    /// OpenID Connect Core §3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6.
    ConsentRequired,
    /// OpenID Connect Core Unmet Authentication Requirements §2.
    UnmetAuthenticationRequirements,
    /// RFC 9101 §6.
    InvalidRequestObject,
    /// RFC 9101 §6.
    InvalidRequestUri,
    /// OpenID Connect Core §3.1.2.6.
    RequestNotSupported,
    /// OpenID Connect Core §3.1.2.6.
    RequestUriNotSupported,
    /// RFC 9396 §5.
    InvalidAuthorizationDetails,
    /// RFC 8707 §2.
    InvalidTarget,
}

impl ErrorCode {
    /// The text of the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidTarget => "invalid_target",
        }
    }
}

impl Refusal {
    /// The table. Exhaustive on purpose: no `_` arm, so a new reason does not compile until placed.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Parameter(..)
            | Self::MediaTypeWrong
            | Self::BodyMalformed
            | Self::BodyTooLarge
            | Self::HeadTooLarge
            | Self::RequestTimeout
            | Self::MethodNotAllowed
            | Self::PathUnknown
            | Self::TenantUnknown
            | Self::TenantDisabled
            | Self::TlsRequired
            | Self::ClientCredentialsConflict
            | Self::ClientAuthAmbiguous
            | Self::CertificateMissing
            | Self::RedirectUnregistered
            | Self::InteractionUnknown
            | Self::InteractionExpired
            | Self::AntiForgery
            | Self::AccountsMissing
            | Self::LogoutHint
            | Self::LogoutRedirectUnregistered
            | Self::CustomerUnknown => ErrorCode::InvalidRequest,

            Self::ClientCredentialsMissing
            | Self::ClientUnknown
            | Self::ClientSuspended
            | Self::ClientCredentialsWrong
            | Self::ClientAuthNotAllowed(_)
            | Self::Assertion(_)
            | Self::Signature(_)
            | Self::Certificate(_) => ErrorCode::InvalidClient,

            Self::Proof(ProofFault::Nonce) => ErrorCode::UseDpopNonce,
            Self::Proof(_) => ErrorCode::InvalidDpopProof,

            Self::HandleUnknown
            | Self::HandleExpired
            | Self::HandleForged
            | Self::HandleAhead
            | Self::CodeReplayed
            | Self::RefreshReplayed
            | Self::GrantRevoked
            | Self::ClientMismatch
            | Self::RedirectMismatch
            | Self::PkceMismatch
            | Self::SubjectSuspended => ErrorCode::InvalidGrant,

            Self::GrantTypeUnknown => ErrorCode::UnsupportedGrantType,
            Self::GrantTypeNotAllowed | Self::AuthorizeNotAllowed => ErrorCode::UnauthorizedClient,
            Self::ScopeMissing | Self::ScopeNotAllowed => ErrorCode::InvalidScope,
            Self::ResponseTypeUnknown => ErrorCode::UnsupportedResponseType,
            Self::AccessDenied
            | Self::AuthenticationFailed
            | Self::LoginWrong
            | Self::LoginThrottled => ErrorCode::AccessDenied,
            Self::TokenInactive
            | Self::SchemeWrong
            | Self::CertificateMismatch
            | Self::InitialAccessToken
            | Self::RegistrationToken => ErrorCode::InvalidToken,
            Self::Metadata(_, fault) => fault.code(),
            Self::Authorize(fault) => fault.code(),
            Self::RequestObject(_) => ErrorCode::InvalidRequestObject,
            Self::ScopeInsufficient => ErrorCode::InsufficientScope,
            Self::AuthenticationInsufficient => ErrorCode::InsufficientUserAuthentication,

            Self::RateLimited
            | Self::TooManyViews
            | Self::StoreUnavailable
            | Self::StoreContended
            | Self::Overloaded => ErrorCode::TemporarilyUnavailable,
            Self::Internal => ErrorCode::ServerError,
        }
    }

    /// The HTTP status where no surface says otherwise. RFC 6749 §5.2: 400, and 401 for a client
    /// that tried the `Authorization` header.
    #[must_use]
    pub const fn status(self, authorization_header: bool) -> u16 {
        if authorization_header && matches!(self.code(), ErrorCode::InvalidClient) {
            return 401;
        }
        match self {
            Self::PathUnknown
            | Self::TenantUnknown
            | Self::TenantDisabled
            | Self::CustomerUnknown => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::BodyTooLarge => 413,
            Self::HeadTooLarge => 431,
            Self::RateLimited | Self::LoginThrottled => 429,
            Self::TokenInactive
            | Self::SchemeWrong
            | Self::CertificateMismatch
            | Self::AuthenticationInsufficient
            | Self::InitialAccessToken
            | Self::RegistrationToken => 401,
            Self::TlsRequired | Self::ScopeInsufficient | Self::AntiForgery => 403,
            Self::Internal => 500,
            Self::TooManyViews
            | Self::StoreUnavailable
            | Self::StoreContended
            | Self::Overloaded => 503,
            Self::Parameter(..)
            | Self::MediaTypeWrong
            | Self::BodyMalformed
            | Self::ClientCredentialsMissing
            | Self::ClientUnknown
            | Self::ClientSuspended
            | Self::ClientCredentialsWrong
            | Self::ClientCredentialsConflict
            | Self::ClientAuthAmbiguous
            | Self::ClientAuthNotAllowed(_)
            | Self::Assertion(_)
            | Self::Signature(_)
            | Self::Proof(_)
            | Self::Certificate(_)
            | Self::CertificateMissing
            | Self::GrantTypeUnknown
            | Self::GrantTypeNotAllowed
            | Self::ScopeMissing
            | Self::ScopeNotAllowed
            | Self::HandleUnknown
            | Self::HandleExpired
            | Self::HandleForged
            | Self::HandleAhead
            | Self::CodeReplayed
            | Self::RefreshReplayed
            | Self::GrantRevoked
            | Self::ClientMismatch
            | Self::RedirectMismatch
            | Self::PkceMismatch
            | Self::SubjectSuspended
            | Self::RedirectUnregistered
            | Self::ResponseTypeUnknown
            | Self::AuthorizeNotAllowed
            | Self::AccessDenied
            | Self::AuthenticationFailed
            | Self::InteractionUnknown
            | Self::InteractionExpired
            | Self::LoginWrong
            | Self::Metadata(..)
            | Self::LogoutHint
            | Self::LogoutRedirectUnregistered
            | Self::RequestObject(_)
            | Self::Authorize(_)
            | Self::AccountsMissing => 400,
        }
    }

    /// Seconds after which it is worth asking again; `None` where asking again changes nothing.
    #[must_use]
    pub const fn retry_after_s(self) -> Option<u64> {
        match self.code() {
            ErrorCode::TemporarilyUnavailable => Some(1),
            ErrorCode::AccessDenied if matches!(self, Self::LoginThrottled) => Some(60),
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidClient
            | ErrorCode::InvalidGrant
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::InvalidScope
            | ErrorCode::UnsupportedResponseType
            | ErrorCode::AccessDenied
            | ErrorCode::ServerError
            | ErrorCode::InvalidToken
            | ErrorCode::InsufficientScope
            | ErrorCode::InsufficientUserAuthentication
            | ErrorCode::InvalidRedirectUri
            | ErrorCode::InvalidClientMetadata
            | ErrorCode::UnapprovedSoftwareStatement
            | ErrorCode::InvalidDpopProof
            | ErrorCode::UseDpopNonce
            | ErrorCode::LoginRequired
            | ErrorCode::ConsentRequired
            | ErrorCode::UnmetAuthenticationRequirements
            | ErrorCode::InvalidRequestObject
            | ErrorCode::InvalidRequestUri
            | ErrorCode::RequestNotSupported
            | ErrorCode::RequestUriNotSupported
            | ErrorCode::InvalidAuthorizationDetails
            | ErrorCode::InvalidTarget => None,
        }
    }

    /// What the client may read. One text per code, so that the precise reason is no oracle; only
    /// what is wrong with the message itself, which the client wrote, is told in full.
    #[must_use]
    pub fn description(self) -> String {
        if let Self::Parameter(name, fault) = self {
            return fault.describe(name);
        }
        if let Self::Metadata(name, fault) = self {
            return fault.describe(name);
        }
        match self.code() {
            // The proof and the signed request are the client's own messages too.
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidDpopProof
            | ErrorCode::UseDpopNonce
            | ErrorCode::InvalidRequestObject
            | ErrorCode::InvalidRequestUri => self.stable().title,
            ErrorCode::InvalidClient => "client authentication failed",
            ErrorCode::InvalidGrant => "the grant is invalid, expired, revoked or already used",
            ErrorCode::UnauthorizedClient => "the client may not do this",
            ErrorCode::UnsupportedGrantType => "the grant type is not supported",
            ErrorCode::InvalidScope => "the requested scope is missing or not allowed",
            ErrorCode::UnsupportedResponseType => "the response type is not supported",
            ErrorCode::AccessDenied => "the request was declined",
            ErrorCode::ServerError => "something went wrong on our side",
            ErrorCode::TemporarilyUnavailable => "try again later",
            ErrorCode::InvalidToken => "the access token is missing, expired or revoked",
            ErrorCode::InsufficientScope => "the access token does not cover this",
            ErrorCode::InsufficientUserAuthentication => {
                "a newer or stronger sign-in of the customer is needed"
            }
            ErrorCode::InvalidRedirectUri
            | ErrorCode::InvalidClientMetadata
            | ErrorCode::UnapprovedSoftwareStatement => self.stable().title,
            ErrorCode::LoginRequired => "the customer would have to sign in",
            ErrorCode::ConsentRequired => "the customer would have to be asked",
            ErrorCode::UnmetAuthenticationRequirements => "the requested acr cannot be reached",
            ErrorCode::RequestNotSupported => "request objects are not taken here",
            ErrorCode::RequestUriNotSupported => "request_uri is for pushed requests only",
            ErrorCode::InvalidAuthorizationDetails => {
                "authorization_details are of an unknown type or not as their schema says"
            }
            ErrorCode::InvalidTarget => "the resource is not one that may be asked for",
        }
        .into()
    }
}

impl Fault {
    fn describe(self, name: &str) -> String {
        match self {
            Self::Missing => format!("missing parameter: {name}"),
            Self::Malformed => format!("malformed parameter: {name}"),
            Self::Repeated => format!("repeated parameter: {name}"),
            Self::InQuery => format!("parameter must not be in the query: {name}"),
            Self::Conflicting => format!("parameter contradicts the rest of the request: {name}"),
        }
    }
}

impl From<AssertionFault> for Refusal {
    fn from(fault: AssertionFault) -> Self {
        Self::Assertion(fault)
    }
}

impl From<SignatureFault> for Refusal {
    fn from(fault: SignatureFault) -> Self {
        Self::Signature(fault)
    }
}

impl From<CertificateFault> for Refusal {
    fn from(fault: CertificateFault) -> Self {
        Self::Certificate(fault)
    }
}

impl From<ProofFault> for Refusal {
    fn from(fault: ProofFault) -> Self {
        Self::Proof(fault)
    }
}

/// Keeps what RFC 6749 §5.2 allows in `error_description` and caps it at 200 characters, so that a
/// value the client sent may be repeated to it.
#[must_use]
pub fn printable(raw: &str) -> String {
    const DESCRIPTION_LEN_MAX: usize = 200;
    let allowed = |b: u8| matches!(b, b' '..=b'!' | b'#'..=b'[' | b']'..=b'~');
    // Most texts need nothing of it.
    if raw.len() <= DESCRIPTION_LEN_MAX && raw.bytes().all(allowed) {
        return raw.to_owned();
    }
    let allowed = |c: &char| u8::try_from(*c).is_ok_and(allowed);
    raw.chars().filter(allowed).take(DESCRIPTION_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoed_text_is_filtered_and_capped() {
        assert_eq!(printable("VOP \"x\" \\ \n é~"), "VOP x   ~");
        assert_eq!(printable(&"a".repeat(4096)).len(), 200);
    }

    #[test]
    fn a_header_makes_invalid_client_a_401() {
        assert_eq!(Refusal::ClientUnknown.status(true), 401);
        assert_eq!(Refusal::ClientUnknown.status(false), 400);
        assert_eq!(Refusal::HandleExpired.status(true), 400);
    }
}
