//! How customers sign in.

pub mod password;
pub mod throttle;

use counterfoil_protocol::ids::{InteractionId, Login, SessionId, SubjectId};
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::secret::Secret;

use crate::audit::{Note, What};
use crate::authorize::{Answer, Browser, held, pushed_key, spend};
use crate::client::Client;
use crate::ctx::Ctx;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::handle::Salt;
use crate::interaction::{Channel, Interaction, RefusedWhy, Step};
use crate::keys::Issuer;
use crate::limits::{LOGIN_ATTEMPTS_MAX, PASSWORD_LEN_MAX, SESSION_TTL_S};
use crate::session::Session;
use crate::store::{ClaimKind, Key, Record};
use crate::subject::{Scenario, Subject};

/// How strongly customers can sign in here (`acr`), the best first. A name and a password are one
/// factor.
pub const ACRS: &[&str] = &["urn:counterfoil:acr:one-factor"];

/// What became of an attempt to sign in.
#[derive(Debug)]
pub enum LoggedIn {
    /// On to the consent page, with new cookies: one planted before the login is dead.
    Proceed {
        /// The new cookie of the interaction.
        cookie: String,
        /// The session cookie.
        session: String,
    },
    /// Once more.
    Again {
        /// How often they may still try.
        attempts_left: u8,
    },
    /// The client is told no.
    Finished(Answer),
}

impl Engine {
    /// An attempt to sign in. What is wrong, the name or the password, is nowhere to be seen: not in
    /// the answer, not in the time it takes.
    ///
    /// # Errors
    /// The interaction's, the store's, [`Refusal::LoginThrottled`]; [`Refusal::Overloaded`], and that
    /// counts as no attempt.
    pub async fn login(
        &self,
        call: &mut Call<'_>,
        id: InteractionId,
        browser: Browser<'_>,
        (login, password): (&str, &Secret),
    ) -> Result<LoggedIn, Refusal> {
        let before = self.interaction(call.issuer, id, browser).await?;
        let tenant = call.issuer.tenant.id.clone();
        let client = self.client(&tenant, &before.client).await?;
        let (client, _) = client.ok_or(Refusal::ClientUnknown)?;
        let name = *call.issuer.login_digest(login).bytes();
        if !self.throttle.admits(&name, self.clock.now()) {
            return Err(Refusal::LoginThrottled);
        }
        let subject = match Login::parse(login) {
            Ok(login) => self.owner(&tenant, ClaimKind::Login, login.as_str()).await?,
            Err(_) => None,
        };
        let subject = subject.and_then(|owner| SubjectId::parse(&owner).ok());
        let subject = match subject {
            Some(id) => self.subject(&tenant, &id).await?,
            None => None,
        };
        let hash = subject.as_ref().and_then(|s| s.password_hash.clone());
        let short_enough = password.expose().len() <= PASSWORD_LEN_MAX;
        let matches = short_enough && self.passwords.check(hash.as_deref(), password).await?;
        if !matches {
            self.throttle.failed(&name, self.clock.now());
        }
        let subject = subject.filter(|_| matches);
        let key = Key::Interaction(tenant.clone(), id);
        let needs = |seen: &Seen| {
            let pushed = pushed_key(seen.get(&key), &tenant);
            std::iter::once(key.clone()).chain(pushed).collect()
        };
        self.settle(call, Settle::default(), needs, |ctx, seen| {
            let before = match held(seen.get(&key), browser, ctx) {
                Ok(before) => before,
                Err(why) => return Decided::refuse(why),
            };
            if before.step != Step::Login {
                return Decided::refuse(Refusal::InteractionUnknown);
            }
            match &subject {
                Some(subject) if is_meant(subject, before, &client, ctx.issuer) => {
                    right(ctx, seen, (&key, before), subject)
                }
                Some(_) | None => wrong(seen, &key, before),
            }
        })
        .await
    }

    /// The customer is somebody else than the one who is signed in: back to the login.
    ///
    /// # Errors
    /// The interaction's, the store's.
    pub async fn switch_customer(
        &self,
        call: &mut Call<'_>,
        id: InteractionId,
        browser: Browser<'_>,
    ) -> Result<(), Refusal> {
        self.interaction(call.issuer, id, browser).await?;
        let key = Key::Interaction(call.issuer.tenant.id.clone(), id);
        let needs = |_: &Seen| vec![key.clone()];
        self.settle(call, Settle::default(), needs, |ctx, seen| {
            let before = match held(seen.get(&key), browser, ctx) {
                Ok(before) => before,
                Err(why) => return Decided::refuse(why),
            };
            match before.step {
                Step::Login => return Decided::answer(()),
                Step::Consent { .. } => {}
                Step::Approved { .. } | Step::Refused { .. } => {
                    return Decided::refuse(Refusal::InteractionUnknown);
                }
            }
            let mut next = before.clone();
            next.step = Step::Login;
            next.openid.session = None;
            let change = (key.clone(), Some(Record::Interaction(Box::new(next))));
            Decided { changes: vec![change], notes: vec![], outcome: Ok(()) }
        })
        .await
    }
}

