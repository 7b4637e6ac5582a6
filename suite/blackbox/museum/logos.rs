//! Pictures that clients register.

use serde_json::json;

use crate::outside::{Site, Trap};
use crate::registration::{TENANTS, register, with};
use crate::server::Server;
use crate::wire::{Answer, encoded};

/// Two points by two.
const PNG: &[u8] = include_bytes!("../../../fuzz/seeds/logo/01");
const SVG: &[u8] = br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#;

/// A small file that claims to be a picture of 100 000 by 100 000.
fn bomb() -> Vec<u8> {
    let mut file = PNG.to_vec();
    file[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    file
}

/// The login page of a client with this picture.
fn page(server: &Server, logo: &str) -> Answer {
    let own = register(server, &with(json!({"logo_uri": logo}))).expect(201);
    let target = format!(
        "/o/open/oauth2/v4/authorize?client_id={}&redirect_uri={}&response_type=code\
         &code_challenge={}&code_challenge_method=S256&scope=openid",
        own.member("client_id"),
        encoded("https://app.example/cb"),
        crate::browser::challenge(),
    );
    crate::browser::Browser::new(server).open(&target).expect(200)
}

/// Where the page has the picture from.
fn source(page: &Answer) -> String {
    let html = page.text();
    let (_, after) = html.split_once("<img class=\"app\" src=\"").unwrap();
    after.split('"').next().unwrap().to_owned()
}

#[test]
fn m075_cve_2021_26715_a_picture_is_fetched_by_us_and_drawn_anew() {
    let server = Server::with(TENANTS);
    let behind = [PNG, b"<script>alert(1)</script>"].concat();
    let huge = [PNG, &vec![b' '; 100 << 20]].concat();
    for (what, file, drawn) in [
        ("a picture", PNG.to_vec(), true),
        ("and a script behind it", behind, true),
        ("a drawing with a script", SVG.to_vec(), false),
        ("a page", b"<!doctype html><script>alert(1)</script>".to_vec(), false),
        ("100 MB", huge, false),
        ("a small file that grows", bomb(), false),
        ("nothing", vec![], false),
    ] {
        let site = Site::of(&server, move |to| {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: {}\r\n\r\n",
                file.len()
            );
            // Whoever asks may go away in the middle.
            let _ = to.write_all(head.as_bytes()).and_then(|()| to.write_all(&file));
            let _ = to.flush();
        });
        let url = format!("https://localhost:{}/logo.png", site.port);
        let page = page(&server, &url);
        let source = source(&page);
        // The customer's browser asks us and nobody else.
        assert!(source.starts_with("/o/open/logo/"), "{source}");
        assert!(!page.text().contains(&format!("localhost:{}", site.port)), "{what}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("img-src 'self'"), "{policy}");
        let answer = server.ask("GET", &source, &[], b"");
        if !drawn {
            answer.is_polite(what);
            assert_eq!(answer.status, 404, "{what}");
            continue;
        }
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("image/png")),
            "{what}"
        );
        assert!(!answer.body.windows(6).any(|bytes| bytes == b"script"), "{what}");
        // Asked for again it is not fetched again.
        server.ask("GET", &source, &[], b"").expect(200);
        assert_eq!(site.calls(), 1, "{what}");
    }
    server.lives();
}

#[test]
fn m075_cve_2021_26715_a_picture_inside_of_the_network_is_not_fetched() {
    let server = Server::with(TENANTS);
    let trap = Trap::set();
    for url in [
        format!("http://127.0.0.1:{}/logo.png", trap.port),
        format!("https://a@127.0.0.1:{}/logo.png", trap.port),
        "https://10.0.0.1/logo.png".into(),
        "https://169.254.169.254/latest/meta-data/".into(),
        "https://[fd00::1]/logo.png".into(),
        "data:image/svg+xml,<svg onload='alert(1)'/>".into(),
    ] {
        let answer = register(&server, &with(json!({"logo_uri": url}))).expect(400);
        assert_eq!(answer.member("error"), "invalid_client_metadata", "{url}");
    }
    assert_eq!(trap.calls(), 0);
    // Nobody's picture.
    for path in
        ["/o/open/logo/nobody/x", "/o/open/logo/../x", "/o/open/logo//", "/logo/mxrecipient/x"]
    {
        let answer = server.ask("GET", path, &[], b"");
        answer.is_polite(path);
        assert_eq!(answer.status, 404, "{path}");
    }
}
