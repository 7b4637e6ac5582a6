//! Requests without end, paths by other names, answers for others.

use crate::server::{FIN, FORM, MX, REALM, Server};
use crate::wire::{Wire, request};

#[test]
fn m102_cve_2026_4634_scopes_without_end() {
    let server = Server::shared();
    let many: Vec<String> = (0..6_000).map(|n| format!("s{n}")).collect();
    let repeated = vec!["PIS"; 10_000].join("+");
    for scope in [many.join("+"), repeated, "s".repeat(60_000), "+".repeat(60_000)] {
        let body = format!("grant_type=client_credentials&scope={scope}");
        let answer = server.form("/oauth/accesstoken", FIN, &body);
        answer.is_polite(&scope[..40]);
        assert_eq!(answer.member("error"), "invalid_scope", "{}", &scope[..40]);
    }
    let body = format!("grant_type=client_credentials&scope={}", vec!["PIS"; 900].join("+"));
    server.form("/oauth/accesstoken", FIN, &body).expect(200);
}

#[test]
fn m103_cve_2026_79651_locales_without_end() {
    let server = Server::start();
    let resident = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let mut wire = server.connect();
    let mut ask = |n: usize| {
        let target = format!("/nothing?ui_locales=x{n}-Y{n}");
        let language = format!("l{n}-X{n};q=0.{}, *", n % 10);
        let headers = [("accept", "text/html"), ("accept-language", &*language)];
        wire.send(&request("GET", &target, &headers, b""));
        assert_eq!(wire.read().unwrap().status, 404);
    };
    (0..1_000).for_each(&mut ask);
    let before = resident();
    (1_000..6_000).for_each(&mut ask);
    let grown = resident().saturating_sub(before);
    assert!(grown < 6 * 1024, "{grown} KiB for five thousand locales");
}

#[test]
fn m104_kc_52669_nothing_dear_before_authentication() {
    let server = Server::shared();
    // A password of a kilobyte, a code, a token: the client comes first.
    let long = "p".repeat(60_000);
    for (path, body) in [
        ("/oauth2/v4/token", format!("grant_type=refresh_token&refresh_token={long}")),
        ("/introspect", format!("token={long}")),
        ("/oauth2/v4/revoke", format!("token={long}")),
    ] {
        let answer = server.form(path, "nobody:x", &body).expect(401);
        assert_eq!(answer.member("error"), "invalid_client");
    }
}

#[test]
fn m105_cve_2026_15573_a_path_by_another_name_is_not_found() {
    let server = Server::shared();
    for path in [
        "/introspect/",
        "/introspect;x",
        "//x/introspect",
        "/x//introspect",
        "/intro%73pect",
        "/introspect%2f",
        "/jwks/../introspect",
        "/jwks%2f..%2fintrospect",
        "/introspect/jwks",
        "/jwks?/introspect",
        "/introspect\\",
        "/o//introspect",
        "/auth/realms//protocol/openid-connect/token",
        "/auth/realms/sandbox//protocol/openid-connect/token",
        "/auth/realms/sandbox;/protocol/openid-connect/token",
    ] {
        let answer = server.form(path, crate::server::RESOURCE, "token=x");
        answer.is_polite(path);
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.status);
    }
    // Forgiven at the front, for one vendor's module; it is the same path with the same rules.
    assert_eq!(server.form("//introspect", MX, "token=x").text(), r#"{"active":false}"#);
}

#[test]
fn m107_hydra_26_2_5_no_answer_has_the_words_of_another_request() {
    let server = Server::shared();
    let address = server.address();
    std::thread::scope(|scope| {
        for lane in 0..16 {
            let address = &address;
            scope.spawn(move || {
                let mut wire = Wire::connect(address);
                for n in 0..100 {
                    let own = format!("LANE{lane}N{n}");
                    let body = format!(
                        "grant_type=client_credentials&scope={own}&client_id=Worldline-000021&client_secret=password123"
                    );
                    let bytes =
                        request("POST", &format!("{REALM}/token"), &[("content-type", FORM)], body.as_bytes());
                    wire.send(&bytes);
                    let answer = wire.read().unwrap();
                    assert_eq!(answer.member("error_description"), format!("Invalid scopes: {own}"));
                }
            });
        }
    });
}

#[test]
fn m108_hydra_1438_a_prefix_of_a_long_secret_is_another_secret() {
    let server = Server::shared();
    let body = "grant_type=client_credentials&scope=PIS";
    for len in [0, 1, 71, 72, 73, 79, 81, 160] {
        let credentials = format!("longsecret:{}", "s".repeat(len));
        let answer = server.form("/oauth/accesstoken", &credentials, body).expect(401);
        assert_eq!(answer.member("error"), "invalid_client", "{len}");
    }
    server.form("/oauth/accesstoken", &format!("longsecret:{}", "s".repeat(80)), body).expect(200);
}
