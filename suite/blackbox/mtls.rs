//! The listener that asks clients for a certificate and does not require one (RFC 8705).

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConnection, StreamOwned};

use crate::server::Server;
use crate::tls;
use crate::wire::{Wire, request};

/// A key pair with a certificate, as a client has it.
pub(crate) struct Identity {
    pub(crate) der: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl Identity {
    pub(crate) fn self_signed() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["client.example".into()]).unwrap();
        Self { der: made.cert.der().to_vec(), key: made.signing_key.serialize_der() }
    }
}

/// A connection to the listener, with or without a certificate.
pub(crate) fn connect(server: &Server, identity: Option<&Identity>) -> Wire {
    let mut config = tls::config(server, &[b"http/1.1"]);
    if let Some(Identity { der, key }) = identity {
        let key = PrivateKeyDer::Pkcs8(key.clone().into());
        config = tls::with_identity(server, vec![der.clone().into()], key);
    }
    let url = server.ready["mtls"].as_str().unwrap();
    let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
    Wire::over(Box::new(StreamOwned::new(connection, socket)))
}

#[test]
fn a_certificate_is_asked_for_and_not_required() {
    let server = Server::shared();
    let target = "/.well-known/oauth-authorization-server";
    for identity in [None, Some(Identity::self_signed())] {
        let mut wire = connect(&server, identity.as_ref());
        wire.send(&request("GET", target, &[], b""));
        let answer = wire.read().unwrap().expect(200);
        assert_eq!(answer.json()["issuer"], server.ready["http"], "{}", identity.is_some());
    }
}

#[test]
fn a_certificate_without_its_key_ends_the_handshake() {
    let server = Server::shared();
    let (one, other) = (Identity::self_signed(), Identity::self_signed());
    let stolen = Identity { der: one.der, key: other.key };
    let config = std::panic::catch_unwind(|| {
        let mut wire = connect(&server, Some(&stolen));
        wire.send(&request("GET", "/jwks", &[], b""));
        wire.read().is_some()
    });
    // Either our own library notices, or the server breaks off.
    assert!(!config.unwrap_or(false), "an answer for a key that was not shown");
}
