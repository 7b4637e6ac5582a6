//! Revocation (RFC 7009). A refresh token ends its grant; an access token ends itself.

use std::sync::Arc;

use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::refusal::Refusal;

use crate::audit::{Note, What};
use crate::client_auth::{AuthenticatedClient, Presented};
use crate::ctx::Ctx;
use crate::engine::{Call, Decided, Engine, Settle};
use crate::grant::{Grant, RevokedWhy};
use crate::handle::{Access, Facts, Refresh, Sealed};
use crate::introspect::Worth;
use crate::policy::ClientAuthRules;
use crate::store::{Key, Record};

/// The prefix says the kind, so `token_type_hint` has nothing to add.
enum Target {
    Grant(Sealed<Refresh>),
    Handle(Sealed<Access>),
    Signed(Facts),
}

impl Target {
    fn open(raw: &str, call: &Call<'_>, engine: &Engine) -> Option<Self> {
        let ring = &call.issuer.ring;
        if let Some(refresh) = Sealed::open(raw, ring) {
            return Some(Self::Grant(refresh));
        }
        if let Some(access) = Sealed::open(raw, ring) {
            return Some(Self::Handle(access));
        }
        match Worth::open(raw, call.issuer, engine.clock.now())? {
            Worth::Signed(proven) => Some(Self::Signed(*proven.facts())),
            Worth::Sealed(_) => None,
        }
    }

    fn grant(&self) -> GrantId {
        GrantId(match self {
            Self::Grant(token) => token.record(),
            Self::Handle(token) => token.record(),
            Self::Signed(facts) => facts.record,
        })
    }

    /// Every outcome but an unknown client is a success (RFC 7009 §2.2), also another's token.
    fn decide(
        &self,
        ctx: &Ctx<'_>,
        client: &AuthenticatedClient,
        before: Option<&Grant>,
    ) -> (Option<Grant>, Vec<Note>) {
        let Some(before) = before else { return (None, vec![]) };
        let (mut grant, ring) = (before.clone(), &ctx.issuer.ring);
        let what = match self {
            // Any generation: whoever gives back an old refresh token wants the chain ended.
            Self::Grant(token) => token.prove(&before.salt, ring).map(|_| {
                grant.revoke(ctx.now, RevokedWhy::ByClient);
                What::GrantRevoked
            }),
            Self::Handle(token) => token.prove(&before.salt, ring).map(|token| {
                grant.revoke_access(token.facts(), ctx.now);
                What::TokenRevoked
            }),
            Self::Signed(facts) => {
                grant.revoke_access(facts, ctx.now);
                Some(What::TokenRevoked)
            }
        };
        let Some(what) = what else {
            let note = Note::about(What::HandleForged, before);
            return (None, vec![note.because(Refusal::HandleForged)]);
        };
        if before.client != client.id {
            let note = Note::about(What::RevocationOfForeignToken, before);
            return (None, vec![Note { client: Some(client.id.clone()), ..note }]);
        }
        if grant == *before {
            return (None, vec![]);
        }
        let note = Note::about(what, &grant);
        (Some(grant), vec![note])
    }
}

impl Engine {
    /// Ends a token or everything that hangs from it. Idempotent.
    ///
    /// # Errors
    /// Why the client could not be authenticated; [`Refusal::StoreUnavailable`], never success then.
    pub async fn revoke(
        &self,
        call: &mut Call<'_>,
        presented: &Presented<'_>,
        (rules, surface): (&ClientAuthRules, Option<&str>),
        token: Result<&str, Refusal>,
    ) -> Result<(), Refusal> {
        let client = self.authenticate(call, presented, rules, surface).await?;
        let target = token.map(|raw| Target::open(raw, call, self));
        let tenant = call.issuer.tenant.id.clone();
        let key = match &target {
            Ok(Some(target)) => Some(Key::Grant(tenant, target.grant())),
            Ok(None) | Err(_) => None,
        };
        let with = Settle {
            guards: &[client.guard(call.issuer)],
            replay: client.replay(call.issuer),
            quiet: false,
        };
        self.settle(
            call,
            with,
            |_| key.iter().cloned().collect(),
            |ctx, seen| {
                let target = match &target {
                    Ok(target) => target,
                    Err(why) => return Decided::refuse(*why),
                };
                let (Some(target), Some(key)) = (target, &key) else { return Decided::answer(()) };
                let before = match seen.get(key) {
                    Some(Record::Grant(grant)) => Some(&**grant),
                    _ => None,
                };
                let (next, notes) = target.decide(ctx, &client, before);
                let change = next.map(|grant| (key.clone(), Some(Record::Grant(Arc::new(grant)))));
                Decided { changes: change.into_iter().collect(), notes, outcome: Ok(()) }
            },
        )
        .await
    }
}
