//! Stable codes of refusals: `E1042` is what logs, `docs/errors/` and `counterfoil explain` speak of.

use crate::refusal::{
    AssertionFault, AuthorizeFault, CertificateFault, Fault, MetadataFault, ProofFault, Refusal,
    RequestObjectFault, SignatureFault,
};

/// One row of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StableCode {
    /// `E` and four digits; never renumbered, never reused.
    pub code: &'static str,
    /// The title of its page, in a few words.
    pub title: &'static str,
}

/// Every refusal once, with one representative parameter where it carries one.
pub const ALL: &[Refusal] = &[
    Refusal::Parameter("grant_type", Fault::Missing),
    Refusal::Parameter("code", Fault::Malformed),
    Refusal::Parameter("scope", Fault::Repeated),
    Refusal::Parameter("client_secret", Fault::InQuery),
    Refusal::Parameter("client_id", Fault::Conflicting),
    Refusal::MediaTypeWrong,
    Refusal::BodyMalformed,
    Refusal::BodyTooLarge,
    Refusal::HeadTooLarge,
    Refusal::RequestTimeout,
    Refusal::MethodNotAllowed,
    Refusal::PathUnknown,
    Refusal::TenantUnknown,
    Refusal::TenantDisabled,
    Refusal::TlsRequired,
    Refusal::RedirectUnregistered,
    Refusal::ClientCredentialsMissing,
    Refusal::ClientUnknown,
    Refusal::ClientSuspended,
    Refusal::ClientCredentialsWrong,
    Refusal::ClientCredentialsConflict,
    Refusal::ClientAuthAmbiguous,
    Refusal::ClientAuthNotAllowed("client_secret_post"),
    Refusal::Assertion(AssertionFault::TypeMissing),
    Refusal::Assertion(AssertionFault::TypeWrong),
    Refusal::Assertion(AssertionFault::Missing),
    Refusal::Assertion(AssertionFault::Malformed),
    Refusal::Assertion(AssertionFault::Algorithm),
    Refusal::Assertion(AssertionFault::Critical),
    Refusal::Assertion(AssertionFault::SubjectMissing),
    Refusal::Assertion(AssertionFault::ClientIdMismatch),
    Refusal::Assertion(AssertionFault::Issuer),
    Refusal::Assertion(AssertionFault::Audience),
    Refusal::Assertion(AssertionFault::AudienceMultiple),
    Refusal::Assertion(AssertionFault::ExpiryMissing),
    Refusal::Assertion(AssertionFault::NotActive),
    Refusal::Assertion(AssertionFault::IssuedInFuture),
    Refusal::Assertion(AssertionFault::ExpiryTooFar),
    Refusal::Assertion(AssertionFault::LifetimeTooLong),
    Refusal::Assertion(AssertionFault::IdMissing),
    Refusal::Assertion(AssertionFault::Replayed),
    Refusal::Assertion(AssertionFault::KeyUnknown),
    Refusal::Assertion(AssertionFault::SignatureWrong),
    Refusal::Signature(SignatureFault::Missing),
    Refusal::Signature(SignatureFault::Malformed),
    Refusal::Signature(SignatureFault::KeyId),
    Refusal::Signature(SignatureFault::KeyUnregistered),
    Refusal::Signature(SignatureFault::HeadersMissing),
    Refusal::Signature(SignatureFault::Date),
    Refusal::Signature(SignatureFault::Digest),
    Refusal::Signature(SignatureFault::Wrong),
    Refusal::Proof(ProofFault::Missing),
    Refusal::Proof(ProofFault::Repeated),
    Refusal::Proof(ProofFault::Malformed),
    Refusal::Proof(ProofFault::Type),
    Refusal::Proof(ProofFault::Algorithm),
    Refusal::Proof(ProofFault::KeyMissing),
    Refusal::Proof(ProofFault::Key),
    Refusal::Proof(ProofFault::Signature),
    Refusal::Proof(ProofFault::IdMissing),
    Refusal::Proof(ProofFault::Method),
    Refusal::Proof(ProofFault::Address),
    Refusal::Proof(ProofFault::Issued),
    Refusal::Proof(ProofFault::TokenHash),
    Refusal::Proof(ProofFault::Replayed),
    Refusal::Proof(ProofFault::KeyMismatch),
    Refusal::Proof(ProofFault::Nonce),
    Refusal::Certificate(CertificateFault::Untrusted),
    Refusal::Certificate(CertificateFault::Subject),
    Refusal::Certificate(CertificateFault::Unregistered),
    Refusal::Certificate(CertificateFault::NotValid),
    Refusal::CertificateMissing,
    Refusal::GrantTypeUnknown,
    Refusal::GrantTypeNotAllowed,
    Refusal::HandleUnknown,
    Refusal::HandleExpired,
    Refusal::HandleForged,
    Refusal::HandleAhead,
    Refusal::CodeReplayed,
    Refusal::RefreshReplayed,
    Refusal::GrantRevoked,
    Refusal::ClientMismatch,
    Refusal::RedirectMismatch,
    Refusal::PkceMismatch,
    Refusal::SubjectSuspended,
    Refusal::ScopeMissing,
    Refusal::ScopeNotAllowed,
    Refusal::ResponseTypeUnknown,
    Refusal::AuthorizeNotAllowed,
    Refusal::Authorize(AuthorizeFault::LoginRequired),
    Refusal::Authorize(AuthorizeFault::ConsentRequired),
    Refusal::Authorize(AuthorizeFault::AcrUnmet),
    Refusal::Authorize(AuthorizeFault::RequestNotSupported),
    Refusal::Authorize(AuthorizeFault::RequestUriNotSupported),
    Refusal::Authorize(AuthorizeFault::RequestObjectMissing),
    Refusal::RequestObject(RequestObjectFault::Malformed),
    Refusal::RequestObject(RequestObjectFault::Algorithm),
    Refusal::RequestObject(RequestObjectFault::Critical),
    Refusal::RequestObject(RequestObjectFault::Type),
    Refusal::RequestObject(RequestObjectFault::KeyUnknown),
    Refusal::RequestObject(RequestObjectFault::SignatureWrong),
    Refusal::RequestObject(RequestObjectFault::Issuer),
    Refusal::RequestObject(RequestObjectFault::Subject),
    Refusal::RequestObject(RequestObjectFault::ClientId),
    Refusal::RequestObject(RequestObjectFault::Audience),
    Refusal::RequestObject(RequestObjectFault::ExpiryMissing),
    Refusal::RequestObject(RequestObjectFault::NotBeforeMissing),
    Refusal::RequestObject(RequestObjectFault::NotActive),
    Refusal::RequestObject(RequestObjectFault::LifetimeTooLong),
    Refusal::RequestObject(RequestObjectFault::Nested),
    Refusal::Authorize(AuthorizeFault::PushedRequired),
    Refusal::Authorize(AuthorizeFault::PushedUnknown),
    Refusal::Authorize(AuthorizeFault::PushedExpired),
    Refusal::Authorize(AuthorizeFault::PushedSpent),
    Refusal::Authorize(AuthorizeFault::DetailsInvalid),
    Refusal::Authorize(AuthorizeFault::TargetInvalid),
    Refusal::Authorize(AuthorizeFault::DetailsByBrowser),
    Refusal::AccessDenied,
    Refusal::AuthenticationFailed,
    Refusal::InteractionUnknown,
    Refusal::InteractionExpired,
    Refusal::AntiForgery,
    Refusal::LoginWrong,
    Refusal::LoginThrottled,
    Refusal::AccountsMissing,
    Refusal::CustomerUnknown,
    Refusal::TokenInactive,
    Refusal::ScopeInsufficient,
    Refusal::AuthenticationInsufficient,
    Refusal::SchemeWrong,
    Refusal::CertificateMismatch,
    Refusal::Metadata("body", MetadataFault::NoObject),
    Refusal::Metadata("jwks", MetadataFault::Missing),
    Refusal::Metadata("subject_type", MetadataFault::Malformed),
    Refusal::Metadata("token_endpoint_auth_method", MetadataFault::NotAllowed),
    Refusal::Metadata("jwks_uri", MetadataFault::Conflicting),
    Refusal::Metadata("sector_identifier_uri", MetadataFault::Unreachable),
    Refusal::Metadata("redirect_uris", MetadataFault::Redirect),
    Refusal::Metadata("software_statement", MetadataFault::Statement),
    Refusal::InitialAccessToken,
    Refusal::RegistrationToken,
    Refusal::LogoutHint,
    Refusal::LogoutRedirectUnregistered,
    Refusal::RateLimited,
    Refusal::TooManyViews,
    Refusal::StoreUnavailable,
    Refusal::StoreContended,
    Refusal::Overloaded,
    Refusal::Internal,
];

