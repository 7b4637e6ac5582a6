//! The token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3, RFC 9396 §7) over HTTP.

use counterfoil_engine::token::TokenAnswer;
use serde::Serialize;
use serde_json::Value;

use crate::app::{App, Ask};
use crate::reply::Reply;
use crate::surfaces::token;

#[derive(Serialize)]
struct Success<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

/// `POST`, for every grant type of the surface.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    let grants = ask.policy.grants;
    token(app, ask, grants, success).await
}

fn success(answer: &TokenAnswer) -> Reply {
    let body = Success {
        access_token: &answer.access_token,
        token_type: answer.token_type,
        expires_in: answer.expires_in_s,
        refresh_token: answer.refresh_token.as_ref().map(|token| token.to_wire()),
        scope: &answer.scope,
        authorization_details: answer
            .details
            .as_deref()
            .and_then(|details| serde_json::from_str(details).ok()),
        id_token: answer.id_token.as_deref(),
    };
    Reply::json(200, &body)
}
