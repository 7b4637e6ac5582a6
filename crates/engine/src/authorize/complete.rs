//! An authorization that comes to a yes: consent, grant and code come about in one batch, or nothing
//! does.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_protocol::ids::{AccountId, ConsentId, GrantId, SubjectId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{AuthorizeFault, Refusal};
use counterfoil_protocol::secret::Digest;

use super::consent::{Approval, approved_grant, pushed_key};
use super::respond::Answer;
use crate::audit::{Note, What};
use crate::client::Client;
use crate::consent::{Consent, ConsentState, WithdrawnBy};
use crate::ctx::Ctx;
use crate::customer::Customer;
use crate::details::Details;
use crate::engine::{Decided, Seen};
use crate::grant::{
    Bound, CodeState, ConsentCopy, Grant, LoginFacts, NewGrant, OpenIdFacts, RevokedWhy, SubjectRef,
};
use crate::interaction::{Channel, Interaction, Step};
use crate::keys::Issuer;
use crate::limits::{CLIENTS_PER_SESSION_MAX, GRANTS_PER_SUBJECT_MAX};
use crate::policy::{ConsentMemory, Parameters, Policy};
use crate::session::Session;
use crate::store::{Key, Record};
use crate::subject::{Scenario, Subject};

/// Interaction, then what it came as, the login it stands on, the customer, their customer id and what
/// may have to make room.
pub(super) fn needs(key: &Key, seen: &Seen, issuer: &Issuer, policy: &Policy) -> Vec<Key> {
    let tenant = &issuer.tenant.id;
    let mut keys = vec![key.clone()];
    let Some(Record::Interaction(interaction)) = seen.get(key) else { return keys };
    if let Some(grant) = approved_grant(seen.get(key)) {
        keys.push(Key::Grant(tenant.clone(), grant));
    }
    keys.extend(pushed_key(seen.get(key), tenant));
    keys.extend(session_key(interaction, tenant));
    let Step::Consent { subject, .. } = &interaction.step else { return keys };
    let subject_key = Key::Subject(tenant.clone(), subject.clone());
    keys.push(subject_key.clone());
    if let Some(customer) = customer_key(interaction, subject, issuer, policy) {
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

/// The list of what a customer allowed this client.
pub(crate) fn customer_key(
    interaction: &Interaction,
    subject: &SubjectId,
    issuer: &Issuer,
    policy: &Policy,
) -> Option<Key> {
    let remembers = policy.authorization.consent == ConsentMemory::Remembers;
    let provider = match &interaction.channel {
        Channel::Provider { provider } | Channel::Decoupled { provider, .. } => provider,
        // What a customer allowed before is found under the same name, of no provider.
        Channel::Redirect if remembers => "",
        Channel::Redirect => return None,
    };
    let id = issuer.customer_id(&interaction.client, subject, provider);
    Some(Key::Customer(issuer.tenant.id.clone(), id.into()))
}

/// The login behind an authorization.
fn session_key(interaction: &Interaction, tenant: &TenantId) -> Option<Key> {
    interaction.openid.session.map(|id| Key::Session(tenant.clone(), id))
}

/// A yes.
pub(super) struct Yes<'a> {
    pub(super) key: &'a Key,
    pub(super) before: &'a Interaction,
    pub(super) subject: &'a Subject,
    pub(super) client: &'a Client,
    pub(super) auth_time: Moment,
}

/// Under a consent that is `new`, or one that was given before.
pub(super) fn yes(
    ctx: &mut Ctx<'_>,
    seen: &Seen,
    yes: &Yes<'_>,
    mut consent: Consent,
    new: bool,
) -> Decided<Answer> {
    let tenant = ctx.issuer.tenant.id.clone();
    let Yes { key, before, auth_time, .. } = *yes;
    let mut next = before.clone();
    let mut changes = vec![];
    let mut subject = yes.subject.clone();
    if let Err(why) = spend(&mut changes, seen, before, &tenant) {
        return Decided::refuse(why);
    }

    // Decoupled: the code begins to run when the client asks for it, not when the customer is done.
    let decoupled = matches!(before.channel, Channel::Decoupled { .. });
    let session = session(seen, before, &tenant);
    let grant = (!decoupled).then(|| {
        let mut grant = grant(ctx, before, &consent, (yes.client, auth_time));
        if ctx.policy.authorization.parameters == Parameters::OpenId {
            tell_of_login(&mut grant, session, yes.client, ctx.issuer);
        }
        grant
    });
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
    if new {
        add_to_customer(&mut changes, seen, &consent, before, ctx);
    }
    if let Some(session) = session.filter(|session| !session.clients.contains(&before.client)) {
        let mut session = session.clone();
        // The oldest hears no more of this login; its tokens end by themselves.
        if session.clients.len() == CLIENTS_PER_SESSION_MAX {
            session.clients.remove(0);
        }
        session.clients.push(before.client.clone());
        let at = Key::Session(tenant.clone(), session.id);
        changes.push((at, Some(Record::Session(Box::new(session)))));
    }
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
        changes.push((Key::Grant(tenant, grant.id), Some(Record::Grant(Arc::new(grant)))));
    }
    let notes = if new { vec![note] } else { vec![] };
    Decided { changes, notes, outcome }
}

