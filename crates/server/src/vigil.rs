//! Whether the server may do its work: checks by name, and the quarantine of a store that was set
//! back (attacks.md FI19).
//!
//! How far the store has come is kept beside the key file, where no copy of the store brings it along.
//! A store that is behind it has lost revocations: what they ended would be alive again. So nothing is
//! issued and nothing is active until somebody who knows what was lost says so. A database can be set
//! back while servers work, so it is asked again and again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use counterfoil_engine::ctx::Entropy as _;
use counterfoil_engine::store::Unavailable;
use counterfoil_protocol::ids::{GrantId, hex};
use counterfoil_store::{Health, Mark, Opened, Progress, Standing};
use counterfoil_web::reply::{Body, Reply};
use counterfoil_web::request_id::RequestId;
use http::request::Parts;
use http::{Method, Response};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::failure::Failure;
use crate::keyfile::private;
use crate::nodes::Nodes;
use crate::system::SystemDice;
use crate::toml_file;

/// Beside the key file.
const FILE: &str = "store-mark.toml";

/// See the module.
pub struct Vigil {
    store: Arc<Opened>,
    path: PathBuf,
    nodes: Option<Arc<Nodes>>,
    quarantined: AtomicBool,
    why: Mutex<Option<String>>,
    last: Mutex<Vec<Mark>>,
}

/// One thing that must be well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// `store`, `feed` or `quarantine`.
    pub name: String,
    /// What is wrong, for the operator; `None` when nothing is.
    pub failing: Option<String>,
}

/// What the file says: one mark, or one for each lane.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    store: Option<String>,
    number: Option<u64>,
    hash: Option<String>,
    #[serde(default)]
    lane: Vec<Stored>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    store: String,
    number: u64,
    hash: String,
}

impl Vigil {
    /// Compares the store with what the folder of the key file remembers of it.
    ///
    /// # Errors
    /// [`Failure::config`] for a damaged mark; those of [`Self::look`].
    pub async fn begin(
        store: Arc<Opened>,
        nodes: Option<Arc<Nodes>>,
        keys: &Path,
    ) -> Result<Self, Failure> {
        let path = keys.join(FILE);
        let earlier = read(&path)?;
        let (quarantined, why) = (AtomicBool::default(), Mutex::default());
        let vigil = Self { store, path, nodes, quarantined, why, last: Mutex::new(earlier) };
        vigil.look().await?;
        Ok(vigil)
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Opened> {
        &self.store
    }

    /// The other processes on the store, where there can be any.
    #[must_use]
    pub fn nodes(&self) -> Option<&Arc<Nodes>> {
        self.nodes.as_ref()
    }

    /// Why nothing is issued and nothing is active, if that is so.
    #[must_use]
    pub fn quarantine(&self) -> Option<String> {
        if !self.is_quarantined() {
            return None;
        }
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nothing is issued and nothing is active.
    #[must_use]
    pub fn is_quarantined(&self) -> bool {
        self.quarantined.load(Ordering::Acquire)
    }

    /// Somebody knows what was lost: from here on the store counts as it is.
    ///
    /// # Errors
    /// When the mark cannot be written; then nothing changes.
    pub async fn accept(&self) -> Result<(), Failure> {
        let Progress { marks, .. } = self.progress(vec![]).await?;
        self.keep(marks).await?;
        self.quarantined.store(false, Ordering::Release);
        Ok(())
    }

    /// Keeps how far the store has come, if it has all that it had; otherwise the quarantine begins, and
    /// the log is told.
    ///
    /// # Errors
    /// When the store does not answer, or the mark cannot be written.
    pub async fn look(&self) -> Result<(), Failure> {
        if self.is_quarantined() {
            return Ok(());
        }
        let earlier = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Read from what is committed, so a mark is never ahead of the store.
        let Progress { marks, standing } = self.progress(earlier).await?;
        let Some(why) = doubt(standing) else { return self.keep(marks).await };
        eprintln!(
            "quarantine: {why}. Nothing is issued and nothing is active; see `counterfoil status`, \
             and `counterfoil restore --accept` when you know what was lost"
        );
        *self.why.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        self.quarantined.store(true, Ordering::Release);
        Ok(())
    }

    /// A file is read on a thread that may wait for it.
    async fn progress(&self, earlier: Vec<Mark>) -> Result<Progress, Failure> {
        let found = if let Opened::Postgres(store) = &*self.store {
            store.progress(&earlier).await
        } else {
            let (store, here) = (self.store.clone(), Handle::current());
            let look = move || here.block_on(store.progress(&earlier));
            spawn_blocking(look).await.unwrap_or(Err(Unavailable))
        };
        found.map_err(|Unavailable| Failure::failed("the store does not answer"))
    }

    async fn keep(&self, marks: Vec<Mark>) -> Result<(), Failure> {
        if marks.is_empty() || *self.last.lock().unwrap_or_else(PoisonError::into_inner) == marks {
            return Ok(());
        }
        let (path, kept) = (self.path.clone(), marks.clone());
        let saved = spawn_blocking(move || save(&path, &kept)).await;
        saved.map_err(|e| Failure::failed(e.to_string()))??;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = marks;
        Ok(())
    }

    /// Everything that must be well for the server to be ready.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        let store = match self.store.health() {
            Health::Ready => None,
            Health::Interrupted { why } | Health::Stopped { why } => Some(why.into()),
        };
        let check = |name: &str, failing| Check { name: name.into(), failing };
        let mut checks = vec![check("store", store)];
        checks.extend(self.nodes.iter().map(|nodes| check("feed", nodes.failing())));
        checks.push(check("quarantine", self.quarantine()));
        checks
    }

