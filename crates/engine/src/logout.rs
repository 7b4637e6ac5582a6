//! Signing out (OpenID Connect RP-Initiated Logout §2 to §4): who asks, whether the customer has to be
//! asked, where the browser goes; and the end of a login together with what its clients are to be told
//! of it (Back-Channel Logout §2.3).
//!
//! A login ends. What the customer has allowed stays: that is a consent, and is taken back elsewhere.

use std::sync::Arc;

use counterfoil_protocol::ids::{DeliveryId, SubjectId};
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::{Fault, Refusal, printable};

use crate::audit::{Note, What};
use crate::authorize::{Mismatch, hint, living, session_key};
use crate::client::{Client, ClientStatus};
use crate::ctx::Ctx;
use crate::delivery::Delivery;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::keys::Issuer;
use crate::limits::{DELIVERY_TTL_S, STATE_LEN_MAX};
use crate::session::Session;
use crate::store::{Key, Record};

/// A request as it came; nothing is believed yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogoutRequest<'f> {
    /// `id_token_hint`.
    pub hint: Option<&'f str>,
    /// `client_id`.
    pub client_id: Option<&'f str>,
    /// `post_logout_redirect_uri`.
    pub to: Option<&'f str>,
    /// `state`.
    pub state: Option<&'f str>,
}

/// Why a request goes no further. It is told on our page and never by a redirect.
#[derive(Debug)]
pub struct LogoutRefused {
    /// Why.
    pub why: Refusal,
    /// For developers, where the operator allows it.
    pub detail: Option<Mismatch>,
}

impl From<Refusal> for LogoutRefused {
    fn from(why: Refusal) -> Self {
        Self { why, detail: None }
    }
}

/// A request whose client is known and whose address is one of that client's. Only this module makes
/// one: owning it is the licence to send the browser there.
#[derive(Debug)]
pub struct Leaving {
    /// Who asks, if anybody says so.
    pub client: Option<Arc<Client>>,
    to: Option<RedirectUri>,
    state: Option<Box<str>>,
    /// The customer of the hint, as the client knows them.
    sub: Option<Box<str>>,
}

impl Leaving {
    /// The address that the browser is sent to, without `state`.
    #[must_use]
    pub fn to(&self) -> Option<&RedirectUri> {
        self.to.as_ref()
    }

    /// What makes the same request again, without its hint.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let client = self.client.as_ref().map(|client| ("client_id", client.id.as_str()));
        let to = self.to.as_ref().map(|to| ("post_logout_redirect_uri", to.as_str()));
        let state = self.state.as_deref().map(|state| ("state", state));
        [client, to, state].into_iter().flatten()
    }

    /// The address with `state`, once (§3).
    #[must_use]
    pub fn location(&self) -> Option<String> {
        let state = self.state.as_deref().map(|state| ("state", state));
        self.to.as_ref().map(|to| to.with_query(state.as_slice()))
    }

    /// Whether an ID token of ours came with it.
    #[must_use]
    pub fn is_hinted(&self) -> bool {
        self.sub.is_some()
    }

    /// Whether the hint is of the customer who is signed in. Which of their logins it tells of does
    /// not matter: a newer one is theirs as well.
    fn is_of(&self, session: &Session, issuer: &Issuer) -> bool {
        let known = self.client.as_ref().zip(self.sub.as_deref());
        known.is_some_and(|(client, sub)| *issuer.sub(client, &session.subject) == *sub)
    }
}

/// What became of a login.
#[derive(Debug, PartialEq, Eq)]
pub enum SignedOut {
    /// It has ended.
    Ended,
    /// There was none.
    Nobody,
    /// The customer has to be asked: anybody can send a browser here (§6).
    Asks {
        /// Their name.
        customer: Box<str>,
    },
}

/// The same while it is decided.
enum Decision {
    Ended { told: bool },
    Nobody,
    Asks(SubjectId),
}

impl Engine {
    /// Who asks, and where the browser may go.
    ///
    /// # Errors
    /// [`Refusal::LogoutHint`], [`Refusal::LogoutRedirectUnregistered`], those of the client and the
    /// store.
    pub async fn leaving(
        &self,
        call: &Call<'_>,
        request: LogoutRequest<'_>,
    ) -> Result<Leaving, LogoutRefused> {
        if request.state.is_some_and(|state| state.len() > STATE_LEN_MAX) {
            return Err(Refusal::Parameter("state", Fault::Malformed).into());
        }
        // Expired is good enough: it says who, not until when (§2).
        let hint = request.hint.map(|raw| hint::read(raw, call.issuer).ok_or(Refusal::LogoutHint));
        let hint = hint.transpose()?;
        let named = match (&hint, request.client_id) {
            (Some(hint), Some(id)) if !hint.audience.iter().any(|of| **of == *id) => {
                return Err(Refusal::LogoutHint.into());
            }
            (Some(hint), None) => hint.audience.first().map(|of| &**of),
            (Some(_) | None, id) => id,
        };
        let client = match named {
            Some(id) => Some(self.client_named(call, id).await?),
            None => None,
        };
        let to = request.to.map(|sent| registered(client.as_deref(), sent)).transpose()?;
        let (state, sub) = (request.state.map(Into::into), hint.map(|hint| hint.sub));
        Ok(Leaving { client, to, state, sub })
    }

