//! Puts the parts together: store, keys, engine, application.

use std::path::Path;
use std::sync::Arc;

use counterfoil_engine::ctx::Clock;
use counterfoil_engine::directory::Directory;
use counterfoil_engine::engine::{AuditMode, Engine};
use counterfoil_engine::keys::{self, KeyFile};
use counterfoil_engine::login::throttle::Throttle;
use counterfoil_jose::alg::Alg;
use counterfoil_protocol::ids::TenantId;
use counterfoil_store::Opened;
use counterfoil_web::app::App;
use counterfoil_web::journal::Journal;
use counterfoil_web::ui::render::Pages;
use counterfoil_web::ui::views::DemoView;

use crate::failure::Failure;
use crate::resources::Loaded;
use crate::system::{PooledPasswords, PooledSigner, SystemClock, SystemDice, micros};

/// What the application is made of.
pub struct Parts {
    /// The store.
    pub store: Arc<Opened>,
    /// Keys that are not in it.
    pub keys: Arc<KeyFile>,
    /// The address of the server.
    pub base: String,
    /// Which events are kept.
    pub audit: AuditMode,
    /// Remembers refusals.
    pub journal: Arc<dyn Journal>,
    /// The operator's templates.
    pub templates: Option<std::path::PathBuf>,
    /// In the sandbox, what pages tell developers.
    pub sandbox: Option<DemoView>,
}

/// Opens the store that `url` names.
///
/// # Errors
/// [`Failure::config`] with what the store says.
pub fn open_store(url: &str) -> Result<Arc<Opened>, Failure> {
    if let Some(path) = url.strip_prefix("sqlite:")
        && let Some(folder) = Path::new(path).parent()
    {
        let told = |e| Failure::config(format!("{}: {e}", folder.display()));
        std::fs::create_dir_all(folder).map_err(told)?;
    }
    let opened = counterfoil_store::open(url, Box::new(micros));
    opened.map(Arc::new).map_err(|e| Failure::config(e.to_string()))
}

/// Puts the application together.
///
/// # Errors
/// [`Failure::config`] for templates that do not render.
pub fn application(parts: Parts) -> Result<App, Failure> {
    let engine = Engine {
        store: parts.store.store(),
        clock: Arc::new(SystemClock),
        file: parts.keys,
        signer: Arc::new(PooledSigner),
        passwords: Arc::new(PooledPasswords::default()),
        base: parts.base.into(),
        audit: parts.audit,
        directory: Directory::default(),
        throttle: Throttle::default(),
        access_events: std::sync::Mutex::default(),
    };
    Ok(App {
        engine: Arc::new(engine),
        pages: Pages::new(parts.templates.as_deref()).map_err(Failure::config)?,
        journal: parts.journal,
        dice: Box::new(|| Box::new(SystemDice)),
        sandbox: parts.sandbox,
    })
}

/// Applies what files say. Signing keys that a tenant lacks are made first, on all processors,
/// because RSA keys take their time.
///
/// # Errors
/// [`Failure::failed`] when the store does not take it.
pub async fn apply(app: &App, loaded: Loaded) -> Result<Vec<String>, Failure> {
    let Loaded { mut desired, algs } = loaded;
    let refused = |why| Failure::failed(format!("the store did not take the resources: {why:?}"));
    let mut missing: Vec<(TenantId, Alg)> = vec![];
    for (tenant, algs) in algs {
        let lacking = app.engine.algs_missing(&tenant, &algs).await.map_err(refused)?;
        missing.extend(lacking.into_iter().map(|alg| (tenant.clone(), alg)));
    }
    let file = app.engine.file.clone();
    let made = std::thread::scope(|scope| {
        let make = |(tenant, alg): (TenantId, Alg)| {
            let file = file.clone();
            scope.spawn(move || {
                let now = SystemClock.now();
                let key = keys::generate(alg, &file.wrapping, now, &mut SystemDice);
                key.map(|key| (tenant, key))
            })
        };
        let running: Vec<_> = missing.into_iter().map(make).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    for key in made {
        let key = key.map_err(|_| Failure::failed("a signing key could not be made"))?;
        desired.keys.push(key.map_err(Failure::failed)?);
    }
    let applied = app.engine.apply(&desired, &mut SystemDice).await.map_err(refused)?;
    let line = |a: &counterfoil_engine::admin::Applied| format!("{} {} {}", a.sign, a.kind, a.name);
    Ok(applied.iter().map(line).collect())
}
