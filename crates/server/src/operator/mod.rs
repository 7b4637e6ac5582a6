//! The operator's way into a running server: a socket in the state folder that only the owner of the
//! server can open. The server stays the one writer of its store; a command asks it to write.
//!
//! One verb is one file and one line in [`VERBS`]. No port, so no browser and no other user of the
//! machine reaches it; who may open the file is whom the system lets (experience.md section 4).

pub mod ask;
pub(crate) mod clients;
pub(crate) mod health;
pub(crate) mod keys;
pub mod listener;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterfoil_engine::store::BoxFuture;
use counterfoil_web::app::App;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::serve::Reload;
use crate::vigil::Vigil;

/// The socket of a state folder.
const SOCKET: &str = "operator.sock";

/// Where the socket of a server with this state folder is.
fn socket(state: &Path) -> PathBuf {
    state.join(SOCKET)
}

/// What verbs act on.
pub struct Desk {
    /// The application.
    pub app: Arc<App>,
    /// Whether it may do its work, and its store.
    pub vigil: Arc<Vigil>,
    /// Applies what the files say.
    pub reload: Arc<Reload>,
}

/// Something an operator can ask of a running server.
struct Verb {
    /// Its path on the socket.
    path: &'static str,
    /// Takes and returns one JSON object.
    run: Run,
}

type Run = for<'a> fn(&'a Desk, Value) -> BoxFuture<'a, Result<Value, Failure>>;

/// What can be asked while the store is in quarantine; everything else might write to it.
const STATUS: &str = "/status";
const ACCEPT: &str = "/restore/accept";

/// Everything that can be asked.
static VERBS: &[Verb] = &[
    Verb { path: STATUS, run: |desk, asked| Box::pin(async { health::status(desk, asked) }) },
    Verb { path: ACCEPT, run: |desk, asked| Box::pin(health::accept(desk, asked)) },
    Verb { path: "/client/suspend", run: |desk, asked| Box::pin(clients::suspend(desk, asked)) },
    Verb { path: "/client/resume", run: |desk, asked| Box::pin(clients::resume(desk, asked)) },
    Verb { path: "/key/list", run: |desk, asked| Box::pin(keys::list(desk, asked)) },
    Verb { path: "/key/rotate", run: |desk, asked| Box::pin(keys::rotate(desk, asked)) },
];

/// A failure on the wire of the socket: what the command would have ended with.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    code: u8,
    text: String,
}

/// What was asked, as a type.
fn read<T: serde::de::DeserializeOwned>(asked: Value) -> Result<T, Failure> {
    serde_json::from_value(asked).map_err(|e| Failure::usage(format!("the server: {e}")))
}

/// An answer as JSON.
fn write(answer: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer).map_err(|e| Failure::failed(e.to_string()))
}
