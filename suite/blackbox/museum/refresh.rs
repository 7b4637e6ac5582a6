//! Refresh, revocation, and clients that lost a right.

use std::collections::BTreeSet;

use serde_json::json;

use crate::browser::{Browser, mx_authorize, mx_code, mx_redeem, mx_refresh, mx_tokens};
use crate::server::{FORM, MX, MX_OTHER, Server};
use crate::wire::{Answer, Wire, basic, encoded, request};

#[test]
fn m010_cve_2026_1035_64_refreshes_of_one_token_at_once() {
    let server = Server::shared();
    let (_, refresh) = mx_tokens(&server, MX);
    let (id, secret) = MX.split_once(':').unwrap();
    let basic = basic(id, secret);
    let body = format!("grant_type=refresh_token&refresh_token={refresh}");
    let headers = [("authorization", &*basic), ("content-type", FORM)];
    let bytes = request("POST", "/oauth2/v4/token", &headers, body.as_bytes());
    let mut wires: Vec<Wire> = (0..64).map(|_| server.connect()).collect();
    wires.iter_mut().for_each(|wire| wire.send(&bytes));
    let mut successors = BTreeSet::new();
    let mut good = 0;
    for wire in &mut wires {
        let answer = wire.read().unwrap();
        match answer.status {
            200 => {
                successors.insert(answer.member("refresh_token"));
                good += 1;
            }
            503 => assert_eq!(answer.member("error"), "temporarily_unavailable"),
            other => panic!("{other} {}", answer.text()),
        }
    }
    assert_eq!(successors.len(), 1, "{good} answers, and not one successor");
    let successor = successors.pop_first().unwrap();
    assert_ne!(successor, refresh);
    mx_refresh(&server, MX, &successor).expect(200);
}

#[test]
fn m011_cve_2026_9802_a_replay_after_a_crash_is_still_one() {
    let server = Server::start();
    let (_, first) = mx_tokens(&server, MX);
    let second = mx_refresh(&server, MX, &first).expect(200).member("refresh_token");
    let third = mx_refresh(&server, MX, &second).expect(200);
    server.kill();
    let server = server.again();
    let access = third.member("access_token");
    assert!(server.is_active(&access));
    assert_eq!(mx_refresh(&server, MX, &first).expect(400).member("error"), "invalid_grant");
    assert!(!server.is_active(&access), "the replay revoked nothing");
    mx_refresh(&server, MX, &third.member("refresh_token")).expect(400);
}

