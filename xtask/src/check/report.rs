//! What ran, how it ended, and what did not run.

use std::time::Duration;

use super::steps::{Outcome, Step};

struct Row {
    name: &'static str,
    command: &'static str,
    outcome: Outcome,
    took: Option<Duration>,
}

/// A row per step.
#[derive(Default)]
pub(super) struct Report(Vec<Row>);

impl Report {
    pub(super) fn add(&mut self, step: &Step, outcome: Outcome, took: Option<Duration>) {
        self.0.push(Row { name: step.name, command: step.command, outcome, took });
    }

    /// Why nothing more runs, once something has failed.
    pub(super) fn stopped(&self) -> Option<String> {
        let failed = self.0.iter().find(|row| matches!(row.outcome, Outcome::Failed(_)))?;
        Some(format!("`{}` failed before it", failed.name))
    }

    pub(super) fn failed(&self) -> bool {
        self.stopped().is_some()
    }

    /// Name, result, seconds, and the command or the reason.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        for row in &self.0 {
            let (word, remark) = match &row.outcome {
                Outcome::Passed => ("ok", row.command),
                Outcome::Failed(why) => ("FAILED", why.as_str()),
                Outcome::Skipped(why) => ("did not run", why.as_str()),
            };
            let took = row.took.map(|took| format!("{:.1} s", took.as_secs_f64()));
            let took = took.unwrap_or_default();
            text.push_str(&format!("\n{:<11} {word:<11} {took:>8}  {remark}", row.name));
        }
        text.push('\n');
        text
    }

    /// `N passed, N failed`, and how many did not run.
    pub(super) fn closing_line(&self) -> String {
        let count = |of: fn(&Outcome) -> bool| self.0.iter().filter(|r| of(&r.outcome)).count();
        let passed = count(|outcome| matches!(outcome, Outcome::Passed));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        let rest = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
        format!("{passed} passed, {failed} failed{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::steps::ALL;
    use super::*;

    fn report(outcomes: Vec<Outcome>) -> Report {
        let mut report = Report::default();
        for (step, outcome) in ALL.iter().zip(outcomes) {
            report.add(step, outcome, Some(Duration::from_millis(1250)));
        }
        report
    }

    #[test]
    fn the_closing_line_counts_steps() {
        let good = report(vec![Outcome::Passed, Outcome::Passed]);
        assert_eq!(good.closing_line(), "2 passed, 0 failed");
        assert!(!good.failed());
        let skipped = Outcome::Skipped("not there".into());
        let bad = report(vec![Outcome::Passed, Outcome::Failed("no".into()), skipped]);
        assert_eq!(bad.closing_line(), "1 passed, 1 failed, 1 skipped");
        assert_eq!(bad.stopped(), Some("`clippy` failed before it".into()));
    }

    #[test]
    fn the_table_says_why() {
        let skipped = Outcome::Skipped("there is no binary".into());
        let table =
            report(vec![Outcome::Passed, Outcome::Failed("it hurts".into()), skipped]).table();
        for part in
            ["fmt         ok             1.2 s  cargo fmt", "FAILED", "it hurts", "there is no"]
        {
            assert!(table.contains(part), "{table}");
        }
    }
}
