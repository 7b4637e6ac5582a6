//! The shape of what belongs to no surface: RFC 6749, no grants of its own.

use counterfoil_engine::policy::{
    AccessFormat, ExactScopes, IdToken, Pkce, Policy, Previous, RFC6749, RedirectRule, Rotation,
    ScopeAbsent, SenderRules, VerifierAbsent,
};
use counterfoil_engine::tenant::Switches;
use counterfoil_jose::alg::Alg;

use super::{ANY_CLIENT, discovery::Endpoints};
use crate::surfaces::{Route, Surface};

/// See the module.
pub struct Plain;

static POLICY: Policy = Policy {
    name: "common",
    grants: &[],
    client_auth: ANY_CLIENT,
    scopes: &ExactScopes { required: None },
    scope_absent: ScopeAbsent::Refused,
    pkce: Pkce::Required { len_min: 43, len_max: 43 },
    verifier_absent: VerifierAbsent::Told,
    redirect_uri: RedirectRule::MustEqual,
    id_token: IdToken::Never,
    access_format: AccessFormat::Opaque,
    algs: &[Alg::RS256],
    authorization: &RFC6749,
    code_ttl_s: 0,
    access_ttl_s: 0,
    refresh_ttl_s: 0,
    grant_ttl_s: 0,
    rotation: Rotation::Never,
    previous_access: Previous::Dies,
    sender: SenderRules::BEARER,
};

impl Surface for Plain {
    fn name(&self) -> &'static str {
        POLICY.name
    }
    fn policy(&self, _: &Switches) -> &'static Policy {
        &POLICY
    }
    fn routes(&self) -> &'static [Route] {
        super::ROUTES
    }
    fn endpoints(&self) -> Endpoints {
        Endpoints::plain()
    }
}
