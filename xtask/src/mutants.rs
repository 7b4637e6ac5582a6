//! `cargo xtask mutants`: one known bug at a time is put into a copy of the workspace, and the tests
//! must see it. A mutant that survives is a hole in the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use crate::arguments::{Arguments, Stop};
use crate::shell::{self, say, timed};
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask mutants [--only TEXT] [--seeds N]

  --only TEXT  mutants whose line in suite/mutants.tsv contains this
  --seeds N    seeds per policy and world of the simulator (default 60)

A mutant that survives, does not fit its file or does not compile fails the run.
";

const LIST: &str = "suite/mutants.tsv";

/// What a build of the tests needs.
static COPIED: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "clippy.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
    ".cargo",
    "crates",
    "docs",
    "suite",
    "xtask",
];

/// The tests that must see a mutant: fast ones first, so that most runs end early.
static TESTS: &[&str] = &[
    "cargo test --offline --quiet -p counterfoil-suite --test decisions",
    "cargo test --offline --quiet -p counterfoil-suite --test sim",
    "cargo test --offline --quiet -p counterfoil-engine --lib",
];

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
struct Mutant<'t> {
    line: usize,
    /// What is wrong.
    what: &'t str,
    /// In which file, named from the root.
    file: &'t str,
    /// This text, which stands there once,
    from: &'t str,
    /// becomes this.
    to: &'t str,
}

/// What became of a mutant.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// By so many tests of one program; the first of them, and what it said.
    Caught(String),
    Survived,
    /// It does not fit its file, or does not compile: the list is wrong.
    Invalid(String),
}

/// Every mutant of the list, one after the other.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let only = arguments.value("--only")?;
    let seeds = arguments.number("--seeds")?.unwrap_or(60);
    arguments.finish()?;
    let text = fs::read_to_string(workspace.path(LIST)).map_err(|e| format!("{LIST}: {e}"))?;
    let mut mutants = parse(&text)?;
    mutants.retain(|mutant| only.as_deref().is_none_or(|only| mutant.mentions(only)));
    if mutants.is_empty() {
        return Err(Stop::Usage("no mutant of the list is meant by that".into()));
    }
    let copy = Copy::of(workspace, seeds)?;
    let (mut bad, mut spent) = (vec![], Duration::ZERO);
    for (done, mutant) in mutants.iter().enumerate() {
        let (verdict, took) = timed(|| copy.judge(mutant));
        spent += took;
        let left = spent / (done as u32 + 1) * (mutants.len() - done - 1) as u32;
        let (number, all) = (done + 1, mutants.len());
        let minutes = left.as_secs().div_ceil(60);
        say(&format!("{number}/{all}  {}: {}  ({minutes} min left)", mutant.what, verdict.text()));
        if !matches!(verdict, Verdict::Caught(_)) {
            bad.push(format!("{LIST}:{}: {}: {}", mutant.line, mutant.what, verdict.text()));
        }
    }
    say(&format!("\n{} of {} mutants caught", mutants.len() - bad.len(), mutants.len()));
    bad.iter().for_each(|line| say(line));
    if bad.is_empty() { Ok(()) } else { Err(Stop::Told) }
}

/// Four columns with a tab between them; `#` begins a comment.
fn parse(text: &str) -> Result<Vec<Mutant<'_>>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    let mutant = |(number, line): (usize, &'_ str)| match line.split('\t').collect::<Vec<_>>()[..] {
        [_, _, from, to] if from == to => Err(format!("{LIST}:{}: changes nothing", number + 1)),
        [what, file, from, to] if ![what, file, from].contains(&"") => Ok((number + 1, what, file, from, to)),
        _ => Err(format!("{LIST}:{}: what, file, from, to, with tabs between", number + 1)),
    };
    let mut mutants = vec![];
    for found in lines {
        let (line, what, file, from, to) = mutant(found).map(|(line, ..)| {
            let columns: Vec<&str> = found.1.split('\t').collect();
            (line, columns[0], columns[1], columns[2], columns[3])
        })?;
        mutants.push(Mutant { line, what, file, from, to });
    }
    Ok(mutants)
}
