//! The floor's HTTP: accept, read, answer.

use std::convert::Infallible;
use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use counterfoil_jose::provider;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::Floor;
use super::token;

/// What goes back.
pub(super) enum Reply {
    /// JSON.
    Json(u16, String),
    /// Nothing.
    Empty(u16),
    /// The browser goes on.
    SeeOther(String),
}

/// What came, without the request around it.
pub(super) struct Ask<'r> {
    pub(super) path: &'r str,
    pub(super) query: &'r str,
    /// Id and secret of a Basic header.
    pub(super) basic: Option<(String, String)>,
    pub(super) form: Vec<(&'r str, &'r str)>,
    /// The `DPoP` header.
    pub(super) proof: Option<&'r str>,
    /// Whose certificate the connection has, and its thumbprint.
    pub(super) certificate: Option<(u16, [u8; 32])>,
}

impl Ask<'_> {
    /// A parameter.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Serves a listener for ever.
pub(super) async fn accept(floor: Arc<Floor>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (floor, tls) = (floor.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(floor, stream, None).await,
                Some(tls) => {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                    let thumbprint = shown.map(|certificate| provider::sha256(certificate));
                    let of = |it| floor.certificates.get(&it).map(|number| (*number, it));
                    let certificate = thumbprint.and_then(of);
                    serve(floor, stream, certificate).await;
                }
            }
        });
    }
}

async fn serve<S>(floor: Arc<Floor>, stream: S, certificate: Option<(u16, [u8; 32])>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let floor = floor.clone();
        async move { Ok::<_, Infallible>(answer(&floor, request, certificate).await) }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    floor: &Floor,
    request: Request<Incoming>,
    certificate: Option<(u16, [u8; 32])>,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let body = std::str::from_utf8(&body).unwrap_or_default();
    let ask = Ask {
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        basic: parts.headers.get(AUTHORIZATION).and_then(basic),
        // No value of the driver's needs decoding: `+` and `%` occur where nobody looks.
        form: body.split('&').filter_map(|pair| pair.split_once('=')).collect(),
        proof: parts.headers.get("dpop").and_then(|value| value.to_str().ok()),
        certificate,
    };
    let reply = token::route(floor, &ask).await.unwrap_or_else(|| {
        Reply::Json(400, r#"{"error":"invalid_grant","error_description":"no"}"#.into())
    });
    let (status, body, location) = match reply {
        Reply::Json(status, body) => (status, body, None),
        Reply::Empty(status) => (status, String::new(), None),
        Reply::SeeOther(to) => (303, String::new(), Some(to)),
    };
    let json = !body.is_empty();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    if json {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(to) = location.and_then(|to| HeaderValue::from_str(&to).ok()) {
        headers.insert(LOCATION, to);
    }
    response
}

fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let pair = Base64::decode_vec(value.to_str().ok()?.strip_prefix("Basic ")?).ok()?;
    let (id, secret) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
