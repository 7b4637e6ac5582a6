//! Pages for people: plain forms at different URLs, no script, no foreign request.

pub mod assets;
pub mod render;
pub mod texts;
pub mod views;
pub mod authorize;
pub mod login;
pub mod consent;
pub mod logout;
mod difference;

use std::borrow::Cow;

use counterfoil_engine::authorize::Mismatch;
use counterfoil_engine::client::Client;
use counterfoil_engine::interaction::Interaction;
use counterfoil_engine::limits::HINT_LEN_MAX;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::InteractionId;
use counterfoil_protocol::refusal::{AuthorizeFault, ErrorCode, Refusal};
use counterfoil_protocol::secret::{Digest, same_bytes};
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::request::Parts;

use crate::app::{App, Ask};
use crate::common::logo;
use crate::edge;
use crate::reply::Reply;
use crate::request_id::RequestId;
use texts::Texts;
use views::{ClientView, DeveloperDetail, ErrorKind, ErrorView, FormView, Shell};

/// The style sheet or the icon, if that is what is asked for.
pub(crate) fn asset(parts: &Parts) -> Option<Reply> {
    let path = parts.uri.path();
    let (text, media_type) = if path == assets::css_path() {
        (assets::CSS, "text/css; charset=utf-8")
    } else if path == assets::icon_path() {
        (assets::ICON, "image/svg+xml")
    } else {
        return None;
    };
    let mut reply = Reply::json_bytes(200, text.as_bytes().to_vec());
    reply.media_type = Some(media_type);
    reply.cacheable = true;
    Some(reply)
}

/// Whether the caller is a browser rather than a program.
pub(crate) fn wants_page(parts: &Parts) -> bool {
    let accepts = |media_type: &str| {
        edge::header(&parts.headers, ACCEPT.as_str()).is_some_and(|a| a.contains(media_type))
    };
    let form = edge::header(&parts.headers, CONTENT_TYPE.as_str()).is_some();
    accepts("text/html") && !(form && accepts("application/json"))
}

/// The texts in the language of this browser, or in one that was wished for when this began.
pub(crate) fn texts_for(parts: &Parts, kept: Option<&str>) -> &'static Texts {
    let accepted = edge::header(&parts.headers, ACCEPT_LANGUAGE.as_str());
    let wished = wished(parts, kept);
    Texts::for_locale(&texts::candidates(wished.as_deref(), accepted))
}

/// `ui_locales`: as it was kept, else as this address has it.
fn wished<'a>(parts: &Parts, kept: Option<&'a str>) -> Option<Cow<'a, str>> {
    if let Some(kept) = kept {
        return Some(kept.into());
    }
    let form = Form::decode(parts.uri.query()?.as_bytes()).ok()?;
    Some(form.one("ui_locales").ok()??.to_owned().into())
}

/// `ui_locales` of a request, for the pages that come after it.
pub(crate) fn locales_of(form: &Form<'_>) -> Option<Box<str>> {
    let wished = form.one("ui_locales").ok()??;
    (wished.len() <= HINT_LEN_MAX).then(|| wished.into())
}

/// What surrounds every page of a request.
pub(crate) fn shell(app: &App, ask: &Ask<'_>) -> Shell {
    Shell {
        bank_name: ask.issuer.tenant.name.to_string(),
        sandbox: app.sandbox.is_some(),
        reference: ask.id.reference(),
        locale: texts_for(ask.parts, ask.locales.as_deref()).language().tag.into(),
        ..Shell::default()
    }
}

/// A client as pages show it.
pub(crate) fn client_view(ask: &Ask<'_>, client: &Client) -> ClientView {
    let text = |value: &Option<Box<str>>| value.as_deref().map(str::to_owned);
    ClientView {
        name: client.name.to_string(),
        legal_name: text(&client.about.legal_name),
        regulator: text(&client.about.regulator),
        authorisation: text(&client.about.authorization_id),
        website: text(&client.about.website),
        logo_path: logo::path(ask.located.base, client),
        policy_url: text(&client.metadata.policy_uri),
        terms_url: text(&client.metadata.tos_uri),
        ..ClientView::default()
    }
}

/// Where a form of this interaction goes.
pub(crate) fn form_view(
    app: &App,
    ask: &Ask<'_>,
    action: &str,
    interaction: &Interaction,
) -> FormView {
    let left_s = interaction.ends.since(app.engine.clock.now());
    let csrf = interaction.browser.as_ref().map(|browser| ask.issuer.anti_forgery(browser));
    FormView {
        action: format!("{}{action}", ask.located.base),
        interaction: interaction.id.to_hex(),
        csrf: csrf.unwrap_or_default(),
        minutes: u32::try_from(left_s / 60).ok(),
    }
}

/// The interaction that a page or form names.
pub(crate) fn interaction_id(form: &Form<'_>) -> Result<InteractionId, Refusal> {
    let raw = form.one("interaction")?.ok_or(Refusal::InteractionUnknown)?;
    InteractionId::parse_hex(raw).map_err(|_| Refusal::InteractionUnknown)
}

/// Whether a form came from our own page in this browser (attacks.md P17).
pub(crate) fn genuine(ask: &Ask<'_>, form: &Form<'_>, browser: Option<&Digest>) -> bool {
    let site = edge::header(&ask.parts.headers, "sec-fetch-site");
    if site.is_some_and(|site| site == "cross-site") {
        return false;
    }
    let Some(browser) = browser else { return false };
    let expected = ask.issuer.anti_forgery(browser);
    let sent = form.one("csrf").ok().flatten().unwrap_or_default();
    sent.len() == expected.len() && same_bytes(sent.as_bytes(), expected.as_bytes())
}

