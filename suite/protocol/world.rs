//! A server without sockets: its clock, its dice, its store and what its journal has noted.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use counterfoil_engine::admin::Desired;
use counterfoil_engine::client::Client;
use counterfoil_engine::client_keys::Fetched;
use counterfoil_engine::ctx::{Clock, Entropy};
use counterfoil_engine::directory::Directory;
use counterfoil_engine::engine::{AuditMode, Engine};
use counterfoil_engine::handle::{HandleKey, KeyId, Keyring};
use counterfoil_engine::keys::{self, InPlace, Issuer, KeyFile, StoredKey};
use counterfoil_engine::login::password::{Busy, Passwords};
use counterfoil_engine::login::throttle::Throttle;
use counterfoil_engine::outbound::{Incoming, Outbound, OutboundFault, Outgoing};
use counterfoil_engine::store::{BoxFuture, Key, Record, Store};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::{self, WrappingKey};
use counterfoil_protocol::ids::{ClientId, Kid, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::secret::Secret;
use counterfoil_server::resources::{self, Addresses};
use counterfoil_store::MemoryStore;
use counterfoil_web::app::{App, Carried};
use counterfoil_web::common::logo::NoLogos;
use counterfoil_web::journal::{Entry, Journal};
use counterfoil_web::ui::render::Pages;
use http_body_util::BodyExt as _;

use crate::wire::{Answer, Ask};

/// 2026-11-21T17:45:35Z: within reach of every captured request.
pub(crate) const NOW: Moment = Moment(1_795_283_135);

/// The address of the server.
pub(crate) const BASE: &str = "https://bank.example";

/// A clock that is set.
#[derive(Debug)]
pub(crate) struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}

impl SetClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// Dice that fall the same way in every run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dice(Arc<AtomicU64>);

impl Entropy for Dice {
    fn bytes32(&mut self) -> [u8; 32] {
        let throw = self.0.fetch_add(1, Ordering::SeqCst);
        provider::sha256_of(&[b"dice", &throw.to_be_bytes()])
    }
}

/// Everybody's password is `demo`, without the milliseconds that a hash takes.
#[derive(Debug)]
struct Demo;

impl Passwords for Demo {
    fn check<'a>(
        &'a self,
        hash: Option<&'a str>,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, Busy>> {
        Box::pin(async move { Ok(hash.is_some() && password.expose() == b"demo") })
    }
}

/// Keeps every entry.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<Vec<Entry<'static>>>);

impl Journal for Noted {
    fn keep(&self, entry: &Entry<'_>) {
        self.0.lock().unwrap().push(entry.clone().into_owned());
    }
    fn wants_successes(&self) -> bool {
        false
    }
}

/// See the module.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) noted: Arc<Noted>,
    pub(crate) dice: Dice,
    runtime: tokio::runtime::Runtime,
}

/// A folder beside this file.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol").join(name)
}

