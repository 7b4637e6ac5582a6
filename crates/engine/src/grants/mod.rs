//! Grant types: one file each, one line in [`ALL`].
//!
//! A grant is pure. It parses its own parameters, names what must be read, and turns what was read
//! into a [`Decision`]. It cannot await, cannot see HTTP, cannot write; `engine.rs` does those.

mod access_jwt;
mod authorization_code;
mod client_credentials;
mod refresh_token;
mod less;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use crate::audit::{Note, What};
use crate::client::Client;
use crate::client_auth::AuthenticatedClient;
use crate::ctx::Ctx;
use crate::extent::Extent;
use crate::grant::{Grant, RevokedWhy};
use crate::handle::{Access, Facts, Minted, Refresh, Serial};
use crate::id_token::IdTokenDraft;
use crate::keys::{Issuer, LoadedKey};
use crate::policy::{AccessClaims, AccessFormat};
use crate::sender::Binding;

/// Every grant type this server knows. A policy picks from these.
pub static ALL: &[&dyn GrantRule] = &[AUTHORIZATION_CODE, CLIENT_CREDENTIALS, REFRESH_TOKEN];
/// `authorization_code`.
pub static AUTHORIZATION_CODE: &dyn GrantRule = &authorization_code::Rule;
/// `client_credentials`.
pub static CLIENT_CREDENTIALS: &dyn GrantRule = &client_credentials::Rule;
/// `refresh_token`.
pub static REFRESH_TOKEN: &dyn GrantRule = &refresh_token::Rule;

/// One grant type.
pub trait GrantRule: Send + Sync {
    /// The `grant_type` value, and what discovery publishes.
    fn name(&self) -> &'static str;

    /// Parses its own parameters; opens seals, so that no read is wasted on garbage.
    ///
    /// # Errors
    /// What is wrong with the parameters.
    fn parse(&self, form: &Form<'_>, asked: &Asked<'_>) -> Result<Box<dyn Prepared>, Refusal>;
}

/// Who asks, of whom, under which rules: what a grant may look at while it parses.
pub struct Asked<'a> {
    /// The client.
    pub client: &'a AuthenticatedClient,
    /// The tenant.
    pub issuer: &'a Issuer,
    /// The rules.
    pub policy: &'static crate::policy::Policy,
}

impl Asked<'_> {
    /// The scope parameter as this surface reads it, with the spelling it came in.
    pub(crate) fn scope(&self, form: &Form<'_>) -> Result<Option<(ScopeSet, Box<str>)>, Refusal> {
        let Some(raw) = form.one("scope")? else { return Ok(None) };
        if raw.len() > crate::limits::SCOPE_TEXT_LEN_MAX {
            return Err(Refusal::ScopeNotAllowed);
        }
        let scope = self.policy.scopes.read(raw, self.client)?;
        let given = (!scope.is_empty()).then(|| (scope, ScopeSet::spelling(raw).into()));
        Ok(given)
    }
}

/// A grant request with its parameters parsed. Each grant keeps its own type private to its file.
pub trait Prepared: fmt::Debug + Send + Sync {
    /// The aggregate this request is about. Known before anything was read.
    fn reads(&self, asked: &Asked<'_>) -> Option<GrantId>;

    /// The decision.
    fn decide(
        &self,
        ctx: &mut Ctx<'_>,
        client: &AuthenticatedClient,
        grant: Option<&Grant>,
    ) -> Decision<Issued>;
}

/// What to write, what to tell the auditors, what to answer, about one grant.
#[derive(Debug)]
pub struct Decision<T> {
    /// `None`: nothing changes, so nothing is written.
    pub next: Option<Grant>,
    /// What the audit trail says.
    pub notes: Vec<Note>,
    /// The answer, if the commit succeeds.
    pub outcome: Result<T, Refusal>,
}

impl<T> Decision<T> {
    /// No, and nothing changes.
    pub fn refuse(why: Refusal) -> Self {
        Self { next: None, notes: vec![], outcome: Err(why) }
    }

    /// No, and the auditors hear of it.
    pub fn refuse_and_tell(grant: &Grant, what: What, why: Refusal) -> Self {
        let notes = vec![Note::about(what, grant).because(why)];
        Self { next: None, notes, outcome: Err(why) }
    }

    /// No, and everything that hangs from the grant ends.
    pub fn refuse_and_revoke(grant: &Grant, ctx: &Ctx<'_>, why: Refusal) -> Self {
        let mut grant = grant.clone();
        grant.revoke(ctx.now, RevokedWhy::Replayed);
        let notes = vec![Note::about(What::ReplayDetected, &grant).because(why)];
        Self { next: Some(grant), notes, outcome: Err(why) }
    }

