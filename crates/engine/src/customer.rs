//! A customer as one client knows them: Fintecture's `customer_id`, and taking everything back.

use counterfoil_protocol::ids::{ClientId, ConsentId, SubjectId};
use counterfoil_protocol::refusal::Refusal;
use serde::{Deserialize, Serialize};

use crate::audit::{Note, What};
use crate::authorize::withdraw;
use crate::client::Client;
use crate::consent::WithdrawnBy;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::limits::CONSENTS_PER_CUSTOMER_MAX;
use crate::store::{Key, Record};

/// A customer id as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The client that knows it.
    pub client: ClientId,
    /// Whom it names.
    pub subject: SubjectId,
    /// The consents given to this client under this id, oldest first; bounded.
    pub consents: Vec<ConsentId>,
}

impl Customer {
    /// Adds one more consent. Returns the oldest when the list was full: it ends in the same batch.
    #[must_use]
    pub fn add(&mut self, consent: ConsentId) -> Option<ConsentId> {
        let full = self.consents.len() == CONSENTS_PER_CUSTOMER_MAX;
        let oldest = full.then(|| self.consents.remove(0));
        self.consents.push(consent);
        oldest
    }
}

impl Engine {
    /// Takes back everything a customer allowed this client under that id: every consent, every
    /// grant below it, in one batch. Everything is dead when this returns.
    ///
    /// # Errors
    /// [`Refusal::CustomerUnknown`] also for another client's customer; the store's.
    pub async fn forget_customer(
        &self,
        call: &mut Call<'_>,
        client: &Client,
        id: &str,
    ) -> Result<(), Refusal> {
        let tenant = call.issuer.tenant.id.clone();
        let key = Key::Customer(tenant.clone(), id.into());
        let consents = |seen: &Seen| match seen.get(&key) {
            Some(Record::Customer(customer)) => customer.consents.clone(),
            _ => vec![],
        };
        let needs = |seen: &Seen| {
            let mut keys = vec![key.clone()];
            for consent in consents(seen) {
                let at = Key::Consent(tenant.clone(), consent);
                if let Some(Record::Consent(consent)) = seen.get(&at) {
                    keys.extend(consent.grants.iter().map(|id| Key::Grant(tenant.clone(), *id)));
                }
                keys.push(at);
            }
            keys
        };
        self.settle(call, Settle::default(), needs, |ctx, seen| {
            let customer = match seen.get(&key) {
                Some(Record::Customer(customer)) if customer.client == client.id => customer,
                _ => return Decided::refuse(Refusal::CustomerUnknown),
            };
            let mut changes = vec![];
            for consent in &customer.consents {
                let at = Key::Consent(tenant.clone(), *consent);
                withdraw(&mut changes, seen, at, (ctx.now, WithdrawnBy::Client));
            }
            // The id is gone with its data: asked again, it is unknown.
            changes.push((key.clone(), None));
            let note = Note {
                client: Some(client.id.clone()),
                subject: Some(customer.subject.clone()),
                ..Note::of(What::ConsentWithdrawn)
            };
            Decided { changes, notes: vec![note], outcome: Ok(()) }
        })
        .await
    }
}
