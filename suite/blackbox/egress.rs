//! Where a client can make this server call: every kind of inner host in every member of the metadata
//! that is called, and answers that do not end (attacks.md P11, T-SSRF).

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browser::mx_tokens;
use crate::outside::{Bank, PATIENCE, Site, Trap, head};
use crate::registration::{TENANTS, register, with};
use crate::server::{MX, RESOURCE, Server};
use crate::wire::Answer;

/// What a call may take, and time for the rest of a registration on a slow machine.
const CALLS_END_WITHIN: Duration = Duration::from_secs(8);

/// The members that are called.
const CALLED: [&str; 4] =
    ["jwks_uri", "sector_identifier_uri", "logo_uri", "backchannel_logout_uri"];

/// Hosts that are inside, in every spelling, and addresses that are not `https`. `{port}` is one on
/// which somebody listens.
const INNER: [&str; 72] = [
    // This machine.
    "https://localhost:{port}/x",
    "https://LOCALHOST:{port}/x",
    "https://localhost.:{port}/x",
    "https://a.localhost:{port}/x",
    "https://localhost.localdomain:{port}/x",
    "https://ip6-localhost:{port}/x",
    "https://127.0.0.1:{port}/x",
    "https://127.0.0.1.:{port}/x",
    "https://127.1:{port}/x",
    "https://127.0.1:{port}/x",
    "https://127.255.255.254:{port}/x",
    "https://2130706433:{port}/x",
    "https://0x7f000001:{port}/x",
    "https://0x7f.0.0.1:{port}/x",
    "https://0x7f.1:{port}/x",
    "https://017700000001:{port}/x",
    "https://0177.0.0.1:{port}/x",
    "https://0177.0x0.00.1:{port}/x",
    "https://%31%32%37.0.0.1:{port}/x",
    "https://127%2e0%2e0%2e1:{port}/x",
    "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1:{port}/x",
    "https://127\u{3002}0\u{3002}0\u{3002}1:{port}/x",
    "https://\u{2460}\u{2461}\u{2466}.0.0.1:{port}/x",
    "https://0:{port}/x",
    "https://0.0.0.0:{port}/x",
    "https://[::1]:{port}/x",
    "https://[0:0:0:0:0:0:0:1]:{port}/x",
    "https://[::]:{port}/x",
    "https://[::ffff:127.0.0.1]:{port}/x",
    "https://[::ffff:7f00:1]:{port}/x",
    "https://[::127.0.0.1]:{port}/x",
    "https://[64:ff9b::127.0.0.1]:{port}/x",
    "https://[2002:7f00:1::]:{port}/x",
    "https://[::1%25lo]:{port}/x",
    // This network.
    "https://10.0.0.1/x",
    "https://10.255.255.255/x",
    "https://167772161/x",
    "https://012.0.0.1/x",
    "https://172.16.0.1/x",
    "https://172.31.255.255/x",
    "https://192.168.1.1/x",
    "https://100.64.0.1/x",
    "https://[fc00::1]/x",
    "https://[fd00:ec2::254]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[::ffff:192.168.0.1]/x",
    "https://printer/x",
    "https://db.internal/x",
    "https://printer.local/x",
    "https://router.home.arpa/x",
    // Link-local, and what clouds answer at.
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/latest/meta-data/",
    "https://[fe80::1]/x",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://2852039166/latest/meta-data/",
    // Nobody's.
    "https://224.0.0.1/x",
    "https://255.255.255.255/x",
    "https://192.0.2.1/x",
    "https://[ff02::1]/x",
    "https://[2001:db8::1]/x",
    // Read in two ways.
    "https://app.example@127.0.0.1:{port}/x",
    "https://app.example:pass@localhost:{port}/x",
    "https://127.0.0.1:{port}\\@app.example/x",
    "https://app.example#@127.0.0.1:{port}/x",
    "https://app.example/x#y",
    "https:127.0.0.1:{port}/x",
    // Not https.
    "http://127.0.0.1:{port}/x",
    "http://app.example/x",
    "HTTP://app.example/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/x",
    "//127.0.0.1:{port}/x",
];

#[test]
fn m070_m074_m075_no_member_of_the_metadata_leads_inside() {
    let (bank, trap) = (Bank::start(), Trap::set());
    let asked =
        |metadata: &Value| bank.send("POST", "/o/open/register", None, &metadata.to_string());
    let good = asked(&with(json!({}))).expect(201);
    let uri = good.member("registration_client_uri");
    let path = uri.split("//").nth(1).unwrap();
    let path = path[path.find('/').unwrap()..].to_owned();
    let token = good.member("registration_access_token");
    for host in INNER {
        let url = host.replace("{port}", &trap.port.to_string());
        for name in CALLED {
            let changes = match name {
                "sector_identifier_uri" => json!({name: url, "subject_type": "pairwise"}),
                _ => json!({name: url}),
            };
            let metadata = with(changes);
            let mut changed = metadata.clone();
            changed["client_id"] = good.member("client_id").into();
            let answers =
                [asked(&metadata), bank.send("PUT", &path, Some(&token), &changed.to_string())];
            for answer in answers {
                answer.is_polite(&url);
                assert_eq!(answer.status, 400, "{name} {url}: {}", answer.text());
                assert_eq!(answer.member("error"), "invalid_client_metadata", "{name} {url}");
                // One text, whatever lies behind the address.
                let told = answer.member("error_description");
                assert!(told.ends_with(name), "{name} {url}: {told}");
            }
        }
    }
    assert_eq!(trap.calls(), 0, "somebody came");
    let kept = bank.send("GET", &path, Some(&token), "").expect(200).json();
    assert!(CALLED.iter().all(|name| kept.get(name).is_none()), "{kept}");
}

