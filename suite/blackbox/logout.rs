//! Signing out at the running server: a client on the other side hears of it, also when it was down and
//! the server died meanwhile.

use counterfoil_jose::jwk::JwkSet;
use counterfoil_jose::jwt;
use counterfoil_jose::key::VerifyingKey;
use serde_json::{Value, json};

use crate::browser::{Browser, field};
use crate::rp::Rp;
use crate::server::{FORM, Server};
use crate::wire::encoded;

const APP: &str = "leaver:leaversecret";
const OUT: &str = "https://leaver.example/out";

/// A tenant of plain OpenID, over plain HTTP.
fn bank(logout: &str) -> String {
    format!(
        r#"[[tenant]]
id = "bye"
surfaces = ["standard"]

[[client]]
id = "leaver"
tenant = "bye"
surface = "standard"
auth = {{ method = "client_secret_basic", secret = "leaversecret" }}
scopes = ["openid"]
redirect_uris = ["http://127.0.0.1/callback"]
[client.metadata]
post_logout_redirect_uris = ["{OUT}"]
backchannel_logout_uri = "{logout}"

[[user]]
login = "leo"
tenant = "bye"
name = "Leo Leaver"
password_hash = "$argon2id$v=19$m=19456,t=2,p=1$sTBJO3GnzjdstJm/cEmuqw$YlC6Eko6PFf8yi7vB7X7duolxOdSJnAcbCXsgbS8npg"
"#
    )
}

/// The ID token of a login.
fn login(server: &Server, browser: &mut Browser<'_>) -> String {
    let callback = encoded("http://127.0.0.1/callback");
    let target = format!(
        "/o/bye/authorize?client_id=leaver&redirect_uri={callback}&response_type=code&scope=openid"
    );
    let page = browser.open(&target);
    let page = browser.submit(&page, "login=leo&password=demo&action=submit");
    let back = browser.submit(&page, "action=allow").expect(303);
    let code = back.parameter("code").unwrap();
    let body = format!("grant_type=authorization_code&code={code}&redirect_uri={callback}");
    server.form("/o/bye/token", APP, &body).expect(200).member("id_token")
}

/// The claims of a token of the tenant, by the keys that it publishes.
fn claims(server: &Server, token: &str, typ: &str) -> Value {
    let set = server.ask("GET", "/o/bye/jwks", &[], b"").expect(200);
    let set: JwkSet = serde_json::from_slice(&set.body).unwrap();
    let keys: Vec<_> = set
        .keys
        .iter()
        .map(|jwk| (jwk.kid.clone().unwrap(), VerifyingKey::from_jwk(jwk).unwrap()))
        .collect();
    let keys = keys.iter().map(|(kid, key)| {
        let alg = set.keys.iter().find(|jwk| jwk.kid.as_ref() == Some(kid)).unwrap().alg.clone();
        (&**kid, key, counterfoil_jose::alg::Alg::parse(&alg.unwrap()).unwrap())
    });
    serde_json::from_slice(&jwt::verify_own(token, typ, keys).unwrap()).unwrap()
}

/// What a client was sent, as a logout token.
fn told(server: &Server, (head, body): &(String, String)) -> Value {
    assert!(head.starts_with("POST /logout HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("content-type: {FORM}\r\n")), "{head}");
    claims(server, body.strip_prefix("logout_token=").unwrap(), "logout+jwt")
}

#[test]
fn a_logout_goes_back_to_the_client_and_to_its_server() {
    let rp = Rp::new();
    let server = Server::with(&bank(&rp.url("/logout")));
    let mut browser = Browser::new(&server);
    let token = login(&server, &mut browser);
    let out = encoded(OUT);
    let hinted =
        format!("/o/bye/logout?id_token_hint={token}&post_logout_redirect_uri={out}&state=a%20b");
    let left = browser.send("GET", &hinted, "").expect(303);
    assert_eq!(left.location(), format!("{OUT}?state=a+b"));
    let says = told(&server, &rp.answer(&server.state, 200));
    let login = claims(&server, &token, "JWT");
    assert_eq!((&says["sub"], &says["sid"]), (&login["sub"], &login["sid"]));
    assert_eq!((&says["iss"], &says["aud"]), (&login["iss"], &json!("leaver")));
}

#[test]
fn a_client_that_was_down_hears_of_a_logout_from_a_server_that_died_meanwhile() {
    let rp = Rp::new();
    let server = Server::with(&bank(&rp.url("/logout")));
    let mut browser = Browser::new(&server);
    let token = login(&server, &mut browser);
    let question = browser.open("/o/bye/logout");
    assert!(question.text().contains("<h1>Do you want to sign out?</h1>"));
    let csrf = field(&question.text(), "csrf");
    let body = format!("csrf={csrf}&action=confirm");
    let left = browser.send("POST", "/o/bye/logout/confirm", &body).expect(303);
    assert_eq!(left.location(), "/o/bye/logout/done");
    let sid = claims(&server, &token, "JWT")["sid"].clone();
    rp.hang_up();
    server.kill();
    let server = server.again();
    let says = told(&server, &rp.answer(&server.state, 204));
    assert_eq!(says["sid"], sid);
}

#[test]
fn the_server_is_told_by_no_token_of_others() {
    // M086: we are nobody's client, so there is no logout token that we believe.
    let server = Server::shared();
    for path in ["/logout", "/o/standard/backchannel_logout", "/o/mx/logout"] {
        let answer = server.post(path, "logout_token=eyJhbGciOiJub25lIn0.e30.");
        answer.is_polite(path);
        assert!(answer.status >= 400 && answer.header("location").is_none(), "{path}");
    }
}
