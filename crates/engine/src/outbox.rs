//! The outbox at work: what is due is claimed, told and deleted (OpenID Connect Back-Channel Logout
//! §2.4 and §2.5).
//!
//! At least once: an attempt is counted before it is made, so that of two processes one makes it and a
//! crash costs an attempt; the record goes after the client has answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use counterfoil_protocol::form;
use counterfoil_protocol::ids::{DeliveryId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use serde_json::{Map, Value};

use crate::audit::{Note, What};
use crate::client::{Client, ClientStatus};
use crate::delivery::Delivery;
use crate::engine::Engine;
use crate::id_token;
use crate::keys::Issuer;
use crate::limits::{DELIVERY_ANSWER_LEN_MAX, LOGOUT_TOKEN_TTL_S, OUTBOX_LOOK_MAX};
use crate::outbound::Outgoing;
use crate::policy::Policy;
use crate::store::{
    Batch, Change, CommitError, Expected, Key, Page, Query, Record, Revision, Versioned,
};
use crate::tenant::Tenant;

/// The member of `events` that makes a JWT a logout token (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Which outboxes are worth a look, and when. What it forgets is in the store.
#[derive(Debug, Default)]
pub struct Outbox(Mutex<BTreeMap<TenantId, Look>>);

/// The next look into the outbox of a tenant.
#[derive(Debug)]
struct Look {
    due: Moment,
    /// How far the looks before it have come.
    after: Option<DeliveryId>,
}

impl Outbox {
    /// There is something for clients of this tenant, or may be.
    pub fn expect(&self, tenant: &TenantId, due: Moment) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let look = looks.entry(tenant.clone()).or_insert(Look { due, after: None });
        look.due = look.due.min(due);
    }

    /// The tenants whose outbox is due, with how far it was looked through. A logout that comes
    /// meanwhile puts its tenant in again.
    fn take(&self, now: Moment) -> Vec<(TenantId, Option<DeliveryId>)> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looks.extract_if(.., |_, look| look.due <= now);
        due.map(|(tenant, look)| (tenant, look.after)).collect()
    }

    fn go_on(&self, tenant: &TenantId, due: Moment, after: Option<DeliveryId>) {
        self.expect(tenant, due);
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = looks.get_mut(tenant) {
            look.after = after;
        }
    }
}

/// A record whose time has come, as it was read.
#[derive(Debug)]
pub struct Due {
    tenant: TenantId,
    delivery: Delivery,
    revision: Revision,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The client knows.
    Told,
    /// It will be tried again.
    Later,
    /// It will not be tried again.
    GivenUp,
    /// Somebody else has it.
    Elsewhere,
}

/// The rules of the surface of that name, as a tenant serves it.
pub type Rules = fn(&str, &Tenant) -> Option<&'static Policy>;

impl Engine {
    /// What is due now, of the tenants that are worth a look: one step of each.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`]; everything is looked at again.
    pub async fn due(&self) -> Result<Vec<Due>, Refusal> {
        let now = self.clock.now();
        let mut due = vec![];
        let mut fault = None;
        for (tenant, after) in self.outbox.take(now) {
            match self.look_into(&tenant, after, now).await {
                Ok(some) => due.extend(some),
                Err(why) => {
                    self.outbox.go_on(&tenant, now.after(1), after);
                    fault = Some(why);
                }
            }
        }
        fault.filter(|_| due.is_empty()).map_or(Ok(due), Err)
    }

    async fn look_into(
        &self,
        tenant: &TenantId,
        after: Option<DeliveryId>,
        now: Moment,
    ) -> Result<Vec<Due>, Refusal> {
        let from = after.map(|id| Key::Delivery(tenant.clone(), id));
        let page = Page { after: from, max: OUTBOX_LOOK_MAX };
        let listed = self.store.list(Query::Deliveries(tenant.clone()), page).await?;
        let more = listed.len() == OUTBOX_LOOK_MAX;
        let (mut due, mut next, mut last) = (vec![], None, None);
        for (_, Versioned { record, revision }) in listed {
            let Record::Delivery(delivery) = record else { continue };
            last = Some(delivery.id);
            if delivery.due <= now {
                let (tenant, delivery) = (tenant.clone(), *delivery);
                due.push(Due { tenant, delivery, revision });
            } else {
                next = Some(next.map_or(delivery.due, |next: Moment| next.min(delivery.due)));
            }
        }
        if more {
            self.outbox.go_on(tenant, now, last);
        } else if !due.is_empty() || after.is_some() {
            // What was looked at before this step may be due by now, and what fails will be.
            self.outbox.expect(tenant, now.after(1));
        } else if let Some(next) = next {
            self.outbox.expect(tenant, next);
        }
        Ok(due)
    }

