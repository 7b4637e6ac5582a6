//! FAPI 2.0 Security Profile (Final): confidential clients by key or certificate, pushed requests,
//! S256, bound tokens, nothing that rotates.

use counterfoil_engine::client_auth::{PRIVATE_KEY_JWT, SELF_SIGNED_TLS, TLS};
use counterfoil_engine::details::types::ALL as DETAILS;
use counterfoil_engine::grants::{AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN};
use counterfoil_engine::policy::{
    AccessFormat, AuthorizationRules, ClientAuthRules, ConsentMemory, CredentialsTwice,
    ExactScopes, IdToken, NonceRule, Parameters, Pkce, Policy, Previous, PushedRequests,
    RedirectRule, Rotation, ScopeAbsent, SenderRules, SignedRequests, VerifierAbsent,
};
use counterfoil_engine::response_mode::ResponseMode;
use counterfoil_engine::tenant::Switches;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::{assertion, dpop};

use super::{Route, Surface};
use crate::common::discovery::Endpoints;
use crate::common::{revoke, userinfo};
use crate::openid::{details, par, token};
use crate::ui::{authorize, logout};

pub(super) struct Fapi2;

pub(super) const RULES: Policy = Policy {
    name: "fapi2",
    grants: &[AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS],
    client_auth: ClientAuthRules {
        methods: &[PRIVATE_KEY_JWT, TLS, SELF_SIGNED_TLS],
        credentials_twice: CredentialsTwice::Refused,
        assertion: Some(&assertion::FAPI2),
    },
    scopes: &ExactScopes { required: None },
    scope_absent: ScopeAbsent::ClientDefault,
    pkce: Pkce::Required { len_min: 43, len_max: 43 },
    verifier_absent: VerifierAbsent::Mismatch,
    redirect_uri: RedirectRule::MustEqual,
    id_token: IdToken::Signed { alg: Alg::ES256, ttl_s: 3_600 },
    access_format: AccessFormat::Opaque,
    // FAPI 2.0 §5.4.1, the default first.
    algs: &[Alg::ES256, Alg::PS256, Alg::EdDSA],
    authorization: &AuthorizationRules {
        pushed: PushedRequests::Required,
        signed: SignedRequests::Never,
        parameters: Parameters::OpenId,
        response_modes: &[ResponseMode::Query, ResponseMode::FormPost],
        consent: ConsentMemory::AsksAlways,
        details: DETAILS,
    },
    code_ttl_s: 60,
    access_ttl_s: 600,
    refresh_ttl_s: 90 * 86_400,
    grant_ttl_s: 180 * 86_400,
    // FAPI 2.0 §5.3.2.1 number 9.
    rotation: Rotation::Never,
    previous_access: Previous::Lives,
    sender: SenderRules { required: true, proofs: Some(&dpop::FAPI2), nonce: NonceRule::Honoured },
};

static POLICY: Policy = RULES;

pub(super) static ROUTES: &[Route] = &[
    Route {
        methods: &["GET", "POST"],
        path: "/authorize",
        handler: |app, ask| Box::pin(authorize::standard(app, ask)),
    },
    Route { methods: &["POST"], path: "/par", handler: |app, ask| Box::pin(par::answer(app, ask)) },
    Route {
        methods: &["POST"],
        path: "/token",
        handler: |app, ask| Box::pin(token::answer(app, ask)),
    },
    Route {
        methods: &["GET", "POST"],
        path: "/userinfo",
        handler: |app, ask| Box::pin(userinfo::answer(app, ask)),
    },
    Route {
        methods: &["GET"],
        path: details::PATH,
        handler: |_, ask| Box::pin(details::answer(ask)),
    },
    Route {
        methods: &["POST"],
        path: "/revoke",
        handler: |app, ask| Box::pin(revoke::of_surface(app, ask)),
    },
    Route {
        methods: &["GET", "POST"],
        path: "/logout",
        handler: |app, ask| Box::pin(logout::answer(app, ask)),
    },
    Route {
        methods: &["POST"],
        path: "/logout/confirm",
        handler: |app, ask| Box::pin(logout::confirm(app, ask)),
    },
    Route {
        methods: &["GET"],
        path: "/logout/done",
        handler: |app, ask| Box::pin(logout::done(app, ask)),
    },
];

/// Where the surfaces of FAPI 2.0 answer.
pub(super) fn endpoints() -> Endpoints {
    Endpoints {
        authorization: Some("/authorize"),
        pushed: Some("/par"),
        userinfo: Some("/userinfo"),
        end_session: Some("/logout"),
        backchannel_logout: true,
        scopes: &["openid", "profile", "email", "address", "phone", "accounts", "payments"],
        pkce: true,
        ..Endpoints::plain()
    }
}

impl Surface for Fapi2 {
    fn name(&self) -> &'static str {
        RULES.name
    }

    fn policy(&self, _: &Switches) -> &'static Policy {
        &POLICY
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn endpoints(&self) -> Endpoints {
        endpoints()
    }
}
