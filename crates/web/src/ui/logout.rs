//! The end session endpoint over HTTP (OpenID Connect RP-Initiated Logout §2, §3, §6): the question, its
//! form, the page at the end. Nobody is sent to an address that is not the client's.

use counterfoil_engine::logout::{Leaving, LogoutRefused, LogoutRequest, SignedOut};
use counterfoil_jose::provider;
use counterfoil_protocol::form::{Form, encode};
use counterfoil_protocol::refusal::{Fault, Refusal};
use counterfoil_protocol::secret::Digest;

use super::authorize::{forget, session_cookie_name};
use super::views::{BackLink, FormView, LogoutView, SignedOutView};
use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;

/// `GET` or `POST` of the endpoint.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    let answered = asked(app, ask).await;
    answered.unwrap_or_else(|LogoutRefused { why, detail }| {
        super::error_page(app, ask, why, detail.as_ref())
    })
}

async fn asked(app: &App, ask: &mut Ask<'_>) -> Result<Reply, LogoutRefused> {
    let (body, parts) = (ask.body, ask.parts);
    let post = parts.method == http::Method::POST;
    let form = if post {
        edge::form(&parts.headers, None, body)?
    } else {
        Form::decode(parts.uri.query().unwrap_or_default().as_bytes())?
    };
    let session = edge::cookie(&parts.headers, &session_cookie_name(ask));
    if post && session.is_none() {
        // A form of another site brings no cookie of ours (`SameSite=Lax`); a link of it does.
        return Ok(Reply::see_other(&format!("{}?{}", parts.uri.path(), query(form.iter()))));
    }
    let leaving = leaving(app, ask, &form, form.one("id_token_hint")?).await?;
    if parts.method == http::Method::HEAD {
        // Only looks (RFC 9110 §9.3.2): a login outlives whoever previews a link.
        return Ok(signed_out(app, ask, &leaving, true));
    }
    match app.engine.sign_out(&mut ask.call(), &leaving, session, false).await? {
        SignedOut::Ended => Ok(gone(ask, &leaving)),
        SignedOut::Asks { customer } => Ok(question(app, ask, &leaving, &customer, session)),
        SignedOut::Nobody if leaving.is_hinted() => Ok(gone(ask, &leaving)),
        // Nobody is signed in, and nobody vouches for the request: no redirect without a click.
        SignedOut::Nobody => Ok(signed_out(app, ask, &leaving, false)),
    }
}

/// The request, validated.
async fn leaving(
    app: &App,
    ask: &mut Ask<'_>,
    form: &Form<'_>,
    hint: Option<&str>,
) -> Result<Leaving, LogoutRefused> {
    ask.locales = super::locales_of(form);
    let client_id = form.one("client_id")?;
    let (to, state) = (form.one("post_logout_redirect_uri")?, form.one("state")?);
    ask.trace.client = client_id.map(counterfoil_protocol::refusal::printable);
    let request = LogoutRequest { hint, client_id, to, state };
    let leaving = app.engine.leaving(&ask.call(), request).await?;
    if let Some(client) = &leaving.client {
        ask.trace.client = Some(client.id.to_string());
    }
    Ok(leaving)
}

/// `POST` of the question's form.
pub async fn confirm(app: &App, ask: &mut Ask<'_>) -> Reply {
    let answered = confirmed(app, ask).await;
    answered.unwrap_or_else(|LogoutRefused { why, detail }| {
        super::error_page(app, ask, why, detail.as_ref())
    })
}

async fn confirmed(app: &App, ask: &mut Ask<'_>) -> Result<Reply, LogoutRefused> {
    let (body, parts) = (ask.body, ask.parts);
    let form = edge::form(&parts.headers, None, body)?;
    let request = Form::decode(form.one("request")?.unwrap_or_default().as_bytes())?;
    ask.locales = super::locales_of(&request);
    let session = edge::cookie(&parts.headers, &session_cookie_name(ask));
    if !super::genuine(ask, &form, session.map(browser).as_ref()) {
        return Err(Refusal::AntiForgery.into());
    }
    // Validated anew: what the page carried back is what a browser sent.
    let leaving = leaving(app, ask, &request, None).await?;
    match form.one("action")? {
        Some("confirm") => {
            app.engine.sign_out(&mut ask.call(), &leaving, session, true).await?;
            Ok(gone(ask, &leaving))
        }
        Some("stay") => Ok(signed_out(app, ask, &leaving, true)),
        Some(_) | None => Err(Refusal::Parameter("action", Fault::Missing).into()),
    }
}

/// `GET` of the page at the end.
pub async fn done(app: &App, ask: &mut Ask<'_>) -> Reply {
    page(app, ask, &SignedOutView { stayed: false, back: None })
}

/// The form of the question is bound to the login that it asks about.
fn browser(session: &str) -> Digest {
    Digest::known(provider::sha256(session.as_bytes()))
}

fn question(
    app: &App,
    ask: &Ask<'_>,
    leaving: &Leaving,
    customer: &str,
    session: Option<&str>,
) -> Reply {
    let csrf = session.map(|session| ask.issuer.anti_forgery(&browser(session)));
    let view = LogoutView {
        form: FormView {
            action: format!("{}/logout/confirm", ask.located.base),
            csrf: csrf.unwrap_or_default(),
            ..FormView::default()
        },
        client: leaving.client.as_deref().map(|client| super::client_view(ask, client)),
        signed_in_as: customer.to_owned(),
        request: query(leaving.parameters().chain(locales(ask))),
    };
    let html = app.pages.logout(&super::shell(app, ask), &view);
    Reply::page(200, html, leaving.to().map(|to| to.origin()))
}

/// Nobody is signed in any more: to the client, or to the page that says so. What was open in this
/// browser is over with the login.
fn gone(ask: &Ask<'_>, leaving: &Leaving) -> Reply {
    let done = || {
        let wished = query(locales(ask).into_iter());
        let then = if wished.is_empty() { wished } else { format!("?{wished}") };
        format!("{}/logout/done{then}", ask.located.base)
    };
    forget(Reply::see_other(&leaving.location().unwrap_or_else(done)), ask)
}

fn signed_out(app: &App, ask: &Ask<'_>, leaving: &Leaving, stayed: bool) -> Reply {
    let client = leaving.client.as_deref().map(|client| super::client_view(ask, client));
    let back = leaving.location().zip(client).map(|(url, client)| BackLink { url, client });
    page(app, ask, &SignedOutView { stayed, back: back.filter(|_| !stayed) })
}

fn page(app: &App, ask: &Ask<'_>, view: &SignedOutView) -> Reply {
    Reply::page(200, app.pages.signed_out(&super::shell(app, ask), view), None)
}

/// The languages that the client wished for (§2): the next page has them from its address.
fn locales<'a>(ask: &'a Ask<'_>) -> Option<(&'a str, &'a str)> {
    ask.locales.as_deref().map(|wished| ("ui_locales", wished))
}

/// Names and values as a query.
fn query<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)>) -> String {
    let pairs = pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}
