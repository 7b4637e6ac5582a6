//! The accept loop: bounded connections, bounded heads and bodies, time limits, a graceful end.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use counterfoil_engine::sender::mtls::PeerCertificate;
use counterfoil_protocol::refusal::{Fault, Refusal};
use counterfoil_web::app::{App, Carried};
use counterfoil_web::reply::Body;
use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::client_certificate::Trust;
use crate::crowd::{Asked, Crowd};
use crate::polite::Polite;
use crate::pressure::{Pressure, Watch};
use crate::proxy::{self, Proxies};
use crate::tended::{Alarm, Heads, Tended};
use crate::tls;
use crate::vigil::Vigil;

/// Connections that are open at the same time; one more waits in the kernel.
const CONNECTIONS_MAX: usize = 8_192;
/// Requests that are answered at the same time; one more is told to come back.
const IN_FLIGHT_MAX: usize = 4_096;
/// Largest body. Forms of these protocols have a few kilobytes.
const BODY_LEN_MAX: usize = 64 * 1024;
/// Largest head that is answered by us; hyper gives up at twice that, and at more than 100 headers: for
/// its own number it has room on the stack, for any other it would take memory with every head.
const HEAD_LEN_MAX: usize = 32 * 1024;
const HYPER_HEAD_LEN_MAX: usize = 2 * HEAD_LEN_MAX;
/// A head that is not complete by then is a slow client's.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long accepted requests may take to end when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What all listeners share.
pub struct Shared {
    app: Arc<App>,
    vigil: Arc<Vigil>,
    connections: Arc<Semaphore>,
    in_flight: Semaphore,
    crowd: Arc<Crowd>,
    pressure: Arc<Pressure>,
    clients: Clients,
    stop: watch::Receiver<bool>,
}

/// Whose word on certificates of clients is taken.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    /// The authorities of their certificates.
    pub trust: Trust,
    /// The proxies that may pass one on.
    pub proxies: Proxies,
}

/// The other side of a connection.
#[derive(Clone, Debug)]
struct Peer {
    ip: IpAddr,
    secure: bool,
    certificate: Option<Arc<PeerCertificate>>,
    asked: Arc<Asked>,
}

impl Shared {
    /// `stop` turns true when the server is to end.
    #[must_use]
    pub fn new(
        app: Arc<App>,
        vigil: Arc<Vigil>,
        clients: Clients,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let in_flight = Semaphore::new(IN_FLIGHT_MAX);
        let (crowd, pressure) = (Arc::default(), Arc::default());
        Self { app, vigil, connections, in_flight, crowd, pressure, clients, stop }
    }

    /// Measures how far behind this runtime is, as long as the result is kept.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn watch(&self) -> std::io::Result<Watch> {
        self.pressure.watch(Handle::current(), self.crowd.clone().watched())
    }
}

/// Serves a listener until the server stops; returns when what was accepted is answered.
pub async fn run(shared: Arc<Shared>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let (end, ending) = watch::channel(false);
    let mut stop = shared.stop.clone();
    loop {
        let Ok(permit) = shared.connections.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, from)) = accepted else {
            // Out of file descriptors or the like: give the others a moment to end.
            let _ = timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (shared, tls, ending) = (shared.clone(), tls.clone(), ending.clone());
        shared.crowd.accepted();
        tokio::spawn(async move {
            shared.crowd.started();
            let _permit = permit;
            let (secured, asked) = (tls.is_some(), Arc::<Asked>::default());
            let ip = from.ip();
            let mut peer = Peer { ip, secure: secured, certificate: None, asked: asked.clone() };
            match tls {
                None => first_version(shared.clone(), stream, peer, ending).await,
                Some(tls) => {
                    let handshake = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await;
                    if let Ok(Ok(stream)) = handshake {
                        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                        peer.certificate = shared.clients.trust.judge(chain).map(Arc::new);
                        if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
                            second_version(shared.clone(), stream, peer, ending).await;
                        } else {
                            first_version(shared.clone(), stream, peer, ending).await;
                        }
                    }
                }
            }
            shared.crowd.ended(&asked);
        });
    }
    drop((listener, ending));
    let _ = end.send(true);
    let _ = timeout(DRAIN_TIMEOUT, end.closed()).await;
}

/// Serves HTTP/1.1, with or without TLS.
async fn first_version<S>(shared: Arc<Shared>, stream: S, peer: Peer, ending: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let alarm = Alarm::default();
    let heads = Heads::new(alarm.clone());
    let around = Arc::new((shared, peer, alarm.clone()));
    let service = service_fn(move |request| {
        let around = around.clone();
        async move {
            let (shared, peer, bodies) = &*around;
            Ok::<_, Infallible>(answer(shared, request, peer, Some(bodies)).await)
        }
    });
    let connection = http1::Builder::new()
        .timer(heads)
        // A client that has said everything may close its side and still wants the answer.
        .half_close(true)
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HYPER_HEAD_LEN_MAX)
        .serve_connection(TokioIo::new(Polite::new(stream)), service);
    let _ = Tended::new(connection, alarm, ending).await;
}

