//! Introspection (RFC 7662): one keyed read, and nothing is ever written.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwt;
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use serde::Deserialize;

use crate::active::Active;
use crate::audit::{Note, What};
use crate::client::{Client, ClientStatus};
use crate::client_auth::Presented;
use crate::confirmation::Confirmation;
use crate::engine::{Call, Engine};
use crate::grant::Grant;
use crate::grants::facts_of;
use crate::handle::{Access, Proven, Sealed};
use crate::keys::Issuer;
use crate::policy::ClientAuthRules;
use crate::store::{Key, Record};

/// An access token off the wire that is worth a read: sealed, or signed, by us, and not expired.
pub(crate) enum Worth {
    /// A handle; its proof needs the grant.
    Sealed(Sealed<Access>),
    /// A JWT whose signature verified.
    Signed(Proven<Access>),
}

#[derive(Deserialize)]
struct OwnClaims {
    iss: String,
    exp: u64,
    jti: String,
    cnf: Option<Confirmation>,
}

impl Worth {
    /// `None` for garbage, forgeries, other tenants and expired tokens: they cost no read.
    pub(crate) fn open(raw: &str, issuer: &Issuer, now: Moment) -> Option<Self> {
        if let Some(sealed) = Sealed::open(raw, &issuer.ring) {
            return (sealed.expires() > now).then_some(Self::Sealed(sealed));
        }
        // Cheap first: a JWT has two dots and starts with the brace of its header.
        if !raw.starts_with("ey") {
            return None;
        }
        let keys = issuer.keys.iter().map(|key| (key.kid.as_str(), &*key.verifying, key.alg));
        let own = |typ| jwt::verify_own(raw, typ, keys.clone());
        let payload = own("JWT").or_else(|_| own("at+jwt")).ok()?;
        // An ID token is signed by the same key and has no `jti`, so it is none of ours here.
        let claims: OwnClaims = jwt::claims(&payload).ok()?;
        let expires = Moment(claims.exp);
        let ours = *claims.iss == *issuer.url && expires > now;
        let binding = claims.cnf.as_ref().map(Confirmation::binding);
        // A confirmation that we cannot read is one that nobody could fulfil.
        let binding = binding.map_or(Some(None), |read| read.map(Some))?;
        let facts = facts_of(&claims.jti, expires, binding, issuer).filter(|_| ours)?;
        Some(Self::Signed(Proven::by_signature(facts)))
    }

    pub(crate) fn grant(&self) -> GrantId {
        GrantId(match self {
            Self::Sealed(sealed) => sealed.record(),
            Self::Signed(proven) => proven.facts().record,
        })
    }

    pub(crate) fn prove(self, grant: &Grant, issuer: &Issuer) -> Option<Proven<Access>> {
        match self {
            Self::Sealed(sealed) => sealed.prove(&grant.salt, &issuer.ring),
            Self::Signed(proven) => Some(proven),
        }
    }
}

/// A living token and the client it was issued to.
#[derive(Debug)]
pub struct Introspected {
    /// What it allows.
    pub active: Active,
    /// Whom it was issued to.
    pub client: std::sync::Arc<Client>,
}

/// What came of a question, and who asked it.
#[derive(Debug)]
pub struct Answered {
    /// Who asked.
    pub caller: std::sync::Arc<Client>,
    /// The living token; `None` is `{"active":false}`.
    pub seen: Option<Introspected>,
}

/// What signed answers are signed with where the caller has registered nothing, in this order.
const SIGNED: [Alg; 4] = [Alg::ES256, Alg::PS256, Alg::EdDSA, Alg::RS256];

impl Engine {
    /// What a resource server may know of a token. `None` is `{"active":false}`: unknown, expired,
    /// revoked, foreign, or the caller is no resource server (attacks.md P22).
    ///
    /// # Errors
    /// Why the caller could not be authenticated; [`Refusal::StoreUnavailable`].
    pub async fn introspect(
        &self,
        call: &Call<'_>,
        presented: &Presented<'_>,
        rules: &ClientAuthRules,
        raw: &str,
    ) -> Result<Option<Introspected>, Refusal> {
        Ok(self.introspect_for(call, presented, rules, raw).await?.seen)
    }

    /// The same, and who asked: for answers that are made for them.
    ///
    /// # Errors
    /// As there.
    pub async fn introspect_for(
        &self,
        call: &Call<'_>,
        presented: &Presented<'_>,
        rules: &ClientAuthRules,
        raw: &str,
    ) -> Result<Answered, Refusal> {
        let caller = self.authenticate(call, presented, rules, None).await?.record();
        let seen = if caller.resource_server { self.look(call.issuer, raw).await? } else { None };
        Ok(Answered { caller, seen })
    }

    /// An answer as a JWT for whoever asked (RFC 9701 §5): they can keep it as evidence. `None` when
    /// this tenant has no key to sign it with.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`] when the key does not answer.
    pub async fn signed_introspection(
        &self,
        issuer: &Issuer,
        caller: &Client,
        body: &str,
    ) -> Result<Option<String>, Refusal> {
        let wanted = caller.metadata.introspection_alg.as_deref().and_then(Alg::parse);
        let there = || SIGNED.into_iter().find_map(|alg| issuer.active_key(alg));
        let key = wanted.map_or_else(there, |alg| issuer.active_key(alg));
        let Some(key) = key else { return Ok(None) };
        let quoted = |text: &str| serde_json::to_string(text).map_err(|_| Refusal::Internal);
        let (iss, aud) = (quoted(&issuer.url)?, quoted(caller.id.as_str())?);
        let iat = self.clock.now().0;
        let claims =
            format!(r#"{{"iss":{iss},"aud":{aud},"iat":{iat},"token_introspection":{body}}}"#);
        self.sign(key, "token-introspection+jwt", &claims).await.map(Some)
    }

    /// The same judgement for whoever holds the token: userinfo and resources of our own.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn look(&self, issuer: &Issuer, raw: &str) -> Result<Option<Introspected>, Refusal> {
        let now = self.clock.now();
        let Some(token) = Worth::open(raw, issuer, now) else { return Ok(None) };
        let key = [Key::Grant(issuer.tenant.id.clone(), token.grant())];
        let Some(Record::Grant(grant)) =
            self.store.read(&key).await?.pop().flatten().map(|v| v.record)
        else {
            return Ok(None);
        };
        let Some(proven) = token.prove(&grant, issuer) else {
            // Sealed with a key of ours, and not by us. Told at the next append: nothing is written
            // here.
            let note = Note::about(What::HandleForged, &grant).because(Refusal::HandleForged);
            self.keep_waiting([note.at(now, &issuer.tenant.id, [0; 16])]);
            return Ok(None);
        };
        let Some(active) = Active::of(grant, &proven, now) else { return Ok(None) };
        let client = self.client(&issuer.tenant.id, active.client()).await?;
        let client = client.map(|(client, _)| client);
        Ok(client
            .filter(|client| client.status == ClientStatus::Active)
            .map(|client| Introspected { active, client }))
    }
}
