//! A request as a client writes it and an answer as a client reads it, without HTTP in between.

use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use counterfoil_engine::sender::mtls::PeerCertificate;
use counterfoil_protocol::form;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it comes over TLS.
    pub(crate) secure: bool,
    /// The certificate of the client.
    pub(crate) certificate: Option<Arc<PeerCertificate>>,
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

impl Ask {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { method, target, headers: vec![], body: vec![], secure: false, certificate: None }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A form, written as it goes over the wire.
    pub(crate) fn post(target: &str, body: &str) -> Self {
        let body = body.as_bytes().to_vec();
        Self { body, ..Self::new("POST", target) }.with("content-type", FORM)
    }

    /// A form of pairs that are not encoded yet.
    pub(crate) fn form(target: &str, pairs: &[(&str, &str)]) -> Self {
        Self::post(target, &encoded(pairs))
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn basic(self, id: &str, secret: &str) -> Self {
        self.with("authorization", &basic(id, secret))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// As the application takes it.
    pub(crate) fn into_parts(self) -> (http::request::Parts, Bytes) {
        let mut request = Request::builder().method(&*self.method).uri(&*self.target);
        for (name, value) in &self.headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request = request.header(HeaderName::try_from(&**name).unwrap(), value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        (parts, self.body.into())
    }
}

/// The value of `Authorization` as most libraries write it: nothing is encoded inside.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", Base64::encode_string(format!("{id}:{secret}").as_bytes()))
}

/// A form body or a query.
pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    let one = |(name, value): &(&str, &str)| format!("{name}={}", form::encode(value));
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {} {:?}", self.status, self.text()))
    }

    /// A member of the body that is a text.
    pub(crate) fn member(&self, name: &str) -> String {
        let json = self.json();
        let found = json.get(name).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("no {name} in {} {}", self.status, self.text()))
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
            .unwrap_or_else(|| panic!("no redirect: {} {}", self.status, { self.text() }))
    }

    /// A parameter of the redirect, decoded.
    pub(crate) fn parameter(&self, name: &'static str) -> Option<String> {
        parameter(self.location(), name)
    }

    /// Fails unless the status is this.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

/// A parameter of the query of a URL, decoded.
pub(crate) fn parameter(url: &str, name: &'static str) -> Option<String> {
    let query = url.split_once('?')?.1;
    let form = form::Form::decode(query.as_bytes()).unwrap();
    form.one(name).unwrap().map(str::to_owned)
}