impl Refusal {
    /// The stable code and title of this reason.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table, with a line for every refusal")]
    pub const fn stable(self) -> StableCode {
        let (code, title) = match self {
            Self::Parameter(_, Fault::Missing) => ("E1001", "a parameter is missing"),
            Self::Parameter(_, Fault::Malformed) => ("E1002", "a parameter is malformed"),
            Self::Parameter(_, Fault::Repeated) => ("E1003", "a parameter is repeated"),
            Self::Parameter(_, Fault::InQuery) => ("E1004", "a credential is in the query"),
            Self::Parameter(_, Fault::Conflicting) => ("E1005", "two parts of the request differ"),
            Self::MediaTypeWrong => ("E1010", "the body must be application/x-www-form-urlencoded"),
            Self::BodyMalformed => ("E1011", "the body is not a valid form"),
            Self::BodyTooLarge => ("E1012", "the body is too large"),
            Self::HeadTooLarge => ("E1013", "the request head is too large"),
            Self::RequestTimeout => ("E1014", "the request did not arrive in time"),
            Self::MethodNotAllowed => ("E1015", "this method is not allowed here"),
            Self::PathUnknown => ("E1016", "there is nothing at this path"),
            Self::TenantUnknown => ("E1017", "there is no such tenant or realm"),
            Self::TenantDisabled => ("E1018", "the tenant or realm is disabled"),
            Self::TlsRequired => ("E1019", "HTTPS required"),
            Self::RedirectUnregistered => ("E1042", "the redirect URI is not registered"),
            Self::ClientCredentialsMissing => ("E1101", "no client credentials"),
            Self::ClientUnknown => ("E1102", "no such client"),
            Self::ClientSuspended => ("E1103", "the client is suspended"),
            Self::ClientCredentialsWrong => ("E1104", "the client secret is wrong"),
            Self::ClientCredentialsConflict => ("E1105", "the credentials given twice differ"),
            Self::ClientAuthAmbiguous => {
                ("E1106", "more than one way of client authentication was used")
            }
            Self::ClientAuthNotAllowed(_) => ("E1107", "not this client's authentication method"),
            Self::Assertion(fault) => return fault.stable(),
            Self::Signature(fault) => return fault.stable(),
            Self::Proof(fault) => return fault.stable(),
            Self::Certificate(fault) => return fault.stable(),
            Self::CertificateMissing => ("E1425", "a client certificate is required"),
            Self::GrantTypeUnknown => ("E2001", "the grant type is not supported"),
            Self::GrantTypeNotAllowed => ("E2002", "the client may not use this grant type"),
            Self::HandleUnknown => ("E2011", "the code or token is not one of ours"),
            Self::HandleExpired => ("E2012", "the code or token has expired"),
            Self::HandleForged => ("E2013", "sealed with our key, and not by us"),
            Self::HandleAhead => ("E2014", "the store has been set back"),
            Self::CodeReplayed => ("E2015", "the code was used before"),
            Self::RefreshReplayed => ("E2016", "the refresh token was used before"),
            Self::GrantRevoked => ("E2017", "the grant was revoked"),
            Self::ClientMismatch => ("E2018", "issued to another client"),
            Self::RedirectMismatch => {
                ("E2019", "redirect_uri differs from the authorization request")
            }
            Self::PkceMismatch => ("E2020", "the code verifier does not match"),
            Self::SubjectSuspended => ("E2021", "the customer is suspended"),
            Self::ScopeMissing => ("E2030", "no scope was asked for"),
            Self::ScopeNotAllowed => ("E2031", "scope not allowed for this client"),
            Self::ResponseTypeUnknown => ("E3001", "the response type is not supported"),
            Self::AuthorizeNotAllowed => ("E3002", "the client may not send customers here"),
            Self::AccessDenied => ("E3003", "the customer declined"),
            Self::AuthenticationFailed => ("E3004", "strong authentication failed"),
            Self::Authorize(fault) => return fault.stable(),
            Self::RequestObject(fault) => return fault.stable(),
            Self::InteractionUnknown => ("E3010", "this sign-in does not belong to this browser"),
            Self::InteractionExpired => ("E3011", "this sign-in took too long"),
            Self::AntiForgery => ("E3012", "the form did not come from our page"),
            Self::LoginWrong => ("E3020", "user name or password are wrong"),
            Self::LoginThrottled => ("E3021", "too many attempts to sign in"),
            Self::AccountsMissing => ("E3030", "no account was chosen"),
            Self::CustomerUnknown => ("E3040", "the customer id is unknown"),
            Self::TokenInactive => ("E4001", "the access token is missing or not active"),
            Self::ScopeInsufficient => ("E4002", "the access token does not cover this"),
            Self::AuthenticationInsufficient => ("E4005", "a newer or stronger sign-in is needed"),
            Self::SchemeWrong => ("E4003", "the scheme does not fit the access token"),
            Self::CertificateMismatch => ("E4004", "bound to another client certificate"),
            Self::LogoutHint => ("E3050", "the id_token_hint is no ID token of ours"),
            Self::LogoutRedirectUnregistered => ("E3051", "no such address registered for logout"),
            Self::Metadata(_, fault) => return fault.stable(),
            Self::InitialAccessToken => ("E6010", "the initial access token is missing or wrong"),
            Self::RegistrationToken => ("E6011", "the registration token is missing or wrong"),
            Self::RateLimited => ("E5001", "too many requests"),
            Self::TooManyViews => ("E5002", "too many different scopes at once"),
            Self::StoreUnavailable => ("E5003", "the store is not available"),
            Self::StoreContended => ("E5004", "too many requests for one grant at once"),
            Self::Overloaded => ("E5005", "the server is overloaded"),
            Self::Internal => ("E5006", "a fault of the server"),
        };
        StableCode { code, title }
    }
}

