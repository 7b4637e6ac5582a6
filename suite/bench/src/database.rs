//! The server on a PostgreSQL of its own: answers a second, and what the processors of both spend on
//! each. No floor stands beside it: the database is most of the work, and it is what it is.

use serde_json::json;

use crate::drive::{CONNECTIONS, Pace, Window};
use crate::flows::Flow;
use crate::options::Options;
use crate::report::{middle, rounded};
use crate::rounds::{Servers, Side};
use crate::run::{Voice, chosen, timing};

/// Connections of the closed loop: as everywhere, and so many that groups fill, yet fewer than those from
/// which on an overloaded server sends requests away.
const CROWDS: [usize; 2] = [CONNECTIONS, 240];
/// What writes, and what only reads.
const OWN: [&str; 5] = ["refresh-rotating", "code", "pkjwt-es256", "introspect-hit", "cc-basic"];

/// Measures the flows that were asked for.
pub(crate) fn run(options: &Options, voice: &Voice, servers: &Servers) -> Result<(), String> {
    voice.say(&format!(
        "{:<18} {:>6} {:>8} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8} {:>5}  rounds: per s",
        "flow", "conns", "per s", "p50 ms", "p99", "p99.9", "ours us", "db us", "bytes", "fail"
    ));
    let mut failed = vec![];
    for flow in chosen(options, &OWN) {
        for connections in CROWDS {
            let windows = measured(options, servers, (flow, connections))?;
            told(voice, (flow, connections), &windows);
            failed.extend(windows.iter().find_map(|window| window.example.clone()));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("wrong answers: {}", failed.join("; "))) }
}

fn measured(
    options: &Options,
    servers: &Servers,
    (flow, connections): (&Flow, usize),
) -> Result<Vec<Window>, String> {
    let one = |_| {
        let pace = (Pace::Closed, connections);
        let window = servers.loaded(flow, Side::Ours, timing(options), pace);
        window.map_err(|why| format!("{}: {why}", flow.name))
    };
    (0..options.rounds).map(one).collect()
}

fn told(voice: &Voice, (flow, connections): (&Flow, usize), windows: &[Window]) {
    let of = |figure: fn(&Window) -> f64| middle(windows, figure);
    let failures: u64 = windows.iter().map(|window| window.failures).sum();
    let rounds: Vec<String> = windows.iter().map(|w| format!("{:.0}", w.rate)).collect();
    voice.say(&format!(
        "{:<18} {connections:>6} {:>8.0} {:>7.2} {:>7.2} {:>7.2} {:>8.1} {:>8.1} {:>8.0} {:>5}  {}",
        flow.name,
        of(|w| w.rate),
        of(|w| w.p50_ms),
        of(|w| w.p99_ms),
        of(|w| w.p999_ms),
        of(|w| w.cpu_us),
        of(|w| w.beside_us),
        of(|w| w.beside_written),
        failures,
        rounds.join(" "),
    ));
    voice.object(&json!({
        "flow": flow.name, "connections": connections, "durable": flow.writes,
        "rate": rounded(of(|w| w.rate)), "p50_ms": rounded(of(|w| w.p50_ms)),
        "p99_ms": rounded(of(|w| w.p99_ms)), "p999_ms": rounded(of(|w| w.p999_ms)),
        "ours_cpu_us": rounded(of(|w| w.cpu_us)), "database_cpu_us": rounded(of(|w| w.beside_us)),
        "database_bytes_written": rounded(of(|w| w.beside_written)),
        "rss_mb": rounded(of(|w| w.rss_mb)), "failures": failures,
        "rounds_rate": windows.iter().map(|w| rounded(w.rate)).collect::<Vec<_>>(),
    }));
}
