//! TLS: the server's certificate and what a handshake may be; and the other side of it, for commands
//! that call a server of ours.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoClientAuth;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::client_certificate::Asking;
use crate::failure::Failure;

/// How HTTP/2 is asked for in a handshake (RFC 9113 §3.2).
pub(crate) const HTTP2: &[u8] = b"h2";

/// A configuration for TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, without early data.
///
/// # Errors
/// [`Failure::config`] naming the file.
pub fn server(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, Failure> {
    configured(cert, key, Arc::new(NoClientAuth))
}

/// The same, and the client is asked for a certificate. It may have none (RFC 8705 §5).
///
/// # Errors
/// [`Failure::config`] naming the file.
pub fn server_asking(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, Failure> {
    configured(cert, key, Arc::new(Asking::new()))
}

fn configured(
    cert: &Path,
    key: &Path,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, Failure> {
    let chain = certificates(cert)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| told(key, &e))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| told(cert, &e))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, private)
        .map_err(|e| told(cert, &e))?;
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    // Early data can be replayed (attacks.md P8); zero is also the default.
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// What a client of ours takes: a server whose certificate this authority made. `identity` is its own
/// certificate and key, for servers that ask.
///
/// # Errors
/// [`Failure::config`] naming the file.
pub(crate) fn client(
    authority: &Path,
    identity: Option<(&Path, &Path)>,
) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authority)? {
        roots.add(certificate).map_err(|e| told(authority, &e))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| told(authority, &e))?
        .with_root_certificates(roots);
    let mut config = match identity {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let private = PrivateKeyDer::from_pem_file(key).map_err(|e| told(key, &e))?;
            let made = config.with_client_auth_cert(certificates(certificate)?, private);
            made.map_err(|e| told(certificate, &e))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The certificates of a PEM file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let all = CertificateDer::pem_file_iter(path).map_err(|e| told(path, &e))?;
    let all = all.collect::<Result<Vec<_>, _>>().map_err(|e| told(path, &e))?;
    if all.is_empty() { Err(told(path, &"no certificate in it")) } else { Ok(all) }
}

fn told(path: &Path, what: &impl std::fmt::Display) -> Failure {
    Failure::config(format!("{}: {what}", path.display()))
}
