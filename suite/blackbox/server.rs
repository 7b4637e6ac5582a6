//! The process under test: started, shared between tests, signalled, stopped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::wire::{Answer, Wire, basic, request};

/// Longer than a stop may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the tests need besides the seeds.
const MORE: &str = include_str!("more.toml");
const ELLIPTIC: &str = include_str!("../protocol/keys/elliptic-public.pem");
pub(crate) const ELLIPTIC_KEY: &str = include_str!("../protocol/keys/elliptic.pem");

/// A running sandbox.
pub(crate) struct Server {
    child: Mutex<Option<Child>>,
    /// What it said when it was ready.
    pub(crate) ready: Value,
    /// What it writes to stderr, line by line.
    stderr: Mutex<Receiver<String>>,
    /// Its folder.
    pub(crate) state: PathBuf,
    /// It keeps nothing.
    ephemeral: bool,
    /// Removed at the end.
    folder: Option<TempDir>,
}

/// The binary: named by whoever has built it, or built here, once.
#[expect(clippy::disallowed_methods, reason = "how the check names the binary it has built")]
pub(crate) fn binary() -> PathBuf {
    static BUILT: Once = Once::new();
    if let Ok(path) = std::env::var("COUNTERFOIL_BINARY") {
        return path.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    BUILT.call_once(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let line = ["build", "--quiet", "--package", "counterfoil-server"];
        let built = Command::new(cargo).args(line).current_dir(root).status().unwrap();
        assert!(built.success(), "the binary does not build");
    });
    let target = std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root.join("target"), Into::into);
    target.join("debug/counterfoil")
}

/// A command of the binary.
pub(crate) fn counterfoil() -> Command {
    let mut command = Command::new(binary());
    command.stdin(Stdio::null());
    command
}

