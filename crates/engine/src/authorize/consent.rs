//! The customer's answer to the consent page: yes or no.

use std::sync::Arc;

use counterfoil_protocol::ids::{AccountId, GrantId, InteractionId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;

use super::browse::{Browser, held};
use super::complete::{Yes, ends, needs, new_consent, spend, yes};
use super::respond::Answer;
use crate::audit::{Note, What};
use crate::client::{Client, ClientStatus};
use crate::consent::Shown;
use crate::ctx::Ctx;
use crate::details::Details;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::interaction::{Interaction, RefusedWhy, Step};
use crate::keys::Issuer;
use crate::store::{Expected, Guard, Key, Record};
use crate::subject::Subject;

/// What the consent page asks.
#[derive(Debug)]
pub struct ConsentQuestion {
    /// The authorization.
    pub interaction: Interaction,
    /// Who asks.
    pub client: Arc<Client>,
    /// Who is asked.
    pub subject: Subject,
    /// Until when it would hold.
    pub ends: Moment,
}

/// What the customer answered, and what they had been shown.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The accounts they chose.
    pub accounts: Vec<AccountId>,
    /// Whether the scopes of this request concern accounts at all.
    pub accounts_needed: bool,
    /// What they saw.
    pub shown: Shown,
}

impl Engine {
    /// What to ask, of whom, for whom.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`] also when nobody has signed in yet; the store's.
    pub async fn question(
        &self,
        call: &Call<'_>,
        id: InteractionId,
        browser: Browser<'_>,
    ) -> Result<ConsentQuestion, Refusal> {
        let interaction = self.interaction(call.issuer, id, browser).await?;
        let tenant = &call.issuer.tenant.id;
        let Step::Consent { subject, .. } = &interaction.step else {
            return Err(Refusal::InteractionUnknown);
        };
        let subject = self.subject(tenant, subject).await?.ok_or(Refusal::InteractionUnknown)?;
        let client = self.client(tenant, &interaction.client).await?;
        let (client, _) = client.ok_or(Refusal::ClientUnknown)?;
        let ends = ends(&interaction, call.policy, self.clock.now());
        Ok(ConsentQuestion { interaction, client, subject, ends })
    }

    /// The customer said yes.
    ///
    /// # Errors
    /// Page refusals: the interaction's, [`Refusal::AccountsMissing`], the store's. A refusal that
    /// goes to the client is an [`Answer`].
    pub async fn approve(
        &self,
        call: &mut Call<'_>,
        id: InteractionId,
        browser: Browser<'_>,
        approval: &Approval,
    ) -> Result<Answer, Refusal> {
        let tenant = call.issuer.tenant.id.clone();
        let before = self.interaction(call.issuer, id, browser).await?;
        let (client, revision) =
            self.client(&tenant, &before.client).await?.ok_or(Refusal::ClientUnknown)?;
        if client.status == ClientStatus::Suspended {
            return Err(Refusal::ClientSuspended);
        }
        let guard = Guard {
            key: Key::Client(tenant.clone(), client.id.clone()),
            expected: Expected::Revision(revision),
        };
        let with = Settle { guards: &[guard], ..Settle::default() };
        let key = Key::Interaction(tenant, id);
        let (issuer, policy) = (call.issuer.clone(), call.policy);
        let needs = |seen: &Seen| needs(&key, seen, &issuer, policy);
        let answered = Answered { key: &key, client: &client, browser, approval };
        self.settle(call, with, needs, |ctx, seen| decide(ctx, seen, answered)).await
    }

    /// The customer, or the bank for them, said no.
    ///
    /// # Errors
    /// The interaction's, the store's; [`Refusal::ClientSuspended`] when the answer was yes before.
    pub async fn decline(
        &self,
        call: &mut Call<'_>,
        id: InteractionId,
        browser: Browser<'_>,
        why: RefusedWhy,
    ) -> Result<Answer, Refusal> {
        let before = self.interaction(call.issuer, id, browser).await?;
        let client = self.client(&call.issuer.tenant.id, &before.client).await?;
        let is_out = client.is_none_or(|(client, _)| client.status == ClientStatus::Suspended);
        let key = Key::Interaction(call.issuer.tenant.id.clone(), id);
        let issuer = call.issuer.clone();
        let needs = |seen: &Seen| {
            let grant = approved_grant(seen.get(&key));
            let tenant = &issuer.tenant.id;
            std::iter::once(key.clone())
                .chain(grant.map(|id| Key::Grant(tenant.clone(), id)))
                .chain(pushed_key(seen.get(&key), tenant))
                .collect()
        };
        self.settle(call, Settle::default(), needs, |ctx, seen| {
            let before = match held(seen.get(&key), browser, ctx) {
                Ok(before) => before,
                Err(refused) => return Decided::refuse(refused),
            };
            if let Some(answer) = finished(before, seen, ctx.issuer) {
                // As for a yes that is said twice: the code is not told while its client is out.
                if is_out && matches!(before.step, Step::Approved { .. }) {
                    return Decided::refuse(Refusal::ClientSuspended);
                }
                return Decided { changes: vec![], notes: vec![], outcome: answer };
            }
            refuse(ctx, seen, &key, before, why)
        })
        .await
    }
}

