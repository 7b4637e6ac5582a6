//! What a client checks of messages that the server signed: ID tokens (OpenID Connect Core §3.1.3.7),
//! responses (JARM §2.4), introspection (RFC 9701 §5).

use counterfoil_engine::id_token::half_hash;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwk::JwkSet;
use counterfoil_jose::jws::Compact;
use counterfoil_jose::key::VerifyingKey;
use serde_json::Value;

use super::messages::{Parties, now};
use crate::failure::Failure;

/// Longest message that is looked at.
const LEN_MAX: usize = 64 * 1024;

/// The key set of a server.
pub(super) struct Keys(JwkSet);

/// A message whose signature is right.
pub(super) struct Message {
    pub(super) alg: Alg,
    pub(super) typ: Option<String>,
    pub(super) claims: Value,
}

impl Keys {
    pub(super) fn read(body: &str) -> Result<Self, Failure> {
        let set = serde_json::from_str(body);
        set.map(Self).map_err(|e| Failure::failed(format!("the key set: {e}")))
    }

    /// What the server signs with.
    pub(super) fn algorithms(&self) -> Vec<&str> {
        self.0.keys.iter().filter_map(|key| key.alg.as_deref()).collect()
    }

    /// A message of the server, signed by the key that it names.
    pub(super) fn open(&self, what: &str, raw: &str) -> Result<Message, Failure> {
        let bad = |why: &str| Failure::failed(format!("{what}: {why}"));
        let message = Compact::parse(raw, LEN_MAX).map_err(|e| bad(&e.to_string()))?;
        let header = message.header();
        let named = self.0.keys.iter().find(|key| key.kid.is_some() && key.kid == header.kid);
        let jwk = named.ok_or_else(|| bad("signed by a key that is not in the set"))?;
        let key = VerifyingKey::from_jwk(jwk).map_err(|e| bad(&e.to_string()))?;
        let payload = message.verify(&key, &[header.alg]).map_err(|e| bad(&e.to_string()))?;
        let claims = serde_json::from_slice(payload).map_err(|_| bad("its payload is not JSON"))?;
        Ok(Message { alg: header.alg, typ: header.typ.clone(), claims })
    }
}

impl Message {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// From the server that is meant, for this client.
    pub(super) fn is_between(&self, what: &str, parties: Parties<'_>) -> Result<(), Failure> {
        let for_us = match self.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(|one| one == parties.client),
            other => other.and_then(Value::as_str) == Some(parties.client),
        };
        match (self.text("iss") == Some(parties.issuer), for_us) {
            (true, true) => Ok(()),
            (false, _) => Err(Failure::failed(format!("{what}: iss is another"))),
            (_, false) => Err(Failure::failed(format!("{what}: aud is another"))),
        }
    }

    /// It still counts.
    pub(super) fn is_fresh(&self, what: &str) -> Result<(), Failure> {
        let ends = self.claims.get("exp").and_then(Value::as_u64);
        let fresh = ends.is_some_and(|ends| ends > now());
        fresh.then_some(()).ok_or_else(|| Failure::failed(format!("{what}: it has expired")))
    }

    /// An ID token, for the nonce that was sent and the access token that came beside it.
    pub(super) fn is_login(
        &self,
        parties: Parties<'_>,
        nonce: &str,
        access_token: &str,
    ) -> Result<(), Failure> {
        self.is_between(ID_TOKEN, parties)?;
        self.is_fresh(ID_TOKEN)?;
        let hash = half_hash(self.alg, access_token);
        for (name, wanted) in [("nonce", nonce), ("at_hash", &hash)] {
            if self.text(name) != Some(wanted) {
                return Err(Failure::failed(format!("{ID_TOKEN}: {name} is another")));
            }
        }
        Ok(())
    }
}

pub(super) const ID_TOKEN: &str = "the ID token";
