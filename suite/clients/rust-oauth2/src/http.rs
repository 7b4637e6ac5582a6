//! HTTP over the loopback by hand: what the crates are given as their client, and the customer's browser.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};

use oauth2::http::{header, HeaderValue, Response};
use oauth2::{HttpRequest, HttpResponse};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Who speaks TLS, and whom we trust there.
static TRUST: OnceLock<(String, Arc<ClientConfig>)> = OnceLock::new();

/// Speaks TLS with this origin, and trusts the authority in this file there. With everybody else the
/// scheme is not looked at.
pub fn trust(authority: &str, origin: &str) {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority).expect("a certificate"))
        .expect("an authority");
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let host = origin.trim_start_matches("https://").to_owned();
    TRUST.set((host, Arc::new(config))).expect("once");
}

/// Both kinds of connection.
trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

fn connect(uri: &oauth2::http::Uri) -> Result<Box<dyn Stream>, Error> {
    let authority = uri.authority().expect("an absolute URL");
    let socket = TcpStream::connect(authority.as_str())?;
    let Some((_, config)) = TRUST.get().filter(|(host, _)| host == authority.as_str()) else {
        return Ok(Box::new(socket));
    };
    let name = ServerName::try_from(authority.host().to_owned()).map_err(Error::other)?;
    let connection = ClientConnection::new(config.clone(), name).map_err(Error::other)?;
    Ok(Box::new(StreamOwned::new(connection, socket)))
}

/// Sends one request of a crate.
pub fn send(request: HttpRequest) -> Result<HttpResponse, Error> {
    let host = request.uri().authority().expect("an absolute URL").to_string();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut text = format!(
        "{} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n",
        request.method(),
        request.body().len()
    );
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().map_err(Error::other)?);
    }
    let mut bytes = format!("{text}\r\n").into_bytes();
    bytes.extend_from_slice(request.body());
    let mut stream = connect(request.uri())?;
    stream.write_all(&bytes)?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // The other side went away without saying so; what came is all there is.
        Err(why) if why.kind() == ErrorKind::UnexpectedEof => {}
        done => drop(done?),
    }

    let end =
        answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or(Error::other("no head"))?;
    let head = std::str::from_utf8(&answer[..end]).map_err(Error::other)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12)).ok_or(Error::other("no status"))?;
    let mut response = Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or(Error::other("no header"))?;
        response = response.header(name, value);
    }
    response.body(answer[end + 4..].to_vec()).map_err(Error::other)
}

/// Signs in, chooses the first account, answers yes: the URL that leads back to the app.
pub fn customer(base: &str, url: &str) -> String {
    let mut browser = Browser { base, cookies: BTreeMap::new() };
    let mut page = browser.open(url, None);
    for _ in 0..4 {
        let html = match page {
            Page::Back(url) => return url,
            Page::Html(html) => html,
        };
        let forms = html.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let ours = |to: &&str| to.ends_with("/login") || to.ends_with("/consent");
        let to = forms.into_iter().find(ours).expect("a form").to_owned();
        let field = |name: &str| {
            between(&html, &format!("name=\"{name}\" value=\""), "\"")
                .map_or_else(String::new, |value| format!("{name}={value}&"))
        };
        let answer = match to.ends_with("/login") {
            true => "login=ada&password=demo&action=submit".to_owned(),
            false => format!("{}action=allow", field("account")),
        };
        let form = field("interaction") + &field("csrf") + &answer;
        page = browser.open(&format!("{base}{to}"), Some(form));
    }
    panic!("the pages do not end")
}

enum Page {
    Html(String),
    Back(String),
}

struct Browser<'a> {
    base: &'a str,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    fn open(&mut self, url: &str, form: Option<String>) -> Page {
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = oauth2::http::Request::builder()
            .method(if form.is_some() { "POST" } else { "GET" })
            .uri(url)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.unwrap_or_default().into_bytes())
            .expect("a request");
        let answer = send(request).expect("an answer");
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let line = text(line);
            let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.expect("a cookie");
            self.cookies.insert(name.into(), value.into());
        }
        match answer.headers().get(header::LOCATION).map(text) {
            None => Page::Html(String::from_utf8(answer.body().clone()).expect("UTF-8")),
            Some(to) if to.starts_with('/') => self.open(&format!("{}{to}", self.base), None),
            Some(to) => Page::Back(to.to_owned()),
        }
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().expect("text")
}

/// What stands between two marks.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let rest = &text[start..];
    Some(&rest[..rest.find(after)?])
}
