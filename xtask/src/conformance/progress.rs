//! Runs plans, several at once, module by module, and says how each ends.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::Value;

use super::judge::{Expectations, Outcome, Verdict};
use super::suite::{Module, Suite};
use crate::shell::{say, timed};

/// How often we ask for the end of a module, half a minute each: the longest sleeps 90 s.
const POLLS_MAX: u32 = 8;

/// Modules in a row that may stay without an end before the plan is given up.
const UNFINISHED_MAX: usize = 3;

/// A run with its configuration.
pub(super) struct Prepared {
    pub(super) name: String,
    pub(super) plan: &'static str,
    pub(super) variant: Value,
    pub(super) configuration: Value,
}

/// What is asked of every run.
pub(super) struct Runner<'a> {
    pub(super) suite: &'a Suite,
    pub(super) expected: &'a Expectations,
    /// Where the logs of what did not pass are kept.
    pub(super) logs: PathBuf,
    /// Only these modules, if there are any.
    pub(super) modules: Vec<String>,
    /// Plans at once.
    pub(super) jobs: usize,
}

/// A run that came to its end.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) name: String,
    pub(super) plan: &'static str,
    pub(super) variant: Value,
    /// The day of its first module, by the suite's clock.
    pub(super) day: String,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) complaints: Vec<String>,
}

impl Finished {
    /// How many of its modules ended how.
    pub(super) fn counts(&self) -> String {
        let count = |verdict| self.outcomes.iter().filter(|one| one.verdict == verdict).count();
        let all = Verdict::ALL.iter().map(|verdict| (verdict.name(), count(*verdict)));
        let some = all.filter(|(_, count)| *count > 0);
        let parts: Vec<String> = some.map(|(name, count)| format!("{count} {name}")).collect();
        parts.join(", ")
    }
}

impl Runner<'_> {
    /// Runs all of them. An error is one of the suite or of the way to it.
    pub(super) fn all(&self, runs: Vec<Prepared>) -> Result<Vec<Finished>, String> {
        let jobs = self.jobs.min(runs.len());
        let queue = Mutex::new(runs.into_iter().enumerate().collect::<VecDeque<_>>());
        let take = || queue.lock().ok()?.pop_front();
        let work = || {
            let mut done = vec![];
            while let Some((at, run)) = take() {
                done.push((at, self.one(run)));
            }
            done
        };
        let done = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            let joined = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.collect::<Result<Vec<_>, _>>()
        })
        .map_err(|_| "a run ended in a panic".to_owned())?;
        let mut done: Vec<_> = done.into_iter().flatten().collect();
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, finished)| finished).collect()
    }

    /// Runs one plan.
    fn one(&self, run: Prepared) -> Result<Finished, String> {
        let told = |why: String| format!("{}: {why}", run.name);
        let created =
            self.suite.create(run.plan, &run.variant, &run.configuration).map_err(told)?;
        let wanted = |module: &&Module| {
            self.modules.is_empty() || self.modules.iter().any(|part| module.name.contains(part))
        };
        let modules: Vec<&Module> = created.modules.iter().filter(wanted).collect();
        let mut finished = Finished {
            name: run.name,
            plan: run.plan,
            variant: run.variant,
            day: String::new(),
            outcomes: vec![],
            complaints: vec![],
        };
        for (at, module) in modules.iter().enumerate() {
            let counted = format!("{:>3}/{}", at + 1, modules.len());
            self.module(&created.id, module, &counted, &mut finished)?;
            let last = finished.outcomes.iter().rev().take(UNFINISHED_MAX);
            let unfinished = last.filter(|one| one.verdict == Verdict::Unfinished).count();
            if unfinished == UNFINISHED_MAX {
                let why = format!("given up: {UNFINISHED_MAX} modules in a row did not end");
                say(&format!("{}: {why}", finished.name));
                finished.complaints.push(why);
                break;
            }
        }
        Ok(finished)
    }

    /// Runs one module, says how it ended and keeps what is needed to see why.
    fn module(
        &self,
        plan: &str,
        module: &Module,
        counted: &str,
        finished: &mut Finished,
    ) -> Result<(), String> {
        let run = finished.name.clone();
        let (id, took) = timed(|| -> Result<String, String> {
            let id = self.suite.start(plan, module)?;
            for _ in 0..POLLS_MAX {
                if self.suite.ended(&id)? {
                    break;
                }
            }
            Ok(id)
        });
        let id = id?;
        let info = self.suite.info(&id)?;
        let passed = info.status == "FINISHED" && info.result == "PASSED";
        let log = if passed { vec![] } else { self.suite.log(&id)? };
        let outcome = Outcome::of(&run, &module.name, &info.status, &info.result, &log);
        if finished.day.is_empty() {
            finished.day = info.day;
        }
        let complaint = self.expected.complaint(&outcome);
        let mut line = format!(
            "{run} {counted}  {}  {} {:.1} s",
            module.name,
            outcome.verdict.name(),
            took.as_secs_f64()
        );
        if let Some(why) = &complaint {
            line.push_str(&format!("  <- {why}"));
        } else if let Some(reason) = self.expected.reason(&outcome) {
            line.push_str(&format!("  as expected: {reason}"));
        }
        if outcome.verdict == Verdict::Unfinished {
            self.suite.stop(&id)?;
        }
        if !passed {
            let kept = self.keep(&run, &module.name, &log)?;
            line.push_str(&format!("\n    log: {}", kept.display()));
        }
        say(&line);
        finished.complaints.extend(complaint.map(|why| format!("{}: {why}", module.name)));
        finished.outcomes.push(outcome);
        Ok(())
    }

    fn keep(&self, run: &str, module: &str, log: &[Value]) -> Result<PathBuf, String> {
        let folder = self.logs.join(run);
        let file = folder.join(format!("{module}.json"));
        let told = |e: std::io::Error| format!("{}: {e}", file.display());
        fs::create_dir_all(&folder).map_err(told)?;
        let text = serde_json::to_string_pretty(log).map_err(|e| e.to_string())?;
        fs::write(&file, text).map_err(told)?;
        Ok(file)
    }
}
