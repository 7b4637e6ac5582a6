//! `cargo xtask check`: every step that guards the project, in order, until one fails.

mod plan;
mod report;
mod steps;

use crate::arguments::{Arguments, Stop};
use crate::shell::{say, timed};
use crate::workspace::Workspace;

use plan::Plan;
use report::Report;
pub(crate) use steps::BUILD;
use steps::Outcome;

pub(crate) const HELP: &str = "\
Usage: cargo xtask check [--fast] [--list] [--only STEP...] [--from STEP]

  --list       the steps and what each of them runs
  --fast       leaves out `deny`, `advisories`, `build` and what comes after it
  --only STEP  these steps only; `build` comes along where the binary is needed
  --from STEP  this step and those after it

Stops at the first failure, says what did not run, and ends with 1.
";

/// Runs the plan that was asked for.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let list = arguments.flag("--list");
    let plan = Plan::of(&mut arguments)?;
    arguments.finish()?;
    if list {
        say(&plan.list());
        return Ok(());
    }
    let mut report = Report::default();
    for step in plan.steps() {
        if let Some(why) = report.stopped() {
            report.add(step, Outcome::Skipped(why), None);
            continue;
        }
        say(&format!("\n== {}: {}", step.name, step.command));
        let (outcome, took) = timed(|| step.run(workspace));
        say(&format!("== {}: {}, {:.1} s", step.name, outcome.in_words(), took.as_secs_f64()));
        report.add(step, outcome, Some(took));
    }
    say(&report.table());
    say(&report.closing_line());
    if report.failed() { Err(Stop::Told) } else { Ok(()) }
}
