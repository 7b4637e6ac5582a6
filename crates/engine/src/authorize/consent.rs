//! The customer's answer: consent, grant and code come about in one batch, or nothing does.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_protocol::ids::{AccountId, ConsentId, GrantId, InteractionId, SubjectId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::secret::Digest;

use super::browse::{Browser, held};
use super::respond::Answer;
use crate::audit::{Note, What};
use crate::client::{Client, ClientStatus};
use crate::consent::{Consent, ConsentState, Shown, WithdrawnBy};
use crate::ctx::Ctx;
use crate::customer::Customer;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::grant::{
    Bound, CodeState, ConsentCopy, Grant, LoginFacts, NewGrant, RevokedWhy, SubjectRef,
};
use crate::interaction::{Channel, Interaction, RefusedWhy, Step};
use crate::keys::Issuer;
use crate::limits::GRANTS_PER_SUBJECT_MAX;
use crate::store::{Expected, Guard, Key, Record};
use crate::subject::{Scenario, Subject};

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
        let ends = self.clock.now().after(call.policy.grant_ttl_s);
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
        let issuer = call.issuer.clone();
        let needs = |seen: &Seen| needs(&key, seen, &issuer);
        self.settle(call, with, needs, |ctx, seen| decide(ctx, seen, &key, browser, approval)).await
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
            refuse(ctx, &key, before, why)
        })
        .await
    }
}

/// A no, written down and told to the client.
fn refuse(ctx: &Ctx<'_>, key: &Key, before: &Interaction, why: RefusedWhy) -> Decided<Answer> {
    let mut next = before.clone();
    next.step = Step::Refused { why };
    next.ends = next.ends.min(ctx.now.after(crate::limits::CONNECT_TTL_S));
    let note = Note {
        client: Some(before.client.clone()),
        record: Some(before.id.0),
        ..Note::of(What::ConsentRefused)
    };
    let answer = Answer::refused(before, why.refusal());
    Decided {
        changes: vec![(key.clone(), Some(Record::Interaction(Box::new(next))))],
        notes: vec![note.because(why.refusal())],
        outcome: Ok(answer),
    }
}

fn approved_grant(record: Option<&Record>) -> Option<GrantId> {
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

/// Interaction, then the customer, their customer id and what may have to make room.
fn needs(key: &Key, seen: &Seen, issuer: &Issuer) -> Vec<Key> {
    let tenant = &issuer.tenant.id;
    let mut keys = vec![key.clone()];
    let Some(Record::Interaction(interaction)) = seen.get(key) else { return keys };
    if let Some(grant) = approved_grant(seen.get(key)) {
        keys.push(Key::Grant(tenant.clone(), grant));
    }
    let Step::Consent { subject, .. } = &interaction.step else { return keys };
    let subject_key = Key::Subject(tenant.clone(), subject.clone());
    keys.push(subject_key.clone());
    if let Some(customer) = customer_key(interaction, subject, issuer) {
        keys.push(customer.clone());
        if let Some(Record::Customer(customer)) = seen.get(&customer)
            && customer.consents.len() == crate::limits::CONSENTS_PER_CUSTOMER_MAX
            && let Some(oldest) = customer.consents.first()
        {
            let consent = Key::Consent(tenant.clone(), *oldest);
            if let Some(Record::Consent(consent)) = seen.get(&consent) {
                keys.extend(consent.grants.iter().map(|id| Key::Grant(tenant.clone(), *id)));
            }
            keys.push(consent);
        }
    }
    if let Some(Record::Subject(subject)) = seen.get(&subject_key)
        && subject.grants.len() == GRANTS_PER_SUBJECT_MAX
        && let Some(oldest) = subject.grants.first()
    {
        keys.push(Key::Grant(tenant.clone(), *oldest));
    }
    keys
}

pub(crate) fn customer_key(
    interaction: &Interaction,
    subject: &SubjectId,
    issuer: &Issuer,
) -> Option<Key> {
    let (Channel::Provider { provider } | Channel::Decoupled { provider, .. }) =
        &interaction.channel
    else {
        return None;
    };
    let id = issuer.customer_id(&interaction.client, subject, provider);
    Some(Key::Customer(issuer.tenant.id.clone(), id.into()))
}

fn decide(
    ctx: &mut Ctx<'_>,
    seen: &Seen,
    key: &Key,
    browser: Browser<'_>,
    approval: &Approval,
) -> Decided<Answer> {
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
        return refuse(ctx, key, before, RefusedWhy::DeclinedByBank);
    }
    if approval.accounts_needed {
        let theirs = |id: &AccountId| subject.accounts.iter().any(|account| account.id == *id);
        if approval.accounts.is_empty() || !approval.accounts.iter().all(theirs) {
            return Decided::refuse(Refusal::AccountsMissing);
        }
    }
    yes(ctx, seen, Yes { key, before, subject, auth_time: *auth_time, approval })
}