/// A registration that makes the server call the site once.
fn sector(server: &Server, site: &Site) -> Answer {
    let url = format!("https://localhost:{}/sector.json", site.port);
    register(server, &with(json!({"sector_identifier_uri": url, "subject_type": "pairwise"})))
}

#[test]
fn an_answer_that_is_right_is_taken() {
    let server = Server::with(TENANTS);
    let other = Site::of(&server, |to| {
        let body = r#"["https://app.example/cb","https://app.example/other"]"#;
        to.write_all(format!("{}{body}", head(body.len())).as_bytes()).unwrap();
    });
    sector(&server, &other).expect(201);
    assert_eq!(other.calls(), 1);
}

#[test]
fn m072_cve_2026_1518_an_address_for_notifications_is_kept_nowhere() {
    let server = Server::with(TENANTS);
    let trap = Trap::set();
    let name = "backchannel_client_notification_endpoint";
    let url = format!("https://127.0.0.1:{}/x", trap.port);
    let answer = register(&server, &with(json!({name: url}))).expect(201);
    assert!(answer.json().get(name).is_none());
    let discovery = server.ask("GET", "/o/open/.well-known/openid-configuration", &[], b"");
    assert!(!discovery.expect(200).text().contains("backchannel_authentication"));
    assert_eq!(trap.calls(), 0);
}

#[test]
fn m073_cve_2026_4874_nothing_of_a_refresh_becomes_an_address() {
    let server = Server::shared();
    let trap = Trap::set();
    let url = crate::wire::encoded(&format!("https://127.0.0.1:{}/x", trap.port));
    let (access, refresh) = mx_tokens(&server, MX);
    let mut body = format!("grant_type=refresh_token&refresh_token={refresh}");
    for name in
        ["host", "client_session_host", "application_session_host", "node", "iss", "jwks_uri"]
    {
        body.push_str(&format!("&{name}={url}"));
    }
    let answer = server.form("/oauth2/v4/token", MX, &body).expect(200);
    assert!(!answer.text().contains("127.0.0.1"));
    let seen = |token: &str| {
        server.form("/introspect", RESOURCE, &format!("token={token}")).expect(200).json()
    };
    let (before, after) = (seen(&access), seen(&answer.member("access_token")));
    let names = |seen: &Value| seen.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "nothing was kept");
    assert_eq!(trap.calls(), 0);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a call takes is what is asked here")]
fn an_answer_without_end_ends() {
    let server = Server::with(TENANTS);
    let long = format!("[\"{}\"]", "x".repeat(100 * 1024));
    // Trickled until nobody listens any more.
    let endless = |to: &mut dyn Write| {
        let _ = to.write_all(head(1 << 30).as_bytes());
        while to.write_all(&[b' '; 1024]).and_then(|()| to.flush()).is_ok() {}
    };
    let declared = move |to: &mut dyn Write| {
        let _ = to.write_all(format!("{}{long}", head(long.len())).as_bytes());
    };
    let silent = |to: &mut dyn Write| {
        // Waits for the end of the connection.
        let _ = to.flush();
        let (_hold, wait) = std::sync::mpsc::channel::<()>();
        let _ = wait.recv_timeout(PATIENCE / 3);
    };
    let others =
        [Site::of(&server, endless), Site::of(&server, declared), Site::of(&server, silent)];
    for (n, other) in others.iter().enumerate() {
        let started = Instant::now();
        let answer = sector(&server, other).expect(400);
        assert!(started.elapsed() < CALLS_END_WITHIN, "{n}: {:?}", started.elapsed());
        let told = answer.member("error_description");
        assert!(told.contains("does not give what it must: sector_identifier_uri"), "{n}: {told}");
        assert_eq!(other.calls(), 1, "{n}");
    }
    server.lives();
}

#[test]
fn m071_cve_2026_4366_a_redirect_or_something_else_is_no_answer() {
    let server = Server::with(TENANTS);
    let trap = Trap::set();
    let redirect = |status: &str| {
        format!(
            "HTTP/1.1 {status}\r\nlocation: https://localhost:{}/x\r\ncontent-length: 0\r\n\r\n",
            trap.port
        )
    };
    let body = |text: &str| format!("{}{text}", head(text.len()));
    let all = [
        redirect("301 Moved Permanently"),
        redirect("302 Found"),
        redirect("303 See Other"),
        redirect("307 Temporary Redirect"),
        redirect("308 Permanent Redirect"),
        body("[]"),
        body("{}"),
        body("[\"https://evil.example/cb\"]"),
        body("[\"https://app.example/cb\",7]"),
        body("[\"https://app.example/cb\"]x"),
        body("https://app.example/cb"),
        body(&"[".repeat(10_000)),
        "HTTP/1.1 404 Not Found\r\ncontent-length: 28\r\n\r\n[\"https://app.example/cb\"]   "
            .into(),
        "HTTP/1.1 204 No Content\r\n\r\n".into(),
        "HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n[\"https://app.example/cb\"]".into(),
        "HTTP/1.1 200 OK\r\nx-long: ".to_owned() + &"a".repeat(1 << 20) + "\r\n\r\n[]",
        "220 mail.example ESMTP\r\n".into(),
        "\0\u{1}\u{2}".into(),
    ];
    for answer in all {
        let shown = answer[..answer.len().min(80)].to_owned();
        let other = Site::of(&server, move |to| {
            let _ = to.write_all(answer.as_bytes());
            let _ = to.flush();
        });
        let told = sector(&server, &other).expect(400).member("error_description");
        assert!(told.contains("does not give what it must"), "{shown}: {told}");
        assert_eq!(other.calls(), 1, "{shown}: asked once");
    }
    assert_eq!(trap.calls(), 0, "a redirect was followed");
    server.lives();
}
