//! The sandbox: the same server with seeded resources, on this machine only.

mod banner;
mod certificates;
pub(crate) mod clients;
mod seeds;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterfoil_engine::engine::AuditMode;
use counterfoil_web::ui::views::{DemoCustomer, DemoView};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::client_certificate::Trust;
use crate::egress::{Egress, Reach};
use crate::failure::Failure;
use crate::journal_file::JournalFile;
use crate::listener::Clients;
use crate::operator::listener::Operator;
use crate::resources::Addresses;
use crate::serve::{self, Signals, Socket};
use crate::system::SystemDice;
use crate::vigil::Vigil;
use crate::{boot, keyfile, listener, resources, tls};

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen for HTTP.
    pub listen: SocketAddr,
    /// Where to listen for HTTPS.
    pub tls_listen: SocketAddr,
    /// Where to listen for HTTPS with certificates of clients.
    pub mtls_listen: SocketAddr,
    /// The folder of everything that is kept.
    pub state: PathBuf,
    /// Whether the folder is forgotten at the end.
    pub ephemeral: bool,
    /// Print one line of JSON.
    pub json: bool,
    /// Certificate authorities of clients on this machine that the sandbox calls.
    pub trust: Vec<PathBuf>,
    /// Listen on an address that others can reach.
    pub insecure: bool,
}

/// What a running sandbox says of itself, for the commands that play the client.
pub(crate) const RUNNING: &str = "running.json";

/// The files of a state folder.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) state: PathBuf,
    pub(crate) store: PathBuf,
    pub(crate) keyfile: PathBuf,
    pub(crate) journal: PathBuf,
    pub(crate) resources: PathBuf,
    pub(crate) ca: PathBuf,
    pub(crate) ca_key: PathBuf,
    pub(crate) tls: PathBuf,
    pub(crate) tls_key: PathBuf,
    pub(crate) worldline: PathBuf,
    pub(crate) worldline_key: PathBuf,
}

impl Files {
    /// A file of the folder of keys.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.keyfile.with_file_name(name)
    }

    fn new(state: &Path) -> Self {
        let keys = state.join("keys");
        Self {
            state: state.to_owned(),
            store: state.join("store.db"),
            keyfile: keys.join("handle-keys.toml"),
            journal: state.join("journal.jsonl"),
            resources: state.join("resources"),
            ca: keys.join("ca.pem"),
            ca_key: keys.join("ca-key.pem"),
            tls: keys.join("localhost.pem"),
            tls_key: keys.join("localhost-key.pem"),
            worldline: keys.join("worldline-certificate.pem"),
            worldline_key: keys.join("worldline.pem"),
        }
    }
}

/// Starts and serves the sandbox until a signal.
///
/// # Errors
/// With a text that says what was tried and what to do.
pub async fn run(options: Options, started_us: u64) -> Result<(), Failure> {
    only_this_machine(&options)?;
    let scratch = if options.ephemeral {
        let made = tempfile::Builder::new().prefix("counterfoil-").tempdir();
        Some(made.map_err(|e| Failure::failed(format!("no temporary folder: {e}")))?)
    } else {
        None
    };
    let state = scratch.as_ref().map_or(options.state.clone(), |dir| dir.path().to_owned());
    let told = |e: std::io::Error| Failure::failed(format!("{}: {e}", state.display()));
    std::fs::create_dir_all(state.join("keys")).map_err(told)?;
    let state = std::fs::canonicalize(&state).map_err(told)?;
    let files = Files::new(&state);

    let plain = listener::bind(options.listen).await?;
    let secure = listener::bind(options.tls_listen).await?;
    let asking = listener::bind(options.mtls_listen).await?;
    let port =
        |all: &[TcpListener]| all.first().and_then(|l| l.local_addr().ok()).map_or(0, |a| a.port());
    let http = format!("http://{}:{}", host(options.listen.ip()), port(&plain));
    let https = format!("https://{}:{}", host(options.tls_listen.ip()), port(&secure));
    let mtls = format!("https://{}:{}", host(options.mtls_listen.ip()), port(&asking));

    certificates::make(&files)?;
    seeds::write(&files.resources).map_err(told)?;
    let keys = Arc::new(keyfile::load_or_make(&files.keyfile, &mut SystemDice)?);
    let journal = JournalFile::open(files.journal.clone()).map_err(told)?;
    let trusted = [&options.trust[..], std::slice::from_ref(&files.ca)].concat();
    let store = boot::open_store(&format!("sqlite:{}", files.store.display()))?;
    let app = Arc::new(boot::application(boot::Parts {
        store: store.clone(),
        keys: keys.clone(),
        outbound: Arc::new(Egress::new(Reach::Loopback, &trusted)?),
        base: http.clone(),
        audit: AuditMode::Changes,
        journal: Arc::new(journal),
        templates: None,
        sandbox: Some(demo()),
        lease: None,
    })?);
    let addresses =
        Addresses { base: http.clone(), https: Some(https.clone()), mtls: Some(mtls.clone()) };
    let loaded = resources::load(&files.resources, &addresses, &keys)?;
    let vigil = Arc::new(Vigil::begin(store, None, &state.join("keys")).await?);
    let (_, later) = boot::apply_unless_quarantined(&app, &vigil, loaded).await?;

    let sockets = sockets(&files, plain, secure, asking)?;
    let clients = Clients { trust: Trust::of(&trusted)?, ..Clients::default() };
    let operator = Operator::bind(&files.state)?;
    let signals = Signals::take()?;
    let ready = banner::Ready {
        http: &http,
        https: &https,
        mtls: &mtls,
        files: &files,
        kept: !options.ephemeral,
        took_us: crate::system::micros().saturating_sub(started_us),
    };
    let line = ready.json()?;
    std::fs::write(files.state.join(RUNNING), &line).map_err(told)?;
    if options.json {
        crate::cli::out(&line)
    } else {
        ready.print()
    }
    later.begin(app.clone());

    let reload = reloading(app.clone(), files.resources.clone(), addresses, keys, false);
    let served = serve::run(app, vigil, (sockets, clients), operator, (signals, reload)).await;
    let _ = std::fs::remove_file(state.join(RUNNING));
    drop(scratch);
    served
}

