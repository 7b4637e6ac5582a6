//! What one measurement says.

use std::collections::BTreeMap;
use std::time::Duration;

/// As it was counted.
pub(super) struct Raw {
    pub(super) answers: u64,
    pub(super) shed: u64,
    pub(super) failures: u64,
    pub(super) latencies_us: Vec<u32>,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) example: Option<String>,
    pub(super) took: Duration,
    pub(super) cpu_ns: u64,
    pub(super) written: u64,
    pub(super) beside_ns: u64,
    pub(super) beside_written: u64,
    pub(super) rss_kb: u64,
}

/// One measurement of one server.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// Right answers.
    pub(crate) answers: u64,
    /// Requests that were told to come back.
    pub(crate) shed: u64,
    /// Wrong answers, and none.
    pub(crate) failures: u64,
    /// Microseconds of the server's processors for each right answer.
    pub(crate) cpu_us: f64,
    /// Right answers a second.
    pub(crate) rate: f64,
    /// Latencies in milliseconds.
    pub(crate) p50_ms: f64,
    /// The same.
    pub(crate) p99_ms: f64,
    /// The same.
    pub(crate) p999_ms: f64,
    /// Megabytes of memory at the end.
    pub(crate) rss_mb: f64,
    /// Bytes written to storage for each right answer.
    pub(crate) written: f64,
    /// Microseconds of the processors of its database for each right answer.
    pub(crate) beside_us: f64,
    /// Bytes that its database wrote to storage for each right answer.
    pub(crate) beside_written: f64,
    /// How often each status came; 0 is none.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// The first wrong answer.
    pub(crate) example: Option<String>,
}

impl Window {
    pub(super) fn new(mut raw: Raw) -> Self {
        raw.latencies_us.sort_unstable();
        let at = |part: f64| percentile_ms(&raw.latencies_us, part);
        let each = |total: u64| total as f64 / raw.answers.max(1) as f64;
        Self {
            answers: raw.answers,
            shed: raw.shed,
            failures: raw.failures,
            cpu_us: each(raw.cpu_ns) / 1_000.0,
            rate: raw.answers as f64 / raw.took.as_secs_f64().max(f64::EPSILON),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            rss_mb: raw.rss_kb as f64 / 1024.0,
            written: each(raw.written),
            beside_us: each(raw.beside_ns) / 1_000.0,
            beside_written: each(raw.beside_written),
            statuses: raw.statuses,
            example: raw.example,
        }
    }
}

/// The smallest latency that this part of all does not exceed.
fn percentile_ms(sorted_us: &[u32], part: f64) -> f64 {
    let rank = (sorted_us.len() as f64 * part).ceil() as usize;
    let us = sorted_us.get(rank.saturating_sub(1)).copied().unwrap_or_default();
    f64::from(us) / 1_000.0
}

/// The middle one of some measurements.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle)) {
        (_, None) => f64::NAN,
        (1, Some(one)) => *one,
        (_, Some(upper)) => (values[middle - 1] + upper) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<u32> = (1..=1000).map(|n| n * 1000).collect();
        assert_eq!(percentile_ms(&sorted, 0.5), 500.0);
        assert_eq!(percentile_ms(&sorted, 0.99), 990.0);
        assert_eq!(percentile_ms(&sorted, 0.999), 999.0);
        assert_eq!(percentile_ms(&[], 0.5), 0.0);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(vec![]).is_nan());
    }
}
