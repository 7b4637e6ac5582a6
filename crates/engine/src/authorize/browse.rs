//! An authorization meets a browser: started, opened, bound to its cookie (attacks.md P17).

use counterfoil_jose::provider;
use counterfoil_protocol::ids::{InteractionId, SessionId, hex};
use counterfoil_protocol::refusal::{AuthorizeFault, Refusal};
use counterfoil_protocol::secret::Digest;

use super::remembered::silenced;
use super::respond::Answer;
use super::validate::Validated;
use crate::audit::{Note, What};
use crate::ctx::Ctx;
use crate::engine::{Call, Decided, Engine, Settle};
use crate::handle::{self, Sealed};
use crate::interaction::{Channel, Interaction, Step};
use crate::keys::Issuer;
use crate::limits::{CONNECT_TTL_S, DECOUPLED_TTL_S, INTERACTION_TTL_S};
use crate::openid_request::{OpenIdRequest, Prompt};
use crate::session::Session;
use crate::store::{Expected, Guard, Key, Record};

/// The browser of a customer: what it showed of itself with this request.
#[derive(Clone, Copy, Debug)]
pub struct Browser<'a> {
    /// The cookie of this interaction.
    pub cookie: Option<&'a str>,
    /// The session cookie.
    pub session: Option<&'a str>,
}

/// An authorization has begun.
#[derive(Debug)]
pub struct Started {
    /// Its id, for URLs.
    pub id: InteractionId,
    /// The cookie that binds it to this browser; `None` when no browser has come yet.
    pub cookie: Option<String>,
    /// Whether the customer is signed in already.
    pub signed_in: bool,
    /// The answer, where no page may be shown and one would be needed. Nothing has begun then.
    pub refused: Option<Answer>,
}

/// The form in which the cookie of an interaction is kept.
pub(crate) fn cookie_digest(cookie: &str) -> Digest {
    Digest::known(provider::sha256(cookie.as_bytes()))
}

pub(crate) fn new_cookie(ctx: &mut Ctx<'_>) -> String {
    hex(&ctx.entropy.bytes32()[..24])
}

/// The session behind a cookie, if it still saves a login.
pub(crate) fn session_key(raw: Option<&str>, issuer: &Issuer) -> Option<(Key, Opened)> {
    let sealed: Sealed<handle::Session> = Sealed::open(raw?, &issuer.ring)?;
    let id = SessionId(sealed.record());
    Some((Key::Session(issuer.tenant.id.clone(), id), sealed))
}

type Opened = Sealed<handle::Session>;

pub(crate) fn living<'s>(
    record: Option<&'s Record>,
    opened: &Opened,
    ctx: &Ctx<'_>,
) -> Option<&'s Session> {
    let Some(Record::Session(session)) = record else { return None };
    let proven = opened.prove(&session.salt, &ctx.issuer.ring)?;
    (proven.facts().expires > ctx.now && session.ends > ctx.now).then_some(session)
}

/// Whether a login saves another one for this request (OpenID Connect Core §3.1.2.1): not if the
/// client wants a new one, or a younger one, or somebody else's.
fn counts(session: &Session, request: &Validated, issuer: &Issuer) -> bool {
    let openid = &request.openid;
    let anew = [Prompt::Login, Prompt::SelectAccount];
    let wanted = |sub: &str| *issuer.sub(&request.client, &session.subject) == *sub;
    !openid.prompt.iter().any(|prompt| anew.contains(prompt))
        && openid.login_since.is_none_or(|since| session.auth_time >= since)
        && openid.sub.as_deref().is_none_or(wanted)
}

