//! The process under test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running sandbox on a state folder.
pub(crate) struct Server {
    child: Child,
    /// Its address.
    pub(crate) http: String,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(state: &Path) -> Self {
        let mut child = Command::new(binary())
            .args([
                "sandbox",
                "--json",
                "--listen",
                "127.0.0.1:0",
                "--tls-listen",
                "127.0.0.1:0",
                "--mtls-listen",
                "127.0.0.1:0",
            ])
            .arg("--state")
            .arg(state)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let json: serde_json::Value = serde_json::from_str(&line).expect("one line of JSON");
        let http = json["http"].as_str().unwrap().to_owned();
        Self { child, http }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already when it was killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary under test: named by whoever has built it, or built here.
#[expect(clippy::disallowed_methods, reason = "how the check names the binary it has built")]
fn binary() -> PathBuf {
    if let Ok(path) = std::env::var("COUNTERFOIL_BINARY") {
        return path.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "-p", "counterfoil-server"])
        .current_dir(root)
        .status()
        .unwrap();
    assert!(built.success(), "the binary does not build");
    root.join("target/debug/counterfoil")
}
