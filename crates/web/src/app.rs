//! The application: from a request to an answer, whatever carries it. No socket in here.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use counterfoil_engine::client_auth::Presented;
use counterfoil_engine::ctx::Entropy;
use counterfoil_engine::engine::{Call, Engine};
use counterfoil_engine::keys::Issuer;
use counterfoil_engine::policy::{NonceRule, Policy};
use counterfoil_engine::sender::mtls::PeerCertificate;
use counterfoil_engine::sender::{ProofHeader, Shown};
use counterfoil_engine::tenant::{Mount, Switches};
use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::{ProofFault, Refusal, printable};
use http::Response;
use http::request::Parts;

use crate::common::logo::Logos;
use crate::common::{self, plain::Plain};
use crate::edge;
use crate::journal::{Entry, Journal, Trace};
use crate::locate::{By, Located, locate};
use crate::making::Making;
use crate::reply::{self, Body, Reply};
use crate::request_id::RequestId;
use crate::surfaces::{self, Route, Surface};
use crate::ui;
use crate::ui::render::Pages;
use crate::ui::views::DemoView;

/// Everything that answers requests.
pub struct App {
    /// Decides.
    pub engine: Arc<Engine>,
    /// Renders.
    pub pages: Pages,
    /// Draws the logos of clients.
    pub logos: Arc<dyn Logos>,
    /// Remembers refusals for the operator.
    pub journal: Arc<dyn Journal>,
    /// Signing keys that are still to come.
    pub making: Arc<Making>,
    /// Dice for one request.
    pub dice: Box<dyn Fn() -> Box<dyn Entropy> + Send + Sync>,
    /// Set in the sandbox: what pages tell developers.
    pub sandbox: Option<DemoView>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "App({:?})", self.engine)
    }
}

/// What the journal keeps of a path.
const PATH_LEN_MAX: usize = 200;

/// How a request came: what the listener knows and the message does not say.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// Whether it came over TLS.
    pub secure: bool,
    /// The certificate that the client showed.
    pub certificate: Option<Arc<PeerCertificate>>,
}

/// One request on its way through.
pub struct Ask<'r> {
    /// The tenant.
    pub issuer: &'r Arc<Issuer>,
    /// Its choices for the surface.
    pub switches: Switches,
    /// The surface.
    pub surface: &'static dyn Surface,
    /// Its rules.
    pub policy: &'static Policy,
    /// The request without its body.
    pub parts: &'r Parts,
    /// The body.
    pub body: &'r Bytes,
    /// Where the path led.
    pub located: &'r Located<'r>,
    /// What stands for `{}` in the path.
    pub parameters: [&'r str; 2],
    /// The name of this request.
    pub id: RequestId,
    /// Whether it came over TLS.
    pub secure: bool,
    /// The certificate that the client showed.
    pub certificate: Option<&'r PeerCertificate>,
    /// Whether the client used the `Authorization` header.
    pub by_header: bool,
    /// The address of the server.
    pub engine_base: &'r str,
    /// The languages that were wished for when this began, and which no later address repeats
    /// (`ui_locales`).
    pub locales: Option<Box<str>>,
    /// What the journal will say.
    pub trace: Trace,
    /// Dice.
    pub entropy: Box<dyn Entropy>,
}

impl std::fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ask({} {})", self.parts.method, self.located.rest)
    }
}

