//! A world: the real engine, a store in some weather, a clock that is set, and who lives there.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use counterfoil_engine::active::Active;
use counterfoil_engine::admin::Desired;
use counterfoil_engine::authorize::{
    Answer, Approval, AuthorizeError, Browser, Received, Started, Unpacked,
};
use counterfoil_engine::client::Client;
use counterfoil_engine::client_auth::{Authorization, Presented};
use counterfoil_engine::client_keys::Fetched;
use counterfoil_engine::consent::Shown;
use counterfoil_engine::ctx::Clock as _;
use counterfoil_engine::directory::Directory;
use counterfoil_engine::engine::{AuditMode, Call, Engine};
use counterfoil_engine::grant::Grant;
use counterfoil_engine::grants::{Issued, IssuedAccess};
use counterfoil_engine::interaction::Channel;
use counterfoil_engine::keys::{InPlace, Issuer};
use counterfoil_engine::login::LoggedIn;
use counterfoil_engine::login::throttle::Throttle;
use counterfoil_engine::outbound::Nobody;
use counterfoil_engine::policy::Policy;
use counterfoil_engine::store::{ClaimKind, Key, Record, Store};
use counterfoil_engine::subject::Subject;
use counterfoil_protocol::basic::Candidate;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::{GrantId, InteractionId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;

use crate::dice::{Dice, SetClock};
use crate::fixtures::{
    self, BASE, CALLBACK, OWNER, PASSWORD, PROVIDER, QuickPasswords, RESOURCE_SERVER,
    RESOURCE_SERVERS, RIVAL, TURNS_MAX,
};
use crate::plain::Plain;
use crate::storm::Storm;

pub(crate) const START: u64 = 1_790_000_000;

pub(crate) struct World {
    pub(crate) storm: Arc<Storm>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) engine: Engine,
    pub(crate) policy: &'static Policy,
    issuers: Vec<Arc<Issuer>>,
    turn: AtomicUsize,
}

/// How a client shows who it is.
#[derive(Clone, Debug)]
pub(crate) enum Shows {
    /// This client's id and secret.
    Secret(&'static str),
    /// A client assertion.
    Assertion(String),
}

/// Where a customer's browser is.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    pub(crate) id: InteractionId,
    pub(crate) cookie: String,
}

impl World {
    pub(crate) fn new(policy: &'static Policy, seed: u64) -> Self {
        let clock = Arc::new(SetClock::at(START));
        Self::over(Arc::new(Plain::default()), clock, policy, seed)
    }

    pub(crate) fn over(
        store: Arc<dyn Store>,
        clock: Arc<SetClock>,
        policy: &'static Policy,
        seed: u64,
    ) -> Self {
        let storm = Arc::new(Storm::over(store, seed ^ 2));
        let engine = Engine {
            store: storm.clone(),
            clock: clock.clone(),
            file: Arc::new(fixtures::key_file(0)),
            signer: Arc::new(InPlace),
            passwords: Arc::new(QuickPasswords),
            outbound: Arc::new(Nobody),
            base: BASE.into(),
            audit: AuditMode::Changes,
            directory: Directory::default(),
            fetched: Fetched::default(),
            throttle: Throttle::default(),
            outbox: counterfoil_engine::outbox::Outbox::default(),
            registrations: counterfoil_engine::register::Flood::default(),
            access_events: Mutex::new(VecDeque::new()),
        };
        let issuers = (0..TURNS_MAX).map(|turns| fixtures::issuer(policy, turns)).collect();
        let world = Self { storm, clock, engine, policy, issuers, turn: AtomicUsize::new(0) };
        let all = fixtures::registered(policy);
        for name in [OWNER, RIVAL] {
            world.register(fixtures::client(policy, world.issuer(), name, all));
        }
        world.register(fixtures::resource_server(policy, world.issuer()));
        world.set_subject(fixtures::subject());
        let tenant = fixtures::tenant(policy);
        let record = Record::Tenant(Box::new(tenant));
        world.storm.put(Key::Tenant(fixtures::tenant_id()), record);
        world
    }

