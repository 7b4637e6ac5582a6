//! The same faults under the whole server: what it answers, and what it says of itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::actors::{Actors, Whose};
use crate::history::{History, Said};
use crate::positions::give;
use crate::stage::{self, Server, shipped};
use crate::storm::Estate;
use crate::wire::{FORM, Wire};

struct Scene {
    folder: TempDir,
    orders: PathBuf,
}

impl Scene {
    fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        stage::set(folder.path());
        let orders = folder.path().join("orders");
        give(&orders, "nothing");
        Self { folder, orders }
    }

    fn start(&self) -> Server {
        Server::on_disk(self.folder.path(), &self.orders).unwrap_or_else(|e| panic!("{e}"))
    }
}

/// A command of the program as it is shipped.
pub(crate) fn counterfoil(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(shipped());
    command.args(words).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn ready(server: &Server) -> (u16, String) {
    let answer = server.wire.send("GET", "/readyz", "", "").unwrap();
    assert_eq!(server.wire.send("GET", "/livez", "", "").unwrap().status, 200);
    (answer.status, answer.body)
}

const READY: &str = r#"{"ready":true,"failing":[]}"#;
const NO_STORE: &str = r#"{"ready":false,"failing":["store"]}"#;

/// A Worldline client with a secret: its standing grant needs no write.
fn standing(server: &Server) -> u16 {
    let form = "grant_type=client_credentials&scope=VOP&client_id=Worldline-000021\
                &client_secret=password123";
    let path = "/auth/realms/sandbox/protocol/openid-connect/token";
    server.wire.send("POST", path, FORM, form).unwrap().status
}

#[test]
fn a_full_disk_stops_what_must_be_written_and_nothing_else() {
    let scene = Scene::set();
    let server = scene.start();
    let (history, props) = (History::default(), stage::props());
    let actors = Actors { wire: &server.wire, history: &history, props: &props };
    let mut estate = Estate::default();
    estate.prepare(&actors).unwrap();
    let Said::Tokens { access, .. } = actors.issue("finapp") else { panic!("no token") };
    assert_eq!(standing(&server), 200);
    assert_eq!(ready(&server), (200, READY.into()));

    give(&scene.orders, "from 1 write any full");
    let assertion = actors.assertion();
    assert_eq!(actors.assert(&assertion), Said::Later);
    assert_eq!(actors.issue("finapp"), Said::Later);
    let form = "grant_type=client_credentials&scope=OAC";
    let answer = server.wire.post("/oauth/accesstoken", "finapp:finsecret", form).unwrap();
    assert!(answer.status == 503 && answer.header("retry-after").is_some(), "{}", answer.head);
    assert_eq!(ready(&server), (503, NO_STORE.into()));
    let status = counterfoil(scene.folder.path(), &["status", "--state", "."]);
    let told = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.status.code() == Some(1) && told.contains("full"), "{told}");
    // What needs no write goes on (FI22).
    assert!(matches!(actors.look(&access, Whose::Fintecture), Said::Active { .. }));
    assert_eq!(standing(&server), 200);

    // Room again: no restart is needed, and nothing was acknowledged that is not there.
    give(&scene.orders, "nothing");
    assert!(matches!(actors.issue("finapp"), Said::Tokens { .. }));
    assert_eq!(ready(&server), (200, READY.into()));
    assert_eq!(crate::rules::broken(&history.calls()), [""; 0]);
}

#[test]
fn after_an_error_of_the_device_the_server_is_not_ready_until_it_is_started_again() {
    let scene = Scene::set();
    let server = scene.start();
    let (history, props) = (History::default(), stage::props());
    let mut estate = Estate::default();
    let actors = Actors { wire: &server.wire, history: &history, props: &props };
    estate.prepare(&actors).unwrap();
    let Said::Tokens { access, .. } = actors.issue("finapp") else { panic!("no token") };
    give(&scene.orders, "at 1 flush any error");
    assert_eq!(actors.issue("finapp"), Said::Later);
    assert_eq!(actors.issue("finapp"), Said::Later);
    assert_eq!(ready(&server), (503, NO_STORE.into()));
    assert!(matches!(actors.look(&access, Whose::Fintecture), Said::Active { .. }));
    server.kill();
    give(&scene.orders, "nothing");
    let server = scene.start();
    assert_eq!(ready(&server), (200, READY.into()));
    let folder = scene.folder.path();
    crate::kills::judged(&server, (&history, &props), (&mut estate, false), folder).unwrap();
}

#[test]
fn a_disk_that_takes_no_writes_is_told_at_the_start() {
    let scene = Scene::set();
    scene.start().kill();
    give(&scene.orders, "from 1 change any error");
    let Err(told) = Server::on_disk(scene.folder.path(), &scene.orders) else {
        panic!("it started");
    };
    assert!(told.starts_with("exit status: 3: counterfoil: "), "{told}");
    assert!(told.contains("store.db") && told.contains("I/O"), "{told}");
    // Nothing is spoilt by that.
    give(&scene.orders, "nothing");
    assert_eq!(ready(&scene.start()).0, 200);
}
