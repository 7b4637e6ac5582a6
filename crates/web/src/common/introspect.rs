//! Introspection (RFC 7662, RFC 9396 §9.2, RFC 9470 §6.2) over HTTP.

use counterfoil_engine::confirmation::{Audience, Confirmation};
use counterfoil_engine::introspect::Introspected;
use counterfoil_engine::sender::Binding;
use counterfoil_protocol::refusal::Refusal;
use serde::Serialize;
use serde_json::Value;

use super::RESOURCE_SERVER;
use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;
use crate::surfaces::fintecture;

#[derive(Serialize)]
struct Active<'a> {
    active: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    client_id: &'a str,
    token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    exp: u64,
    iss: &'a str,
    aud: Audience<'a>,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounts: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation_node_id: Option<&'a str>,
}

/// The same bytes for unknown, expired, revoked, foreign, and for callers that may not ask.
const INACTIVE: &[u8] = br#"{"active":false}"#;

/// The media type of a signed answer (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";

/// `POST` of the introspection endpoint.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    match introspect(app, ask).await {
        Ok(reply) => reply,
        Err(why) => {
            ask.refused(why);
            ask.surface.refusal(why, ask)
        }
    }
}

async fn introspect(app: &App, ask: &mut Ask<'_>) -> Result<Reply, Refusal> {
    let body = ask.body;
    let form = edge::form(&ask.parts.headers, ask.parts.uri.query(), body)?;
    let presented = ask.presented(&form)?;
    let token = form.required("token")?;
    let rules = &RESOURCE_SERVER;
    let answered = app.engine.introspect_for(&ask.call(), &presented, rules, token).await?;
    let plain = match &answered.seen {
        None => Reply::json_bytes(200, INACTIVE.to_vec()),
        Some(seen) => active(seen, &ask.issuer.url),
    };
    if !wants_signed(ask) {
        return Ok(plain);
    }
    let said = std::str::from_utf8(&plain.body).map_err(|_| Refusal::Internal)?;
    let signed = app.engine.signed_introspection(ask.issuer, &answered.caller, said).await?;
    Ok(match signed {
        Some(jwt) => Reply { media_type: Some(SIGNED), body: jwt.into_bytes().into(), ..plain },
        None => plain,
    })
}

fn wants_signed(ask: &Ask<'_>) -> bool {
    let named = |accept: &str| {
        accept.split(',').any(|one| {
            let media_type = one.split(';').next().unwrap_or_default();
            media_type.trim().eq_ignore_ascii_case(SIGNED)
        })
    };
    edge::header(&ask.parts.headers, "accept").is_some_and(named)
}

fn active(seen: &Introspected, issuer: &str) -> Reply {
    let token = &seen.active;
    let consent = token.consent();
    let scope = token.scope().joined();
    let body = Active {
        active: true,
        scope: &scope,
        client_id: token.client().as_str(),
        token_type: Binding::token_type(token.binding.as_ref()),
        cnf: token.binding.map(Confirmation::from),
        exp: token.expires.0,
        iss: issuer,
        aud: Audience::of(token.audience(), issuer),
        sub: token.subject().map_or(token.client().as_str(), |s| &s.sub),
        consent_id: consent.map(|consent| consent.id.to_hex()),
        consent_version: consent.map(|consent| consent.version),
        accounts: consent.map(|c| c.accounts.iter().map(|id| id.as_str()).collect()),
        authorization_details: token
            .details()
            .and_then(|details| serde_json::from_str(details).ok()),
        auth_time: token.login().map(|(at, _)| at.0),
        acr: token.login().map(|(_, acr)| acr),
        organisation_node_id: seen
            .client
            .about
            .organisation_node_id
            .as_deref()
            .filter(|_| fintecture::is_oac(token.scope())),
    };
    Reply::json(200, &body)
}