#[test]
fn m012_ghsa_895x_rfqp_jh5c_a_scope_that_the_client_lost_is_not_renewed() {
    let server = Server::start();
    let (access, refresh) = mx_tokens(&server, MX_OTHER);
    let path = server.state.join("resources/more.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let less = text.replacen("scopes = [\"openid\", \"accounts\"]", "scopes = [\"openid\"]", 1);
    assert_ne!(less, text);
    std::fs::write(&path, less).unwrap();
    server.signal("HUP");
    assert!(server.told().contains("client mxother"));
    let answer = mx_refresh(&server, MX_OTHER, &refresh).expect(200);
    assert_eq!(answer.member("scope"), "openid");
    let wider = format!(
        "grant_type=refresh_token&refresh_token={}&scope=openid+accounts",
        answer.member("refresh_token")
    );
    let wider = server.form("/oauth2/v4/token", MX_OTHER, &wider).expect(400);
    assert_eq!(wider.member("error"), "invalid_scope");
    let fresh = answer.member("access_token");
    let said = server.form("/introspect", crate::server::RESOURCE, &format!("token={fresh}"));
    assert_eq!(said.member("scope"), "openid");
    let _ = access;
}

#[test]
fn m016_fosite_167_revoking_with_a_rotated_refresh_token_ends_the_grant() {
    let server = Server::shared();
    let (access, first) = mx_tokens(&server, MX);
    let second = mx_refresh(&server, MX, &first).expect(200);
    let (fresh, newest) = (second.member("access_token"), second.member("refresh_token"));
    server.form("/oauth2/v4/revoke", MX, &format!("token={first}")).expect(200);
    assert!(!server.is_active(&access) && !server.is_active(&fresh));
    mx_refresh(&server, MX, &newest).expect(400);
}

#[test]
fn m017_kc_35813_revoking_one_grant_leaves_its_sibling() {
    let server = Server::shared();
    let (one, other) = (mx_tokens(&server, MX), mx_tokens(&server, MX));
    server.form("/oauth2/v4/revoke", MX, &format!("token={}", one.1)).expect(200);
    assert!(!server.is_active(&one.0) && server.is_active(&other.0));
    mx_refresh(&server, MX, &other.1).expect(200);
}

#[test]
fn m018_defguard_3625_a_refresh_without_client_authentication() {
    let server = Server::shared();
    let (_, refresh) = mx_tokens(&server, MX);
    for more in ["", "&client_id=mxrecipient", "&client_id=mxrecipient&client_secret="] {
        let body = format!("grant_type=refresh_token&refresh_token={refresh}{more}");
        let answer = server.post("/oauth2/v4/token", &body).expect(400);
        assert_eq!(answer.member("error"), "invalid_client", "{more}");
    }
    mx_refresh(&server, MX, &refresh).expect(200);
}

#[test]
fn m025_cve_2026_2733_a_suspended_client_gets_nothing_anywhere() {
    let server = Server::start();
    let (access, refresh) = mx_tokens(&server, MX_OTHER);
    let code = mx_code(&server, MX_OTHER);
    let path = server.state.join("resources/more.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let closed = text.replace("id = \"mxother\"", "id = \"mxother\"\nsuspended = true");
    std::fs::write(&path, closed).unwrap();
    server.signal("HUP");
    assert!(server.told().contains("client mxother"));
    mx_redeem(&server, MX_OTHER, &code).expect(401);
    mx_refresh(&server, MX_OTHER, &refresh).expect(401);
    server.form("/oauth2/v4/revoke", MX_OTHER, "token=x").expect(401);
    assert!(!server.is_active(&access));
    let bearer = format!("Bearer {access}");
    server.ask("GET", "/userinfo", &[("authorization", &bearer)], b"").expect(401);
    let page = server.ask("GET", &mx_authorize("mxother"), &[("accept", "text/html")], b"");
    assert!(page.status == 401 && page.header("location").is_none());
}

const TARGETS: &str = r#"[[tenant]]
id = "targets"
surfaces = ["standard"]
resources = ["https://api.example/accounts", "https://api.example/payments"]

[[client]]
id = "targetapp"
tenant = "targets"
surface = "standard"
auth = { method = "client_secret_basic", secret = "targetsecret" }
scopes = ["openid"]
redirect_uris = ["http://127.0.0.1/callback"]

[[resource_server]]
id = "targetresource"
tenant = "targets"
secret = "targetresourcesecret"

[[user]]
login = "ada"
tenant = "targets"
password_hash = "$argon2id$v=19$m=19456,t=2,p=1$sTBJO3GnzjdstJm/cEmuqw$YlC6Eko6PFf8yi7vB7X7duolxOdSJnAcbCXsgbS8npg"
"#;

#[test]
fn m013_cve_2026_93999_a_resource_server_that_was_taken_out_is_named_by_no_token() {
    let server = Server::with(TARGETS);
    let [accounts, payments] = ["accounts", "payments"].map(|n| format!("https://api.example/{n}"));
    let both = format!("resource={}&resource={}", encoded(&accounts), encoded(&payments));
    let callback = encoded("http://127.0.0.1/callback");
    let target = format!(
        "/o/targets/authorize?client_id=targetapp&redirect_uri={callback}&response_type=code\
         &scope=openid&{both}"
    );
    let mut browser = Browser::new(&server);
    let page = browser.open(&target);
    let page = browser.submit(&page, "login=ada&password=demo&action=submit");
    let code = browser.submit(&page, "action=allow").expect(303).parameter("code").unwrap();
    let ask = |body: &str| server.form("/o/targets/token", "targetapp:targetsecret", body);
    let tokens = ask(&format!("grant_type=authorization_code&code={code}&redirect_uri={callback}"));
    let tokens = tokens.expect(200);
    let audience = |answer: &Answer| {
        let body = format!("token={}", answer.member("access_token"));
        let credentials = "targetresource:targetresourcesecret";
        server.form("/o/targets/introspect", credentials, &body).expect(200).json()["aud"].clone()
    };
    assert_eq!(audience(&tokens), json!([accounts, payments]));
    let refresh = |more: &str| {
        let token = tokens.member("refresh_token");
        ask(&format!("grant_type=refresh_token&refresh_token={token}{more}"))
    };
    let path = server.state.join("resources/own.toml");
    std::fs::write(&path, TARGETS.replace(&format!("\"{payments}\""), "")).unwrap();
    server.signal("HUP");
    assert!(server.told().contains("tenant targets"));
    assert_eq!(audience(&refresh("").expect(200)), json!(accounts));
    let gone = format!("&resource={}", encoded(&payments));
    assert_eq!(refresh(&gone).expect(400).member("error"), "invalid_target");
    std::fs::write(&path, TARGETS.replace("resources = ", "# ")).unwrap();
    server.signal("HUP");
    assert!(server.told().contains("tenant targets"));
    // What was granted for two, of which none is left, is not for everybody.
    assert_eq!(refresh("").expect(400).member("error"), "invalid_target");
}
