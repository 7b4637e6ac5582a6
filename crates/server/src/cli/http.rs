//! A small HTTP/1.1 client for a sandbox on this machine: one connection per request, cookies, times.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::system::micros;

/// Largest answer that is read.
const ANSWER_LEN_MAX: usize = 1024 * 1024;

/// A browser or client without a screen.
#[derive(Debug, Default)]
pub(super) struct Http {
    cookies: BTreeMap<String, String>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) location: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) took_ms: u64,
}

impl Answer {
    /// A member of a JSON body.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        let json: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        json.get(name)?.as_str().map(str::to_owned)
    }

    /// The short reference of the request.
    pub(super) fn reference(&self) -> Option<String> {
        let hex: String = self.request_id.as_ref()?.chars().filter(|c| *c != '-').collect();
        let id = counterfoil_protocol::ids::GrantId::parse_hex(&hex).ok()?;
        Some(counterfoil_web::request_id::RequestId::new(id.0).reference())
    }
}

/// What to send.
#[derive(Debug)]
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
    pub(super) async fn send(&mut self, ask: Ask<'_>) -> Result<Answer, Failure> {
        let started_us = micros();
        let url = url::Url::parse(ask.url);
        let url = url.map_err(|_| Failure::usage(format!("{} is no address", ask.url)))?;
        let (host, port) = (url.host_str().unwrap_or("localhost"), url.port().unwrap_or(80));
        let told = |e: &dyn std::fmt::Display| {
            Failure::unreachable(format!(
                "no answer from {host}:{port}: {e}; is it running? start it with: counterfoil sandbox"
            ))
        };
        let stream = TcpStream::connect((host, port)).await.map_err(|e| told(&e))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|e| told(&e))?;
        tokio::spawn(connection);

        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = Request::builder()
            .method(ask.method)
            .uri(target)
            .header("host", format!("{host}:{port}"));
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
        let request = request.map_err(|e| Failure::usage(e.to_string()))?;
        let response = sender.send_request(request).await.map_err(|e| told(&e))?;
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()) {
            self.remember(line);
        }
        let body = Limited::new(body, ANSWER_LEN_MAX).collect().await;
        let body = body.map_err(|e| told(&e))?.to_bytes();
        let text =
            |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Ok(Answer {
            status: parts.status.as_u16(),
            body: String::from_utf8_lossy(&body).into_owned(),
            location: text("location"),
            request_id: text("x-request-id"),
            took_ms: micros().saturating_sub(started_us) / 1_000,
        })
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
