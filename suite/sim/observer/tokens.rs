//! Promises about codes, refresh tokens and access tokens.

use counterfoil_engine::active::Active;
use counterfoil_engine::audit;
use counterfoil_engine::grant::{CodeState, RefreshState};
use counterfoil_engine::policy::{Previous, Rotation};
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{AssertionFault, Refusal};
use counterfoil_protocol::scope::ScopeSet;

use super::{Born, Family, Observer, Verdict, broken};
use crate::act::{Op, Tokens, What};
use crate::fixtures;

impl Observer<'_> {
    pub(super) fn refresh_sent(&mut self, token: &str) {
        let chained = self.chained.get_mut(token).unwrap();
        chained.begun += 1;
        let again = chained.begun > 1 && self.world.policy.rotation != Rotation::Never;
        self.families[chained.family].doomed |= again;
    }

    /// The family a request is about; `None` for the standing grant and for new ones.
    fn family_of(&self, op: &Op) -> Option<usize> {
        match &op.what {
            What::Redeem { code, .. } => Some(self.by_code[code]),
            What::Refresh { token, .. } => Some(self.chained[token].family),
            _ => None,
        }
    }

    pub(super) fn issued(&mut self, op: &Op, tokens: &Tokens) -> Verdict {
        self.count("token answers");
        if self.client.is_out() {
            return broken("a client that is suspended was served");
        }
        self.durable(op, tokens)?;
        let mut family = self.family_of(op);
        if let Some(number) = family {
            let family = &self.families[number];
            if family.dead.is_some_and(|since| self.before(since)) {
                return broken("a dead grant issued a token");
            }
            if family.customer_stands() && self.customer.is_out() {
                return broken("a token was issued for a customer who is suspended");
            }
        }
        self.scoped(op, tokens)?;
        match &op.what {
            What::Redeem { code, fits } => self.redeemed(code, *fits)?,
            What::Refresh { token, .. } => {
                self.refreshed(token, tokens.refresh.as_deref().unwrap_or_default())?;
            }
            _ if tokens.refresh.is_some() => family = Some(self.own_family(tokens)),
            _ => {}
        }
        if let (Some(refresh), Some(family)) = (&tokens.refresh, family)
            && !self.chained.contains_key(refresh)
        {
            self.order.push(refresh.clone());
            let chained = super::Chained { family, ..super::Chained::default() };
            self.chained.insert(refresh.clone(), chained);
        }
        let born = Born {
            family,
            round: self.round,
            facts: tokens.facts,
            scope: tokens.scope.clone(),
            revocation_asked: false,
            revocation_done: None,
        };
        match self.born.insert(tokens.access.clone(), born) {
            None => Ok(()),
            Some(_) => broken("two answers carry the same access token"),
        }
    }

    /// Never more than was asked, allowed and registered.
    fn scoped(&self, op: &Op, tokens: &Tokens) -> Verdict {
        let set = |text: &str| ScopeSet::parse(text).unwrap();
        let given = set(fixtures::asked(self.world.policy));
        let bound = match &op.what {
            What::Refresh { scope: Some(scope), .. } | What::Credentials(scope) => {
                let asked = set(scope);
                // `OAC` is a name for many.
                if *scope != "OAC" && tokens.scope != asked {
                    return broken("another scope was given than was asked for");
                }
                return self.registered(&tokens.scope);
            }
            What::Refresh { token, .. } => {
                let own = self.families[self.chained[token].family].code.is_none();
                if own { set(fixtures::registered(self.world.policy)) } else { given }
            }
            _ => given,
        };
        if !tokens.scope.is_subset(&bound) {
            return broken("a token allows more than the customer did");
        }
        self.registered(&tokens.scope)
    }

    fn registered(&self, scope: &ScopeSet) -> Verdict {
        if self.registration.may_allow(scope) {
            Ok(())
        } else {
            broken("a token allows more than its client is registered for")
        }
    }

    /// A client's own grant that came with a refresh token.
    fn own_family(&mut self, tokens: &Tokens) -> usize {
        self.count("grants of a client's own");
        self.families.push(Family {
            code: None,
            customer: None,
            grant: GrantId(tokens.facts.record),
            heard: self.round,
            heard_at: self.world.now(),
            asked_at: self.world.now(),
            redeems_begun: 0,
            redeemed: None,
            dead: None,
            doomed: false,
            turnovers: vec![],
        });
        self.families.len() - 1
    }

    fn redeemed(&mut self, code: &str, fits: bool) -> Verdict {
        let (round, now) = (self.round, self.world.now());
        let family = &mut self.families[self.by_code[code]];
        if !fits {
            return broken("a code was given to a verifier that does not fit");
        }
        if family.redeemed.replace(round).is_some() {
            return broken("one code was spent twice");
        }
        if now >= family.heard_at.after(self.world.policy.code_ttl_s) {
            return broken("an expired code was honoured");
        }
        self.count("codes redeemed");
        Ok(())
    }

    fn refreshed(&mut self, token: &str, successor: &str) -> Verdict {
        let (now, policy) = (self.world.now(), self.world.policy);
        let onward = self.chained.get(successor).and_then(|next| next.first_success);
        let onward = onward.is_some_and(|(round, _)| self.before(round));
        let chained = self.chained.get_mut(token).unwrap();
        let known = chained.successor.get_or_insert_with(|| successor.into());
        if known != successor {
            return broken("one refresh token had two successors");
        }
        let first = chained.first_success;
        match policy.rotation {
            Rotation::Never if token != successor => return broken("rotated, and never should"),
            Rotation::Never => {}
            Rotation::OnUse { .. } if token == successor => return broken("not rotated"),
            Rotation::OnUse { retry_s } => {
                if onward {
                    return broken("honoured after its successor was used");
                }
                if first.is_some_and(|(_, at)| now >= at.after(retry_s)) {
                    return broken("honoured after the retry window");
                }
            }
        }
        let retry = policy.rotation != Rotation::Never && first.is_some();
        chained.first_success.get_or_insert((self.round, now));
        let family = chained.family;
        if retry {
            self.count("retries answered");
        }
        if policy.previous_access == Previous::Dies && !retry {
            self.families[family].turnovers.push(self.round);
        }
        Ok(())
    }

    /// Counters only grow, so an answer that is ahead of the store was given before it was written.
    fn durable(&self, op: &Op, tokens: &Tokens) -> Verdict {
        let Some(grant) = self.world.grant(GrantId(tokens.facts.record)) else {
            return broken("answered before its grant was there");
        };
        let refresh = match grant.refresh {
            RefreshState::NotIssued => 0,
            RefreshState::Live { generation, .. } => generation.0,
        };
        let (access, view) = (tokens.facts, tokens.facts.view);
        let viewed = view.0 == 0 || grant.access.views.iter().any(|known| known.id == view);
        let spent = !matches!(op.what, What::Redeem { .. })
            || matches!(grant.code, CodeState::Redeemed { .. });
        let written = spent
            && viewed
            && access.generation <= grant.access.generation
            && tokens.generation <= refresh;
        if written { Ok(()) } else { broken("answered before it was durable") }
    }

    pub(super) fn refused(&mut self, op: &Op, why: Refusal) -> Verdict {
        let fits = !matches!(op.what, What::Redeem { fits: false, .. });
        let expected = match why {
            Refusal::StoreUnavailable | Refusal::StoreContended => true,
            Refusal::Assertion(fault) => {
                matches!(fault, AssertionFault::Replayed | AssertionFault::NotActive)
                    || !op.by.is_owner()
            }
            Refusal::ClientSuspended => self.client.may_be_out(),
            Refusal::ClientMismatch => !op.by.is_owner(),
            Refusal::PkceMismatch => !fits,
            Refusal::GrantRevoked => {
                self.family_of(op).is_some_and(|number| self.families[number].doomed)
            }
            Refusal::SubjectSuspended => self.family_of(op).is_some_and(|number| {
                self.families[number].customer_stands() && self.customer.may_be_out()
            }),
            Refusal::HandleExpired => self.code_may_be_over(op),
            Refusal::ScopeNotAllowed => self.registration.changed.is_some(),
            Refusal::CodeReplayed => fits && self.replayed(op, why)?,
            Refusal::RefreshReplayed => self.replayed(op, why)?,
            Refusal::HandleForged | Refusal::HandleAhead | Refusal::HandleUnknown => {
                return broken("our own handle was not recognised");
            }
            _ => false,
        };
        if !expected {
            return broken(format!("{:?} was refused with {why:?}", op.what));
        }
        if !fits && !matches!(why, Refusal::PkceMismatch) && served(why) {
            return broken("a verifier that does not fit was told more than that");
        }
        Ok(())
    }

    /// A code that was spent before is a replay, however old it is.
    fn code_may_be_over(&self, op: &Op) -> bool {
        let What::Redeem { code, .. } = &op.what else { return false };
        let family = &self.families[self.by_code[code]];
        let ttl_s = self.world.policy.code_ttl_s;
        family.redeemed.is_none() && self.world.now() >= family.asked_at.after(ttl_s)
    }

    /// Everything below it is over, and the auditors know.
    fn replayed(&mut self, op: &Op, why: Refusal) -> Result<bool, String> {
        let Some(number) = self.family_of(op) else { return Ok(false) };
        self.count("replays refused");
        let round = self.round;
        let family = &mut self.families[number];
        family.dead.get_or_insert(round);
        let grant = family.grant;
        let (doomed, code) = (family.doomed, why.stable().code);
        let told = self.world.storm.events().iter().any(|found| {
            let event = &found.event;
            event.what == audit::What::ReplayDetected
                && event.record == Some(grant.0)
                && event.why.as_deref() == Some(code)
        });
        if !told {
            return broken("a replay was seen and nobody was told");
        }
        if self.world.grant(grant).is_none_or(|grant| grant.revoked.is_none()) {
            return broken("a replay was seen and the grant is alive");
        }
        Ok(doomed)
    }

    pub(super) fn introspected(&mut self, op: &Op, active: Option<Active>) -> Verdict {
        let What::Introspect(token) = &op.what else { return Ok(()) };
        self.count(if active.is_some() { "seen active" } else { "seen inactive" });
        let (born, now) = (&self.born[token], self.world.now());
        let Some(active) = active else { return self.may_be_inactive(born, now) };
        let family = born.family.map(|number| &self.families[number]);
        if family.and_then(|family| family.dead).is_some_and(|since| self.before(since)) {
            return broken("active in a dead grant");
        }
        if born.revocation_done.is_some_and(|since| self.before(since)) {
            return broken("active after it was revoked");
        }
        if born.facts.expires <= now {
            return broken("active after it expired");
        }
        if self.client.is_out() {
            return broken("active although its client is suspended");
        }
        if let Some(family) = family {
            let over = |round: &usize| born.round < *round && self.before(*round);
            if family.turnovers.iter().any(over) {
                return broken("active after a refresh that ends its predecessors");
            }
            if family.customer_stands() && self.customer.is_out() {
                return broken("active although its customer is suspended");
            }
        }
        if *active.scope() != born.scope {
            return broken("the scope of an access token changed");
        }
        Ok(())
    }

    fn may_be_inactive(&self, born: &Born, now: Moment) -> Verdict {
        let mut dead = born.revocation_asked
            || born.facts.expires <= now
            || self.client.may_be_out()
            // A token that is more than its client may have now.
            || (born.family.is_none() && self.registration.changed >= Some(born.round));
        if let Some(number) = born.family {
            let family = &self.families[number];
            let grant = self.world.grant(GrantId(born.facts.record));
            let turned = grant.is_some_and(|g| g.access.generation != born.facts.generation);
            dead |= family.doomed
                || (turned && self.world.policy.previous_access == Previous::Dies)
                || (family.customer_stands() && self.customer.may_be_out());
        }
        if dead { Ok(()) } else { broken("a living access token was called dead") }
    }

    /// Refresh tokens in the order in which they were seen.
    pub(crate) fn refreshes(&self) -> &[String] {
        &self.order
    }

    /// Refresh tokens of the chain this one belongs to, oldest first.
    pub(crate) fn chain(&self, token: &str) -> Vec<&String> {
        let family = self.chained[token].family;
        self.order.iter().filter(|other| self.chained[*other].family == family).collect()
    }

    pub(crate) fn accesses(&self) -> Vec<&String> {
        self.born.keys().collect()
    }

    pub(crate) fn codes(&self) -> Vec<&String> {
        self.by_code.keys().collect()
    }

    /// Codes that nobody has brought yet.
    pub(crate) fn fresh_codes(&self) -> Vec<&String> {
        let fresh = |(_, number): &(&String, &usize)| self.families[**number].redeems_begun == 0;
        self.by_code.iter().filter(fresh).map(|(code, _)| code).collect()
    }
}

impl Family {
    /// Whether a customer stands behind it.
    pub(super) fn customer_stands(&self) -> bool {
        self.code.is_some()
    }
}

/// Refusals that speak about the grant.
fn served(why: Refusal) -> bool {
    matches!(
        why,
        Refusal::GrantRevoked
            | Refusal::SubjectSuspended
            | Refusal::CodeReplayed
            | Refusal::HandleExpired
            | Refusal::ScopeNotAllowed
    )
}