impl Server {
    /// The server that tests share which change nothing for others. It ends with the last of them.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        // A test that failed while it waited for the start spoils nothing for the next.
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let started = Arc::new(Self::start());
        *shared = Arc::downgrade(&started);
        started
    }

    /// A server of one's own, with the clients of `more.toml`.
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// The same, with a resource file of the test's own.
    pub(crate) fn with(resources: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        std::fs::create_dir_all(state.join("resources")).unwrap();
        std::fs::write(state.join("resources/more.toml"), MORE).unwrap();
        std::fs::write(state.join("resources/elliptic.pem"), ELLIPTIC).unwrap();
        std::fs::write(state.join("resources/own.toml"), resources).unwrap();
        let mut server = Self::on(&state);
        server.folder = Some(folder);
        server
    }

    /// A server on a folder that stays.
    pub(crate) fn on(state: &Path) -> Self {
        let mut command = counterfoil();
        command.arg("sandbox").arg("--json").arg("--state").arg(state);
        Self::spawn(command, state)
    }

    /// A server that keeps nothing.
    pub(crate) fn ephemeral() -> Self {
        let mut command = counterfoil();
        command.args(["sandbox", "--json", "--ephemeral"]);
        let mut server = Self::spawn(command, Path::new(""));
        server.state = server.ready["state"].as_str().unwrap().into();
        server.ephemeral = true;
        server
    }

    fn spawn(mut command: Command, state: &Path) -> Self {
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--tls-listen",
            "127.0.0.1:0",
            "--mtls-listen",
            "127.0.0.1:0",
        ]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = lines(child.stderr.take().unwrap());
        let stdout = lines(child.stdout.take().unwrap());
        let line = stdout.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("not ready: {:?}", stderr.try_iter().collect::<Vec<_>>())
        });
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let (child, stderr) = (Mutex::new(Some(child)), Mutex::new(stderr));
        Self { child, ready, stderr, state: state.into(), ephemeral: false, folder: None }
    }

    /// Starts again on the same folder after [`Self::kill`].
    pub(crate) fn again(mut self) -> Self {
        let folder = self.folder.take();
        let mut next = Self::on(&self.state);
        next.folder = folder;
        next
    }

    /// Its address for plain HTTP.
    pub(crate) fn address(&self) -> String {
        self.ready["http"].as_str().unwrap().trim_start_matches("http://").to_owned()
    }

    /// Its port for HTTPS.
    pub(crate) fn tls_port(&self) -> u16 {
        let url = self.ready["https"].as_str().unwrap();
        url.rsplit(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn connect(&self) -> Wire {
        Wire::connect(&self.address())
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.raw(&request(method, target, headers, body), method)
    }

    /// Whatever bytes, on a connection of their own.
    pub(crate) fn raw(&self, bytes: &[u8], method: &str) -> Answer {
        let mut wire = self.connect();
        wire.send(bytes);
        let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        wire.read_after(method).unwrap_or_else(|| panic!("closed without an answer: {}", shown()))
    }

    /// A form with credentials in the header.
    pub(crate) fn form(&self, target: &str, credentials: &str, body: &str) -> Answer {
        let (id, secret) = credentials.split_once(':').unwrap();
        let basic = basic(id, secret);
        let headers = [("authorization", &*basic), ("content-type", FORM)];
        self.ask("POST", target, &headers, body.as_bytes())
    }

    /// A form without credentials in the header.
    pub(crate) fn post(&self, target: &str, body: &str) -> Answer {
        self.ask("POST", target, &[("content-type", FORM)], body.as_bytes())
    }

    pub(crate) fn is_active(&self, token: &str) -> bool {
        let answer = self.form("/introspect", RESOURCE, &format!("token={token}")).expect(200);
        answer.json()["active"] == true
    }

    /// Whether it still does its work.
    pub(crate) fn lives(&self) {
        let body = "grant_type=client_credentials&scope=PIS";
        self.form("/oauth/accesstoken", FIN, body).expect(200);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.lock().unwrap().as_ref().unwrap().id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.pid());
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    }

    /// The next line that it writes to stderr, of keys apart.
    pub(crate) fn told(&self) -> String {
        let lines = self.stderr.lock().unwrap();
        loop {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{e}"));
            // RSA keys are made behind a first start, and told of whenever they are done.
            if !line.starts_with("+ key ") {
                return line;
            }
        }
    }

    /// Waits for its end.
    pub(crate) fn ended(&self) -> ExitStatus {
        let child = self.child.lock().unwrap().take().unwrap();
        ended(child)
    }

    /// SIGKILL; the state stays.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(Some(child)) = self.child.get_mut() {
            // Gone already, perhaps.
            let _ = child.kill();
            let _ = child.wait();
        }
        // Killed, an ephemeral sandbox could not clean up behind itself.
        if self.ephemeral {
            let _ = std::fs::remove_dir_all(&self.state);
        }
    }
}

/// Waits for the end of a process, and not for ever.
pub(crate) fn ended(mut child: Child) -> ExitStatus {
    let id = child.id();
    let (tell, told) = channel();
    std::thread::spawn(move || tell.send(child.wait()));
    match told.recv_timeout(PATIENCE) {
        Ok(status) => status.unwrap(),
        Err(_) => {
            let _ = Command::new("sh").args(["-c", &format!("kill -KILL {id}")]).status();
            panic!("it does not end")
        }
    }
}

/// The lines of a pipe, read as they come.
pub(crate) fn lines(pipe: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Nobody listens any more; the pipe is read on, so that the process never waits.
            let _ = tell.send(line);
        }
    });
    told
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const FIN: &str = "finapp:finsecret";
pub(crate) const FIN_OTHER: &str = "finother:othersecret";
pub(crate) const MX: &str = "mxrecipient:mxsecret";
pub(crate) const MX_OTHER: &str = "mxother:othersecret";
pub(crate) const RESOURCE: &str = "mxresource:mxresourcesecret";
pub(crate) const REALM: &str = "/auth/realms/sandbox/protocol/openid-connect";
