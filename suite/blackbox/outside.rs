//! Whoever stands around the server: a bank that runs it, somebody on this machine who counts who comes,
//! and the site of a client.

use std::io::{Read as _, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::registration::TENANTS;
use crate::server::{Server, counterfoil, lines};
use crate::wire::{Answer, Wire, request};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// `counterfoil serve` as a bank runs it, with a tenant that registers anybody.
pub(crate) struct Bank {
    child: Child,
    address: String,
    /// What it is started in.
    _folder: TempDir,
}

impl Bank {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = "issuer = \"http://localhost:8080\"\n[listen]\nplain = \"127.0.0.1:0\"\n";
        std::fs::write(folder.path().join("counterfoil.toml"), settings).unwrap();
        std::fs::create_dir(folder.path().join("resources")).unwrap();
        std::fs::write(folder.path().join("resources/bank.toml"), TENANTS).unwrap();
        let mut command = counterfoil();
        command.arg("serve").current_dir(folder.path()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let told = lines(child.stderr.take().unwrap());
        let ready = loop {
            let line = told.recv_timeout(PATIENCE).unwrap();
            if line.starts_with("ready in ") {
                break line;
            }
        };
        let address = ready.split("listening on ").nth(1).unwrap().split(", ").next().unwrap();
        Self { child, address: address.into(), _folder: folder }
    }

    pub(crate) fn send(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|value| ("authorization", value)));
        let mut wire = Wire::connect(&self.address);
        wire.send(&request(method, path, &headers, body.as_bytes()));
        wire.read().unwrap_or_else(|| panic!("closed: {body}"))
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Listens on this machine and counts who comes.
pub(crate) struct Trap {
    pub(crate) port: u16,
    came: Arc<AtomicU64>,
}

impl Trap {
    pub(crate) fn set() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (port, came) = (listener.local_addr().unwrap().port(), Arc::<AtomicU64>::default());
        let counts = came.clone();
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                counts.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, came }
    }

    /// How many came.
    pub(crate) fn calls(&self) -> u64 {
        self.came.load(Ordering::SeqCst)
    }
}

/// The site of a client on this machine, which a sandbox may call, that answers as it is told.
pub(crate) struct Site {
    pub(crate) port: u16,
    came: Arc<AtomicU64>,
}

impl Site {
    /// With the certificate of the sandbox, whose authority it trusts.
    pub(crate) fn of(server: &Server, answer: impl Fn(&mut dyn Write) + Send + 'static) -> Self {
        let keys = server.state.join("keys");
        let chain = vec![CertificateDer::from_pem_file(keys.join("localhost.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(keys.join("localhost-key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let (port, came) = (listener.local_addr().unwrap().port(), Arc::<AtomicU64>::default());
        let counts = came.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                counts.fetch_add(1, Ordering::SeqCst);
                socket.set_read_timeout(Some(PATIENCE)).unwrap();
                let connection = ServerConnection::new(config.clone()).unwrap();
                let mut stream = StreamOwned::new(connection, socket);
                let mut head = [0; 4096];
                if stream.read(&mut head).is_ok_and(|len| len > 0) {
                    answer(&mut stream);
                }
            }
        });
        Self { port, came }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.came.load(Ordering::SeqCst)
    }
}

/// The head of an answer that is JSON.
pub(crate) fn head(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
}
