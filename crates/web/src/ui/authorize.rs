//! The authorization endpoint over HTTP: validate, begin, send the browser to sign in.

use counterfoil_engine::authorize::{Answer, AuthorizeError, Browser, Outcome, Received, Started};
use counterfoil_engine::interaction::Channel;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::InteractionId;
use counterfoil_protocol::refusal::{ErrorCode, Fault, Refusal};
use http::header::ACCEPT;

use crate::app::{App, Ask};
use crate::edge;
use crate::openid::respond;
use crate::reply::Reply;

/// Authorizations of one browser that a sign-out ends there: more tabs than anybody has open.
const COOKIES_FORGOTTEN_MAX: usize = 32;

/// `GET` or `POST` of an authorization endpoint with `client_id`.
pub async fn standard(app: &App, ask: &mut Ask<'_>) -> Reply {
    begin(app, ask, &["client_id"], None, Channel::Redirect).await
}

/// The authorization endpoint of a surface. `names` are the parameters that may hold the client id.
pub(crate) async fn begin(
    app: &App,
    ask: &mut Ask<'_>,
    names: &[&'static str],
    default_scope: Option<&'static str>,
    channel: Channel,
) -> Reply {
    let (body, parts) = (ask.body, ask.parts);
    let post = parts.method == http::Method::POST;
    let form = if post {
        edge::form(&parts.headers, None, body)
    } else {
        Form::decode(parts.uri.query().unwrap_or_default().as_bytes())
    };
    let form = match form {
        Ok(form) => form,
        Err(why) => return shown(app, ask, why, None),
    };
    let client_id = match client_id(&form, names) {
        Ok(client_id) => client_id,
        Err(why) => return shown(app, ask, why, None),
    };
    ask.trace.client = Some(counterfoil_protocol::refusal::printable(client_id));
    let unpacked = match app.engine.unpack(&ask.call(), client_id, &form).await {
        Ok(unpacked) => unpacked,
        Err(error) => return failed(app, ask, error, channel).await,
    };
    // What came another way counts alone: nothing beside it is looked at (RFC 9101 §6.3).
    let inner = unpacked.form().map(|text| Form::decode(text.as_bytes())).transpose();
    let inner = match inner {
        Ok(inner) => inner,
        Err(why) => return shown(app, ask, why, None),
    };
    let form = inner.as_ref().unwrap_or(&form);
    ask.locales = super::locales_of(form);
    let received = Received { form, client_id, default_scope, unpacked: &unpacked };
    let request = match app.engine.validate(&ask.call(), received).await {
        Ok(request) => request,
        Err(error) => return failed(app, ask, error, channel).await,
    };
    let session = edge::cookie(&ask.parts.headers, &session_cookie_name(ask));
    let browser = Browser { cookie: None, session };
    match app.engine.start(&mut ask.call(), request, channel, Some(browser)).await {
        Ok(started) => proceed(app, ask, &started).await,
        Err(why) => super::error_page(app, ask, why, None),
    }
}

/// An authorization has begun: on to a page, unless none is needed or none may be shown.
async fn proceed(app: &App, ask: &mut Ask<'_>, started: &Started) -> Reply {
    if let Some(refused) = &started.refused {
        return leave(app, ask, refused).await;
    }
    match go_on(app, ask, started.id, started.cookie.as_deref(), started.signed_in).await {
        Ok(Some(left)) => left,
        Ok(None) => send_on(ask, started),
        Err(why) => super::error_page(app, ask, why, None),
    }
}

/// The answer of somebody who is signed in, if nothing has to be asked.
pub(super) async fn go_on(
    app: &App,
    ask: &mut Ask<'_>,
    id: InteractionId,
    cookie: Option<&str>,
    signed_in: bool,
) -> Result<Option<Reply>, Refusal> {
    if !signed_in {
        return Ok(None);
    }
    let browser = Browser { cookie, session: None };
    match app.engine.go_on(&mut ask.call(), id, browser).await? {
        Some(answer) => Ok(Some(leave(app, ask, &answer).await)),
        None => Ok(None),
    }
}

/// A request that goes no further: told here or to the client, never both.
async fn failed(app: &App, ask: &mut Ask<'_>, error: AuthorizeError, channel: Channel) -> Reply {
    match error {
        AuthorizeError::Show { why, detail } => shown(app, ask, why, detail.as_ref()),
        AuthorizeError::Redirect { to, client, mode, state, why } => {
            let outcome = Outcome::Refused(why);
            let answer = Answer { redirect: to, client, mode, state, channel, outcome };
            refused(app, ask, &answer, why).await
        }
    }
}

fn client_id<'f>(form: &'f Form<'_>, names: &[&'static str]) -> Result<&'f str, Refusal> {
    let mut found: Option<&str> = None;
    for name in names {
        match (found, form.one(name)?) {
            (None, given) => found = given,
            (Some(known), Some(given)) if known != given => {
                return Err(Refusal::Parameter(name, Fault::Conflicting));
            }
            (Some(_), Some(_) | None) => {}
        }
    }
    let name = names.first().copied().unwrap_or("client_id");
    found.ok_or(Refusal::Parameter(name, Fault::Missing))
}

