//! HTTP itself: broken start lines and heads, bodies in every framing, halves, sequences.

use crate::server::{FIN, FORM, Server};
use crate::wire::{basic, request};

const BODY: &[u8] = b"grant_type=client_credentials&scope=PIS";

fn credentials() -> String {
    let (id, secret) = FIN.split_once(':').unwrap();
    basic(id, secret)
}

/// A request that is good.
fn good() -> Vec<u8> {
    let basic = credentials();
    let headers = [("authorization", &*basic), ("content-type", FORM)];
    request("POST", "/oauth/accesstoken", &headers, BODY)
}

#[test]
fn a_head_that_is_no_http_is_answered_and_closed() {
    let server = Server::shared();
    let broken: [&[u8]; 21] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /jwks\r\n\r\n",
        b"GET /jwks HTTP/2.0\r\n\r\n",
        b"GET /jwks HTTP/9.9\r\n\r\n",
        b"GET /jwks HTTX/1.1\r\n\r\n",
        b"GET  /jwks HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /jwks HTTP/1.1\r\nhost x\r\n\r\n",
        b"GET /jwks HTTP/1.1\r\n: x\r\n\r\n",
        b"GET /jwks HTTP/1.1\r\na b: x\r\n\r\n",
        b"GET /jwks HTTP/1.1\r\nhost: a\0b\r\n\r\n",
        b"GET /jwks HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /jwks\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"G@T /jwks HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /introspect HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST /introspect HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /introspect HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /introspect HTTP/1.1\r\ncontent-length: 1, 2\r\n\r\n",
        b"POST /introspect HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
    ];
    for bytes in broken {
        let mut wire = server.connect();
        wire.send(bytes);
        let shown = String::from_utf8_lossy(bytes).into_owned();
        let answer = wire.read().unwrap_or_else(|| panic!("no answer: {shown}"));
        answer.is_polite(&shown);
        assert!((400..=505).contains(&answer.status), "{} {shown}", answer.status);
        assert!(wire.is_closed(), "it goes on after {shown}");
    }
    server.lives();
}

#[test]
fn a_length_and_chunks_together_smuggle_nothing() {
    let server = Server::shared();
    let hidden = b"0\r\n\r\nGET /jwks HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut wire = server.connect();
    let mut bytes = format!(
        "POST /introspect HTTP/1.1\r\nhost: x\r\ncontent-type: {FORM}\r\ncontent-length: {}\r\n\
         transfer-encoding: chunked\r\n\r\n",
        hidden.len()
    )
    .into_bytes();
    bytes.extend_from_slice(hidden);
    wire.send(&bytes);
    let first = wire.read().unwrap();
    first.is_polite("content-length and transfer-encoding");
    assert!(first.status >= 400);
    // RFC 9112 §6.3: refused, or the chunks count and the connection ends after the answer.
    if let Some(second) = wire.read() {
        assert_ne!(second.status, 200, "a request inside a body was answered");
    }
}

#[test]
fn chunked_and_trickled_bodies_are_bodies() {
    let server = Server::shared();
    let basic = credentials();
    let headers =
        [("authorization", &*basic), ("content-type", FORM), ("transfer-encoding", "chunked")];
    let mut whole = request("POST", "/oauth/accesstoken", &headers, b"");
    for byte in BODY {
        whole.extend_from_slice(&[b"1\r\n", &[*byte][..], b"\r\n"].concat());
    }
    whole.extend_from_slice(b"0\r\n\r\n");
    server.raw(&whole, "POST").expect(200);
    // The same bytes, one at a time.
    let mut wire = server.connect();
    whole.iter().for_each(|byte| wire.send(&[*byte]));
    wire.read().unwrap().expect(200);
    let mut wire = server.connect();
    good().iter().for_each(|byte| wire.send(&[*byte]));
    wire.read().unwrap().expect(200);
    // Trailers and extensions of chunks are nothing to us.
    let mut whole = request("POST", "/oauth/accesstoken", &headers, b"");
    whole.extend_from_slice(format!("{:x};x=y\r\n", BODY.len()).as_bytes());
    whole.extend_from_slice(&[BODY, b"\r\n0\r\nx-trailer: 1\r\n\r\n"].concat());
    server.raw(&whole, "POST").expect(200);
}

