//! `cargo xtask mutants`: one known bug at a time is put into a copy of the workspace, and the tests
//! must see it. A mutant that survives is a hole in the tests.

mod copy;
mod list;

use std::time::Duration;

use crate::arguments::{Arguments, Stop};
use crate::shell::{say, timed};
use crate::workspace::Workspace;

use copy::Copy;
use list::{CRASH_LIST, LIST, Mutant, WIRE_LIST};

pub(crate) const HELP: &str = "\
Usage: cargo xtask mutants [--crash|--wire] [--only TEXT...] [--test NAME] [--seeds N]

  --crash      those of suite/crash/mutants.tsv, which the crash harness must see
  --wire       those of suite/mutants-wire.tsv, which the tables and flows must see

  --only TEXT  mutants whose line in the list contains this
  --test NAME  one test program of the suite alone: how much does the simulator see by itself?
  --seeds N    seeds per policy and world of the simulator (default 60)

A mutant that survives, does not fit its file, or does not compile fails the run.
";

/// What became of a mutant.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// By this test first.
    Caught(String),
    Survived,
    /// It does not fit its file, or does not compile: the list is wrong.
    Invalid(String),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Caught(by) => write!(f, "caught by {by}"),
            Self::Survived => f.write_str("SURVIVED"),
            Self::Invalid(why) => write!(f, "INVALID: {why}"),
        }
    }
}

/// Every mutant of the list, one after the other.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let only = arguments.values("--only")?;
    let (crash, wire) = (arguments.flag("--crash"), arguments.flag("--wire"));
    let program = arguments.value("--test")?;
    let seeds = arguments.number("--seeds")?.unwrap_or(60);
    arguments.finish()?;
    let (list, program) = match (crash, wire) {
        (false, false) => (LIST, program),
        (true, false) => (CRASH_LIST, Some("crash".to_owned())),
        (false, true) => (WIRE_LIST, Some("protocol".to_owned())),
        (true, true) => return Err(Stop::Usage("--crash and --wire have a list each".into())),
    };
    let text = std::fs::read_to_string(workspace.path(list));
    let text = text.map_err(|e| format!("{list}: {e}"))?;
    let mut mutants = list::parse(&text)?;
    let meant = |mutant: &Mutant<'_>| only.iter().any(|text| mutant.mentions(text));
    mutants.retain(|mutant| only.is_empty() || meant(mutant));
    if mutants.is_empty() {
        return Err(Stop::Usage("no line of the list contains that".into()));
    }
    let copy = Copy::of(workspace, program.as_deref(), seeds)?;
    copy.is_sound()?;
    let (mut bad, mut spent) = (vec![], Duration::ZERO);
    for (n, mutant) in mutants.iter().enumerate() {
        let (verdict, took) = timed(|| copy.judge(mutant));
        let verdict = verdict?;
        spent += took;
        say(&line(mutant, &verdict, (n + 1, mutants.len()), spent));
        if !matches!(verdict, Verdict::Caught(_)) {
            bad.push(format!("{list}:{}: {}: {verdict}", mutant.line, mutant.what));
        }
    }
    say(&format!("\n{} of {} mutants caught", mutants.len() - bad.len(), mutants.len()));
    bad.iter().for_each(|line| say(line));
    if bad.is_empty() { Ok(()) } else { Err(Stop::Told) }
}

/// Where we are, and how long the rest takes if it goes on like this.
fn line(
    mutant: &Mutant<'_>,
    verdict: &Verdict,
    (done, all): (usize, usize),
    spent: Duration,
) -> String {
    let left_s = spent.as_secs_f64() / done as f64 * (all - done) as f64;
    let minutes = (left_s / 60.0).ceil();
    format!("{done}/{all}  {}: {verdict}  ({minutes} min left)", mutant.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_what_is_left() {
        let mutant = Mutant { line: 1, what: "a bug", file: "a.rs", from: "a", to: "b" };
        let caught = Verdict::Caught("a_test".into());
        let spent = Duration::from_secs(90);
        assert_eq!(
            line(&mutant, &caught, (3, 9), spent),
            "3/9  a bug: caught by a_test  (3 min left)"
        );
        assert!(line(&mutant, &Verdict::Survived, (9, 9), spent).ends_with("(0 min left)"));
    }
}
