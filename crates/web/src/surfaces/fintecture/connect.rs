//! How an AIS code comes to exist, and how everything is taken back (surfaces.md 2.8).

use std::sync::Arc;

use counterfoil_engine::authorize::{
    AuthorizeError, Browser, Polled, Received, Unpacked, Validated,
};
use counterfoil_engine::client::Client;
use counterfoil_engine::client_auth::{Authorization, Further as _, Presented};
use counterfoil_engine::interaction::Channel;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::InteractionId;
use counterfoil_protocol::refusal::{Fault, Refusal};
use serde::Serialize;

use super::{POLICY, credentials, errors, signature};
use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;
use crate::ui::authorize as pages;

/// The provider of a connect session, where the customer would choose one: this bank.
const PROVIDER: &str = "counterfoil";
const PROVIDER_LEN_MAX: usize = 64;

/// `GET /oauth/token/authorize`: the authorization endpoint, in a browser.
pub(super) async fn authorize(app: &App, ask: &mut Ask<'_>) -> Reply {
    let channel = Channel::Provider { provider: PROVIDER.into() };
    pages::begin(app, ask, &["app_id", "client_id"], Some("AIS"), channel).await
}

/// `GET /ais/v2/connect`: a URL for the customer's browser.
pub(super) async fn connect(app: &App, ask: &mut Ask<'_>) -> Reply {
    let channel = Channel::Provider { provider: PROVIDER.into() };
    match begin(app, ask, channel).await {
        Err(why) => errors::refuse(why, ask),
        Ok(id) => {
            let id = id.to_hex();
            let meta =
                Connect { status: 200, url: url(ask, &id), session_id: &id, connect_id: &id };
            Reply::json(200, &Meta { meta })
        }
    }
}

#[derive(Serialize)]
struct Meta<M> {
    meta: M,
}

#[derive(Serialize)]
struct Connect<'a> {
    status: u16,
    session_id: &'a str,
    connect_id: &'a str,
    url: String,
}

/// `GET /ais/v1/provider/{id}/authorize`: the same for a named provider, by redirect or decoupled.
pub(super) async fn provider_authorize(app: &App, ask: &mut Ask<'_>) -> Reply {
    #[derive(Serialize)]
    struct Answer<'a> {
        provider: &'a str,
        model: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        polling_id: Option<&'a str>,
        url: String,
    }
    let provider = ask.parameters[0].to_owned();
    let channel = match channel(ask, &provider) {
        Ok(channel) => channel,
        Err(why) => return errors::refuse(why, ask),
    };
    let decoupled = matches!(channel, Channel::Decoupled { .. });
    match begin(app, ask, channel).await {
        Err(why) => errors::refuse(why, ask),
        Ok(id) => {
            let id = id.to_hex();
            let model = if decoupled { "decoupled" } else { "redirect" };
            let polling_id = decoupled.then_some(id.as_str());
            let url = url(ask, &id);
            Reply::json(200, &Answer { provider: &provider, model, polling_id, url })
        }
    }
}

/// The way the customer answers, from the query and the `x-psu-id` header.
fn channel(ask: &Ask<'_>, provider: &str) -> Result<Channel, Refusal> {
    let fits = provider.len() <= PROVIDER_LEN_MAX
        && provider.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !fits {
        return Err(Refusal::PathUnknown);
    }
    let form = Form::decode(ask.parts.uri.query().unwrap_or_default().as_bytes())?;
    match form.one("model")? {
        None | Some("redirect") => Ok(Channel::Provider { provider: provider.into() }),
        Some("decoupled") => {
            let psu = edge::header(&ask.parts.headers, "x-psu-id").filter(|psu| psu.len() <= 255);
            let psu = psu.ok_or(Refusal::Parameter("x-psu-id", Fault::Missing))?;
            Ok(Channel::Decoupled { provider: provider.into(), psu: psu.into() })
        }
        Some(_) => Err(Refusal::Parameter("model", Fault::Malformed)),
    }
}

fn url(ask: &Ask<'_>, id: &str) -> String {
    format!("{}/ais/connect/{id}", ask.issuer.url)
}

async fn begin(app: &App, ask: &mut Ask<'_>, channel: Channel) -> Result<InteractionId, Refusal> {
    let client = app_of(app, ask).await?;
    let query = ask.parts.uri.query().unwrap_or_default();
    let form = Form::decode(query.as_bytes())?;
    // "Must be set to code and is only required if app_id has been set in headers"; nothing else is
    // served, so a missing one says the same.
    let pairs = form.iter().filter(|(name, _)| *name != "model");
    let with_type = match form.one("response_type")? {
        Some(_) => None,
        None => Some(("response_type", "code")),
    };
    let completed = Form::of(pairs.chain(with_type));
    let id = client.id.as_str().to_owned();
    let unpacked = Unpacked::default();
    let received = Received {
        form: &completed,
        client_id: &id,
        default_scope: Some("AIS"),
        unpacked: &unpacked,
    };
    let request: Validated = match app.engine.validate(&ask.call(), received).await {
        Ok(request) => request,
        Err(AuthorizeError::Show { why, .. } | AuthorizeError::Redirect { why, .. }) => {
            return Err(why);
        }
    };
    Ok(app.engine.start(&mut ask.call(), request, channel, None).await?.id)
}