/// Serves HTTP/2, which a client has asked for in its handshake.
async fn second_version<S>(
    shared: Arc<Shared>,
    stream: S,
    peer: Peer,
    ending: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let (shared, peer) = (shared.clone(), peer.clone());
        async move { Ok::<_, Infallible>(answer(&shared, request, &peer, None).await) }
    });
    let head_max = u32::try_from(HEAD_LEN_MAX).unwrap_or(u32::MAX);
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(HEAD_TIMEOUT))
        .max_header_list_size(head_max)
        .max_concurrent_streams(128)
        .serve_connection(TokioIo::new(Polite::new(stream)), service);
    let _ = Tended::new(connection, Alarm::default(), ending).await;
}

/// One request: limits first, then the application.
async fn answer(
    shared: &Shared,
    request: Request<Incoming>,
    peer: &Peer,
    bodies: Option<&Alarm>,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    if shared.pressure.sends_away(parts.uri.path(), shared.crowd.size()) {
        // Else all were gone for the count, and would come back together.
        shared.crowd.asks(&peer.asked);
        return shared.app.refuse(Refusal::Overloaded, &parts);
    }
    let Ok(_slot) = shared.in_flight.try_acquire() else {
        return shared.app.refuse(Refusal::Overloaded, &parts);
    };
    if let Some(answer) = shared.vigil.answer(&parts) {
        return answer;
    }
    if shared.vigil.is_quarantined() {
        return shared.app.refuse(Refusal::StoreUnavailable, &parts);
    }
    if head_len(&parts) > HEAD_LEN_MAX {
        return shared.app.refuse(Refusal::HeadTooLarge, &parts);
    }
    let Clients { trust, proxies } = &shared.clients;
    let told = (peer.ip, proxies);
    let certificate =
        proxy::certificate(&mut parts.headers, told, peer.certificate.as_ref(), trust);
    let Ok(certificate) = certificate else {
        let why = Refusal::Parameter("Client-Cert", Fault::Malformed);
        return shared.app.refuse(why, &parts);
    };
    let body = match collect(body, bodies).await {
        Ok(body) => body,
        Err(why) => return shared.app.refuse(why, &parts),
    };
    shared.crowd.asks(&peer.asked);
    shared.app.respond(&parts, &body, &Carried { secure: peer.secure, certificate }).await
}

fn head_len(parts: &http::request::Parts) -> usize {
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    target + headers.sum::<usize>()
}

/// Many bodies may come at once over HTTP/2, each in its own time; over HTTP/1.1 there is one, and the
/// connection's `alarm`.
async fn collect(body: Incoming, alarm: Option<&Alarm>) -> Result<Bytes, Refusal> {
    if hyper::body::Body::is_end_stream(&body) {
        return Ok(Bytes::new());
    }
    // A length that is announced is believed before anything of it is read.
    if usize::try_from(hyper::body::Body::size_hint(&body).lower()).is_ok_and(|n| n > BODY_LEN_MAX)
    {
        return Err(Refusal::BodyTooLarge);
    }
    let collecting = Limited::new(body, BODY_LEN_MAX).collect();
    let collected = match alarm {
        Some(alarm) => alarm.within(BODY_TIMEOUT, collecting).await,
        None => timeout(BODY_TIMEOUT, collecting).await.ok(),
    };
    match collected {
        None => Err(Refusal::RequestTimeout),
        Some(Ok(collected)) => Ok(collected.to_bytes()),
        Some(Err(e)) if e.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
        Some(Err(_)) => Err(Refusal::BodyMalformed),
    }
}

/// Binds an address. A loopback host binds both of its families where the machine has them.
///
/// # Errors
/// What the system said, and what to do.
pub async fn bind(address: SocketAddr) -> Result<Vec<TcpListener>, crate::failure::Failure> {
    let told = |e: std::io::Error| {
        let hint = if e.kind() == std::io::ErrorKind::AddrInUse {
            "; something else listens there: choose another port, 0 picks a free one"
        } else {
            ""
        };
        crate::failure::Failure::failed(format!("cannot listen on {address}: {e}{hint}"))
    };
    let first = TcpListener::bind(address).await.map_err(told)?;
    let port = first.local_addr().map_err(told)?.port();
    let mut all = vec![first];
    if address.ip() == std::net::Ipv4Addr::LOCALHOST {
        let other = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port));
        all.extend(TcpListener::bind(other).await);
    }
    Ok(all)
}
