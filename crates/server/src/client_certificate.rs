//! Certificates of clients: asked for in the handshake without being required, and judged against the
//! authorities that the operator trusts (RFC 8705 §2.1, §2.2).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use counterfoil_engine::sender::mtls::PeerCertificate;
use counterfoil_jose::certificate::Certificate;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

use crate::failure::Failure;
use crate::system::micros;
use crate::tls::certificates;

/// Certificates of a chain that are looked at, the client's own included.
pub(crate) const CHAIN_MAX: usize = 6;

/// Takes whatever certificate a client shows, as long as it holds the key: which clients there are
/// and what they registered is known later. Self-signed ones are meant to be possible.
#[derive(Debug)]
pub(crate) struct Asking(WebPkiSupportedAlgorithms);

impl Asking {
    pub(crate) fn new() -> Self {
        Self(aws_lc_rs::default_provider().signature_verification_algorithms)
    }
}

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// The authorities whose certificates may speak by their names.
#[derive(Clone, Debug, Default)]
pub struct Trust(Option<Arc<dyn ClientCertVerifier>>);

impl Trust {
    /// Reads PEM files. Without any, no certificate is trusted and self-signed ones still work.
    ///
    /// # Errors
    /// [`Failure::config`] naming a file that holds no certificate.
    pub fn of(files: &[PathBuf]) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        for path in files {
            for certificate in certificates(path)? {
                let added = roots.add(certificate);
                added.map_err(|e| Failure::config(format!("{}: {e}", path.display())))?;
            }
        }
        if roots.is_empty() {
            return Ok(Self(None));
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let built = built.map_err(|e| Failure::config(format!("client certificates: {e}")))?;
        Ok(Self(Some(built)))
    }

    /// What a chain is worth, the client's own certificate first. `None` for none, and for one that
    /// cannot be read.
    #[must_use]
    pub fn judge(&self, chain: &[CertificateDer<'_>]) -> Option<PeerCertificate> {
        let (own, above) = chain.split_first()?;
        let certificate = Certificate::from_der(own).ok()?;
        let now = UnixTime::since_unix_epoch(Duration::from_micros(micros()));
        let trusted = above.len() < CHAIN_MAX
            && self.0.as_ref().is_some_and(|v| v.verify_client_cert(own, above, now).is_ok());
        Some(PeerCertificate { certificate, trusted })
    }
}
