//! A running server: listeners, signals, the work that recurs.

use std::sync::Arc;
use std::time::Duration;

use counterfoil_engine::key_cycle::Known;
use counterfoil_web::app::App;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;

use crate::failure::Failure;
use crate::key_times::KEY_TIMES;
use crate::listener::{self, Clients, Shared};
use crate::operator::Desk;
use crate::operator::listener::Operator;
use crate::outbox;
use crate::system::SystemDice;
use crate::vigil::Vigil;

/// How often expired records are looked for, and how many go in one step.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
const SWEEP_STEP: usize = 1_000;
const SWEEP_STEPS_MAX: usize = 20;
/// How often waiting access events are appended.
const APPEND_EVERY: Duration = Duration::from_millis(500);
/// How often it is written down how far the store has come: a store that is set back by less is not
/// recognised.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// Signing keys are looked at this often, in rounds of [`SWEEP_EVERY`].
const KEYS_EVERY: u32 = 60;

/// A socket and whether it speaks TLS.
pub struct Socket {
    /// Bound already.
    pub listener: TcpListener,
    /// With a certificate.
    pub tls: Option<TlsAcceptor>,
}

/// The signals a server listens to. Taken before anybody is told that it is ready: a SIGHUP that
/// comes at once must reload and not end it.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes them over.
    ///
    /// # Errors
    /// When the system gives no signals.
    pub fn take() -> Result<Self, Failure> {
        let told = |e: std::io::Error| Failure::failed(format!("no signals: {e}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(told)?,
            interrupt: signal(SignalKind::interrupt()).map_err(told)?,
            hangup: signal(SignalKind::hangup()).map_err(told)?,
        })
    }

    async fn end(mut self, reload: &Reload, vigil: &Vigil) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => match vigil.quarantine() {
                    None => reload().await,
                    Some(why) => eprintln!("reload refused, the store is in quarantine: {why}"),
                },
            }
        }
    }
}

/// What SIGHUP does; tells the log.
pub type Reload = Box<dyn Fn() -> counterfoil_engine::store::BoxFuture<'static, ()> + Send + Sync>;

/// Serves until SIGTERM or SIGINT, then answers what was accepted and closes the store.
///
/// # Errors
/// When the store does not close.
pub async fn run(
    app: Arc<App>,
    vigil: Arc<Vigil>,
    (sockets, clients): (Vec<Socket>, Clients),
    operator: Operator,
    (signals, reload): (Signals, Reload),
) -> Result<(), Failure> {
    let (stop, stopping) = watch::channel(false);
    let shared = Arc::new(Shared::new(app.clone(), vigil.clone(), clients, stopping.clone()));
    let watched = shared.watch().map_err(|e| Failure::failed(format!("no thread: {e}")))?;
    let mut running = tokio::task::JoinSet::new();
    for socket in sockets {
        running.spawn(listener::run(shared.clone(), socket.listener, socket.tls));
    }
    let reload = Arc::new(reload);
    let (vigil_of_desk, reload_of_desk) = (vigil.clone(), reload.clone());
    let desk = Desk { app: app.clone(), vigil: vigil_of_desk, reload: reload_of_desk };
    let desk = Arc::new(desk);
    running.spawn(operator.run(desk, stopping.clone()));
    running.spawn(outbox::run(app.clone(), vigil.clone(), stopping.clone()));
    let followed = vigil.nodes().cloned();
    let followed = followed.map(|n| tokio::spawn(n.follow(app.engine.clone(), stopping.clone())));
    let housekeeping = tokio::spawn(keep_house(app.clone(), vigil.clone(), stopping));
    signals.end(&reload, &vigil).await;
    // Nobody listens any more only if the receivers are gone: then there is nothing to stop.
    let _ = stop.send(true);
    while running.join_next().await.is_some() {}
    drop(watched);
    let _ = housekeeping.await;
    if let Some(followed) = followed {
        let _ = followed.await;
    }
    if !vigil.is_quarantined() {
        let _ = app.engine.append_access_events().await;
    }
    // The next start has the older mark, if this one cannot be written.
    let _ = vigil.look().await;
    let closing = tokio::task::spawn_blocking(move || vigil.store().close());
    closing.await.map_err(|e| Failure::failed(format!("the store did not close: {e}")))
}

/// Frees what has expired, in small steps between the commits of others; appends waiting events.
async fn keep_house(app: Arc<App>, vigil: Arc<Vigil>, mut stop: watch::Receiver<bool>) {
    let mut sweep = interval(SWEEP_EVERY);
    let mut append = interval(APPEND_EVERY);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    append.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut mark = interval(MARK_EVERY);
    mark.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rounds: u32 = 0;
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            _ = mark.tick() => {
                // The next one says the same and more.
                let _ = vigil.look().await;
            }
            // Nothing is written to a store that may be the wrong one.
            _ = append.tick(), if !vigil.is_quarantined() => {
                // The events wait for the next time when the store does not take them.
                let _ = app.engine.append_access_events().await;
            }
            _ = sweep.tick(), if !vigil.is_quarantined() => {
                rounds = rounds.wrapping_add(1);
                sweep_some(&app).await;
                if rounds.is_multiple_of(KEYS_EVERY) {
                    turn_keys(&app, &vigil).await;
                }
            }
        }
    }
}

/// Waits for the end, or for whoever would have announced it to be gone.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn sweep_some(app: &App) {
    for _ in 0..SWEEP_STEPS_MAX {
        let now = app.engine.clock.now();
        match app.engine.store.sweep(now, SWEEP_STEP).await {
            Ok(swept) if swept.more => {}
            Ok(_) | Err(_) => return,
        }
    }
}

async fn turn_keys(app: &App, vigil: &Vigil) {
    use counterfoil_engine::store::{Page, Query};
    let known = match vigil.nodes() {
        None => Known::Alone,
        Some(nodes) => {
            let Ok(known) = nodes.known().await else { return };
            known
        }
    };
    let page = Page { after: None, max: 1_000 };
    let Ok(tenants) = app.engine.store.list(Query::Tenants, page).await else { return };
    for (key, _) in tenants {
        // What the store did not take now is due the next time.
        let rules = (&KEY_TIMES, &known);
        let _ = app.engine.turn_keys(key.tenant(), rules, &mut SystemDice).await;
    }
}