/// The app that calls: by Basic if it sent that, else by the `app_id` header, whose signature counts
/// when it has a key. What is answered to a name alone is what its authorize URL would be.
async fn app_of(app: &App, ask: &mut Ask<'_>) -> Result<Arc<Client>, Refusal> {
    let (body, parts) = (ask.body, ask.parts);
    let form = Form::default();
    let signature = signature::OfRequest::new(parts, body, &form, false);
    let presented = credentials::presented(&parts.headers, &form)?;
    if !matches!(presented.authorization, Authorization::Absent) {
        return authenticated(app, ask, presented, &signature).await;
    }
    let id = presented.client_id.ok_or(Refusal::ClientCredentialsMissing)?;
    let client = app.engine.client_named(&ask.call(), id).await?;
    signature.check(&client, app.engine.clock.now())?;
    Ok(client)
}

async fn authenticated(
    app: &App,
    ask: &mut Ask<'_>,
    mut presented: Presented<'_>,
    signature: &signature::OfRequest<'_>,
) -> Result<Arc<Client>, Refusal> {
    // Ruby sends Basic on every call; a Bearer belongs to the resource calls that share the headers.
    if edge::bearer(&ask.parts.headers).is_some() {
        presented.authorization = Authorization::Absent;
        let id = presented.client_id.ok_or(Refusal::ClientCredentialsMissing)?;
        let client = app.engine.client_named(&ask.call(), id).await?;
        counterfoil_engine::client_auth::Further::check(
            signature,
            &client,
            app.engine.clock.now(),
        )?;
        return Ok(client);
    }
    presented.further = Some(signature);
    let call = ask.call();
    let proven =
        app.engine.authenticate(&call, &presented, &POLICY.client_auth, Some(POLICY.name)).await?;
    let id = proven.id.as_str().to_owned();
    app.engine.client_named(&call, &id).await
}

/// `GET /ais/connect/{id}`: the customer's browser arrives.
pub(super) async fn arrive(app: &App, ask: &mut Ask<'_>) -> Reply {
    let Ok(id) = InteractionId::parse_hex(ask.parameters[0]) else {
        return crate::ui::error_page(app, ask, Refusal::InteractionUnknown, None);
    };
    let name = pages::cookie_name(&id, ask.secure);
    let browser = Browser { cookie: edge::cookie(&ask.parts.headers, &name), session: None };
    match app.engine.adopt(&mut ask.call(), id, browser).await {
        Ok(started) => pages::send_on(ask, &started),
        Err(why) => crate::ui::error_page(app, ask, why, None),
    }
}

/// `GET /ais/v1/provider/{id}/authorize/decoupled/{polling_id}`.
pub(super) async fn poll(app: &App, ask: &mut Ask<'_>) -> Reply {
    #[derive(Serialize)]
    struct Answer<'a> {
        provider: &'a str,
        status: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        customer_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    }
    let provider = ask.parameters[0].to_owned();
    let polled = match polled(app, ask, &provider).await {
        Ok(polled) => polled,
        Err(why) => return errors::refuse(why, ask),
    };
    let (status, customer_id, code) = match polled {
        Polled::Pending => ("PENDING", None, None),
        Polled::Failed => ("FAILED", None, None),
        Polled::Completed { customer_id, code } => ("COMPLETED", Some(customer_id), code),
    };
    Reply::json(200, &Answer { provider: &provider, status, customer_id, code })
}

async fn polled(app: &App, ask: &mut Ask<'_>, provider: &str) -> Result<Polled, Refusal> {
    let client = app_of(app, ask).await?;
    let id = InteractionId::parse_hex(ask.parameters[1]);
    let id = id.map_err(|_| Refusal::InteractionUnknown)?;
    app.engine.poll(&mut ask.call(), &client, provider, id).await
}

/// `DELETE /ais/v1/customer/{id}`: "Deletes all active access tokens and PSU data".
pub(super) async fn forget(app: &App, ask: &mut Ask<'_>) -> Reply {
    #[derive(Serialize)]
    struct Deleted {
        status: u16,
        code: &'static str,
    }
    match forgotten(app, ask).await {
        Ok(()) => {
            Reply::json(200, &Meta { meta: Deleted { status: 200, code: "customer_deleted" } })
        }
        Err(why) => errors::refuse(why, ask),
    }
}

/// The caller must prove itself: by a living AIS token of its own, or by its credentials.
async fn forgotten(app: &App, ask: &mut Ask<'_>) -> Result<(), Refusal> {
    let id = ask.parameters[0].to_owned();
    let client = match edge::bearer(&ask.parts.headers) {
        Some(token) => {
            let seen = app.engine.look(ask.issuer, token).await?.ok_or(Refusal::TokenInactive)?;
            let named = edge::header(&ask.parts.headers, "app_id");
            if named.is_some_and(|named| named != seen.client.id.as_str()) {
                return Err(Refusal::ClientCredentialsConflict);
            }
            if &*seen.client.surface != POLICY.name || !seen.active.scope().contains("ais") {
                return Err(Refusal::ScopeInsufficient);
            }
            let form = Form::default();
            let signature = signature::OfRequest::new(ask.parts, ask.body, &form, false);
            signature.check(&seen.client, app.engine.clock.now())?;
            seen.client
        }
        None => {
            let form = Form::default();
            let signature = signature::OfRequest::new(ask.parts, ask.body, &form, false);
            let presented = credentials::presented(&ask.parts.headers, &form)?;
            authenticated(app, ask, presented, &signature).await?
        }
    };
    app.engine.forget_customer(&mut ask.call(), &client, &id).await
}
