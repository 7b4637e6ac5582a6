//! `counterfoil serve`: the server for real use.

use std::path::PathBuf;
use std::sync::Arc;

use counterfoil_engine::directory::Lease;
use counterfoil_web::app::App;
use tokio_rustls::TlsAcceptor;

use crate::client_certificate::Trust;
use crate::egress::{Egress, Reach};
use crate::failure::Failure;
use crate::journal_file::JournalFile;
use crate::listener::Clients;
use crate::nodes::Nodes;
use crate::operator::listener::Operator;
use crate::resources::Addresses;
use crate::serve::{self, Signals, Socket};
use crate::system::{SystemDice, micros};
use crate::vigil::Vigil;
use crate::{boot, config, keyfile, listener, resources, sandbox, tls};

pub(super) async fn run(path: PathBuf, started_us: u64) -> Result<(), Failure> {
    let (settings, _) = config::load(&path, &config::environment())?;
    let told = |e: std::io::Error| Failure::failed(format!("{}: {e}", settings.state.display()));
    std::fs::create_dir_all(settings.state.join("keys")).map_err(told)?;
    let (keys, marks) = keyfile::load(&settings.keys, &mut SystemDice)?;
    let keys = Arc::new(keys);
    let loaded = resources::load(&settings.resources, &Addresses::one(&settings.issuer), &keys)?;

    let mut sockets = vec![];
    if let Some(address) = settings.plain {
        let bound = listener::bind(address).await?;
        sockets.extend(bound.into_iter().map(|listener| Socket { listener, tls: None }));
    }
    if let (Some(address), Some((cert, key))) = (settings.public, &settings.tls) {
        let acceptor = TlsAcceptor::from(tls::server(cert, key)?);
        let bound = listener::bind(address).await?;
        let tls = |listener| Socket { listener, tls: Some(acceptor.clone()) };
        sockets.extend(bound.into_iter().map(tls));
    }
    if let (Some(address), Some((cert, key))) = (settings.mtls, &settings.tls) {
        let acceptor = TlsAcceptor::from(tls::server_asking(cert, key)?);
        let bound = listener::bind(address).await?;
        let tls = |listener| Socket { listener, tls: Some(acceptor.clone()) };
        sockets.extend(bound.into_iter().map(tls));
    }
    let trust = Trust::of(settings.mtls_ca.as_slice())?;
    let clients = Clients { trust, proxies: settings.proxies.clone() };
    let store = boot::open_store(&settings.store)?;
    let nodes = Nodes::join(&store, marks).await?;
    let lease = nodes.as_ref().map(|nodes| nodes.lease() as Arc<dyn Lease>);
    let journal = JournalFile::open(settings.state.join("journal.jsonl")).map_err(told)?;
    let app = Arc::new(boot::application(boot::Parts {
        store: store.clone(),
        keys: keys.clone(),
        outbound: Arc::new(Egress::new(Reach::Public, settings.egress_ca.as_slice())?),
        base: settings.issuer.clone(),
        audit: settings.audit,
        journal: Arc::new(journal),
        templates: settings.templates.clone(),
        sandbox: None,
        lease,
    })?);
    boot::fits(&app, &settings.keys).await?;
    let vigil = Arc::new(Vigil::begin(store, nodes, &settings.state.join("keys")).await?);
    let (lines, later) = boot::apply_unless_quarantined(&app, &vigil, loaded).await?;
    lines.iter().for_each(|line| eprintln!("{line}"));
    let later = heard(&app, &vigil, later).await;
    let operator = Operator::bind(&settings.state)?;
    let signals = Signals::take()?;
    let listening: Vec<String> = sockets
        .iter()
        .filter_map(|s| s.listener.local_addr().ok())
        .map(|a| a.to_string())
        .collect();
    let took_ms = micros().saturating_sub(started_us) / 1_000;
    let (issuer, listening) = (&settings.issuer, listening.join(", "));
    eprintln!("ready in {took_ms} ms: {issuer}, listening on {listening}");
    if let Some(later) = later {
        later.begin(app.clone());
    }

    let base = settings.issuer.clone();
    let addresses = Addresses::one(&base);
    let shared = vigil.nodes().is_some();
    let reload =
        sandbox::reloading(app.clone(), settings.resources.clone(), addresses, keys, shared);
    serve::run(app, vigil, (sockets, clients), operator, (signals, reload)).await
}

/// Where several nodes serve, whoever is ready knows the keys that another one may have made meanwhile.
/// Returns the keys that are to come later.
async fn heard(app: &Arc<App>, vigil: &Vigil, later: boot::Later) -> Option<boot::Later> {
    let Some(nodes) = vigil.nodes() else { return Some(later) };
    later.awaited(app.clone()).await;
    nodes.hear(&app.engine).await;
    None
}
