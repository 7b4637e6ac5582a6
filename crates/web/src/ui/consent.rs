//! The consent page and its form: which accounts, until when, yes or no.

use std::collections::BTreeSet;

use counterfoil_engine::authorize::{Approval, Browser, ConsentQuestion};
use counterfoil_engine::claims::Requested;
use counterfoil_engine::consent::Shown;
use counterfoil_engine::details::Details;
use counterfoil_engine::details::types::{Fact, Line};
use counterfoil_engine::interaction::{Interaction, RefusedWhy, Step};
use counterfoil_jose::provider;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::{AccountId, InteractionId};
use counterfoil_protocol::refusal::Refusal;

use super::authorize::{cookie_name, leave};
use super::login::opened;
use super::views::{
    AccountView, AccountsView, ConsentView, DetailView, FactView, LineView, MoneyView, Purpose,
    Shell,
};
use crate::app::{App, Ask};
use crate::edge;
use crate::reply::Reply;

/// Scopes that concern accounts; the others are about the customer.
const ACCOUNT_SCOPES: [&str; 4] = ["accounts", "transactions", "statements", "ais"];

fn concerns_accounts(interaction: &Interaction) -> bool {
    ACCOUNT_SCOPES.iter().any(|token| interaction.scope.contains(token))
        || asked(interaction).concern_accounts()
}

/// What is asked for in authorization details.
fn asked(interaction: &Interaction) -> Details {
    Details::kept(interaction.openid.details.as_deref())
}

