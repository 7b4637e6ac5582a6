//! Worldline Open Banking "Access Token" 2.1.1: Keycloak-shaped, client credentials only.

use counterfoil_engine::client_auth::{BASIC, POST, PRIVATE_KEY_JWT};
use counterfoil_engine::grants::CLIENT_CREDENTIALS;
use counterfoil_engine::policy::{
    AccessClaims, AccessFormat, ClientAuthRules, CredentialsTwice, ExactScopes, IdToken, Pkce,
    Policy, Previous, RFC6749, RedirectRule, Rotation, ScopeAbsent, SenderRules, VerifierAbsent,
};
use counterfoil_engine::tenant::{Switches, Tenant};
use counterfoil_engine::token::TokenAnswer;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::assertion;
use counterfoil_protocol::refusal::{AssertionFault, Fault, Refusal, printable};
use serde::Serialize;

use super::{Route, Surface, token};
use crate::app::{App, Ask};
use crate::common::discovery::Endpoints;
use crate::common::{introspect, keycloak, revoke};
use crate::edge;
use crate::reply::{ErrorBody, Reply};

pub(super) struct Worldline;

const RULES: Policy = Policy {
    name: "worldline",
    grants: &[CLIENT_CREDENTIALS],
    client_auth: ClientAuthRules {
        methods: &[POST, PRIVATE_KEY_JWT, BASIC],
        // keycloak-connect sends the same pair in the header and in the body.
        credentials_twice: CredentialsTwice::AcceptedWhenEqual,
        assertion: Some(&assertion::WORLDLINE),
    },
    scopes: &ExactScopes { required: None },
    scope_absent: ScopeAbsent::Refused,
    pkce: Pkce::Optional,
    verifier_absent: VerifierAbsent::Told,
    redirect_uri: RedirectRule::MustEqual,
    id_token: IdToken::Never,
    // So that Keycloak's client libraries can verify it (surfaces.md 4.5).
    access_format: AccessFormat::Jwt { alg: Alg::RS256, typ: "JWT", claims },
    algs: &[Alg::RS256],
    authorization: &RFC6749,
    code_ttl_s: 60,
    access_ttl_s: 300,
    refresh_ttl_s: 0,
    grant_ttl_s: 300,
    rotation: Rotation::Never,
    previous_access: Previous::Lives,
    sender: SenderRules::BEARER,
};

static POLICY: Policy = RULES;
/// Keycloak gives default scopes where the document demands the parameter.
static COMPAT: Policy = Policy { scope_absent: ScopeAbsent::ClientDefault, ..RULES };

static ROUTES: &[Route] = &[
    Route {
        methods: &["POST"],
        path: "/protocol/openid-connect/token",
        handler: |app, ask| Box::pin(token(app, ask, RULES.grants, success)),
    },
    Route {
        methods: &["POST"],
        path: "/protocol/openid-connect/token/introspect",
        handler: |app, ask| Box::pin(introspect::answer(app, ask)),
    },
    Route {
        methods: &["POST"],
        path: "/protocol/openid-connect/revoke",
        handler: |app, ask| Box::pin(revoke::of_tenant(app, ask)),
    },
    Route {
        methods: &["GET"],
        path: "/protocol/openid-connect/certs",
        handler: |app, ask| Box::pin(crate::common::jwks::answer(app, ask)),
    },
    Route {
        methods: &["POST"],
        path: "/protocol/openid-connect/logout",
        handler: |app, ask| Box::pin(keycloak::logout(app, ask)),
    },
    Route {
        methods: &["GET", "POST"],
        path: "/protocol/openid-connect/userinfo",
        handler: |app, ask| Box::pin(crate::common::userinfo::answer(app, ask)),
    },
    Route {
        methods: &["GET"],
        path: "/protocol/openid-connect/auth",
        handler: |app, ask| Box::pin(nobody_signs_in(app, ask)),
    },
];

#[derive(Serialize)]
struct Success<'a> {
    access_token: &'a str,
    expires_in: u64,
    refresh_expires_in: u64,
    token_type: &'a str,
    #[serde(rename = "not-before-policy")]
    not_before_policy: u64,
    scope: &'a str,
}

/// Exactly six keys: the document has `additionalProperties: false`.
fn success(answer: &TokenAnswer) -> Reply {
    let body = Success {
        access_token: &answer.access_token,
        expires_in: answer.expires_in_s,
        refresh_expires_in: 0,
        token_type: "Bearer",
        not_before_policy: 0,
        scope: &answer.scope,
    };
    Reply::json(200, &body)
}

