//! The one door to addresses that clients register: their key sets, sector files, logos, logout
//! endpoints (attacks.md P11). `https` only, names resolved once and pinned, no inner addresses, no
//! redirects, no proxy of the environment, bounded in size and time.

mod address;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use counterfoil_engine::outbound::{Incoming, Outbound, OutboundFault, Outgoing};
use counterfoil_engine::store::BoxFuture;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::failure::Failure;
use crate::tls::certificates;

/// From the look-up of the name to the last byte of the answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// Addresses of one name that are tried: two families, and one that is down.
const ADDRESSES_MAX: usize = 3;
/// Longest address that is looked at.
const URL_LEN_MAX: usize = 2_048;

/// Whom this server may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses: a server that others can register at.
    Public,
    /// This machine as well: sandboxes and tests, where the client runs beside the server.
    Loopback,
}

/// Calls others, within [`Reach`].
pub struct Egress {
    reach: Reach,
    tls: TlsConnector,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Egress({:?})", self.reach)
    }
}

impl Egress {
    /// Trusts the certificate authorities of the system, and those of `more`.
    ///
    /// # Errors
    /// [`Failure::config`] naming a file that holds no certificate.
    pub fn new(reach: Reach, more: &[PathBuf]) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        // A system without a store trusts nobody: then only `more` counts.
        let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for path in more {
            for certificate in certificates(path)? {
                let added = roots.add(certificate);
                added.map_err(|e| Failure::config(format!("{}: {e}", path.display())))?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Failure::failed(format!("no TLS for outgoing calls: {e}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { reach, tls: TlsConnector::from(Arc::new(config)) })
    }

    fn may_call(&self, ip: IpAddr) -> bool {
        let here = ip.is_loopback()
            || matches!(ip, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()));
        address::is_public(ip) || (self.reach == Reach::Loopback && here)
    }

    /// The address, when its text alone does not rule it out.
    fn parse(&self, text: &str) -> Option<Url> {
        let plain = text.len() <= URL_LEN_MAX && text.bytes().all(|b| b.is_ascii_graphic());
        // Two readers must see one host: backslashes and userinfo are where they part.
        let disguised = text.contains('\\') || text.contains('@') && authority(text).contains('@');
        if !plain || disguised || !text.starts_with("https://") {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let bare = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "https" || !bare || url.fragment().is_some() || url.port() == Some(0) {
            return None;
        }
        let fits = match url.host()? {
            Host::Ipv4(ip) => self.may_call(ip.into()),
            Host::Ipv6(ip) => self.may_call(ip.into()),
            Host::Domain(name) => self.may_resolve(name),
        };
        fits.then_some(url)
    }

    /// Names that mean this machine or this network whatever a resolver says (RFC 6761, RFC 6762).
    fn may_resolve(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        let ends = |zone: &str| name == zone || name.ends_with(&format!(".{zone}"));
        if ends("localhost") {
            return self.reach == Reach::Loopback;
        }
        // A name without a dot is completed by the search list of this machine.
        let inner = ["local", "internal", "home.arpa", "localdomain"].into_iter().any(ends);
        name.contains('.') && !inner
    }

    async fn answer(&self, call: Outgoing<'_>) -> Result<Incoming, OutboundFault> {
        let url = self.parse(call.url).ok_or(OutboundFault::NotAdmitted)?;
        let stream = self.connect(&url).await?;
        let silent = |_| OutboundFault::NoAnswer;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(silent)?;
        let connection = tokio::spawn(connection);
        let request = request(&url, call).ok_or(OutboundFault::NotAdmitted)?;
        let received = async {
            let (head, body) = sender.send_request(request).await.map_err(silent)?.into_parts();
            let body = Limited::new(body, call.len_max).collect().await;
            let body = body.map_err(|_| OutboundFault::NoAnswer)?.to_bytes().to_vec();
            let media_type = head.headers.get(http::header::CONTENT_TYPE);
            let media_type = media_type.and_then(|v| v.to_str().ok()?.split(';').next());
            let media_type = media_type.map(|text| text.trim().to_ascii_lowercase().into());
            Ok(Incoming { status: head.status.as_u16(), media_type, body })
        };
        let received = received.await;
        // One call, one connection: nothing of the other side stays open.
        connection.abort();
        received
    }

    /// Resolves once, judges every address, and connects to one of those that were judged.
    async fn connect(
        &self,
        url: &Url,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, OutboundFault> {
        let port = url.port().unwrap_or(443);
        let (name, found) = match url.host().ok_or(OutboundFault::NotAdmitted)? {
            Host::Ipv4(ip) => (ServerName::from(IpAddr::V4(ip)), vec![(ip, port).into()]),
            Host::Ipv6(ip) => (ServerName::from(IpAddr::V6(ip)), vec![(ip, port).into()]),
            Host::Domain(name) => {
                let found = lookup_host((name, port)).await.map_err(|_| OutboundFault::NoAnswer)?;
                let name = ServerName::try_from(name.to_owned());
                (name.map_err(|_| OutboundFault::NotAdmitted)?, found.collect::<Vec<_>>())
            }
        };
        // One inner address condemns the name: which of them is called would be chance.
        if found.iter().any(|at: &SocketAddr| !self.may_call(at.ip())) {
            return Err(OutboundFault::NotAdmitted);
        }
        for at in found.into_iter().take(ADDRESSES_MAX) {
            let Ok(stream) = TcpStream::connect(at).await else { continue };
            return self.tls.connect(name, stream).await.map_err(|_| OutboundFault::NoAnswer);
        }
        Err(OutboundFault::NoAnswer)
    }
}

impl Outbound for Egress {
    fn admits(&self, url: &str) -> bool {
        self.parse(url).is_some()
    }

    fn call<'a>(&'a self, call: Outgoing<'a>) -> BoxFuture<'a, Result<Incoming, OutboundFault>> {
        Box::pin(async move {
            let answered = timeout(CALL_TIMEOUT, self.answer(call)).await;
            answered.unwrap_or(Err(OutboundFault::NoAnswer))
        })
    }
}

fn request(url: &Url, call: Outgoing<'_>) -> Option<Request<Full<Bytes>>> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let method = if call.form.is_some() { "POST" } else { "GET" };
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", host)
        .header("accept", call.accept)
        .header("user-agent", concat!("counterfoil/", env!("CARGO_PKG_VERSION")))
        .header("connection", "close");
    if call.form.is_some() {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    request.body(Full::new(Bytes::from(call.form.unwrap_or_default().to_owned()))).ok()
}

/// What stands between the scheme and the path.
fn authority(text: &str) -> &str {
    let after = text.split_once("://").map_or(text, |(_, after)| after);
    after.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
