//! Introspection by whoever may not ask.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;

use crate::browser::mx_tokens;
use crate::server::{FIN, FORM, MX, MX_OTHER, REALM, RESOURCE, Server};
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

/// An answer of introspection that was asked for signed: its header and its claims.
fn signed(server: &Server, credentials: &str, token: &str) -> (Value, Value) {
    let (id, secret) = credentials.split_once(':').unwrap();
    let headers = [
        ("authorization", &*basic(id, secret)),
        ("content-type", FORM),
        ("accept", "application/json;q=0.5, application/token-introspection+jwt"),
    ];
    let body = format!("token={token}");
    let answer = server.ask("POST", "/introspect", &headers, body.as_bytes()).expect(200);
    let media_type = answer.header("content-type");
    assert_eq!(media_type, Some("application/token-introspection+jwt"));
    let text = answer.text();
    let parts: Vec<&str> = text.split('.').collect();
    let read = |part: &str| {
        let bytes = Base64UrlUnpadded::decode_vec(part).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    (read(parts[0]), read(parts[1]))
}

#[test]
fn m091_cve_2026_18208_the_signed_form_tells_no_more() {
    let server = Server::shared();
    let (access, _) = mx_tokens(&server, MX);
    for token in [&*access, "unknown"] {
        let (header, claims) = signed(&server, MX, token);
        assert_eq!(header["typ"], "token-introspection+jwt");
        assert_eq!(claims["token_introspection"], serde_json::json!({"active": false}));
        assert_eq!(claims["aud"], "mxrecipient");
        let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
        assert_eq!(names, ["aud", "iat", "iss", "token_introspection"]);
    }
}

#[test]
fn a_signed_answer_is_what_the_plain_one_says() {
    let server = Server::shared();
    let (access, _) = mx_tokens(&server, MX);
    let plain = server.form("/introspect", RESOURCE, &format!("token={access}")).expect(200).json();
    let (header, claims) = signed(&server, RESOURCE, &access);
    assert_eq!(claims["token_introspection"], plain);
    assert_eq!((&claims["iss"], &claims["aud"]), (&server.ready["http"], &"mxresource".into()));
    let keys = server.ask("GET", "/jwks", &[], b"").expect(200).json();
    let published = keys["keys"].as_array().unwrap().iter();
    let key = published.clone().find(|key| key["kid"] == header["kid"]).unwrap();
    assert_eq!(key["alg"], header["alg"]);
}
