//! The refresh token grant (RFC 6749 §6): rotation, retries and replays (RFC 9700 §4.14.2).

use std::borrow::Cow;
use std::cmp::Ordering;

use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use super::authorization_code::spelling;
use super::less::Less;
use super::{Asked, Decision, GrantRule, Issued, Prepared, Wanted, issue};
use crate::audit::What;
use crate::client_auth::AuthenticatedClient;
use crate::ctx::Ctx;
use crate::grant::{Grant, RefreshState};
use crate::handle::{Refresh, Sealed};
use crate::policy::{Previous, Rotation};

pub(super) struct Rule;

#[derive(Debug)]
struct Request {
    token: Sealed<Refresh>,
    scope: Option<(ScopeSet, Box<str>)>,
    less: Less,
}

impl GrantRule for Rule {
    fn name(&self) -> &'static str {
        "refresh_token"
    }

    fn parse(&self, form: &Form<'_>, asked: &Asked<'_>) -> Result<Box<dyn Prepared>, Refusal> {
        let token = form.required("refresh_token")?;
        let scope = asked.scope(form)?;
        let less = Less::read(form, asked)?;
        let token = Sealed::open(token, &asked.issuer.ring).ok_or(Refusal::HandleUnknown)?;
        Ok(Box::new(Request { token, scope, less }))
    }
}

impl Prepared for Request {
    fn reads(&self, _: &Asked<'_>) -> Option<GrantId> {
        Some(GrantId(self.token.record()))
    }

    fn decide(
        &self,
        ctx: &mut Ctx<'_>,
        client: &AuthenticatedClient,
        grant: Option<&Grant>,
    ) -> Decision<Issued> {
        let Some(before) = grant else { return Decision::refuse(Refusal::HandleUnknown) };
        let Some(token) = self.token.prove(&before.salt, &ctx.issuer.ring) else {
            let why = Refusal::HandleForged;
            return Decision::refuse_and_tell(before, What::HandleForged, why);
        };
        if before.client != client.id {
            return Decision::refuse(Refusal::ClientMismatch);
        }
        if !before.stands() {
            return Decision::refuse(before.fallen());
        }
        let RefreshState::Live { generation: current, expires, idle_until, retry_until, .. } =
            before.refresh
        else {
            return Decision::refuse(Refusal::HandleUnknown);
        };

        let presented = token.facts().generation;
        let first_use = match presented.cmp(&current) {
            // We did mint it, and the store does not know: it has been set back.
            Ordering::Greater => {
                let why = Refusal::HandleAhead;
                return Decision::refuse_and_tell(before, What::StoreBehind, why);
            }
            Ordering::Equal if expires.min(idle_until) <= ctx.now => {
                return Decision::refuse(Refusal::HandleExpired);
            }
            Ordering::Equal => true,
            // The successor is unused as long as it is current, so one comparison says both that
            // this is its predecessor and that nobody has gone on from it.
            Ordering::Less if presented.next() == current && ctx.now < retry_until => false,
            Ordering::Less => {
                return Decision::refuse_and_revoke(before, ctx, Refusal::RefreshReplayed);
            }
        };
        // What the client has lost since is not renewed.
        let allowed = before.scope.and(&client.scope);
        let (scope, spelled) = match &self.scope {
            Some((asked, _)) if !asked.is_subset(&allowed) => {
                return Decision::refuse(Refusal::ScopeNotAllowed);
            }
            Some(asked) => asked.clone(),
            None => {
                let spelled = spelling(before, &allowed);
                (allowed, spelled)
            }
        };
        let extent = match self.less.of(before, scope, (client, ctx.issuer)) {
            Ok(extent) => extent,
            Err(why) => return Decision::refuse(why),
        };
        if extent.is_empty() {
            return Decision::refuse(Refusal::ScopeNotAllowed);
        }

        let mut grant = before.clone();
        if first_use {
            match ctx.policy.rotation {
                Rotation::OnUse { retry_s } => grant.advance_refresh(ctx, retry_s),
                Rotation::Never => grant.touch_refresh(ctx),
            }
            if ctx.policy.previous_access == Previous::Dies {
                grant.end_access();
            }
        }
        issue(Some(before), Cow::Owned(grant), Wanted { extent, spelled }, client, ctx)
    }
}
