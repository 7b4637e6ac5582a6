//! Errors (surfaces.md 2.6): one merged body, which OAuth clients read by `error` and the vendor's
//! SDKs by `code` and `errors[]`. `errors = "rfc6749"` gives the plain one.

use counterfoil_protocol::refusal::{ErrorCode, Fault, Refusal};
use serde::Serialize;

use crate::app::Ask;
use crate::reply::{self, Reply};

#[derive(Serialize)]
struct Merged<'a> {
    error: &'a str,
    error_description: &'a str,
    status: u16,
    code: &'a str,
    log_id: String,
    errors: [Item<'a>; 1],
}

#[derive(Serialize)]
struct Item<'a> {
    code: &'a str,
    title: &'a str,
    message: &'a str,
}

/// A row of the table: status, item code, title, message.
type Row = (u16, &'static str, &'static str, &'static str);

const APP_ID: Row = (401, "invalid_app_id", "Invalid App ID", "Invalid app_id.");
const CODE: Row =
    (401, "invalid_code", "Invalid Code", "The authorization code is either wrong or expired.");
const TOKEN: Row =
    (401, "invalid_token", "Invalid Token", "The token is either invalid or expired.");
const APP_URL: Row = (401, "invalid_app_url", "Invalid App URL", "Invalid app redirect URL.");
const SCOPES: Row = (
    401,
    "invalid_scopes",
    "Invalid Scopes",
    "Your app does not have the necessary scopes to access this API.",
);
const SIGNATURE: Row =
    (401, "invalid_signature", "Invalid Signature", "The signature is either missing or invalid.");
const BAD_REQUEST: Row =
    (400, "bad_request", "Bad Request", "Invalid parameters or malformed syntax.");
const GRANT_TYPE: Row =
    (400, "invalid_field", "Invalid Field", "The value or format of field grant_type is incorrect");
const CUSTOMER: Row =
    (404, "customer_unknown", "Customer ID invalid", "The customer id is unknown.");
const NOT_FOUND: Row = (404, "not_found", "Not Found", "There is nothing at this path.");
const TOO_MANY: Row = (429, "too_many_requests", "Too Many Requests", "Too many requests.");
const INTERNAL: Row = (500, "internal_server_error", "Internal Server Error", "Internal error.");
const UNAVAILABLE: Row =
    (503, "service_unavailable", "Service Unavailable", "Service unavailable.");

/// Which row a refusal is. `refresh` tells a bad refresh token from a bad code.
const fn row(why: Refusal, refresh: bool) -> Row {
    match why {
        Refusal::ClientCredentialsMissing
        | Refusal::ClientUnknown
        | Refusal::ClientSuspended
        | Refusal::ClientCredentialsWrong
        | Refusal::ClientAuthNotAllowed(_)
        | Refusal::Assertion(_) => APP_ID,
        Refusal::Signature(_) | Refusal::Proof(_) | Refusal::Certificate(_) => SIGNATURE,
        Refusal::RedirectMismatch | Refusal::RedirectUnregistered => APP_URL,
        Refusal::HandleUnknown
        | Refusal::HandleExpired
        | Refusal::HandleForged
        | Refusal::HandleAhead
        | Refusal::CodeReplayed
        | Refusal::RefreshReplayed
        | Refusal::GrantRevoked
        | Refusal::ClientMismatch
        | Refusal::PkceMismatch
        | Refusal::SubjectSuspended => {
            if refresh {
                TOKEN
            } else {
                CODE
            }
        }
        Refusal::TokenInactive
        | Refusal::SchemeWrong
        | Refusal::CertificateMismatch
        | Refusal::AuthenticationInsufficient
        | Refusal::InitialAccessToken
        | Refusal::RegistrationToken => TOKEN,
        Refusal::ScopeMissing
        | Refusal::ScopeNotAllowed
        | Refusal::ScopeInsufficient
        | Refusal::GrantTypeNotAllowed
        | Refusal::AuthorizeNotAllowed => SCOPES,
        Refusal::GrantTypeUnknown => GRANT_TYPE,
        Refusal::CustomerUnknown => CUSTOMER,
        Refusal::PathUnknown | Refusal::TenantUnknown | Refusal::TenantDisabled => NOT_FOUND,
        Refusal::RateLimited | Refusal::LoginThrottled => TOO_MANY,
        Refusal::Internal => INTERNAL,
        Refusal::TooManyViews
        | Refusal::StoreUnavailable
        | Refusal::StoreContended
        | Refusal::Overloaded => UNAVAILABLE,
        Refusal::Parameter(..)
        | Refusal::MediaTypeWrong
        | Refusal::BodyMalformed
        | Refusal::BodyTooLarge
        | Refusal::HeadTooLarge
        | Refusal::RequestTimeout
        | Refusal::MethodNotAllowed
        | Refusal::TlsRequired
        | Refusal::ClientCredentialsConflict
        | Refusal::ClientAuthAmbiguous
        | Refusal::CertificateMissing
        | Refusal::ResponseTypeUnknown
        | Refusal::AccessDenied
        | Refusal::AuthenticationFailed
        | Refusal::InteractionUnknown
        | Refusal::InteractionExpired
        | Refusal::AntiForgery
        | Refusal::LoginWrong
        | Refusal::Metadata(..)
        | Refusal::LogoutHint
        | Refusal::LogoutRedirectUnregistered
        | Refusal::RequestObject(_)
        | Refusal::Authorize(_)
        | Refusal::AccountsMissing => BAD_REQUEST,
    }
}

/// The `code` that goes with a status: the vendor's SDKs match pairs of the two.
const fn family(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        404 => "not_found",
        429 => "too_many_requests",
        500 => "internal_server_error",
        503 => "service_unavailable",
        _ => "bad_request",
    }
}

/// Notes a refusal and answers it.
pub(super) fn refuse(why: Refusal, ask: &mut Ask<'_>) -> Reply {
    ask.refused(why);
    reply(why, ask)
}

/// A refusal in the surface's shape.
pub(super) fn reply(why: Refusal, ask: &Ask<'_>) -> Reply {
    let realm = ask.issuer.tenant.id.as_str();
    if ask.switches.rfc6749_errors {
        return reply::refusal(why, ask.by_header, realm);
    }
    let refresh = ask.located.rest.contains("refresh");
    let (status, code, title, message) = row(why, refresh);
    let missing;
    let (mut code, mut title, mut message) = (code, title, message);
    if let Refusal::Parameter(name, Fault::Missing) = why {
        missing = format!("The mandatory field is missing: {name} has not been defined.");
        (code, title, message) =
            ("mandatory_field_missing", "Mandatory Field Missing", missing.as_str());
    }
    // Sizes, methods and time-outs keep their own status; the SDKs see a bad request.
    let status = match why.status(ask.by_header) {
        own @ (405 | 408 | 413 | 431) => own,
        _ => status,
    };
    let body = Merged {
        error: why.code().as_str(),
        error_description: message,
        status,
        code: family(status),
        log_id: ask.id.to_string(),
        errors: [Item { code, title, message }],
    };
    let reply = Reply::json(status, &body).retry_after(why.retry_after_s());
    let challenged = ask.by_header && why.code() == ErrorCode::InvalidClient;
    if challenged { reply.challenge_basic(realm) } else { reply }
}