/// A no, written down and told to the client. The request that was pushed is spent with it.
fn refuse(
    ctx: &Ctx<'_>,
    seen: &Seen,
    key: &Key,
    before: &Interaction,
    why: RefusedWhy,
) -> Decided<Answer> {
    let mut changes = vec![];
    if let Err(refused) = spend(&mut changes, seen, before, key.tenant()) {
        return Decided::refuse(refused);
    }
    let mut next = before.clone();
    next.step = Step::Refused { why };
    next.ends = next.ends.min(ctx.now.after(crate::limits::CONNECT_TTL_S));
    changes.push((key.clone(), Some(Record::Interaction(Box::new(next)))));
    let note = Note {
        client: Some(before.client.clone()),
        record: Some(before.id.0),
        ..Note::of(What::ConsentRefused)
    };
    let outcome = Ok(Answer::refused(before, why.refusal()));
    Decided { changes, notes: vec![note.because(why.refusal())], outcome }
}

/// The pushed request behind an authorization.
pub(crate) fn pushed_key(record: Option<&Record>, tenant: &TenantId) -> Option<Key> {
    let Some(Record::Interaction(interaction)) = record else { return None };
    interaction.openid.pushed.map(|id| Key::Pushed(tenant.clone(), id))
}

pub(super) fn approved_grant(record: Option<&Record>) -> Option<GrantId> {
    match record {
        Some(Record::Interaction(i)) => match i.step {
            Step::Approved { grant, .. } => grant,
            Step::Login | Step::Consent { .. } | Step::Refused { .. } => None,
        },
        _ => None,
    }
}

/// The answer of an interaction that has one already: the button pressed twice, the page reloaded.
pub(crate) fn finished(
    interaction: &Interaction,
    seen: &Seen,
    issuer: &Issuer,
) -> Option<Result<Answer, Refusal>> {
    match &interaction.step {
        Step::Login | Step::Consent { .. } => None,
        Step::Refused { why } => Some(Ok(Answer::refused(interaction, why.refusal()))),
        Step::Approved { grant: None, .. } => Some(Err(Refusal::InteractionUnknown)),
        Step::Approved { grant: Some(grant), .. } => {
            let key = Key::Grant(issuer.tenant.id.clone(), *grant);
            let Some(Record::Grant(grant)) = seen.get(&key) else {
                return Some(Err(Refusal::InteractionUnknown));
            };
            let answer = Answer::code(interaction, grant, issuer);
            Some(answer.ok_or(Refusal::InteractionUnknown))
        }
    }
}

/// A yes on its way to a decision.
#[derive(Clone, Copy)]
struct Answered<'a> {
    key: &'a Key,
    client: &'a Client,
    browser: Browser<'a>,
    approval: &'a Approval,
}

fn decide(ctx: &mut Ctx<'_>, seen: &Seen, answered: Answered<'_>) -> Decided<Answer> {
    let Answered { key, client, browser, approval } = answered;
    let before = match held(seen.get(key), browser, ctx) {
        Ok(before) => before,
        Err(why) => return Decided::refuse(why),
    };
    if let Some(outcome) = finished(before, seen, ctx.issuer) {
        return Decided { changes: vec![], notes: vec![], outcome };
    }
    let Step::Consent { subject, auth_time } = &before.step else {
        return Decided::refuse(Refusal::InteractionUnknown);
    };
    let subject_key = Key::Subject(ctx.issuer.tenant.id.clone(), subject.clone());
    let Some(Record::Subject(subject)) = seen.get(&subject_key) else {
        return Decided::refuse(Refusal::InteractionUnknown);
    };
    if subject.suspended {
        return refuse(ctx, seen, key, before, RefusedWhy::DeclinedByBank);
    }
    if approval.accounts_needed {
        let details = Details::kept(before.openid.details.as_deref());
        let theirs = |id: &AccountId| {
            subject.accounts.iter().any(|account| account.id == *id) && details.admit(id)
        };
        if approval.accounts.is_empty() || !approval.accounts.iter().all(theirs) {
            return Decided::refuse(Refusal::AccountsMissing);
        }
    }
    let said = Yes { key, before, subject, client, auth_time: *auth_time };
    let consent = new_consent(ctx, &said, approval);
    yes(ctx, seen, &said, consent, true)
}
