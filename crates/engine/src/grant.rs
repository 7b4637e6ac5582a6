//! The aggregate: one authorization and every credential that hangs from it.
//!
//! It keeps no token and no digest of one: three small counters and a salt say everything, and stay
//! the same size however often the client refreshes.

use counterfoil_protocol::ids::{AccountId, ClientId, ConsentId, GrantId, SubjectId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Digest;
use serde::{Deserialize, Serialize};

use crate::ctx::Ctx;
use crate::handle::{
    Access, Code, Facts, Generation, KeyId, Minted, Proven, Refresh, Salt, Serial, TenantRing,
    ViewId,
};
use crate::limits::{REVOKED_MAX, STEPS};
use crate::policy::Rotation;

/// One authorization as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The surface it was given on.
    pub surface: Box<str>,
    /// To whom.
    pub client: ClientId,
    /// By whom; `None` for a client in its own name.
    pub subject: Option<SubjectRef>,
    /// A copy of what introspection shows of the consent, so that it needs no second read.
    pub consent: Option<ConsentCopy>,
    /// All that was given, canonical.
    pub scope: ScopeSet,
    /// As the client spelled it, for answers.
    pub spelled: Box<str>,
    /// What an ID token tells of the login.
    pub login: Option<LoginFacts>,
    /// Never leaves the store.
    pub salt: Salt,
    /// Absolute: nothing below outlives it.
    pub ends: Moment,
    /// The authorization code.
    pub code: CodeState,
    /// The refresh chain.
    pub refresh: RefreshState,
    /// The access tokens.
    pub access: AccessState,
    /// Reversible.
    pub suspended: Suspensions,
    /// Final.
    pub revoked: Option<Revoked>,
    /// What was given beyond RFC 6749.
    pub openid: OpenIdFacts,
}

/// What a grant keeps of OpenID Connect, RFC 8707, 9396 and 9449. The defaults are those of a grant
/// that has nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIdFacts {
    /// How strongly the customer signed in.
    pub acr: Option<Box<str>>,
    /// By which means.
    pub amr: Vec<Box<str>>,
    /// Which login it was, as this client knows it.
    pub sid: Option<Box<str>>,
    /// The `claims` parameter.
    pub claims: Option<Box<str>>,
    /// Authorization details, normalised JSON.
    pub details: Option<Box<str>>,
    /// The resource servers it is for; empty: all of the tenant.
    pub audience: Vec<Box<str>>,
    /// The key or certificate that the code is bound to.
    pub sender: Option<Digest>,
    /// What narrower views leave beside their scope.
    pub narrowed: Vec<Narrowed>,
}

/// What a view leaves of audience and details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// Which view.
    pub view: ViewId,
    /// Its audience.
    pub audience: Vec<Box<str>>,
    /// Its details.
    pub details: Option<Box<str>>,
}

/// Who gave it, and the `sub` that this client sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRef {
    /// The bank's name for them.
    pub id: SubjectId,
    /// Different for every client.
    pub sub: Box<str>,
}

/// What introspection shows of a consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentCopy {
    /// Which.
    pub id: ConsentId,
    /// In which version.
    pub version: u32,
    /// The accounts it covers.
    pub accounts: Vec<AccountId>,
}

/// What an ID token tells of the login (OpenID Connect Core §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginFacts {
    /// When the customer signed in.
    pub auth_time: Moment,
    /// Sent with the authorization request.
    pub nonce: Option<Box<str>>,
}

/// A grant has at most one code in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeState {
    /// This grant came about without one.
    NotUsed,
    /// Handed out.
    Issued {
        /// Until when.
        expires: Moment,
        /// The key it was minted with, so that asking twice gives the same text.
        key: KeyId,
        /// What a redemption must match.
        bound: Bound,
    },
    /// Spent.
    Redeemed {
        /// When.
        at: Moment,
        /// Kept, because only a second *valid* redemption may revoke.
        bound: Bound,
    },
}

