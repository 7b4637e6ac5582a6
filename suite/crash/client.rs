//! A client that knows what it does not know: an answer that did not arrive whole is no answer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64ct::{Base64, Encoding as _};

/// Requests to one process, one connection each.
pub(crate) struct Client {
    address: String,
}

/// An answer that arrived whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A member of a JSON body.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let json: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        Some(json.get(name)?.as_str()?.to_owned())
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Client {
    pub(crate) fn new(http: &str) -> Self {
        Self { address: http.trim_start_matches("http://").to_owned() }
    }

    /// `POST` of a form with Basic credentials. `None`: nobody knows what happened.
    pub(crate) fn post(&self, path: &str, basic: &str, form: &str) -> Option<Answer> {
        let basic = Base64::encode_string(basic.as_bytes());
        let headers = format!(
            "authorization: Basic {basic}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        );
        self.send("POST", path, &headers, form)
    }

    /// Any request.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Option<Answer> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let (address, len) = (&self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\
             content-length: {len}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).ok()?;
        let text = String::from_utf8(raw).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let answer = Answer { status, head: head.into(), body: body.into() };
        let whole = answer.header("content-length")?.parse() == Ok(answer.body.len());
        whole.then_some(answer)
    }
}
