//! The login page and its form.

use counterfoil_engine::interaction::{Interaction, RefusedWhy, Step};
use counterfoil_engine::limits::LOGIN_ATTEMPTS_MAX;
use counterfoil_engine::login::LoggedIn;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::{ClientId, InteractionId};
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::secret::Secret;

use super::authorize::{cookie_gone, cookie_line, cookie_name, go_on, leave, session_cookie_name};
use super::views::{LoginError, LoginView};
use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;

/// `GET` shows the page, `POST` takes the form.
pub async fn answer(app: &App, ask: &mut Ask<'_>) -> Reply {
    let answered = if ask.parts.method == http::Method::POST {
        post(app, ask).await
    } else {
        get(app, ask).await
    };
    answered.unwrap_or_else(|why| super::error_page(app, ask, why, None))
}

async fn get(app: &App, ask: &mut Ask<'_>) -> Result<Reply, Refusal> {
    let query = ask.parts.uri.query().unwrap_or_default();
    let form = Form::decode(query.as_bytes())?;
    let interaction = opened(app, ask, super::interaction_id(&form)?).await?;
    let hint = interaction.openid.login_hint.as_deref().unwrap_or_default();
    match interaction.step {
        Step::Login => show(app, ask, &interaction, hint, None).await,
        // Signed in already, in this tab or another.
        Step::Consent { .. } => {
            let id = interaction.id.to_hex();
            Ok(Reply::see_other(&format!("{}/consent?interaction={id}", ask.located.base)))
        }
        Step::Approved { .. } | Step::Refused { .. } => Err(Refusal::InteractionUnknown),
    }
}

/// The interaction of this browser, and its surface.
pub(super) async fn opened(
    app: &App,
    ask: &mut Ask<'_>,
    id: InteractionId,
) -> Result<Interaction, Refusal> {
    let name = cookie_name(&id, ask.secure);
    let cookie = edge::cookie(&ask.parts.headers, &name);
    let browser = counterfoil_engine::authorize::Browser { cookie, session: None };
    let interaction = app.engine.interaction(ask.issuer, id, browser).await?;
    ask.locales.clone_from(&interaction.openid.ui_locales);
    ask.on_surface(&interaction.surface)?;
    ask.trace.client = Some(interaction.client.to_string());
    Ok(interaction)
}

async fn show(
    app: &App,
    ask: &mut Ask<'_>,
    interaction: &Interaction,
    login: &str,
    error: Option<LoginError>,
) -> Result<Reply, Refusal> {
    let client = client(app, ask, &interaction.client).await?;
    let view = LoginView {
        form: super::form_view(app, ask, "/login", interaction),
        client,
        purpose: super::consent::purpose(interaction),
        login: login.chars().take(255).collect(),
        error,
        demo: app.sandbox.clone(),
    };
    let html = app.pages.login(&super::shell(app, ask), &view);
    // 200 also for a wrong password: the browser shows the page, and nothing is cached.
    Ok(Reply::page(200, html, Some(interaction.redirect_uri.origin())))
}

async fn client(
    app: &App,
    ask: &mut Ask<'_>,
    id: &ClientId,
) -> Result<super::views::ClientView, Refusal> {
    let client = app.engine.client_named(&ask.call(), id.as_str()).await?;
    Ok(super::client_view(ask, &client))
}

async fn post(app: &App, ask: &mut Ask<'_>) -> Result<Reply, Refusal> {
    let body = ask.body;
    let form = edge::form(&ask.parts.headers, None, body)?;
    let id = super::interaction_id(&form)?;
    let interaction = opened(app, ask, id).await?;
    if !super::genuine(ask, &form, interaction.browser.as_ref()) {
        return Err(Refusal::AntiForgery);
    }
    let parts = ask.parts;
    let name = cookie_name(&id, ask.secure);
    let cookie = edge::cookie(&parts.headers, &name);
    let browser = counterfoil_engine::authorize::Browser { cookie, session: None };
    if form.one("action")? == Some("cancel") {
        let why = RefusedWhy::Declined;
        let answer = app.engine.decline(&mut ask.call(), id, browser, why).await?;
        return Ok(leave(app, ask, &answer).await);
    }
    let (login, password) = (form.one("login")?, form.one("password")?);
    let (Some(login), Some(password)) = (login, password) else {
        let typed = login.unwrap_or_default();
        return show(app, ask, &interaction, typed, Some(LoginError::Missing)).await;
    };
    let secret = Secret::new(password.as_bytes().to_vec());
    let attempt = app.engine.login(&mut ask.call(), id, browser, (login, &secret)).await;
    match attempt {
        Ok(LoggedIn::Proceed { cookie, session }) => {
            let session_name = session_cookie_name(ask);
            let to = match go_on(app, ask, id, Some(&cookie), true).await? {
                Some(left) => left,
                None => {
                    let id = id.to_hex();
                    let base = ask.located.base;
                    Reply::see_other(&format!("{base}/consent?interaction={id}"))
                }
            };
            Ok(to.cookie(&cookie_line(&name, &cookie, ask)).cookie(&cookie_line(
                &session_name,
                &session,
                ask,
            )))
        }
        Ok(LoggedIn::Again { attempts_left }) => {
            ask.trace.refused(Refusal::LoginWrong);
            let left = u32::from(attempts_left.min(LOGIN_ATTEMPTS_MAX));
            let error = LoginError::Wrong { attempts_left: Some(left) };
            show(app, ask, &interaction, login, Some(error)).await
        }
        Ok(LoggedIn::Finished(answer)) => Ok(leave(app, ask, &answer).await),
        Err(Refusal::LoginThrottled) => {
            ask.trace.refused(Refusal::LoginThrottled);
            let wait_s = Refusal::LoginThrottled.retry_after_s().unwrap_or(60);
            show(app, ask, &interaction, login, Some(LoginError::Throttled { wait_s })).await
        }
        Err(why) => Err(why),
    }
}

/// `POST /login/switch`: the customer is somebody else.
pub async fn switch(app: &App, ask: &mut Ask<'_>) -> Reply {
    let answered = switched(app, ask).await;
    answered.unwrap_or_else(|why| super::error_page(app, ask, why, None))
}

async fn switched(app: &App, ask: &mut Ask<'_>) -> Result<Reply, Refusal> {
    let body = ask.body;
    let form = edge::form(&ask.parts.headers, None, body)?;
    let id = super::interaction_id(&form)?;
    let interaction = opened(app, ask, id).await?;
    if !super::genuine(ask, &form, interaction.browser.as_ref()) {
        return Err(Refusal::AntiForgery);
    }
    let name = cookie_name(&id, ask.secure);
    let parts = ask.parts;
    let cookie = edge::cookie(&parts.headers, &name);
    let browser = counterfoil_engine::authorize::Browser { cookie, session: None };
    app.engine.switch_customer(&mut ask.call(), id, browser).await?;
    let id = id.to_hex();
    let gone = cookie_gone(&session_cookie_name(ask), ask);
    Ok(Reply::see_other(&format!("{}/login?interaction={id}", ask.located.base)).cookie(&gone))
}
