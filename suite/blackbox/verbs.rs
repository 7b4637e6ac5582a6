//! Methods and paths: 405 with `Allow`, 404 as JSON for programs and as a page for people.

use crate::server::{REALM, Server};
use crate::wire::request;

const ROUTES: [(&str, &str); 14] = [
    ("/oauth/accesstoken", "POST"),
    ("/oauth/refreshtoken", "POST"),
    ("/oauth/token/authorize", "GET"),
    ("/ais/v2/connect", "GET"),
    ("/oauth2/v4/authorize", "GET, POST"),
    ("/oauth2/v4/token", "POST"),
    ("/oauth2/v4/revoke", "POST"),
    ("/userinfo", "GET, POST"),
    ("/jwks", "GET"),
    ("/introspect", "POST"),
    ("/login", "GET, POST"),
    ("/consent", "GET, POST"),
    ("/login/switch", "POST"),
    ("/.well-known/openid-configuration", "GET"),
];

#[test]
fn a_wrong_method_is_405_with_what_is_allowed() {
    let server = Server::shared();
    let realm = [
        (format!("{REALM}/token"), "POST"),
        (format!("{REALM}/certs"), "GET"),
        (format!("{REALM}/token/introspect"), "POST"),
    ];
    let routes = ROUTES.iter().map(|(path, allowed)| (path.to_string(), *allowed));
    for (path, allowed) in routes.chain(realm) {
        for method in
            ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "XYZ"]
        {
            if allowed.split(", ").any(|known| known == method) {
                continue;
            }
            let answer = server.ask(method, &path, &[], b"");
            answer.is_polite(&format!("{method} {path}"));
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
            assert_eq!(answer.member("error"), "invalid_request");
        }
    }
}

#[test]
fn head_has_the_head_of_get_and_no_body() {
    let server = Server::shared();
    for path in ["/jwks", "/.well-known/openid-configuration", "/nothing", "/userinfo"] {
        let mut wire = server.connect();
        wire.send(&request("GET", path, &[], b""));
        let get = wire.read().unwrap();
        wire.send(&request("HEAD", path, &[], b""));
        let head = wire.read_after("HEAD").unwrap();
        // Whatever followed would be read as the next head.
        wire.send(&request("GET", path, &[], b""));
        assert_eq!(wire.read().unwrap().status, get.status);
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let answer = server.ask("HEAD", "/oauth2/v4/token", &[], b"");
    assert_eq!(answer.status, 405);
}

#[test]
fn a_thousand_unknown_paths_are_404() {
    let server = Server::shared();
    let known = ["oauth", "oauth2/v4", "auth/realms/sandbox", "o", "ais/v1", "login", "admin", ""];
    let strange = [
        "token",
        "%2e%2e",
        "..",
        "...",
        "%00",
        ";x=1",
        "a%2fb",
        "~root",
        ".git/config",
        "login;",
        "jwks/",
        "token//",
        "%u0041",
        "index.php",
        "actuator/env",
        "x?y=z&y=z",
        "\u{e9}",
        "|",
        "*",
    ];
    let mut asked = 0;
    let mut wire = server.connect();
    for n in 0.. {
        if asked == 1_000 {
            break;
        }
        let base = known[n % known.len()];
        let tail = strange[n / known.len() % strange.len()];
        let path = format!("/{base}/{tail}-{n}/{tail}");
        if !path.is_ascii() {
            continue;
        }
        let page = n % 2 == 0;
        let accept = if page { "text/html,application/xhtml+xml" } else { "application/json" };
        wire.send(&request("GET", &path, &[("accept", accept)], b""));
        let answer = wire.read().unwrap_or_else(|| panic!("closed at {path}"));
        answer.is_polite(&path);
        assert_eq!(answer.status, 404, "{path}");
        let type_of_body = answer.header("content-type").unwrap();
        // A realm that does not exist speaks JSON to everybody, as Keycloak does.
        assert!(type_of_body.starts_with("text/html") == page || path.starts_with("/auth/realms"));
        asked += 1;
    }
    server.lives();
}

#[test]
fn a_disguised_path_is_not_the_path() {
    let server = Server::shared();
    for path in [
        "/oauth2/v4/token/",
        "/oauth2//v4/token",
        "/oauth2/v4/token;x",
        "/oauth2/v4/%74oken",
        "/oauth2/v4%2ftoken",
        "/OAUTH2/v4/token",
        "/x/../oauth2/v4/token",
        "/./oauth2/v4/token",
        "/oauth2/v4/token%20",
        "/oauth2/v4/token%00",
        "/oauth2\\v4\\token",
        "/o/default/oauth2/v4/token",
        "/auth/realms/sandbox/oauth2/v4/token",
        "/auth/realms/sandbox/../../oauth2/v4/token",
    ] {
        let answer = server.post(path, "grant_type=client_credentials");
        answer.is_polite(path);
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[test]
fn a_fragment_is_no_part_of_a_target() {
    let server = Server::shared();
    // Clients do not send one; if one does, it is not our path.
    let answer = server.ask("GET", "/jwks#x", &[], b"");
    assert!(matches!(answer.status, 200 | 400 | 404), "{}", answer.status);
}
