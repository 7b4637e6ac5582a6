//! What libFuzzer prints, as numbers.

use std::fmt;
use std::time::Duration;

/// What has been done with one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Inputs that were tried.
    pub(super) runs: u64,
    /// Edges of the code that were reached.
    pub(super) coverage: u64,
    /// Inputs worth keeping.
    pub(super) corpus: u64,
    /// Inputs that broke a promise.
    pub(super) findings: u64,
    /// What of a processor was used.
    pub(super) processor: Duration,
}

impl Done {
    /// One more run of it.
    pub(super) fn add(&mut self, text: &str, processor: Duration) {
        self.processor += processor;
        self.runs += after(text, "stat::number_of_executed_units:").unwrap_or(0);
        self.coverage = after(text, " cov: ").unwrap_or(0).max(self.coverage);
        self.corpus = after(text, " corp: ").unwrap_or(0).max(self.corpus);
    }
}

/// The number behind the last of these words.
fn after(text: &str, words: &str) -> Option<u64> {
    let (_, rest) = text.rsplit_once(words)?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.processor.as_secs().max(1);
        write!(
            f,
            "{:>11} runs, {:>7} a second, coverage {:>6}, corpus {:>5}, {:>4}.{} minutes, {}",
            self.runs,
            self.runs / seconds,
            self.coverage,
            self.corpus,
            seconds / 60,
            seconds % 60 / 6,
            match self.findings {
                0 => "no finding".to_owned(),
                some => format!("FINDINGS: {some}"),
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_runs_add_up() {
        let text = "#2\tINITED cov: 120 ft: 121 corp: 1/1b exec/s: 0 rss: 30Mb\n\
            #9\tNEW    cov: 133 ft: 150 corp: 7/61b lim: 4 exec/s: 0 rss: 30Mb\n\
            stat::number_of_executed_units: 1200\nstat::average_exec_per_sec:     20\n";
        let mut done = Done::default();
        done.add(text, Duration::from_secs(60));
        done.add(&text.replace("133", "130"), Duration::from_secs(6));
        let expected = Done {
            runs: 2400,
            coverage: 133,
            corpus: 7,
            findings: 0,
            processor: Duration::from_secs(66),
        };
        assert_eq!(done, expected);
        let words = done.to_string();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = "2400 runs, 36 a second, coverage 133, corpus 7, 1.1 minutes, no finding";
        assert_eq!(words, line);
        done.findings = 1;
        assert!(done.to_string().ends_with("FINDINGS: 1"));
    }
}
