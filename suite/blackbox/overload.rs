//! More requests at once than the server takes: one more is told to come back, at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::server::{FORM, Server};
use crate::tls;

/// Requests that are answered at the same time (`listener.rs`), and the streams of one connection.
const IN_FLIGHT_MAX: usize = 4_096;
const STREAMS_MAX: usize = 128;

/// A body that never comes.
struct Never;

impl Body for Never {
    type Data = Bytes;
    type Error = std::convert::Infallible;
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

type Asked = Result<Response<Incoming>, hyper::Error>;

async fn connection(server: &Server) -> http2::SendRequest<Never> {
    let config = tls::config(server, &[b"h2"]);
    let socket = TcpStream::connect(("127.0.0.1", server.tls_port())).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap();
    let (ask, work) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(work);
    ask
}

/// Requests whose heads are there and whose bodies are not.
async fn fill(server: &Server, waiting: &mut JoinSet<Asked>) -> Vec<http2::SendRequest<Never>> {
    let mut connections = vec![];
    for _ in 0..=IN_FLIGHT_MAX / STREAMS_MAX {
        let mut ask = connection(server).await;
        for _ in 0..STREAMS_MAX {
            ask.ready().await.unwrap();
            let request = Request::post("https://localhost/oauth/accesstoken")
                .header("content-type", FORM)
                .body(Never)
                .unwrap();
            waiting.spawn(ask.send_request(request));
        }
        connections.push(ask);
    }
    connections
}

#[test]
fn a_full_queue_answers_503_at_once() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut waiting = JoinSet::new();
        let connections = fill(&server, &mut waiting).await;
        // Of more than can wait, some are refused at once; nobody else has ended.
        let first = tokio::time::timeout(Duration::from_secs(8), waiting.join_next()).await;
        let first = first.expect("nobody is refused").unwrap().unwrap().unwrap();
        assert_eq!(first.status(), 503);
        assert_eq!(first.headers()["retry-after"], "1");
        assert_eq!(first.headers()["cache-control"], "no-store");
        // So is whoever comes over another connection.
        let address = server.address();
        let late = tokio::task::spawn_blocking(move || {
            let mut wire = crate::wire::Wire::connect(&address);
            wire.send(&crate::wire::request("GET", "/jwks", &[], b""));
            wire.read().unwrap()
        });
        let late = late.await.unwrap();
        late.is_polite("one more");
        assert_eq!(late.status, 503);
        assert_eq!(late.header("retry-after"), Some("1"));
        assert_eq!(late.member("error"), "temporarily_unavailable");
        // Whoever goes away makes room.
        waiting.abort_all();
        drop(connections);
    });
    drop(runtime);
    let mut wire = server.connect();
    let room = (0..100_000).any(|_| {
        wire.send(&crate::wire::request("GET", "/jwks", &[], b""));
        wire.read().unwrap().status == 200
    });
    assert!(room, "those that went away are still in the queue");
    server.lives();
}
