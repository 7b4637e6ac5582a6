//! Tables for people, objects for machines.

use serde_json::{Value, json};

use crate::drive::Window;
use crate::drive::median;
use crate::rounds::Measured;

/// The middle of one figure over some windows.
pub(crate) fn middle(windows: &[Window], figure: fn(&Window) -> f64) -> f64 {
    median(windows.iter().map(figure).collect())
}

/// The heading of the table of flows.
pub(crate) fn heading() -> String {
    format!(
        "{:<18} {:>8} {:>8} {:>6} {:>8} {:>7} {:>7} {:>7} {:>6} {:>8} {:>5}  rounds: ours | floor",
        "flow",
        "ours us",
        "floor us",
        "ratio",
        "per s",
        "p50 ms",
        "p99",
        "p99.9",
        "RSS MB",
        "bytes",
        "fail"
    )
}

/// A line of it.
pub(crate) fn line(measured: &Measured) -> String {
    let ours = |figure| middle(&measured.ours, figure);
    let (cpu, floor) = (ours(|w| w.cpu_us), middle(&measured.floor, |w| w.cpu_us));
    let rounds = |windows: &[Window]| {
        let each = windows.iter().map(|w| format!("{:.1}", w.cpu_us));
        each.collect::<Vec<_>>().join(" ")
    };
    format!(
        "{:<18} {:>8.1} {:>8.1} {:>6.2} {:>8.0} {:>7.2} {:>7.2} {:>7.2} {:>6.0} {:>8.0} {:>5}  {} | {}",
        measured.flow.name,
        cpu,
        floor,
        cpu / floor,
        ours(|w| w.rate),
        ours(|w| w.p50_ms),
        ours(|w| w.p99_ms),
        ours(|w| w.p999_ms),
        ours(|w| w.rss_mb),
        ours(|w| w.written),
        failures(measured),
        rounds(&measured.ours),
        rounds(&measured.floor),
    )
}

/// Wrong answers of either server.
pub(crate) fn failures(measured: &Measured) -> u64 {
    measured.ours.iter().chain(&measured.floor).map(|w| w.failures).sum()
}

/// The first wrong answer.
pub(crate) fn example(measured: &Measured) -> Option<&str> {
    measured.ours.iter().chain(&measured.floor).find_map(|w| w.example.as_deref())
}

/// The object of a flow.
pub(crate) fn object(measured: &Measured) -> Value {
    let ours = |figure| rounded(middle(&measured.ours, figure));
    let floor = |figure| rounded(middle(&measured.floor, figure));
    let (cpu, below) =
        (middle(&measured.ours, |w| w.cpu_us), middle(&measured.floor, |w| w.cpu_us));
    let rounds =
        |windows: &[Window]| -> Vec<Value> { windows.iter().map(|w| rounded(w.cpu_us)).collect() };
    json!({
        "flow": measured.flow.name,
        "about": measured.flow.about,
        "durable": measured.flow.writes,
        "ours_cpu_us": ours(|w| w.cpu_us),
        "floor_cpu_us": floor(|w| w.cpu_us),
        "ratio": rounded(cpu / below),
        "rate": ours(|w| w.rate),
        "floor_rate": floor(|w| w.rate),
        "p50_ms": ours(|w| w.p50_ms),
        "p99_ms": ours(|w| w.p99_ms),
        "p999_ms": ours(|w| w.p999_ms),
        "rss_mb": ours(|w| w.rss_mb),
        "bytes_written": ours(|w| w.written),
        "floor_bytes_written": floor(|w| w.written),
        "answers": measured.ours.iter().map(|w| w.answers).sum::<u64>(),
        "failures": failures(measured),
        "ours_rounds_cpu_us": rounds(&measured.ours),
        "floor_rounds_cpu_us": rounds(&measured.floor),
    })
}

/// Three digits behind the point are more than was measured.
pub(crate) fn rounded(value: f64) -> Value {
    json!((value * 1_000.0).round() / 1_000.0)
}