impl<'r> Ask<'r> {
    /// What the engine wants to know of this request.
    pub fn call(&mut self) -> Call<'_> {
        let request = self.id.bytes();
        Call { issuer: self.issuer, policy: self.policy, entropy: &mut *self.entropy, request }
    }

    /// The credentials of a form, and, where there is an assertion, the audiences it may name.
    ///
    /// # Errors
    /// A repeated parameter.
    pub fn presented<'f>(&self, form: &'f Form<'_>) -> Result<Presented<'f>, Refusal>
    where
        'r: 'f,
    {
        let mut presented = edge::presented(&self.parts.headers, form)?;
        presented.shown = self.shown();
        if presented.assertion.is_some() {
            presented.audiences = self.audiences();
        }
        Ok(presented)
    }

    /// What the request shows besides credentials.
    #[must_use]
    pub fn shown<'f>(&self) -> Shown<'f>
    where
        'r: 'f,
    {
        let tenant = &self.issuer.tenant;
        let path = self.parts.uri.path();
        // The addresses are those of our configuration, never the `Host` of the request.
        let bases =
            [Some(tenant.base.as_deref().unwrap_or(self.engine_base)), tenant.mtls_base.as_deref()];
        let proof = edge::proof(&self.parts.headers);
        // Only a proof names an address.
        let bases = bases.into_iter().flatten().filter(|_| proof != ProofHeader::Absent);
        Shown {
            proof,
            certificate: self.certificate,
            method: self.parts.method.as_str(),
            addresses: bases.map(|base| format!("{base}{path}")).collect(),
        }
    }

    fn audiences(&self) -> Vec<String> {
        if self.policy.client_auth.assertion.is_some_and(|profile| profile.issuer_only) {
            return vec![self.issuer.url.to_string()];
        }
        match self.issuer.tenant.mount {
            Mount::Realm { .. } => surfaces::worldline::audiences(self),
            Mount::Root | Mount::Path => {
                let url = &self.issuer.url;
                vec![url.to_string(), format!("{url}{}", self.located.rest)]
            }
        }
    }

    /// A parameter of the form, as sent: for texts that repeat it.
    #[must_use]
    pub fn sent(&self, name: &'static str) -> Option<String> {
        surfaces::worldline::sent(self, name)
    }

    /// Notes a refusal, and for the operator who claimed to be asking and for what. Only here, so
    /// that a request that succeeds pays nothing for it.
    pub fn refused(&mut self, why: Refusal) {
        self.trace.refused(why);
        let (body, headers) = (self.body, &self.parts.headers);
        let form = Form::decode(body).unwrap_or_default();
        let sent = |name| form.one(name).ok().flatten();
        let alias = sent("app_id").or(edge::header(headers, "app_id"));
        let named = sent("client_id").or(alias).map(printable);
        let named = named.or_else(|| edge::basic_name(headers).map(|name| printable(&name)));
        self.trace.client = named.or(self.trace.client.take());
        for name in ["grant_type", "scope", "redirect_uri", "token_type_hint"] {
            if let Ok(Some(value)) = form.one(name) {
                self.trace.fact(name, value);
            }
        }
        let methods = [
            (self.by_header, "Authorization header"),
            (sent("client_secret").is_some(), "client_secret in the body"),
            (sent("client_assertion").is_some(), "client_assertion"),
        ];
        for (_, how) in methods.into_iter().filter(|(used, _)| *used) {
            self.trace.fact("credentials", how);
        }
    }

    /// Continues under the rules of another surface: pages learn it from the interaction.
    pub fn on_surface(&mut self, name: &str) -> Result<(), Refusal> {
        let surface = surfaces::named(name).ok_or(Refusal::InteractionUnknown)?;
        let switches = self.issuer.tenant.surface(name).ok_or(Refusal::InteractionUnknown)?;
        self.surface = surface;
        self.switches = *switches;
        self.policy = surface.policy(switches);
        self.trace.surface = Some(surface.name());
        Ok(())
    }
}

impl App {
    /// Answers a request. Never panics: a bug answers 500 and the server lives on.
    pub async fn respond(&self, parts: &Parts, body: &Bytes, carried: &Carried) -> Response<Body> {
        let mut entropy = (self.dice)();
        let id = name_of(&mut *entropy);
        let mut seen = Trace::default();
        // Behind a proxy that speaks TLS the browser is on https all the same.
        let secure = carried.secure || self.engine.base.starts_with("https://");
        let (over_tls, certificate) = (carried.secure, carried.certificate.as_deref());
        let arrived = Arrived { parts, body, over_tls, secure, certificate, id };
        let answered = {
            let answering = std::pin::pin!(self.answer(&arrived, &mut seen, entropy));
            CatchUnwind(answering).await
        };
        let reply = answered.unwrap_or_else(|()| {
            seen.refused(Refusal::Internal);
            self.unhandled(Refusal::Internal, &arrived)
        });
        self.finish(reply, parts, id, seen)
    }

