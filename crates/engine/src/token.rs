//! The token endpoint, whole. Every grant on every surface goes through this one function.

use std::sync::Arc;

use counterfoil_jose::jws;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::Refusal;
use zeroize::Zeroizing;

use crate::client_auth::{AuthenticatedClient, Presented};
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::grants::{Asked, GrantRule, Issued, IssuedAccess, Prepared};
use crate::handle::{Minted, Refresh};
use crate::id_token::IdTokenDraft;
use crate::keys::LoadedKey;
use crate::sender::Binding;
use crate::store::{Key, Record};

/// The answer of the token endpoint, ready to be written.
pub struct TokenAnswer {
    /// The access token.
    pub access_token: Zeroizing<String>,
    /// How it is to be shown: `Bearer` or `DPoP`.
    pub token_type: &'static str,
    /// Seconds until it ends.
    pub expires_in_s: u64,
    /// The refresh token, if there is one.
    pub refresh_token: Option<Minted<Refresh>>,
    /// The scope, as the client spelled it.
    pub scope: Box<str>,
    /// The scope, canonical: for surfaces whose answer depends on it.
    pub canonical: counterfoil_protocol::scope::ScopeSet,
    /// Authorization details, normalised JSON.
    pub details: Option<Box<str>>,
    /// The ID token, if there is one.
    pub id_token: Option<String>,
}

impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenAnswer({:?}, {:?})", self.scope, self.refresh_token)
    }
}

impl Engine {
    /// Issues a token, or refuses. `rules` are the grant types of the path that was called.
    ///
    /// # Errors
    /// Any refusal but those of the authorization endpoint.
    pub async fn token(
        &self,
        call: &mut Call<'_>,
        rules: &[&'static dyn GrantRule],
        presented: &Presented<'_>,
        form: &Form<'_>,
    ) -> Result<TokenAnswer, Refusal> {
        let issued = self.issue(call, rules, presented, form).await?;
        self.sign_answer(issued).await
    }

    /// [`Self::token`] before signatures.
    ///
    /// # Errors
    /// As there.
    pub async fn issue(
        &self,
        call: &mut Call<'_>,
        rules: &[&'static dyn GrantRule],
        presented: &Presented<'_>,
        form: &Form<'_>,
    ) -> Result<Issued, Refusal> {
        // Reported first, whatever the credentials (surfaces.md P9).
        let name = form.required("grant_type")?;
        let surface = Some(call.policy.name);
        let client = self.authenticate(call, presented, &call.policy.client_auth, surface).await?;

        let client = client.possessing(call, (&presented.shown, true), self.clock.now())?;
        let asked = Asked { client: &client, issuer: call.issuer, policy: call.policy };
        let prepared = prepare(name, rules, form, &asked);
        let reads = match &prepared {
            Ok(request) => request.reads(&asked),
            Err(_) => None,
        };
        let tenant = call.issuer.tenant.id.clone();
        let key = reads.map(|id| Key::Grant(tenant.clone(), id));
        let with = Settle {
            guards: &[client.guard(call.issuer)],
            // Used by this request whatever comes of it.
            replay: client.replay(call.issuer),
            quiet: false,
        };
        self.settle(
            call,
            with,
            |seen| key.iter().cloned().chain(about(key.as_ref(), seen)).collect(),
            |ctx, seen| {
                let request = match &prepared {
                    Ok(request) => request,
                    Err(why) => return Decided::refuse(*why),
                };
                let before = match key.as_ref().and_then(|key| seen.get(key)) {
                    Some(Record::Grant(grant)) => Some(&**grant),
                    _ => None,
                };
                let mut decision = request.decide(ctx, &client, before);
                let subject = about(key.as_ref(), seen).and_then(|key| seen.get(&key));
                if let (Ok(issued), Some(Record::Subject(subject))) =
                    (&mut decision.outcome, subject)
                    && let Some(draft) = &mut issued.id_token
                {
                    draft.tell_of(subject);
                }
                let mut notes = decision.notes;
                notes.extend(client.notes());
                let change = decision.next.map(|grant| {
                    (Key::Grant(tenant.clone(), grant.id), Some(Record::Grant(Arc::new(grant))))
                });
                Decided { changes: change.into_iter().collect(), notes, outcome: decision.outcome }
            },
        )
        .await
    }

    /// Signs what is to be signed. After the commit: a signature is no effect, and the key was found
    /// while deciding.
    async fn sign_answer(&self, issued: Issued) -> Result<TokenAnswer, Refusal> {
        let token_type = Binding::token_type(issued.access.facts().binding.as_ref());
        let access_token = match issued.access {
            IssuedAccess::Opaque(minted) => minted.into_wire(),
            IssuedAccess::Jwt { key, claims, typ, .. } => {
                Zeroizing::new(self.sign(&key, typ, &claims).await?)
            }
        };
        let id_token = match issued.id_token {
            None => None,
            Some(draft) => {
                let claims = draft.claims(&access_token);
                Some(self.sign(&draft.key, "JWT", &claims).await?)
            }
        };
        Ok(TokenAnswer {
            access_token,
            token_type,
            expires_in_s: issued.expires_in_s,
            refresh_token: issued.refresh,
            scope: issued.spelled,
            canonical: issued.scope,
            details: issued.details,
            id_token,
        })
    }

    /// Signs claims of ours; `typ` keeps kinds of tokens apart.
    pub(crate) async fn sign(
        &self,
        key: &std::sync::Arc<LoadedKey>,
        typ: &str,
        claims: &str,
    ) -> Result<String, Refusal> {
        let (alg, kid) = (key.alg.as_str(), &key.kid);
        let header = format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{kid}"}}"#);
        let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
        let signature =
            self.signer.sign(key, &input).await.map_err(|_| Refusal::StoreUnavailable)?;
        Ok(jws::finish(input, &signature))
    }
}

/// The customer, where the ID token is to tell more of them than the grant knows.
fn about(grant: Option<&Key>, seen: &Seen) -> Option<Key> {
    let key = grant?;
    let Some(Record::Grant(grant)) = seen.get(key) else { return None };
    let subject = grant.subject.as_ref().filter(|_| IdTokenDraft::wants_more(grant))?;
    Some(Key::Subject(key.tenant().clone(), subject.id.clone()))
}

fn prepare(
    name: &str,
    rules: &[&'static dyn GrantRule],
    form: &Form<'_>,
    asked: &Asked<'_>,
) -> Result<Box<dyn Prepared>, Refusal> {
    let rule = rules.iter().find(|rule| rule.name() == name).ok_or(Refusal::GrantTypeUnknown)?;
    let client: &AuthenticatedClient = asked.client;
    if !client.may_use(rule.name()) {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    rule.parse(form, asked)
}
