//! From parameters to a request that may be shown to a customer (RFC 6749 §4.1.1).
//!
//! As long as the redirect URI is not trusted, a refusal is a page of ours; afterwards it goes to
//! the client. Never both.

use std::sync::Arc;

use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::pkce::Challenge;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::{AuthorizeFault, Fault, Refusal};
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Digest;

use super::unpack::Unpacked;
use super::{hint, parameters};
use crate::client::{Client, ClientStatus};
use crate::engine::{Call, Engine};
use crate::grants::AUTHORIZATION_CODE;
use crate::keys::Issuer;
use crate::limits::{SCOPE_TEXT_LEN_MAX, STATE_LEN_MAX};
use crate::openid_request::OpenIdRequest;
use crate::policy::{Parameters, Pkce, Policy};
use crate::response_mode::ResponseMode;
use crate::store::Revision;

/// A redirect URI that has been matched against the registration. Owning one is the licence to
/// redirect, also with an error; before it exists errors can only be shown on our own page.
///
/// ```compile_fail
/// use counterfoil_engine::authorize::TrustedRedirect;
/// use counterfoil_protocol::redirect_uri::RedirectUri;
/// fn open_redirect(raw: RedirectUri) -> TrustedRedirect { TrustedRedirect(raw) }
/// ```
#[derive(Clone, Debug)]
pub struct TrustedRedirect(RedirectUri);

impl TrustedRedirect {
    /// The URI, for whoever sends the customer there.
    #[must_use]
    pub fn uri(&self) -> &RedirectUri {
        &self.0
    }

    /// From an interaction, whose URI was matched before the record was made.
    pub(super) fn of_interaction(interaction: &crate::interaction::Interaction) -> Self {
        Self(interaction.redirect_uri.clone())
    }
}

/// Why an authorization request goes no further.
#[derive(Debug)]
pub enum AuthorizeError {
    /// On our page: we do not know whom we would be redirecting to.
    Show {
        /// Why.
        why: Refusal,
        /// For developers, where the operator allows it.
        detail: Option<Mismatch>,
    },
    /// To the client.
    Redirect {
        /// Where.
        to: TrustedRedirect,
        /// To whom.
        client: ClientId,
        /// How it travels.
        mode: ResponseMode,
        /// Returned byte for byte.
        state: Option<Box<str>>,
        /// Why.
        why: Refusal,
    },
}

impl AuthorizeError {
    pub(super) fn show(why: Refusal) -> Self {
        Self::Show { why, detail: None }
    }

    /// To the client, before anything of its request can be believed.
    pub(super) fn redirect(
        to: TrustedRedirect,
        client: &Client,
        policy: &Policy,
        why: Refusal,
    ) -> Self {
        let mode = parameters::default_mode(client, policy);
        Self::Redirect { to, client: client.id.clone(), mode, state: None, why }
    }
}

/// A redirect URI that is not registered, and those that are.
#[derive(Debug)]
pub struct Mismatch {
    /// The client.
    pub client: ClientId,
    /// What was sent.
    pub sent: Box<str>,
    /// What is registered.
    pub registered: Vec<RedirectUri>,
}

/// Parameters of the query or form; nothing is believed yet.
#[derive(Debug)]
pub struct Received<'a> {
    /// The parameters.
    pub form: &'a Form<'a>,
    /// The name the client id goes by: `client_id`, or `app_id` on Fintecture.
    pub client_id: &'a str,
    /// The scope when none is sent.
    pub default_scope: Option<&'static str>,
    /// How the parameters came, if not in the request itself.
    pub unpacked: &'a Unpacked,
}

/// A request that may be shown to a customer.
#[derive(Debug)]
pub struct Validated {
    /// Who asks.
    pub client: Arc<Client>,
    pub(super) revision: Revision,
    /// Where the answer goes.
    pub redirect: TrustedRedirect,
    pub(super) scope: ScopeSet,
    pub(super) spelled: Box<str>,
    pub(super) challenge: Option<Box<str>>,
    pub(super) state: Option<Box<str>>,
    pub(super) nonce: Option<Box<str>>,
    pub(super) openid: OpenIdRequest,
}

