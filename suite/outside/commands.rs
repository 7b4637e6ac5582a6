//! The commands: what they print, where, and with which exit code.

use std::path::Path;

use crate::server::{Server, run};
use crate::wire::post;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ok(folder: &Path, arguments: &[&str]) -> String {
    let done = run(folder, arguments);
    assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
    text(&done.stdout)
}

/// The exit code and what was said.
fn refused(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let done = run(folder, arguments);
    assert!(done.stdout.is_empty(), "data only on success: {}", text(&done.stdout));
    (done.status.code().unwrap(), text(&done.stderr))
}

#[test]
fn the_line_for_test_suites_keeps_its_shape() {
    let server = Server::ephemeral();
    let mut shape = vec![];
    walk("", &server.ready, &mut shape);
    let golden = include_str!("../golden/sandbox.txt");
    assert_eq!(shape.join("\n"), golden.trim_end());
    assert_eq!(server.ready["surfaces"]["worldline"]["client"]["client_id"], "Worldline-000021");
    for path in ["ca", "state"] {
        assert!(Path::new(server.ready[path].as_str().unwrap()).exists(), "{path}");
    }
    let client = &server.ready["surfaces"]["worldline"]["client"];
    for path in ["private_key", "certificate"] {
        assert!(Path::new(client[path].as_str().unwrap()).exists(), "{path}");
    }
    assert_eq!(client["kid"].as_str().unwrap().len(), 40);
}

fn walk(at: &str, value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                walk(&format!("{at}.{name}"), value, out);
            }
        }
        serde_json::Value::Array(_) => out.push(format!("{at}: array")),
        serde_json::Value::String(_) => out.push(format!("{at}: string")),
        other => out.push(format!("{at}: {other}")),
    }
}

#[test]
fn every_flow_of_the_command_line_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join(".counterfoil");
    let _server = Server::start(&["--state", state.to_str().unwrap()]);
    for surface in ["mx", "fintecture", "worldline"] {
        let said = ok(folder.path(), &["flow", surface, "--headless"]);
        assert!(said.lines().count() >= 6, "{said}");
    }
    for auth in ["secret", "basic", "jwt"] {
        let token = ok(folder.path(), &["token", "worldline", "--auth", auth, "--quiet"]);
        assert!(token.starts_with("ey"), "{token}");
    }
    let token = ok(folder.path(), &["token", "mx", "--user", "bob", "--json"]);
    assert!(token.contains("\"id_token\""), "{token}");
    let (code, said) = refused(folder.path(), &["token", "worldline", "--scope", "VOP IDEAL"]);
    assert_eq!(code, 1);
    assert!(said.contains("Invalid scopes: VOP IDEAL"), "{said}");

    // The reference that was printed is explained, with what was sent and what is allowed.
    let reference = said.trim().rsplit(' ').next().unwrap().to_owned();
    let explained = (0..200).map(|_| run(folder.path(), &["explain", &reference]));
    let explained = explained.into_iter().find(|done| done.status.success()).unwrap();
    let explained = text(&explained.stdout);
    for part in ["E2031", "VOP IDEAL", "VOP WERO", "Worldline-000021"] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    let clients = ok(folder.path(), &["client", "list", "--json"]);
    assert!(clients.contains("\"client_id\":\"finapp\""), "{clients}");
    assert!(ok(folder.path(), &["client", "show", "mxrecipient"]).contains("client_secret_basic"));
    let (code, said) = refused(folder.path(), &["client", "show", "mxrecipent"]);
    assert!(code == 1 && said.contains("did you mean \"mxrecipient\""), "{said}");
}

#[test]
fn pasted_commands_work() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join(".counterfoil");
    let _server = Server::start(&["--state", state.to_str().unwrap()]);
    for surface in ["mx", "fintecture", "worldline"] {
        let commands = ok(folder.path(), &["flow", surface, "--curl"]);
        let pasted = std::process::Command::new("bash")
            .args(["-eu", "-c", &commands])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = text(&pasted.stdout);
        assert!(pasted.status.success(), "{surface}: {said} {}", text(&pasted.stderr));
        assert!(said.contains("access_token") && !said.contains("\"error\""), "{surface}: {said}");
    }
}

#[test]
fn commands_that_need_no_server_need_none() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    assert!(ok(here, &["version"]).starts_with("counterfoil "));
    assert!(ok(here, &["explain", "e2031"]).starts_with("# E2031"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(ok(here, &["completion", shell]).contains("counterfoil"));
    }
    assert!(ok(here, &["man"]).contains(".TH"));
    ok(here, &["man", "--out", "pages"]);
    assert!(here.join("pages/counterfoil-sandbox.1").exists());
    assert_eq!(refused(here, &["explain", "E9999"]).0, 1);
    assert_eq!(refused(here, &["frobnicate"]).0, 2);
    assert_eq!(refused(here, &["token", "mx"]).0, 4);
    assert_eq!(refused(here, &["sandbox", "--listen", "0.0.0.0:0"]).0, 2);
}

#[test]
fn configuration_is_checked_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let file = here.join("counterfoil.toml");
    let good = "issuer = \"https://auth.bank.example\"\n[listen]\nplain = \"127.0.0.1:0\"\n";
    std::fs::write(&file, good).unwrap();
    std::fs::create_dir(here.join("resources")).unwrap();
    assert!(ok(here, &["config", "check"]).starts_with("ok"));
    let shown = ok(here, &["config", "show", "--origin"]);
    assert!(shown.contains("counterfoil.toml:1") && shown.contains("default"), "{shown}");

    std::fs::write(&file, good.replace("[listen]", "[lisen]")).unwrap();
    let (code, said) = refused(here, &["config", "check"]);
    assert_eq!(code, 3);
    assert!(
        said.contains("counterfoil.toml:2:") && said.contains("did you mean \"listen\""),
        "{said}"
    );
    std::fs::write(&file, good).unwrap();
    for (resource, reason) in [
        ("[[tenant]]\nid = \"default\"\nsurfaces = [\"mxx\"]\n", "did you mean \"mx\""),
        ("[[client]]\nid = \"a\"\nsurfase = \"mx\"\n", "did you mean \"surface\""),
        ("[[client]]\n", "missing field"),
        ("[[tenant]]\nid = \"default\"\nsurfaces = [\"worldline\"]\n", "needs mount = \"realm\""),
    ] {
        std::fs::write(here.join("resources/a.toml"), resource).unwrap();
        let (code, said) = refused(here, &["config", "check"]);
        assert!(code == 3 && said.contains(reason), "{resource}: {said}");
        assert_eq!(refused(here, &["serve"]).0, 3, "{resource}");
    }
}

#[test]
fn an_answer_can_be_looked_up_by_its_request_id() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join(".counterfoil");
    let server = Server::start(&["--state", state.to_str().unwrap()]);
    let answer = post(&server.address(), "/oauth/accesstoken", "grant_type=client_credentials");
    let id = answer.header("x-request-id").unwrap();
    assert!(answer.body.contains(id), "log_id is the request id: {answer:?}");
    let found = (0..200).map(|_| run(folder.path(), &["explain", id])).find(|d| d.status.success());
    assert!(text(&found.unwrap().stdout).contains("E1101"));
}
