//! Metadata and key sets against the files in `golden/`, and that nothing is advertised that is refused.

use std::path::Path;

use counterfoil_engine::policy::PushedRequests;
use counterfoil_engine::response_mode::ResponseMode;
use counterfoil_engine::tenant::Switches;
use counterfoil_web::surfaces::{self, ALL, Surface};
use serde_json::Value;

use crate::browser::{App, FIN};
use crate::wire::{Answer, Ask};
use crate::world::{BASE, World};

/// The tenant that has just this surface bears its name, or is the realm of the sandbox.
fn base(surface: &dyn Surface) -> String {
    if surface.in_realms() {
        "/auth/realms/sandbox".into()
    } else {
        format!("/o/{}", surface.name())
    }
}

/// A file of `golden/`. `GOLDEN=write` renews it, for a change that was meant.
#[expect(clippy::disallowed_methods, reason = "a developer asks for new files")]
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var("GOLDEN").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "{name}: if the change was meant, GOLDEN=write");
}

/// Members on lines of their own, in the order of the wire.
fn laid_out(compact: &str) -> String {
    let (mut out, mut depth, mut quoted) = (String::new(), 0, false);
    let mut last = ' ';
    for c in compact.chars() {
        quoted ^= c == '"' && last != '\\';
        last = c;
        let newline = |depth: usize| format!("\n{}", "  ".repeat(depth));
        match c {
            '{' | '[' if !quoted => {
                depth += 1;
                out.push(c);
                out.push_str(&newline(depth));
            }
            '}' | ']' if !quoted => {
                depth -= 1;
                if out.trim_end().ends_with(['{', '[']) {
                    out.truncate(out.trim_end().len());
                } else {
                    out.push_str(&newline(depth));
                }
                out.push(c);
            }
            ',' if !quoted => {
                out.push(c);
                out.push_str(&newline(depth));
            }
            ':' if !quoted => out.push_str(": "),
            c => out.push(c),
        }
    }
    out.push('\n');
    out
}

fn metadata(world: &World, base: &str) -> Answer {
    world.send(Ask::get(&format!("{base}/.well-known/openid-configuration"))).expect(200)
}

#[test]
fn metadata_of_every_surface_is_its_golden_file() {
    let world = World::new();
    for surface in ALL {
        let base = base(*surface);
        let answer = metadata(&world, &base);
        golden(&format!("discovery-{}.json", surface.name()), &laid_out(answer.text()));
        let other = format!("{base}/.well-known/oauth-authorization-server");
        assert_eq!(world.send(Ask::get(&other)).expect(200).body, answer.body);
    }
}

#[test]
fn the_key_set_of_a_tenant_is_its_golden_file() {
    let world = World::new();
    let sets = ["/jwks", "/o/mx/jwks", "/auth/realms/sandbox/protocol/openid-connect/certs"];
    for path in sets {
        golden("jwks.json", &laid_out(world.send(Ask::get(path)).expect(200).text()));
    }
}

#[test]
fn everything_that_is_advertised_is_served() {
    let world = World::new();
    for surface in ALL {
        let (name, base) = (surface.name(), base(*surface));
        let json = metadata(&world, &base).json();
        let members = json.as_object().unwrap();
        let urls = members
            .iter()
            .filter(|(member, _)| member.ends_with("_endpoint") || *member == "jwks_uri");
        for (member, url) in urls {
            let path = url.as_str().unwrap().strip_prefix(BASE).unwrap();
            let get = matches!(&**member, "jwks_uri" | "authorization_endpoint");
            let asked = world.send(if get { Ask::get(path) } else { Ask::post(path, "") });
            assert!(!matches!(asked.status, 404 | 405), "{name}: {member} {path}");
        }
        assert_eq!(json["issuer"], format!("{BASE}{base}"));
        // What does not exist is not there.
        let rules = surface.policy(&Switches::default()).authorization;
        let pushed = json.get("pushed_authorization_request_endpoint");
        assert_eq!(pushed.is_some(), rules.pushed != PushedRequests::Never, "{name}");
        assert_eq!(json["request_uri_parameter_supported"], false);
    }
}

#[test]
fn every_grant_type_that_is_advertised_is_known_and_no_other() {
    let world = World::new();
    let all = [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ];
    let clients = [
        ("mx", "", &["/oauth2/v4/token"][..], "mxrecipient:mxsecret"),
        ("fintecture", "", &["/oauth/accesstoken", "/oauth/refreshtoken"], "finapp:finsecret"),
        (
            "worldline",
            "/auth/realms/sandbox",
            &["/protocol/openid-connect/token"],
            "Worldline-000021:password123",
        ),
        ("standard", "/o/standard", &["/token"], "openidapp:openidsecret"),
    ];
    for (name, base, paths, credentials) in clients {
        let json = metadata(&world, &self::base(surfaces::named(name).unwrap())).json();
        let advertised = |grant: &str| {
            json["grant_types_supported"].as_array().unwrap().iter().any(|known| known == grant)
        };
        let (id, secret) = credentials.split_once(':').unwrap();
        for grant in all {
            let known = paths.iter().any(|path| {
                let ask = Ask::form(&format!("{base}{path}"), &[("grant_type", grant)]);
                let answer = world.send(ask.basic(id, secret));
                answer.member("error") != "unsupported_grant_type"
            });
            assert_eq!(known, advertised(grant), "{name}: {grant}");
        }
    }
}

#[test]
fn every_response_mode_that_is_advertised_is_known() {
    for surface in ALL {
        for mode in surface.policy(&Switches::default()).authorization.response_modes {
            assert_eq!(ResponseMode::parse(mode.as_str()), Some(*mode), "{}", surface.name());
        }
    }
}

#[test]
fn every_way_of_authentication_that_is_advertised_is_taken_and_no_other() {
    let world = World::new();
    let ways = |app: &App, path: &str| {
        let form = [("grant_type", "client_credentials"), ("scope", "PIS")];
        let basic = world.send(Ask::form(path, &form).basic(app.id, app.secret));
        let secret = [("client_id", app.id), ("client_secret", app.secret)];
        let body = world.send(Ask::form(path, &[&form[..], &secret].concat()));
        [basic, body]
            .map(|answer| answer.status == 200 || answer.member("error") != "invalid_client")
    };
    let names = |base: &str| {
        let json = metadata(&world, base).json();
        ["client_secret_basic", "client_secret_post"].map(|way| {
            let all = json["token_endpoint_auth_methods_supported"].as_array().unwrap();
            all.contains(&Value::from(way))
        })
    };
    assert_eq!(ways(&FIN, "/oauth/accesstoken"), names("/o/fintecture"));
    assert_eq!(ways(&crate::browser::MX, "/oauth2/v4/token"), names("/o/mx"));
}

#[test]
fn a_golden_file_is_the_same_json_with_line_breaks() {
    let compact = r#"{"a":["x:y","\"{"],"b":{"c":1},"d":[]}"#;
    let laid_out = laid_out(compact);
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(value(&laid_out), value(compact));
    assert!(laid_out.starts_with("{\n  \"a\": [\n    \"x:y\",\n"));
}
