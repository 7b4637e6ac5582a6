//! Authorization details and resource indicators from the pushed request over the pages to the resource
//! server, against the binary.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::Server;
use crate::wire::{Answer, encoded};

/// A tenant of the plain OpenID surface that a test without TLS can talk to.
const TENANT: &str = r#"[[tenant]]
id = "rich"
name = "Bank of Riches"
surfaces = ["standard"]
resources = ["https://api.example/accounts", "https://api.example/payments"]

[[client]]
id = "richapp"
tenant = "rich"
surface = "standard"
name = "Rich App"
auth = { method = "client_secret_basic", secret = "richsecret" }
scopes = ["openid"]
redirect_uris = ["http://127.0.0.1/callback"]
[client.metadata]
authorization_details_types = ["account_information", "payment_initiation"]

[[resource_server]]
id = "richapi"
tenant = "rich"
secret = "richapisecret"

[[user]]
login = "ada"
tenant = "rich"
name = "Ada Lovelace"
password_hash = "$argon2id$v=19$m=19456,t=2,p=1$sTBJO3GnzjdstJm/cEmuqw$YlC6Eko6PFf8yi7vB7X7duolxOdSJnAcbCXsgbS8npg"
[[user.accounts]]
id = "ada-current"
name = "Current account"
last_digits = "0189"
currency = "EUR"
balance_minor = 120410
"#;
const APP: &str = "richapp:richsecret";
const CALLBACK: &str = "http%3A%2F%2F127.0.0.1%2Fcallback";
const ACCOUNTS: &str = "https://api.example/accounts";
const PAYMENTS: &str = "https://api.example/payments";

fn form(pairs: &[(&str, &str)]) -> String {
    let one = |(name, value): &(&str, &str)| format!("{name}={}", encoded(value));
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

fn ask(server: &Server, path: &str, pairs: &[(&str, &str)]) -> Answer {
    server.form(&format!("/o/rich{path}"), APP, &form(pairs))
}

/// The consent page of a pushed request, and what the client gets for a yes.
fn allowed(server: &Server, pairs: &[(&str, &str)]) -> (String, Answer) {
    let mut all = vec![("redirect_uri", "http://127.0.0.1/callback"), ("response_type", "code")];
    all.extend_from_slice(pairs);
    let uri = encoded(&ask(server, "/par", &all).expect(201).member("request_uri"));
    let mut browser = Browser::new(server);
    let login = browser.open(&format!("/o/rich/authorize?client_id=richapp&request_uri={uri}"));
    let page = browser.submit(&login, "login=ada&password=demo&action=submit").expect(200);
    let back = browser.submit(&page, "account=ada-current&action=allow").expect(303);
    let code = back.parameter("code").unwrap();
    let body = format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}");
    (page.text(), server.form("/o/rich/token", APP, &body).expect(200))
}

fn refresh(server: &Server, tokens: &Answer, more: &[(&str, &str)]) -> Answer {
    let token = tokens.member("refresh_token");
    let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", &*token)];
    pairs.extend_from_slice(more);
    ask(server, "/token", &pairs)
}

fn introspected(server: &Server, tokens: &Answer) -> Value {
    let body = format!("token={}", tokens.member("access_token"));
    server.form("/o/rich/introspect", "richapi:richapisecret", &body).expect(200).json()
}

#[test]
fn details_are_shown_told_back_narrowed_and_introspected() {
    let server = Server::with(TENANT);
    let information =
        json!({"type": "account_information", "actions": ["read_balances", "read_transactions"]});
    let payment = json!({
        "type": "payment_initiation", "creditorName": "Merchant A",
        "creditorAccount": {"iban": "DE02100100109307118603"},
        "instructedAmount": {"currency": "EUR", "amount": "123.50"},
    });
    let asked = json!([information, payment]).to_string();
    let (page, tokens) = allowed(&server, &[("authorization_details", &asked)]);
    for part in ["€123.50", "Merchant A", "DE02100100109307118603", "See balances"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let mut given = information.clone();
    given["accounts"] = json!(["ada-current"]);
    let all = json!([given, payment]);
    assert_eq!(tokens.json()["authorization_details"], all);
    assert_eq!(introspected(&server, &tokens)["authorization_details"], all);

    let mut less = given.clone();
    less["actions"] = json!(["read_balances"]);
    let less = json!([less]);
    let text = less.to_string();
    let narrowed = refresh(&server, &tokens, &[("authorization_details", &text)]).expect(200);
    assert_eq!(narrowed.json()["authorization_details"], less);
    assert_eq!(introspected(&server, &narrowed)["authorization_details"], less);
    let mut more = payment.clone();
    more["instructedAmount"]["amount"] = "1235.00".into();
    for more in [json!([more]), json!([payment, payment])] {
        let text = more.to_string();
        let no = refresh(&server, &narrowed, &[("authorization_details", &text)]).expect(400);
        assert_eq!(no.is_polite("more").member("error"), "invalid_authorization_details");
    }
    let again = refresh(&server, &narrowed, &[]).expect(200);
    assert_eq!(again.json()["authorization_details"], all);
}

#[test]
fn what_is_no_detail_is_refused_politely() {
    let server = Server::with(TENANT);
    let deep = format!("{}1{}", "[".repeat(4_000), "]".repeat(4_000));
    for bad in [
        "x",
        "{}",
        "[]",
        "[1]",
        r#"[{"type":"fdx_v1.0"}]"#,
        r#"[{"type":"account_information","actions":["read_balances"],"__proto__":{}}]"#,
        &deep,
        &format!("[{}]", vec!["{}"; 3_000].join(",")),
    ] {
        let pairs = [
            ("redirect_uri", "http://127.0.0.1/callback"),
            ("response_type", "code"),
            ("scope", "openid"),
            ("authorization_details", bad),
        ];
        let answer = ask(&server, "/par", &pairs).expect(400);
        answer.is_polite(&bad[..bad.len().min(80)]);
        assert_eq!(answer.member("error"), "invalid_authorization_details");
    }
}

#[test]
fn m013_cve_2026_93999_a_resource_server_that_was_taken_out_is_named_no_more() {
    let server = Server::with(TENANT);
    let asked = [("scope", "openid"), ("resource", ACCOUNTS), ("resource", PAYMENTS)];
    let (_, tokens) = allowed(&server, &asked);
    assert_eq!(introspected(&server, &tokens)["aud"], json!([ACCOUNTS, PAYMENTS]));
    let own = TENANT.replace(&format!(", \"{PAYMENTS}\""), "");
    assert_ne!(own, TENANT);
    std::fs::write(server.state.join("resources/own.toml"), own).unwrap();
    server.signal("HUP");
    assert_eq!(server.told(), "reload: ~ tenant rich");
    let no = refresh(&server, &tokens, &[("resource", PAYMENTS)]).expect(400);
    assert_eq!(no.member("error"), "invalid_target");
    let left = refresh(&server, &tokens, &[]).expect(200);
    assert_eq!(introspected(&server, &left)["aud"], ACCOUNTS);
}
