//! A client's own server: over TLS, with the sandbox's certificate for `localhost`. It answers when the
//! test lets it, and hands out what it was sent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Longer than any pause of the server that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Rp(TcpListener);

impl Rp {
    /// Takes a port. Nobody answers there yet.
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.0.local_addr().unwrap().port())
    }

    /// The next connection, or a test that fails.
    fn accept(&self) -> TcpStream {
        let listener = self.0.try_clone().unwrap();
        let (tell, told) = channel();
        std::thread::spawn(move || tell.send(listener.accept()));
        let (stream, _) =
            told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nobody calls")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Hangs up on the next call.
    pub(crate) fn hang_up(&self) {
        drop(self.accept());
    }

    /// Takes the next call and answers it with this status: the head and the body of the request.
    pub(crate) fn answer(&self, state: &Path, status: u16) -> (String, String) {
        let keys = state.join("keys");
        let chain = CertificateDer::pem_file_iter(keys.join("localhost.pem")).unwrap();
        let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(keys.join("localhost-key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        loop {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, self.accept());
            // Somebody who gave up long ago may still stand in the queue.
            let Some(request) = read(&mut stream) else { continue };
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            stream.conn.send_close_notify();
            let _ = stream.flush();
            return request;
        }
    }
}

/// Head and body of a request with a length.
fn read(stream: &mut impl Read) -> Option<(String, String)> {
    let (mut text, mut some) = (String::new(), [0; 4_096]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut some) {
            Ok(read) if read > 0 => text.push_str(std::str::from_utf8(&some[..read]).unwrap()),
            Ok(_) | Err(_) => return None,
        }
    }
}
