//! The command line: what each command prints, and how it ends.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::server::{FIN, Server, counterfoil, ended, lines};
use crate::wire::Wire;

pub(crate) fn run_in(folder: &Path, line: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = counterfoil();
    command.args(line).current_dir(folder).envs(environment.iter().copied());
    // The one variable of ours that is meant for tests is not one of the server's.
    command.output().unwrap()
}

pub(crate) fn run(line: &[&str]) -> Output {
    run_in(&std::env::temp_dir(), line, &[])
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Fails unless the command ended like this; returns what it printed, or what it complained of.
pub(crate) fn ends(output: &Output, code: i32) -> String {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    assert!(!err.contains("panicked"), "{err}");
    if code == 0 { out } else { err }
}

#[test]
fn version_completion_and_manual() {
    let version = ends(&run(&["version"]), 0);
    assert_eq!(version, format!("counterfoil {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(ends(&run(&["--version"]), 0), version);
    for (shell, word) in [("bash", "complete"), ("zsh", "#compdef"), ("fish", "complete -c")] {
        let script = ends(&run(&["completion", shell]), 0);
        assert!(script.contains(word) && script.contains("sandbox"), "{shell}");
    }
    ends(&run(&["completion", "tcsh"]), 2);
    let page = ends(&run(&["man"]), 0);
    assert!(page.contains(".TH counterfoil"));
    assert!(ends(&run(&["man", "sandbox"]), 0).contains("\\-\\-ephemeral"));
    assert!(ends(&run(&["man", "sandbx"]), 2).contains("no command \"sandbx\""));
    let folder = tempfile::tempdir().unwrap();
    ends(&run_in(folder.path(), &["man", "--out", "pages"], &[]), 0);
    let pages = std::fs::read_dir(folder.path().join("pages")).unwrap().count();
    assert!(pages >= 10, "{pages} pages");
}

#[test]
fn a_command_line_that_makes_no_sense_is_2() {
    for line in [
        &[][..],
        &["sandbx"],
        &["sandbox", "--listen", "nowhere"],
        &["sandbox", "--state", "x", "--ephemeral"],
        &["token"],
        &["token", "nobody"],
        &["token", "mx", "--json", "--quiet"],
        &["client"],
        &["config", "chek"],
        &["explain"],
        &["serve", "--port", "1"],
    ] {
        let told = ends(&run(line), 2);
        assert!(told.contains("--help") || told.contains("Usage"), "{line:?}: {told}");
    }
    let told = ends(&run(&["sandbox", "--ephemeral", "--listen", "0.0.0.0:0"]), 2);
    assert!(told.contains("--i-know-this-is-insecure"), "{told}");
}

#[test]
fn an_address_that_is_taken_is_1_with_advice() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = ends(
        &run(&[
            "sandbox",
            "--ephemeral",
            "--listen",
            &address,
            "--tls-listen",
            "127.0.0.1:0",
            "--mtls-listen",
            "127.0.0.1:0",
        ]),
        1,
    );
    assert!(told.contains(&address) && told.contains("choose another port"), "{told}");
}

#[test]
fn explain_knows_every_code_and_the_nearest_one() {
    let page = ends(&run(&["explain", "E2031"]), 0);
    assert!(page.starts_with("# E2031 scope not allowed for this client"), "{page}");
    assert_eq!(ends(&run(&["explain", "e2031"]), 0), page);
    for refusal in counterfoil_protocol::refusal_code::ALL {
        let stable = refusal.stable();
        let page = ends(&run(&["explain", stable.code]), 0);
        assert!(page.starts_with(&format!("# {} {}", stable.code, stable.title)));
    }
    assert!(ends(&run(&["explain", "E2039"]), 1).contains("no code E2039"));
    let told = ends(&run(&["explain", "7H2K-9QXD", "--state", "nowhere"]), 1);
    assert!(told.contains("no request \"7H2K-9QXD\""), "{told}");
}

#[test]
fn explain_says_why_a_request_was_refused() {
    let server = Server::start();
    let body = "grant_type=client_credentials&scope=everything";
    let answer = server.form("/oauth/accesstoken", FIN, body).expect(401);
    let id = answer.header("x-request-id").unwrap();
    let state = server.state.display().to_string();
    // The journal is written behind the answer: ask until it is there.
    let found = (0..200).find_map(|_| {
        let output = run(&["explain", id, "--state", &state]);
        output.status.success().then(|| stdout(&output))
    });
    let found = found.unwrap();
    for wanted in [
        "E2031",
        "POST /oauth/accesstoken",
        "401",
        "finapp",
        "everything",
        "More: counterfoil explain E2031",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
    assert!(!found.contains("finsecret"));
    let reference = found.lines().find(|line| line.trim_start().starts_with("reference")).unwrap();
    let reference = reference.split_whitespace().nth(1).unwrap();
    let same = ends(&run(&["explain", reference, "--state", &state]), 0);
    assert_eq!(same, found);
}

#[test]
fn clients_can_be_listed_while_the_server_runs() {
    let server = Server::start();
    let store = server.state.join("store.db").display().to_string();
    let json = ends(&run(&["client", "list", "--json", "--store", &store]), 0);
    let all: Vec<Value> = serde_json::from_str(&json).unwrap();
    let ids: Vec<&str> = all.iter().map(|client| client["client_id"].as_str().unwrap()).collect();
    for id in ["finapp", "mxrecipient", "Worldline-000021", "mxresource", "redirects"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    let table = ends(&run(&["client", "list", "--store", &store]), 0);
    assert_eq!(table.lines().count(), all.len() + 1);
    let one = ends(&run(&["client", "show", "finapp", "--json", "--store", &store]), 0);
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["surface"], "fintecture");
    assert_eq!(one["managed_by"], "sandbox.toml");
    assert_eq!(one["secrets"], 1);
    assert_eq!(Some(&one), all.iter().find(|client| client["client_id"] == "finapp"));
    let text = ends(&run(&["client", "show", "finapp", "--store", &store]), 0);
    assert!(text.contains("client_secret_basic") && !text.contains("finsecret"));
    let told = ends(&run(&["client", "show", "finap", "--store", &store]), 1);
    assert!(told.contains("did you mean \"finapp\"?"), "{told}");
    ends(&run(&["client", "list", "--store", "nowhere/store.db"]), 4);
}

#[test]
fn the_commands_that_play_the_client_play_it_well() {
    let server = Server::start();
    let state = server.state.display().to_string();
    for (surface, more) in [
        ("fintecture", &["--auth", "secret"][..]),
        ("fintecture", &["--auth", "basic", "--scope", "OAC"]),
        ("mx", &[]),
        ("mx", &["--user", "bob"]),
        ("worldline", &["--auth", "jwt"]),
        ("worldline", &["--auth", "basic"]),
    ] {
        let line = [&["token", surface, "--quiet", "--state", &state], more].concat();
        let token = ends(&run(&line), 0);
        assert_eq!(token.lines().count(), 1, "{surface}");
        if surface != "worldline" {
            assert!(server.is_active(token.trim()), "{surface}");
        }
        let line = [&["token", surface, "--json", "--state", &state], more].concat();
        let answer: Value = serde_json::from_str(&ends(&run(&line), 0)).unwrap();
        assert_eq!(answer["token_type"], "Bearer");
    }
    for surface in ["fintecture", "mx", "worldline"] {
        ends(&run(&["flow", surface, "--headless", "--state", &state]), 0);
        // What it prints for pasting works when pasted.
        let commands = ends(&run(&["flow", surface, "--curl", "--state", &state]), 0);
        let pasted = std::process::Command::new("bash").args(["-eu", "-c", &commands]).output();
        let said = ends(&pasted.unwrap(), 0);
        assert!(said.contains("access_token") && !said.contains("\"error\""), "{said}");
    }
    let told = ends(&run(&["token", "fintecture", "--scope", "everything", "--state", &state]), 1);
    assert!(told.contains("invalid_scope") && told.contains("reference"), "{told}");
    let told = ends(&run(&["token", "mx", "--user", "demo-denied", "--state", &state]), 1);
    assert!(told.contains("access_denied"), "{told}");
    ends(&run(&["token", "mx", "--auth", "jwt", "--state", &state]), 2);
    let told = ends(&run(&["token", "mx", "--state", "nowhere"]), 4);
    assert!(told.contains("counterfoil sandbox"), "{told}");
}

/// A configuration that is good, with what it names.
fn configured() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counterfoil.toml");
    std::fs::write(&path, CONFIG).unwrap();
    std::fs::create_dir(folder.path().join("resources")).unwrap();
    std::fs::write(folder.path().join("resources/bank.toml"), BANK).unwrap();
    (folder, path)
}

const CONFIG: &str = r#"issuer = "http://localhost:8080"
audit = "tokens"

[listen]
plain = "127.0.0.1:0"
"#;

const BANK: &str = r#"[[tenant]]
id = "default"
surfaces = ["mx", "fintecture"]

[[client]]
id = "app"
surface = "fintecture"
auth = { method = "client_secret_basic", secret_file = "app.secret" }
scopes = ["PIS"]

[[user]]
login = "ada"
"#;

#[test]
fn config_check_finds_what_is_wrong_and_says_where() {
    let (folder, path) = configured();
    std::fs::write(folder.path().join("resources/app.secret"), "hunter2\n").unwrap();
    let check = || run_in(folder.path(), &["config", "check"], &[]);
    assert_eq!(ends(&check(), 0), "ok: 1 tenants, 1 clients, 1 users\n");
    let bank = folder.path().join("resources/bank.toml");
    for (file, text, told) in [
        (
            &path,
            CONFIG.replace("issuer", "isuer"),
            "counterfoil.toml:1:1: unknown key \"isuer\", did you mean \"issuer\"?",
        ),
        (
            &path,
            CONFIG.replace("plain", "plane"),
            "counterfoil.toml:5:1: unknown key \"plane\", did you mean \"plain\"?",
        ),
        (&path, CONFIG.replace("8080\"", "8080/\""), "must not end with a slash"),
        (&path, CONFIG.replace("tokens", "all"), "one of: changes, tokens, every-token"),
        (&path, CONFIG.replace("\"127.0.0.1:0\"", "8080"), "counterfoil.toml:5:9:"),
        (&path, CONFIG.replace("[listen]", "[listen"), "counterfoil.toml:"),
        (
            &bank,
            BANK.replace("surfaces", "surface"),
            "bank.toml:3:1: unknown key \"surface\", did you mean \"surfaces\"?",
        ),
        (
            &bank,
            BANK.replace("[\"mx\", \"fintecture\"]", "[\"mx\", \"fintectre\"]"),
            "did you mean \"fintecture\"?",
        ),
        (
            &bank,
            BANK.replace("client_secret_basic", "client_secret_basik"),
            "did you mean \"client_secret_basic\"?",
        ),
        (&bank, BANK.replace("app.secret", "no.secret"), "no.secret"),
        (
            &bank,
            BANK.replace("[[user]]", "[[user]]\nlogin = \"ada\"\n[[user]]"),
            "user \"ada\" is defined twice",
        ),
        (&bank, format!("{BANK}password_hash = \"demo\"\n"), "no argon2id hash"),
    ] {
        let before = std::fs::read_to_string(file).unwrap();
        std::fs::write(file, text).unwrap();
        let found = ends(&check(), 3);
        assert!(found.contains(told), "{told}: {found}");
        std::fs::write(file, before).unwrap();
    }
    ends(&check(), 0);
    // What says nothing else is FAPI 2.0, and a secret is no way to authenticate there.
    let before = std::fs::read_to_string(&bank).unwrap();
    let silent = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("surface"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    std::fs::write(&bank, silent(BANK)).unwrap();
    let found = ends(&check(), 3);
    assert!(found.contains("private_key_jwt, tls_client_auth"), "{found}");
    std::fs::write(&bank, before).unwrap();
    let told = ends(&run_in(folder.path(), &["config", "check"], &[("COUNTERFOIL_ISUER", "x")]), 3);
    assert!(told.contains("did you mean COUNTERFOIL_ISSUER?"), "{told}");
    ends(&run_in(folder.path(), &["config", "check", "--config", "nowhere.toml"], &[]), 3);
    assert!(!folder.path().join(".counterfoil").exists(), "a check left something behind");
}

#[test]
fn config_show_tells_every_value_and_where_it_is_from() {
    let (folder, _) = configured();
    let variable = [("COUNTERFOIL_AUDIT", "changes")];
    let shown = ends(&run_in(folder.path(), &["config", "show", "--origin"], &variable), 0);
    let line = |key: &str| {
        let found = shown.lines().find(|line| line.starts_with(key));
        found.unwrap_or_else(|| panic!("{key}: {shown}")).to_owned()
    };
    assert!(line("issuer").ends_with("counterfoil.toml:1"));
    assert!(line("listen.plain").ends_with("counterfoil.toml:5"));
    assert!(line("audit").ends_with("variable COUNTERFOIL_AUDIT"));
    assert!(line("state").ends_with("default"));
    let json = ends(&run_in(folder.path(), &["config", "show", "--json"], &variable), 0);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["audit"]["value"], "changes");
    assert_eq!(json["issuer"]["value"], "http://localhost:8080");
    std::fs::create_dir(folder.path().join("counterfoil.d")).unwrap();
    std::fs::write(folder.path().join("counterfoil.d/10.toml"), "audit = \"every-token\"\n")
        .unwrap();
    let shown = ends(&run_in(folder.path(), &["config", "show", "--origin"], &[]), 0);
    assert!(shown.contains("every-token") && shown.contains("10.toml:1"), "{shown}");
}

#[test]
fn serve_serves_what_its_files_say() {
    let (folder, _) = configured();
    std::fs::write(folder.path().join("resources/app.secret"), "hunter2\n").unwrap();
    let mut command = counterfoil();
    command.arg("serve").current_dir(folder.path()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let told = lines(child.stderr.take().unwrap());
    let patience = std::time::Duration::from_secs(30);
    let ready = loop {
        let line = told.recv_timeout(patience).unwrap();
        if line.starts_with("ready in ") {
            break line;
        }
    };
    let all = ready.split("listening on ").nth(1).unwrap();
    let address = all.split(", ").next().unwrap();
    let ask = |credentials: &str| {
        let (id, secret) = credentials.split_once(':').unwrap();
        let basic = crate::wire::basic(id, secret);
        let headers = [("authorization", &*basic), ("content-type", crate::server::FORM)];
        let body = b"grant_type=client_credentials&scope=PIS";
        let mut wire = Wire::connect(address);
        wire.send(&crate::wire::request("POST", "/oauth/accesstoken", &headers, body));
        wire.read().unwrap()
    };
    ask("app:hunter2").expect(200);
    let refused = ask("app:hunter").expect(401);
    // Outside the sandbox nobody is told more than the document says.
    assert!(refused.header("x-counterfoil-reason").is_none());
    let line = format!("kill -TERM {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &line]).status().unwrap().success());
    assert_eq!(ended(child).code(), Some(0));
    // A state folder whose keys others can read is not used.
    let keys = folder.path().join(".counterfoil/keys/handle-keys.toml");
    let line = format!("chmod 644 {}", keys.display());
    assert!(std::process::Command::new("sh").args(["-c", &line]).status().unwrap().success());
    let told = ends(&run_in(folder.path(), &["serve"], &[]), 3);
    assert!(told.contains("chmod 600"), "{told}");
}