impl AssertionFault {
    const fn stable(self) -> StableCode {
        let (code, title) = match self {
            Self::TypeMissing => ("E1201", "client_assertion_type is missing"),
            Self::TypeWrong => ("E1202", "client_assertion_type is another"),
            Self::Missing => ("E1203", "client_assertion is missing"),
            Self::Malformed => ("E1204", "the assertion is not a JWT"),
            Self::Algorithm => ("E1205", "the algorithm of the assertion is not allowed"),
            Self::Critical => ("E1206", "the assertion demands an extension we do not know"),
            Self::SubjectMissing => ("E1207", "the assertion has no sub"),
            Self::ClientIdMismatch => ("E1208", "client_id is not the sub of the assertion"),
            Self::Issuer => ("E1209", "the iss of the assertion is wrong"),
            Self::Audience => ("E1210", "the assertion is for somebody else"),
            Self::AudienceMultiple => ("E1211", "the assertion has several audiences"),
            Self::ExpiryMissing => ("E1212", "the assertion has no exp"),
            Self::NotActive => ("E1213", "the assertion is not valid now"),
            Self::IssuedInFuture => ("E1214", "the assertion was issued in the future"),
            Self::ExpiryTooFar => ("E1215", "the assertion ends too late and has no iat"),
            Self::LifetimeTooLong => ("E1216", "the assertion lives too long"),
            Self::IdMissing => ("E1217", "the assertion has no jti"),
            Self::Replayed => ("E1218", "the assertion was used before"),
            Self::KeyUnknown => ("E1219", "the key of the assertion is not registered"),
            Self::SignatureWrong => ("E1220", "the signature of the assertion is wrong"),
        };
        StableCode { code, title }
    }
}

