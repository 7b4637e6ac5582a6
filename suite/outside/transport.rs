//! Heads, methods, paths, slow and half requests.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use crate::server::Server;
use crate::wire::{FORM, post, read, request, send};

const TOKEN: &str = "/oauth/accesstoken";

#[test]
fn a_head_that_cannot_be_parsed_is_answered_with_an_oauth_error() {
    let server = Server::ephemeral();
    let at = server.address();
    let long_header =
        format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(40_000));
    let longer = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(200_000));
    let many: String = (0..500).map(|n| format!("x-{n}: 1\r\n")).collect();
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    let long_target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(50_000));
    let longest = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000));
    for (what, bytes, statuses) in [
        ("garbage", "\x16\x03\x01 garbage\r\n\r\n", &[400][..]),
        ("no version", "GET /\r\n\r\n", &[400]),
        ("a space in a header", "GET / HTTP/1.1\r\nho st: x\r\n\r\n", &[400]),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            &[400],
        ),
        (
            "a length that is none",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            &[400],
        ),
        ("a long header", &long_header, &[431]),
        ("a longer header", &longer, &[431]),
        ("many headers", &many, &[431]),
        ("a long target", &long_target, &[431, 414]),
        ("a longer target", &longest, &[414, 431]),
    ] {
        let answer = send(&at, bytes.as_bytes()).unwrap_or_else(|| panic!("{what}: no answer"));
        assert!(statuses.contains(&answer.status), "{what}: {answer:?}");
        answer.is_proper(what);
    }
    assert_eq!(request(&at, "GET", "/jwks", "", b"").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_with_413() {
    let server = Server::ephemeral();
    let at = server.address();
    let answer = request(&at, "POST", TOKEN, FORM, &vec![b'a'; 1_000_000]);
    assert_eq!(answer.status, 413, "{answer:?}");
    answer.is_proper("1 MB");
    let chunk = format!("{:x}\r\n{}\r\n", 70_000, "a".repeat(70_000));
    let bytes = format!(
        "POST {TOKEN} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{FORM}transfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
    );
    let answer = send(&at, bytes.as_bytes()).unwrap();
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[test]
fn another_method_is_405_and_says_which_is_right() {
    let server = Server::ephemeral();
    let at = server.address();
    for (method, path, allowed) in [
        ("GET", TOKEN, "POST"),
        ("PUT", "/oauth2/v4/token", "POST"),
        ("DELETE", "/introspect", "POST"),
        ("PATCH", "/auth/realms/sandbox/protocol/openid-connect/token", "POST"),
        ("POST", "/jwks", "GET"),
        ("BREW", "/oauth/refreshtoken", "POST"),
    ] {
        let answer = request(&at, method, path, "", b"");
        assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        answer.is_proper(path);
    }
}

/// M105: one parser, nothing decoded after routing.
#[test]
fn m105_a_path_in_disguise_is_not_found() {
    let server = Server::ephemeral();
    let at = server.address();
    for path in [
        "/oauth//accesstoken",
        "/oauth/accesstoken/",
        "/oauth/%61ccesstoken",
        "/oauth/accesstoken;jsessionid=1",
        "/oauth/../oauth/accesstoken",
        "/oauth2/v4/token/authorize",
        "/auth/realms/sandbox%2f/protocol/openid-connect/token",
        "/realms/../realms/sandbox/protocol/openid-connect/token",
        "/.well-known/oauth-authorization-server/../jwks",
    ] {
        let answer = post(&at, path, "grant_type=client_credentials");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        answer.is_proper(path);
    }
    let unknown = post(&at, "/auth/realms/nowhere/protocol/openid-connect/token", "a=b");
    assert_eq!(
        (unknown.status, unknown.body.as_str()),
        (404, r#"{"error":"Realm does not exist"}"#)
    );
}

/// The two slashes of the first Magento module are the one exception.
#[test]
fn leading_slashes_are_forgiven() {
    let server = Server::ephemeral();
    let form = "grant_type=client_credentials&client_id=finapp&client_secret=finsecret&scope=PIS";
    assert_eq!(post(&server.address(), "//oauth/accesstoken", form).status, 200);
}

#[test]
fn a_request_in_small_pieces_is_served_and_one_that_never_ends_is_given_up() {
    let server = Server::ephemeral();
    let at = server.address();
    let form = "grant_type=client_credentials&client_id=finapp&client_secret=finsecret&scope=PIS";
    let whole = format!(
        "POST {TOKEN} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{FORM}content-length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut pieces = TcpStream::connect(&at).unwrap();
    pieces.set_nodelay(true).unwrap();
    for piece in whole.as_bytes().chunks(9) {
        pieces.write_all(piece).unwrap();
    }
    assert_eq!(read(&mut pieces).unwrap().status, 200);

    // Both wait for the server's own limit, at the same time.
    let open = |bytes: &str| {
        let mut stream = TcpStream::connect(&at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let mut head = open("POST /oauth/accesstoken HTTP/1.1\r\nhost: x\r\n");
    let mut body = open(&whole[..whole.len() - 5]);
    // In the meantime everybody else is served.
    assert_eq!(post(&at, TOKEN, form).status, 200);
    let answer = read(&mut body).expect("an answer to half a body");
    assert_eq!(answer.status, 408, "{answer:?}");
    answer.is_proper("half a body");
    if let Some(answer) = read(&mut head) {
        assert_eq!(answer.status, 408, "{answer:?}");
    }
}

#[test]
fn a_head_request_has_the_headers_of_get_and_no_body() {
    let server = Server::ephemeral();
    let answer = request(&server.address(), "HEAD", "/jwks", "", b"");
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}
