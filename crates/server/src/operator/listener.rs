//! The server's end of the operator's socket: bound after the store is ours, gone when we end.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Desk, Told, VERBS};
use crate::failure::Failure;

/// Largest body; commands have a few hundred bytes.
const BODY_LEN_MAX: usize = 64 * 1024;
/// A command that is not complete by then is no command of ours.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest path of a socket that the system takes.
const PATH_LEN_MAX: usize = 107;

/// The socket, bound and not served yet.
pub struct Operator {
    listener: UnixListener,
    path: PathBuf,
    /// The user this server runs as: the owner of the socket it made.
    user: u32,
}

impl Operator {
    /// Binds the socket of a state folder. To be called when the store is open: its lock says that
    /// no other server lives here, so a socket that is there is a leftover.
    ///
    /// # Errors
    /// [`Failure::config`] when the path is too long or the folder takes no socket.
    pub fn bind(state: &Path) -> Result<Self, Failure> {
        let path = super::socket(state);
        let shown = path.display();
        if path.as_os_str().len() > PATH_LEN_MAX {
            return Err(Failure::config(format!(
                "{shown}: a socket cannot have a path of more than {PATH_LEN_MAX} bytes; \
                 use a state folder with a shorter one"
            )));
        }
        let told = |e: std::io::Error| Failure::config(format!("{shown}: {e}"));
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(told(e)),
        }
        let listener = UnixListener::bind(&path).map_err(told)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(told)?;
        let user = std::fs::metadata(&path).map_err(told)?.uid();
        Ok(Self { listener, path, user })
    }

    /// Serves until the server stops, one command at a time per connection.
    pub async fn run(self, desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let Ok((stream, _)) = accepted else { break };
            if self.admits(&stream) {
                tokio::spawn(serve(desk.clone(), stream));
            }
        }
        // Gone already, perhaps with its folder.
        let _ = std::fs::remove_file(&self.path);
    }

    /// The permissions of the file say it already; between its making and their setting only this
    /// does.
    fn admits(&self, stream: &UnixStream) -> bool {
        stream.peer_cred().is_ok_and(|peer| peer.uid() == self.user || peer.uid() == 0)
    }
}

async fn serve(desk: Arc<Desk>, stream: UnixStream) {
    let service = service_fn(move |request| {
        let desk = desk.clone();
        async move { Ok::<_, std::convert::Infallible>(answer(&desk, request).await) }
    });
    // A command that went away has seen its answer or does not want it.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(desk: &Desk, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, body) = match perform(desk, request).await {
        Ok(body) => (StatusCode::OK, serde_json::to_vec(&body)),
        Err((status, Failure { code, text })) => (status, serde_json::to_vec(&Told { code, text })),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.unwrap_or_default())));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}

async fn perform(desk: &Desk, request: Request<Incoming>) -> Result<Value, (StatusCode, Failure)> {
    let usage = |status, what: &str| (status, Failure::usage(format!("the server: {what}")));
    let verb = VERBS.iter().find(|verb| verb.path == request.uri().path());
    let Some(verb) = verb else {
        return Err(usage(StatusCode::NOT_FOUND, "it does not know this command"));
    };
    if request.method() != Method::POST {
        return Err(usage(StatusCode::METHOD_NOT_ALLOWED, "commands are sent with POST"));
    }
    let collected =
        timeout(READ_TIMEOUT, Limited::new(request.into_body(), BODY_LEN_MAX).collect());
    let bytes = match collected.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) | Err(_) => {
            return Err(usage(StatusCode::BAD_REQUEST, "the command is too large or too slow"));
        }
    };
    let asked = serde_json::from_slice(&bytes)
        .map_err(|_| usage(StatusCode::BAD_REQUEST, "the command is no JSON"))?;
    if let Some(why) = desk.vigil.quarantine()
        && ![super::STATUS, super::ACCEPT].contains(&verb.path)
    {
        let what = format!("the store is in quarantine: {why}");
        return Err((StatusCode::CONFLICT, Failure::failed(what)));
    }
    (verb.run)(desk, asked).await.map_err(|failure| (StatusCode::CONFLICT, failure))
}
