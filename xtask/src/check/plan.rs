//! Which steps a run has.

use crate::arguments::{Arguments, Stop};

use super::steps::{ALL, Step};

/// The steps of one run, in order.
pub(super) struct Plan(Vec<&'static Step>);

impl Plan {
    /// What the options ask for.
    pub(super) fn of(arguments: &mut Arguments) -> Result<Self, Stop> {
        let fast = arguments.flag("--fast");
        let only = arguments.values("--only")?;
        let from = arguments.value("--from")?;
        if let Some(name) = only.iter().chain(&from).find(|name| named(name).is_none()) {
            let all: Vec<&str> = ALL.iter().map(|step| step.name).collect();
            let known = all.join(", ");
            return Err(Stop::Usage(format!("there is no step `{name}`; there are {known}")));
        }
        let start = from.and_then(|name| named(&name)).unwrap_or_default();
        let wanted = |(at, step): &(usize, &Step)| {
            let listed = only.is_empty() || only.iter().any(|name| name == step.name);
            listed && *at >= start && (step.fast || !fast)
        };
        let chosen: Vec<_> = ALL.iter().enumerate().filter(wanted).collect();
        // A step that asks the binary must not ask one of yesterday.
        let binary = chosen.iter().any(|(_, step)| step.binary);
        let build = |step: &Step| binary && step.name == "build";
        let chosen = |at: usize| chosen.iter().any(|(other, _)| *other == at);
        let steps = ALL.iter().enumerate().filter(|(at, step)| chosen(*at) || build(step));
        let steps: Vec<_> = steps.map(|(_, step)| step).collect();
        if steps.is_empty() {
            return Err(Stop::Usage("these options leave no step to run".into()));
        }
        Ok(Self(steps))
    }

    /// The steps.
    pub(super) fn steps(&self) -> &[&'static Step] {
        &self.0
    }

    /// One line each.
    pub(super) fn list(&self) -> String {
        let line = |step: &&Step| format!("{:<11} {}", step.name, step.command);
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn named(name: &str) -> Option<usize> {
    ALL.iter().position(|step| step.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(line: &str) -> Result<Vec<&'static str>, Stop> {
        let words = line.split_whitespace().map(str::to_owned).collect();
        let plan = Plan::of(&mut Arguments::new(words))?;
        Ok(plan.0.iter().map(|step| step.name).collect())
    }

    #[test]
    fn without_options_every_step_runs() {
        assert_eq!(plan("").unwrap().len(), ALL.len());
        assert_eq!(plan("--fast").unwrap(), ["fmt", "clippy", "tidy", "test"]);
    }

    #[test]
    fn only_and_from_choose() {
        assert_eq!(plan("--only test fmt").unwrap(), ["fmt", "test"]);
        assert_eq!(plan("--only tidy,deny").unwrap(), ["tidy", "deny"]);
        assert_eq!(plan("--from docs").unwrap(), ["build", "docs", "clients", "pages"]);
        assert_eq!(plan("--from deny --fast").unwrap(), ["test"]);
    }

    #[test]
    fn the_binary_is_built_before_it_is_asked() {
        assert_eq!(plan("--only blackbox").unwrap(), ["build", "blackbox"]);
    }

    #[test]
    fn a_plan_of_nothing_is_an_error() {
        assert!(matches!(plan("--only tests"), Err(Stop::Usage(why)) if why.contains("blackbox")));
        assert!(matches!(plan("--only deny --fast"), Err(Stop::Usage(_))));
    }
}