impl Validated {
    /// Whether the key that a pushed request was proven with is the one it names (RFC 9449 §10.1).
    pub(crate) fn fits(&self, sender: Option<&Digest>) -> bool {
        let named = self.openid.sender.as_ref();
        named.is_none() || sender.is_none() || named == sender
    }
}

impl Engine {
    /// Checks everything that can be checked without a customer.
    ///
    /// # Errors
    /// Where and how to say no.
    pub async fn validate(
        &self,
        call: &Call<'_>,
        received: Received<'_>,
    ) -> Result<Validated, AuthorizeError> {
        let show = AuthorizeError::show;
        let id = ClientId::parse(received.client_id).map_err(|_| show(Refusal::ClientUnknown))?;
        let tenant = &call.issuer.tenant.id;
        let (client, revision) = self
            .client(tenant, &id)
            .await
            .map_err(show)?
            .filter(|(client, _)| &*client.surface == call.policy.name)
            .ok_or(show(Refusal::ClientUnknown))?;
        if client.status == ClientStatus::Suspended {
            return Err(show(Refusal::ClientSuspended));
        }
        let redirect = trust(&client, received.form)?;
        // A repeated `state` cannot be returned; it stays out and the fault is told.
        let state = received.form.one("state").unwrap_or_default();
        let state: Option<Box<str>> = state.filter(|s| s.len() <= STATE_LEN_MAX).map(Into::into);
        let mode = parameters::response_mode(received.form, &client, call.policy);
        let request = Request::of(&received, &client, call, self.clock.now());
        let request = request.map_err(|why| AuthorizeError::Redirect {
            to: redirect.clone(),
            client: client.id.clone(),
            mode: mode.unwrap_or_else(|_| parameters::default_mode(&client, call.policy)),
            state: state.clone(),
            why,
        })?;
        let Request { scope, spelled, challenge, nonce, openid } = request;
        Ok(Validated {
            client,
            revision,
            redirect,
            scope,
            spelled,
            challenge,
            state,
            nonce,
            openid,
        })
    }
}

pub(super) fn trust(client: &Client, form: &Form<'_>) -> Result<TrustedRedirect, AuthorizeError> {
    let sent = form.required("redirect_uri").map_err(AuthorizeError::show)?;
    let uri = RedirectUri::parse(sent).ok().filter(|uri| client.redirect(uri).is_some());
    uri.map(TrustedRedirect).ok_or_else(|| AuthorizeError::Show {
        why: Refusal::RedirectUnregistered,
        detail: Some(Mismatch {
            client: client.id.clone(),
            sent: counterfoil_protocol::refusal::printable(sent).into(),
            registered: client.redirect_uris.clone(),
        }),
    })
}

struct Request {
    scope: ScopeSet,
    spelled: Box<str>,
    challenge: Option<Box<str>>,
    nonce: Option<Box<str>>,
    openid: OpenIdRequest,
}

impl Request {
    fn of(
        received: &Received<'_>,
        client: &Client,
        call: &Call<'_>,
        now: Moment,
    ) -> Result<Self, Refusal> {
        let (form, policy) = (received.form, call.policy);
        let may_repeat = |name: &str| {
            name == "resource" && policy.authorization.parameters == Parameters::OpenId
        };
        if let Some(name) = form.iter().enumerate().find_map(|(n, (name, _))| {
            let twice = form.iter().take(n).any(|(earlier, _)| earlier == name);
            (twice && !may_repeat(name)).then_some(name)
        }) {
            return Err(Refusal::Parameter(known(name), Fault::Repeated));
        }
        if form.one("state")?.is_some_and(|state| state.len() > STATE_LEN_MAX) {
            return Err(Refusal::Parameter("state", Fault::Malformed));
        }
        if form.required("response_type")? != "code" {
            return Err(Refusal::ResponseTypeUnknown);
        }
        if !client.may_use(AUTHORIZATION_CODE.name()) {
            return Err(Refusal::AuthorizeNotAllowed);
        }
        let challenge = challenge(form, policy.pkce)?;
        let (scope, spelled) = scope(received, client, policy)?;
        let nonce: Option<Box<str>> = form.one("nonce")?.map(Into::into);
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > STATE_LEN_MAX) {
            return Err(Refusal::Parameter("nonce", Fault::Malformed));
        }
        let mut openid = parameters::read(form, client, policy, (call.issuer, now))?;
        openid.sub = expected(form, client, policy, call.issuer)?;
        openid.sender = received.unpacked.sender.or(openid.sender);
        openid.pushed = received.unpacked.pushed;
        // Clients are confidential: whoever holds the browser could have written anything (attacks.md
        // T-RAR).
        if openid.details.is_some() && !received.unpacked.by_client {
            return Err(Refusal::Authorize(AuthorizeFault::DetailsByBrowser));
        }
        Ok(Self { scope, spelled, challenge, nonce, openid })
    }
}