    /// As if it had always been so.
    pub(crate) fn register(&self, client: Client) {
        let key = Key::Client(fixtures::tenant_id(), client.id.clone());
        self.storm.put(key, Record::Client(Box::new(client)));
    }

    pub(crate) fn set_subject(&self, subject: Subject) {
        let tenant = fixtures::tenant_id();
        let claim = Key::Claim(tenant.clone(), ClaimKind::Login, subject.login.as_str().into());
        self.storm.put(claim, Record::Claim(subject.id.as_str().into()));
        self.storm.put(subject_key(&tenant, &subject), Record::Subject(Box::new(subject)));
    }

    pub(crate) fn subject(&self) -> Subject {
        let key = Key::Subject(fixtures::tenant_id(), fixtures::subject_id());
        let Some(Record::Subject(subject)) = self.storm.record(&key) else { unreachable!() };
        *subject
    }

    pub(crate) fn client(&self, name: &str) -> Client {
        let key = Key::Client(fixtures::tenant_id(), fixtures::client_id(name));
        let Some(Record::Client(client)) = self.storm.record(&key) else { unreachable!() };
        *client
    }

    pub(crate) fn grant(&self, id: GrantId) -> Option<Grant> {
        match self.storm.record(&Key::Grant(fixtures::tenant_id(), id)) {
            Some(Record::Grant(grant)) => Some(Arc::unwrap_or_clone(grant)),
            _ => None,
        }
    }

    pub(crate) fn issuer(&self) -> &Arc<Issuer> {
        &self.issuers[self.turn.load(Ordering::Relaxed)]
    }

