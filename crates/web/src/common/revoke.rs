//! Revocation (RFC 7009) over HTTP: 200 with an empty body, also for what is unknown.

use counterfoil_engine::policy::ClientAuthRules;
use counterfoil_protocol::refusal::Refusal;

use super::ANY_CLIENT;
use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;

/// `POST` of a surface's own revocation endpoint: its clients, by its methods.
pub async fn of_surface(app: &App, ask: &mut Ask<'_>) -> Reply {
    let rules = &ask.policy.client_auth;
    let surface = Some(ask.policy.name);
    answer(app, ask, rules, surface).await
}

/// `POST` of the tenant's revocation endpoint: any client.
pub async fn of_tenant(app: &App, ask: &mut Ask<'_>) -> Reply {
    answer(app, ask, &ANY_CLIENT, None).await
}

async fn answer(
    app: &App,
    ask: &mut Ask<'_>,
    rules: &ClientAuthRules,
    surface: Option<&str>,
) -> Reply {
    match revoke(app, ask, rules, surface).await {
        Ok(()) => Reply::empty(200),
        Err(why) => {
            ask.refused(why);
            ask.surface.refusal(why, ask)
        }
    }
}

async fn revoke(
    app: &App,
    ask: &mut Ask<'_>,
    rules: &ClientAuthRules,
    surface: Option<&str>,
) -> Result<(), Refusal> {
    let body = ask.body;
    let form = edge::form(&ask.parts.headers, ask.parts.uri.query(), body)?;
    let presented = ask.presented(&form)?;
    let token = form.required("token");
    app.engine.revoke(&mut ask.call(), &presented, (rules, surface), token).await
}