impl Engine {
    /// Begins an authorization, in this browser or for one that will come.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`], [`Refusal::StoreContended`].
    pub async fn start(
        &self,
        call: &mut Call<'_>,
        request: Validated,
        channel: Channel,
        browser: Option<Browser<'_>>,
    ) -> Result<Started, Refusal> {
        let tenant = call.issuer.tenant.id.clone();
        let session = session_key(browser.and_then(|b| b.session), call.issuer);
        let guard = Guard {
            key: Key::Client(tenant.clone(), request.client.id.clone()),
            expected: Expected::Revision(request.revision),
        };
        let with = Settle { guards: &[guard], replay: vec![], quiet: false };
        let silent = request.openid.prompt.contains(&Prompt::None);
        let pushed = request.openid.pushed.filter(|_| silent);
        let needs = |_: &_| {
            let pushed = pushed.map(|id| Key::Pushed(tenant.clone(), id));
            session.iter().map(|(key, _)| key.clone()).chain(pushed).collect()
        };
        self.settle(call, with, needs, |ctx, seen| {
            let id = InteractionId::mint(ctx.now, ctx.entropy.bytes32());
            let cookie = browser.map(|_| new_cookie(ctx));
            let session =
                session.as_ref().and_then(|(key, opened)| living(seen.get(key), opened, ctx));
            let session = session.filter(|session| counts(session, &request, ctx.issuer));
            let step = session.map_or(Step::Login, |session| Step::Consent {
                subject: session.subject.clone(),
                auth_time: session.auth_time,
            });
            let ttl_s = match (&channel, browser) {
                (Channel::Decoupled { .. }, _) => DECOUPLED_TTL_S,
                (_, None) => CONNECT_TTL_S,
                (_, Some(_)) => INTERACTION_TTL_S,
            };
            let signed_in = step != Step::Login;
            let interaction = Interaction {
                id,
                surface: call_surface(ctx),
                client: request.client.id.clone(),
                redirect_uri: request.redirect.uri().clone(),
                scope: request.scope.clone(),
                spelled: request.spelled.clone(),
                challenge: request.challenge.clone(),
                state: request.state.clone(),
                nonce: request.nonce.clone(),
                channel: channel.clone(),
                browser: cookie.as_deref().map(cookie_digest),
                step,
                failures: 0,
                ends: ctx.now.after(ttl_s),
                openid: OpenIdRequest {
                    session: session.map(|session| session.id),
                    ..request.openid.clone()
                },
            };
            if !signed_in && silent {
                let answered = silenced(seen, &interaction, &tenant, AuthorizeFault::LoginRequired);
                let started =
                    |answer| Started { id, cookie: None, signed_in, refused: Some(answer) };
                return answered.map(started);
            }
            let note = Note {
                client: Some(request.client.id.clone()),
                record: Some(id.0),
                ..Note::of(What::AuthorizationStarted)
            };
            let record = Record::Interaction(Box::new(interaction));
            Decided {
                changes: vec![(Key::Interaction(tenant.clone(), id), Some(record))],
                notes: vec![note],
                outcome: Ok(Started { id, cookie, signed_in, refused: None }),
            }
        })
        .await
    }

    /// A browser arrives at an authorization that was begun without one. The first one keeps it.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`], [`Refusal::InteractionExpired`], or the store's.
    pub async fn adopt(
        &self,
        call: &mut Call<'_>,
        id: InteractionId,
        browser: Browser<'_>,
    ) -> Result<Started, Refusal> {
        let key = Key::Interaction(call.issuer.tenant.id.clone(), id);
        let needs = |_: &_| vec![key.clone()];
        self.settle(call, Settle { quiet: true, ..Settle::default() }, needs, |ctx, seen| {
            let before = match open(seen.get(&key), ctx) {
                Ok(before) => before,
                Err(why) => return Decided::refuse(why),
            };
            let signed_in = before.step != Step::Login;
            if before.browser.is_some() {
                return match owned(before, browser) {
                    Ok(()) => {
                        Decided::answer(Started { id, cookie: None, signed_in, refused: None })
                    }
                    Err(why) => Decided::refuse(why),
                };
            }
            let cookie = new_cookie(ctx);
            let mut next = before.clone();
            next.browser = Some(cookie_digest(&cookie));
            if !matches!(next.channel, Channel::Decoupled { .. }) {
                next.ends = ctx.now.after(INTERACTION_TTL_S);
            }
            Decided {
                changes: vec![(key.clone(), Some(Record::Interaction(Box::new(next))))],
                notes: vec![],
                outcome: Ok(Started { id, cookie: Some(cookie), signed_in, refused: None }),
            }
        })
        .await
    }

    /// The authorization that this browser is in.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`], [`Refusal::InteractionExpired`], [`Refusal::StoreUnavailable`].
    pub async fn interaction(
        &self,
        issuer: &Issuer,
        id: InteractionId,
        browser: Browser<'_>,
    ) -> Result<Interaction, Refusal> {
        let key = [Key::Interaction(issuer.tenant.id.clone(), id)];
        let found = self.store.read(&key).await?.pop().flatten().map(|v| v.record);
        let Some(Record::Interaction(found)) = found else {
            return Err(Refusal::InteractionUnknown);
        };
        if found.ends <= self.clock.now() {
            return Err(Refusal::InteractionExpired);
        }
        owned(&found, browser)?;
        Ok(*found)
    }
}

fn call_surface(ctx: &Ctx<'_>) -> Box<str> {
    ctx.policy.name.into()
}

/// The interaction, if it exists and has time left.
fn open<'r>(record: Option<&'r Record>, ctx: &Ctx<'_>) -> Result<&'r Interaction, Refusal> {
    let Some(Record::Interaction(found)) = record else { return Err(Refusal::InteractionUnknown) };
    if found.ends <= ctx.now { Err(Refusal::InteractionExpired) } else { Ok(found) }
}

/// The interaction, if it is this browser's and has time left: asked again of what a decision is
/// taken on, because the tab may have moved on since the request came in.
pub(crate) fn held<'r>(
    record: Option<&'r Record>,
    browser: Browser<'_>,
    ctx: &Ctx<'_>,
) -> Result<&'r Interaction, Refusal> {
    let found = open(record, ctx)?;
    owned(found, browser).map(|()| found)
}

/// An interaction URL alone is worth nothing in another browser.
fn owned(interaction: &Interaction, browser: Browser<'_>) -> Result<(), Refusal> {
    let shown = browser.cookie.map(cookie_digest);
    let ours = interaction.browser.is_some() && interaction.browser == shown;
    if ours { Ok(()) } else { Err(Refusal::InteractionUnknown) }
}