    /// The next key becomes the active one; the others go on verifying.
    pub(crate) fn turn_keys(&self) {
        let next = (self.turn.load(Ordering::Relaxed) + 1).min(self.issuers.len() - 1);
        self.turn.store(next, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(crate) fn call<'a>(&'a self, dice: &'a mut Dice) -> Call<'a> {
        Call { issuer: self.issuer(), policy: self.policy, entropy: dice, request: [1; 16] }
    }

    pub(crate) async fn token(
        &self,
        shows: &Shows,
        form: &[(&str, &str)],
        dice: &mut Dice,
    ) -> Result<Issued, Refusal> {
        let form = Form::of(form.iter().copied());
        let (call, rules) = (&mut self.call(dice), self.policy.grants);
        self.engine.issue(call, rules, &presented(shows), &form).await
    }

    pub(crate) async fn revoke(
        &self,
        shows: &Shows,
        token: &str,
        dice: &mut Dice,
    ) -> Result<(), Refusal> {
        let rules = (&self.policy.client_auth, Some(self.policy.name));
        self.engine.revoke(&mut self.call(dice), &presented(shows), rules, Ok(token)).await
    }

    pub(crate) async fn introspect(
        &self,
        token: &str,
        dice: &mut Dice,
    ) -> Result<Option<Active>, Refusal> {
        let (shows, rules) = (Shows::Secret(RESOURCE_SERVER), &RESOURCE_SERVERS);
        let seen = self.engine.introspect(&self.call(dice), &presented(&shows), rules, token).await;
        seen.map(|seen| seen.map(|seen| seen.active))
    }

    pub(crate) fn channel(&self) -> Channel {
        if self.policy.name == "fintecture" {
            Channel::Provider { provider: PROVIDER.into() }
        } else {
            Channel::Redirect
        }
    }

    /// An authorization begins, in a browser with or without a session.
    pub(crate) async fn start(
        &self,
        session: Option<&str>,
        dice: &mut Dice,
    ) -> Result<Started, Refusal> {
        let challenge = fixtures::challenge();
        let form = [
            ("response_type", "code"),
            ("client_id", OWNER),
            ("redirect_uri", CALLBACK),
            ("scope", fixtures::asked(self.policy)),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let browser = Some(Browser { cookie: None, session });
        self.start_with(&form, self.channel(), browser, dice).await
    }

    pub(crate) async fn start_with(
        &self,
        form: &[(&str, &str)],
        channel: Channel,
        browser: Option<Browser<'_>>,
        dice: &mut Dice,
    ) -> Result<Started, Refusal> {
        let form = Form::of(form.iter().copied());
        let mut call = self.call(dice);
        let client_id = form.one("client_id").unwrap().unwrap_or_default();
        let unpacked = Unpacked::default();
        let received =
            Received { form: &form, client_id, default_scope: None, unpacked: &unpacked };
        let valid = self.engine.validate(&call, received).await.map_err(|why| match why {
            AuthorizeError::Show { why, .. } | AuthorizeError::Redirect { why, .. } => why,
        })?;
        self.engine.start(&mut call, valid, channel, browser).await
    }

    pub(crate) async fn login(
        &self,
        tab: &Tab,
        password: &str,
        dice: &mut Dice,
    ) -> Result<LoggedIn, Refusal> {
        let secret = counterfoil_protocol::secret::Secret::new(password.into());
        let browser = Browser { cookie: Some(&tab.cookie), session: None };
        self.engine.login(&mut self.call(dice), tab.id, browser, ("ada", &secret)).await
    }

    pub(crate) async fn approve(&self, tab: &Tab, dice: &mut Dice) -> Result<Answer, Refusal> {
        let shown = Shown { page_sha256: [3; 32], locale: "en".into(), template: "1".into() };
        let accounts = vec![fixtures::account()];
        let approval = Approval { accounts, accounts_needed: true, shown };
        let browser = Browser { cookie: Some(&tab.cookie), session: None };
        self.engine.approve(&mut self.call(dice), tab.id, browser, &approval).await
    }

    /// A client's registration changes, by file.
    pub(crate) async fn reregister(&self, scope: &str, dice: &mut Dice) -> Result<(), Refusal> {
        let client = fixtures::client(self.policy, self.issuer(), OWNER, scope);
        let clients = vec![(fixtures::tenant_id(), client)];
        let desired = Desired { clients, ..Desired::default() };
        self.engine.apply(&desired, dice).await.map(|_| ())
    }

    /// From the client's link to the consent page, in fair weather.
    pub(crate) fn signed_in(&self, dice: &mut Dice) -> (Tab, String) {
        let started = crate::dice::now(self.start(None, dice)).unwrap();
        let tab = Tab { id: started.id, cookie: started.cookie.unwrap() };
        match crate::dice::now(self.login(&tab, PASSWORD, dice)) {
            Ok(LoggedIn::Proceed { cookie, session }) => (Tab { cookie, ..tab }, session),
            other => unreachable!("{other:?}"),
        }
    }
}

fn subject_key(tenant: &counterfoil_protocol::ids::TenantId, subject: &Subject) -> Key {
    Key::Subject(tenant.clone(), subject.id.clone())
}

pub(crate) fn presented(shows: &Shows) -> Presented<'_> {
    match shows {
        Shows::Secret(client) => {
            let secret = fixtures::secret_of(client);
            let candidate = Candidate { client: fixtures::client_id(client), secret };
            let authorization = Authorization::Basic(vec![candidate]);
            Presented { authorization, ..Presented::default() }
        }
        Shows::Assertion(assertion) => Presented {
            assertion_type: Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            assertion: Some(assertion),
            audiences: vec![BASE.into()],
            ..Presented::default()
        },
    }
}

/// The text of an opaque access token.
pub(crate) fn at(issued: &Issued) -> &str {
    match &issued.access {
        IssuedAccess::Opaque(minted) => minted.to_wire(),
        IssuedAccess::Jwt { .. } => unreachable!("no world has these"),
    }
}
