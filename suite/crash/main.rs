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

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use client::Client;
use codes::Codes;
use server::Server;
use workers::{Chain, Ledger};

/// Kills of a plain `cargo test`.
const KILLS: u64 = 20;
const CHAINS: usize = 3;

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
    let mut chains: Vec<Chain> =
        (0..CHAINS).map(|_| Chain::begin(&Client::new(&server.http))).collect();
    let mut ledger = Ledger::default();
    let mut codes = Codes::begin(&Client::new(&server.http));
    let (mut answers, mut lost) = (0, 0);
    let rounds = kills();
    for round in 0..rounds {
        let quota = 1 + dice.below(120);
        let (done, acknowledged) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = vec![];
        for chain in chains.drain(..) {
            let (client, done, stop) = (Client::new(&server.http), done.clone(), stop.clone());
            running.push(std::thread::spawn(move || chain.refresh_until(&client, &done, &stop)));
        }
        let own = {
            let (client, done, stop) = (Client::new(&server.http), done.clone(), stop.clone());
            std::thread::spawn(move || ledger.issue_and_revoke_until(&client, &done, &stop))
        };
        let allowing = {
            let (client, done, stop) = (Client::new(&server.http), done.clone(), stop.clone());
            std::thread::spawn(move || codes.approve_and_redeem_until(&client, &done, &stop))
        };
        drop(done);
        answers += acknowledged.iter().take(usize::try_from(quota).unwrap()).count();
        // Under load, between any two bytes of an answer or a commit.
        server.kill();
        stop.store(true, Ordering::Relaxed);
        chains.extend(running.into_iter().map(|thread| thread.join().unwrap()));
        ledger = own.join().unwrap();
        codes = allowing.join().unwrap();
        lost += chains.iter().filter(|chain| chain.unanswered).count();

        server = Server::start(folder.path());
        let client = Client::new(&server.http);
        for chain in &mut chains {
            chain.goes_on(&client).unwrap_or_else(|e| panic!("kill {round}: {e}"));
        }
        ledger.holds(&client).unwrap_or_else(|e| panic!("kill {round}: {e}"));
        codes.holds(&client).unwrap_or_else(|e| panic!("kill {round}: {e}"));
    }
    // At the end: a token that was replaced and whose successor was used is a replay, for ever.
    let client = Client::new(&server.http);
    for chain in &chains {
        chain.is_guarded(&client).unwrap_or_else(|e| panic!("at the end: {e}"));
    }
    println!(
        "{rounds} kills, {answers} acknowledged answers counted, {lost} requests left open, {} codes \
         looked at",
        codes.looked_at
    );
    assert!(answers > 0 && codes.looked_at > 0, "a storm in which nothing happened proves nothing");
}
