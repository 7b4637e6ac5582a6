//! One keep-alive connection: HTTP/1.1, as little of it as servers answer with.

use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// No answer of any flow is longer.
const ANSWER_LEN_MAX: usize = 1 << 20;
/// What is read at once.
const READ_LEN: usize = 8 * 1024;

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// See the module.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    read: Vec<u8>,
}

/// An answer that arrived whole.
pub(crate) struct Answer<'a> {
    /// The status.
    pub(crate) status: u16,
    head: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// Whether the body has this text.
    pub(crate) fn has(&self, text: &str) -> bool {
        find(self.body, text.as_bytes()).is_some()
    }

    /// The text member of that name of a flat JSON body without escapes.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        let start = find(self.body, format!("\"{name}\":\"").as_bytes())? + name.len() + 4;
        let rest = &self.body[start..];
        let end = rest.iter().position(|b| *b == b'"')?;
        std::str::from_utf8(&rest[..end]).ok()
    }

    /// Whether the server closes the connection after it.
    pub(super) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// For people who look for a failure.
    pub(super) fn shown(&self) -> String {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(300)]);
        let location = self.header("location").unwrap_or_default();
        format!("{} {location} {body}", self.status)
    }
}

impl Connection {
    pub(super) async fn open(
        address: SocketAddr,
        tls: Option<&TlsConnector>,
    ) -> Result<Self, String> {
        let told = |e: std::io::Error| format!("{address}: {e}");
        let stream = TcpStream::connect(address).await.map_err(told)?;
        stream.set_nodelay(true).map_err(told)?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(connector) => {
                let name = ServerName::try_from("localhost").map_err(|e| e.to_string())?;
                Box::new(connector.connect(name, stream).await.map_err(told)?)
            }
        };
        Ok(Self { stream, read: Vec::with_capacity(READ_LEN) })
    }

    /// Sends a request and waits for the whole answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, String> {
        let told = |e: std::io::Error| e.to_string();
        self.stream.write_all(request).await.map_err(told)?;
        self.stream.flush().await.map_err(told)?;
        self.read.clear();
        let mut looked = 0;
        loop {
            if self.stream.read_buf(&mut self.read).await.map_err(told)? == 0 {
                return Err("closed without an answer".into());
            }
            let from = usize::saturating_sub(looked, 3);
            if let Some(at) = find(&self.read[from..], b"\r\n\r\n") {
                looked = from + at;
                break;
            }
            looked = self.read.len();
            if looked > ANSWER_LEN_MAX {
                return Err("an answer without an end".into());
            }
        }
        let (status, len) = {
            let head = std::str::from_utf8(&self.read[..looked]).map_err(|e| e.to_string())?;
            let status = head.get(9..12).and_then(|s| s.parse().ok()).ok_or("no status")?;
            let announced: Option<usize> =
                header(head, "content-length").and_then(|l| l.parse().ok());
            let none = matches!(status, 204 | 304);
            let len = announced.or(none.then_some(0)).ok_or("an answer without a length")?;
            (status, len)
        };
        let end = looked + 4 + len;
        if end > ANSWER_LEN_MAX {
            return Err("too long an answer".into());
        }
        while self.read.len() < end {
            if self.stream.read_buf(&mut self.read).await.map_err(told)? == 0 {
                return Err("closed within an answer".into());
            }
        }
        let head = std::str::from_utf8(&self.read[..looked]).map_err(|e| e.to_string())?;
        Ok(Answer { status, head, body: &self.read[looked + 4..end] })
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.split("\r\n").skip(1);
    lines.find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = within[from..].iter().position(|b| *b == first) {
        if within[from + at..].starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_looked_into() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 1";
        let answer = Answer { status: 200, head, body: br#"{"a":"x","bc":"yz"}"# };
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.member("bc"), Some("yz"));
        assert_eq!(answer.member("b"), None);
        assert!(answer.has("\"a\":\"x\"") && !answer.has("q"));
    }
}