    /// Ends the login of this browser, if the customer said so or the hint is theirs.
    ///
    /// # Errors
    /// The store's.
    pub async fn sign_out(
        &self,
        call: &mut Call<'_>,
        leaving: &Leaving,
        session: Option<&str>,
        confirmed: bool,
    ) -> Result<SignedOut, Refusal> {
        let Some((key, opened)) = session_key(session, call.issuer) else {
            return Ok(SignedOut::Nobody);
        };
        let tenant = call.issuer.tenant.id.clone();
        let needs = |seen: &Seen| {
            let mut keys = vec![key.clone()];
            if let Some(Record::Session(session)) = seen.get(&key) {
                let clients = session.clients.iter();
                keys.extend(clients.map(|client| Key::Client(tenant.clone(), client.clone())));
            }
            keys
        };
        let with = Settle { quiet: true, ..Settle::default() };
        let decided = self
            .settle(call, with, needs, |ctx, seen| {
                let Some(session) = living(seen.get(&key), &opened, ctx) else {
                    return Decided::answer(Decision::Nobody);
                };
                if confirmed || leaving.is_of(session, ctx.issuer) {
                    return end(ctx, seen, &key, session);
                }
                Decided::answer(Decision::Asks(session.subject.clone()))
            })
            .await?;
        match decided {
            Decision::Nobody => Ok(SignedOut::Nobody),
            Decision::Asks(id) => {
                let customer = self.subject(&tenant, &id).await?;
                let customer = customer.map(|subject| subject.name).unwrap_or_default();
                Ok(SignedOut::Asks { customer })
            }
            Decision::Ended { told } => {
                if told {
                    self.outbox.expect(&tenant, self.clock.now());
                }
                Ok(SignedOut::Ended)
            }
        }
    }
}

/// Byte for byte, also the port (§3.1): whoever sends a browser back to an app has registered how.
fn registered(client: Option<&Client>, sent: &str) -> Result<RedirectUri, LogoutRefused> {
    let why = Refusal::LogoutRedirectUnregistered;
    // Nobody says whose address it is.
    let Some(client) = client else { return Err(why.into()) };
    let registered = &client.metadata.post_logout_redirect_uris;
    registered.iter().find(|uri| uri.as_str() == sent).cloned().ok_or_else(|| LogoutRefused {
        why,
        detail: Some(Mismatch {
            client: client.id.clone(),
            sent: printable(sent).into(),
            registered: registered.clone(),
        }),
    })
}

/// The login ends, and who is to be told of it is written down in the same batch: neither happens
/// without the other.
fn end(ctx: &mut Ctx<'_>, seen: &Seen, key: &Key, session: &Session) -> Decided<Decision> {
    let tenant = key.tenant();
    let mut changes = vec![(key.clone(), None)];
    for id in &session.clients {
        let client = seen.get(&Key::Client(tenant.clone(), id.clone()));
        let Some(Record::Client(client)) = client else { continue };
        // Nothing of a customer goes to a client that the bank has stopped working with.
        let active = client.status == ClientStatus::Active;
        let Some(url) = client.metadata.backchannel_logout_uri.clone().filter(|_| active) else {
            continue;
        };
        let delivery = Delivery {
            id: DeliveryId::mint(ctx.now, ctx.entropy.bytes32()),
            client: id.clone(),
            url,
            sub: Some(ctx.issuer.sub(client, &session.subject)),
            sid: Some(ctx.issuer.sid(id, &session.id)),
            attempts: 0,
            due: ctx.now,
            ends: ctx.now.after(DELIVERY_TTL_S),
        };
        let at = Key::Delivery(tenant.clone(), delivery.id);
        changes.push((at, Some(Record::Delivery(Box::new(delivery)))));
    }
    let note = Note {
        subject: Some(session.subject.clone()),
        record: Some(session.id.0),
        ..Note::of(What::LoggedOut)
    };
    let told = changes.len() > 1;
    Decided { changes, notes: vec![note], outcome: Ok(Decision::Ended { told }) }
}
