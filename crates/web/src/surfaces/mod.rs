//! Ecosystem surfaces: what one ecosystem's wire looks like. One file or folder each, one line in
//! [`ALL`].

pub mod fintecture;
pub mod mx;
pub mod worldline;
pub mod standard;
pub mod fapi2;
pub mod fapi2_ms;

use counterfoil_engine::authorize::{Answer, Outcome};
use counterfoil_engine::grants::GrantRule;
use counterfoil_engine::policy::Policy;
use counterfoil_engine::store::BoxFuture;
use counterfoil_engine::tenant::{Switches, Tenant};
use counterfoil_engine::token::TokenAnswer;
use counterfoil_protocol::refusal::Refusal;

use crate::app::{App, Ask};
use crate::common::discovery::Endpoints;
use crate::edge;
use crate::reply::{self, Reply};

/// Every surface. The order decides whose endpoints a tenant's metadata describes.
pub static ALL: &[&dyn Surface] = &[
    &mx::Mx,
    &fintecture::Fintecture,
    &worldline::Worldline,
    &standard::Standard,
    &fapi2::Fapi2,
    &fapi2_ms::Fapi2Ms,
];

/// The surface of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Surface> {
    ALL.iter().copied().find(|surface| surface.name() == name)
}

/// The rules of the surface of that name, if the tenant serves it.
#[must_use]
pub fn rules(name: &str, tenant: &Tenant) -> Option<&'static Policy> {
    Some(named(name)?.policy(tenant.surface(name)?))
}

/// A path of a surface and what answers there.
pub struct Route {
    /// `GET` (with it `HEAD`), `POST`, `PUT` or `DELETE`.
    pub methods: &'static [&'static str],
    /// The path below the tenant; `{}` matches one segment.
    pub path: &'static str,
    /// What answers.
    pub handler: Handler,
}

/// Answers a request.
pub type Handler = for<'a> fn(&'a App, &'a mut Ask<'_>) -> BoxFuture<'a, Reply>;

/// What one ecosystem's wire looks like. The defaults are RFC 6749; a surface overrides only where
/// its document differs.
pub trait Surface: Send + Sync {
    /// The name of its policy.
    fn name(&self) -> &'static str;

    /// Its rules, under the switches of a tenant.
    fn policy(&self, switches: &Switches) -> &'static Policy;

    /// Whether its tenants are realms.
    fn in_realms(&self) -> bool {
        false
    }

    /// Its paths.
    fn routes(&self) -> &'static [Route];

    /// What metadata says of it (RFC 8414).
    fn endpoints(&self) -> Endpoints;

    /// A refusal of one of its endpoints.
    fn refusal(&self, why: Refusal, ask: &Ask<'_>) -> Reply {
        reply::refusal(why, ask.by_header, ask.issuer.tenant.id.as_str())
    }

    /// Where the customer goes with an answer.
    fn location(&self, answer: &Answer, ask: &Ask<'_>) -> String {
        standard_location(answer, ask)
    }
}

/// RFC 6749 §4.1.2 and RFC 9207, in the query.
pub(crate) fn standard_location(answer: &Answer, ask: &Ask<'_>) -> String {
    let parameters = standard_parameters(answer, ask);
    let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, text)| (*name, &**text)).collect();
    answer.uri().with_query(&pairs)
}

/// The parameters of an answer.
pub(crate) fn standard_parameters(answer: &Answer, ask: &Ask<'_>) -> Vec<(&'static str, String)> {
    let mut parameters = Vec::with_capacity(4);
    match &answer.outcome {
        Outcome::Code { code, .. } => parameters.push(("code", code.to_string())),
        Outcome::Elsewhere => {}
        Outcome::Refused(why) => {
            parameters.push(("error", why.code().as_str().to_owned()));
            parameters.push(("error_description", why.description()));
        }
    }
    if let Some(state) = &answer.state {
        parameters.push(("state", state.to_string()));
    }
    if ask.switches.iss {
        parameters.push(("iss", ask.issuer.url.to_string()));
    }
    parameters
}

/// The token endpoint of a surface: parse, ask the engine, write the answer in the surface's shape.
pub(crate) async fn token(
    app: &App,
    ask: &mut Ask<'_>,
    grants: &[&'static dyn GrantRule],
    shape: fn(&TokenAnswer) -> Reply,
) -> Reply {
    let surface = ask.surface;
    match issue(app, ask, grants).await {
        Ok(answer) => shape(&answer),
        Err(why) => {
            ask.refused(why);
            note_allowed(app, ask, why).await;
            surface.refusal(why, ask)
        }
    }
}

/// For the operator: what the client could have asked for.
pub(crate) async fn note_allowed(app: &App, ask: &mut Ask<'_>, why: Refusal) {
    let Some(named) = ask.trace.client.clone().filter(|_| why == Refusal::ScopeNotAllowed) else {
        return;
    };
    if let Ok(client) = app.engine.client_named(&ask.call(), &named).await {
        ask.trace.fact("allowed", &client.scope.to_string());
    }
}

async fn issue(
    app: &App,
    ask: &mut Ask<'_>,
    grants: &[&'static dyn GrantRule],
) -> Result<TokenAnswer, Refusal> {
    let body = ask.body.clone();
    let form = edge::form(&ask.parts.headers, ask.parts.uri.query(), &body)?;
    let presented = ask.presented(&form)?;
    app.engine.token(&mut ask.call(), grants, &presented, &form).await
}
