//! Classes A and C of bad input: parameters, bodies, handles.

use crate::server::Server;
use crate::wire::{FORM, post, request};

const TOKEN: [&str; 3] = [
    "/oauth/accesstoken",
    "/oauth2/v4/token",
    "/auth/realms/sandbox/protocol/openid-connect/token",
];

#[test]
fn every_bad_form_is_an_oauth_error_and_the_server_lives_on() {
    let server = Server::ephemeral();
    let at = server.address();
    let long = "a".repeat(60_000);
    let many = vec!["a=1"; 200].join("&");
    let scopes = (0..10_000).map(|n| format!("s{n}")).collect::<Vec<_>>().join("+");
    let forms: [&[u8]; 16] = [
        b"",
        b"grant_type=",
        b"grant_type=client_credentials&grant_type=client_credentials",
        b"grant_type=client_credentials&scope=%",
        b"grant_type=client_credentials&scope=%4",
        b"grant_type=client_credentials&scope=%zz",
        b"grant_type=client_credentials&scope=%ff%fe",
        b"grant_type=client_credentials&scope=\xff",
        b"grant_type=client_credentials&scope=%00",
        b"grant_type=client_credentials&client_id=finapp&client_secret=%0d%0aX-Evil:1",
        b"{\"grant_type\":\"client_credentials\"}",
        b"&&&===&&&",
        b"grant_type=password&username=a&password=b&client_id=finapp&client_secret=finsecret",
        long.as_bytes(),
        many.as_bytes(),
        scopes.as_bytes(),
    ];
    for path in TOKEN {
        for form in forms {
            let answer = request(&at, "POST", path, FORM, form);
            let what = format!("{path} {:?}", String::from_utf8_lossy(&form[..form.len().min(60)]));
            assert!(matches!(answer.status, 400 | 401), "{what}: {answer:?}");
            answer.is_proper(&what);
            assert!(answer.header("x-evil").is_none());
        }
    }
    assert_eq!(
        post(
            &at,
            TOKEN[0],
            "grant_type=client_credentials&client_id=finapp&client_secret=finsecret&scope=PIS"
        )
        .status,
        200
    );
}

#[test]
fn the_media_type_decides_and_its_parameters_do_not() {
    let server = Server::ephemeral();
    let at = server.address();
    let form = b"grant_type=client_credentials&client_id=Worldline-000021&client_secret=password123&scope=VOP";
    let worldline = TOKEN[2];
    for (headers, status) in [
        ("content-type: application/x-www-form-urlencoded;charset=UTF-8\r\n", 200),
        ("content-type: APPLICATION/X-WWW-FORM-URLENCODED\r\n", 200),
        ("content-type: application/json\r\n", 415),
        ("content-type: text/plain\r\n", 415),
        ("", 415),
        (
            "content-type: application/x-www-form-urlencoded\r\ncontent-type: application/json\r\n",
            415,
        ),
    ] {
        let answer = request(&at, "POST", worldline, headers, form);
        assert_eq!(answer.status, status, "{headers}: {answer:?}");
        if status != 200 {
            answer.is_proper(headers);
            let elsewhere = request(&at, "POST", TOKEN[0], headers, form);
            assert_eq!(elsewhere.status, 400, "{headers}: {elsewhere:?}");
        }
    }
}

#[test]
fn a_credential_in_the_query_is_refused() {
    let server = Server::ephemeral();
    let at = server.address();
    for query in ["client_secret=finsecret", "refresh_token=x", "code=x", "client_assertion=x"] {
        let target = format!("{}?{query}", TOKEN[0]);
        let form =
            "grant_type=client_credentials&client_id=finapp&client_secret=finsecret&scope=PIS";
        let answer = post(&at, &target, form);
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        answer.is_proper(query);
    }
}

#[test]
fn ten_thousand_garbage_handles_are_inactive_in_the_same_bytes() {
    let server = Server::ephemeral();
    let at = server.address();
    let basic = "authorization: Basic bXhyZXNvdXJjZTpteHJlc291cmNlc2VjcmV0\r\n";
    let headers = format!("{basic}{FORM}");
    let mut seed: u64 = 7;
    let mut text = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let prefix = ["at_", "rt_", "ac_", "ey", ""][usize::try_from(seed >> 60).unwrap() % 5];
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
        let len = usize::try_from(seed >> 33).unwrap() % 140;
        let body = (0..len).map(|n| {
            let at = usize::try_from((seed >> (n % 40)) & 0xff).unwrap() + n * 7;
            char::from(letters[at % letters.len()])
        });
        format!("{prefix}{}", body.collect::<String>())
    };
    let mut stream = std::net::TcpStream::connect(&at).unwrap();
    for n in 0..10_000 {
        let token = text();
        let body = format!("token=x{token}");
        let answer = keep_alive(&mut stream, &at, &headers, &body);
        assert_eq!(answer, r#"{"active":false}"#, "{n}: {token}");
    }
}

/// One request of many on a connection; the body of a 200.
fn keep_alive(stream: &mut std::net::TcpStream, at: &str, headers: &str, body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let len = body.len();
    let head = format!(
        "POST /introspect HTTP/1.1\r\nhost: {at}\r\n{headers}content-length: {len}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut raw = Vec::new();
    let mut some = [0; 2048];
    loop {
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "the server closed the connection");
        raw.extend_from_slice(&some[..read]);
        let text = String::from_utf8_lossy(&raw);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let line = head.lines().find(|line| line.to_lowercase().starts_with("content-length"));
        let wanted: usize = line.unwrap().split(": ").nth(1).unwrap().parse().unwrap();
        if body.len() == wanted {
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            return body.to_owned();
        }
    }
}