/// Whether this is the customer whom the client named, if it named one.
fn is_meant(
    subject: &Subject,
    interaction: &Interaction,
    client: &Client,
    issuer: &Issuer,
) -> bool {
    let named = interaction.openid.sub.as_deref();
    if named.is_some_and(|sub| *issuer.sub(client, &subject.id) != *sub) {
        return false;
    }
    match &interaction.channel {
        Channel::Decoupled { psu, .. } => **psu == *subject.login.as_str(),
        Channel::Redirect | Channel::Provider { .. } => true,
    }
}

fn wrong(seen: &Seen, key: &Key, before: &Interaction) -> Decided<LoggedIn> {
    let note = Note { client: Some(before.client.clone()), ..Note::of(What::LoginFailed) };
    let note = note.because(Refusal::LoginWrong);
    let mut next = before.clone();
    next.failures = next.failures.saturating_add(1);
    let attempts_left = LOGIN_ATTEMPTS_MAX.saturating_sub(next.failures);
    if attempts_left == 0 {
        return over(seen, key, next, (RefusedWhy::Throttled, note));
    }
    Decided {
        changes: vec![(key.clone(), Some(Record::Interaction(Box::new(next))))],
        notes: vec![note],
        outcome: Ok(LoggedIn::Again { attempts_left }),
    }
}

/// A login that ends the authorization with a no. What was pushed is spent with it, as by any other
/// answer; it ends also where another tab was first, or there would be no end of guessing.
fn over(
    seen: &Seen,
    key: &Key,
    mut next: Interaction,
    (why, note): (RefusedWhy, Note),
) -> Decided<LoggedIn> {
    let mut changes = vec![];
    let spent = spend(&mut changes, seen, &next, key.tenant());
    let outcome = spent.map(|()| LoggedIn::Finished(Answer::refused(&next, why.refusal())));
    next.step = Step::Refused { why };
    changes.push((key.clone(), Some(Record::Interaction(Box::new(next)))));
    Decided { changes, notes: vec![note], outcome }
}

fn right(
    ctx: &mut Ctx<'_>,
    seen: &Seen,
    (key, before): (&Key, &Interaction),
    subject: &Subject,
) -> Decided<LoggedIn> {
    let refused = match subject.scenario {
        _ if subject.suspended => Some(RefusedWhy::DeclinedByBank),
        Scenario::Denied => Some(RefusedWhy::DeclinedByBank),
        Scenario::ScaFail => Some(RefusedWhy::ScaFailed),
        Scenario::None | Scenario::Expired => None,
    };
    let mut next = before.clone();
    if let Some(why) = refused {
        let note = Note { subject: Some(subject.id.clone()), ..Note::of(What::ConsentRefused) };
        return over(seen, key, next, (why, note.because(why.refusal())));
    }
    let cookie = crate::authorize::new_cookie(ctx);
    next.browser = Some(crate::authorize::cookie_digest(&cookie));
    next.failures = 0;
    next.step = Step::Consent { subject: subject.id.clone(), auth_time: ctx.now };
    let session = Session {
        id: SessionId::mint(ctx.now, ctx.entropy.bytes32()),
        subject: subject.id.clone(),
        auth_time: ctx.now,
        ends: ctx.now.after(SESSION_TTL_S),
        salt: Salt::mint(ctx.entropy),
        key: ctx.issuer.ring.active(),
        acr: ACRS.first().map(|acr| (*acr).into()),
        amr: vec!["pwd".into()],
        clients: vec![],
    };
    next.openid.session = Some(session.id);
    let Some(handle) = session.cookie(&ctx.issuer.ring) else {
        return Decided::refuse(Refusal::Internal);
    };
    let handle = handle.to_wire().to_owned();
    let session_key = Key::Session(ctx.issuer.tenant.id.clone(), session.id);
    let note = Note { subject: Some(subject.id.clone()), ..Note::of(What::LoginSucceeded) };
    Decided {
        changes: vec![
            (key.clone(), Some(Record::Interaction(Box::new(next)))),
            (session_key, Some(Record::Session(Box::new(session)))),
        ],
        notes: vec![note],
        outcome: Ok(LoggedIn::Proceed { cookie, session: handle }),
    }
}
