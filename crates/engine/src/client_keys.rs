//! Keys that a client publishes at its `jwks_uri`: fetched when they are missed, the last good set
//! kept in its record (RFC 7591 §2, OpenID Connect Core §10.1.1).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use counterfoil_jose::jwk::JwkSet;
use counterfoil_jose::key::VerifyingKey;
use counterfoil_protocol::ids::{ClientId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{AssertionFault, Refusal};

use crate::audit::{Note, What};
use crate::client::{Client, ClientKey};
use crate::engine::{Call, Engine};
use crate::limits::{CLIENTS_CACHED_MAX, KEY_SET_LEN_MAX, KEYS_FETCH_EVERY_S, KEYS_FETCHED_MAX};
use crate::outbound::Outgoing;
use crate::store::{Batch, Change, Expected, Key, Record, Revision};

/// When the keys of which client were fetched last: whoever sends nonsense in a client's name makes
/// us call its server seldom.
#[derive(Debug, Default)]
pub struct Fetched(Mutex<HashMap<(TenantId, ClientId), Moment>>);

impl Fetched {
    /// Whether it is time again, and notes that it was.
    fn may(&self, at: (TenantId, ClientId), now: Moment) -> bool {
        let mut fetched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if fetched.get(&at).is_some_and(|last| now.since(*last) < KEYS_FETCH_EVERY_S) {
            return false;
        }
        if fetched.len() >= CLIENTS_CACHED_MAX {
            fetched.clear();
        }
        fetched.insert(at, now);
        true
    }
}

/// Whether newer keys could make the difference. Everything else was judged before the keys were.
pub(crate) const fn may_help(why: Refusal) -> bool {
    matches!(
        why,
        Refusal::Assertion(AssertionFault::KeyUnknown | AssertionFault::SignatureWrong)
            | Refusal::Certificate(counterfoil_protocol::refusal::CertificateFault::Unregistered)
    )
}

/// The keys of a set that can verify signatures; the others are left out. The first
/// [`KEYS_FETCHED_MAX`] count.
#[must_use]
pub fn of_set(set: &JwkSet) -> Vec<ClientKey> {
    let usable = set.keys.iter().filter_map(|jwk| {
        let spki = VerifyingKey::from_jwk(jwk).ok()?.to_spki_der().ok()?;
        let kid = jwk.kid.as_deref().map(Into::into);
        Some(ClientKey { kid, spki, sha1: None, sha256: None, not_before: None, not_after: None })
    });
    usable.take(KEYS_FETCHED_MAX).collect()
}

impl Engine {
    /// Fetches the keys of a client anew, unless that was done a moment ago, and keeps them in its
    /// record when they have changed. `true` when there is something new to read.
    pub(crate) async fn renew_keys(
        &self,
        call: &Call<'_>,
        client: &Client,
        revision: Revision,
    ) -> bool {
        let Some(url) = client.metadata.jwks_uri.as_deref() else { return false };
        let tenant = &call.issuer.tenant.id;
        let now = self.clock.now();
        if !self.fetched.may((tenant.clone(), client.id.clone()), now) {
            return false;
        }
        let accept = "application/jwk-set+json, application/json";
        let outgoing = Outgoing { url, accept, form: None, len_max: KEY_SET_LEN_MAX };
        let Ok(incoming) = self.outbound.call(outgoing).await else { return false };
        let set = (incoming.status == 200)
            .then(|| serde_json::from_slice::<JwkSet>(&incoming.body).ok())
            .flatten();
        let keys = set.as_ref().map(of_set).unwrap_or_default();
        // A set without usable keys is a mistake of its publisher: the last good one stays.
        if keys.is_empty() || keys == client.keys {
            return false;
        }
        let next = Client { keys, ..client.clone() };
        let note = Note { client: Some(client.id.clone()), ..Note::of(What::ClientChanged) };
        let change = Change {
            key: Key::Client(tenant.clone(), client.id.clone()),
            expected: Expected::Revision(revision),
            next: Some(Record::Client(Box::new(next))),
        };
        let events = vec![note.at(now, tenant, call.request)];
        let batch = Batch { guards: vec![], changes: vec![change], events };
        // Whoever was first has fetched them too: what is read next is newer than what we had.
        let _ = self.commit(batch).await;
        true
    }
}
