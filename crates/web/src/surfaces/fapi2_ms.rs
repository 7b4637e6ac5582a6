//! FAPI 2.0 Message Signing (Final): the Security Profile with signed requests and signed answers, so
//! that neither side can deny what it said.

use counterfoil_engine::details::types::ALL as DETAILS;
use counterfoil_engine::policy::{
    AuthorizationRules, ConsentMemory, Parameters, Policy, PushedRequests, SignedRequests,
};
use counterfoil_engine::response_mode::ResponseMode;
use counterfoil_engine::tenant::Switches;
use counterfoil_jose::request_object;

use super::{Route, Surface, fapi2};
use crate::common::discovery::Endpoints;

pub(super) struct Fapi2Ms;

static POLICY: Policy = Policy {
    name: "fapi2-ms",
    authorization: &AuthorizationRules {
        pushed: PushedRequests::Required,
        signed: SignedRequests::Required(&request_object::FAPI),
        parameters: Parameters::OpenId,
        response_modes: &[
            ResponseMode::QueryJwt,
            ResponseMode::FragmentJwt,
            ResponseMode::FormPostJwt,
        ],
        consent: ConsentMemory::AsksAlways,
        details: DETAILS,
    },
    ..fapi2::RULES
};

impl Surface for Fapi2Ms {
    fn name(&self) -> &'static str {
        POLICY.name
    }

    fn policy(&self, _: &Switches) -> &'static Policy {
        &POLICY
    }

    fn routes(&self) -> &'static [Route] {
        fapi2::ROUTES
    }

    fn endpoints(&self) -> Endpoints {
        fapi2::endpoints()
    }
}
