//! Bytes on a socket: whatever a client, or somebody who is none, may send.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// An answer, or what there was of one.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// What every refusal must be: JSON with an error, or a page; never kept; with a reference.
    pub(crate) fn is_proper(&self, what: &str) {
        assert_eq!(self.header("cache-control"), Some("no-store"), "{what}: {self:?}");
        let id = self.header("x-request-id").unwrap_or_default();
        assert_eq!(id.len(), 36, "{what}: a UUID as X-Request-Id: {self:?}");
        let kind = self.header("content-type").unwrap_or_default();
        if kind.starts_with("text/html") {
            assert!(self.body.contains("id=\"error-reference\""), "{what}: our own page: {self:?}");
            return;
        }
        assert_eq!(kind, "application/json", "{what}: {self:?}");
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        let error = json["error"].as_str().unwrap_or_default();
        assert!(!error.is_empty(), "{what}: {self:?}");
    }
}

/// Sends bytes and reads until the other side is done. `None` when it closed without a word.
pub(crate) fn send(address: &str, bytes: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // A server that refuses early may close before everything was sent.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    read(&mut stream)
}

/// Reads one answer from a connection that is closed after it.
pub(crate) fn read(stream: &mut TcpStream) -> Option<Answer> {
    let mut raw = Vec::new();
    // A reset after the answer is an end like any other.
    let _ = stream.read_to_end(&mut raw);
    let text = String::from_utf8_lossy(&raw).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.into(), body: body.into() })
}

/// A whole request, closed after the answer.
pub(crate) fn request(
    address: &str,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    let len = body.len();
    let mut bytes = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {len}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    send(address, &bytes).expect("an answer")
}

/// A form.
pub(crate) const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// `POST` of a form.
pub(crate) fn post(address: &str, path: &str, form: &str) -> Answer {
    request(address, "POST", path, FORM, form.as_bytes())
}