    /// What is answered before any surface is asked: the health of the server, and everything while
    /// the store is in quarantine.
    #[must_use]
    pub fn answer(&self, parts: &Parts) -> Option<Response<Body>> {
        let path = parts.uri.path();
        let looks = parts.method == Method::GET || parts.method == Method::HEAD;
        let reply = match path {
            "/livez" if looks => Reply::json(200, &Live { live: true }),
            "/readyz" if looks => {
                let checks = self.checks();
                // The names only: reasons name files, and are for `counterfoil status`.
                let failing = checks.into_iter().filter(|check| check.failing.is_some());
                let failing: Vec<String> = failing.map(|check| check.name).collect();
                let status = if failing.is_empty() { 200 } else { 503 };
                Reply::json(status, &Ready { ready: failing.is_empty(), failing })
            }
            _ if !self.is_quarantined() => return None,
            _ if path.ends_with("/introspect") && parts.method == Method::POST => {
                Reply::json_bytes(200, br#"{"active":false}"#.to_vec())
            }
            _ => return None,
        };
        let mut random = [0; 16];
        random.copy_from_slice(&SystemDice.bytes32()[..16]);
        Some(reply.into_response(RequestId::new(random)))
    }
}

#[derive(Serialize)]
struct Live {
    live: bool,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    failing: Vec<String>,
}

/// Lets the folder of the key file remember a mark that is further than what it remembers of the same
/// store: of a store that is about to be replaced.
///
/// # Errors
/// [`Failure::config`] for a damaged mark, [`Failure::failed`] when it cannot be written.
pub fn raise(mark: &Mark, keys: &Path) -> Result<(), Failure> {
    let path = keys.join(FILE);
    match read(&path)?.first() {
        Some(earlier) if earlier.store != mark.store || earlier.number >= mark.number => Ok(()),
        Some(_) | None => save(&path, &[*mark]),
    }
}

/// Why a store at this mark would be in quarantine, by what the folder of the key file remembers and
/// by the store that it replaces.
///
/// # Errors
/// [`Failure::config`] for a damaged mark.
pub fn doubts(mark: &Mark, there: Option<&Mark>, keys: &Path) -> Result<Option<String>, Failure> {
    let further = |a: &Mark, b: &Mark| a.store == b.store && a.number > b.number;
    let earlier = match (read(&keys.join(FILE))?.first().copied(), there) {
        (Some(earlier), Some(there)) if further(there, &earlier) => Some(*there),
        (None, Some(there)) => Some(*there),
        (earlier, _) => earlier,
    };
    // A copy has no other event of the same number: it would have to be a copy of a fork.
    Ok(earlier.and_then(|earlier| doubt(mark.standing(&earlier, Some(earlier.hash)))))
}

fn doubt(standing: Standing) -> Option<String> {
    match standing {
        Standing::WentOn | Standing::New => None,
        Standing::SetBack { by } => Some(format!(
            "the store was set back: {by} events are missing that this server knew of"
        )),
        Standing::Forked => Some(
            "the store is an earlier copy that went on by itself: events are missing that this \
             server knew of"
                .into(),
        ),
        Standing::Foreign => Some("the store is another one than this server worked with".into()),
    }
}

fn save(path: &Path, marks: &[Mark]) -> Result<(), Failure> {
    let mut text = String::from(
        "# The newest event of the store that this server has worked with, or of each of its lanes. A \
         store\n# that does not have it was set back. Keep this file with the keys, and out of copies \
         of the store.\n",
    );
    for Mark { store, number, hash } in marks {
        let head = if marks.len() > 1 { "[[lane]]\n" } else { "" };
        let (store, hash) = (hex(store), hex(hash));
        text += &format!("{head}store = \"{store}\"\nnumber = {number}\nhash = \"{hash}\"\n");
    }
    let told = |e: std::io::Error| Failure::failed(format!("{}: {e}", path.display()));
    let next = path.with_extension("next");
    // One that was cut off.
    let _ = std::fs::remove_file(&next);
    private(&next, text.as_bytes()).map_err(told)?;
    std::fs::rename(&next, path).map_err(told)
}

/// Nothing where there is no file.
fn read(path: &Path) -> Result<Vec<Mark>, Failure> {
    if !path.exists() {
        return Ok(vec![]);
    }
    let stored = match toml_file::read(path)? {
        File { store: Some(store), number: Some(number), hash: Some(hash), lane } => {
            lane.is_empty().then(|| vec![Stored { store, number, hash }])
        }
        File { store: None, number: None, hash: None, lane } => Some(lane),
        File { .. } => None,
    };
    let marks = stored.and_then(|all| all.iter().map(Stored::mark).collect());
    marks.ok_or_else(|| {
        let what = "is damaged; fix: restore it from a copy of the keys, or remove it when nothing \
                    was restored since";
        Failure::config(format!("{}: {what}", path.display()))
    })
}

impl Stored {
    fn mark(&self) -> Option<Mark> {
        let bytes = |text: &str| GrantId::parse_hex(text).ok().map(|id| id.0);
        let (first, second) = self.hash.split_at_checked(32)?;
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(&bytes(first)?);
        hash[16..].copy_from_slice(&bytes(second)?);
        Some(Mark { store: bytes(&self.store)?, number: self.number, hash })
    }
}