#[test]
fn broken_chunks_are_refused() {
    let server = Server::shared();
    let headers = [("content-type", FORM), ("transfer-encoding", "chunked")];
    for chunks in
        [&b"zz\r\n"[..], b"-1\r\na\r\n", b"1\r\nab\r\n", b"ffffffffffffffffff\r\n", b"\r\n"]
    {
        let mut bytes = request("POST", "/introspect", &headers, b"");
        bytes.extend_from_slice(chunks);
        let answer = server.raw(&bytes, "POST");
        answer.is_polite(&String::from_utf8_lossy(chunks));
        assert_eq!(answer.status, 400);
        assert_eq!(answer.member("error"), "invalid_request");
    }
}

#[test]
fn requests_one_after_the_other_are_answered_in_their_order() {
    let server = Server::shared();
    let mut wire = server.connect();
    let mut bytes = vec![];
    for n in 0..20 {
        match n % 3 {
            0 => bytes.extend_from_slice(&good()),
            1 => bytes.extend_from_slice(&request("GET", "/jwks", &[], b"")),
            _ => bytes.extend_from_slice(&request("GET", "/nothing", &[], b"")),
        }
    }
    wire.send(&bytes);
    for n in 0..20 {
        let answer = wire.read().unwrap_or_else(|| panic!("closed after {n} answers"));
        assert_eq!(answer.status, [200, 200, 404][n % 3], "answer {n}");
    }
    // And one more, after a pause in which nothing was sent.
    wire.send(&good());
    wire.read().unwrap().expect(200);
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let server = Server::shared();
    for line in ["GET /jwks HTTP/1.0\r\n\r\n", "GET /jwks HTTP/1.0\r\nhost: x\r\n\r\n"] {
        let mut wire = server.connect();
        wire.send(line.as_bytes());
        wire.read().unwrap().expect(200);
        assert!(wire.is_closed());
    }
    let text = format!(
        "POST /oauth/accesstoken HTTP/1.0\r\nauthorization: {}\r\ncontent-type: {FORM}\r\n\
         content-length: {}\r\n\r\n",
        credentials(),
        BODY.len()
    );
    server.raw(&[text.as_bytes(), BODY].concat(), "POST").expect(200);
}

#[test]
fn other_forms_of_targets_find_nothing_that_is_not_there() {
    let server = Server::shared();
    for (target, status) in [
        ("http://evil.example/jwks", 200),
        ("http://evil.example/nothing", 404),
        ("https://localhost/oauth2/v4/token", 405),
        ("*", 404),
        ("jwks", 404),
        ("http://evil.example", 404),
    ] {
        let answer = server.ask("GET", target, &[], b"");
        if status != 200 {
            answer.is_polite(target);
        }
        assert_eq!(answer.status, status, "{target}");
    }
    let answer = server.ask("CONNECT", "evil.example:443", &[], b"");
    assert!(answer.status >= 400, "a proxy: {}", answer.status);
    // The address of the server is never that of the request.
    let metadata = "/.well-known/openid-configuration";
    for headers in [
        &[("host", "evil.example")][..],
        &[("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https")],
        &[("forwarded", "host=evil.example;proto=https")],
    ] {
        let answer = server.ask("GET", metadata, headers, b"").expect(200);
        assert!(!answer.text().contains("evil.example"));
    }
}

#[test]
fn a_client_that_goes_away_in_the_middle_harms_nobody() {
    let server = Server::shared();
    let whole = good();
    for len in (1..whole.len()).step_by(7) {
        let mut wire = server.connect();
        wire.send(&whole[..len]);
        drop(wire);
    }
    for _ in 0..200 {
        drop(server.connect());
    }
    // An answer that nobody reads.
    for _ in 0..50 {
        let mut wire = server.connect();
        wire.send(&request("GET", "/nothing", &[("accept", "text/html")], b""));
        drop(wire);
    }
    server.lives();
}

#[test]
fn expect_100_continue_is_followed_by_the_answer() {
    let server = Server::shared();
    let basic = credentials();
    let length = BODY.len().to_string();
    let headers = [
        ("authorization", &*basic),
        ("content-type", FORM),
        ("content-length", &*length),
        ("expect", "100-continue"),
    ];
    let mut wire = server.connect();
    wire.send(&request("POST", "/oauth/accesstoken", &headers, b""));
    assert_eq!(wire.read().unwrap().status, 100);
    wire.send(BODY);
    wire.read().unwrap().expect(200);
}
