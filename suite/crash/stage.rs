//! The state folder of a server under test, and the server as a process.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use counterfoil_jose::alg::Alg;
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::key::SigningKey;
use counterfoil_protocol::ids::hex;

use crate::actors::Props;
use crate::wire::Process;

/// What the storm needs besides the seeds of the sandbox. The last client is suspended by its file.
const SEEDS: &str = include_str!("../../crates/server/src/sandbox/seeds.toml");
const STORM: &str = include_str!("storm.toml");
const CERTIFICATE: &str = include_str!("../protocol/keys/client-cert.pem");
const FAPI_KEYS: &str = include_str!("fapi-client-public.jwks.json");
const KEY: &str = include_str!("../protocol/keys/client.pem");
pub(crate) const ISSUER: &str = "http://localhost:8080";
const SETTINGS: &str = "issuer = \"http://localhost:8080\"\nstate = \".\"\n\n\
                        [listen]\nplain = \"127.0.0.1:0\"\n";
/// Longer than a start takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes everything but the store into a folder.
pub(crate) fn set(folder: &Path) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    std::fs::create_dir_all(folder.join("resources")).unwrap();
    std::fs::create_dir_all(folder.join("keys")).unwrap();
    write("counterfoil.toml", SETTINGS);
    write("keys/worldline-certificate.pem", CERTIFICATE);
    write("keys/fapi-client-public.jwks.json", FAPI_KEYS);
    write("keys/fapi-client2-public.jwks.json", FAPI_KEYS);
    write("resources/seeds.toml", SEEDS);
    write("resources/storm.toml", STORM);
    suspended(folder, false);
}

/// What the file says of the client that comes and goes.
pub(crate) fn suspended(folder: &Path, suspended: bool) {
    let text = format!(
        "[[client]]\nid = \"crashapp\"\nsurface = \"fintecture\"\nscopes = [\"organisations:read\"]\n\
         auth = {{ method = \"client_secret_basic\", secret = \"crashsecret\" }}\n\
         suspended = {suspended}\n"
    );
    let (path, next) = (folder.join("resources/crashapp.toml"), folder.join("crashapp.next"));
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, path).unwrap();
}

/// What the actors carry.
pub(crate) fn props() -> Props {
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    Props {
        key: SigningKey::from_pem(Alg::RS256, KEY).unwrap(),
        kid: hex(&certificate.sha1()).to_uppercase(),
        issuer: ISSUER.into(),
        serial: std::sync::atomic::AtomicU64::new(1),
    }
}

/// A server on a state folder.
pub(crate) struct Server {
    child: Mutex<Child>,
    pub(crate) wire: Process,
    stderr: Mutex<Receiver<String>>,
}

impl Server {
    /// The program as it is shipped.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::spawn(Command::new(shipped()), folder).unwrap_or_else(|e| panic!("no start: {e}"))
    }

    /// The same program on a disk that takes orders from `orders`. What it said when it did not
    /// become ready.
    pub(crate) fn on_disk(folder: &Path, orders: &Path) -> Result<Self, String> {
        let mut command = Command::new(failing());
        command.env("DISK_ORDERS", orders);
        Self::spawn(command, folder)
    }

    /// This program, on a state folder. What it said when it did not become ready.
    pub(crate) fn spawn(mut command: Command, folder: &Path) -> Result<Self, String> {
        command.arg("serve").arg("--config").arg(folder.join("counterfoil.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // What is said to this program is no setting of the server.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERFOIL_")) {
            command.env_remove(name);
        }
        let mut child = command.spawn().unwrap();
        let stderr = lines(child.stderr.take().unwrap());
        let mut said = vec![];
        loop {
            let Ok(line) = stderr.recv_timeout(PATIENCE) else {
                let _ = child.kill();
                let ended = child.wait().unwrap();
                return Err(format!("{ended}: {}", said.join("\n")));
            };
            if let Some((_, address)) = line.split_once("listening on ")
                && line.starts_with("ready in ")
            {
                let address = address.split(',').next().unwrap_or_default().to_owned();
                let (child, stderr) = (Mutex::new(child), Mutex::new(stderr));
                return Ok(Self { child, wire: Process(address), stderr });
            }
            said.push(line);
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have killed itself already.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Whether it has ended, and how.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().unwrap()
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn stop(&self) -> ExitStatus {
        self.signal("TERM");
        self.child.lock().unwrap_or_else(PoisonError::into_inner).wait().unwrap()
    }

    /// Reads the resources again. Whether it said that it had.
    pub(crate) fn reload(&self) -> bool {
        self.signal("HUP");
        let stderr = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok(line) = stderr.recv_timeout(PATIENCE) {
            if let Some(done) = line.strip_prefix("reload") {
                return done.starts_with(':');
            }
        }
        false
    }

    fn signal(&self, name: &str) {
        let id = self.child.lock().unwrap_or_else(PoisonError::into_inner).id().to_string();
        let _ = Command::new("kill").args(["-s", name, &id]).stderr(Stdio::null()).status();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (told, said) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // Whoever started it may have gone.
            let _ = told.send(line);
        }
    });
    said
}

/// The binary under test: named by whoever has built it, or built here.
#[expect(clippy::disallowed_methods, reason = "how the check names the binary it has built")]
pub(crate) fn shipped() -> PathBuf {
    if let Ok(path) = std::env::var("COUNTERFOIL_BINARY") {
        return path.into();
    }
    static BUILT: Once = Once::new();
    built(&BUILT, "counterfoil-server", "counterfoil")
}

/// The same code on a disk that fails on request.
#[expect(clippy::disallowed_methods, reason = "how the check names the binary it has built")]
fn failing() -> PathBuf {
    if let Ok(path) = std::env::var("COUNTERFOIL_DISK_BINARY") {
        return path.into();
    }
    static BUILT: Once = Once::new();
    built(&BUILT, "counterfoil-disk", "counterfoil-disk")
}

#[expect(clippy::disallowed_methods, reason = "where cargo is, and where it builds")]
fn built(once: &Once, package: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    once.call_once(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let line = ["build", "--quiet", "--package", package];
        let built = Command::new(cargo).args(line).current_dir(root).status().unwrap();
        assert!(built.success(), "{name} does not build");
    });
    let target = std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root.join("target"), Into::into);
    target.join("debug").join(name)
}
