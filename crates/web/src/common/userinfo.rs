//! UserInfo (OpenID Connect Core §5.3) over HTTP; errors as RFC 6750 §3.1 has them.

use counterfoil_protocol::refusal::Refusal;
use http::header::WWW_AUTHENTICATE;
use serde::Serialize;

use crate::app::{App, Ask};
use crate::edge;
use crate::reply::{ErrorBody, Reply};

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// `GET` or `POST` with a bearer token.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    let token = edge::bearer(&ask.parts.headers);
    let found = match token {
        Some(token) => app.engine.userinfo(ask.issuer, token).await,
        None => Err(Refusal::TokenInactive),
    };
    match found {
        Ok(info) => Reply::json(200, &Claims { sub: &info.sub, name: info.name.as_deref() }),
        Err(why) => {
            ask.trace.refused(why);
            refuse(why, token.is_some(), ask)
        }
    }
}

/// RFC 6750 §3: without a token the challenge carries no error code.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "an override: what is not listed keeps the default"
)]
fn refuse(why: Refusal, had_token: bool, ask: &Ask<'_>) -> Reply {
    let (error, text) = (why.code().as_str(), why.description());
    let body = ErrorBody { error, error_description: &text };
    let reply = Reply::json(why.status(false), &body).retry_after(why.retry_after_s());
    let realm = ask.issuer.tenant.id.as_str();
    match why {
        Refusal::TokenInactive if !had_token => {
            reply.with(WWW_AUTHENTICATE, &format!("Bearer realm=\"{realm}\""))
        }
        Refusal::TokenInactive | Refusal::ScopeInsufficient => {
            let challenge = format!(
                "Bearer realm=\"{realm}\", error=\"{error}\", error_description=\"{text}\""
            );
            reply.with(WWW_AUTHENTICATE, &challenge)
        }
        _ => reply,
    }
}
