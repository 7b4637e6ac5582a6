//! How an answer leaves for the client: the redirect or the form of its response mode, signed where
//! the mode says so. The redirect URI is a trusted one in every mode (attacks.md M057).

use counterfoil_engine::authorize::Answer;
use counterfoil_engine::policy::Parameters;
use counterfoil_engine::response_mode::{Carrier, ResponseMode};
use counterfoil_protocol::refusal::Refusal;

use super::form_post;
use crate::app::{App, Ask};
use crate::reply::Reply;
use crate::surfaces::standard_parameters;

/// Sends the browser on. What cannot be signed is told on a page: nothing may go out unsigned.
pub(crate) async fn reply(
    app: &App,
    ask: &mut Ask<'_>,
    answer: &Answer,
    after_form: bool,
) -> Reply {
    if answer.mode == ResponseMode::Query {
        let to = ask.surface.location(answer, ask);
        return redirect(ask, &to, after_form);
    }
    let mut parameters = standard_parameters(answer, ask);
    if answer.mode.is_signed() {
        // The message names its issuer itself.
        parameters.retain(|(name, _)| *name != "iss");
        match signed(app, ask, answer, &parameters).await {
            Ok(message) => parameters = vec![("response", message)],
            Err(why) => return crate::ui::error_page(app, ask, why, None),
        }
    }
    let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, text)| (*name, &**text)).collect();
    match answer.mode.carrier() {
        Carrier::Query => redirect(ask, &answer.uri().with_query(&pairs), after_form),
        Carrier::Fragment => redirect(ask, &answer.uri().with_fragment(&pairs), after_form),
        Carrier::Form => form_post::page(ask, answer.uri(), &pairs),
    }
}

async fn signed(
    app: &App,
    ask: &mut Ask<'_>,
    answer: &Answer,
    parameters: &[(&'static str, String)],
) -> Result<String, Refusal> {
    let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, text)| (*name, &**text)).collect();
    app.engine.signed_response(&ask.call(), answer, &pairs).await
}

/// 303 after a form and on surfaces that are free to choose; 302 where a vendor's document says so.
fn redirect(ask: &Ask<'_>, to: &str, after_form: bool) -> Reply {
    let free = ask.policy.authorization.parameters == Parameters::OpenId;
    if after_form || free { Reply::see_other(to) } else { Reply::found(to) }
}