/// Every listener, with what it speaks.
fn sockets(
    files: &Files,
    plain: Vec<TcpListener>,
    secure: Vec<TcpListener>,
    asking: Vec<TcpListener>,
) -> Result<Vec<Socket>, Failure> {
    let speaking = |listeners: Vec<TcpListener>, tls: Option<TlsAcceptor>| {
        listeners.into_iter().map(move |listener| Socket { listener, tls: tls.clone() })
    };
    let ordinary = TlsAcceptor::from(tls::server(&files.tls, &files.tls_key)?);
    let with_clients = TlsAcceptor::from(tls::server_asking(&files.tls, &files.tls_key)?);
    let all = speaking(plain, None).chain(speaking(secure, Some(ordinary)));
    Ok(all.chain(speaking(asking, Some(with_clients))).collect())
}

/// Known passwords are for this machine, unless somebody says otherwise in words.
fn only_this_machine(options: &Options) -> Result<(), Failure> {
    for address in [options.listen, options.tls_listen, options.mtls_listen] {
        if !address.ip().is_loopback() && !options.insecure {
            return Err(Failure::usage(format!(
                "{address} can be reached by others, and the sandbox has known passwords; \
                 add --i-know-this-is-insecure if that is what you want"
            )));
        }
    }
    Ok(())
}

/// SIGHUP: read everything, check everything, then apply; a broken file changes nothing. `shared` says
/// whether other nodes serve from the same store.
pub(crate) fn reloading(
    app: Arc<counterfoil_web::app::App>,
    folder: PathBuf,
    addresses: Addresses,
    keys: Arc<counterfoil_engine::keys::KeyFile>,
    shared: bool,
) -> serve::Reload {
    Box::new(move || {
        let (app, folder, keys) = (app.clone(), folder.clone(), keys.clone());
        let addresses = addresses.clone();
        Box::pin(async move {
            let applied = match resources::load(&folder, &addresses, &keys) {
                Ok(loaded) => boot::apply(&app, loaded).await,
                Err(failure) => Err(failure),
            };
            let (lines, later) = match applied {
                Ok(applied) => applied,
                Err(failure) => {
                    eprintln!("reload refused, the old state stays: {failure}");
                    return;
                }
            };
            if shared {
                // The other nodes are to hear of the keys before they are asked to use them.
                later.awaited(app).await;
            } else {
                later.begin(app);
            }
            if lines.is_empty() {
                eprintln!("reload: no changes");
            }
            lines.iter().for_each(|line| eprintln!("reload: {line}"));
        })
    })
}

fn host(ip: IpAddr) -> String {
    match ip {
        ip if ip.is_loopback() || ip.is_unspecified() => "localhost".into(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

fn demo() -> DemoView {
    let customers = seeds::CUSTOMERS
        .iter()
        .map(|(login, about)| DemoCustomer { login: (*login).into(), about: (*about).into() })
        .collect();
    DemoView { customers, password: seeds::PASSWORD.into() }
}
