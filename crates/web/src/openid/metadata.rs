//! What metadata says of a surface that reads the parameters of OpenID Connect: all of it from its
//! policy, so nothing is advertised that is refused.

use counterfoil_engine::login::ACRS;
use counterfoil_engine::policy::{Parameters, Policy, PushedRequests, SignedRequests};
use counterfoil_engine::tenant::Tenant;
use counterfoil_jose::alg::Alg;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::common::discovery::Endpoints;
use crate::common::register;
use crate::ui::texts::{ENGLISH, OTHERS};

/// Every claim that a client can come by.
pub(crate) const CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
    "email",
    "email_verified",
    "address",
    "phone_number",
    "phone_number_verified",
];

/// Members of OpenID Connect Discovery §3, RFC 9126 §5, RFC 9101 §10.5, RFC 9396 §10 and JARM §3.
#[derive(Serialize)]
pub(crate) struct OpenIdMetadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed_authorization_request_endpoint: Option<String>,
    require_pushed_authorization_requests: bool,
    request_parameter_supported: bool,
    require_signed_request_object: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    request_object_signing_alg_values_supported: Vec<&'a str>,
    userinfo_signing_alg_values_supported: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_signing_alg_values_supported: Vec<&'a str>,
    claims_parameter_supported: bool,
    claim_types_supported: &'a [&'a str],
    acr_values_supported: &'a [&'a str],
    display_values_supported: &'a [&'a str],
    ui_locales_supported: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_details_types_supported: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    dpop_signing_alg_values_supported: Vec<&'a str>,
    tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls_endpoint_aliases: Option<Map<String, Value>>,
}

impl OpenIdMetadata<'_> {
    /// `None` for a surface that knows nothing of it.
    pub(crate) fn of(policy: &Policy, tenant: &Tenant, at: &Endpoints, url: &str) -> Option<Self> {
        let rules = policy.authorization;
        if rules.parameters != Parameters::OpenId {
            return None;
        }
        let algs = names(policy.algs);
        let takes = rules.signed != SignedRequests::Never;
        let answers = rules.response_modes.iter().any(|mode| mode.is_signed());
        let spoken = std::iter::once(&ENGLISH).chain(OTHERS);
        Some(Self {
            pushed_authorization_request_endpoint: at.pushed.map(|path| format!("{url}{path}")),
            require_pushed_authorization_requests: rules.pushed == PushedRequests::Required,
            request_parameter_supported: takes,
            require_signed_request_object: matches!(rules.signed, SignedRequests::Required(_)),
            request_object_signing_alg_values_supported: if takes { algs.clone() } else { vec![] },
            authorization_signing_alg_values_supported: if answers { algs.clone() } else { vec![] },
            userinfo_signing_alg_values_supported: algs,
            claims_parameter_supported: true,
            claim_types_supported: &["normal"],
            acr_values_supported: ACRS,
            display_values_supported: &["page"],
            ui_locales_supported: spoken.map(|language| language.tag).collect(),
            authorization_details_types_supported: rules
                .details
                .iter()
                .map(|kind| kind.name)
                .collect(),
            dpop_signing_alg_values_supported: policy
                .sender
                .proofs
                .map(|profile| names(profile.algs))
                .unwrap_or_default(),
            tls_client_certificate_bound_access_tokens: tenant.mtls_base.is_some(),
            mtls_endpoint_aliases: aliases(tenant, at),
        })
    }
}

/// Response modes by name; `jwt` is the short form of the first signed one.
pub(crate) fn response_modes(policy: &Policy) -> Vec<&'static str> {
    let modes = policy.authorization.response_modes;
    let short = modes.iter().any(|mode| mode.is_signed()).then_some("jwt");
    modes.iter().map(|mode| mode.as_str()).chain(short).collect()
}

/// Algorithms by name.
pub(crate) fn names(algs: &[Alg]) -> Vec<&'static str> {
    algs.iter().map(|alg| alg.as_str()).collect()
}

/// The algorithms of client assertions: those of the surface, where it says which.
pub(crate) fn assertion_algs(policy: &Policy) -> Vec<&'static str> {
    if policy.authorization.parameters == Parameters::OpenId {
        return names(policy.algs);
    }
    vec!["RS256", "PS256", "ES256"]
}

/// Where the endpoints that clients call are on the listener that asks for certificates (RFC 8705
/// §5). Browsers go to none of these.
fn aliases(tenant: &Tenant, at: &Endpoints) -> Option<Map<String, Value>> {
    let base = format!("{}{}", tenant.mtls_base.as_deref()?, tenant.issuer_path());
    let endpoints = [
        ("token_endpoint", Some(at.token)),
        ("introspection_endpoint", Some(at.introspection)),
        ("revocation_endpoint", Some(at.revocation)),
        ("pushed_authorization_request_endpoint", at.pushed),
        ("userinfo_endpoint", at.userinfo),
        ("registration_endpoint", tenant.registration.as_ref().map(|_| register::PATH)),
    ];
    let named = endpoints.into_iter().filter_map(|(name, path)| {
        Some((name.to_owned(), Value::from(format!("{base}{}", path?))))
    });
    Some(named.collect())
}
