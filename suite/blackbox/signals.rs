//! Signals: SIGTERM answers what was accepted, SIGHUP applies what is whole and nothing else.

use std::net::TcpStream;

use crate::browser::mx_tokens;
use crate::server::{FIN, FORM, MX, MX_OTHER, Server};
use crate::wire::{basic, request};

#[test]
fn a_stop_answers_what_was_accepted_and_ends_well() {
    let server = Server::start();
    let (id, secret) = FIN.split_once(':').unwrap();
    let basic = basic(id, secret);
    let body = b"grant_type=client_credentials&scope=PIS";
    let headers = [("authorization", &*basic), ("content-type", FORM)];
    let whole = request("POST", "/oauth/accesstoken", &headers, body);
    let (front, back) = whole.split_at(whole.len() - 5);
    // Requests that have begun, a connection that waits between two, and one that has said nothing.
    let mut begun: Vec<_> = (0..8).map(|_| server.connect()).collect();
    begun.iter_mut().for_each(|wire| wire.send(front));
    let mut between = server.connect();
    between.send(&whole);
    between.read().unwrap().expect(200);
    let mut silent = server.connect();
    // Whoever was answered shows that those before it were accepted.
    server.lives();
    server.signal("TERM");
    // From some moment on nobody else is let in.
    let address = server.address();
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    let refused = (0..100_000).any(|_| TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(refused, "it still listens");
    for wire in &mut begun {
        wire.send(back);
        wire.read().expect("accepted and not answered").expect(200);
    }
    assert!(between.is_closed() && silent.is_closed());
    assert_eq!(server.ended().code(), Some(0));
    assert!(!server.state.join("running.json").exists(), "it still says that it runs");
}

#[test]
fn an_interrupt_ends_as_well() {
    let server = Server::ephemeral();
    let state = server.state.clone();
    server.lives();
    server.signal("INT");
    assert_eq!(server.ended().code(), Some(0));
    assert!(!state.exists(), "an ephemeral sandbox left {}", state.display());
}

#[test]
fn what_was_answered_before_a_stop_is_there_after_it() {
    let server = Server::start();
    let (access, refresh) = mx_tokens(&server, MX);
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(0));
    let server = server.again();
    assert!(server.is_active(&access));
    crate::browser::mx_refresh(&server, MX, &refresh).expect(200);
}

#[test]
fn a_broken_file_changes_nothing_and_is_told_with_its_place() {
    let server = Server::start();
    let path = server.state.join("resources/more.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let name = path.display();
    let cases = [
        (
            good.replacen("surface", "surfac", 1),
            format!("{name}:5:1: unknown key \"surfac\", did you mean \"surface\"?"),
        ),
        (
            good.replacen("\"fintecture\"", "\"fintectur\"", 1),
            format!(
                "{name}: client \"finother\": surface \"fintectur\" is not served by tenant \"default\""
            ),
        ),
        (good.replacen("= [\"PIS\"", "= \"PIS\"", 1), format!("{name}:7:")),
        (format!("{good}[[client]\n"), format!("{name}:")),
        (
            good.replacen("http://127.0.0.1/callback", "http://evil.example/", 1),
            format!("{name}: client \"finother\": redirect URI \"http://evil.example/\""),
        ),
        (
            format!("{good}\n[[resource_server]]\nid = \"x\"\n"),
            format!("{name}: resource_server \"x\": set secret or secret_file"),
        ),
    ];
    for (broken, told) in cases {
        // Beside what is broken, a change that would be good: it is not made either.
        let broken = broken.replacen("othersecret", "changed", 2);
        std::fs::write(&path, broken).unwrap();
        server.signal("HUP");
        let line = server.told();
        assert!(line.starts_with("reload refused, the old state stays: "), "{line}");
        assert!(line.contains(&told), "{line}\n{told}");
        mx_tokens(&server, MX_OTHER);
    }
    std::fs::write(&path, &good).unwrap();
    server.signal("HUP");
    assert_eq!(server.told(), "reload: no changes");
}

#[test]
fn a_whole_file_is_applied_without_a_restart() {
    let server = Server::start();
    let (access, refresh) = mx_tokens(&server, MX_OTHER);
    let path = server.state.join("resources/more.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let more = "\n[[client]]\nid = \"late\"\nsurface = \"fintecture\"\n\
                auth = { method = \"client_secret_basic\", secret = \"latesecret\" }\n\
                scopes = [\"PIS\"]\n\n[[user]]\nlogin = \"late\"\n";
    let body = "grant_type=client_credentials&scope=PIS";
    server.form("/oauth/accesstoken", "late:latesecret", body).expect(401);
    std::fs::write(&path, format!("{text}{more}").replace("othersecret", "changed")).unwrap();
    server.signal("HUP");
    let lines: Vec<String> = (0..4).map(|_| server.told()).collect();
    for wanted in ["~ client finother", "~ client mxother", "+ client late", "+ user late"] {
        assert!(lines.contains(&format!("reload: {wanted}")), "{lines:?}");
    }
    server.form("/oauth/accesstoken", "late:latesecret", body).expect(200);
    server.form("/oauth/accesstoken", "finother:othersecret", body).expect(401);
    server.form("/oauth/accesstoken", "finother:changed", body).expect(200);
    // What was given stays given.
    assert!(server.is_active(&access));
    crate::browser::mx_refresh(&server, "mxother:changed", &refresh).expect(200);
}

#[test]
fn reloading_under_traffic_disturbs_nobody() {
    let server = Server::start();
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut unavailable = 0;
                    for _ in 0..150 {
                        let body = "grant_type=client_credentials&scope=PIS";
                        let answer = server.form("/oauth/accesstoken", FIN, body);
                        match answer.status {
                            200 => {}
                            503 => unavailable += 1,
                            other => panic!("{other} {}", answer.text()),
                        }
                    }
                    unavailable
                })
            })
            .collect();
        for _ in 0..10 {
            server.signal("HUP");
            assert_eq!(server.told(), "reload: no changes");
        }
        let unavailable: usize = asking.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(unavailable, 0);
    });
}
