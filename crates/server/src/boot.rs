//! Puts the parts together: store, keys, engine, application.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use counterfoil_engine::admin::{Applied, Desired};
use counterfoil_engine::client_keys::Fetched;
use counterfoil_engine::ctx::Clock;
use counterfoil_engine::directory::{Directory, Lease};
use counterfoil_engine::engine::{AuditMode, Engine};
use counterfoil_engine::keys::{self, KeyFile};
use counterfoil_engine::login::throttle::Throttle;
use counterfoil_engine::outbound::Outbound;
use counterfoil_engine::store::{Page, Query};
use counterfoil_jose::alg::Alg;
use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_store::{OpenError, Opened};
use counterfoil_web::app::App;
use counterfoil_web::journal::Journal;
use counterfoil_web::making::{Making, WAIT_MAX};
use counterfoil_web::ui::render::Pages;
use counterfoil_web::ui::views::DemoView;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::failure::Failure;
use crate::logos::Logos;
use crate::resources::Loaded;
use crate::system::{PooledPasswords, PooledSigner, RequestDice, SystemClock, SystemDice, micros};
use crate::vigil::Vigil;

/// Tenants that are looked at for one that has signing keys.
const TENANTS_TRIED: usize = 16;

/// What the application is made of.
pub struct Parts {
    /// The store.
    pub store: Arc<Opened>,
    /// Keys that are not in it.
    pub keys: Arc<KeyFile>,
    /// The address of the server.
    pub base: String,
    /// Calls addresses that clients registered.
    pub outbound: Arc<dyn Outbound>,
    /// Which events are kept.
    pub audit: AuditMode,
    /// Remembers refusals.
    pub journal: Arc<dyn Journal>,
    /// The operator's templates.
    pub templates: Option<std::path::PathBuf>,
    /// In the sandbox, what pages tell developers.
    pub sandbox: Option<DemoView>,
    /// Where other nodes serve from the same store: how long what is remembered may be used.
    pub lease: Option<Arc<dyn Lease>>,
}

/// Opens the store that `url` names.
///
/// # Errors
/// [`Failure::config`] or [`Failure::unreachable`] with what the store says.
pub fn open_store(url: &str) -> Result<Arc<Opened>, Failure> {
    if let Some(path) = url.strip_prefix("sqlite:")
        && let Some(folder) = Path::new(path).parent()
    {
        let told = |e| Failure::config(format!("{}: {e}", folder.display()));
        std::fs::create_dir_all(folder).map_err(told)?;
    }
    let opened = counterfoil_store::open(url, Box::new(micros));
    opened.map(Arc::new).map_err(|e| told(&e))
}

/// What a store says: something to correct, or something to wait for.
pub(crate) fn told(error: &OpenError) -> Failure {
    if error.is_unreachable() {
        Failure::unreachable(error.to_string())
    } else {
        Failure::config(error.to_string())
    }
}

/// Puts the application together.
///
/// # Errors
/// [`Failure::config`] for templates that do not render.
pub fn application(parts: Parts) -> Result<App, Failure> {
    let logos = Arc::new(Logos::new(parts.outbound.clone()));
    let engine = Engine {
        store: parts.store.store(),
        clock: Arc::new(SystemClock),
        file: parts.keys,
        signer: Arc::new(PooledSigner),
        passwords: Arc::new(PooledPasswords::default()),
        outbound: parts.outbound,
        base: parts.base.into(),
        audit: parts.audit,
        directory: parts.lease.map_or_else(Directory::default, Directory::leased),
        fetched: Fetched::default(),
        throttle: Throttle::default(),
        outbox: counterfoil_engine::outbox::Outbox::default(),
        registrations: counterfoil_engine::register::Flood::default(),
        access_events: std::sync::Mutex::default(),
    };
    Ok(App {
        engine: Arc::new(engine),
        pages: Pages::new(parts.templates.as_deref()).map_err(Failure::config)?,
        logos,
        journal: parts.journal,
        making: Arc::new(Making::default()),
        dice: Box::new(|| Box::new(RequestDice)),
        sandbox: parts.sandbox,
    })
}

