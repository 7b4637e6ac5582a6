//! Fixed rates: how long answers take below the peak, and what is shed above it.

use serde_json::json;

use crate::drive::{CONNECTIONS, Pace};
use crate::flows::Flow;
use crate::options::Options;
use crate::report::rounded;
use crate::rounds::{Servers, Side};
use crate::run::{Voice, chosen, timing};

/// Connections above the peak: as many clients as come when a server is slow, each on its own.
const CROWD: usize = 2_048;
/// From here on the load is more than the server can do.
const FULL: f64 = 100.0;

/// Measures the peak of each flow, then the parts of it that were asked for; after more than the peak,
/// half of it, to see whether the server is itself again.
pub(crate) fn run(options: &Options, voice: &Voice, servers: &Servers) -> Result<(), String> {
    let own = ["cc-basic", "introspect-hit", "refresh-rotating"];
    voice.say(&format!(
        "{:<18} {:>9} {:>8} {:>8} {:>7} {:>7} {:>7} {:>8} {:>8} {:>5}  statuses",
        "flow", "load", "planned", "per s", "p50 ms", "p99", "p99.9", "cpu us", "shed", "fail"
    ));
    for flow in chosen(options, &own) {
        let peak = servers.window(flow, Side::Ours, timing(options), Pace::Closed)?.rate;
        for percent in &options.rate {
            let rate = peak * percent / FULL;
            let connections = if *percent > FULL { CROWD } else { CONNECTIONS };
            one(options, (voice, servers, flow), (&format!("{percent}%"), rate, connections))?;
            if *percent > FULL {
                let half = ("then 50%", peak / 2.0, CONNECTIONS);
                one(options, (voice, servers, flow), half)?;
            }
        }
    }
    Ok(())
}

/// One flow at one rate.
fn one(
    options: &Options,
    (voice, servers, flow): (&Voice, &Servers, &Flow),
    (load, rate, connections): (&str, f64, usize),
) -> Result<(), String> {
    let pace = (Pace::Rate(rate), connections);
    let window = servers.loaded(flow, Side::Ours, timing(options), pace)?;
    let example = window.example.as_deref();
    voice.say(&format!(
        "{:<18} {load:>9} {rate:>8.0} {:>8.0} {:>7.2} {:>7.2} {:>7.2} {:>8.1} {:>8} {:>5}  {:?}{}",
        flow.name,
        window.rate,
        window.p50_ms,
        window.p99_ms,
        window.p999_ms,
        window.cpu_us,
        window.shed,
        window.failures,
        window.statuses,
        example.map(|e| format!("  first wrong answer: {e}")).unwrap_or_default(),
    ));
    voice.object(&json!({
        "flow": flow.name, "load": load, "planned_rate": rounded(rate),
        "rate": rounded(window.rate), "p50_ms": window.p50_ms, "p99_ms": window.p99_ms,
        "p999_ms": window.p999_ms, "ours_cpu_us": rounded(window.cpu_us),
        "shed": window.shed, "failures": window.failures,
    }));
    Ok(())
}
