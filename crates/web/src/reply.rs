//! What goes back over the wire: JSON, pages, redirects, always with `no-store` and a request id.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    PRAGMA, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::request_id::RequestId;

/// The body type of every answer.
pub type Body = Full<Bytes>;

/// An answer before it is HTTP.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The media type; `None` for an empty body.
    pub media_type: Option<&'static str>,
    /// The body.
    pub body: Bytes,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether others may keep it: only metadata, keys and assets.
    pub cacheable: bool,
}

const JSON: &str = "application/json";
/// Bodies of most answers without a signature: they grow once at most.
const BODY_USUAL: usize = 512;
/// Headers of most answers, with those that the transport adds: the map grows once.
const HEADERS_USUAL: usize = 12;

impl Reply {
    /// A JSON body. A value that cannot be serialized is a bug and answers as one.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let mut bytes = Vec::with_capacity(BODY_USUAL);
        match serde_json::to_writer(&mut bytes, body) {
            Ok(()) => Self::json_bytes(status, bytes),
            Err(_) => Self::json_bytes(500, br#"{"error":"server_error"}"#.to_vec()),
        }
    }

    /// A JSON body that is written already.
    #[must_use]
    pub fn json_bytes(status: u16, body: Vec<u8>) -> Self {
        let (media_type, body) = (Some(JSON), body.into());
        Self { status, media_type, body, headers: vec![], cacheable: false }
    }

    /// No body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        let body = Bytes::new();
        Self { status, media_type: None, body, headers: vec![], cacheable: false }
    }

    /// A page. `form_targets` are the origins that a form on it may end up at, because browsers
    /// apply `form-action` to redirects after a POST.
    #[must_use]
    pub fn page(status: u16, html: String, form_target: Option<&str>) -> Self {
        let target = form_target.map(|target| format!(" {target}")).unwrap_or_default();
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{target}; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        let media_type = Some("text/html; charset=utf-8");
        let body = html.into_bytes().into();
        let mut page = Self { status, media_type, body, headers: vec![], cacheable: false };
        page.set(CONTENT_SECURITY_POLICY, &policy);
        page.set(X_FRAME_OPTIONS, "DENY");
        page
    }

    /// 303: the browser asks for `location` with GET (attacks.md P25).
    #[must_use]
    pub fn see_other(location: &str) -> Self {
        let mut reply = Self::empty(303);
        reply.set(LOCATION, location);
        reply
    }

    /// 302, where the vendor's document says so.
    #[must_use]
    pub fn found(location: &str) -> Self {
        Self { status: 302, ..Self::see_other(location) }
    }

    /// Adds a header. A value that is no header value is left out: nothing of the kind is made from
    /// input that was not checked.
    pub fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
    }

    /// [`Self::set`], by value.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// A cookie.
    #[must_use]
    pub fn cookie(self, cookie: &str) -> Self {
        self.with(SET_COOKIE, cookie)
    }

    /// 401: how to authenticate (RFC 6749 §5.2).
    #[must_use]
    pub fn challenge_basic(self, realm: &str) -> Self {
        self.with(WWW_AUTHENTICATE, &format!("Basic realm=\"{realm}\""))
    }

    /// 405: what would have been allowed.
    #[must_use]
    pub fn allow(self, methods: &str) -> Self {
        self.with(ALLOW, methods)
    }

    /// 429 and 503: when to come back.
    #[must_use]
    pub fn retry_after(self, seconds: Option<u64>) -> Self {
        match seconds {
            Some(seconds) => self.with(RETRY_AFTER, &seconds.to_string()),
            None => self,
        }
    }

    /// As HTTP. `request_id` goes into `X-Request-Id`.
    #[must_use]
    pub fn into_response(self, request_id: RequestId) -> Response<Body> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.reserve(HEADERS_USUAL);
        if let Some(media_type) = self.media_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        if self.cacheable {
            let lifetime = "public, max-age=300";
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(lifetime));
        } else {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Ok(id) = HeaderValue::from_bytes(&request_id.text()) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

/// The error body of RFC 6749 §5.2.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    /// The code.
    pub error: &'a str,
    /// For the developer of the client.
    pub error_description: &'a str,
}

/// A refusal in the shape of RFC 6749 §5.2.
#[must_use]
pub fn refusal(why: counterfoil_protocol::refusal::Refusal, by_header: bool, realm: &str) -> Reply {
    let status = why.status(by_header);
    let body = ErrorBody { error: why.code().as_str(), error_description: &why.description() };
    let reply = Reply::json(status, &body).retry_after(why.retry_after_s());
    if status == 401 && by_header { reply.challenge_basic(realm) } else { reply }
}