struct Yes<'a> {
    key: &'a Key,
    before: &'a Interaction,
    subject: &'a Subject,
    auth_time: Moment,
    approval: &'a Approval,
}

fn yes(ctx: &mut Ctx<'_>, seen: &Seen, yes: Yes<'_>) -> Decided<Answer> {
    let tenant = ctx.issuer.tenant.id.clone();
    let Yes { key, before, auth_time, .. } = yes;
    let mut consent = new_consent(ctx, &yes);
    let mut next = before.clone();
    let mut changes = vec![];
    let mut subject = yes.subject.clone();

    // Decoupled: the code begins to run when the client asks for it, not when the customer is done.
    let decoupled = matches!(before.channel, Channel::Decoupled { .. });
    let grant = (!decoupled).then(|| grant(ctx, before, &consent, auth_time));
    if let Some(grant) = &grant {
        let displaced = [consent.hang(grant.id), hang(&mut subject, grant.id)];
        for id in displaced.into_iter().flatten() {
            end(&mut changes, seen, Key::Grant(tenant.clone(), id), ctx.now);
        }
    }
    next.step = Step::Approved {
        subject: subject.id.clone(),
        auth_time,
        consent: consent.id,
        grant: grant.as_ref().map(|grant| grant.id),
    };
    add_to_customer(&mut changes, seen, &consent, before, ctx);
    let outcome = match &grant {
        Some(grant) => Answer::code(before, grant, ctx.issuer).ok_or(Refusal::Internal),
        None => Ok(Answer::elsewhere(before)),
    };
    let note = Note {
        what: What::ConsentGiven,
        client: Some(before.client.clone()),
        subject: Some(subject.id.clone()),
        record: Some(consent.id.0),
        why: None,
    };
    let subject_key = Key::Subject(tenant.clone(), subject.id.clone());
    let consent_key = Key::Consent(tenant.clone(), consent.id);
    changes.push((key.clone(), Some(Record::Interaction(Box::new(next)))));
    changes.push((subject_key, Some(Record::Subject(Box::new(subject)))));
    changes.push((consent_key, Some(Record::Consent(Box::new(consent)))));
    if let Some(grant) = grant {
        changes.push((Key::Grant(tenant, grant.id), Some(Record::Grant(Box::new(grant)))));
    }
    Decided { changes, notes: vec![note], outcome }
}

fn new_consent(ctx: &mut Ctx<'_>, yes: &Yes<'_>) -> Consent {
    let Yes { before, subject, approval, .. } = yes;
    let expired = subject.scenario == Scenario::Expired;
    let ends = if expired { ctx.now } else { ctx.now.after(ctx.policy.grant_ttl_s) };
    let accounts = if approval.accounts_needed { approval.accounts.clone() } else { vec![] };
    Consent {
        id: ConsentId::mint(ctx.now, ctx.entropy.bytes32()),
        version: 1,
        subject: subject.id.clone(),
        client: before.client.clone(),
        scope: before.scope.clone(),
        accounts,
        given: ctx.now,
        ends,
        shown: approval.shown.clone(),
        state: ConsentState::Active,
        grants: vec![],
        details: before.openid.details.clone(),
    }
}