fn session<'s>(
    seen: &'s Seen,
    interaction: &Interaction,
    tenant: &TenantId,
) -> Option<&'s Session> {
    match seen.get(&session_key(interaction, tenant)?) {
        Some(Record::Session(session)) => Some(session),
        _ => None,
    }
}

/// A pushed request is spent when its authorization completes, and not before (FAPI 2.0 §5.3.2.2,
/// note 3): two tabs may have begun with it, and one of them ends first.
pub(crate) fn spend(
    changes: &mut Vec<(Key, Option<Record>)>,
    seen: &Seen,
    interaction: &Interaction,
    tenant: &TenantId,
) -> Result<(), Refusal> {
    let Some(id) = interaction.openid.pushed else { return Ok(()) };
    let key = Key::Pushed(tenant.clone(), id);
    let Some(Record::Pushed(pushed)) = seen.get(&key) else {
        return Err(Refusal::Authorize(AuthorizeFault::PushedUnknown));
    };
    if pushed.spent {
        return Err(Refusal::Authorize(AuthorizeFault::PushedSpent));
    }
    let mut pushed = (**pushed).clone();
    pushed.spent = true;
    changes.push((key, Some(Record::Pushed(Box::new(pushed)))));
    Ok(())
}

/// What the customer has just allowed.
pub(super) fn new_consent(ctx: &mut Ctx<'_>, yes: &Yes<'_>, approval: &Approval) -> Consent {
    let Yes { before, subject, .. } = yes;
    let expired = subject.scenario == Scenario::Expired;
    let ends = if expired { ctx.now } else { ends(before, ctx.policy, ctx.now) };
    let accounts = if approval.accounts_needed { approval.accounts.clone() } else { vec![] };
    let details = details(before, &accounts);
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
        details,
    }
}

/// Until when a yes of now holds: as long as the surface lets it, unless what is asked ends before.
pub(super) fn ends(interaction: &Interaction, policy: &Policy, now: Moment) -> Moment {
    let whole = now.after(policy.grant_ttl_s);
    let details = Details::kept(interaction.openid.details.as_deref());
    details.ends(now).map_or(whole, |ends| ends.min(whole))
}

/// What is given in authorization details: what was asked, about the accounts that were chosen.
fn details(interaction: &Interaction, accounts: &[AccountId]) -> Option<Box<str>> {
    let asked = Details::kept(interaction.openid.details.as_deref());
    asked.with_accounts(accounts).text()
}

/// On surfaces with a customer id, the consent is one of those that stand behind it.
fn add_to_customer(
    changes: &mut Vec<(Key, Option<Record>)>,
    seen: &Seen,
    consent: &Consent,
    before: &Interaction,
    ctx: &Ctx<'_>,
) {
    let Some(at) = customer_key(before, &consent.subject, ctx.issuer, ctx.policy) else { return };
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
        changes.push((key, Some(Record::Grant(Arc::new(grant)))));
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
            changes.push((key, Some(Record::Grant(Arc::new(grant)))));
        }
    }
    changes.push((key, Some(Record::Consent(Box::new(consent)))));
}

/// The only constructor of a grant with a code in it.
pub(crate) fn grant(
    ctx: &mut Ctx<'_>,
    interaction: &Interaction,
    consent: &Consent,
    (client, auth_time): (&Client, Moment),
) -> Grant {
    let new = NewGrant {
        id: GrantId::mint(ctx.now, ctx.entropy.bytes32()),
        client: interaction.client.clone(),
        subject: Some(SubjectRef {
            sub: ctx.issuer.sub(client, &consent.subject),
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
    grant.openid = OpenIdFacts {
        claims: interaction.openid.claims.clone(),
        details: details(interaction, &consent.accounts),
        audience: interaction.openid.resources.clone(),
        sender: interaction.openid.sender,
        ..OpenIdFacts::default()
    };
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

/// What the ID token will say of the login, and under which name this client knows it.
fn tell_of_login(grant: &mut Grant, session: Option<&Session>, client: &Client, issuer: &Issuer) {
    let Some(session) = session else { return };
    grant.openid.acr.clone_from(&session.acr);
    grant.openid.amr.clone_from(&session.amr);
    grant.openid.sid = Some(issuer.sid(&client.id, &session.id));
}

/// The digest that a verifier must have. A challenge that is not the base64url of 32 bytes is
/// matched by nothing: zero is the SHA-256 of no verifier anybody knows.
fn matched_by(challenge: &str) -> Digest {
    let mut digest = [0; 32];
    let whole = Base64UrlUnpadded::decode(challenge, &mut digest).is_ok_and(|d| d.len() == 32);
    Digest::known(if whole { digest } else { [0; 32] })
}
