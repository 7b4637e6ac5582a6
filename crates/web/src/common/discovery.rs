//! Metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2), made from what a tenant serves: nothing
//! is advertised that is refused.

use counterfoil_engine::policy::{AccessFormat, IdToken, Pkce, Policy};
use serde::Serialize;

use crate::app::{App, Ask};
use crate::common::RESOURCE_SERVER;
use crate::openid::metadata::{self, OpenIdMetadata};
use crate::reply::Reply;
use crate::surfaces::ALL;

/// Where a surface answers, below the tenant.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints {
    /// Authorization endpoint.
    pub authorization: Option<&'static str>,
    /// Pushed authorization request endpoint.
    pub pushed: Option<&'static str>,
    /// Token endpoint.
    pub token: &'static str,
    /// Introspection endpoint.
    pub introspection: &'static str,
    /// Revocation endpoint.
    pub revocation: &'static str,
    /// UserInfo endpoint.
    pub userinfo: Option<&'static str>,
    /// Logout endpoint.
    pub end_session: Option<&'static str>,
    /// Whether clients hear of the end of a login there (OpenID Connect Back-Channel Logout).
    pub backchannel_logout: bool,
    /// Key set.
    pub jwks: &'static str,
    /// Response types.
    pub response_types: &'static [&'static str],
    /// Scopes that every client may be given; registrations may hold others.
    pub scopes: &'static [&'static str],
    /// Whether its authorization response names the issuer (RFC 9207), where the tenant wants that.
    pub iss: bool,
    /// Whether a challenge is honoured where the policy does not demand it.
    pub pkce: bool,
}

impl Endpoints {
    /// The paths that are the same on most surfaces.
    #[must_use]
    pub const fn plain() -> Self {
        Self {
            authorization: None,
            pushed: None,
            token: "/token",
            introspection: "/introspect",
            revocation: "/revoke",
            userinfo: None,
            end_session: None,
            backchannel_logout: false,
            jwks: "/jwks",
            response_types: &["code"],
            scopes: &[],
            iss: true,
            pkce: false,
        }
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session_endpoint: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    backchannel_logout_supported: bool,
    #[serde(skip_serializing_if = "is_false")]
    backchannel_logout_session_supported: bool,
    jwks_uri: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'a [&'a str],
    response_types_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    response_modes_supported: Vec<&'a str>,
    grant_types_supported: Vec<&'a str>,
    subject_types_supported: &'a [&'a str],
    id_token_signing_alg_values_supported: Vec<&'a str>,
    token_endpoint_auth_methods_supported: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<&'a str>>,
    introspection_endpoint_auth_methods_supported: Vec<&'a str>,
    revocation_endpoint_auth_methods_supported: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    code_challenge_methods_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    claims_supported: &'a [&'a str],
    authorization_response_iss_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    #[serde(flatten)]
    openid: Option<OpenIdMetadata<'a>>,
}

/// `GET` of either well-known path.
pub async fn answer(_: &App, ask: &mut Ask<'_>) -> Reply {
    let tenant = &ask.issuer.tenant;
    let served = ALL.iter().filter_map(|s| Some((*s, tenant.surface(s.name())?)));
    let Some((surface, switches)) = served.into_iter().next() else {
        return crate::reply::refusal(
            counterfoil_protocol::refusal::Refusal::PathUnknown,
            false,
            tenant.id.as_str(),
        );
    };
    let (at, policy) = (surface.endpoints(), surface.policy(switches));
    let full = |path: &str| format!("{}{path}", ask.issuer.url);
    let names = |methods: &[&'static dyn counterfoil_engine::client_auth::ClientAuth]| {
        methods.iter().map(|method| method.name()).collect::<Vec<_>>()
    };
    let by_code = !at.response_types.is_empty();
    let tells_login = policy.id_token != IdToken::Never;
    let challenges = policy.pkce != Pkce::Optional || at.pkce;
    let by_key = policy.client_auth.assertion.is_some();
    let openid = OpenIdMetadata::of(policy, tenant, &at, &ask.issuer.url);
    let metadata = Metadata {
        issuer: &ask.issuer.url,
        authorization_endpoint: at.authorization.map(full),
        token_endpoint: full(at.token),
        introspection_endpoint: full(at.introspection),
        revocation_endpoint: full(at.revocation),
        registration_endpoint: tenant
            .registration
            .as_ref()
            .map(|_| full(crate::common::register::PATH)),
        userinfo_endpoint: at.userinfo.map(full),
        end_session_endpoint: at.end_session.map(full),
        backchannel_logout_supported: at.backchannel_logout,
        // A logout token always names the login.
        backchannel_logout_session_supported: at.backchannel_logout,
        jwks_uri: full(at.jwks),
        scopes_supported: at.scopes,
        response_types_supported: at.response_types,
        response_modes_supported: if by_code { metadata::response_modes(policy) } else { vec![] },
        grant_types_supported: policy.grants.iter().map(|grant| grant.name()).collect(),
        subject_types_supported: if openid.is_some() {
            &["pairwise", "public"]
        } else {
            &["pairwise"]
        },
        id_token_signing_alg_values_supported: match openid {
            Some(_) => metadata::names(policy.algs),
            None => vec![signing_alg(policy)],
        },
        token_endpoint_auth_methods_supported: names(policy.client_auth.methods),
        token_endpoint_auth_signing_alg_values_supported: by_key
            .then(|| metadata::assertion_algs(policy)),
        introspection_endpoint_auth_methods_supported: names(RESOURCE_SERVER.methods),
        revocation_endpoint_auth_methods_supported: names(policy.client_auth.methods),
        code_challenge_methods_supported: if challenges { &["S256"] } else { &[] },
        claims_supported: if openid.is_some() {
            metadata::CLAIMS
        } else if tells_login {
            &["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name"]
        } else {
            &[]
        },
        authorization_response_iss_parameter_supported: by_code && at.iss && switches.iss,
        request_uri_parameter_supported: false,
        openid,
    };
    let mut reply = Reply::json(200, &metadata);
    reply.cacheable = true;
    reply
}

fn is_false(value: &bool) -> bool {
    !value
}

/// Discovery demands the member; where no ID token is made it names what would sign one.
fn signing_alg(policy: &Policy) -> &'static str {
    match (policy.id_token, policy.access_format) {
        (IdToken::Signed { alg, .. }, _) | (IdToken::Never, AccessFormat::Jwt { alg, .. }) => {
            alg.as_str()
        }
        (IdToken::Never, AccessFormat::Opaque) => "RS256",
    }
}
