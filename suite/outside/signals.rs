//! Reload and stop.

use std::io::Write as _;
use std::net::TcpStream;

use crate::server::{Server, run};
use crate::wire::{FORM, post, read, request};

const FORM_OK: &str =
    "grant_type=client_credentials&client_id=finapp&client_secret=finsecret&scope=PIS";

/// Asks until it is so; the server says when it has reloaded only in its log.
fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if so() {
            return;
        }
    }
    panic!("{what}: still not so");
}

#[test]
fn a_broken_file_never_replaces_a_good_state_and_a_good_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&["--state", folder.path().to_str().unwrap()]);
    let at = server.address();
    let resources = folder.path().join("resources/sandbox.toml");
    let good = std::fs::read_to_string(&resources).unwrap();

    std::fs::write(&resources, format!("{good}\ncolour = 1\n")).unwrap();
    server.signal("HUP");
    std::fs::write(folder.path().join("resources/z.toml"), "[[client]]\nid = 1\n").unwrap();
    server.signal("HUP");
    assert_eq!(post(&at, "/oauth/accesstoken", FORM_OK).status, 200);

    std::fs::remove_file(folder.path().join("resources/z.toml")).unwrap();
    let changed = good.replace("finsecret", "othersecret");
    std::fs::write(&resources, &changed).unwrap();
    server.signal("HUP");
    let other = FORM_OK.replace("finsecret", "othersecret");
    until("the new secret", || post(&at, "/oauth/accesstoken", &other).status == 200);
    assert_eq!(post(&at, "/oauth/accesstoken", FORM_OK).status, 401);

    // Suspended in the file: out at once, and what it was given with it.
    let token = post(&at, "/oauth/accesstoken", &other).body;
    let token =
        token.split("access_token\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let suspended = changed.replace("id = \"finapp\"\n", "id = \"finapp\"\nsuspended = true\n");
    std::fs::write(&resources, &suspended).unwrap();
    server.signal("HUP");
    until("the suspension", || post(&at, "/oauth/accesstoken", &other).status == 401);
    let basic = format!("authorization: Basic ZmlucmVzb3VyY2U6ZmlucmVzb3VyY2VzZWNyZXQ=\r\n{FORM}");
    let seen = request(&at, "POST", "/introspect", &basic, format!("token={token}").as_bytes());
    assert_eq!(seen.body, r#"{"active":false}"#);
}

#[test]
fn what_was_accepted_is_answered_before_the_end() {
    let server = Server::ephemeral();
    let at = server.address();
    let whole = format!(
        "POST /oauth/accesstoken HTTP/1.1\r\nhost: x\r\n{FORM}content-length: {}\r\n\r\n{FORM_OK}",
        FORM_OK.len()
    );
    let mut open: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(&at).unwrap()).collect();
    for stream in &mut open {
        stream.write_all(&whole.as_bytes()[..whole.len() - 3]).unwrap();
    }
    // Served now, so the others have been accepted too.
    assert_eq!(post(&at, "/oauth/accesstoken", FORM_OK).status, 200);
    server.signal("TERM");
    for stream in &mut open {
        stream.write_all(&whole.as_bytes()[whole.len() - 3..]).unwrap();
        let answer = read(stream).expect("an answer after the signal");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert!(server.wait().success());
}

#[test]
fn a_state_folder_can_be_used_again_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let first = Server::start(&["--state", state]);
    let token = post(&first.address(), "/oauth/accesstoken", FORM_OK).body;
    let token =
        token.split("access_token\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    first.signal("TERM");
    assert!(first.wait().success());
    let second = Server::start(&["--state", state]);
    let basic = format!("authorization: Basic ZmlucmVzb3VyY2U6ZmlucmVzb3VyY2VzZWNyZXQ=\r\n{FORM}");
    let form = format!("token={token}");
    let seen = request(&second.address(), "POST", "/introspect", &basic, form.as_bytes());
    assert!(seen.body.contains("\"active\":true"), "{seen:?}");
    // Two processes never write to one store.
    let rival = run(
        folder.path(),
        &[
            "sandbox",
            "--json",
            "--listen",
            "127.0.0.1:0",
            "--tls-listen",
            "127.0.0.1:0",
            "--state",
            state,
        ],
    );
    assert_eq!(rival.status.code(), Some(3), "{}", String::from_utf8_lossy(&rival.stderr));
}