#[derive(Serialize)]
struct Claims<'a> {
    exp: u64,
    iat: u64,
    jti: &'a str,
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    typ: &'a str,
    azp: &'a str,
    acr: &'a str,
    scope: &'a str,
    client_id: &'a str,
}

/// What Keycloak's client libraries look at, in Keycloak's order.
fn claims(token: &AccessClaims<'_>) -> String {
    let claims = Claims {
        exp: token.expires.0,
        iat: token.issued.0,
        jti: token.id,
        iss: token.issuer,
        // The realm's own resources: no document names another audience.
        aud: token.issuer,
        sub: token.subject,
        typ: "Bearer",
        azp: token.client,
        acr: "1",
        scope: token.scope,
        client_id: token.client,
    };
    serde_json::to_string(&claims).unwrap_or_default()
}

/// The authorization endpoint exists because Keycloak's libraries expect it in the metadata; with no
/// response type supported, every request to it is one we do not serve.
async fn nobody_signs_in(app: &App, ask: &mut Ask<'_>) -> Reply {
    ask.trace.refused(Refusal::ResponseTypeUnknown);
    crate::ui::error_page(app, ask, Refusal::ResponseTypeUnknown, None)
}

impl Surface for Worldline {
    fn name(&self) -> &'static str {
        RULES.name
    }

    fn policy(&self, switches: &Switches) -> &'static Policy {
        if switches.keycloak_compat { &COMPAT } else { &POLICY }
    }

    fn in_realms(&self) -> bool {
        true
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn endpoints(&self) -> Endpoints {
        Endpoints {
            authorization: Some("/protocol/openid-connect/auth"),
            token: "/protocol/openid-connect/token",
            introspection: "/protocol/openid-connect/token/introspect",
            revocation: "/protocol/openid-connect/revoke",
            userinfo: Some("/protocol/openid-connect/userinfo"),
            end_session: Some("/protocol/openid-connect/logout"),
            jwks: "/protocol/openid-connect/certs",
            response_types: &[],
            scopes: &[],
            ..Endpoints::plain()
        }
    }

    fn refusal(&self, why: Refusal, ask: &Ask<'_>) -> Reply {
        if ask.switches.keycloak_compat
            && let Some(reply) = compat(why, ask)
        {
            return reply;
        }
        let unsupported = why == Refusal::MediaTypeWrong;
        let status = if unsupported { 415 } else { why.status(ask.by_header) };
        let body = ErrorBody { error: why.code().as_str(), error_description: &text(why, ask) };
        let reply = Reply::json(status, &body).retry_after(why.retry_after_s());
        let challenged = status == 401 && ask.by_header;
        if challenged { reply.challenge_basic(ask.issuer.tenant.id.as_str()) } else { reply }
    }
}

/// The texts of surfaces.md 4.3 and 4.4.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "an override: what is not listed keeps the default"
)]
fn text(why: Refusal, ask: &Ask<'_>) -> String {
    let fixed = match why {
        Refusal::ScopeNotAllowed => return scope_text(ask),
        Refusal::Parameter("grant_type", Fault::Missing) => "Missing form parameter: grant_type",
        Refusal::Parameter(_, Fault::Repeated) => "duplicated parameter",
        Refusal::ScopeMissing => "Missing form parameter: scope",
        Refusal::ClientUnknown
        | Refusal::ClientSuspended
        | Refusal::ClientCredentialsWrong
        | Refusal::ClientAuthNotAllowed(_) => "Invalid client or Invalid client credentials",
        Refusal::ClientCredentialsMissing => "Missing client_id parameter",
        Refusal::GrantTypeUnknown => "Unsupported grant_type",
        Refusal::MediaTypeWrong => "HTTP 415 Unsupported Media Type",
        Refusal::Assertion(AssertionFault::TypeWrong) => return type_text(ask),
        Refusal::Assertion(fault) => assertion_text(fault),
        other => return other.description(),
    };
    fixed.into()
}

/// The whole scope parameter as sent, filtered and capped: what both vendor samples show.
fn scope_text(ask: &Ask<'_>) -> String {
    let sent = ask.sent("scope").unwrap_or_default();
    printable(&format!("Invalid scopes: {sent}"))
}

fn type_text(ask: &Ask<'_>) -> String {
    let sent = ask.sent("client_assertion_type").unwrap_or_default();
    let sent: String = sent.chars().take(60).collect();
    printable(&format!(
        "Parameter client_assertion_type has value '{sent}' but expected is \
         'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'"
    ))
}