/// The text of a file beside this one.
pub(crate) fn file(name: &str) -> String {
    let path = folder(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn key_file() -> KeyFile {
    let secret = |text: &[u8]| Secret::new(provider::sha256(text).to_vec());
    let handle = HandleKey { id: KeyId(1), secret: secret(b"handle") };
    KeyFile {
        keyring: Keyring::new(handle, vec![]),
        pepper: secret(b"pepper"),
        wrapping: WrappingKey::new(&provider::sha256(b"wrapping")),
    }
}

/// The clients on the other side: what they were posted, and how they answer.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    /// Where to, and which form.
    pub(crate) posted: Mutex<Vec<(String, String)>>,
    /// The status of every answer; 0 is none.
    pub(crate) status: AtomicU16,
}

impl Outbound for Mailbox {
    fn admits(&self, _: &str) -> bool {
        false
    }

    fn call<'a>(&'a self, call: Outgoing<'a>) -> BoxFuture<'a, Result<Incoming, OutboundFault>> {
        let form = call.form.unwrap_or_default().to_owned();
        self.posted.lock().unwrap().push((call.url.to_owned(), form));
        let status = self.status.load(Ordering::SeqCst);
        let answer = Incoming { status, media_type: None, body: vec![] };
        let answer = if status == 0 { Err(OutboundFault::NoAnswer) } else { Ok(answer) };
        Box::pin(std::future::ready(answer))
    }
}

/// The key with which every tenant signs: a fixed one, so that what is published can be compared.
fn signing_key(keys: &KeyFile) -> StoredKey {
    let pem = file("keys/server.pem");
    let key = SigningKey::from_pem(Alg::RS256, &pem).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pkcs8 = <base64ct::Base64 as base64ct::Encoding>::decode_vec(&body).unwrap();
    let (kid, nonce) = ("signing-key-1", [7; 12]);
    StoredKey {
        kid: Kid::parse(kid).unwrap(),
        alg: Alg::RS256.as_str().into(),
        public_jwk: serde_json::to_string(&key.public_jwk(kid)).unwrap().into(),
        wrapped: keys.wrapping.seal(nonce, kid.as_bytes(), &pkcs8),
        nonce,
        created: NOW,
    }
}

impl World {
    /// The bank of `resources/bank`.
    pub(crate) fn new() -> Self {
        Self::of("resources/bank", BASE, |store| store)
    }

    /// The same, over a store that is wrapped into another.
    pub(crate) fn over(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self::of("resources/bank", BASE, wrap)
    }

    /// Any folder of resources, under any address.
    pub(crate) fn of(
        resources: &str,
        base: &str,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let clock = Arc::new(SetClock(AtomicU64::new(NOW.0)));
        let (noted, dice) = (Arc::new(Noted::default()), Dice::default());
        let mailbox = Arc::new(Mailbox::default());
        let micros = clock.clone();
        let memory = MemoryStore::new(Box::new(move || micros.now().0 * 1_000_000));
        let file = Arc::new(key_file());
        let key = signing_key(&file);
        let addresses = Addresses { base: base.into(), https: Some(BASE.into()), mtls: None };
        let loaded = resources::load(&folder(resources), &addresses, &file);
        let mut desired = loaded.unwrap_or_else(|e| panic!("{e}")).desired;
        desired.keys = desired.tenants.iter().map(|t| (t.id.clone(), key.clone())).collect();
        // What FAPI signs with by itself.
        for tenant in desired.tenants.iter().filter(|t| t.id.as_str().starts_with("fapi2")) {
            let made = keys::generate(Alg::ES256, &file.wrapping, NOW, &mut dice.clone()).unwrap();
            desired.keys.push((tenant.id.clone(), made));
        }
        let engine = Engine {
            store: wrap(Arc::new(memory)),
            clock: clock.clone(),
            file,
            signer: Arc::new(InPlace),
            passwords: Arc::new(Demo),
            outbound: mailbox.clone(),
            base: base.into(),
            audit: AuditMode::Changes,
            directory: Directory::default(),
            fetched: Fetched::default(),
            registrations: counterfoil_engine::register::Flood::default(),
            throttle: Throttle::default(),
            outbox: counterfoil_engine::outbox::Outbox::default(),
            access_events: Mutex::default(),
        };
        let thrown = dice.clone();
        let app = App {
            engine: Arc::new(engine),
            pages: Pages::new(None).unwrap(),
            logos: Arc::new(NoLogos),
            journal: noted.clone(),
            making: Arc::default(),
            dice: Box::new(move || Box::new(thrown.clone())),
            sandbox: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let world = Self { app, clock, mailbox, noted, dice, runtime };
        world.wait(world.app.engine.apply(&desired, &mut world.dice.clone())).unwrap();
        world
    }

    /// Waits for a future of the engine or the store.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Sends a request. What holds for every answer is checked here.
    pub(crate) fn send(&self, ask: Ask) -> Answer {
        let (secure, shown) = (ask.secure, format!("{} {}", ask.method, ask.target));
        let carried = Carried { secure, certificate: ask.certificate.clone() };
        let (parts, body) = ask.into_parts();
        let response = self.wait(self.app.respond(&parts, &body, &carried));
        let (head, body) = response.into_parts();
        let body = self.wait(body.collect()).unwrap().to_bytes();
        let answer = Answer { status: head.status.as_u16(), headers: head.headers, body };
        crate::pattern::holds_for_all(&answer, &shown);
        answer
    }

    /// The newest refusal of the journal.
    pub(crate) fn reason(&self) -> Option<Entry<'static>> {
        self.noted.0.lock().unwrap().last().cloned()
    }

    /// Forgets what the journal has noted, and returns the codes.
    pub(crate) fn drain(&self) -> Vec<String> {
        let entries = std::mem::take(&mut *self.noted.0.lock().unwrap());
        entries.into_iter().filter_map(|entry| entry.code.map(Into::into)).collect()
    }

    /// Sends a request that is refused for this reason.
    pub(crate) fn refused(&self, ask: Ask, status: u16, code: &str) -> Answer {
        self.drain();
        let answer = self.send(ask).expect(status);
        assert_eq!(self.drain(), [code], "{}", answer.text());
        answer
    }

    /// A tenant, ready for work.
    pub(crate) fn issuer(&self, tenant: &str) -> Arc<Issuer> {
        let tenant = TenantId::parse(tenant).unwrap();
        self.wait(self.app.engine.issuer(&tenant)).unwrap()
    }

    /// The record of a client.
    pub(crate) fn client(&self, tenant: &str, id: &str) -> Client {
        let key = Key::Client(TenantId::parse(tenant).unwrap(), ClientId::parse(id).unwrap());
        let found = self.wait(self.app.engine.store.read(&[key])).unwrap().pop().flatten().unwrap();
        let Record::Client(client) = found.record else { unreachable!("{found:?}") };
        *client
    }

    /// Changes the registration of a client, by file.
    pub(crate) fn register(&self, tenant: &str, client: Client) {
        let clients = vec![(TenantId::parse(tenant).unwrap(), client)];
        let desired = Desired { clients, ..Desired::default() };
        self.wait(self.app.engine.apply(&desired, &mut self.dice.clone())).unwrap();
    }

    /// What introspection says, with the credentials of the resource server.
    pub(crate) fn introspect(&self, token: &str) -> Answer {
        let ask = Ask::form("/introspect", &[("token", token)]);
        self.send(ask.basic("resource", "resourcesecret")).expect(200)
    }

    pub(crate) fn is_active(&self, token: &str) -> bool {
        self.introspect(token).json()["active"] == true
    }
}
