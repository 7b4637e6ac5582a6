//! The client credentials grant (RFC 6749 §4.4), from the client's one standing grant.
//!
//! The first token writes that grant, or a view of it; every later one only reads it. A scope that
//! comes with a refresh token (Fintecture's OAC) always gets a grant of its own.

use std::borrow::Cow;

use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use super::less::Less;
use super::{Asked, Decision, GrantRule, Issued, Prepared, Wanted, issue};
use crate::client::Client;
use crate::client_auth::AuthenticatedClient;
use crate::ctx::Ctx;
use crate::grant::{Grant, NewGrant};
use crate::policy::ScopeAbsent;

pub(super) struct Rule;

#[derive(Debug)]
struct Request {
    scope: ScopeSet,
    spelled: Box<str>,
    /// With a refresh token, for so long.
    refreshable_s: Option<u64>,
    less: Less,
}

impl GrantRule for Rule {
    fn name(&self) -> &'static str {
        "client_credentials"
    }

    fn parse(&self, form: &Form<'_>, asked: &Asked<'_>) -> Result<Box<dyn Prepared>, Refusal> {
        let (scope, spelled) = match (asked.scope(form)?, asked.policy.scope_absent) {
            (Some(given), _) => given,
            (None, ScopeAbsent::Refused) => return Err(Refusal::ScopeMissing),
            (None, ScopeAbsent::ClientDefault) => {
                let default = asked.client.default_scope.clone().ok_or(Refusal::ScopeMissing)?;
                let spelled = default.to_string().into();
                (default, spelled)
            }
        };
        let rules = asked.policy.scopes;
        if !scope.is_subset(&asked.client.scope) || !rules.through(self.name(), &scope) {
            return Err(Refusal::ScopeNotAllowed);
        }
        let refreshable_s = rules.refreshable_s(&scope);
        Ok(Box::new(Request { scope, spelled, refreshable_s, less: Less::read(form, asked)? }))
    }
}

impl Request {
    fn own_grant(&self, client: &AuthenticatedClient, ends: Moment, ctx: &mut Ctx<'_>) -> Grant {
        let new = NewGrant {
            id: GrantId::mint(ctx.now, ctx.entropy.bytes32()),
            client: client.id.clone(),
            subject: None,
            consent: None,
            scope: self.scope.clone(),
            spelled: self.spelled.clone(),
            ends,
        };
        Grant::new(new, ctx)
    }

    /// Authorization details speak of a customer, so there are none to be had here.
    fn wanted(&self, grant: &Grant, client: &Client, ctx: &Ctx<'_>) -> Result<Wanted, Refusal> {
        let extent = self.less.of(grant, self.scope.clone(), (client, ctx.issuer))?;
        Ok(Wanted { extent, spelled: self.spelled.clone() })
    }

    fn standing(&self, client: &AuthenticatedClient, ctx: &mut Ctx<'_>) -> Grant {
        let new = NewGrant {
            id: ctx.issuer.standing(&client.id),
            client: client.id.clone(),
            subject: None,
            consent: None,
            scope: client.scope.clone(),
            spelled: client.scope.to_string().into(),
            ends: Moment::NEVER,
        };
        Grant::new(new, ctx)
    }
}

impl Prepared for Request {
    fn reads(&self, asked: &Asked<'_>) -> Option<GrantId> {
        self.refreshable_s.is_none().then(|| asked.issuer.standing(&asked.client.id))
    }

    fn decide(
        &self,
        ctx: &mut Ctx<'_>,
        client: &AuthenticatedClient,
        before: Option<&Grant>,
    ) -> Decision<Issued> {
        if let Some(ttl_s) = self.refreshable_s {
            let mut grant = self.own_grant(client, ctx.now.after(ttl_s), ctx);
            grant.advance_refresh(ctx, 0);
            return match self.wanted(&grant, client, ctx) {
                Ok(wanted) => issue(None, Cow::Owned(grant), wanted, client, ctx),
                Err(why) => Decision::refuse(why),
            };
        }
        let mut grant = match before {
            Some(grant) => Cow::Borrowed(grant),
            None => Cow::Owned(self.standing(client, ctx)),
        };
        if !grant.stands() {
            return Decision::refuse(Refusal::GrantRevoked);
        }
        // The registration may have changed since; a view that no longer lies within is dead.
        if grant.scope != client.scope {
            grant.to_mut().scope = client.scope.clone();
        }
        let wanted = match self.wanted(&grant, client, ctx) {
            Ok(wanted) => wanted,
            Err(why) => return Decision::refuse(why),
        };
        let kept = grant.view_kept(&wanted.extent, ctx).is_some();
        if !kept && grant.to_mut().view(&wanted.extent, ctx).is_none() {
            // Every view is alive: this token gets a grant of its own, and nothing alive is given up.
            let grant = self.own_grant(client, ctx.now.after(ctx.policy.access_ttl_s), ctx);
            return issue(None, Cow::Owned(grant), wanted, client, ctx);
        }
        issue(before, grant, wanted, client, ctx)
    }
}
