//! The login and its sessions.

use std::collections::BTreeSet;

use crate::browser::{Browser, field, mx_authorize};
use crate::server::Server;

#[test]
fn m096_cve_2026_7507_the_handle_that_was_planted_dies_at_login() {
    let server = Server::shared();
    let mut attacker = Browser::new(&server);
    let login = attacker.open(&mx_authorize("mxrecipient"));
    // The victim's browser was made to carry the attacker's cookie.
    let mut victim = Browser::new(&server);
    victim.cookies = attacker.cookies.clone();
    let consent = victim.submit(&login, "login=ada&password=demo&action=submit");
    assert!(consent.text().contains("id=\"consent-allow\""));
    let interaction = field(&consent.text(), "interaction");
    let page = attacker.open(&format!("/consent?interaction={interaction}"));
    assert_eq!(page.status, 400);
    let fresh = |browser: &Browser<'_>| -> BTreeSet<String> {
        browser.cookies.iter().map(|(_, value)| value.clone()).collect()
    };
    assert!(fresh(&victim).is_disjoint(&fresh(&attacker)), "a cookie survived the login");
}

#[test]
fn m097_hydra_1e80a1d_the_cookie_changes_at_login() {
    let server = Server::shared();
    let mut browser = Browser::new(&server);
    let login = browser.open(&mx_authorize("mxrecipient"));
    let before = browser.cookies.clone();
    let consent = browser.submit(&login, "login=ada&password=demo&action=submit");
    assert!(browser.cookies.iter().all(|cookie| !before.contains(cookie)));
    let after = browser.cookies.clone();
    browser.cookies = before;
    assert_eq!(browser.submit(&consent, "account=ada-current&action=allow").status, 400);
    browser.cookies = after;
    assert!(
        browser.submit(&consent, "account=ada-current&action=allow").parameter("code").is_some()
    );
}

#[test]
fn m106_ghsa_cq42_vhv7_xr7p_wrong_passwords_lock_nobody_out_who_is_in() {
    let server = Server::start();
    let mut known = Browser::new(&server);
    known.consent(&mx_authorize("mxrecipient"));
    for _ in 0..5 {
        let mut attacker = Browser::new(&server);
        let login = attacker.open(&mx_authorize("mxrecipient"));
        for _ in 0..4 {
            attacker.submit(&login, "login=ada&password=wrong&action=submit");
        }
    }
    let mut attacker = Browser::new(&server);
    let login = attacker.open(&mx_authorize("mxrecipient"));
    let told = attacker.submit(&login, "login=ada&password=demo&action=submit").expect(200);
    assert!(told.text().contains("id=\"login-error\""));
    // The browser that was signed in goes on, and so do tokens and other customers.
    assert!(known.consent(&mx_authorize("mxrecipient")).parameter("code").is_some());
    let login = Browser::new(&server).open(&mx_authorize("mxrecipient"));
    assert_eq!(login.status, 200);
    let mut bob = Browser::new(&server);
    let login = bob.open(&mx_authorize("mxrecipient"));
    let consent = bob.submit(&login, "login=bob&password=demo&action=submit");
    assert!(consent.text().contains("id=\"consent-allow\""));
}

#[test]
fn m026_kc_48487_a_customer_suspended_while_the_page_is_open() {
    let server = Server::start();
    let mut browser = Browser::new(&server);
    let login = browser.open(&mx_authorize("mxrecipient"));
    let consent = browser.submit(&login, "login=bob&password=demo&action=submit");
    assert!(consent.text().contains("id=\"consent-allow\""));
    let path = server.state.join("resources/sandbox.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let closed = text.replace("login = \"bob\"", "login = \"bob\"\nsuspended = true");
    assert_ne!(closed, text);
    std::fs::write(&path, closed).unwrap();
    server.signal("HUP");
    assert!(server.told().contains("bob"));
    let back = browser.submit(&consent, "account=bob-current&action=allow").expect(303);
    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    assert!(back.parameter("code").is_none() && !back.location().contains("token"));
}
