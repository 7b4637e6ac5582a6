//! Growth: what a flow costs with few grants on disk and with many.

use serde_json::json;

use crate::options::Options;
use crate::report::{middle, rounded};
use crate::run::{FEW, Voice, chosen, servers, timing};

/// Measures the flows that read grants, with few and with `count` of them.
pub(crate) fn run(options: &Options, voice: &Voice, count: usize) -> Result<(), String> {
    // None that uses grants up: of a few it would leave none.
    let own = ["introspect-hit", "introspect-miss", "refresh-rotating", "refresh-staying"];
    let flows = chosen(options, &own);
    let mut before: Vec<f64> = vec![];
    voice.say(&format!(
        "{:<18} {:>10} {:>8} {:>8} {:>6} {:>6} {:>8} {:>7} {:>6}",
        "flow", "grants", "ours us", "floor us", "ratio", "growth", "per s", "p99 ms", "RSS MB"
    ));
    for grants in [FEW, count] {
        let (servers, bytes) = servers(options, grants)?;
        for (n, flow) in flows.iter().enumerate() {
            let measured = servers.measure(flow, options.rounds, timing(options))?;
            let ours = middle(&measured.ours, |w| w.cpu_us);
            let floor = middle(&measured.floor, |w| w.cpu_us);
            let growth = before.get(n).map_or(1.0, |small| ours / small);
            if grants == FEW {
                before.push(ours);
            }
            let (rate, p99) =
                (middle(&measured.ours, |w| w.rate), middle(&measured.ours, |w| w.p99_ms));
            let rss = middle(&measured.ours, |w| w.rss_mb);
            voice.say(&format!(
                "{:<18} {grants:>10} {ours:>8.1} {floor:>8.1} {:>6.2} {growth:>6.2} {rate:>8.0} \
                 {p99:>7.2} {rss:>6.0}",
                flow.name,
                ours / floor,
            ));
            voice.object(&json!({
                "flow": flow.name, "grants": grants, "ours_cpu_us": rounded(ours),
                "floor_cpu_us": rounded(floor), "ratio": rounded(ours / floor),
                "growth": rounded(growth), "rate": rounded(rate), "p99_ms": rounded(p99),
                "rss_mb": rounded(rss), "bytes_per_grant": rounded(bytes),
                "failures": crate::report::failures(&measured),
            }));
        }
        voice.say(&format!("{grants} grants: {bytes:.0} bytes each on disk"));
    }
    Ok(())
}
