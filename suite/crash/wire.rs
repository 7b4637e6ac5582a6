//! Requests, and answers that arrived whole: an answer that did not is no answer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64ct::{Base64, Encoding as _};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whatever carries requests to a server.
pub(crate) trait Wire: Sync {
    /// `None`: nobody knows what happened.
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Option<Answer>;

    /// `POST` of a form with Basic credentials.
    fn post(&self, path: &str, basic: &str, form: &str) -> Option<Answer> {
        let basic = Base64::encode_string(basic.as_bytes());
        let headers = format!("authorization: Basic {basic}\r\n{FORM}");
        self.send("POST", path, &headers, form)
    }
}

/// The header of a form.
pub(crate) const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// An answer that arrived whole.
#[derive(Debug)]
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

    /// Every cookie that was set, as a header of the next request.
    pub(crate) fn cookies(&self) -> String {
        let lines = self.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        let pairs: Vec<&str> = lines.filter_map(|line| line.split(';').next()).collect();
        format!("cookie: {}\r\n", pairs.join("; "))
    }

    /// The name of the request, as the audit trail keeps it.
    pub(crate) fn request(&self) -> Option<[u8; 16]> {
        let hex: String = self.header("x-request-id")?.chars().filter(|c| *c != '-').collect();
        counterfoil_protocol::ids::GrantId::parse_hex(&hex).ok().map(|id| id.0)
    }
}

/// A process at an address, one connection for each request.
pub(crate) struct Process(pub(crate) String);

impl Wire for Process {
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(&self.0).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let (address, len) = (&self.0, body.len());
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