/// On surfaces with a customer id, the consent is one of those that stand behind it.
fn add_to_customer(
    changes: &mut Vec<(Key, Option<Record>)>,
    seen: &Seen,
    consent: &Consent,
    before: &Interaction,
    ctx: &Ctx<'_>,
) {
    let Some(at) = customer_key(before, &consent.subject, ctx.issuer) else { return };
    let mut customer = match seen.get(&at) {
        Some(Record::Customer(known)) => (**known).clone(),
        _ => Customer {
            client: before.client.clone(),
            subject: consent.subject.clone(),
            consents: vec![],
        },
    };
    if let Some(oldest) = customer.add(consent.id) {
        let oldest = Key::Consent(at.tenant().clone(), oldest);
        withdraw(changes, seen, oldest, (ctx.now, WithdrawnBy::Client));
    }
    changes.push((at, Some(Record::Customer(Box::new(customer)))));
}

/// One more grant in the customer's name; the oldest makes room when the list is full.
pub(crate) fn hang(subject: &mut Subject, grant: GrantId) -> Option<GrantId> {
    let full = subject.grants.len() == GRANTS_PER_SUBJECT_MAX;
    let oldest = full.then(|| subject.grants.remove(0));
    subject.grants.push(grant);
    oldest
}

/// Ends a grant that was read.
pub(crate) fn end(changes: &mut Vec<(Key, Option<Record>)>, seen: &Seen, key: Key, now: Moment) {
    if let Some(Record::Grant(grant)) = seen.get(&key) {
        let mut grant = (**grant).clone();
        grant.revoke(now, RevokedWhy::Displaced);
        changes.push((key, Some(Record::Grant(Box::new(grant)))));
    }
}

/// Takes a consent back, and every grant below it, as far as they were read.
pub(crate) fn withdraw(
    changes: &mut Vec<(Key, Option<Record>)>,
    seen: &Seen,
    key: Key,
    (now, by): (Moment, WithdrawnBy),
) {
    let Some(Record::Consent(consent)) = seen.get(&key) else { return };
    let mut consent = (**consent).clone();
    consent.withdraw(now, by);
    for id in &consent.grants {
        let key = Key::Grant(key.tenant().clone(), *id);
        if changes.iter().any(|(changed, _)| *changed == key) {
            continue;
        }
        if let Some(Record::Grant(grant)) = seen.get(&key) {
            let mut grant = (**grant).clone();
            grant.revoke(now, RevokedWhy::ConsentWithdrawn);
            changes.push((key, Some(Record::Grant(Box::new(grant)))));
        }
    }
    changes.push((key, Some(Record::Consent(Box::new(consent)))));
}

/// The only constructor of a grant with a code in it.
pub(crate) fn grant(
    ctx: &mut Ctx<'_>,
    interaction: &Interaction,
    consent: &Consent,
    auth_time: Moment,
) -> Grant {
    let new = NewGrant {
        id: GrantId::mint(ctx.now, ctx.entropy.bytes32()),
        client: interaction.client.clone(),
        subject: Some(SubjectRef {
            sub: ctx.issuer.pairwise(&interaction.client, &consent.subject),
            id: consent.subject.clone(),
        }),
        consent: Some(ConsentCopy {
            id: consent.id,
            version: consent.version,
            accounts: consent.accounts.clone(),
        }),
        scope: interaction.scope.clone(),
        spelled: interaction.spelled.clone(),
        ends: consent.ends.min(ctx.now.after(ctx.policy.grant_ttl_s)),
    };
    let mut grant = Grant::new(new, ctx);
    grant.login = Some(LoginFacts { auth_time, nonce: interaction.nonce.clone() });
    grant.code = CodeState::Issued {
        expires: ctx.now.after(ctx.policy.code_ttl_s).min(grant.ends),
        key: ctx.issuer.ring.active(),
        bound: Bound {
            redirect_uri: interaction.redirect_uri.clone(),
            challenge: interaction.challenge.as_deref().map(matched_by),
        },
    };
    grant
}

/// The digest that a verifier must have. A challenge that is not the base64url of 32 bytes is
/// matched by nothing: zero is the SHA-256 of no verifier anybody knows.
fn matched_by(challenge: &str) -> Digest {
    let mut digest = [0; 32];
    let whole = Base64UrlUnpadded::decode(challenge, &mut digest).is_ok_and(|d| d.len() == 32);
    Digest::known(if whole { digest } else { [0; 32] })
}