/// What is told in words: the scopes, and those that stand for single claims (OpenID Connect Core
/// §5.5).
fn spoken(interaction: &Interaction) -> Vec<String> {
    let mut scopes: Vec<String> = interaction.scope.iter().map(str::to_owned).collect();
    let claims = Requested::kept(interaction.openid.claims.as_deref());
    for scope in claims.spoken() {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

pub(super) fn purpose(interaction: &Interaction) -> Purpose {
    if concerns_accounts(interaction) {
        Purpose::Accounts
    } else if asked(interaction).payments() > 0 {
        Purpose::Payment
    } else {
        Purpose::Details
    }
}

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
    let id = super::interaction_id(&form)?;
    let interaction = opened(app, ask, id).await?;
    if interaction.step == Step::Login {
        let id = id.to_hex();
        return Ok(Reply::see_other(&format!("{}/login?interaction={id}", ask.located.base)));
    }
    let question = question(app, ask, id).await?;
    Ok(show(app, ask, &question, &[], false))
}

async fn question(
    app: &App,
    ask: &mut Ask<'_>,
    id: InteractionId,
) -> Result<ConsentQuestion, Refusal> {
    let parts = ask.parts;
    let name = cookie_name(&id, ask.secure);
    let browser = Browser { cookie: edge::cookie(&parts.headers, &name), session: None };
    app.engine.question(&ask.call(), id, browser).await
}

fn view(app: &App, ask: &Ask<'_>, question: &ConsentQuestion, chosen: &[AccountId]) -> ConsentView {
    let (subject, details) = (&question.subject, asked(&question.interaction));
    let theirs: Vec<_> =
        subject.accounts.iter().filter(|account| details.admit(&account.id)).collect();
    let accounts = match concerns_accounts(&question.interaction) {
        false => AccountsView::NotNeeded,
        true if theirs.is_empty() => AccountsView::Empty,
        true => AccountsView::Choose {
            list: theirs
                .iter()
                .map(|account| AccountView {
                    id: account.id.to_string(),
                    name: account.name.to_string(),
                    last_digits: Some(account.last_digits.to_string()),
                    balance: Some(MoneyView {
                        minor: account.balance_minor,
                        currency: account.currency.to_string(),
                    }),
                    selected: chosen.contains(&account.id),
                })
                .collect(),
        },
    };
    ConsentView {
        form: super::form_view(app, ask, "/consent", &question.interaction),
        client: super::client_view(ask, &question.client),
        signed_in_as: subject.name.to_string(),
        switch_action: Some(format!("{}/login/switch", ask.located.base)),
        ends_at_s: Some(question.ends.0),
        scopes: spoken(&question.interaction),
        details: details.said().into_iter().map(detail).collect(),
        payments: details.payments(),
        accounts,
        no_account_chosen: false,
        manage_url: None,
    }
}

/// One of the details, for the page.
fn detail((title, lines): (&'static str, Vec<Line>)) -> DetailView {
    let fact = |fact| match fact {
        Fact::Word(text) => FactView::Word { text },
        Fact::Count { text, count } => FactView::Count { text, count },
        Fact::Text(text) => FactView::Text { text: text.into() },
        Fact::Amount { amount, currency } => {
            FactView::Amount { amount: amount.into(), currency: currency.into() }
        }
        Fact::Date(at) => FactView::Date { at_s: at.0 },
    };
    let line =
        |Line { label, facts }| LineView { label, facts: facts.into_iter().map(fact).collect() };
    DetailView { title, lines: lines.into_iter().map(line).collect() }
}

fn show(
    app: &App,
    ask: &Ask<'_>,
    question: &ConsentQuestion,
    chosen: &[AccountId],
    no_account_chosen: bool,
) -> Reply {
    let view = ConsentView { no_account_chosen, ..view(app, ask, question, chosen) };
    let html = app.pages.consent(&super::shell(app, ask), &view);
    Reply::page(200, html, Some(question.interaction.redirect_uri.origin()))
}

/// What the customer saw: the page without what changes from request to request.
fn shown(app: &App, ask: &Ask<'_>, question: &ConsentQuestion) -> Shown {
    let shell = Shell { reference: String::new(), ..super::shell(app, ask) };
    let mut view = view(app, ask, question, &[]);
    (view.form.csrf, view.form.minutes) = (String::new(), None);
    let html = app.pages.consent(&shell, &view);
    Shown {
        page_sha256: provider::sha256(html.as_bytes()),
        locale: shell.locale.into(),
        template: app.pages.version().into(),
    }
}

async fn post(app: &App, ask: &mut Ask<'_>) -> Result<Reply, Refusal> {
    let (body, parts) = (ask.body, ask.parts);
    // Not `edge::form`: an account for each box that is ticked is what the page sends.
    let form = edge::fields(&parts.headers, body)?;
    let id = super::interaction_id(&form)?;
    let interaction = opened(app, ask, id).await?;
    if !super::genuine(ask, &form, interaction.browser.as_ref()) {
        return Err(Refusal::AntiForgery);
    }
    let name = cookie_name(&id, ask.secure);
    let browser = Browser { cookie: edge::cookie(&parts.headers, &name), session: None };
    match form.one("action")? {
        Some("allow") => {}
        Some("deny") => {
            let why = RefusedWhy::Declined;
            let answer = app.engine.decline(&mut ask.call(), id, browser, why).await?;
            return Ok(leave(app, ask, &answer).await);
        }
        Some(_) | None => {
            return Err(Refusal::Parameter(
                "action",
                counterfoil_protocol::refusal::Fault::Missing,
            ));
        }
    }
    let ticked: BTreeSet<AccountId> = form
        .iter()
        .filter(|(name, _)| *name == "account")
        .filter_map(|(_, value)| AccountId::parse(value).ok())
        .collect();
    let accounts: Vec<AccountId> = ticked.into_iter().collect();
    let question = match &interaction.step {
        Step::Consent { .. } => Some(question(app, ask, id).await?),
        // The button was pressed twice: the engine gives the same answer again.
        Step::Approved { .. } | Step::Refused { .. } => None,
        Step::Login => return Err(Refusal::InteractionUnknown),
    };
    let shown = match &question {
        Some(question) => shown(app, ask, question),
        None => Shown { page_sha256: [0; 32], locale: "".into(), template: "".into() },
    };
    let accounts_needed = concerns_accounts(&interaction);
    let approval = Approval { accounts, accounts_needed, shown };
    match app.engine.approve(&mut ask.call(), id, browser, &approval).await {
        Ok(answer) => Ok(leave(app, ask, &answer).await),
        Err(Refusal::AccountsMissing) => {
            ask.trace.refused(Refusal::AccountsMissing);
            let question = question.ok_or(Refusal::InteractionUnknown)?;
            Ok(show(app, ask, &question, &approval.accounts, true))
        }
        Err(why) => Err(why),
    }
}

/// The customer approved for a client that asks elsewhere: nothing more to do here.
pub(super) fn done_page(app: &App, ask: &Ask<'_>) -> Reply {
    let html = app.pages.done(&super::shell(app, ask));
    Reply::page(200, html, None)
}