/// The page that says why it cannot go on.
pub(crate) fn error_page(
    app: &App,
    ask: &mut Ask<'_>,
    why: Refusal,
    mismatch: Option<&Mismatch>,
) -> Reply {
    ask.trace.refused(why);
    if let Some(mismatch) = mismatch {
        ask.trace.client = Some(mismatch.client.to_string());
        let name = list_of(why).trim_end_matches('s');
        ask.trace.fact(format!("{name} sent"), &mismatch.sent);
        for registered in &mismatch.registered {
            ask.trace.fact(format!("{name} registered"), registered.as_str());
        }
        let registered = mismatch.registered.iter().map(|uri| uri.as_str());
        if let Some(difference) = difference::between(&mismatch.sent, registered) {
            ask.trace.fact("difference", &difference);
        }
    }
    let developer = app.sandbox.is_some().then(|| detail(why, mismatch));
    let shell = shell(app, ask);
    page(app, &shell, why, developer)
}

/// The same, where no tenant was found.
pub(crate) fn bare_error_page(app: &App, why: Refusal, parts: &Parts, id: RequestId) -> Reply {
    let shell = Shell {
        bank_name: "Counterfoil".into(),
        sandbox: app.sandbox.is_some(),
        reference: id.reference(),
        locale: texts_for(parts, None).language().tag.into(),
        ..Shell::default()
    };
    page(app, &shell, why, app.sandbox.is_some().then(|| detail(why, None)))
}

fn page(app: &App, shell: &Shell, why: Refusal, developer: Option<DeveloperDetail>) -> Reply {
    let wait_s = why.retry_after_s();
    let view = ErrorView {
        kind: kind(why),
        nothing_shared: why.code() != ErrorCode::TemporarilyUnavailable
            && why != Refusal::Internal
            && kind(why) != ErrorKind::NotSignedOut,
        wait_s,
        back: None,
        developer,
    };
    let html = app.pages.error(shell, &view);
    Reply::page(why.status(false), html, None).retry_after(wait_s)
}

/// Which registered addresses one was compared with.
fn list_of(why: Refusal) -> &'static str {
    if why == Refusal::LogoutRedirectUnregistered {
        "post_logout_redirect_uris"
    } else {
        "redirect_uris"
    }
}

fn detail(why: Refusal, mismatch: Option<&Mismatch>) -> DeveloperDetail {
    let stable = why.stable();
    let mut detail = DeveloperDetail {
        error: why.code().as_str().into(),
        code: stable.code.into(),
        name: stable.title.into(),
        ..DeveloperDetail::default()
    };
    if let Some(mismatch) = mismatch {
        let registered = || mismatch.registered.iter().map(|uri| uri.as_str());
        detail.sent = Some(mismatch.sent.to_string());
        detail.registered = registered().map(str::to_owned).collect();
        detail.difference = difference::between(&mismatch.sent, registered());
        let list = list_of(why);
        detail.fix = Some(format!(
            "add it to {list} of client {} in resources/, then reload with SIGHUP",
            mismatch.client
        ));
    }
    detail
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a customer can tell these apart; everything else is one thing to them"
)]
fn kind(why: Refusal) -> ErrorKind {
    match why {
        Refusal::RedirectUnregistered | Refusal::RedirectMismatch => ErrorKind::AddressUnknown,
        Refusal::ClientUnknown | Refusal::ClientSuspended => ErrorKind::AppUnknown,
        Refusal::InteractionExpired
        | Refusal::Authorize(AuthorizeFault::PushedExpired)
        | Refusal::RequestTimeout => ErrorKind::LinkExpired,
        Refusal::InteractionUnknown | Refusal::Authorize(AuthorizeFault::PushedSpent) => {
            ErrorKind::LinkUsed
        }
        Refusal::AntiForgery => ErrorKind::FormForeign,
        Refusal::LogoutHint | Refusal::LogoutRedirectUnregistered => ErrorKind::NotSignedOut,
        Refusal::LoginThrottled | Refusal::LoginWrong => ErrorKind::SignInLocked,
        Refusal::SubjectSuspended => ErrorKind::AccessClosed,
        Refusal::RateLimited => ErrorKind::TooManyRequests,
        Refusal::TooManyViews
        | Refusal::StoreUnavailable
        | Refusal::StoreContended
        | Refusal::Overloaded => ErrorKind::Unavailable,
        Refusal::PathUnknown
        | Refusal::TenantUnknown
        | Refusal::TenantDisabled
        | Refusal::MethodNotAllowed => ErrorKind::PageUnknown,
        Refusal::Internal => ErrorKind::Internal,
        _ => ErrorKind::RequestWrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_wished_for_at_the_beginning_holds_on_every_later_page() {
        let at = |uri: &str| http::Request::get(uri).body(()).unwrap().into_parts().0;
        let first = at("/authorize?client_id=a&ui_locales=fr-CH+de");
        assert_eq!(wished(&first, None).as_deref(), Some("fr-CH de"));
        // Pages after a redirect have another address, and nobody adds a wish to it.
        for later in [
            "/consent?interaction=1",
            "/login",
            "/login?ui_locales=it",
            "/login?ui_locales=it&ui_locales=rm",
        ] {
            assert_eq!(wished(&at(later), Some("fr-CH de")).as_deref(), Some("fr-CH de"));
        }
        assert_eq!(wished(&at("/login?interaction=1"), None), None);
        assert_eq!(wished(&at("/login?ui_locales=it&ui_locales=rm"), None), None);
    }
}
