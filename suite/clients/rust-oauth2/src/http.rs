//! HTTP over the loopback by hand: what the crate is given as its client, and the customer's browser.

use std::collections::BTreeMap;
use std::io::{Error, Read, Write};
use std::net::TcpStream;

use oauth2::http::{header, HeaderValue, Response};
use oauth2::{HttpRequest, HttpResponse};

/// Sends one request of the crate.
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
    let mut stream = TcpStream::connect(&host)?;
    stream.write_all(&bytes)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;

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
        let to = if html.contains("action=\"/login\"") { "/login" } else { "/consent" };
        let field = |name: &str| {
            let value = between(&html, &format!("name=\"{name}\" value=\""), "\"").expect(name);
            format!("{name}={value}&")
        };
        let answer = match to {
            "/login" => "login=ada&password=demo&action=submit".to_owned(),
            _ => format!("{}action=allow", field("account")),
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
