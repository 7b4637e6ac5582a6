//! HTTPS: the certificate of the sandbox's own CA, both versions of HTTP, cookies for this host alone.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
};

use crate::browser::{field, mx_authorize};
use crate::server::{FORM, Server};
use crate::wire::{Answer, Wire, request};

/// A client that trusts the sandbox's CA and nobody else.
pub(crate) fn config(server: &Server, protocols: &[&[u8]]) -> ClientConfig {
    config_for(server, protocols, rustls::DEFAULT_VERSIONS)
}

fn config_for(
    server: &Server,
    protocols: &[&[u8]],
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut config = trusting(server, versions).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config
}

/// The same client, with a certificate of its own.
pub(crate) fn with_identity(
    server: &Server,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> ClientConfig {
    let config = trusting(server, rustls::DEFAULT_VERSIONS);
    let mut config = config.with_client_auth_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

fn trusting(
    server: &Server,
    versions: &[&'static SupportedProtocolVersion],
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    let ca = server.ready["ca"].as_str().unwrap();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
}

pub(crate) fn connect(server: &Server, config: ClientConfig, name: &'static str) -> Wire {
    let name = ServerName::try_from(name).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", server.tls_port())).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
    Wire::over(Box::new(StreamOwned::new(connection, socket)))
}

pub(crate) fn ask(
    server: &Server,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut wire = connect(server, config(server, &[b"http/1.1"]), "localhost");
    wire.send(&request(method, target, headers, body.as_bytes()));
    wire.read().unwrap()
}

#[test]
fn every_name_of_this_machine_is_in_the_certificate() {
    let server = Server::shared();
    for name in ["localhost", "127.0.0.1", "::1"] {
        for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
            let config = config_for(&server, &[b"http/1.1"], versions);
            let mut wire = connect(&server, config, name);
            wire.send(&request("GET", "/jwks", &[], b""));
            wire.read().unwrap_or_else(|| panic!("{name}")).expect(200);
        }
    }
    let mut wire = connect(&server, config(&server, &[]), "evil.example");
    wire.send(&request("GET", "/jwks", &[], b""));
    assert!(wire.is_closed(), "the certificate is for anybody");
}

#[test]
fn cookies_over_tls_are_host_cookies_and_secure() {
    let server = Server::shared();
    let begun = ask(&server, "GET", &mx_authorize("mxrecipient"), &[("accept", "text/html")], "");
    begun.is_polite("authorize");
    let cookies = |answer: &Answer| -> Vec<String> {
        let lines = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        lines.map(|(_, line)| line.clone()).collect()
    };
    let first = cookies(&begun);
    let pair = first[0].split(';').next().unwrap().to_owned();
    let page = ask(&server, "GET", begun.location(), &[("cookie", &pair)], "").expect(200).text();
    let body = format!(
        "interaction={}&csrf={}&login=ada&password=demo&action=submit",
        field(&page, "interaction"),
        field(&page, "csrf")
    );
    let headers = [("cookie", &*pair), ("content-type", FORM)];
    let login = ask(&server, "POST", "/login", &headers, &body).expect(303);
    let all = [first, cookies(&login)].concat();
    assert_eq!(all.len(), 3);
    for line in all {
        assert!(line.starts_with("__Host-cf-"), "{line}");
        for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.to_lowercase().contains("domain"), "{line}");
    }
    // The cookie of plain HTTP is another one: it opens nothing here.
    let plain = pair.trim_start_matches("__Host-").to_owned();
    let page = ask(&server, "GET", begun.location(), &[("cookie", &plain)], "");
    assert_eq!(page.status, 400);
}

#[test]
fn plain_http_on_the_tls_port_is_no_conversation() {
    let server = Server::shared();
    let mut wire = Wire::connect(&format!("127.0.0.1:{}", server.tls_port()));
    wire.send(&request("GET", "/jwks", &[], b""));
    // At most an alert.
    assert!(wire.read_to_end().len() < 64);
    server.lives();
}
