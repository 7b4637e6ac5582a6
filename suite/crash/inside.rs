//! The same server without a process: engine and pages over a store in this program.

use std::path::Path;
use std::sync::Arc;

use counterfoil_engine::client::ClientStatus;
use counterfoil_engine::ctx::Clock;
use counterfoil_engine::engine::{AuditMode, Call};
use counterfoil_engine::outbound::Nobody;
use counterfoil_protocol::ids::{ClientId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_server::boot::{self, Parts};
use counterfoil_server::keyfile;
use counterfoil_server::resources::{self, Addresses};
use counterfoil_server::system::SystemDice;
use counterfoil_store::Opened;
use counterfoil_store::sqlite::LogPages;
use counterfoil_web::app::{App, Carried};
use counterfoil_web::journal::{Entry, Journal};
use counterfoil_web::surfaces;
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;

use crate::stage::ISSUER;
use crate::wire::{Answer, Wire};

struct Silent;

impl Journal for Silent {
    fn keep(&self, _: &Entry<'_>) {}
    fn wants_successes(&self) -> bool {
        false
    }
}

struct Stopped(Moment);

impl Clock for Stopped {
    fn now(&self) -> Moment {
        self.0
    }
}

/// See the module.
pub(crate) struct House {
    pub(crate) app: App,
    pub(crate) store: Arc<Opened>,
    runtime: Runtime,
}

impl House {
    /// On a folder that is set, with its store at `store`.
    ///
    /// Its clock stands: what was given a moment ago has not ended, however long a run takes.
    pub(crate) fn open(folder: &Path, store: &Path, moment: Moment) -> Result<Self, String> {
        // So that a storm of some hundred answers sees the log folded, beside its commits and in them.
        LogPages { part: 8, max: 48 }.set_for_process();
        let store = boot::open_store(&format!("sqlite:{}", store.display()));
        Self::on(folder, store.map_err(|e| e.to_string())?, moment)
    }

    /// The same on a store that is open.
    pub(crate) fn on(folder: &Path, store: Arc<Opened>, moment: Moment) -> Result<Self, String> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        let path = folder.join("keys/handle-keys.toml");
        let keys = Arc::new(keyfile::load_or_make(&path, &mut SystemDice).unwrap());
        let app = boot::application(Parts {
            store: store.clone(),
            keys: keys.clone(),
            base: ISSUER.into(),
            // Nobody in the storm registers an address.
            outbound: Arc::new(Nobody),
            audit: AuditMode::Changes,
            journal: Arc::new(Silent),
            templates: None,
            sandbox: None,
            lease: None,
        });
        let mut app = app.map_err(|e| e.to_string())?;
        let engine = Arc::get_mut(&mut app.engine).ok_or("the engine is shared")?;
        engine.clock = Arc::new(Stopped(moment));
        let loaded =
            resources::load(&folder.join("resources"), &Addresses::one(ISSUER), &keys).unwrap();
        let (_, later) = runtime.block_on(boot::apply(&app, loaded)).map_err(|e| e.to_string())?;
        runtime.block_on(later.make(&app));
        Ok(Self { app, store, runtime })
    }

    /// What an operator does to the Fintecture client that comes and goes; whether it was done.
    pub(crate) fn suspend(&self, client: &str, suspended: bool) -> bool {
        self.runtime.block_on(async {
            let tenant = TenantId::parse("default").unwrap();
            let Ok(issuer) = self.app.engine.issuer(&tenant).await else { return false };
            let switches = issuer.tenant.surface("fintecture").copied().unwrap();
            let policy = surfaces::named("fintecture").unwrap().policy(&switches);
            let mut dice = SystemDice;
            let mut call = Call { issuer: &issuer, policy, entropy: &mut dice, request: [7; 16] };
            let status = if suspended { ClientStatus::Suspended } else { ClientStatus::Active };
            let client = ClientId::parse(client).unwrap();
            self.app.engine.set_client_status(&mut call, &client, status).await.is_ok()
        })
    }
}

impl Wire for House {
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Option<Answer> {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers.lines().filter_map(|line| line.split_once(": ")) {
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).ok()?.into_parts();
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        let (parts, body) = self.runtime.block_on(async {
            let response = self.app.respond(&parts, &body, &Carried::default()).await;
            let (parts, body) = response.into_parts();
            (parts, body.collect().await)
        });
        let body = body.ok()?.to_bytes();
        let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            format!("{name}: {}\r\n", value.to_str().unwrap_or_default())
        };
        let head = parts.headers.iter().map(line).collect();
        let body = String::from_utf8_lossy(&body).into_owned();
        Some(Answer { status: parts.status.as_u16(), head, body })
    }
}
