//! Class A: parameters. Whatever stands in a form, the answer is an OAuth error with the right status.

use crate::server::{FORM, REALM, Server};
use crate::wire::{Answer, basic};

/// Endpoints that take forms, with credentials that are good there, and the status of a body that is
/// none.
const ENDPOINTS: [(&str, &str, u16); 9] = [
    ("/oauth/accesstoken", "finapp:finsecret", 400),
    ("/oauth/refreshtoken", "finapp:finsecret", 400),
    ("/oauth2/v4/token", "mxrecipient:mxsecret", 400),
    ("/oauth2/v4/revoke", "mxrecipient:mxsecret", 400),
    ("/introspect", "mxresource:mxresourcesecret", 400),
    ("/revoke", "finapp:finsecret", 400),
    ("/auth/realms/sandbox/protocol/openid-connect/token", "Worldline-000021:password123", 415),
    (
        "/auth/realms/sandbox/protocol/openid-connect/token/introspect",
        "wlresource:wlresourcesecret",
        415,
    ),
    ("/realms/sandbox/protocol/openid-connect/logout", "Worldline-000021:password123", 415),
];

fn send(server: &Server, n: usize, media_types: &[&str], query: &str, body: &[u8]) -> Answer {
    let (path, credentials, _) = ENDPOINTS[n];
    let (id, secret) = credentials.split_once(':').unwrap();
    let basic = basic(id, secret);
    let mut headers = vec![("authorization", &*basic)];
    headers.extend(media_types.iter().map(|media_type| ("content-type", *media_type)));
    let answer = server.ask("POST", &format!("{path}{query}"), &headers, body);
    answer.is_polite(&format!("{path}{query} {media_types:?} {:?}", String::from_utf8_lossy(body)));
    answer
}

#[test]
fn a_broken_body_is_invalid_request_everywhere() {
    let server = Server::shared();
    let broken: [&[u8]; 14] = [
        b"grant_type=%",
        b"grant_type=%4",
        b"grant_type=%zz",
        b"%=1",
        b"grant_type=\xff\xfe",
        b"grant_type=%ff",
        b"grant_type=%c3%28",
        b"grant_type=%ed%a0%80",
        b"grant_type=%00",
        b"grant_type=a\0b",
        b"\0",
        b"grant_type=%u0041",
        b"token=%f4%90%80%80",
        b"a=1&b=%e2%82",
    ];
    for n in 0..ENDPOINTS.len() {
        for body in broken {
            let answer = send(&server, n, &[FORM], "", body).expect(400);
            assert_eq!(answer.member("error"), "invalid_request");
        }
    }
    server.lives();
}

#[test]
fn a_repeated_parameter_is_invalid_request_everywhere() {
    let server = Server::shared();
    let names = [
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "token",
        "token_type_hint",
        "client_id",
        "client_secret",
        "client_assertion",
        "app_id",
        "x",
        "",
    ];
    for n in 0..ENDPOINTS.len() {
        for name in names {
            for body in [format!("{name}=a&{name}=a"), format!("{name}=&y=1&{name}=")] {
                let answer = send(&server, n, &[FORM], "", body.as_bytes()).expect(400);
                assert_eq!(answer.member("error"), "invalid_request", "{body}");
            }
        }
    }
}

#[test]
fn a_credential_in_the_query_is_invalid_request_everywhere() {
    let server = Server::shared();
    let names = [
        "client_secret",
        "app_secret",
        "client_assertion",
        "code",
        "code_verifier",
        "refresh_token",
        "access_token",
        "token",
        "password",
        "grant_type",
        "client_id",
    ];
    for n in 0..ENDPOINTS.len() {
        for name in names {
            let answer = send(&server, n, &[FORM], &format!("?{name}=x"), b"token=x").expect(400);
            assert_eq!(answer.member("error"), "invalid_request", "{name}");
        }
        let same = send(&server, n, &[FORM], "?token=x", b"token=x").expect(400);
        assert_eq!(same.member("error"), "invalid_request");
        send(&server, n, &[FORM], "?%zz", b"token=x").expect(400);
    }
}