    /// A decision that changes nothing writes nothing; comparing makes that impossible to forget. A
    /// grant that is still borrowed is the one that was read.
    pub fn answer(before: Option<&Grant>, after: Cow<'_, Grant>, answer: T) -> Self {
        let next = match after {
            Cow::Owned(after) if before != Some(&after) => Some(after),
            Cow::Borrowed(_) | Cow::Owned(_) => None,
        };
        let note = match (&next, before) {
            (Some(after), _) => Some(Note::about(What::TokenIssued, after)),
            (None, before) => before.map(|same| Note::about(What::TokenIssuedUnchanged, same)),
        };
        Self { next, notes: note.into_iter().collect(), outcome: Ok(answer) }
    }
}

/// What the client receives on success, before signatures.
#[derive(Debug)]
pub struct Issued {
    /// The access token.
    pub access: IssuedAccess,
    /// Seconds until it ends.
    pub expires_in_s: u64,
    /// The refresh token that is current.
    pub refresh: Option<Minted<Refresh>>,
    /// The scope, canonical.
    pub scope: ScopeSet,
    /// The scope as answered.
    pub spelled: Box<str>,
    /// Authorization details, normalised JSON.
    pub details: Option<Box<str>>,
    /// The ID token to be signed.
    pub id_token: Option<IdTokenDraft>,
}

/// An access token on its way out.
#[derive(Debug)]
pub enum IssuedAccess {
    /// Complete.
    Opaque(Minted<Access>),
    /// To be signed.
    Jwt {
        /// What it says.
        facts: Facts,
        /// The key that signs.
        key: Arc<LoadedKey>,
        /// The claims.
        claims: String,
        /// Which kind of token its header says it is.
        typ: &'static str,
    },
}

impl IssuedAccess {
    /// What it says.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        match self {
            Self::Opaque(minted) => minted.facts(),
            Self::Jwt { facts, .. } => facts,
        }
    }
}

/// What a token is to be good for, and the scope as it is answered.
#[derive(Debug)]
struct Wanted {
    extent: Extent,
    spelled: Box<str>,
}

/// Shared by every grant: an access token that is good for what is `wanted`, and the refresh token that
/// is current. `before` is the grant as it was read.
fn issue(
    before: Option<&Grant>,
    mut grant: Cow<'_, Grant>,
    Wanted { extent, spelled }: Wanted,
    client: &AuthenticatedClient,
    ctx: &mut Ctx<'_>,
) -> Decision<Issued> {
    let known = grant.view_kept(&extent, ctx);
    let Some(view) = known.or_else(|| grant.to_mut().view(&extent, ctx)) else {
        return Decision::refuse(Refusal::TooManyViews);
    };
    let expires = ctx.now.after(ctx.policy.access_ttl_s).min(grant.ends);
    let facts = Facts {
        key: ctx.issuer.ring.active(),
        record: grant.id.0,
        generation: grant.access.generation,
        view,
        serial: Serial::mint(ctx.entropy),
        expires,
        binding: client.binding(),
    };
    let Some(access) = access_token(facts, &grant, &spelled, client, ctx) else {
        return Decision::refuse(Refusal::Internal);
    };
    let refresh = grant.refresh_handle(&ctx.issuer.ring);
    let Ok(id_token) = IdTokenDraft::of(&grant, &extent.scope, client, ctx) else {
        return Decision::refuse(Refusal::Internal);
    };
    let expires_in_s = expires.since(ctx.now);
    let Extent { scope, details, .. } = extent;
    let issued = Issued { access, expires_in_s, refresh, scope, spelled, details, id_token };
    Decision::answer(before, grant, issued)
}

/// `None` when the key it needs is not there.
fn access_token(
    facts: Facts,
    grant: &Grant,
    scope: &str,
    client: &Client,
    ctx: &Ctx<'_>,
) -> Option<IssuedAccess> {
    let own = client.metadata.jwt_access_tokens.then(|| access_jwt::format(client, ctx.issuer));
    let format = own.unwrap_or(ctx.policy.access_format);
    let AccessFormat::Jwt { alg, typ, claims } = format else {
        return Minted::mint(facts, &grant.salt, &ctx.issuer.ring).map(IssuedAccess::Opaque);
    };
    let key = ctx.issuer.active_key(alg)?.clone();
    let client = grant.client.as_str();
    let claims = claims(&AccessClaims {
        issuer: &ctx.issuer.url,
        id: &token_id(&facts),
        issued: ctx.now,
        expires: facts.expires,
        subject: grant.subject.as_ref().map_or(client, |s| &s.sub),
        client,
        scope,
        audience: grant.audience(facts.view),
        details: grant.details(facts.view),
        binding: facts.binding,
        login: grant.login.as_ref().map(|login| (login.auth_time, grant.openid.acr.as_deref())),
    });
    Some(IssuedAccess::Jwt { facts, key, claims, typ })
}

const TOKEN_ID_LEN: usize = 30;

/// The `jti` of a JWT access token: the same statement that a handle makes.
fn token_id(facts: &Facts) -> String {
    let mut said = [0; TOKEN_ID_LEN];
    said[..16].copy_from_slice(&facts.record);
    said[16..20].copy_from_slice(&facts.generation.0.to_be_bytes());
    said[20..22].copy_from_slice(&facts.view.0.to_be_bytes());
    said[22..].copy_from_slice(&facts.serial.0.to_be_bytes());
    Base64UrlUnpadded::encode_string(&said)
}

/// The inverse of the `jti` of a JWT access token whose signature has verified.
pub(crate) fn facts_of(
    token_id: &str,
    expires: Moment,
    binding: Option<Binding>,
    issuer: &Issuer,
) -> Option<Facts> {
    let mut said = [0; TOKEN_ID_LEN];
    let said = Base64UrlUnpadded::decode(token_id, &mut said).ok()?;
    let said: &[u8; TOKEN_ID_LEN] = said.try_into().ok()?;
    Some(Facts {
        key: issuer.ring.active(),
        record: said[..16].try_into().ok()?,
        generation: crate::handle::Generation(u32::from_be_bytes(said[16..20].try_into().ok()?)),
        view: crate::handle::ViewId(u16::from_be_bytes(said[20..22].try_into().ok()?)),
        serial: Serial(u64::from_be_bytes(said[22..].try_into().ok()?)),
        expires,
        binding,
    })
}
