//! Several processes on one store (architecture.md 5.5, 9.6): each says that it lives and which keys it
//! has loaded, hears what the others change of what it remembers, and lets a signing key sign only
//! when all of them have loaded it. A store in one file is one process's, and none of this runs.

mod lease;
mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use counterfoil_engine::ctx::Entropy as _;
use counterfoil_engine::engine::Engine;
use counterfoil_engine::key_cycle::Known;
use counterfoil_engine::keys::KeyState;
use counterfoil_engine::store::{Page, Query, Unavailable};
use counterfoil_protocol::ids::{Kid, TenantId, hex};
use counterfoil_store::Opened;
use counterfoil_store::postgres::{Listening, Node, Other, PostgresStore};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::failure::Failure;
use crate::key_marks::Marks;
use crate::serve::stopped;
use crate::system::SystemDice;

pub use lease::{HEARD_FOR, Heard};
use said::Said;

/// How often it is asked what others have changed. A fifth of [`HEARD_FOR`]: a poll that is late by
/// three rounds changes nothing.
const HEAR_EVERY: Duration = Duration::from_millis(200);
/// Events of one round trip; a poll makes as many as it takes.
const HEAR_STEP: usize = 1_000;
/// Nothing was heard for so long: requests are answered from the store alone, and the node is not
/// ready. Longer than [`HEARD_FOR`], so that one slow poll does not take it out of service.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// How often a node says that it lives. A sixth of the time after which the others take it for gone.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(5);
/// How long an operator's command waits until every node has loaded a key.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);
/// Tenants that are looked at in one step.
const TENANTS_STEP: usize = 1_000;

/// See the module.
pub struct Nodes {
    store: Arc<PostgresStore>,
    heard: Arc<Heard>,
    id: [u8; 16],
    name: String,
    keys: Marks,
    /// The keys that wait, as loaded here. A tenant that is not in it has none, or is not loaded: then
    /// it is read with all its keys when it is needed.
    waiting: Mutex<BTreeMap<TenantId, BTreeSet<Kid>>>,
    listening: tokio::sync::Mutex<Listening>,
}

impl Nodes {
    /// Takes part, if others can: says that this node is there, and looks whether its keys are theirs.
    ///
    /// # Errors
    /// [`Failure::config`] when another node that lives has other keys, [`Failure::unreachable`] when
    /// the store does not answer.
    pub async fn join(opened: &Opened, keys: Marks) -> Result<Option<Arc<Self>>, Failure> {
        let Opened::Postgres(store) = opened else { return Ok(None) };
        let gone =
            |Unavailable| Failure::unreachable(format!("the store {store:?} does not answer"));
        // Before anything is remembered: what is committed from here on is heard.
        let listening = store.listen().await.map_err(gone)?;
        let mut id = [0; 16];
        id.copy_from_slice(&SystemDice.bytes32()[..16]);
        let nodes = Self {
            store: store.clone(),
            heard: Arc::new(Heard::never()),
            name: name(&id),
            id,
            keys,
            waiting: Mutex::default(),
            listening: tokio::sync::Mutex::new(listening),
        };
        // Said first: of two that start at once, one at least sees the other.
        nodes.announce().await.map_err(gone)?;
        for other in store.others(&nodes.node()).await.map_err(gone)? {
            // What cannot be read is of a version that compares more than we can.
            let Some(said) = Said::read(&other.keys) else { continue };
            if let Some(why) = nodes.keys.conflict(&said.keys) {
                store.close();
                let fix = "give every node the same keys (docs/reference/store.md, several nodes)";
                return Err(Failure::config(format!(
                    "the node {} lives: {why}; {fix}",
                    other.name
                )));
            }
        }
        Ok(Some(Arc::new(nodes)))
    }

    /// For how long what is remembered may be used.
    #[must_use]
    pub fn lease(&self) -> Arc<Heard> {
        self.heard.clone()
    }

    /// What is wrong, if nothing was heard for long.
    #[must_use]
    pub fn failing(&self) -> Option<String> {
        let silence = self.heard.silence();
        (silence > SILENCE_MAX).then(|| {
            let seconds = silence.as_secs();
            format!(
                "what other nodes change was not heard for {seconds} s; the store is slow or gone"
            )
        })
    }

