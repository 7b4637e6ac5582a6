//! A token request that wants less than its grant gives: `resource` (RFC 8707 §2.2).

use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use super::Asked;
use crate::extent::Extent;
use crate::grant::Grant;
use crate::keys::Issuer;
use crate::policy::Parameters;
use crate::target;

/// What the request names beside a scope. Nothing named is all of the grant.
#[derive(Debug, Default)]
pub(super) struct Less {
    resources: Vec<Box<str>>,
}

impl Less {
    /// On surfaces that read these parameters.
    pub(super) fn read(form: &Form<'_>, asked: &Asked<'_>) -> Result<Self, Refusal> {
        if asked.policy.authorization.parameters != Parameters::OpenId {
            return Ok(Self::default());
        }
        Ok(Self { resources: target::read(form, asked.issuer)? })
    }

    /// What a token of this scope is good for, under this grant.
    pub(super) fn of(
        &self,
        grant: &Grant,
        scope: ScopeSet,
        issuer: &Issuer,
    ) -> Result<Extent, Refusal> {
        let audience = target::standing(&grant.openid.audience, issuer)?;
        Ok(Extent {
            scope,
            audience: target::narrowed(&audience, &self.resources)?,
            details: grant.openid.details.clone(),
        })
    }
}
