//! A bank with two servers: one folder of resources, one key file, one database, two processes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use counterfoil_engine::ctx::Entropy;
use counterfoil_server::keyfile;
use counterfoil_server::system::SystemDice;
use tempfile::TempDir;

use crate::place::Place;
use crate::stage::{self, Server};
use crate::wire::{Answer, Process, Wire};

/// The folder of everything, and the place of its records.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) place: Place,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::at(Place::new())
    }

    pub(crate) fn at(place: Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        stage::set(folder.path());
        let house = Self { folder, place };
        make_keys(&house.keys(), &mut SystemDice);
        house
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The key file of every node.
    pub(crate) fn keys(&self) -> PathBuf {
        self.path().join("keys/handle-keys.toml")
    }

    /// The state folder of a node, with settings for this store.
    pub(crate) fn settle(&self, name: &str, store: &str) -> PathBuf {
        let state = self.path().join(name);
        std::fs::create_dir_all(&state).unwrap();
        let settings = format!(
            "issuer = \"{}\"\nstate = \".\"\nresources = \"../resources\"\nstore = \"{store}\"\n\n\
             [listen]\nplain = \"127.0.0.1:0\"\n",
            stage::ISSUER
        );
        std::fs::write(state.join("counterfoil.toml"), settings).unwrap();
        state
    }

    /// Starts a node. What it said, when it does not become ready.
    pub(crate) fn try_start(&self, name: &str, keys: &Path) -> Result<Server, String> {
        let state = self.settle(name, &self.place.url());
        let mut command = Command::new(stage::shipped());
        command.env("COUNTERFOIL_KEYS_FILE", keys);
        Server::spawn(command, &state)
    }

    pub(crate) fn start(&self, name: &str) -> Server {
        self.try_start(name, &self.keys()).unwrap_or_else(|e| panic!("no start: {e}"))
    }

    /// A command for a node that runs.
    pub(crate) fn operate(&self, name: &str, line: &[&str]) -> Output {
        let mut command = Command::new(stage::shipped());
        command.args(line).arg("--state").arg(self.path().join(name));
        command.stdin(Stdio::null()).output().unwrap()
    }
}

pub(crate) fn make_keys(path: &Path, dice: &mut dyn Entropy) {
    assert!(keyfile::load_or_make(path, dice).is_ok());
}

/// Both nodes, asked in turn.
pub(crate) struct Both<'n> {
    nodes: [&'n Process; 2],
    turn: AtomicUsize,
}

impl<'n> Both<'n> {
    pub(crate) fn new(one: &'n Server, other: &'n Server) -> Self {
        Self { nodes: [&one.wire, &other.wire], turn: AtomicUsize::new(0) }
    }
}

impl Wire for Both<'_> {
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Option<Answer> {
        let at = self.turn.fetch_add(1, Ordering::Relaxed) % self.nodes.len();
        self.nodes[at].send(method, path, headers, body)
    }
}
