//! Copies of a store: made under load, looked at, put back; and a store that was set back behind the
//! server's back (FI19, I8).

use std::path::Path;

use crate::actors::{Actors, MX, Whose};
use crate::broken::{counterfoil, ready};
use crate::history::{By, History, Said};
use crate::kills::ByFile;
use crate::stage::{self, Server};
use crate::storm::{self, Estate};
use crate::wire::Wire as _;
use crate::{inspect, rules};

const QUARANTINE: &str = r#"{"ready":false,"failing":["quarantine"]}"#;

fn said(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = counterfoil(folder, words);
    let both = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&both).into_owned())
}

fn done(folder: &Path, words: &[&str]) -> String {
    let (code, told) = said(folder, words);
    assert_eq!(code, Some(0), "{words:?}: {told}");
    told
}

#[test]
fn a_backup_under_load_is_of_one_moment_and_can_be_restored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stage::set(folder);
    let (history, props) = (History::default(), stage::props());
    let mut estate = Estate::default();
    let server = Server::start(folder);
    let actors = Actors { wire: &server.wire, history: &history, props: &props };
    estate.prepare(&actors).unwrap();
    let operator = ByFile { server: &server, folder };
    let mut before = vec![];
    storm::rage(&actors, &mut estate, &operator, |history| {
        let wanted = history.answers() + 30;
        assert!(history.wait_for(wanted, &|| true));
        before = history.calls();
        done(folder, &["backup", "create", "copy.db", "--store", "store.db"]);
        let wanted = history.answers() + 20;
        assert!(history.wait_for(wanted, &|| true));
    });
    assert_eq!(rules::broken(&history.calls()), [""; 0]);
    // Everything that was answered before the copy was begun is in it.
    assert_eq!(inspect::broken(&folder.join("copy.db"), &before), [""; 0]);
    let told = done(folder, &["backup", "verify", "copy.db", "--state", "."]);
    assert!(told.contains("is sound") && told.contains("all of them open"), "{told}");
    let (code, told) = said(folder, &["backup", "create", "copy.db", "--store", "store.db"]);
    assert!(code == Some(1) && told.contains("is there already"), "{told}");
    // The keys are in no copy.
    let copy = std::fs::read(folder.join("copy.db")).unwrap();
    let keys = std::fs::read_to_string(folder.join("keys/handle-keys.toml")).unwrap();
    for secret in keys.lines().filter_map(|line| line.split('"').nth(1)).filter(|s| s.len() > 20) {
        assert!(!copy.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }

    let plan = ["restore", "copy.db", "--plan", "--state", "."];
    assert!(done(folder, &plan).contains("events that the copy does not have"));
    let (code, told) = said(folder, &["restore", "copy.db", "--state", "."]);
    assert!(code == Some(1) && told.contains("is in use"), "{told}");
    drop(server);
    let told = done(folder, &["restore", "copy.db", "--state", "."]);
    assert!(told.contains("store.db.before-restore-1") && told.contains("quarantine"), "{told}");
    let server = Server::start(folder);
    assert_eq!(ready(&server), (503, QUARANTINE.into()));
}

#[test]
fn a_damaged_copy_is_told_and_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stage::set(folder);
    Server::start(folder).kill();
    done(folder, &["backup", "create", "copy.db", "--store", "store.db"]);
    let mut bytes = std::fs::read(folder.join("copy.db")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(folder.join("copy.db"), bytes).unwrap();
    let (code, told) = said(folder, &["backup", "verify", "copy.db", "--state", "."]);
    assert_eq!(code, Some(1), "{told}");
    let before = std::fs::read(folder.join("store.db")).unwrap();
    let (code, told) = said(folder, &["restore", "copy.db", "--state", "."]);
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(std::fs::read(folder.join("store.db")).unwrap(), before);
}

/// I8: an earlier copy in the place of the store brings no revoked token back silently.
#[test]
fn a_store_that_was_set_back_is_quarantined_until_somebody_accepts_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stage::set(folder);
    let (history, props) = (History::default(), stage::props());
    let server = Server::start(folder);
    let actors = Actors { wire: &server.wire, history: &history, props: &props };
    let session = actors.sign_in("bob").unwrap();
    let code = actors.approve(&session, "bob-current").unwrap();
    let Said::Tokens { access, refresh: Some(refresh), .. } = actors.redeem(&code, By::Owner)
    else {
        panic!("no tokens");
    };
    done(folder, &["backup", "create", "copy.db", "--store", "store.db"]);
    assert_eq!(actors.revoke(&refresh, MX), Said::Done);
    assert_eq!(actors.look(&access, Whose::Mx), Said::Inactive);
    assert!(server.stop().success());

    std::fs::copy(folder.join("copy.db"), folder.join("store.db")).unwrap();
    let server = Server::start(folder);
    let actors = Actors { wire: &server.wire, history: &history, props: &props };
    assert_eq!(ready(&server), (503, QUARANTINE.into()));
    assert_eq!(actors.look(&access, Whose::Mx), Said::Inactive);
    assert_eq!(actors.refresh(&refresh), Said::Later);
    assert_eq!(actors.issue("finapp"), Said::Later);
    assert_eq!(server.wire.send("GET", "/jwks", "", "").unwrap().status, 503);
    let (code, told) = said(folder, &["status", "--state", "."]);
    assert!(code == Some(1) && told.contains("events are missing"), "{told}");
    let (code, told) = said(folder, &["key", "rotate", "--state", "."]);
    assert!(code == Some(1) && told.contains("quarantine"), "{told}");
    // It stays so over a start, and nothing was written to the store meanwhile.
    assert!(server.stop().success());
    let server = Server::start(folder);
    assert_eq!(ready(&server), (503, QUARANTINE.into()));
    let revived = rules::broken(&history.calls());
    assert_eq!(revived, [""; 0]);

    done(folder, &["restore", "--accept", "--state", "."]);
    assert_eq!(ready(&server).0, 200);
    let actors = Actors { wire: &server.wire, history: &history, props: &props };
    assert!(matches!(actors.issue("finapp"), Said::Tokens { .. }));
    // Accepted: now it is as old as it is, and the rules see what that means.
    assert!(matches!(actors.look(&access, Whose::Mx), Said::Active { .. }));
    let revived = rules::broken(&history.calls());
    assert!(revived.iter().any(|fault| fault.starts_with("I3")), "{revived:?}");
    let (code, _) = said(folder, &["restore", "--accept", "--state", "."]);
    assert_eq!(code, Some(1));
    assert!(server.stop().success());
    assert_eq!(ready(&Server::start(folder)).0, 200);
}
