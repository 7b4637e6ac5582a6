//! A token request that wants less than its grant gives: `resource` (RFC 8707 §2.2),
//! `authorization_details` (RFC 9396 §6).

use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use super::Asked;
use crate::client::Client;
use crate::details::Details;
use crate::extent::Extent;
use crate::grant::Grant;
use crate::keys::Issuer;
use crate::policy::Parameters;
use crate::target;

/// What the request names beside a scope. Nothing named is all of the grant.
#[derive(Debug, Default)]
pub(super) struct Less {
    resources: Vec<Box<str>>,
    details: Option<Details>,
}

impl Less {
    /// On surfaces that read these parameters.
    pub(super) fn read(form: &Form<'_>, asked: &Asked<'_>) -> Result<Self, Refusal> {
        if asked.policy.authorization.parameters != Parameters::OpenId {
            return Ok(Self::default());
        }
        let details = match form.one("authorization_details")? {
            Some(raw) => Some(Details::read(raw, asked.client, asked.policy, asked.issuer)?),
            None => None,
        };
        Ok(Self { resources: target::read(form, asked.issuer)?, details })
    }

    /// What a token of this scope is good for, under this grant.
    pub(super) fn of(
        &self,
        grant: &Grant,
        scope: ScopeSet,
        (client, issuer): (&Client, &Issuer),
    ) -> Result<Extent, Refusal> {
        let details = Details::kept(grant.openid.details.as_deref());
        let audience = target::standing(&grant.openid.audience, issuer)?;
        Ok(Extent {
            scope,
            audience: target::narrowed(&audience, &self.resources)?,
            details: details.narrowed(self.details.as_ref(), client)?.text(),
        })
    }
}
