//! The real binary on a real disk, killed with SIGKILL under load and started again on the same
//! state. What was acknowledged must be there; what was not may be either way.
//!
//! `COUNTERFOIL_KILLS` says how often (`cargo xtask crash --kills 200`).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod client;
mod server;
mod workers;
mod codes;
mod storm;

use std::path::Path;

use client::Client;
use server::Server;
use storm::Storm;

/// Kills of a plain `cargo test`.
const KILLS: u64 = 20;

#[expect(clippy::disallowed_methods, reason = "how the check says how long to go on")]
fn kills() -> u64 {
    std::env::var("COUNTERFOIL_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS)
}

/// Numbers that repeat: the moment of the kill is a count of answers, not a time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(7);
    let mut server = Server::start(folder.path());
    let mut storm = Storm::begin(&Client::new(&server.http));
    let rounds = kills();
    for round in 0..rounds {
        storm.rage(&mut server, 1 + dice.below(120));
        server = Server::start(folder.path());
        let client = Client::new(&server.http);
        storm.holds(&client).unwrap_or_else(|e| panic!("kill {round}: {e}"));
    }
    storm.is_guarded(&Client::new(&server.http)).unwrap_or_else(|e| panic!("at the end: {e}"));
    println!("{rounds} kills, {}", storm.told());
    assert!(storm.raged(), "a storm in which nothing happened proves nothing");
}

/// The check is checked: a disk that goes back to what it was a moment ago is noticed.
#[test]
fn a_disk_that_forgets_is_noticed() {
    let (folder, before) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut server = Server::start(folder.path());
    let mut storm = Storm::begin(&Client::new(&server.http));
    server.kill();
    copy(folder.path(), before.path());
    server = Server::start(folder.path());
    storm.rage(&mut server, 60);
    std::fs::remove_dir_all(folder.path()).unwrap();
    copy(before.path(), folder.path());
    let server = Server::start(folder.path());
    let noticed = storm.faults(&Client::new(&server.http));
    assert_eq!(noticed.len(), 3, "{noticed:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
