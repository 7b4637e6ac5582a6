//! The process under test, with everything it is told and everything it says.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// A running sandbox.
pub(crate) struct Server {
    child: Child,
    /// What it printed when it was ready.
    pub(crate) ready: serde_json::Value,
}

impl Server {
    /// A sandbox that forgets everything.
    pub(crate) fn ephemeral() -> Self {
        Self::start(&["--ephemeral"])
    }

    pub(crate) fn start(more: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .args(["sandbox", "--json", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).expect("one line of JSON");
        Self { child, ready }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        let port = self.ready["http"].as_str().unwrap().rsplit(':').next().unwrap();
        format!("127.0.0.1:{port}")
    }

    /// A signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already when somebody waited for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of the binary in a folder.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).current_dir(folder).output().unwrap()
}

/// The binary under test: named by whoever has built it, or built here, once.
#[expect(clippy::disallowed_methods, reason = "how the check names the binary it has built")]
fn binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Ok(path) = std::env::var("COUNTERFOIL_BINARY") {
        return path.into();
    }
    let build = || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "-p", "counterfoil-server"])
            .current_dir(root)
            .status()
            .unwrap();
        assert!(built.success(), "the binary does not build");
        root.join("target/debug/counterfoil")
    };
    BUILT.get_or_init(build).clone()
}
