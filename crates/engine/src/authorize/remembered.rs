//! An authorization that needs no page: the customer is signed in and has allowed the same before.

use counterfoil_protocol::ids::{InteractionId, TenantId};
use counterfoil_protocol::refusal::{AuthorizeFault, Refusal};

use super::browse::{Browser, held};
use super::complete::{Yes, customer_key, needs, spend, yes};
use super::respond::Answer;
use crate::claims::Requested;
use crate::client::{Client, ClientStatus};
use crate::consent::Consent;
use crate::ctx::Ctx;
use crate::customer::Customer;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::interaction::{Interaction, Step};
use crate::limits::GRANTS_PER_CONSENT_MAX;
use crate::openid_request::Prompt;
use crate::policy::ConsentMemory;
use crate::store::{Expected, Guard, Key, Record};
use crate::subject::Scenario;

impl Engine {
    /// Answers an authorization whose customer is signed in, if nothing has to be asked. `None`: go on
    /// to the consent page.
    ///
    /// # Errors
    /// The interaction's, the client's, the store's. A refusal that goes to the client is an
    /// [`Answer`].
    pub async fn go_on(
        &self,
        call: &mut Call<'_>,
        id: InteractionId,
        browser: Browser<'_>,
    ) -> Result<Option<Answer>, Refusal> {
        let before = self.interaction(call.issuer, id, browser).await?;
        let silent = before.openid.prompt.contains(&Prompt::None);
        let remembers = call.policy.authorization.consent == ConsentMemory::Remembers;
        if !matches!(before.step, Step::Consent { .. }) || !(silent || remembers) {
            return Ok(None);
        }
        let tenant = call.issuer.tenant.id.clone();
        let found = self.client(&tenant, &before.client).await?;
        let (client, revision) = found.ok_or(Refusal::ClientUnknown)?;
        if client.status == ClientStatus::Suspended {
            return Err(Refusal::ClientSuspended);
        }
        let guard = Guard {
            key: Key::Client(tenant.clone(), client.id.clone()),
            expected: Expected::Revision(revision),
        };
        let with = Settle { guards: &[guard], quiet: true, ..Settle::default() };
        let key = Key::Interaction(tenant.clone(), id);
        let (issuer, policy) = (call.issuer.clone(), call.policy);
        let needs = |seen: &Seen| {
            let mut keys = needs(&key, seen, &issuer, policy);
            let Some(Record::Interaction(before)) = seen.get(&key) else { return keys };
            let Step::Consent { subject, .. } = &before.step else { return keys };
            let listed = customer_key(before, subject, &issuer, policy);
            let Some(consent) = listed.and_then(|at| newest(seen, &at)) else { return keys };
            if let Some(Record::Consent(consent)) = seen.get(&consent)
                && consent.grants.len() == GRANTS_PER_CONSENT_MAX
            {
                let oldest = consent.grants.first();
                keys.extend(oldest.map(|id| Key::Grant(issuer.tenant.id.clone(), *id)));
            }
            keys.push(consent);
            keys
        };
        self.settle(call, with, needs, |ctx, seen| decide(ctx, seen, (&key, &client), browser))
            .await
    }
}

/// The last consent of a list: it covers what the earlier ones did, or was asked for because they did
/// not.
fn newest(seen: &Seen, at: &Key) -> Option<Key> {
    let Some(Record::Customer(listed)) = seen.get(at) else { return None };
    let Customer { consents, .. } = &**listed;
    Some(Key::Consent(at.tenant().clone(), *consents.last()?))
}

fn decide(
    ctx: &mut Ctx<'_>,
    seen: &Seen,
    (key, client): (&Key, &Client),
    browser: Browser<'_>,
) -> Decided<Option<Answer>> {
    let before = match held(seen.get(key), browser, ctx) {
        Ok(before) => before,
        Err(why) => return Decided::refuse(why),
    };
    let Step::Consent { subject, auth_time } = &before.step else { return Decided::answer(None) };
    let silent = before.openid.prompt.contains(&Prompt::None);
    let asked = || {
        if !silent {
            return Decided::answer(None);
        }
        silenced(seen, before, key.tenant(), AuthorizeFault::ConsentRequired).map(Some)
    };
    let listed = customer_key(before, subject, ctx.issuer, ctx.policy);
    let consent = listed.and_then(|at| newest(seen, &at)).and_then(|at| seen.get(&at));
    let Some(Record::Consent(consent)) = consent else { return asked() };
    let subject_key = Key::Subject(ctx.issuer.tenant.id.clone(), subject.clone());
    let Some(Record::Subject(subject)) = seen.get(&subject_key) else {
        return asked();
    };
    // What happens to the customers of the sandbox happens on pages.
    let ordinary = !subject.suspended && subject.scenario == Scenario::None;
    if !ordinary || !covers(consent, before, ctx) {
        return asked();
    }
    let said = Yes { key, before, subject, client, auth_time: *auth_time };
    yes(ctx, seen, &said, (**consent).clone(), false).map(Some)
}

/// What the client is told where no page may be shown and one would be needed: an answer like any
/// other, so it spends the request that was pushed.
pub(super) fn silenced(
    seen: &Seen,
    interaction: &Interaction,
    tenant: &TenantId,
    why: AuthorizeFault,
) -> Decided<Answer> {
    let mut changes = vec![];
    if let Err(refused) = spend(&mut changes, seen, interaction, tenant) {
        return Decided::refuse(refused);
    }
    let answer = Answer::refused(interaction, Refusal::Authorize(why));
    Decided { changes, notes: vec![], outcome: Ok(answer) }
}

/// Whether an earlier consent says yes to this request. One to authorization details never does: each
/// is for one time.
fn covers(consent: &Consent, request: &Interaction, ctx: &Ctx<'_>) -> bool {
    let claims = Requested::kept(request.openid.claims.as_deref());
    consent.active(ctx.now)
        && request.scope.is_subset(&consent.scope)
        && claims.spoken().iter().all(|scope| consent.scope.contains(scope))
        && request.openid.details.is_none()
        && !request.openid.prompt.contains(&Prompt::Consent)
}
