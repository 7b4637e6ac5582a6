//! Registration (RFC 7591) and its management (RFC 7592) over HTTP and JSON.

use counterfoil_engine::register::metadata::ClientMetadata;
use counterfoil_engine::register::resulting::Rules;
use counterfoil_engine::register::{Registered, Update};
use counterfoil_protocol::refusal::{MetadataFault, Refusal};
use counterfoil_protocol::secret::Secret;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde::{Deserialize, Serialize};

use crate::app::{App, Ask};
use crate::edge;
use crate::reply::{ErrorBody, Reply};

/// The path below the tenant; one client's own is below it.
pub(crate) const PATH: &str = "/register";

const NO_OBJECT: Refusal = Refusal::Metadata("body", MetadataFault::NoObject);

/// RFC 7591 §3.2.1, RFC 7592 §3. No secret that was told before is told again: none is kept.
#[derive(Serialize)]
struct Answer<'a> {
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id_issued_at: Option<u64>,
    registration_access_token: &'a str,
    registration_client_uri: String,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

/// RFC 7592 §2.2: what a client sends to change itself. What only we say must not be in it.
#[derive(Deserialize)]
struct Changes {
    client_id: Option<String>,
    client_secret: Option<String>,
    registration_access_token: Option<serde_json::Value>,
    registration_client_uri: Option<serde_json::Value>,
    client_secret_expires_at: Option<serde_json::Value>,
    client_id_issued_at: Option<serde_json::Value>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

/// `POST /register`.
pub async fn create(app: &App, ask: &mut Ask<'_>) -> Reply {
    let answered = created(app, ask).await;
    answered.unwrap_or_else(|why| refused(ask, why))
}

async fn created(app: &App, ask: &mut Ask<'_>) -> Result<Reply, Refusal> {
    let scopes = on_surface(ask)?;
    let asked: ClientMetadata = json(ask)?;
    let shown = bearer(ask);
    let rules = rules(app, ask, scopes);
    let done = app.engine.register(&mut ask.call(), &rules, shown.as_ref(), &asked).await?;
    Ok(answer(ask, 201, &done))
}

/// `GET`, `PUT` and `DELETE` of one client's own address.
pub async fn manage(app: &App, ask: &mut Ask<'_>) -> Reply {
    let answered = managed(app, ask).await;
    answered.unwrap_or_else(|why| refused(ask, why))
}

async fn managed(app: &App, ask: &mut Ask<'_>) -> Result<Reply, Refusal> {
    let scopes = on_surface(ask)?;
    let [id, _] = ask.parameters;
    ask.trace.client = Some(counterfoil_protocol::refusal::printable(id));
    let shown = bearer(ask);
    match ask.parts.method.as_str() {
        "PUT" => {
            let update = update(json(ask)?)?;
            let rules = rules(app, ask, scopes);
            let which = (id, shown.as_ref());
            let call = &mut ask.call();
            let done = app.engine.update_registration(call, &rules, which, &update).await?;
            Ok(answer(ask, 200, &done))
        }
        "DELETE" => {
            app.engine.delete_registration(&mut ask.call(), id, shown.as_ref()).await?;
            Ok(Reply::empty(204))
        }
        _ => {
            let done = app.engine.registration(ask.issuer, id, shown.as_ref()).await?;
            Ok(answer(ask, 200, &done))
        }
    }
}

/// Continues under the rules of the surface that this tenant registers clients on. A tenant that
/// registers nobody has no such path. Returns the scopes that the surface publishes.
fn on_surface(ask: &mut Ask<'_>) -> Result<&'static [&'static str], Refusal> {
    let policy = ask.issuer.tenant.registration.as_ref().ok_or(Refusal::PathUnknown)?;
    let name = policy.surface.to_string();
    ask.on_surface(&name).map_err(|_| Refusal::PathUnknown)?;
    Ok(ask.surface.endpoints().scopes)
}

fn rules<'a>(app: &'a App, ask: &Ask<'_>, scopes: &'a [&'a str]) -> Rules<'a> {
    Rules { policy: ask.policy, scopes, outbound: &*app.engine.outbound }
}

fn bearer(ask: &Ask<'_>) -> Option<Secret> {
    edge::bearer(&ask.parts.headers).map(edge::secret)
}

/// The one JSON object of the body.
fn json<T: serde::de::DeserializeOwned>(ask: &Ask<'_>) -> Result<T, Refusal> {
    let media_type = edge::header(&ask.parts.headers, CONTENT_TYPE.as_str());
    let media_type = media_type.and_then(|v| v.split(';').next()).map(str::trim);
    if !media_type.is_some_and(|m| m.eq_ignore_ascii_case("application/json")) {
        return Err(NO_OBJECT);
    }
    // A list would be read as an object without names.
    if ask.body.trim_ascii_start().first() != Some(&b'{') {
        return Err(NO_OBJECT);
    }
    serde_json::from_slice(ask.body).map_err(|_| NO_OBJECT)
}

fn update(sent: Changes) -> Result<Update, Refusal> {
    let ours = [
        &sent.registration_access_token,
        &sent.registration_client_uri,
        &sent.client_secret_expires_at,
        &sent.client_id_issued_at,
    ];
    if ours.into_iter().any(Option::is_some) {
        return Err(NO_OBJECT);
    }
    let client_secret = sent.client_secret.as_deref().map(edge::secret);
    Ok(Update { metadata: sent.metadata, client_id: sent.client_id, client_secret })
}

fn answer(ask: &Ask<'_>, status: u16, done: &Registered) -> Reply {
    let id = done.client.id.as_str();
    let secret = done.secret.as_ref().and_then(|s| std::str::from_utf8(s.expose()).ok());
    let registration = done.client.metadata.registration.as_ref();
    let body = Answer {
        client_id: id,
        client_secret: secret,
        client_secret_expires_at: secret.map(|_| 0),
        client_id_issued_at: registration.map(|r| r.issued.0),
        registration_access_token: done.token.to_wire(),
        registration_client_uri: format!("{}{PATH}/{id}", ask.issuer.url),
        metadata: ClientMetadata::of(&done.client),
    };
    Reply::json(status, &body)
}

/// RFC 7591 §3.2.2; a token is asked for as RFC 6750 §3 has it.
fn refused(ask: &mut Ask<'_>, why: Refusal) -> Reply {
    ask.trace.refused(why);
    let (error, text) = (why.code().as_str(), why.description());
    let body = ErrorBody { error, error_description: &text };
    let reply = Reply::json(why.status(false), &body).retry_after(why.retry_after_s());
    let realm = ask.issuer.tenant.id.as_str();
    if why.status(false) == 401 {
        return reply
            .with(WWW_AUTHENTICATE, &format!("Bearer realm=\"{realm}\", error=\"{error}\""));
    }
    reply
}
