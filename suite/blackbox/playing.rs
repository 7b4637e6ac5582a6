//! `flow` and `token` on the surfaces that metadata describes: every way to authenticate and to bind.

use serde_json::Value;

use crate::cli::{ends, run};
use crate::server::Server;

fn play(server: &Server, line: &[&str]) -> std::process::Output {
    let state = server.state.display().to_string();
    run(&[line, &["--state", &state]].concat())
}

/// Name and status of each step.
fn steps(printed: &str) -> Vec<(String, Option<u16>)> {
    let step = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let name = words.next().unwrap().to_owned();
        // The status stands before the time.
        let words: Vec<&str> = words.collect();
        let at = words.windows(3).find(|three| three[2] == "ms").map(|three| three[0]);
        (name, at.map(|status| status.parse().unwrap()))
    };
    printed.lines().map(step).collect()
}

type Step = (&'static str, Option<u16>);

/// What a flow does whose tokens are bound.
fn bound(pushed: bool, nonce: bool) -> Vec<Step> {
    let mut all = vec![("metadata", Some(200)), ("keys", Some(200))];
    all.extend(nonce.then_some(("nonce", Some(400))));
    all.extend(pushed.then_some(("par", Some(201))));
    all.extend([
        ("authorize", None),
        ("consent", None),
        ("answer", None),
        ("token", Some(200)),
        ("id_token", None),
        ("userinfo", Some(200)),
        ("resource", Some(200)),
        ("resource", Some(401)),
        ("refresh", Some(200)),
        ("introspect", Some(200)),
        ("revoke", Some(200)),
        ("resource", Some(401)),
        ("introspect", Some(200)),
    ]);
    all
}

/// And one whose tokens are not.
fn unbound() -> Vec<Step> {
    let mut all = bound(false, false);
    all.retain({
        let mut refusals = 0;
        move |step| {
            refusals += usize::from(*step == ("resource", Some(401)));
            // Nobody else is refused a token that is bound to nobody.
            *step != ("resource", Some(401)) || refusals == 2
        }
    });
    all
}

#[test]
fn a_flow_is_played_whole_in_every_manner_of_every_surface() {
    let server = Server::start();
    for (line, wanted, said) in [
        (
            &["standard"][..],
            unbound(),
            &["client_secret_basic", "RS256", "a new refresh token"][..],
        ),
        (
            &["standard", "--auth", "secret", "--sender", "dpop"],
            bound(false, false),
            &["client_secret_post, DPoP", "by jkt"],
        ),
        (&["fapi2"], bound(true, true), &["private_key_jwt, DPoP", "by jkt", "none rotates"]),
        (
            &["fapi2", "--sender", "mtls"],
            bound(true, false),
            &["private_key_jwt, mTLS", "by x5t#S256"],
        ),
        (&["fapi2", "--auth", "mtls"], bound(true, true), &["tls_client_auth, DPoP", "by jkt"]),
        (
            &["fapi2", "--auth", "mtls", "--sender", "mtls"],
            bound(true, false),
            &["tls_client_auth, mTLS", "by x5t#S256"],
        ),
        (
            &["fapi2-ms"],
            bound(true, true),
            &[
                "a signed request object",
                "JARM, signed with ES256",
                "active, bound by jkt, signed with ES256",
            ],
        ),
        (
            &["fapi2-ms", "--auth", "mtls", "--sender", "mtls"],
            bound(true, false),
            &["JARM", "bound by x5t#S256, signed"],
        ),
    ] {
        let line = [&["flow"], line, &["--headless"]].concat();
        let printed = ends(&play(&server, &line), 0);
        let found = steps(&printed);
        let found: Vec<(&str, Option<u16>)> = found.iter().map(|(n, s)| (&**n, *s)).collect();
        assert_eq!(found, wanted, "{line:?}:\n{printed}");
        for text in said {
            assert!(printed.contains(text), "{text}: {printed}");
        }
    }
    let printed = ends(&play(&server, &["flow", "fapi2", "--headless", "--scope", "accounts"]), 0);
    assert!(!printed.contains("id_token") && !printed.contains("userinfo"), "no openid, no login");
}

#[test]
fn what_is_printed_for_pasting_works_as_far_as_it_goes() {
    let server = Server::start();
    let paste = |line: &[&str]| {
        let line = [&["flow"], line, &["--curl"]].concat();
        let commands = ends(&play(&server, &line), 0);
        let pasted = std::process::Command::new("bash").args(["-eu", "-c", &commands]).output();
        (ends(&pasted.unwrap(), 0), commands)
    };
    for line in [
        &["standard"][..],
        &["standard", "--auth", "secret"],
        &["fapi2", "--sender", "mtls"],
        &["fapi2", "--auth", "mtls", "--sender", "mtls"],
        &["fapi2-ms", "--sender", "mtls"],
        &["fapi2-ms", "--auth", "mtls", "--sender", "mtls"],
    ] {
        let (said, _) = paste(line);
        assert!(!said.contains("\"error\""), "{line:?}: {said}");
        assert_eq!(said.matches("\"access_token\"").count(), 2, "{line:?}: {said}");
        assert!(
            said.contains("\"active\":true") && said.ends_with("401\n{\"active\":false}\n"),
            "{said}"
        );
    }
    for line in [&["standard", "--sender", "dpop"][..], &["fapi2"], &["fapi2-ms", "--auth", "mtls"]]
    {
        let (said, commands) = paste(line);
        assert!(said.starts_with("code ac_") && said.lines().count() == 1, "{line:?}: {said}");
        for words in ["a proof in the header DPoP", "Authorization: DPoP", "code_verifier="] {
            assert!(commands.contains(words), "{words}: {commands}");
        }
    }
}

#[test]
fn a_token_in_the_clients_own_name() {
    let server = Server::start();
    for (line, kind) in [
        (&["standard"][..], "Bearer"),
        (&["standard", "--auth", "secret", "--scope", "email"], "Bearer"),
        (&["fapi2"], "DPoP"),
        (&["fapi2", "--auth", "mtls", "--scope", "accounts payments"], "DPoP"),
        (&["fapi2-ms", "--sender", "mtls"], "Bearer"),
        (&["fapi2-ms", "--auth", "mtls", "--sender", "mtls"], "Bearer"),
    ] {
        let told = ends(&play(&server, &[&["token"], line, &["--json"]].concat()), 0);
        let answer: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(answer["token_type"], kind, "{line:?}");
        let token = ends(&play(&server, &[&["token"], line, &["--quiet"]].concat()), 0);
        assert!(token.starts_with("at_") && token.lines().count() == 1, "{token}");
    }
    // The key that it is bound to is the client's own, so whoever has the set can use it.
    let shown = play(&server, &["token", "fapi2"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("client-es256"));
    let token = ends(&play(&server, &["token", "fapi2", "--quiet"]), 0);
    crate::fapi::opens_the_resource(&server, token.trim());
}

#[test]
fn what_a_surface_cannot_do_is_said_before_anything_is_sent() {
    let server = Server::shared();
    for (line, told) in [
        (&["flow", "fapi2", "--auth", "basic"][..], "--auth jwt or mtls"),
        (&["flow", "standard", "--auth", "jwt"], "--auth basic or secret"),
        (&["flow", "standard", "--sender", "mtls"], "--sender dpop"),
        (&["flow", "mx", "--sender", "dpop"], "standard, fapi2 and fapi2-ms"),
        (&["flow", "worldline", "--auth", "jwt"], "standard, fapi2 and fapi2-ms"),
        (&["token", "mx", "--sender", "mtls"], "standard, fapi2 and fapi2-ms"),
        (&["token", "worldline", "--auth", "mtls"], "fapi2 and fapi2-ms"),
        (&["token", "standard", "--sender", "dpop"], "no key of its own"),
    ] {
        let found = ends(&play(&server, line), 2);
        assert!(found.contains(told), "{line:?}: {found}");
    }
    for surface in ["fapi2", "fapi2-ms"] {
        let line = ["flow", surface, "--headless", "--user", "demo-denied"];
        let told = ends(&play(&server, &line), 1);
        assert!(told.contains("access_denied"), "{told}");
        let told = ends(&play(&server, &["token", surface, "--scope", "everything"]), 1);
        assert!(told.contains("invalid_scope") && told.contains("reference"), "{told}");
    }
}