/// What a redemption must match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The redirect URI of the authorization request.
    pub redirect_uri: RedirectUri,
    /// SHA-256 of the verifier that will come. A challenge that no verifier can match stays as the
    /// digest of nothing.
    pub challenge: Option<Digest>,
}

/// The refresh chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefreshState {
    /// There is none.
    NotIssued,
    /// `key` is remembered because the answer to a retry must be the same text even if the active
    /// key has changed in between.
    Live {
        /// The one that is current.
        generation: Generation,
        /// The key it was minted with.
        key: KeyId,
        /// Its end, as its text says.
        expires: Moment,
        /// Its end if it is not used.
        idle_until: Moment,
        /// Until when its predecessor returns it again.
        retry_until: Moment,
    },
}

/// The access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessState {
    /// Tokens of any other generation are inactive.
    pub generation: Generation,
    /// Individually revoked ones of this generation, until they expire.
    pub revoked: Vec<(Serial, Moment)>,
    /// Narrower scopes that tokens refer to.
    pub views: Vec<View>,
    /// Never reused.
    pub next_view: u16,
}

/// Less than the grant, never more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its number in tokens.
    pub id: ViewId,
    /// What it leaves.
    pub scope: ScopeSet,
    /// No access token of this view outlives this.
    pub until: Moment,
}

/// Reversible stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspensions {
    /// The customer is suspended.
    pub by_subject: bool,
    /// The consent is suspended.
    pub by_consent: bool,
}

/// The end of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub at: Moment,
    /// Why.
    pub why: RevokedWhy,
}

/// Why a grant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevokedWhy {
    /// Its client gave it back (RFC 7009).
    ByClient,
    /// A code or refresh token was replayed.
    Replayed,
    /// The consent was withdrawn.
    ConsentWithdrawn,
    /// Newer grants of the same consent or customer took its place.
    Displaced,
    /// By the operator.
    ByOperator,
}

/// What a new grant is made of.
#[derive(Debug)]
pub struct NewGrant {
    /// Its id.
    pub id: GrantId,
    /// To whom.
    pub client: ClientId,
    /// By whom.
    pub subject: Option<SubjectRef>,
    /// Under which consent.
    pub consent: Option<ConsentCopy>,
    /// What.
    pub scope: ScopeSet,
    /// In which spelling.
    pub spelled: Box<str>,
    /// Until when, absolute.
    pub ends: Moment,
}

impl Grant {
    /// A grant without any credential yet.
    pub fn new(new: NewGrant, ctx: &mut Ctx<'_>) -> Self {
        let access = AccessState {
            generation: Generation::FIRST,
            revoked: vec![],
            views: vec![],
            next_view: ViewId::WHOLE.0 + 1,
        };
        Self {
            id: new.id,
            surface: ctx.policy.name.into(),
            client: new.client,
            subject: new.subject,
            consent: new.consent,
            scope: new.scope,
            spelled: new.spelled,
            login: None,
            salt: Salt::mint(ctx.entropy),
            ends: new.ends,
            code: CodeState::NotUsed,
            refresh: RefreshState::NotIssued,
            access,
            suspended: Suspensions::default(),
            revoked: None,
            openid: OpenIdFacts::default(),
        }
    }

    /// Whether it is a client's own, which ends only by decision.
    #[must_use]
    pub fn is_standing(&self) -> bool {
        self.ends == Moment::NEVER
    }