    /// A refusal of the transport, before there is a whole request.
    #[must_use]
    pub fn refuse(&self, why: Refusal, parts: &Parts) -> Response<Body> {
        let (mut seen, body) = (Trace::default(), Bytes::new());
        let id = name_of(&mut *(self.dice)());
        seen.refused(why);
        let (over_tls, secure, certificate) = (false, false, None);
        let arrived = Arrived { parts, body: &body, over_tls, secure, certificate, id };
        self.finish(self.unhandled(why, &arrived), parts, id, seen)
    }

    /// A refusal that no handler speaks, as the surface whose path it is would put it: its clients
    /// read that shape. Nothing is waited for, so only a tenant that is at hand has one.
    fn unhandled(&self, why: Refusal, arrived: &Arrived<'_>) -> Reply {
        let plain = || reply::refusal(why, false, "counterfoil");
        let Ok(located) = locate(arrived.parts.uri.path()) else { return plain() };
        let issuer = self.engine.issuer_at_hand(&located.tenant);
        let Some(issuer) = issuer.filter(|known| mounted(&known.tenant.mount, located.by)) else {
            return plain();
        };
        match find(&issuer, located.rest, arrived.parts.method.as_str()) {
            Ok(found) | Err(Missed::Method(_, found)) => {
                let ask = self.ask((&issuer, &located), &found, arrived, (self.dice)());
                found.surface.refusal(why, &ask)
            }
            Err(Missed::Path) => plain(),
        }
    }

