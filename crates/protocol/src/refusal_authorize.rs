//! Every way we say no to an authorization request that RFC 6749 does not know.

use crate::refusal::{ErrorCode, Refusal};

/// What an authorization request asks beyond RFC 6749 that cannot be done, or not this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthorizeFault {
    /// `prompt=none`, and nobody is signed in as the request wants it.
    LoginRequired,
    /// `prompt=none`, and the customer would have to be asked.
    ConsentRequired,
    /// An essential `acr` that this server cannot reach.
    AcrUnmet,
    /// A request object where none is taken.
    RequestNotSupported,
    /// A `request_uri` that is none of ours: nothing is fetched.
    RequestUriNotSupported,
    /// The client must sign its requests and did not.
    RequestObjectMissing,
    /// The client must push its requests and did not.
    PushedRequired,
    /// The `request_uri` was not given out here, or to another client.
    PushedUnknown,
    /// The `request_uri` is past its time.
    PushedExpired,
    /// The authorization behind the `request_uri` is complete.
    PushedSpent,
    /// `authorization_details` of an unknown type, or not as the type's schema has it.
    DetailsInvalid,
    /// `authorization_details` that a browser brought: neither pushed nor signed.
    DetailsByBrowser,
    /// A `resource` that is no absolute URI or not known, or more than was asked for before.
    TargetInvalid,
}

impl AuthorizeFault {
    /// The code of the wire.
    pub(crate) const fn code(self) -> ErrorCode {
        match self {
            Self::LoginRequired => ErrorCode::LoginRequired,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
            Self::AcrUnmet => ErrorCode::UnmetAuthenticationRequirements,
            Self::RequestNotSupported => ErrorCode::RequestNotSupported,
            Self::RequestUriNotSupported => ErrorCode::RequestUriNotSupported,
            Self::RequestObjectMissing | Self::PushedRequired | Self::DetailsByBrowser => {
                ErrorCode::InvalidRequest
            }
            Self::PushedUnknown | Self::PushedExpired | Self::PushedSpent => {
                ErrorCode::InvalidRequestUri
            }
            Self::DetailsInvalid => ErrorCode::InvalidAuthorizationDetails,
            Self::TargetInvalid => ErrorCode::InvalidTarget,
        }
    }
}

impl From<AuthorizeFault> for Refusal {
    fn from(fault: AuthorizeFault) -> Self {
        Self::Authorize(fault)
    }
}

/// Why a request object was refused (RFC 9101, FAPI 2.0 Message Signing §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestObjectFault {
    /// Not a compact JWS with JSON objects inside.
    Malformed,
    /// An algorithm that is not allowed for this client, `none` included.
    Algorithm,
    /// A critical header parameter that we do not know (RFC 7515 §4.1.11).
    Critical,
    /// `typ` says that it is something else.
    Type,
    /// The key that `kid` names is not one of the client's.
    KeyUnknown,
    /// The signature does not verify.
    SignatureWrong,
    /// `iss` is not the client, or is missing where it is required.
    Issuer,
    /// `sub` is the client: it could be taken for a client assertion.
    Subject,
    /// `client_id` is not the client.
    ClientId,
    /// The audience is not us.
    Audience,
    /// No `exp` where one is required.
    ExpiryMissing,
    /// No `nbf` where one is required.
    NotBeforeMissing,
    /// Past, or not yet valid.
    NotActive,
    /// `nbf` lies too far back, or `exp` too far ahead.
    LifetimeTooLong,
    /// A request object or `request_uri` inside a request object.
    Nested,
}

impl From<RequestObjectFault> for Refusal {
    fn from(fault: RequestObjectFault) -> Self {
        Self::RequestObject(fault)
    }
}
