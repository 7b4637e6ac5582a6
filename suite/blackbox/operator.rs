//! The operator's socket: commands that change a running server, and who may not.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::cli::{ends, run};
use crate::server::Server;

fn keys(server: &Server, more: &[&str]) -> Vec<Value> {
    let state = server.state.display().to_string();
    let line = [&["key"], more, &["--json", "--state", &state]].concat();
    serde_json::from_str(&ends(&run(&line), 0)).unwrap()
}

fn published(server: &Server) -> Vec<String> {
    let set = server.ask("GET", "/jwks", &[], b"").expect(200).json();
    let all = set["keys"].as_array().unwrap();
    all.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_rotated_key_is_published_and_the_old_one_signs_on() {
    let server = Server::start();
    let before = keys(&server, &["list", "--tenant", "default"]);
    assert_eq!(before.len(), 1);
    let first = before[0]["kid"].as_str().unwrap().to_owned();
    assert_eq!((&before[0]["alg"], &before[0]["state"]), (&"RS256".into(), &"active".into()));
    let new = keys(&server, &["rotate", "--tenant", "default"]);
    assert_eq!(new.len(), 1);
    let second = new[0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(new[0]["state"], "next");
    assert_eq!(published(&server), [&*first, &*second]);
    let again = keys(&server, &["rotate", "--tenant", "default", "--alg", "RS256"]);
    assert_eq!(again[0]["kid"], *second, "one waits at a time");

    let now = keys(&server, &["rotate", "--tenant", "default", "--now"]);
    assert_eq!((&now[0]["kid"], &now[0]["state"]), (&second.as_str().into(), &"active".into()));
    let all = keys(&server, &["list", "--tenant", "default"]);
    let states: Vec<_> = all.iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["retiring", "active"]);
    assert_eq!(published(&server), [&*first, &*second], "what it signed still verifies");
    assert!(keys(&server, &["list"]).len() > all.len(), "every tenant, when none is named");

    server.kill();
    let server = server.again();
    assert_eq!(keys(&server, &["list", "--tenant", "default"]), all, "a restart changes nothing");
}

#[test]
fn a_command_without_a_server_or_a_key_says_so() {
    let told = ends(&run(&["key", "list", "--state", "nowhere"]), 4);
    assert!(told.contains("no server answers at nowhere/operator.sock"), "{told}");
    let server = Server::start();
    let state = server.state.display().to_string();
    let told = ends(&run(&["key", "rotate", "--alg", "ES512", "--state", &state]), 1);
    assert!(told.contains("there is no such key"), "{told}");
    let told = ends(&run(&["key", "list", "--tenant", "a/b", "--state", &state]), 2);
    assert!(told.contains("is no tenant"), "{told}");
}

#[test]
fn the_socket_is_its_owners_alone_and_goes_with_the_server() {
    let server = Server::start();
    let path = server.state.join("operator.sock");
    let metadata = std::fs::metadata(&path).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    // A leftover of a server that was killed is no hindrance.
    server.kill();
    assert!(path.exists());
    let server = server.again();
    assert!(!keys(&server, &["list"]).is_empty());
    server.signal("TERM");
    assert!(server.ended().success());
    assert!(!path.exists());
}

#[test]
fn what_is_no_command_is_refused_and_the_server_lives_on() {
    let server = Server::start();
    let ask = |text: &str| {
        let mut wire = UnixStream::connect(server.state.join("operator.sock")).unwrap();
        // It may have answered and closed already.
        let _ = wire.write_all(text.as_bytes());
        let mut answer = String::new();
        let _ = wire.read_to_string(&mut answer);
        answer
    };
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nhost: o\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    for (sent, status) in [
        (post("/key/burn", "{}"), " 404 "),
        ("GET /key/list HTTP/1.1\r\nhost: o\r\n\r\n".into(), " 405 "),
        (post("/key/list", "no JSON"), " 400 "),
        (post("/key/list", r#"{"tenants":"default"}"#), " 409 "),
        (post("/key/list", &format!("\"{}\"", "x".repeat(70_000))), " 400 "),
        ("\r\n\r\n\u{1}garbage\r\n\r\n".into(), " 400 "),
    ] {
        let answer = ask(&sent);
        let first = answer.lines().next().unwrap_or_default();
        assert!(first.contains(status), "{}: {answer}", &sent[..sent.len().min(60)]);
    }
    assert!(!keys(&server, &["list"]).is_empty());
    // Not over the network.
    for path in ["/key/list", "/key/rotate"] {
        server.post(path, "").expect(404);
    }
}