    /// What a handler is given.
    fn ask<'r>(
        &'r self,
        (issuer, located): (&'r Arc<Issuer>, &'r Located<'r>),
        found: &Found<'r>,
        arrived: &Arrived<'r>,
        entropy: Box<dyn Entropy>,
    ) -> Ask<'r> {
        let Arrived { parts, body, secure, certificate, id, .. } = *arrived;
        Ask {
            issuer,
            switches: found.switches,
            policy: found.surface.policy(&found.switches),
            surface: found.surface,
            parts,
            body,
            located,
            parameters: found.parameters,
            id,
            secure,
            certificate,
            by_header: parts.headers.contains_key(http::header::AUTHORIZATION),
            engine_base: &self.engine.base,
            locales: None,
            trace: Trace::default(),
            entropy,
        }
    }

    fn finish(
        &self,
        mut reply: Reply,
        parts: &Parts,
        id: RequestId,
        seen: Trace,
    ) -> Response<Body> {
        if let (Some(why), Some(_)) = (seen.why, &self.sandbox) {
            // In the sandbox the reason is the developer's too; the body stays the surface's.
            let stable = why.stable();
            let name = http::HeaderName::from_static("x-counterfoil-reason");
            reply.set(name, &format!("{} {}", stable.code, stable.title));
        }
        // Whoever was sent away unread left nothing to look up, and there may be thousands of them.
        let read = seen.why.is_some_and(|why| why != Refusal::Overloaded);
        if read || self.journal.wants_successes() {
            let stable = seen.why.map(Refusal::stable);
            let path = parts.uri.path();
            let issuer = seen.issuer.as_ref();
            self.journal.keep(&Entry {
                at: self.engine.clock.now().0,
                reference: id.reference().into(),
                request_id: String::from_utf8_lossy(&id.text()),
                method: parts.method.as_str().into(),
                path: path[..path.floor_char_boundary(PATH_LEN_MAX)].into(),
                tenant: issuer.map(|issuer| issuer.tenant.id.as_str().into()),
                surface: seen.surface.map(Into::into),
                client: seen.client.as_deref().map(Into::into),
                status: reply.status,
                code: stable.map(|stable| stable.code.into()),
                title: stable.map(|stable| stable.title.into()),
                facts: seen.facts.as_slice().into(),
            });
        }
        reply.into_response(id)
    }

    async fn answer(
        &self,
        arrived: &Arrived<'_>,
        seen: &mut Trace,
        entropy: Box<dyn Entropy>,
    ) -> Reply {
        let Arrived { parts, over_tls, .. } = *arrived;
        if let Some(asset) = ui::asset(parts) {
            return asset;
        }
        let located = match locate(parts.uri.path()) {
            Ok(located) => located,
            Err(why) => return self.lost(why, arrived, seen, By::Root),
        };
        // Asked first: if they are there by now, they are found.
        let making = self.making.is_at(&located.tenant);
        let issuer = match self.engine.issuer(&located.tenant).await {
            Ok(issuer) if mounted(&issuer.tenant.mount, located.by) => issuer,
            Ok(_) => return self.lost(Refusal::TenantUnknown, arrived, seen, located.by),
            Err(Refusal::TenantDisabled) => {
                if let Some(reply) = self.disabled(&located).await {
                    seen.refused(Refusal::TenantDisabled);
                    return reply;
                }
                return self.lost(Refusal::TenantDisabled, arrived, seen, located.by);
            }
            Err(why) => return self.lost(why, arrived, seen, located.by),
        };
        seen.issuer = Some(issuer.clone());
        if issuer.tenant.https_required && !over_tls {
            return self.lost(Refusal::TlsRequired, arrived, seen, located.by);
        }
        let found = match find(&issuer, located.rest, parts.method.as_str()) {
            Ok(found) => found,
            Err(Missed::Path) => {
                return self.lost(Refusal::PathUnknown, arrived, seen, located.by);
            }
            Err(Missed::Method(allowed, found)) => {
                seen.refused(Refusal::MethodNotAllowed);
                let ask = self.ask((&issuer, &located), &found, arrived, entropy);
                return found.surface.refusal(Refusal::MethodNotAllowed, &ask).allow(&allowed);
            }
        };
        let issuer = if making && lacks_keys(&issuer, &found) {
            self.making.over(&located.tenant).await;
            match self.engine.issuer(&located.tenant).await {
                Ok(issuer) => issuer,
                Err(why) => return self.lost(why, arrived, seen, located.by),
            }
        } else {
            issuer
        };
        let mut ask = self.ask((&issuer, &located), &found, arrived, entropy);
        ask.trace = std::mem::take(seen);
        ask.trace.surface = Some(ask.surface.name());
        let mut reply = (found.route.handler)(self, &mut ask).await;
        let demanded = ask.policy.sender.nonce == NonceRule::Required;
        let proves = parts.headers.contains_key("dpop");
        if ask.trace.why == Some(ProofFault::Nonce.into()) || (demanded && proves) {
            // RFC 9449 §8.2: the next request can begin with it.
            let nonce = issuer.nonces.current(self.engine.clock.now());
            reply.set(http::HeaderName::from_static("dpop-nonce"), &nonce);
        }
        *seen = ask.trace;
        reply
    }

    /// What a disabled tenant still says; `None`: nothing, as if it did not exist.
    async fn disabled(&self, located: &Located<'_>) -> Option<Reply> {
        let tenant = self.engine.tenant(&located.tenant).await.ok()?;
        let at_its_place = mounted(&tenant.mount, located.by);
        at_its_place.then(|| surfaces::worldline::realm_disabled(&tenant)).flatten()
    }

    /// What comes before any route: a page for people, JSON for programs.
    fn lost(&self, why: Refusal, arrived: &Arrived<'_>, seen: &mut Trace, by: By) -> Reply {
        seen.refused(why);
        // The operator may know that it is there, others need not.
        let why = if why == Refusal::TenantDisabled { Refusal::TenantUnknown } else { why };
        if why == Refusal::TenantUnknown && by == By::Realm {
            return Reply::json_bytes(404, br#"{"error":"Realm does not exist"}"#.to_vec());
        }
        if ui::wants_page(arrived.parts) {
            return ui::bare_error_page(self, why, arrived.parts, arrived.id);
        }
        reply::refusal(why, false, "counterfoil")
    }
}