    /// Hears and announces until the server stops.
    pub async fn follow(self: Arc<Self>, engine: Arc<Engine>, mut stop: watch::Receiver<bool>) {
        let (mut hear, mut announce) = (interval(HEAR_EVERY), interval(ANNOUNCE_EVERY));
        hear.set_missed_tick_behavior(MissedTickBehavior::Delay);
        announce.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut learned = false;
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                _ = hear.tick() => {
                    self.hear(&engine).await;
                    // In the second round: the first request need not wait for it.
                    if !learned {
                        learned = self.learn_all(&engine).await.is_ok();
                    }
                }
                // Whoever cannot write this down cannot commit either.
                _ = announce.tick() => drop(self.announce().await),
            }
        }
    }

    /// Hears what was committed until now, and forgets what it has changed.
    pub async fn hear(&self, engine: &Engine) {
        let mut listening = self.listening.lock().await;
        let mut tenants = BTreeSet::new();
        let mut unknown = false;
        loop {
            let begun = self.heard.now();
            let Ok(events) = self.store.heard(&mut listening, HEAR_STEP).await else { return };
            engine.directory.heard(events.iter().map(Option::as_ref));
            unknown |= events.iter().any(Option::is_none);
            let more = events.len() == HEAR_STEP;
            // Keys are the tenant's: an event about a client changes none.
            let of_tenants = events.into_iter().flatten().filter(|event| event.client.is_none());
            tenants.extend(of_tenants.map(|event| event.tenant));
            if !more {
                self.heard.until(begun);
                break;
            }
        }
        drop(listening);
        let learned = match unknown {
            true => self.learn_all(engine).await.unwrap_or(true),
            false => self.learn(engine, &tenants).await,
        };
        if learned {
            // The next one says the same.
            let _ = self.announce().await;
        }
    }

    /// Loads the keys of these tenants. Whether other keys wait than before.
    async fn learn(&self, engine: &Engine, tenants: &BTreeSet<TenantId>) -> bool {
        let mut learned = false;
        for tenant in tenants {
            let waits = match engine.issuer(tenant).await {
                Ok(issuer) => {
                    let next = issuer.keys.iter().filter(|key| key.state == KeyState::Next);
                    next.map(|key| key.kid.clone()).collect()
                }
                // Gone, or its keys do not load: then we do not say that they do.
                Err(_) => BTreeSet::new(),
            };
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let before = if waits.is_empty() {
                waiting.remove(tenant).unwrap_or_default()
            } else {
                waiting.insert(tenant.clone(), waits.clone()).unwrap_or_default()
            };
            learned |= before != waits;
        }
        learned
    }

    async fn learn_all(&self, engine: &Engine) -> Result<bool, Unavailable> {
        let (mut learned, mut after) = (false, None);
        loop {
            let page = Page { after, max: TENANTS_STEP };
            let listed = engine.store.list(Query::Tenants, page).await?;
            let full = listed.len() == TENANTS_STEP;
            after = listed.last().map(|(key, _)| key.clone());
            let tenants = listed.into_iter().map(|(key, _)| key.tenant().clone()).collect();
            learned |= self.learn(engine, &tenants).await;
            if !full {
                return Ok(learned);
            }
        }
    }

    /// Which waiting keys every node has loaded.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn known(&self) -> Result<Known, Unavailable> {
        Ok(self.agreed(&self.store.others(&self.node()).await?))
    }

    fn agreed(&self, others: &[Other]) -> Known {
        if others.is_empty() {
            return Known::Alone;
        }
        let said =
            others.iter().map(|other| Said::read(&other.keys).unwrap_or_else(|| self.nothing()));
        let ours = self.said().waiting;
        Known::ToAll(said.fold(ours, |all, said| &all & &said.waiting))
    }

    /// Waits until every node has loaded this key.
    ///
    /// # Errors
    /// [`Failure::failed`] with the nodes that have not.
    pub async fn until_known(&self, engine: &Engine, kid: &Kid) -> Result<Known, Failure> {
        let mut lacking = vec!["the store does not answer".to_owned()];
        let wait = async {
            let mut again = interval(HEAR_EVERY);
            loop {
                again.tick().await;
                self.hear(engine).await;
                let Ok(others) = self.store.others(&self.node()).await else { continue };
                let known = self.agreed(&others);
                match &known {
                    Known::ToAll(kids) if !kids.contains(kid) => {
                        lacking =
                            others.into_iter().filter_map(|other| self.lacks(other, kid)).collect();
                    }
                    Known::ToAll(_) | Known::Alone => return known,
                }
            }
        };
        timeout(KNOWN_WITHIN, wait).await.map_err(|_| {
            let what = "is published and does not sign: not loaded by";
            Failure::failed(format!("the key {kid} {what} {}; try again", lacking.join(", ")))
        })
    }

    fn lacks(&self, other: Other, kid: &Kid) -> Option<String> {
        let said = Said::read(&other.keys).unwrap_or_else(|| self.nothing());
        (!said.waiting.contains(kid)).then_some(other.name)
    }

    fn nothing(&self) -> Said {
        Said { keys: self.keys.clone(), waiting: BTreeSet::new() }
    }

    fn said(&self) -> Said {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = waiting.values().flatten().cloned().collect();
        Said { keys: self.keys.clone(), waiting }
    }

    fn node(&self) -> Node {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Node { id: self.id, name: self.name.clone(), program, keys: self.said().write() }
    }

    async fn announce(&self) -> Result<(), Unavailable> {
        self.store.announce(&self.node()).await
    }
}

/// How people know this process: the machine, and what tells it from others there.
fn name(id: &[u8; 16]) -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = Some(machine.trim()).filter(|name| !name.is_empty()).unwrap_or("node");
    format!("{machine}/{}", hex(&id[..2]))
}
