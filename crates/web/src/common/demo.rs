//! A resource to try tokens on, in the sandbox only: it says what it was shown, and checks bindings as
//! a resource server has to (conformance.md 7). What it demands of the sign-in is for its caller to say:
//! `acr_values` and `max_age` in the query, so that a step-up (RFC 9470) can be tried.

use counterfoil_engine::confirmation::Audience;
use counterfoil_engine::introspect::Introspected;
use counterfoil_protocol::refusal::Refusal;
use serde::Serialize;

use super::resource;
use super::step_up::Demand;
use crate::app::{App, Ask};
use crate::reply::Reply;

#[derive(Serialize)]
struct Seen<'a> {
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    scope: String,
    iss: &'a str,
    aud: Audience<'a>,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
}

/// Any method, any media type: what counts is the token.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    if app.sandbox.is_none() {
        return resource::refused(Refusal::PathUnknown, ask);
    }
    // Proofs are judged by the rules of the surface that the tenant serves.
    if let [only] = ask.issuer.tenant.surfaces.as_slice() {
        let name = only.name.clone();
        if let Err(why) = ask.on_surface(&name) {
            return resource::refused(why, ask);
        }
    }
    let admitted = match resource::bearing(ask) {
        Ok(sent) => {
            let shown = ask.shown();
            app.engine.admit(&ask.call(), sent, &shown).await
        }
        Err(why) => Err(why),
    };
    // A token for others is none here (RFC 8707 §2, RFC 9068 §4).
    let own = [ask.issuer.url.to_string(), format!("{}{}", ask.issuer.url, ask.located.rest)];
    let meant = |seen: &Introspected| {
        let audience = seen.active.audience();
        audience.is_empty() || audience.iter().any(|one| own.iter().any(|own| **own == **one))
    };
    let admitted = admitted.and_then(|seen| Some(seen).filter(meant).ok_or(Refusal::TokenInactive));
    let demand = match Demand::of(ask.parts.uri.query()) {
        Ok(demand) => demand,
        Err(why) => return resource::refused(why, ask),
    };
    let now = app.engine.clock.now();
    let admitted = admitted.and_then(|seen| match demand.is_met_by(&seen.active, now) {
        true => Ok(seen),
        false => Err(Refusal::AuthenticationInsufficient),
    });
    match admitted {
        Ok(seen) => {
            let token = &seen.active;
            let body = Seen {
                client_id: token.client().as_str(),
                sub: token.subject().map(|subject| &*subject.sub),
                scope: token.scope().to_string(),
                iss: &ask.issuer.url,
                aud: Audience::of(token.audience(), &ask.issuer.url),
                exp: token.expires.0,
                auth_time: token.login().map(|(at, _)| at.0),
                acr: token.login().map(|(_, acr)| acr),
            };
            resource::answered(Reply::json(200, &body), ask)
        }
        Err(why) => resource::refused_demanding(why, ask, &demand),
    }
}