/// Whether the key file is the one that the store was filled with: looks at one tenant's signing keys.
///
/// # Errors
/// [`Failure::config`] when they do not open.
pub async fn fits(app: &App, keys: &dyn std::fmt::Display) -> Result<(), Failure> {
    let page = Page { after: None, max: TENANTS_TRIED };
    // A store that does not answer says so to the next one who asks.
    let Ok(listed) = app.engine.store.list(Query::Tenants, page).await else { return Ok(()) };
    for (key, _) in listed {
        match app.engine.issuer(key.tenant()).await {
            Ok(issuer) if issuer.keys.is_empty() => {}
            Ok(_) => return Ok(()),
            Err(Refusal::Internal) => {
                return Err(Failure::config(format!(
                    "the keys of {keys} do not open the signing keys in the store: it was filled with \
                     another key file; fix: put that one there"
                )));
            }
            Err(_) => {}
        }
    }
    Ok(())
}

/// Signing keys that take their time: the tenants are served meanwhile, and whoever needs one of these
/// waits for it.
#[derive(Debug)]
#[must_use]
pub struct Later(Vec<(TenantId, Vec<Alg>)>);

/// How long a store that did not take a key is left alone.
const AGAIN: Duration = Duration::from_secs(1);
impl Later {
    /// Makes them, one after the other, and keeps them. Returns what to tell the operator.
    pub async fn make(self, app: &App) -> Vec<String> {
        let mut lines = vec![];
        for (tenant, algs) in self.0 {
            for alg in algs {
                lines.extend(made(app, &tenant, alg).await);
            }
            app.making.done(&tenant);
        }
        lines
    }

    /// The same beside everything else, and tells the operator.
    pub fn begin(self, app: Arc<App>) -> JoinHandle<()> {
        tokio::spawn(async move {
            self.make(&app).await.iter().for_each(|line| eprintln!("{line}"));
        })
    }

    /// The same, and waits for it, but not for ever: what takes longer goes on beside everything else.
    pub async fn awaited(self, app: Arc<App>) {
        let _ = timeout(WAIT_MAX, self.begin(app)).await;
    }
}

async fn made(app: &App, tenant: &TenantId, alg: Alg) -> Vec<String> {
    let (mut again, mut told) = (interval(AGAIN), false);
    loop {
        again.tick().await;
        if let Some(lines) = once(app, tenant, alg).await {
            return lines;
        }
        if !told {
            eprintln!(
                "key {tenant} {}: not made, the store did not take it; trying again",
                alg.as_str()
            );
            told = true;
        }
    }
}

async fn once(app: &App, tenant: &TenantId, alg: Alg) -> Option<Vec<String>> {
    let pair = app.engine.signer.make(alg).await.ok()?;
    let wrapping = &app.engine.file.wrapping;
    let key = keys::stored(pair, wrapping, SystemClock.now(), &mut SystemDice).ok()?;
    let desired = Desired { keys: vec![(tenant.clone(), key)], ..Desired::default() };
    let applied = app.engine.apply(&desired, &mut SystemDice).await.ok()?;
    Some(applied.iter().map(line).collect())
}

fn line(applied: &Applied) -> String {
    format!("{} {} {}", applied.sign, applied.kind, applied.name)
}

/// Applies what files say, unless nothing may be written.
///
/// # Errors
/// As [`apply`].
pub async fn apply_unless_quarantined(
    app: &App,
    vigil: &Vigil,
    loaded: Loaded,
) -> Result<(Vec<String>, Later), Failure> {
    if vigil.is_quarantined() { Ok((vec![], Later(vec![]))) } else { apply(app, loaded).await }
}

/// Applies what files say. Signing keys that a tenant lacks are made first where that is quick; the
/// others are to come later.
///
/// # Errors
/// [`Failure::failed`] when the store does not take it.
pub async fn apply(app: &App, loaded: Loaded) -> Result<(Vec<String>, Later), Failure> {
    let Loaded { mut desired, algs } = loaded;
    let refused = |why| Failure::failed(format!("the store did not take the resources: {why:?}"));
    let mut later = vec![];
    for (tenant, algs) in algs {
        let lacking = app.engine.algs_missing(&tenant, &algs).await.map_err(refused)?;
        let (slow, quick): (Vec<Alg>, _) = lacking.into_iter().partition(|alg| alg.is_slow());
        for alg in quick {
            let (now, wrapping) = (SystemClock.now(), &app.engine.file.wrapping);
            let key = keys::generate(alg, wrapping, now, &mut SystemDice);
            desired.keys.push((tenant.clone(), key.map_err(Failure::failed)?));
        }
        if !slow.is_empty() {
            app.making.begin(&tenant);
            later.push((tenant, slow));
        }
    }
    let applied = app.engine.apply(&desired, &mut SystemDice).await.map_err(refused)?;
    Ok((applied.iter().map(line).collect(), Later(later)))
}
