//! A small HTTP/1.1 client for a sandbox on this machine: one connection per request, cookies, times;
//! over TLS it trusts the sandbox's authority and nobody else.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::failure::Failure;
use crate::system::micros;
use crate::tls;

/// Largest answer that is read.
const ANSWER_LEN_MAX: usize = 1024 * 1024;

/// A browser or client without a screen.
#[derive(Default)]
pub(super) struct Http {
    cookies: BTreeMap<String, String>,
    tls: Option<TlsConnector>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) took_ms: u64,
    headers: HeaderMap,
}

impl Answer {
    /// A member of a JSON body.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        let json: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        json.get(name)?.as_str().map(str::to_owned)
    }

    /// A header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where it sends whoever asked.
    pub(super) fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// The short reference of the request.
    pub(super) fn reference(&self) -> Option<String> {
        let hex: String = self.header("x-request-id")?.chars().filter(|c| *c != '-').collect();
        let id = counterfoil_protocol::ids::GrantId::parse_hex(&hex).ok()?;
        Some(counterfoil_web::request_id::RequestId::new(id.0).reference())
    }
}

/// What to send.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) authorization: Option<String>,
    pub(super) headers: Vec<(&'a str, String)>,
    pub(super) form: Option<Vec<(&'a str, &'a str)>>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(url: &'a str) -> Self {
        Self { method: "GET", url, authorization: None, headers: vec![], form: None }
    }

    pub(super) fn post(url: &'a str, form: Vec<(&'a str, &'a str)>) -> Self {
        Self { method: "POST", form: Some(form), ..Self::get(url) }
    }

    pub(super) fn basic(self, id: &str, secret: &str) -> Self {
        use base64ct::Encoding as _;
        let both = base64ct::Base64::encode_string(format!("{id}:{secret}").as_bytes());
        Self { authorization: Some(format!("Basic {both}")), ..self }
    }
}

/// `name=value&…`, percent-encoded.
pub(super) fn encoded(form: &[(&str, &str)]) -> String {
    let encode = counterfoil_protocol::form::encode;
    let pairs = form.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl Http {
    /// A client that trusts an authority, and shows its certificate to who asks for one: certificate
    /// and key.
    pub(super) fn trusting(
        authority: &Path,
        identity: Option<(&Path, &Path)>,
    ) -> Result<Self, Failure> {
        let tls = TlsConnector::from(tls::client(authority, identity)?);
        Ok(Self { tls: Some(tls), ..Self::default() })
    }

    pub(super) async fn send(&mut self, ask: Ask<'_>) -> Result<Answer, Failure> {
        let started_us = micros();
        let url = url::Url::parse(ask.url);
        let url = url.map_err(|_| Failure::usage(format!("{} is no address", ask.url)))?;
        let host = url.host_str().unwrap_or("localhost");
        let port = url.port_or_known_default().unwrap_or(80);
        let told = |e: &dyn std::fmt::Display| {
            Failure::unreachable(format!(
                "no answer from {host}:{port}: {e}; is it running? start it with: counterfoil sandbox"
            ))
        };
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let request = self.request(&ask, target, &format!("{host}:{port}"))?;
        let stream = TcpStream::connect((host, port)).await.map_err(|e| told(&e))?;
        let response = if url.scheme() == "https" {
            let tls = self.tls.as_ref().ok_or(Failure::usage("https needs an authority"))?;
            let name = ServerName::try_from(host.to_owned()).map_err(|e| told(&e))?;
            let stream = tls.connect(name, stream).await.map_err(|e| told(&e))?;
            exchange(stream, request).await
        } else {
            exchange(stream, request).await
        };
        let (parts, body) = response.map_err(|e| told(&e))?.into_parts();
        for line in parts.headers.get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()) {
            self.remember(line);
        }
        let body = Limited::new(body, ANSWER_LEN_MAX).collect().await;
        let body = body.map_err(|e| told(&e))?.to_bytes();
        Ok(Answer {
            status: parts.status.as_u16(),
            body: String::from_utf8_lossy(&body).into_owned(),
            took_ms: micros().saturating_sub(started_us) / 1_000,
            headers: parts.headers,
        })
    }

    fn request(
        &self,
        ask: &Ask<'_>,
        target: &str,
        host: &str,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder().method(ask.method).uri(target).header("host", host);
        if let Some(authorization) = &ask.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if !self.cookies.is_empty() {
            let line = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            request = request.header("cookie", line.collect::<Vec<_>>().join("; "));
        }
        let body = match &ask.form {
            Some(form) => {
                request = request.header("content-type", "application/x-www-form-urlencoded");
                encoded(form)
            }
            None => String::new(),
        };
        let request = request.body(Full::new(Bytes::from(body)));
        request.map_err(|e| Failure::usage(e.to_string()))
    }

    fn remember(&mut self, line: &str) {
        let mut parts = line.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let gone = parts.any(|part| part.trim().eq_ignore_ascii_case("max-age=0"));
        if gone {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.into(), value.into());
        }
    }
}

/// One request on a connection of its own.
async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> hyper::Result<hyper::Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}
