//! Sends what the outbox holds, beside the requests: soon after it was written, and again when that did
//! not work.

use std::sync::Arc;
use std::time::Duration;

use counterfoil_engine::store::{Page, Query};
use counterfoil_web::app::App;
use counterfoil_web::surfaces;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::serve::stopped;
use crate::vigil::Vigil;

/// How often it is asked whether something is due: what a client waits for at most.
const DUE_EVERY: Duration = Duration::from_millis(250);
/// How often the outboxes of all tenants are looked at: what another process left behind.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Calls at the same time: clients that do not answer hold up the others for as long as a call takes.
const CALLS_MAX: usize = 32;
/// Tenants of one list.
const TENANTS_MAX: usize = 1_000;

/// Until `stop`; then what was begun is finished.
pub(crate) async fn run(app: Arc<App>, vigil: Arc<Vigil>, mut stop: watch::Receiver<bool>) {
    let (mut due, mut look) = (interval(DUE_EVERY), interval(LOOK_EVERY));
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut calls = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            Some(_) = calls.join_next() => {}
            // Nothing is written to a store that may be the wrong one, and nobody is called for it.
            _ = look.tick(), if !vigil.is_quarantined() => look_everywhere(&app).await,
            _ = due.tick(), if !vigil.is_quarantined() && calls.len() < CALLS_MAX => {
                // What the store does not tell now is due the next time.
                for due in app.engine.due().await.unwrap_or_default() {
                    if calls.len() >= CALLS_MAX {
                        calls.join_next().await;
                    }
                    let engine = app.engine.clone();
                    // What fails stays, and is tried again when it is due.
                    calls.spawn(async move { engine.deliver(due, surfaces::rules).await });
                }
            }
        }
    }
    while calls.join_next().await.is_some() {}
}

async fn look_everywhere(app: &App) {
    let mut after = None;
    loop {
        let page = Page { after, max: TENANTS_MAX };
        let Ok(tenants) = app.engine.store.list(Query::Tenants, page).await else { return };
        for (key, _) in &tenants {
            app.engine.outbox.expect(key.tenant(), app.engine.clock.now());
        }
        if tenants.len() < TENANTS_MAX {
            return;
        }
        after = tenants.into_iter().next_back().map(|(key, _)| key);
    }
}
