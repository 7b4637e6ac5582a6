//! Advisories on registration: policy that looks at the old state, or only at what was sent.

use serde_json::json;

use crate::registration::{Own, TENANTS, good, register, with};
use crate::server::Server;

#[test]
fn m027_cve_2026_9705_a_suspended_client_cannot_change_itself_back() {
    // By a file a client is managed, by its token it manages itself: never both. The operator's way
    // to suspend a registered client is the store; here its token is all it has, and a token of a
    // client that is gone does nothing.
    let server = Server::with(TENANTS);
    let own = Own::new(&server, &good());
    own.delete(&server).expect(204);
    for answer in [own.get(&server), own.put(&server, &good()), own.delete(&server)] {
        assert_eq!(answer.expect(401).member("error"), "invalid_token");
    }
}

#[test]
fn m034_cve_2026_15572_a_change_of_one_member_is_judged_with_all_others() {
    let server = Server::with(TENANTS);
    let own = Own::new(
        &server,
        &with(json!({"application_type": "native",
        "redirect_uris": ["com.example.app:/cb"]})),
    );
    // The same address is not one of a website's.
    let swapped =
        with(json!({"application_type": "web", "redirect_uris": ["com.example.app:/cb"]}));
    let answer = own.put(&server, &swapped).expect(400);
    assert_eq!(answer.member("error"), "invalid_redirect_uri");
    let kept = own.get(&server).expect(200).json();
    assert_eq!(kept["redirect_uris"], json!(["com.example.app:/cb"]));
}

#[test]
fn m035_m039_cve_2026_16102_members_outside_the_schema_are_kept_nowhere() {
    let server = Server::with(TENANTS);
    let more = json!({
        "id": "admin", "client_id": "mxrecipient", "client_secret": "chosen", "surface": "fintecture",
        "status": "suspended", "managed_by": "sandbox.toml", "resource_server": true,
        "legal_name": "Bank of Examples", "regulator": "ACPR", "organisation_node_id": "1",
        "assertion_subjects": ["signed"], "service_account": true, "claims": {"sub": "ada"},
        "registration_access_token": "rg_x", "about": {"legal_name": "Bank of Examples"},
    });
    let own = Own::new(&server, &with(more.clone()));
    assert_ne!(own.id(), "mxrecipient");
    assert_ne!(own.answer.member("client_secret"), "chosen");
    let told = own.get(&server).expect(200).json();
    for name in more.as_object().unwrap().keys() {
        let known = ["client_id", "registration_access_token"].contains(&name.as_str());
        assert!(known || told.get(name).is_none(), "{name}");
    }
    let credentials = format!("{}:{}", own.id(), own.answer.member("client_secret"));
    let seen = server.form("/o/open/introspect", &credentials, "token=x").expect(200).json();
    assert_eq!(seen, json!({"active": false}), "it is no resource server");
}

#[test]
fn m036_m037_cve_2026_18573_a_default_is_judged_like_what_was_said() {
    let server = Server::with(TENANTS);
    // Left out, the method is client_secret_basic; said, it must be one of the surface's.
    let own = Own::new(&server, &good());
    for method in ["none", "client_secret_jwt", "private_key_jwt", "tls_client_auth", ""] {
        let weak = with(json!({"token_endpoint_auth_method": method}));
        assert_eq!(own.put(&server, &weak).expect(400).member("error"), "invalid_client_metadata");
        register(&server, &weak).expect(400);
    }
    let told = own.get(&server).expect(200).json();
    assert_eq!(told["token_endpoint_auth_method"], "client_secret_basic");
    // Nothing that a policy looks at is escaped by leaving it out.
    let bare = own.put(&server, &json!({"redirect_uris": null})).expect(400);
    assert_eq!(bare.member("error"), "invalid_redirect_uri");
}

#[test]
fn m038_kc_50982_two_partial_changes_do_not_keep_a_forbidden_redirect() {
    let server = Server::with(TENANTS);
    let own = Own::new(&server, &good());
    let two = with(json!({"redirect_uris": ["https://app.example/cb", "http://evil.example/cb"]}));
    own.put(&server, &two).expect(400);
    own.put(&server, &with(json!({"client_name": "App 2"}))).expect(200);
    let told = own.get(&server).expect(200).json();
    assert_eq!(told["redirect_uris"], json!(["https://app.example/cb"]));
}

#[test]
fn m070_m074_cve_2026_1180_every_address_goes_through_the_same_guard() {
    let server = Server::with(TENANTS);
    let inner = [
        "http://app.example/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/x",
        "https://metadata.internal/x",
        "https://app.example@10.0.0.1/x",
        "https://localhost./x",
        "file:///etc/passwd",
        "gopher://127.0.0.1/x",
    ];
    for name in ["jwks_uri", "sector_identifier_uri", "logo_uri", "backchannel_logout_uri"] {
        for url in inner.iter().filter(|url| !url.contains("localhost")) {
            let answer = register(&server, &with(json!({name: url}))).expect(400);
            assert_eq!(answer.member("error"), "invalid_client_metadata", "{name} {url}");
            assert!(answer.member("error_description").contains(name), "{name} {url}");
        }
    }
    for name in ["client_uri", "policy_uri", "tos_uri", "initiate_login_uri"] {
        for url in ["http://app.example/x", "file:///etc/passwd", "https://a@b/", "javascript:x"] {
            register(&server, &with(json!({name: url}))).expect(400);
        }
    }
}
