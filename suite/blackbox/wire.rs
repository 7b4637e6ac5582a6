//! A client over a bare socket: it sends whatever bytes it is given, and reads what comes back.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use serde_json::Value;

/// Longer than any limit of the server: what takes so long hangs.
const PATIENCE: Duration = Duration::from_secs(25);

/// What a connection is made of: a socket, or TLS over one.
pub(crate) trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// One connection.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    /// Bytes that were read and belong to the next answer.
    rest: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter().filter(|(known, _)| known == name);
        all.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }

    pub(crate) fn member(&self, name: &str) -> String {
        let json = self.json();
        let found = json.get(name).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("no {name} in {} {}", self.status, self.text()))
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("{} {}", self.status, self.text()))
    }

    /// A parameter of the redirect; none of ours needs decoding.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.location().split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// Fails unless the status is this.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// What holds for every refusal, whatever was sent: a JSON error or a page, no stack, nothing that
    /// others may keep, and a reference.
    pub(crate) fn is_polite(&self, sent: &str) -> &Self {
        let shown = format!("{sent}: {} {}", self.status, self.text());
        let header = |name: &str| self.header(name).unwrap_or_default();
        assert!(is_uuid(header("x-request-id")), "no X-Request-Id: {shown}");
        assert_eq!(header("cache-control"), "no-store", "{shown}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{shown}");
        for leak in ["panicked", "src/", ".rs:", "RUST_BACKTRACE", "hyper", "thread '"] {
            assert!(!self.text().contains(leak), "{leak}: {shown}");
        }
        if self.status < 400 {
            return self;
        }
        match header("content-type") {
            "application/json" => assert!(!self.member("error").is_empty(), "{shown}"),
            "text/html; charset=utf-8" => {
                assert!(self.text().contains("id=\"error-reference\""), "{shown}");
                assert!(header("content-security-policy").contains("default-src 'none'"));
            }
            other => panic!("a body of type {other:?}: {shown}"),
        }
        if self.status == 405 {
            assert!(!header("allow").is_empty(), "{shown}");
        }
        self
    }
}

pub(crate) fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            14 => *b == b'4',
            _ => b.is_ascii_hexdigit(),
        })
}

impl Wire {
    /// Connects to `host:port`.
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(Box::new(stream))
    }

    pub(crate) fn over(stream: Box<dyn Stream>) -> Self {
        Self { stream, rest: vec![] }
    }

    /// Sends bytes. The server may have answered and closed already: that is no failure of ours.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
    }

    /// Reads one answer; `None` when the connection was closed before one began.
    pub(crate) fn read(&mut self) -> Option<Answer> {
        self.read_after("GET")
    }

    /// The answer to a request of this method: that to HEAD has no body.
    pub(crate) fn read_after(&mut self, method: &str) -> Option<Answer> {
        let end = loop {
            if let Some(at) = find(&self.rest, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                assert!(self.rest.is_empty(), "half a head: {:?}", self.rest);
                return None;
            }
        };
        let head = String::from_utf8(self.rest.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let start = lines.next().unwrap();
        assert!(start.starts_with("HTTP/1."), "{start}");
        let status = start.split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, length)| length.parse().unwrap());
        let none = method == "HEAD" || matches!(status, 204 | 304) || status < 200;
        let length = if none { 0 } else { length };
        while self.rest.len() < length {
            assert!(self.more(), "{status}: {} of {length} bytes", self.rest.len());
        }
        let body = self.rest.drain(..length).collect();
        Some(Answer { status, headers, body })
    }

    /// Whether the server closes the connection without another answer.
    pub(crate) fn is_closed(&mut self) -> bool {
        !self.more()
    }

    /// Whatever comes until the connection is closed.
    pub(crate) fn read_to_end(&mut self) -> &[u8] {
        while self.more() {}
        &self.rest
    }

    /// Reads some more; false at the end of the connection.
    fn more(&mut self) -> bool {
        let mut some = [0; 16_384];
        match self.stream.read(&mut some) {
            Ok(0) => false,
            Ok(read) => {
                self.rest.extend_from_slice(&some[..read]);
                true
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the server hangs")
            }
            // Reset, or TLS that was cut: closed all the same.
            Err(_) => false,
        }
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// The value of `Authorization` for these credentials.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", Base64::encode_string(format!("{id}:{secret}").as_bytes()))
}

/// A request as bytes, with `Host` and, where there is a body, its length.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let has = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !has("host") {
        head.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    let framed = has("content-length") || has("transfer-encoding");
    if !framed && (!body.is_empty() || method == "POST") {
        write!(head, "content-length: {}\r\n", body.len()).unwrap();
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Everything but letters and digits as `%XX`.
pub(crate) fn encoded(raw: &str) -> String {
    let one = |b: u8| match b {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    raw.bytes().map(one).collect()
}