/// Who it must be: whom the hint names, or the `sub` that is asked for by value (§5.5.1).
fn expected(
    form: &Form<'_>,
    client: &Client,
    policy: &Policy,
    issuer: &Issuer,
) -> Result<Option<Box<str>>, Refusal> {
    if policy.authorization.parameters != Parameters::OpenId {
        return Ok(None);
    }
    let Some(raw) = form.one("id_token_hint")? else {
        let requested = crate::claims::Requested::kept(form.one("claims")?);
        let wanted = requested.of_login("sub").and_then(|wanted| wanted.values.first());
        return Ok(wanted.and_then(|value| value.as_str()).map(Into::into));
    };
    let hint = hint::read(raw, issuer)
        .filter(|hint| hint.audience.iter().any(|audience| **audience == *client.id.as_str()));
    let malformed = Refusal::Parameter("id_token_hint", Fault::Malformed);
    hint.map(|hint| Some(hint.sub)).ok_or(malformed)
}

/// The static name of a parameter, for refusals.
fn known(name: &str) -> &'static str {
    let names = [
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    ];
    let all = names.into_iter().chain(parameters::NAMES);
    all.into_iter().find(|known| *known == name).unwrap_or("unnamed")
}

fn challenge(form: &Form<'_>, pkce: Pkce) -> Result<Option<Box<str>>, Refusal> {
    let (raw, method) = (form.one("code_challenge")?, form.one("code_challenge_method")?);
    let (len_min, len_max) = match pkce {
        Pkce::Optional if raw.is_none() => return Ok(None),
        Pkce::Optional => (43, 43),
        Pkce::Required { len_min, len_max } => (len_min, len_max),
    };
    let malformed = |_| Refusal::Parameter("code_challenge", Fault::Malformed);
    let raw = raw.ok_or(Refusal::Parameter("code_challenge", Fault::Missing))?;
    let challenge = Challenge::parse(raw, len_min, len_max).map_err(malformed)?;
    match method {
        Some("S256") => Ok(Some(challenge.as_str().into())),
        Some(_) => Err(Refusal::Parameter("code_challenge_method", Fault::Malformed)),
        None => Err(Refusal::Parameter("code_challenge_method", Fault::Missing)),
    }
}

fn scope(
    received: &Received<'_>,
    client: &Client,
    policy: &'static Policy,
) -> Result<(ScopeSet, Box<str>), Refusal> {
    let sent = received.form.one("scope")?.or(received.default_scope);
    // Authorization details say it all, if the client wants (RFC 9396 §3).
    let has_details = policy.authorization.parameters == Parameters::OpenId
        && received.form.one("authorization_details")?.is_some();
    if sent.is_none() && has_details {
        return Ok((ScopeSet::default(), "".into()));
    }
    let raw = sent.ok_or(Refusal::ScopeMissing)?;
    if raw.len() > SCOPE_TEXT_LEN_MAX {
        return Err(Refusal::ScopeNotAllowed);
    }
    let rules = policy.scopes;
    let scope = rules.read(raw, client)?;
    let allowed = !scope.is_empty()
        && scope.is_subset(&client.scope)
        && rules.through(AUTHORIZATION_CODE.name(), &scope)
        && rules.required().is_none_or(|required| scope.contains(required));
    if allowed {
        Ok((scope, ScopeSet::spelling(raw).into()))
    } else {
        Err(Refusal::ScopeNotAllowed)
    }
}
