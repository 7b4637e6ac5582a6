//! Fintecture OAuth and Tokens: two paths and their aliases, Basic or form credentials, one-hour
//! tokens, a refresh that does not rotate and ends the token before it.

mod connect;
mod credentials;
mod errors;
mod scopes;
mod signature;

use counterfoil_engine::authorize::{Answer, Outcome};
use counterfoil_engine::client_auth::{BASIC, POST};
use counterfoil_engine::grants::{
    AUTHORIZATION_CODE, CLIENT_CREDENTIALS, GrantRule, REFRESH_TOKEN,
};
use counterfoil_engine::interaction::Channel;
use counterfoil_engine::policy::{
    AccessFormat, ClientAuthRules, CredentialsTwice, IdToken, Pkce, Policy, Previous, RFC6749,
    RedirectRule, Rotation, ScopeAbsent, SenderRules, VerifierAbsent,
};
use counterfoil_engine::tenant::Switches;
use counterfoil_engine::token::TokenAnswer;
use counterfoil_jose::alg::Alg;
use counterfoil_protocol::refusal::Refusal;
use serde::Serialize;

use super::{Route, Surface, standard_location};
use crate::app::{App, Ask};
use crate::common::discovery::Endpoints;
use crate::edge;
use crate::reply::Reply;

pub(crate) use scopes::is_oac;

pub(super) struct Fintecture;

static POLICY: Policy = Policy {
    name: "fintecture",
    grants: &[AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN],
    client_auth: ClientAuthRules {
        methods: &[BASIC, POST],
        credentials_twice: CredentialsTwice::AcceptedWhenEqual,
        assertion: None,
    },
    scopes: &scopes::Aliases,
    scope_absent: ScopeAbsent::ClientDefault,
    pkce: Pkce::Optional,
    verifier_absent: VerifierAbsent::Told,
    redirect_uri: RedirectRule::EqualIfSent,
    id_token: IdToken::Never,
    access_format: AccessFormat::Opaque,
    algs: &[Alg::RS256],
    authorization: &RFC6749,
    code_ttl_s: 60,
    access_ttl_s: 3_600,
    refresh_ttl_s: 180 * 86_400,
    grant_ttl_s: 180 * 86_400,
    rotation: Rotation::Never,
    // The document: a refresh "invalidates the previous one".
    previous_access: Previous::Dies,
    sender: SenderRules::BEARER,
};

static ACCESS: &[&dyn GrantRule] = &[AUTHORIZATION_CODE, CLIENT_CREDENTIALS];
static REFRESH: &[&dyn GrantRule] = &[REFRESH_TOKEN];

macro_rules! routes {
    ($($method:literal $path:literal => $handler:expr;)*) => {
        &[$(Route {
            methods: &[$method],
            path: $path,
            handler: |app, ask| Box::pin($handler(app, ask)),
        }),*]
    };
}

static ROUTES: &[Route] = routes! {
    "POST" "/oauth/accesstoken" => access;
    "POST" "/oauth/refreshtoken" => refresh;
    // The PHP SDK's spelling.
    "POST" "/oauth/refresh_token" => refresh;
    // The document's own description text.
    "POST" "/v1/access-token" => access;
    "POST" "/v1/refresh-token" => refresh;
    "POST" "/oauth/secure/accesstoken" => secure_access;
    "GET" "/oauth/token/authorize" => connect::authorize;
    "GET" "/ais/v2/connect" => connect::connect;
    "GET" "/ais/v1/provider/{}/authorize" => connect::provider_authorize;
    "GET" "/ais/v1/provider/{}/authorize/decoupled/{}" => connect::poll;
    "GET" "/ais/connect/{}" => connect::arrive;
    "DELETE" "/ais/v1/customer/{}" => connect::forget;
};

async fn access(app: &App, ask: &mut Ask<'_>) -> Reply {
    answer(app, ask, ACCESS, false).await
}

async fn refresh(app: &App, ask: &mut Ask<'_>) -> Reply {
    answer(app, ask, REFRESH, false).await
}

async fn secure_access(app: &App, ask: &mut Ask<'_>) -> Reply {
    answer(app, ask, ACCESS, true).await
}

async fn answer(
    app: &App,
    ask: &mut Ask<'_>,
    grants: &[&'static dyn GrantRule],
    signed: bool,
) -> Reply {
    match issue(app, ask, grants, signed).await {
        Ok(answer) => success(&answer),
        Err(why) => {
            let reply = errors::refuse(why, ask);
            super::note_allowed(app, ask, why).await;
            reply
        }
    }
}

async fn issue(
    app: &App,
    ask: &mut Ask<'_>,
    grants: &[&'static dyn GrantRule],
    signed: bool,
) -> Result<TokenAnswer, Refusal> {
    let (body, parts) = (ask.body, ask.parts);
    let form = edge::form(&parts.headers, parts.uri.query(), body)?;
    let signature = signature::OfRequest::new(parts, body, &form, signed);
    let mut presented = credentials::presented(&parts.headers, &form)?;
    presented.further = Some(&signature);
    app.engine.token(&mut ask.call(), grants, &presented, &form).await
}

#[derive(Serialize)]
struct Success<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    scope: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
}

fn success(answer: &TokenAnswer) -> Reply {
    let body = Success {
        access_token: &answer.access_token,
        token_type: "Bearer",
        expires_in: answer.expires_in_s,
        refresh_token: answer.refresh_token.as_ref().map(|token| token.to_wire()),
        scope: &answer.scope,
        // The OAC page documents it in place of `token_type`; OAuth clients need the other.
        kind: scopes::is_oac(&answer.canonical).then_some("oac_token"),
    };
    Reply::json(200, &body)
}

impl Surface for Fintecture {
    fn name(&self) -> &'static str {
        POLICY.name
    }

    fn policy(&self, _: &Switches) -> &'static Policy {
        &POLICY
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints {
            authorization: Some("/oauth/token/authorize"),
            token: "/oauth/accesstoken",
            scopes: &["pis", "ais", "customers", "e-mandates"],
            iss: false,
            pkce: true,
            ..Endpoints::plain()
        }
    }

    fn refusal(&self, why: Refusal, ask: &Ask<'_>) -> Reply {
        errors::reply(why, ask)
    }

    /// The shapes of the SDK's examples (surfaces.md 2.8).
    fn location(&self, answer: &Answer, ask: &Ask<'_>) -> String {
        let provider = match &answer.channel {
            Channel::Provider { provider } | Channel::Decoupled { provider, .. } => provider,
            Channel::Redirect => return standard_location(answer, ask),
        };
        let mut parameters: Vec<(&str, &str)> = Vec::with_capacity(4);
        match &answer.outcome {
            Outcome::Code { code, customer_id } => {
                parameters.push(("customer_id", customer_id.as_deref().unwrap_or_default()));
                parameters.push(("code", code));
                parameters.push(("provider", provider));
            }
            Outcome::Elsewhere => {}
            Outcome::Refused(why) if ask.switches.rfc6749_errors => {
                parameters.push(("error", why.code().as_str()));
            }
            Outcome::Refused(_) => parameters.push(("error", "provider_error")),
        }
        if let Some(state) = &answer.state {
            parameters.push(("state", state));
        }
        if let Outcome::Refused(why) = &answer.outcome
            && !ask.switches.rfc6749_errors
        {
            parameters.push(("provider_error", why.code().as_str()));
        }
        answer.uri().with_query(&parameters)
    }
}
