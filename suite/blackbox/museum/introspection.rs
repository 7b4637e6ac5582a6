//! Introspection by whoever may not ask.

use crate::browser::mx_tokens;
use crate::server::{FIN, FORM, MX, MX_OTHER, REALM, Server};
use crate::wire::basic;

#[test]
fn m090_cve_2026_37979_introspection_by_whoever_may_not_ask() {
    let server = Server::shared();
    let (access, refresh) = mx_tokens(&server, MX);
    let told = |credentials: &str, token: &str| {
        let answer = server.form("/introspect", credentials, &format!("token={token}"));
        (answer.status, answer.text())
    };
    let unknown = told(crate::server::RESOURCE, "unknown");
    assert_eq!(unknown, (200, r#"{"active":false}"#.to_owned()));
    for credentials in [MX, MX_OTHER, FIN] {
        for token in [&access, &refresh] {
            assert_eq!(told(credentials, token), unknown, "{credentials}");
        }
    }
    assert_eq!(told(crate::server::RESOURCE, &refresh), unknown);
    // The resource server of another tenant.
    let body = format!("token={access}&client_id=wlresource&client_secret=wlresourcesecret");
    let answer = server.post(&format!("{REALM}/token/introspect"), &body).expect(200);
    assert_eq!(answer.text(), unknown.1);
}

#[test]
fn m091_cve_2026_18208_the_signed_form_tells_no_more() {
    let server = Server::shared();
    let (access, _) = mx_tokens(&server, MX);
    let (id, secret) = MX.split_once(':').unwrap();
    let basic = basic(id, secret);
    for token in [&*access, "unknown"] {
        let headers = [
            ("authorization", &*basic),
            ("content-type", FORM),
            ("accept", "application/token-introspection+jwt"),
        ];
        let answer =
            server.ask("POST", "/introspect", &headers, format!("token={token}").as_bytes());
        assert_eq!(answer.text(), r#"{"active":false}"#);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}