/// A refusal that the client hears of, unless the tenant wants a bad scope shown.
async fn refused(app: &App, ask: &mut Ask<'_>, answer: &Answer, why: Refusal) -> Reply {
    if why.code() == ErrorCode::InvalidScope && ask.switches.scope_error_400 {
        return shown(app, ask, why, None);
    }
    ask.trace.refused(why);
    respond::reply(app, ask, answer, false).await
}

/// A refusal that stays here: JSON for a program that asks for it, else a page.
fn shown(
    app: &App,
    ask: &mut Ask<'_>,
    why: Refusal,
    mismatch: Option<&counterfoil_engine::authorize::Mismatch>,
) -> Reply {
    let accept = edge::header(&ask.parts.headers, ACCEPT.as_str()).unwrap_or_default();
    if accept.contains("application/json") && !accept.contains("text/html") {
        ask.trace.refused(why);
        ask.by_header = false;
        return ask.surface.refusal(why, ask);
    }
    let documented = ask.surface.refusal(why, ask).status;
    let mut page = super::error_page(app, ask, why, mismatch);
    if why == Refusal::ClientSuspended {
        page.status = documented;
    }
    page
}

/// The browser goes on to the login or, signed in already, to the consent page.
pub(crate) fn send_on(ask: &Ask<'_>, started: &Started) -> Reply {
    let page = if started.signed_in { "consent" } else { "login" };
    let id = started.id.to_hex();
    let reply = Reply::see_other(&format!("{}/{page}?interaction={id}", ask.located.base));
    match &started.cookie {
        Some(cookie) => {
            reply.cookie(&cookie_line(&cookie_name(&started.id, ask.secure), cookie, ask))
        }
        None => reply,
    }
}

/// The answer leaves for the client. After a form that is 303 (attacks.md P25).
pub(crate) async fn leave(app: &App, ask: &mut Ask<'_>, answer: &Answer) -> Reply {
    if let Outcome::Refused(why) = answer.outcome {
        ask.trace.refused(why);
    }
    let elsewhere = matches!(answer.channel, Channel::Decoupled { .. });
    if elsewhere || matches!(answer.outcome, Outcome::Elsewhere) {
        // The client asks for it; the customer is done here.
        return super::consent::done_page(app, ask);
    }
    // The cookie stays until it runs out: the button pressed twice gets the same answer again.
    respond::reply(app, ask, answer, true).await
}

/// One cookie per authorization, so that two tabs do not disturb each other. `__Host-` on https: no
/// other host, not even a sub-domain, can have planted it.
pub(crate) fn cookie_name(id: &InteractionId, secure: bool) -> String {
    let prefix = if secure { "__Host-" } else { "" };
    format!("{prefix}cf-{}", &id.to_hex()[12..28])
}

/// One session per tenant and browser.
pub(crate) fn session_cookie_name(ask: &Ask<'_>) -> String {
    let prefix = if ask.secure { "__Host-" } else { "" };
    format!("{prefix}cf-session-{}", ask.issuer.tenant.id)
}

/// A `Set-Cookie` line.
pub(crate) fn cookie_line(name: &str, value: &str, ask: &Ask<'_>) -> String {
    format!("{name}={value}; Max-Age=3600{}", attributes(ask.secure))
}

/// What takes a cookie away.
pub(crate) fn cookie_gone(name: &str, ask: &Ask<'_>) -> String {
    format!("{name}=; Max-Age=0{}", attributes(ask.secure))
}

/// Takes away the session of this tenant and every authorization that is open in the browser: after
/// a sign-out nobody who sits down at it goes on with one.
pub(crate) fn forget(reply: Reply, ask: &Ask<'_>) -> Reply {
    let session = reply.cookie(&cookie_gone(&session_cookie_name(ask), ask));
    let prefix = if ask.secure { "__Host-cf-" } else { "cf-" };
    let open = |name: &&str| {
        let id = name.strip_prefix(prefix).unwrap_or_default();
        id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let open = edge::cookie_names(&ask.parts.headers).filter(open).take(COOKIES_FORGOTTEN_MAX);
    open.fold(session, |reply, name| reply.cookie(&cookie_gone(name, ask)))
}

fn attributes(secure: bool) -> &'static str {
    if secure {
        "; Path=/; HttpOnly; SameSite=Lax; Secure"
    } else {
        "; Path=/; HttpOnly; SameSite=Lax"
    }
}
