//! The rules the worlds live under: two surfaces as they are, and two that no surface has yet.

use counterfoil_engine::client_auth::{BASIC, PRIVATE_KEY_JWT};
use counterfoil_engine::grants::{AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN};
use counterfoil_engine::policy::{
    AccessFormat, ClientAuthRules, CredentialsTwice, ExactScopes, IdToken, Pkce, Policy, Previous,
    RFC6749, RedirectRule, Rotation, ScopeAbsent, SenderRules, VerifierAbsent,
};
use counterfoil_engine::tenant::Switches;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::assertion;
use counterfoil_web::surfaces;

/// A surface as it is.
pub(crate) fn policy(name: &str) -> &'static Policy {
    surfaces::named(name).unwrap().policy(&Switches::default())
}

pub(crate) const RULES: Policy = Policy {
    name: "fapi2",
    grants: &[AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN],
    client_auth: ClientAuthRules {
        methods: &[PRIVATE_KEY_JWT, BASIC],
        credentials_twice: CredentialsTwice::Refused,
        assertion: Some(&assertion::RFC7523),
    },
    scopes: &ExactScopes { required: None },
    scope_absent: ScopeAbsent::Refused,
    pkce: Pkce::Required { len_min: 43, len_max: 43 },
    verifier_absent: VerifierAbsent::Told,
    redirect_uri: RedirectRule::MustEqual,
    id_token: IdToken::Never,
    access_format: AccessFormat::Opaque,
    algs: &[Alg::RS256],
    authorization: &RFC6749,
    code_ttl_s: 60,
    access_ttl_s: 300,
    refresh_ttl_s: 90 * 86_400,
    grant_ttl_s: 180 * 86_400,
    rotation: Rotation::Never,
    previous_access: Previous::Lives,
    sender: SenderRules::BEARER,
};

/// FAPI 2.0: nothing rotates, nothing dies before its time.
pub(crate) static FAPI2: Policy = RULES;

/// Neither document asks for this pair; the engine must hold on it all the same.
pub(crate) static BOTH: Policy = Policy {
    name: "both",
    access_ttl_s: 600,
    refresh_ttl_s: 30 * 86_400,
    grant_ttl_s: 365 * 86_400,
    rotation: Rotation::OnUse { retry_s: 60 },
    previous_access: Previous::Dies,
    ..RULES
};

pub(crate) fn all() -> [&'static Policy; 4] {
    [policy("mx"), policy("fintecture"), &FAPI2, &BOTH]
}

/// Whether client assertions are taken.
pub(crate) fn signs(policy: &Policy) -> bool {
    policy.client_auth.assertion.is_some()
}

/// Whether a grant type is served.
pub(crate) fn serves(policy: &Policy, grant_type: &str) -> bool {
    policy.grants.iter().any(|rule| rule.name() == grant_type)
}
