//! The pushed authorization request endpoint (RFC 9126 §2) over HTTP.

use counterfoil_engine::par::Taken;
use counterfoil_protocol::refusal::Refusal;
use serde::Serialize;

use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;

#[derive(Serialize)]
struct Body<'a> {
    request_uri: &'a str,
    expires_in: u64,
}

/// `POST`: 201 with the name of the request.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    match push(app, ask).await {
        Ok(Taken { request_uri, expires_in_s }) => {
            Reply::json(201, &Body { request_uri: &request_uri, expires_in: expires_in_s })
        }
        Err(why) => {
            ask.refused(why);
            ask.surface.refusal(why, ask)
        }
    }
}

async fn push(app: &App, ask: &mut Ask<'_>) -> Result<Taken, Refusal> {
    let (body, parts) = (ask.body, ask.parts);
    let form = edge::form(&parts.headers, parts.uri.query(), body)?;
    let presented = ask.presented(&form)?;
    app.engine.push(&mut ask.call(), &presented, &form).await
}