    /// One attempt.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`]: the record stays, and is tried again when it is due.
    pub async fn deliver(&self, due: Due, rules: Rules) -> Result<Fate, Refusal> {
        let Some(next) = due.delivery.attempt(self.clock.now()) else {
            return self.close(due, What::LogoutGivenUp, Fate::GivenUp).await;
        };
        let (tenant, revision) = (due.tenant, due.revision);
        let key = Key::Delivery(tenant.clone(), next.id);
        let record = Record::Delivery(Box::new(next.clone()));
        let change = Change {
            key: key.clone(),
            expected: Expected::Revision(revision),
            next: Some(record.clone()),
        };
        match self.commit(Batch { changes: vec![change], ..Batch::default() }).await {
            Ok(()) => {}
            Err(CommitError::Conflict(_)) => return Ok(Fate::Elsewhere),
            Err(CommitError::Unavailable) => return Err(Refusal::StoreUnavailable),
        }
        // What keeps it from being told is no reason to try for ever: it counts as an attempt.
        let told = self.tell(&tenant, &next, rules).await.unwrap_or(false);
        if !told && !next.is_tried_out() {
            return Ok(Fate::Later);
        }
        let found = self.store.read(std::slice::from_ref(&key)).await?.pop().flatten();
        let Some(Versioned { revision, .. }) = found.filter(|found| found.record == record) else {
            return Ok(Fate::Elsewhere);
        };
        let (what, fate) = if told {
            (What::LogoutDelivered, Fate::Told)
        } else {
            (What::LogoutGivenUp, Fate::GivenUp)
        };
        self.close(Due { tenant, delivery: next, revision }, what, fate).await
    }

    /// Whether the client has heard it: 200, or 204 where its framework makes that of an empty answer
    /// (§2.8). A 400 may be a fault of its own, so it is tried again like every other answer.
    async fn tell(
        &self,
        tenant: &TenantId,
        delivery: &Delivery,
        rules: Rules,
    ) -> Result<bool, Refusal> {
        let issuer = self.issuer(tenant).await?;
        let Some((client, _)) = self.client(tenant, &delivery.client).await? else {
            return Ok(false);
        };
        if client.status == ClientStatus::Suspended {
            return Ok(false);
        }
        let token = self.logout_token(&issuer, &client, delivery, rules).await?;
        let form = format!("logout_token={}", form::encode(&token));
        let (url, form) = (&*delivery.url, Some(&*form));
        let call = Outgoing { url, accept: "*/*", form, len_max: DELIVERY_ANSWER_LEN_MAX };
        let answer = self.outbound.call(call).await;
        Ok(answer.is_ok_and(|answer| matches!(answer.status, 200 | 204)))
    }

    /// §2.4. There is no `nonce` in it, so that it cannot pass for an ID token.
    async fn logout_token(
        &self,
        issuer: &Issuer,
        client: &Client,
        delivery: &Delivery,
        rules: Rules,
    ) -> Result<String, Refusal> {
        let policy = rules(&client.surface, &issuer.tenant).ok_or(Refusal::Internal)?;
        let alg = id_token::signing_alg(client, policy).ok_or(Refusal::Internal)?;
        let key = issuer.active_key(alg).ok_or(Refusal::Internal)?;
        let now = self.clock.now();
        let event = Map::from_iter([(EVENT.to_owned(), Value::Object(Map::new()))]);
        let mut claims: Map<String, Value> = Map::new();
        claims.insert("iss".into(), (*issuer.url).into());
        claims.insert("aud".into(), client.id.as_str().into());
        claims.insert("iat".into(), now.0.into());
        claims.insert("exp".into(), now.after(LOGOUT_TOKEN_TTL_S).0.into());
        claims.insert("jti".into(), delivery.id.to_hex().into());
        claims.insert("events".into(), event.into());
        for (name, value) in [("sub", &delivery.sub), ("sid", &delivery.sid)] {
            if let Some(value) = value {
                claims.insert(name.into(), (**value).into());
            }
        }
        self.sign(key, "logout+jwt", &Value::Object(claims).to_string()).await
    }

    /// The end of a record, with its event.
    async fn close(&self, due: Due, what: What, fate: Fate) -> Result<Fate, Refusal> {
        let Due { tenant, delivery, revision } = due;
        let change = Change {
            key: Key::Delivery(tenant.clone(), delivery.id),
            expected: Expected::Revision(revision),
            next: None,
        };
        let (client, record) = (Some(delivery.client), Some(delivery.id.0));
        let note = Note { client, record, ..Note::of(what) };
        let events = vec![note.at(self.clock.now(), &tenant, [0; 16])];
        match self.commit(Batch { guards: vec![], changes: vec![change], events }).await {
            Ok(()) => Ok(fate),
            Err(CommitError::Conflict(_)) => Ok(Fate::Elsewhere),
            Err(CommitError::Unavailable) => Err(Refusal::StoreUnavailable),
        }
    }
}