impl MetadataFault {
    const fn stable(self) -> StableCode {
        let (code, title) = match self {
            Self::NoObject => ("E6001", "the body is no client metadata"),
            Self::Missing => ("E6002", "client metadata is missing"),
            Self::Malformed => ("E6003", "client metadata is malformed"),
            Self::NotAllowed => ("E6004", "client metadata is not available here"),
            Self::Conflicting => ("E6005", "client metadata contradicts itself"),
            Self::Unreachable => ("E6006", "a registered address does not give what it must"),
            Self::Redirect => ("E6007", "a redirect URI cannot be registered"),
            Self::Statement => ("E6008", "no software statement is approved here"),
        };
        StableCode { code, title }
    }
}

impl AuthorizeFault {
    const fn stable(self) -> StableCode {
        let (code, title) = match self {
            Self::LoginRequired => ("E3005", "the customer would have to sign in"),
            Self::ConsentRequired => ("E3006", "the customer would have to be asked"),
            Self::AcrUnmet => ("E3007", "an essential acr cannot be reached"),
            Self::RequestNotSupported => ("E3070", "request objects are not taken here"),
            Self::RequestUriNotSupported => ("E3071", "this request_uri is not one of ours"),
            Self::RequestObjectMissing => ("E3072", "the client must sign its requests"),
            Self::PushedRequired => ("E3073", "the client must push its requests"),
            Self::PushedUnknown => ("E3074", "no request was pushed under this request_uri"),
            Self::PushedExpired => ("E3075", "the request_uri has expired"),
            Self::PushedSpent => ("E3076", "the request_uri was used before"),
            Self::DetailsInvalid => ("E3080", "the authorization_details are not acceptable"),
            Self::TargetInvalid => ("E3081", "the resource is not acceptable"),
            Self::DetailsByBrowser => ("E3082", "authorization_details must be pushed or signed"),
        };
        StableCode { code, title }
    }
}