#[test]
fn another_media_type_is_refused_everywhere() {
    let server = Server::shared();
    let wrong: [&[&str]; 12] = [
        &[],
        &["application/json"],
        &["application/json; charset=utf-8"],
        &["text/plain"],
        &["multipart/form-data; boundary=x"],
        &[""],
        &[";"],
        &["application/x-www-form-urlencoded, application/json"],
        &["application/x-www-form-urlencode"],
        &["application/x-www-form-urlencodedx"],
        &[FORM, FORM],
        &["application/json", FORM],
    ];
    for (n, (_, _, status)) in ENDPOINTS.into_iter().enumerate() {
        for media_types in wrong {
            let json = br#"{"grant_type":"client_credentials"}"#;
            for body in [&b"grant_type=client_credentials&token=x"[..], json, b""] {
                let answer = send(&server, n, media_types, "", body).expect(status);
                assert_eq!(answer.member("error"), "invalid_request");
            }
        }
    }
}

#[test]
fn parameters_of_a_media_type_and_its_case_do_not_count() {
    let server = Server::shared();
    let good = [
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/x-www-form-urlencoded ; charset=\"utf-8\"; x=y",
        "APPLICATION/X-WWW-FORM-URLENCODED",
        "application/x-www-form-urlencoded;",
    ];
    for media_type in good {
        let body = b"grant_type=client_credentials&scope=PIS";
        send(&server, 0, &[media_type], "", body).expect(200);
    }
}

#[test]
fn empty_unknown_and_strange_parameters_are_ignored() {
    let server = Server::shared();
    for more in [
        "&code=&redirect_uri=&username=&password=&refresh_token=&client_secret=",
        "&=1",
        "&&&",
        "&resource=https%3A%2F%2Fx.example&x%5B%5D=1&%F0%9F%92%B6=1",
        "&x=%0d%0aSet-Cookie:%20a=b",
        "&__proto__=1&constructor=2",
        "&x={\"a\":1}",
    ] {
        let body = format!("grant_type=client_credentials&scope=PIS{more}");
        let answer = send(&server, 0, &[FORM], "", body.as_bytes()).expect(200);
        assert!(answer.header("set-cookie").is_none());
    }
}

#[test]
fn what_was_sent_is_never_an_instruction_in_the_answer() {
    let server = Server::shared();
    let hostile = [
        "%0d%0aX-Injected:%201",
        "%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "%22,%22active%22:true,%22x%22:%22",
        "%5c%22%5c",
        "%E2%80%AE%F0%9F%92%A9",
    ];
    for value in hostile {
        for n in 0..ENDPOINTS.len() {
            for name in ["grant_type", "scope", "client_id", "token", "client_assertion_type"] {
                let body = format!("{name}={value}");
                let answer = send(&server, n, &[FORM], "", body.as_bytes());
                assert!(answer.header("x-injected").is_none());
                if !answer.body.is_empty() {
                    answer.json();
                }
            }
        }
        let scope = format!(
            "grant_type=client_credentials&scope={value}&client_id=Worldline-000021&client_secret=password123"
        );
        let answer = server.post(&format!("{REALM}/token"), &scope).expect(400);
        let told = answer.member("error_description");
        assert!(told.chars().all(|c| matches!(c, ' '..='!' | '#'..='[' | ']'..='~')), "{told}");
    }
}

#[test]
fn headers_with_typographic_quotes_and_other_bytes_authenticate_nobody() {
    let server = Server::shared();
    let body = b"grant_type=client_credentials&scope=PIS";
    for value in [
        "Basic \u{201c}ZmluYXBwOmZpbnNlY3JldA==\u{201d}",
        "Basic",
        "Basic ",
        "Basic \u{ff}",
        "Basic ZmluYXBwOmZpbnNlY3JldA== x",
        "Basic\tZmluYXBwOmZpbnNlY3JldA==",
        "Digest username=\"finapp\"",
        "ZmluYXBwOmZpbnNlY3JldA==",
        "",
    ] {
        let headers = [("authorization", value), ("content-type", FORM)];
        let answer = server.ask("POST", "/oauth/accesstoken", &headers, body).expect(401);
        answer.is_polite(value);
        assert_eq!(answer.member("error"), "invalid_client");
    }
}
