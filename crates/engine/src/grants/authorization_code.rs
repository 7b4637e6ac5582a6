//! The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6).

use std::borrow::Cow;

use counterfoil_jose::provider;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::pkce::Verifier;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::{Fault, Refusal};
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Digest;

use super::less::Less;
use super::{Asked, Decision, GrantRule, Issued, Prepared, REFRESH_TOKEN, Wanted, issue};
use crate::audit::What;
use crate::client_auth::AuthenticatedClient;
use crate::ctx::Ctx;
use crate::grant::{Bound, CodeState, Grant};
use crate::handle::{Code, Sealed};
use crate::policy::{Pkce, RedirectRule, VerifierAbsent};
use crate::sender;

pub(super) struct Rule;

#[derive(Debug)]
struct Request {
    code: Sealed<Code>,
    redirect_uri: Option<RedirectUri>,
    /// `BASE64URL-DECODE(code_challenge)` must equal this (RFC 7636 §4.6).
    verifier: Option<Digest>,
    /// Only on surfaces that look at it here.
    scope: Option<(ScopeSet, Box<str>)>,
    less: Less,
}

impl GrantRule for Rule {
    fn name(&self) -> &'static str {
        "authorization_code"
    }

    fn parse(&self, form: &Form<'_>, asked: &Asked<'_>) -> Result<Box<dyn Prepared>, Refusal> {
        let code = form.required("code")?;
        let verifier = form.one("code_verifier")?;
        if verifier.is_none() && asked.policy.pkce != Pkce::Optional {
            return Err(match asked.policy.verifier_absent {
                VerifierAbsent::Told => Refusal::Parameter("code_verifier", Fault::Missing),
                VerifierAbsent::Mismatch => Refusal::PkceMismatch,
            });
        }
        let uri = form.one("redirect_uri")?;
        if uri.is_none() && asked.policy.redirect_uri == RedirectRule::MustEqual {
            return Err(Refusal::Parameter("redirect_uri", Fault::Missing));
        }
        let compared = asked.policy.scopes.compared_at_redemption();
        let scope = if compared { asked.scope(form)? } else { None };
        // A verifier of the wrong form can match nothing.
        let verifier = verifier.map(Verifier::parse).transpose();
        let verifier = verifier.map_err(|_| Refusal::PkceMismatch)?;
        let uri = uri.map(RedirectUri::parse).transpose();
        Ok(Box::new(Request {
            code: Sealed::open(code, &asked.issuer.ring).ok_or(Refusal::HandleUnknown)?,
            redirect_uri: uri.map_err(|_| Refusal::RedirectMismatch)?,
            verifier: verifier.map(|v| Digest::known(provider::sha256(v.expose().as_bytes()))),
            scope,
            less: Less::read(form, asked)?,
        }))
    }
}

impl Request {
    /// The checks that cost the code nothing: a wrong caller neither spends nor ends it.
    fn matches(&self, bound: &Bound, rule: RedirectRule) -> Result<(), Refusal> {
        let equal = match (&self.redirect_uri, rule) {
            (Some(sent), _) => *sent == bound.redirect_uri,
            (None, RedirectRule::EqualIfSent) => true,
            (None, RedirectRule::MustEqual) => false,
        };
        if !equal {
            return Err(Refusal::RedirectMismatch);
        }
        if self.verifier != bound.challenge {
            return Err(Refusal::PkceMismatch);
        }
        Ok(())
    }
}

impl Prepared for Request {
    fn reads(&self, _: &Asked<'_>) -> Option<GrantId> {
        Some(GrantId(self.code.record()))
    }

    fn decide(
        &self,
        ctx: &mut Ctx<'_>,
        client: &AuthenticatedClient,
        grant: Option<&Grant>,
    ) -> Decision<Issued> {
        let Some(before) = grant else { return Decision::refuse(Refusal::HandleUnknown) };
        if self.code.prove(&before.salt, &ctx.issuer.ring).is_none() {
            let why = Refusal::HandleForged;
            return Decision::refuse_and_tell(before, What::HandleForged, why);
        }
        if before.client != client.id {
            return Decision::refuse(Refusal::ClientMismatch);
        }
        let (bound, expires) = match &before.code {
            CodeState::NotUsed => return Decision::refuse(Refusal::HandleUnknown),
            CodeState::Issued { bound, expires, .. } => (bound, Some(*expires)),
            CodeState::Redeemed { bound, .. } => (bound, None),
        };
        if let Err(why) = self.matches(bound, ctx.policy.redirect_uri) {
            return Decision::refuse(why);
        }
        if let Err(why) = sender::same(before.openid.sender.as_ref(), client.binding()) {
            return Decision::refuse(why);
        }
        if let Some((scope, _)) = &self.scope
            && !scope.is_subset(&before.scope)
        {
            return Decision::refuse(Refusal::ScopeNotAllowed);
        }
        // What the client has lost since is not given.
        let scope = before.scope.and(&client.scope);
        let extent = match self.less.of(before, scope, (client, ctx.issuer)) {
            Ok(extent) => extent,
            Err(why) => return Decision::refuse(why),
        };
        if !before.stands() {
            return Decision::refuse(before.fallen());
        }
        let Some(expires) = expires else {
            // RFC 6749 §4.1.2: a code used twice revokes what the first use issued. Only if all the
            // rest is right, so an old code alone ends nothing; and also long after it expired,
            // because its thief may still be refreshing.
            return Decision::refuse_and_revoke(before, ctx, Refusal::CodeReplayed);
        };
        if expires <= ctx.now {
            return Decision::refuse(Refusal::HandleExpired);
        }
        if extent.is_empty() {
            return Decision::refuse(Refusal::ScopeNotAllowed);
        }

        let mut grant = before.clone();
        grant.code = CodeState::Redeemed { at: ctx.now, bound: bound.clone() };
        if client.may_use(REFRESH_TOKEN.name()) {
            grant.advance_refresh(ctx, 0);
        }
        if let Some((_, spelled)) = &self.scope {
            grant.spelled = spelled.clone();
        }
        let spelled = spelling(&grant, &extent.scope);
        issue(Some(before), Cow::Owned(grant), Wanted { extent, spelled }, client, ctx)
    }
}

/// How a scope of this grant is answered: as it was asked for, unless something was taken away.
pub(super) fn spelling(grant: &Grant, scope: &ScopeSet) -> Box<str> {
    if *scope == grant.scope { grant.spelled.clone() } else { scope.to_string().into() }
}
