//! MX Data Access, FDX 4.6: `client_secret_basic`, S256, opaque tokens, rotating 30-day refresh.

use counterfoil_engine::client_auth::BASIC;
use counterfoil_engine::grants::{AUTHORIZATION_CODE, REFRESH_TOKEN};
use counterfoil_engine::policy::{
    AccessFormat, ClientAuthRules, CredentialsTwice, ExactScopes, IdToken, Pkce, Policy, Previous,
    RFC6749, RedirectRule, Rotation, ScopeAbsent, SenderRules, VerifierAbsent,
};
use counterfoil_engine::tenant::Switches;
use counterfoil_engine::token::TokenAnswer;
use counterfoil_jose::alg::Alg;
use counterfoil_protocol::refusal::{ErrorCode, Refusal};
use serde::Serialize;

use super::{Route, Surface, token};
use crate::app::Ask;
use crate::common::discovery::Endpoints;
use crate::common::{revoke, userinfo};
use crate::reply::{ErrorBody, Reply};
use crate::ui::authorize;

pub(super) struct Mx;

const RULES: Policy = Policy {
    name: "mx",
    grants: &[AUTHORIZATION_CODE, REFRESH_TOKEN],
    client_auth: ClientAuthRules {
        methods: &[BASIC],
        credentials_twice: CredentialsTwice::Refused,
        assertion: None,
    },
    scopes: &ExactScopes { required: Some("openid") },
    scope_absent: ScopeAbsent::Refused,
    // The document: "greater than or equal to 32". Only 43 can ever be redeemed.
    pkce: Pkce::Required { len_min: 32, len_max: 128 },
    verifier_absent: VerifierAbsent::Told,
    redirect_uri: RedirectRule::MustEqual,
    // Clients without metadata assume RS256 (surfaces.md 3.2).
    id_token: IdToken::Signed { alg: Alg::RS256, ttl_s: 600 },
    access_format: AccessFormat::Opaque,
    algs: &[Alg::RS256],
    authorization: &RFC6749,
    code_ttl_s: 60,
    access_ttl_s: 600,
    refresh_ttl_s: 30 * 86_400,
    grant_ttl_s: 365 * 86_400,
    rotation: Rotation::OnUse { retry_s: 86_400 },
    previous_access: Previous::Lives,
    sender: SenderRules::BEARER,
};

static POLICY: Policy = RULES;
/// `strict = true`: what RFC 7636 means.
static STRICT: Policy = Policy { pkce: Pkce::Required { len_min: 43, len_max: 43 }, ..RULES };

const AUTHORIZE: &str = "/oauth2/v4/authorize";

static ROUTES: &[Route] = &[
    Route {
        methods: &["GET", "POST"],
        path: AUTHORIZE,
        handler: |app, ask| Box::pin(authorize::standard(app, ask)),
    },
    Route {
        methods: &["POST"],
        path: "/oauth2/v4/token",
        handler: |app, ask| Box::pin(token(app, ask, RULES.grants, success)),
    },
    Route {
        methods: &["POST"],
        path: "/oauth2/v4/revoke",
        handler: |app, ask| Box::pin(revoke::of_surface(app, ask)),
    },
    Route {
        methods: &["GET", "POST"],
        path: "/userinfo",
        handler: |app, ask| Box::pin(userinfo::answer(app, ask)),
    },
];

#[derive(Serialize)]
struct Success<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
}

fn success(answer: &TokenAnswer) -> Reply {
    let body = Success {
        access_token: &answer.access_token,
        token_type: answer.token_type,
        expires_in: answer.expires_in_s,
        refresh_token: answer.refresh_token.as_ref().map(|token| token.to_wire()),
        scope: &answer.scope,
        id_token: answer.id_token.as_deref(),
    };
    Reply::json(200, &body)
}

/// The texts that the document gives to refusals of the authorization endpoint (surfaces.md 3.1).
fn documented(why: Refusal, ask: &Ask<'_>) -> Option<&'static str> {
    if ask.located.rest != AUTHORIZE {
        None
    } else if why == Refusal::RedirectUnregistered {
        Some("The redirect URI used was invalid")
    } else if why.code() == ErrorCode::InvalidScope {
        Some("The scope used was not permitted")
    } else {
        None
    }
}

impl Surface for Mx {
    fn name(&self) -> &'static str {
        RULES.name
    }

    fn policy(&self, switches: &Switches) -> &'static Policy {
        if switches.strict { &STRICT } else { &POLICY }
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints {
            authorization: Some(AUTHORIZE),
            token: "/oauth2/v4/token",
            revocation: "/oauth2/v4/revoke",
            userinfo: Some("/userinfo"),
            scopes: &["openid", "customers", "accounts", "transactions", "statements"],
            ..Endpoints::plain()
        }
    }

    fn refusal(&self, why: Refusal, ask: &Ask<'_>) -> Reply {
        if let Some(error_description) = documented(why, ask) {
            let error = why.code().as_str();
            return Reply::json(400, &ErrorBody { error, error_description });
        }
        // The document gives 401 to a client that is switched off (surfaces.md 3.1).
        let reply = crate::reply::refusal(why, ask.by_header, ask.issuer.tenant.id.as_str());
        if why == Refusal::ClientSuspended { Reply { status: 401, ..reply } } else { reply }
    }
}
