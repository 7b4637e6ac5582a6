//! The failover drill: two servers of ours on a database of three machines, clients at work, and the
//! machine that takes writes dies. Nothing that was acknowledged may be lost, nothing may be spent
//! twice, and it goes on by itself. `cargo xtask drill` prepares what it needs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a drill may fail loudly")]
#![expect(clippy::wildcard_enum_match_arm, reason = "each client is about one of many answers")]
#![expect(dead_code, reason = "the crash harness uses the rest of what is shared")]

#[path = "../crash/wire.rs"]
mod wire;
#[path = "../crash/history.rs"]
mod history;
#[path = "../crash/rules.rs"]
mod rules;
#[path = "../crash/actors.rs"]
mod actors;
#[path = "../crash/stage.rs"]
mod stage;
#[path = "../postgres/place.rs"]
mod place;
#[path = "../postgres/house.rs"]
mod house;
mod patroni;
mod load;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use history::{History, Said};
use house::House;
use load::{Acknowledged, Load};
use patroni::{Cluster, Tools};
use place::Place;

/// Acknowledged writes before a machine dies, and after it died, before the next one.
const WRITES: usize = 300;

#[expect(clippy::disallowed_methods, reason = "how `cargo xtask drill` says what it has prepared")]
#[expect(clippy::expect_used, reason = "a drill may fail loudly")]
fn prepared(name: &str) -> String {
    std::env::var(name).expect("not prepared: use `cargo xtask drill`")
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_a_failover() {
    let kills: usize = prepared("COUNTERFOIL_KILLS").parse().unwrap();
    let folder = PathBuf::from(prepared("COUNTERFOIL_DRILL"));
    let tools = Tools { programs: place::programs(), venv: folder.join("venv") };
    patroni::own(&folder);
    let mut cluster = Cluster::start(&folder, tools);
    println!("three PostgreSQL under Patroni, synchronous, one etcd: {}", cluster.url());
    let house = House::at(Place::at(&cluster.url()));
    let nodes = [house.start("a"), house.start("b")];
    let (history, props) = (History::default(), stage::props());
    let load = Load::new(&nodes, &history, &props);
    let (stop, chains) = (AtomicBool::new(false), load.begin());
    let going = || !stop.load(Ordering::Relaxed);
    let chains = thread::scope(|scope| {
        let running = load.run(scope, chains, &going);
        for round in 1..=kills {
            load.acknowledged.wait_for(WRITES);
            cluster.until_synchronous();
            let leader = cluster.leader().unwrap();
            let mark = load.acknowledged.now();
            assert!(cluster.kill(leader), "the leader's PostgreSQL does not run");
            load.acknowledged.wait_for(WRITES);
            let gap = load.acknowledged.longest_gap(mark);
            println!(
                "failover {round}: node n{leader} killed under load; {:.1} s without an acknowledged \
                 write, then they went on",
                gap.as_secs_f64()
            );
            cluster.again(leader);
        }
        stop.store(true, Ordering::Relaxed);
        running.into_iter().map(|chain| chain.join().unwrap()).collect::<Vec<_>>()
    });
    load.ask_again(&chains);
    told(&load.acknowledged, &history);
}

/// Counts, and judges.
fn told(acknowledged: &Acknowledged, history: &History) {
    let calls = history.calls();
    let said = |wanted: &Said| calls.iter().filter(|call| call.said == *wanted).count();
    let faults = rules::broken(&calls);
    let of = |rules: &[&str]| {
        faults.iter().filter(|fault| rules.iter().any(|rule| fault.starts_with(rule))).count()
    };
    println!(
        "{} requests: {} acknowledged writes, {} answered 503, {} without an answer\n\
         acknowledged writes lost: {}\ndouble spends: {}\nother broken rules: {}",
        calls.len(),
        acknowledged.count(),
        said(&Said::Later),
        said(&Said::Nothing),
        of(&["I13"]),
        of(&["I1:", "I2:", "I6:"]),
        faults.len() - of(&["I13", "I1:", "I2:", "I6:"]),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
