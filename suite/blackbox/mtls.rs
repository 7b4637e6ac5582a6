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

#[test]
fn every_endpoint_that_clients_call_has_its_alias_and_answers_there() {
    let server = Server::shared();
    let origin = server.ready["mtls"].as_str().unwrap();
    for surface in ["fapi2", "fapi2_ms"] {
        let issuer = server.ready["surfaces"][surface]["issuer"].as_str().unwrap();
        let (_, path) = issuer.split_at(issuer.rfind("/o/").unwrap());
        let identity = Identity::self_signed();
        let ask = |method: &str, target: &str| {
            let mut wire = connect(&server, Some(&identity));
            wire.send(&request(method, target, &[], b""));
            wire.read().unwrap()
        };
        let metadata = ask("GET", &format!("{path}/.well-known/openid-configuration")).json();
        let aliases = metadata["mtls_endpoint_aliases"].as_object().unwrap();
        // RFC 8705 §5: what a client calls itself, and nothing that is not there without one.
        let mut names: Vec<&str> = aliases.keys().map(String::as_str).collect();
        names.sort_unstable();
        let browsed = ["authorization_endpoint", "end_session_endpoint"];
        let called = metadata.as_object().unwrap().keys().map(String::as_str);
        let called = called.filter(|name| name.ends_with("_endpoint") && !browsed.contains(name));
        let mut called: Vec<&str> = called.collect();
        called.sort_unstable();
        assert_eq!(names, called, "{surface}");
        for (name, alias) in aliases {
            let target = alias.as_str().unwrap().strip_prefix(origin).unwrap();
            let plain = metadata[name].as_str().unwrap();
            assert!(plain.ends_with(target), "{name}: {plain}");
            // Nothing was sent that it would take, but it is there.
            let status = ask("POST", target).status;
            assert!(matches!(status, 400 | 401 | 415), "{name}: {status}");
        }
    }
}
