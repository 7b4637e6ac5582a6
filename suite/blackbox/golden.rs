//! What the sandbox says to test suites: an interface, held by `golden/sandbox.json`.

use std::path::Path;

use serde_json::Value;

use crate::server::Server;

/// A private key without what nobody could guess.
fn without_numbers(key: &mut Value) {
    // Base64url of 32 bytes, of 2048 bits and of 1024; the exponent is the usual one.
    let members: &[(&str, usize)] = match key["alg"].as_str().unwrap() {
        "ES256" => &[("x", 43), ("y", 43), ("d", 43)],
        "PS256" => {
            &[("n", 342), ("d", 342), ("p", 171), ("q", 171), ("dp", 171), ("dq", 171), ("qi", 171)]
        }
        other => panic!("{other}"),
    };
    for (name, len) in members {
        let told = key[*name].as_str().unwrap();
        // Numbers of RSA have no leading zeros, so now and then one is shorter.
        let fits =
            if *len == 43 { told.len() == 43 } else { (len - 4..=*len).contains(&told.len()) };
        assert!(fits, "{name}: {}", told.len());
        key[*name] = format!("{{{name}}}").into();
    }
}

/// What differs from run to run.
fn without_places(ready: &Value) -> String {
    let mut made = ready.clone();
    for (_, facts) in made["surfaces"].as_object_mut().unwrap() {
        for client in ["client", "client2"] {
            let keys = facts[client].pointer_mut("/jwks/keys").and_then(Value::as_array_mut);
            for key in keys.into_iter().flatten() {
                without_numbers(key);
            }
        }
    }
    let text = serde_json::to_string_pretty(&made).unwrap();
    let of = |name: &str| ready[name].as_str().unwrap().to_owned();
    let kid = ready["surfaces"]["worldline"]["client"]["kid"].as_str().unwrap().to_owned();
    assert!(
        kid.len() == 40 && kid.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_lowercase())
    );
    let replaced = text
        .replace(&of("https"), "https://localhost:{tls-port}")
        .replace(&of("mtls"), "https://localhost:{mtls-port}")
        .replace(&of("http"), "http://localhost:{port}")
        .replace(&of("state"), "{state}")
        .replace(&kid, "{kid}")
        .replace(env!("CARGO_PKG_VERSION"), "{version}");
    format!("{replaced}\n")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a developer asks for a new file")]
fn the_line_of_a_sandbox_is_its_golden_file() {
    let server = Server::ephemeral();
    let found = without_places(&server.ready);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/sandbox.json");
    if std::env::var("GOLDEN").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, &found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "if the change was meant, GOLDEN=write");
}

#[test]
fn everything_that_the_line_names_is_there() {
    let server = Server::ephemeral();
    for name in ["ca", "state"] {
        assert!(Path::new(server.ready[name].as_str().unwrap()).exists(), "{name}");
    }
    let base = server.ready["http"].as_str().unwrap();
    let https = server.ready["https"].as_str().unwrap();
    for (surface, facts) in server.ready["surfaces"].as_object().unwrap() {
        for (name, url) in facts.as_object().unwrap() {
            let Some(path) = url.as_str().and_then(|url| url.strip_prefix(base)) else { continue };
            if name == "issuer" {
                let path = format!("{path}/.well-known/openid-configuration");
                assert_eq!(
                    server.ask("GET", &path, &[], b"").member("issuer"),
                    url.as_str().unwrap()
                );
                continue;
            }
            let method = match &**name {
                "jwks_uri" | "authorization_endpoint" => "GET",
                _ => "POST",
            };
            let answer = server.ask(method, path, &[], b"");
            assert!(!matches!(answer.status, 404 | 405), "{surface} {name}: {}", answer.status);
        }
        // What is on https is told by its metadata.
        if let Some(discovery) = facts["discovery"].as_str() {
            let issuer = facts["issuer"].as_str().unwrap();
            assert!(issuer.starts_with(https) && discovery.starts_with(issuer), "{surface}");
            for client in ["client", "client2"] {
                let paths = ["certificate", "certificate_key"].map(|n| facts[client][n].as_str());
                assert_eq!(paths.iter().all(Option::is_some), surface.starts_with("fapi2"));
                for path in paths.into_iter().flatten() {
                    assert!(Path::new(path).starts_with(&server.state), "{path}");
                    assert!(Path::new(path).exists(), "{path}");
                }
            }
            continue;
        }
        let credentials = |who: &str| {
            let of = |name: &str| facts[who][name].as_str().unwrap().to_owned();
            format!("{}:{}", of("client_id"), of("client_secret"))
        };
        let path = facts["introspection_endpoint"].as_str().unwrap().strip_prefix(base).unwrap();
        server.form(path, &credentials("resource_server"), "token=x").expect(200);
        let path = facts["token_endpoint"].as_str().unwrap().strip_prefix(base).unwrap();
        let answer = server.form(path, &credentials("client"), "grant_type=x").expect(400);
        assert_eq!(answer.member("error"), "unsupported_grant_type", "{surface}");
    }
}