    /// Whether nothing stops it: not revoked, not suspended.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.revoked.is_none() && self.suspended == Suspensions::default()
    }

    /// Why a grant that does not stand is refused. An end is told before a stop: it stays.
    #[must_use]
    pub fn fallen(&self) -> Refusal {
        if self.revoked.is_none() && self.suspended.by_subject {
            Refusal::SubjectSuspended
        } else {
            Refusal::GrantRevoked
        }
    }

    /// Revocation is one field: everything below the grant dies in the same write.
    pub fn revoke(&mut self, at: Moment, why: RevokedWhy) {
        self.revoked.get_or_insert(Revoked { at, why });
    }

    /// All access tokens at once, the refresh chain untouched.
    pub fn end_access(&mut self) {
        self.access.generation = self.access.generation.next();
        self.access.revoked.clear();
    }

    /// One access token. A full list ends the generation: more dies than was asked for, never less
    /// (RFC 7009 §2.1 allows that).
    pub fn revoke_access(&mut self, token: &Facts, now: Moment) {
        if token.generation != self.access.generation {
            return;
        }
        self.access.revoked.retain(|(serial, until)| *until > now && *serial != token.serial);
        if self.access.revoked.len() == REVOKED_MAX {
            return self.end_access();
        }
        self.access.revoked.push((token.serial, token.expires));
    }

    /// The first refresh token of the chain, or the next one.
    pub fn advance_refresh(&mut self, ctx: &Ctx<'_>, retry_s: u64) {
        let generation = match self.refresh {
            RefreshState::NotIssued => Generation::FIRST,
            RefreshState::Live { generation, .. } => generation.next(),
        };
        let idle_until = ctx.now.after(ctx.policy.refresh_ttl_s).min(self.ends);
        let rotates = ctx.policy.rotation != Rotation::Never;
        self.refresh = RefreshState::Live {
            generation,
            key: ctx.issuer.ring.active(),
            expires: if rotates { idle_until } else { self.ends },
            idle_until,
            retry_until: ctx.now.after(retry_s),
        };
    }

    /// A refresh token that stays was used: push its idle limit, in steps that seldom write.
    pub fn touch_refresh(&mut self, ctx: &Ctx<'_>) {
        let ttl_s = ctx.policy.refresh_ttl_s;
        let until = ctx.now.after(ttl_s).min(self.ends);
        if let RefreshState::Live { idle_until, .. } = &mut self.refresh
            && idle_until.after(ttl_s / STEPS) < until
        {
            *idle_until = until;
        }
    }

    /// The refresh token that is current now: a function of the state, so first answer, retry and
    /// "no rotation" are the same line.
    #[must_use]
    pub fn refresh_handle(&self, ring: &TenantRing) -> Option<Minted<Refresh>> {
        let RefreshState::Live { generation, key, expires, .. } = self.refresh else { return None };
        // Not bound to a key: its client authenticates, and may come with a new key (RFC 9449 §5).
        let (view, serial, binding) = (ViewId::WHOLE, Serial::NONE, None);
        let record = self.id.0;
        let facts = Facts { key, record, generation, view, serial, expires, binding };
        Minted::mint(facts, &self.salt, ring)
    }

    /// The code, as long as it was not spent: a function of the state.
    #[must_use]
    pub fn code_handle(&self, ring: &TenantRing) -> Option<Minted<Code>> {
        let CodeState::Issued { expires, key, .. } = self.code else { return None };
        let facts = Facts {
            key,
            record: self.id.0,
            generation: Generation::FIRST,
            view: ViewId::WHOLE,
            serial: Serial::NONE,
            expires,
            binding: None,
        };
        Minted::mint(facts, &self.salt, ring)
    }

    /// The scope of a view of it; `None`: there is no such view.
    #[must_use]
    pub fn scope_of(&self, view: ViewId) -> Option<&ScopeSet> {
        match view {
            ViewId::WHOLE => Some(&self.scope),
            narrowed => self.access.views.iter().find(|v| v.id == narrowed).map(|v| &v.scope),
        }
    }

    /// The only place that says an access token lives.
    #[must_use]
    pub fn enlivens(&self, token: &Proven<Access>, now: Moment) -> bool {
        let Facts { generation, view, serial, expires, .. } = *token.facts();
        let alive = self.stands()
            && expires > now
            && self.ends > now
            && generation == self.access.generation
            && !self.access.revoked.iter().any(|(revoked, _)| *revoked == serial);
        // A view may only narrow: when the grant itself has shrunk since, the token is dead.
        alive && self.scope_of(view).is_some_and(|scope| scope.is_subset(&self.scope))
    }
}
