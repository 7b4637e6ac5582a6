//! What Keycloak's client libraries call besides the token endpoint (surfaces.md 4.6).

use counterfoil_protocol::refusal::Refusal;

use super::ANY_CLIENT;
use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;

/// `POST …/logout` with client credentials and a refresh token: 204, a 200 would raise in
/// python-keycloak. It ends what the token stands for; one that is unknown has ended already.
pub async fn logout(app: &App, ask: &mut Ask<'_>) -> Reply {
    match end(app, ask).await {
        Ok(()) => Reply::empty(204),
        Err(why) => {
            ask.refused(why);
            ask.surface.refusal(why, ask)
        }
    }
}

async fn end(app: &App, ask: &mut Ask<'_>) -> Result<(), Refusal> {
    let body = ask.body;
    let form = edge::form(&ask.parts.headers, ask.parts.uri.query(), body)?;
    let presented = ask.presented(&form)?;
    let token = form.required("refresh_token");
    app.engine.revoke(&mut ask.call(), &presented, (&ANY_CLIENT, None), token).await
}
