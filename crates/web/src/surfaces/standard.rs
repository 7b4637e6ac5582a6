//! Plain OpenID Connect: every client that speaks OAuth 2.0 and OpenID Connect Core, by secret or by
//! key, with or without PKCE.

use counterfoil_engine::client_auth::{BASIC, POST, PRIVATE_KEY_JWT};
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
use counterfoil_jose::{assertion, dpop, request_object};

use super::{Route, Surface};
use crate::common::discovery::Endpoints;
use crate::common::userinfo;
use crate::openid::{details, par, token};
use crate::ui::{authorize, logout};

pub(super) struct Standard;

static POLICY: Policy = Policy {
    name: "standard",
    grants: &[AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS],
    client_auth: ClientAuthRules {
        methods: &[BASIC, POST, PRIVATE_KEY_JWT],
        credentials_twice: CredentialsTwice::Refused,
        assertion: Some(&assertion::RFC7523),
    },
    scopes: &ExactScopes { required: None },
    scope_absent: ScopeAbsent::ClientDefault,
    // Clients are confidential; PKCE protects those that use it.
    pkce: Pkce::Optional,
    verifier_absent: VerifierAbsent::Mismatch,
    redirect_uri: RedirectRule::MustEqual,
    // What a client gets that registered no algorithm (OpenID Connect Registration §2).
    id_token: IdToken::Signed { alg: Alg::RS256, ttl_s: 3_600 },
    access_format: AccessFormat::Opaque,
    algs: &[Alg::RS256, Alg::PS256, Alg::ES256, Alg::EdDSA],
    authorization: &AuthorizationRules {
        pushed: PushedRequests::Taken,
        signed: SignedRequests::Taken(&request_object::OPENID),
        parameters: Parameters::OpenId,
        response_modes: &[
            ResponseMode::Query,
            ResponseMode::Fragment,
            ResponseMode::FormPost,
            ResponseMode::QueryJwt,
            ResponseMode::FragmentJwt,
            ResponseMode::FormPostJwt,
        ],
        consent: ConsentMemory::Remembers,
        details: DETAILS,
    },
    code_ttl_s: 60,
    access_ttl_s: 600,
    refresh_ttl_s: 30 * 86_400,
    grant_ttl_s: 365 * 86_400,
    rotation: Rotation::OnUse { retry_s: 300 },
    previous_access: Previous::Lives,
    // Whoever proves a key gets a token that is bound to it; nobody must.
    sender: SenderRules {
        required: false,
        proofs: Some(&dpop::RFC9449),
        nonce: NonceRule::Honoured,
    },
};

static ROUTES: &[Route] = &[
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
        handler: |app, ask| Box::pin(userinfo::answer_or_form(app, ask)),
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
    Route {
        methods: &["GET"],
        path: details::PATH,
        handler: |_, ask| Box::pin(details::answer(ask)),
    },
];

impl Surface for Standard {
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
            authorization: Some("/authorize"),
            pushed: Some("/par"),
            userinfo: Some("/userinfo"),
            end_session: Some("/logout"),
            backchannel_logout: true,
            scopes: &["openid", "profile", "email", "address", "phone"],
            pkce: true,
            ..Endpoints::plain()
        }
    }
}