/// A request as it came.
#[derive(Clone, Copy)]
struct Arrived<'r> {
    parts: &'r Parts,
    body: &'r Bytes,
    /// The connection itself.
    over_tls: bool,
    /// As far as the browser can see.
    secure: bool,
    certificate: Option<&'r PeerCertificate>,
    id: RequestId,
}

fn mounted(mount: &Mount, by: By) -> bool {
    matches!(
        (mount, by),
        (Mount::Root, By::Root) | (Mount::Path, By::Path) | (Mount::Realm { .. }, By::Realm)
    )
}

/// Whether a request may need a signing key that is not there: one that its surface signs with, or
/// all, because they are published.
fn lacks_keys(issuer: &Issuer, found: &Found<'_>) -> bool {
    let policy = found.surface.policy(&found.switches);
    let signs = found.surface.name() != Plain.name();
    let lacks = policy.algs.iter().any(|alg| issuer.active_key(*alg).is_none());
    (signs && lacks) || found.route.path == common::jwks::PATH
}

struct Found<'p> {
    surface: &'static dyn Surface,
    switches: Switches,
    route: &'static Route,
    parameters: [&'p str; 2],
}

enum Missed<'p> {
    Path,
    /// What would have been allowed, and a route of that path.
    Method(String, Found<'p>),
}

/// The route of a path: of the surfaces that the tenant serves, then of every tenant.
fn find<'p>(issuer: &Issuer, path: &'p str, method: &str) -> Result<Found<'p>, Missed<'p>> {
    let in_realm = matches!(issuer.tenant.mount, Mount::Realm { .. });
    let mut allowed: Vec<&str> = vec![];
    let mut other = None;
    let mut look = |surface: &'static dyn Surface, switches: Switches, routes: &'static [Route]| {
        for route in routes {
            let Some(parameters) = matches_path(route.path, path) else { continue };
            let found = Found { surface, switches, route, parameters };
            if route.methods.contains(&if method == "HEAD" { "GET" } else { method }) {
                return Some(found);
            }
            allowed.extend(route.methods);
            other.get_or_insert(found);
        }
        None
    };
    for surface in surfaces::ALL.iter().copied().filter(|s| s.in_realms() == in_realm) {
        let Some(switches) = issuer.tenant.surface(surface.name()) else { continue };
        if let Some(found) = look(surface, *switches, surface.routes()) {
            return Ok(found);
        }
    }
    let registers = issuer.tenant.registration.is_some();
    let shared = [
        (true, common::METADATA),
        (!in_realm, common::ROUTES),
        (!in_realm && registers, common::REGISTRATION),
    ];
    for (_, routes) in shared.into_iter().filter(|(served, _)| *served) {
        if let Some(found) = look(&Plain, Switches::default(), routes) {
            return Ok(found);
        }
    }
    Err(other.map_or(Missed::Path, |found| Missed::Method(allowed.join(", "), found)))
}

/// What stands for `{}` when `path` is of this form.
fn matches_path<'p>(pattern: &str, path: &'p str) -> Option<[&'p str; 2]> {
    let alike = |(a, b): &(u8, u8)| a == b && *a != b'{';
    let same = pattern.bytes().zip(path.bytes()).take_while(alike).count();
    match pattern.as_bytes().get(same) {
        None => return (same == path.len()).then_some(["", ""]),
        Some(b'{') => {}
        Some(_) => return None,
    }
    let mut parameters = [""; 2];
    let mut next = 0;
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some("{}"), Some(value)) if !value.is_empty() => {
                *parameters.get_mut(next)? = value;
                next += 1;
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(_) | None, Some(_) | None) => return None,
        }
    }
}

/// A name for a request.
fn name_of(entropy: &mut dyn Entropy) -> RequestId {
    let mut random = [0; 16];
    random.copy_from_slice(&entropy.bytes32()[..16]);
    RequestId::new(random)
}

/// Turns a panic of the inner future into an error.
struct CatchUnwind<'f, F>(Pin<&'f mut F>);

impl<F: Future> Future for CatchUnwind<'_, F> {
    type Output = Result<F::Output, ()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = self.0.as_mut();
        match std::panic::catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(_) => Poll::Ready(Err(())),
        }
    }
}
