//! The decoupled poll of Fintecture (surfaces.md 2.8): the client asks until the customer is done.

use std::sync::Arc;

use counterfoil_protocol::ids::InteractionId;
use counterfoil_protocol::refusal::Refusal;

use super::complete::{grant, hang};
use crate::client::Client;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::interaction::{Channel, Interaction, Step};
use crate::keys::Issuer;
use crate::store::{Key, Record};

/// Where a decoupled authorization stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Polled {
    /// The customer has not answered.
    Pending,
    /// They said yes.
    Completed {
        /// The customer id.
        customer_id: String,
        /// The code, as long as it was not spent.
        code: Option<String>,
    },
    /// They said no, or time ran out.
    Failed,
}

impl Engine {
    /// Where a decoupled authorization of this client stands. The first poll after the customer's
    /// yes makes the grant, so that its code has its whole life before it.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`] for what is not this client's; the store's.
    pub async fn poll(
        &self,
        call: &mut Call<'_>,
        client: &Client,
        provider: &str,
        id: InteractionId,
    ) -> Result<Polled, Refusal> {
        let key = Key::Interaction(call.issuer.tenant.id.clone(), id);
        let issuer = call.issuer.clone();
        let needs = |seen: &Seen| needs(&key, seen, &issuer);
        let quiet = Settle { quiet: true, ..Settle::default() };
        self.settle(call, quiet, needs, |ctx, seen| {
            let before = match seen.get(&key) {
                Some(Record::Interaction(i)) if i.client == client.id && is_of(i, provider) => i,
                _ => return Decided::refuse(Refusal::InteractionUnknown),
            };
            let (subject, auth_time, consent, granted) = match &before.step {
                Step::Login | Step::Consent { .. } if before.ends <= ctx.now => {
                    return Decided::answer(Polled::Failed);
                }
                Step::Login | Step::Consent { .. } => return Decided::answer(Polled::Pending),
                Step::Refused { .. } => return Decided::answer(Polled::Failed),
                Step::Approved { subject, auth_time, consent, grant } => {
                    (subject, *auth_time, *consent, *grant)
                }
            };
            let customer_id = ctx.issuer.customer_id(&client.id, subject, provider);
            let tenant = &ctx.issuer.tenant.id;
            if let Some(grant) = granted.and_then(|id| seen.get(&Key::Grant(tenant.clone(), id))) {
                let Record::Grant(grant) = grant else { return Decided::refuse(Refusal::Internal) };
                if !grant.stands() {
                    return Decided::answer(Polled::Failed);
                }
                let code = grant.code_handle(&ctx.issuer.ring).map(|c| c.to_wire().to_owned());
                return Decided::answer(Polled::Completed { customer_id, code });
            }
            let consent_key = Key::Consent(tenant.clone(), consent);
            let subject_key = Key::Subject(tenant.clone(), subject.clone());
            let (Some(Record::Consent(consent)), Some(Record::Subject(subject))) =
                (seen.get(&consent_key), seen.get(&subject_key))
            else {
                return Decided::answer(Polled::Failed);
            };
            if !consent.active(ctx.now) || subject.suspended {
                return Decided::answer(Polled::Failed);
            }
            let (mut consent, mut subject) = ((**consent).clone(), (**subject).clone());
            let mut next = (**before).clone();
            let grant = grant(ctx, before, &consent, (client, auth_time));
            let displaced = [consent.hang(grant.id), hang(&mut subject, grant.id)];
            let code = grant.code_handle(&ctx.issuer.ring).map(|c| c.to_wire().to_owned());
            if let Step::Approved { grant: slot, .. } = &mut next.step {
                *slot = Some(grant.id);
            }
            let tenant = tenant.clone();
            let mut changes = vec![
                (key.clone(), Some(Record::Interaction(Box::new(next)))),
                (consent_key, Some(Record::Consent(Box::new(consent)))),
                (subject_key, Some(Record::Subject(Box::new(subject)))),
                (Key::Grant(tenant.clone(), grant.id), Some(Record::Grant(Arc::new(grant)))),
            ];
            for id in displaced.into_iter().flatten() {
                super::complete::end(&mut changes, seen, Key::Grant(tenant.clone(), id), ctx.now);
            }
            Decided { changes, notes: vec![], outcome: Ok(Polled::Completed { customer_id, code }) }
        })
        .await
    }
}

fn is_of(interaction: &Interaction, wanted: &str) -> bool {
    matches!(&interaction.channel, Channel::Decoupled { provider, .. } if &**provider == wanted)
}

fn needs(key: &Key, seen: &Seen, issuer: &Issuer) -> Vec<Key> {
    let tenant = &issuer.tenant.id;
    let mut keys = vec![key.clone()];
    let Some(Record::Interaction(interaction)) = seen.get(key) else { return keys };
    let Step::Approved { subject, consent, grant, .. } = &interaction.step else { return keys };
    if let Some(grant) = grant {
        keys.push(Key::Grant(tenant.clone(), *grant));
        return keys;
    }
    let subject_key = Key::Subject(tenant.clone(), subject.clone());
    if let Some(Record::Subject(subject)) = seen.get(&subject_key)
        && subject.grants.len() == crate::limits::GRANTS_PER_SUBJECT_MAX
        && let Some(oldest) = subject.grants.first()
    {
        keys.push(Key::Grant(tenant.clone(), *oldest));
    }
    keys.extend([Key::Consent(tenant.clone(), *consent), subject_key]);
    keys
}
