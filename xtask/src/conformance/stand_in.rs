//! A small stand-in for the suite: it has modules that end in every way, and the harness must see
//! which is which.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::judge::Expectations;
use super::progress::{Finished, Prepared, Runner};
use super::suite::Suite;

/// What it was asked: method and path, in order.
type Asked = Arc<Mutex<Vec<String>>>;

/// One module: its name, how it ends and what its log has.
type Module = (&'static str, &'static str, &'static str, Value);

struct StandIn {
    address: String,
    asked: Asked,
}

impl StandIn {
    /// Listens until the test ends.
    fn start(modules: Vec<Module>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Asked::default();
        let (kept, modules) = (asked.clone(), Arc::new(modules));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, modules) = (kept.clone(), modules.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), &asked, &modules));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers what comes on one connection.
fn serve(stream: &TcpStream, asked: &Asked, modules: &[Module]) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            let (name, value) = line.split_once(':').unwrap();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        asked.lock().unwrap().push(format!("{method} {path}"));
        let (status, answer) = answer(method, path, modules);
        let answer = answer.to_string();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", answer.len());
        (&*stream).write_all(format!("{head}{answer}").as_bytes()).unwrap();
    }
}

fn answer(method: &str, path: &str, modules: &[Module]) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: BTreeMap<&str, &str> =
        query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let named = |name: &str| modules.iter().find(|module| module.0 == name).unwrap();
    match (method, parts.as_slice()) {
        ("GET", ["api", "server"]) => (200, json!({"version": "1.2.3"})),
        ("POST", ["api", "plan"]) if query["planName"] == "known" => {
            let list: Vec<Value> = modules
                .iter()
                .map(|module| json!({"testModule": module.0, "variant": {"a": "b"}}))
                .collect();
            (201, json!({"id": "plan", "modules": list}))
        }
        ("POST", ["api", "runner"]) => (201, json!({"id": query["test"]})),
        ("GET", ["api", "runner", name, "wait-state"]) => match named(name).1 {
            "WAITING" => (200, json!({"timeout": true})),
            status => (200, json!({"state": status})),
        },
        ("GET", ["api", "info", name]) => {
            let (_, status, result, _) = named(name);
            let started = "2026-11-25T10:00:00.5Z";
            (200, json!({"status": status, "result": result, "started": started}))
        }
        ("GET", ["api", "log", name]) => (200, named(name).3.clone()),
        ("DELETE", ["api", "runner", _]) => (200, json!({})),
        _ => (404, json!({"error": "no such thing"})),
    }
}

const EXPECTED: &str = r#"
    [[expected]]
    module = "skips"
    result = "SKIPPED"
    reason = "not built"

    [[expected]]
    module = "mended"
    result = "WARNING"
    conditions = ["Recommended"]
    reason = "was so once"
"#;

fn run(suite: &StandIn, folder: PathBuf, parts: &[&str]) -> Result<Vec<Finished>, String> {
    let expected = Expectations::parse(EXPECTED)?;
    let suite = Suite::at(&suite.address)?;
    let runner = Runner {
        suite: &suite,
        expected: &expected,
        logs: folder,
        modules: parts.iter().map(|part| (*part).to_owned()).collect(),
        jobs: 2,
    };
    let prepared = |name: &str, plan: &'static str| Prepared {
        name: name.into(),
        plan,
        variant: json!({"client_registration": "dynamic_client"}),
        configuration: json!({"alias": name}),
    };
    runner.all(vec![prepared("one", "known"), prepared("two", "known"), prepared("three", "known")])
}

fn modules() -> Vec<Module> {
    let warned = json!([{"src": "Recommended", "result": "WARNING"}]);
    let failed = json!([{"src": "Required", "result": "FAILURE"}]);
    vec![
        ("passes", "FINISHED", "PASSED", json!([])),
        ("skips", "FINISHED", "SKIPPED", json!([])),
        ("mended", "FINISHED", "PASSED", json!([])),
        ("pictured", "FINISHED", "REVIEW", json!([{"matched_regexp": "Sign in"}])),
        ("warns", "FINISHED", "WARNING", warned),
        ("fails", "INTERRUPTED", "FAILED", failed),
        ("hangs", "WAITING", "UNKNOWN", json!([])),
    ]
}

#[test]
fn every_end_of_a_module_is_seen_and_told() {
    let suite = StandIn::start(modules());
    let folder = tempfile::tempdir().unwrap();
    let finished = run(&suite, folder.path().to_owned(), &[]).unwrap();
    assert_eq!(finished.iter().map(|run| &*run.name).collect::<Vec<_>>(), ["one", "two", "three"]);
    for run in &finished {
        assert_eq!(
            run.counts(),
            "2 PASSED, 1 REVIEW, 1 SKIPPED, 1 WARNING, 1 FAILED, 1 UNFINISHED"
        );
        assert_eq!(run.day, "2026-11-25");
        assert_eq!(
            run.complaints,
            [
                "mended: PASSED where WARNING is expected; is the entry out of date?",
                "warns: WARNING is not expected: Recommended",
                "fails: FAILED is not expected: Required",
                "hangs: UNFINISHED is not expected",
            ]
        );
    }
    // What did not pass has left its log, and what hangs was stopped.
    let log = std::fs::read_to_string(folder.path().join("two/fails.json")).unwrap();
    assert!(log.contains("Required"));
    assert!(!folder.path().join("two/passes.json").exists());
    let asked = suite.asked();
    let stopped = asked.iter().filter(|line| *line == "DELETE /api/runner/hangs").count();
    assert_eq!(stopped, 3);
    // The module's own variant goes with it.
    let started = "POST /api/runner?test=passes&plan=plan&variant=%7B%22a%22%3A%22b%22%7D";
    assert!(asked.iter().any(|line| line == started), "{asked:?}");
}

#[test]
fn only_the_modules_that_were_asked_for_are_run() {
    let suite = StandIn::start(modules());
    let folder = tempfile::tempdir().unwrap();
    let finished = run(&suite, folder.path().to_owned(), &["pass", "skip"]).unwrap();
    let ran: Vec<&str> = finished[0].outcomes.iter().map(|one| &*one.module).collect();
    assert_eq!(ran, ["passes", "skips"]);
    assert!(finished[0].complaints.is_empty());
}

#[test]
fn a_suite_in_which_nothing_ends_is_given_up() {
    let hangs = |name| (name, "WAITING", "UNKNOWN", json!([]));
    let names = ["hangs-1", "hangs-2", "hangs-3", "hangs-4"];
    let suite = StandIn::start(names.into_iter().map(hangs).collect());
    let folder = tempfile::tempdir().unwrap();
    let finished = run(&suite, folder.path().to_owned(), &[]).unwrap();
    assert_eq!(finished[0].outcomes.len(), 3);
    let last = finished[0].complaints.last().unwrap();
    assert!(last.starts_with("given up"), "{last}");
}

#[test]
fn what_the_suite_says_against_a_question_is_told() {
    let suite = StandIn::start(modules());
    let asked = Suite::at(&suite.address).unwrap();
    assert_eq!(asked.version(), Ok("1.2.3".into()));
    let unknown = asked.create("unknown", &json!({}), &json!({}));
    let why = unknown.unwrap_err();
    assert!(why.contains("404") && why.contains("no such thing"), "{why}");
}
