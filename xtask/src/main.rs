//! Everything that guards the project, as one program: `cargo xtask check` and its parts.

mod arguments;
mod shell;
mod workspace;
mod check;
mod tidy;
mod tools;
mod sim;
mod mutants;
mod crash;
mod fuzz;
mod sweep;
mod postgres;
mod drill;
mod conformance;
mod bench;

use std::process::ExitCode;

use arguments::{Arguments, Stop};
use shell::say;
use workspace::Workspace;

/// One verb of `cargo xtask`.
struct Verb {
    name: &'static str,
    /// One line, for the list of verbs.
    about: &'static str,
    /// What `--help` prints.
    help: &'static str,
    run: fn(&Workspace, Arguments) -> Result<(), Stop>,
}

/// Every verb, in the order in which a newcomer meets them.
static VERBS: &[Verb] = &[
    Verb {
        name: "check",
        about: "everything that guards the project, in order; stops at the first failure",
        help: check::HELP,
        run: check::run,
    },
    Verb {
        name: "tidy",
        about: "what people forget: crate directions, reasons, pages, tables, leftovers",
        help: tidy::HELP,
        run: tidy::run,
    },
    Verb {
        name: "tools",
        about: "installs what the checks need beyond a Rust toolchain, or says how to",
        help: tools::HELP,
        run: tools::run,
    },
    Verb {
        name: "sim",
        about: "the simulator, optimised, with many seeds",
        help: sim::HELP,
        run: sim::run,
    },
    Verb {
        name: "mutants",
        about: "one known bug at a time, which the tests must see",
        help: mutants::HELP,
        run: mutants::run,
    },
    Verb {
        name: "crash",
        about: "deaths of the server under load, many times, and a disk that fails on request",
        help: crash::HELP,
        run: crash::run,
    },
    Verb {
        name: "fuzz",
        about: "every parser of what strangers send, under libFuzzer",
        help: fuzz::HELP,
        run: fuzz::run,
    },
    Verb {
        name: "sweep",
        about: "what sweeping a million expired records costs those who commit meanwhile",
        help: sweep::HELP,
        run: sweep::run,
    },
    Verb {
        name: "drill",
        about: "the machine of the database that takes writes dies under load",
        help: drill::HELP,
        run: drill::run,
    },
    Verb {
        name: "conformance",
        about: "the OpenID Foundation's suite, which runs beside us, against a sandbox",
        help: conformance::HELP,
        run: conformance::run,
    },
    Verb {
        name: "bench",
        about: "what every flow costs, beside a floor server that does nothing else",
        help: bench::HELP,
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let name = if words.is_empty() { "--help".to_owned() } else { words.remove(0) };
    match dispatch(&name, Arguments::new(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Told) => ExitCode::FAILURE,
        Err(Stop::Because(why)) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
        Err(Stop::Usage(why)) => {
            eprintln!("xtask: {why}; `cargo xtask --help` lists what there is");
            ExitCode::from(2)
        }
    }
}

fn dispatch(name: &str, mut arguments: Arguments) -> Result<(), Stop> {
    if matches!(name, "--help" | "-h" | "help") {
        say(&overview());
        return Ok(());
    }
    let verb = VERBS.iter().find(|verb| verb.name == name);
    let verb = verb.ok_or_else(|| Stop::Usage(format!("there is no command `{name}`")))?;
    if arguments.flag("--help") || arguments.flag("-h") {
        say(verb.help.trim_end());
        return Ok(());
    }
    (verb.run)(&Workspace::here()?, arguments)
}

fn overview() -> String {
    let mut text = String::from("Usage: cargo xtask COMMAND [OPTIONS]\n\n");
    for verb in VERBS {
        text.push_str(&format!("  {:<11} {}\n", verb.name, verb.about));
    }
    text.push_str("\n`cargo xtask COMMAND --help` says more.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_explains_itself_in_short() {
        for verb in VERBS {
            let usage = format!("Usage: cargo xtask {}", verb.name);
            assert!(verb.help.contains(&usage), "{}", verb.name);
            assert!(verb.help.lines().all(|line| line.len() <= 100), "{}", verb.name);
            assert!(overview().contains(verb.about));
        }
    }

    #[test]
    fn an_unknown_verb_is_an_error_of_the_caller() {
        let stop = dispatch("chekc", Arguments::new(vec![]));
        assert!(matches!(stop, Err(Stop::Usage(why)) if why.contains("chekc")));
    }
}