const fn assertion_text(fault: AssertionFault) -> &'static str {
    match fault {
        AssertionFault::TypeMissing => "Parameter client_assertion_type is missing",
        AssertionFault::TypeWrong => "Parameter client_assertion_type is not supported",
        AssertionFault::Missing => "client_assertion parameter missing",
        AssertionFault::Malformed | AssertionFault::Critical => "Invalid client assertion",
        AssertionFault::Algorithm => "Invalid signature algorithm",
        AssertionFault::SubjectMissing => "Token sub claim is required",
        AssertionFault::ClientIdMismatch => "client_id parameter does not match sub claim",
        AssertionFault::Issuer => "Issuer mismatch. The issuer should match the subject",
        AssertionFault::Audience => "Invalid token audience",
        AssertionFault::AudienceMultiple => "Multiple audiences not allowed",
        AssertionFault::ExpiryMissing => "Token exp claim is required",
        AssertionFault::NotActive => "Token is not active",
        AssertionFault::IssuedInFuture => "Token was issued in the future",
        AssertionFault::ExpiryTooFar => {
            "Token expiration is too far in the future and iat claim not present in token"
        }
        AssertionFault::LifetimeTooLong => "Token was issued too far in the past to be used now",
        AssertionFault::IdMissing => "Token jti claim is required",
        AssertionFault::Replayed => "Token reuse detected",
        AssertionFault::KeyUnknown => "Unable to load public key",
        AssertionFault::SignatureWrong => {
            "Client authentication with signed JWT failed: Signature on JWT token failed validation"
        }
    }
}

/// `keycloak_compat = true`: what Keycloak answers (surfaces.md 4.3). `None` where it is the same.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "an override: what is not listed keeps the default"
)]
fn compat(why: Refusal, ask: &Ask<'_>) -> Option<Reply> {
    const INVALID: &str = "Invalid client or Invalid client credentials";
    let (status, error, text) = match why {
        Refusal::ClientCredentialsMissing if ask.by_header => {
            return Some(Reply::empty(401).challenge_basic(ask.issuer.tenant.id.as_str()));
        }
        Refusal::ClientUnknown | Refusal::ClientSuspended => (401, "invalid_client", INVALID),
        Refusal::ClientCredentialsWrong | Refusal::ClientAuthNotAllowed(_) => {
            (401, "unauthorized_client", INVALID)
        }
        Refusal::GrantTypeNotAllowed => {
            (401, "unauthorized_client", "Client not enabled to retrieve service account")
        }
        Refusal::MediaTypeWrong => {
            #[derive(Serialize)]
            struct Resteasy {
                error: &'static str,
            }
            let error = "RESTEASY003065: Cannot consume content type";
            return Some(Reply::json(415, &Resteasy { error }));
        }
        _ => return None,
    };
    let reply = Reply::json(status, &ErrorBody { error, error_description: text });
    // Keycloak leaves it out; RFC 6749 §5.2 demands it (surfaces.md 1.3).
    let realm = ask.issuer.tenant.id.as_str();
    Some(if ask.by_header { reply.challenge_basic(realm) } else { reply })
}

/// What Keycloak says of a realm that is switched off. `None` without `keycloak_compat`: then there
/// is no such realm.
pub(crate) fn realm_disabled(tenant: &Tenant) -> Option<Reply> {
    let switches = tenant.surface(RULES.name)?;
    let error_description = "Realm not enabled";
    let body = ErrorBody { error: "access_denied", error_description };
    switches.keycloak_compat.then(|| Reply::json(403, &body))
}

/// The audiences by which a realm may be named (surfaces.md 4.4): its issuer and its token URL, each
/// also in the other spelling.
pub(crate) fn audiences(ask: &Ask<'_>) -> Vec<String> {
    let base = &ask.engine_base;
    let realm = &ask.issuer.tenant.id;
    let mut all = vec![ask.issuer.url.to_string()];
    for prefix in ["/auth/realms/", "/realms/"] {
        let issuer = format!("{base}{prefix}{realm}");
        all.push(format!("{issuer}/protocol/openid-connect/token"));
        all.push(issuer);
    }
    all
}

/// What the form said, for texts that repeat it.
pub(crate) fn sent(ask: &Ask<'_>, name: &'static str) -> Option<String> {
    let form = edge::form(&ask.parts.headers, None, ask.body).ok()?;
    form.one(name).ok().flatten().map(str::to_owned)
}
