//! `cargo xtask tidy`: what people forget. A rule is a function from the repository to findings.

mod awaits;
mod backend;
mod catalogues;
mod commits;
mod directions;
mod entries;
mod leftovers;
mod lengths;
mod manifests;
mod openings;
mod pins;
mod places;
mod refusals;
mod rust;
mod secrets;
mod surfaces;
mod tree;

use crate::arguments::{Arguments, Stop};
use crate::shell::say;
use crate::workspace::Workspace;
use tree::{Finding, Tree};

pub(crate) const HELP: &str = "\
Usage: cargo xtask tidy [--only RULE...]

  --only RULE  these rules only; the last lines of a run name all of them

Prints each finding as `path:line: what, and how to mend it`, then how many each rule has.
";

type Rule = fn(&Tree) -> Vec<Finding>;

/// Every rule, in the order in which they are counted.
static RULES: &[(&str, Rule)] = &[
    ("directions", directions::check),
    ("manifests", manifests::check),
    ("openings", openings::check),
    ("leftovers", leftovers::check),
    ("backend", backend::check),
    ("commits", commits::check),
    ("awaits", awaits::check),
    ("secrets", secrets::check),
    ("refusals", refusals::check),
    ("surfaces", surfaces::check),
    ("entries", entries::check),
    ("catalogues", catalogues::check),
    ("pins", pins::check),
    ("places", places::check),
];

/// Runs the rules that were asked for.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let only = arguments.values("--only")?;
    arguments.finish()?;
    let known = |name: &String| RULES.iter().any(|(rule, _)| rule == name);
    if let Some(name) = only.iter().find(|name| !known(name)) {
        return Err(Stop::Usage(format!("tidy has no rule `{name}`")));
    }
    let wanted = |name: &str| only.is_empty() || only.iter().any(|rule| rule == name);
    Ok(some(workspace, wanted)?)
}

/// Runs every rule.
pub(crate) fn all(workspace: &Workspace) -> Result<(), String> {
    some(workspace, |_| true)
}

fn some(workspace: &Workspace, wanted: impl Fn(&str) -> bool) -> Result<(), String> {
    let tree = Tree::read(workspace)?;
    let (mut total, mut counts) = (0, vec![]);
    for (name, rule) in RULES.iter().filter(|(name, _)| wanted(name)) {
        let mut findings = rule(&tree);
        findings.sort();
        for Finding { path, line, what } in &findings {
            say(&format!("{path}:{line}: {what}"));
        }
        total += findings.len();
        counts.push(format!("{name} {}", findings.len()));
    }
    say(&format!("tidy: {} files; {}", tree.files.len(), counts.join(", ")));
    say(&lengths::note(&tree));
    match total {
        0 => Ok(()),
        1 => Err("tidy: 1 finding".into()),
        _ => Err(format!("tidy: {total} findings")),
    }
}