impl RequestObjectFault {
    const fn stable(self) -> StableCode {
        let (code, title) = match self {
            Self::Malformed => ("E3101", "the request object is not a JWT"),
            Self::Algorithm => ("E3102", "the algorithm of the request object is not allowed"),
            Self::Critical => ("E3103", "the request object demands an extension we do not know"),
            Self::Type => ("E3104", "the request object says that it is something else"),
            Self::KeyUnknown => ("E3105", "the key of the request object is not registered"),
            Self::SignatureWrong => ("E3106", "the signature of the request object is wrong"),
            Self::Issuer => ("E3107", "the iss of the request object is not the client"),
            Self::Subject => ("E3108", "the sub of the request object is the client"),
            Self::ClientId => ("E3109", "the client_id of the request object is another"),
            Self::Audience => ("E3110", "the request object is for somebody else"),
            Self::ExpiryMissing => ("E3111", "the request object has no exp"),
            Self::NotBeforeMissing => ("E3112", "the request object has no nbf"),
            Self::NotActive => ("E3113", "the request object is not valid now"),
            Self::LifetimeTooLong => ("E3114", "the request object lives too long"),
            Self::Nested => ("E3115", "a request object holds another request"),
        };
        StableCode { code, title }
    }
}

impl SignatureFault {
    const fn stable(self) -> StableCode {
        let (code, title) = match self {
            Self::Missing => ("E1301", "an HTTP signature is required"),
            Self::Malformed => ("E1302", "the HTTP signature cannot be parsed"),
            Self::KeyId => ("E1303", "keyId is not the app"),
            Self::KeyUnregistered => ("E1304", "the app has no registered key"),
            Self::HeadersMissing => ("E1305", "a header that must be signed is not"),
            Self::Date => ("E1306", "the Date is too far away"),
            Self::Digest => ("E1307", "the Digest is not that of the body"),
            Self::Wrong => ("E1308", "the HTTP signature is wrong"),
        };
        StableCode { code, title }
    }
}

impl CertificateFault {
    const fn stable(self) -> StableCode {
        let (code, title) = match self {
            Self::Untrusted => ("E1421", "the client certificate is not trusted"),
            Self::Subject => ("E1422", "the client certificate names somebody else"),
            Self::Unregistered => ("E1423", "the client certificate is not registered"),
            Self::NotValid => ("E1424", "the client certificate is not valid now"),
        };
        StableCode { code, title }
    }
}

impl ProofFault {
    const fn stable(self) -> StableCode {
        let (code, title) = match self {
            Self::Missing => ("E1401", "no DPoP proof"),
            Self::Repeated => ("E1402", "more than one DPoP header"),
            Self::Malformed => ("E1403", "the DPoP proof is not a JWT"),
            Self::Type => ("E1404", "the DPoP proof has another typ"),
            Self::Algorithm => ("E1405", "the algorithm of the DPoP proof is not allowed"),
            Self::KeyMissing => ("E1406", "the DPoP proof has no jwk"),
            Self::Key => ("E1407", "the jwk of the DPoP proof is not a public key"),
            Self::Signature => ("E1408", "the signature of the DPoP proof is wrong"),
            Self::IdMissing => ("E1409", "the DPoP proof has no jti"),
            Self::Method => ("E1410", "htm of the DPoP proof is not the method"),
            Self::Address => ("E1411", "htu of the DPoP proof is not the address"),
            Self::Issued => ("E1412", "iat of the DPoP proof is too far away"),
            Self::TokenHash => ("E1413", "ath of the DPoP proof is not the token"),
            Self::Replayed => ("E1414", "the DPoP proof was used before"),
            Self::KeyMismatch => ("E1415", "the DPoP proof is by another key"),
            Self::Nonce => ("E1416", "the DPoP proof needs a nonce of this server"),
        };
        StableCode { code, title }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let mut seen = std::collections::BTreeSet::new();
        for refusal in ALL {
            let stable = refusal.stable();
            assert!(stable.code.len() == 5 && stable.code.starts_with('E'), "{stable:?}");
            assert!(seen.insert(stable.code), "{stable:?} twice");
        }
    }
}
