//! A resource to try tokens on, in the sandbox only: it says what it was shown, and checks bindings as
//! a resource server has to (conformance.md 7).

use counterfoil_engine::confirmation::Audience;
use counterfoil_protocol::refusal::Refusal;
use serde::Serialize;

use super::resource;
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
    match admitted {
        Ok(seen) => {
            let token = &seen.active;
            let body = Seen {
                client_id: token.client.as_str(),
                sub: token.subject.as_ref().map(|subject| &*subject.sub),
                scope: token.scope.to_string(),
                iss: &ask.issuer.url,
                aud: Audience::of(&token.audience, &ask.issuer.url),
                exp: token.expires.0,
            };
            resource::answered(Reply::json(200, &body), ask)
        }
        Err(why) => resource::refused(why, ask),
    }
}
