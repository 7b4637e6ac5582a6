//! Sizes: heads, bodies, parameters, targets. Each has a bound, and an answer beyond it.

use crate::server::{FIN, FORM, MX, REALM, Server};
use crate::wire::{Answer, request};

const PATHS: [&str; 4] = [
    "/oauth/accesstoken",
    "/oauth2/v4/token",
    "/introspect",
    "/auth/realms/sandbox/protocol/openid-connect/token",
];

fn post(server: &Server, path: &str, body: &[u8]) -> Answer {
    let answer = server.ask("POST", path, &[("content-type", FORM)], body);
    answer.is_polite(path);
    answer
}

#[test]
fn a_body_over_64_kib_is_413() {
    let server = Server::shared();
    for path in PATHS {
        for len in [64 * 1024 + 1, 1024 * 1024] {
            let body = vec![b'a'; len];
            let answer = post(&server, path, &body).expect(413);
            assert_eq!(answer.member("error"), "invalid_request");
        }
        let body = [b"a=".to_vec(), vec![b'a'; 64 * 1024 - 2]].concat();
        assert_ne!(post(&server, path, &body).status, 413);
    }
    server.lives();
}

#[test]
fn a_length_that_nobody_will_read_is_413_before_the_body_is_sent() {
    let server = Server::shared();
    for length in ["65537", "9999999999", "18446744073709551615"] {
        let headers = [("content-type", FORM), ("content-length", length)];
        let answer = server.raw(&request("POST", "/oauth/accesstoken", &headers, b"a=b"), "POST");
        answer.is_polite(length);
        // One that is hardly a number is a head that cannot be parsed.
        let status = if length.len() < 20 { 413 } else { 431 };
        assert_eq!(answer.status, status, "{length}");
    }
}

#[test]
fn a_chunked_body_over_64_kib_is_413() {
    let server = Server::shared();
    let headers = [("content-type", FORM), ("transfer-encoding", "chunked")];
    let mut bytes = request("POST", "/oauth/accesstoken", &headers, b"");
    for _ in 0..70 {
        bytes.extend_from_slice(b"400\r\n");
        bytes.extend_from_slice(&[b'a'; 1024]);
        bytes.extend_from_slice(b"\r\n");
    }
    let answer = server.raw(&bytes, "POST");
    answer.is_polite("70 KiB in chunks");
    assert_eq!(answer.status, 413);
}

#[test]
fn a_head_over_32_kib_is_431() {
    let server = Server::shared();
    let long = "a".repeat(33 * 1024);
    for headers in [&[("x-long", &*long)][..], &[("authorization", &*long)], &[("cookie", &*long)]]
    {
        let answer = server.ask("GET", "/jwks", headers, b"");
        answer.is_polite("33 KiB of headers");
        assert_eq!(answer.status, 431);
    }
    // So large that it is not even parsed.
    let longer = "a".repeat(200 * 1024);
    let answer = server.ask("GET", "/jwks", &[("x-long", &longer)], b"");
    answer.is_polite("200 KiB of headers");
    assert_eq!(answer.status, 431);
    server.lives();
}

#[test]
fn more_than_100_headers_are_431() {
    let server = Server::shared();
    for (count, status) in [(90, 200), (110, 431), (5_000, 431)] {
        let names: Vec<String> = (0..count).map(|n| format!("x-{n}")).collect();
        let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let answer = server.ask("GET", "/jwks", &headers, b"");
        assert_eq!(answer.status, status, "{count} headers");
        if status != 200 {
            answer.is_polite("many headers");
        }
    }
}

#[test]
fn a_target_that_is_too_long_is_431_or_414() {
    let server = Server::shared();
    for len in [33 * 1024, 70 * 1024, 300 * 1024] {
        let target = format!("/oauth2/v4/authorize?state={}", "a".repeat(len));
        let answer = server.ask("GET", &target, &[], b"");
        answer.is_polite(&format!("a target of {len} bytes"));
        assert!(matches!(answer.status, 414 | 431), "{}", answer.status);
    }
    let target = format!("/oauth2/v4/authorize?state={}", "a".repeat(20 * 1024));
    let answer = server.ask("GET", &target, &[], b"");
    answer.is_polite("20 KiB");
    assert_eq!(answer.status, 400);
}

#[test]
fn parameters_of_60_kib_are_refused_for_what_they_are() {
    let server = Server::shared();
    let long = "a".repeat(60 * 1024);
    let cases = [
        ("/oauth/accesstoken", FIN, format!("grant_type={long}"), "unsupported_grant_type"),
        (
            "/oauth/accesstoken",
            FIN,
            format!("grant_type=client_credentials&scope={long}"),
            "invalid_scope",
        ),
        (
            "/oauth/accesstoken",
            FIN,
            format!("grant_type=authorization_code&code={long}"),
            "invalid_grant",
        ),
        (
            "/oauth/refreshtoken",
            FIN,
            format!("grant_type=refresh_token&refresh_token={long}"),
            "invalid_grant",
        ),
        (
            "/oauth2/v4/token",
            MX,
            format!("grant_type=refresh_token&refresh_token=rt_{long}"),
            "invalid_grant",
        ),
        (
            "/oauth2/v4/token",
            MX,
            format!(
                "grant_type=authorization_code&code=x&redirect_uri={long}&code_verifier={long}"
            )
            .replace(&long, &long[..30_000]),
            "invalid_grant",
        ),
        (
            "/oauth2/v4/token",
            MX,
            format!("grant_type=refresh_token&refresh_token=x&client_id={long}"),
            "invalid_request",
        ),
    ];
    for (path, credentials, body, error) in cases {
        let answer = server.form(path, credentials, &body);
        answer.is_polite(&body[..60]);
        assert_eq!(answer.member("error"), error, "{}", &body[..60]);
    }
    for name in ["client_id", "client_secret", "client_assertion", "app_secret"] {
        let answer = post(
            &server,
            "/oauth/accesstoken",
            format!("grant_type=client_credentials&{name}={long}").as_bytes(),
        );
        assert_eq!(answer.member("error"), "invalid_client", "{name}");
    }
    let body = format!(
        "grant_type=client_credentials&scope=VOP&client_assertion={long}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    let answer = post(&server, &format!("{REALM}/token"), body.as_bytes());
    assert_eq!(answer.member("error"), "invalid_client");
    assert_eq!(
        server.form("/introspect", crate::server::RESOURCE, &format!("token={long}")).text(),
        r#"{"active":false}"#
    );
    server.form("/oauth2/v4/revoke", MX, &format!("token={long}")).expect(200);
}

#[test]
fn more_than_128_parameters_are_invalid_request() {
    let server = Server::shared();
    let body: Vec<String> = (0..200).map(|n| format!("a{n}=1")).collect();
    let answer = server.form("/oauth2/v4/token", MX, &body.join("&"));
    assert_eq!(answer.expect(400).member("error"), "invalid_request");
    let many: Vec<String> = (0..9_000).map(|n| format!("a{n}")).collect();
    server.form("/oauth2/v4/token", MX, &many.join("&")).expect(400);
}
