//! The steps: name, command, and what they need.

use std::path::Path;

use crate::bench;
use crate::postgres;
use crate::shell;
use crate::tidy;
use crate::tools::{self, node, python};
use crate::workspace::Workspace;

/// The server as it is shipped.
pub(crate) const BUILD: &str = "cargo build --release -p counterfoil-server";

/// Test programs of that name, of the store and of the suite.
const POSTGRES: &str = "cargo test --workspace --test postgres";

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Well.
    Passed,
    /// For this reason.
    Failed(String),
    /// It could not be asked, for this reason.
    Skipped(String),
}

impl From<Result<(), String>> for Outcome {
    fn from(done: Result<(), String>) -> Self {
        done.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

impl Outcome {
    /// For the line below a step.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Passed => "ok".into(),
            Self::Failed(why) => format!("FAILED: {why}"),
            Self::Skipped(why) => format!("did not run: {why}"),
        }
    }
}

/// One step.
pub(super) struct Step {
    pub(super) name: &'static str,
    /// What it runs, as one would type it.
    pub(super) command: &'static str,
    /// Whether `--fast` has it.
    pub(super) fast: bool,
    /// Whether it asks the binary that `build` makes.
    pub(super) binary: bool,
    action: Action,
}

/// How a step is run.
enum Action {
    /// Its command, as it stands.
    Command,
    /// Its command, once the suite has this test program.
    Program(&'static str),
    /// Our own code.
    Own(fn(&Workspace) -> Outcome),
}

/// Every step, in order. `cargo test` is always asked for the whole workspace: then every run has
/// the same features, and nothing is built twice.
pub(super) static ALL: &[Step] = &[
    quick("fmt", "cargo fmt --all --check", Action::Command),
    quick("clippy", "cargo clippy --workspace --all-targets -- -D warnings", Action::Command),
    quick("tidy", "cargo xtask tidy", Action::Own(tidy)),
    Step {
        fast: false,
        ..quick("deny", "cargo deny check bans licenses sources", Action::Own(deny))
    },
    Step {
        fast: false,
        ..quick("advisories", "cargo deny check advisories", Action::Own(advisories))
    },
    quick("test", "cargo test --workspace", Action::Command),
    Step { fast: false, ..quick("build", BUILD, Action::Command) },
    with_binary("postgres", POSTGRES, Action::Own(postgres)),
    with_binary("blackbox", "cargo test --workspace --test blackbox", Action::Program("blackbox")),
    with_binary("instructions", bench::COUNT, Action::Own(instructions)),
    with_binary("crash", "cargo xtask crash --kills 300", Action::Own(crash)),
    with_binary("docs", "cargo test --workspace --test docs", Action::Program("docs")),
    with_binary("clients", "node suite/clients/run.mjs", Action::Own(clients)),
    with_binary("pages", "node suite/pages/run.mjs", Action::Own(pages)),
];

const fn quick(name: &'static str, command: &'static str, action: Action) -> Step {
    Step { name, command, fast: true, binary: false, action }
}

const fn with_binary(name: &'static str, command: &'static str, action: Action) -> Step {
    Step { name, command, fast: false, binary: true, action }
}

impl Step {
    /// Runs it; what it prints is seen.
    pub(super) fn run(&self, workspace: &Workspace) -> Outcome {
        match self.action {
            Action::Own(run) => run(workspace),
            Action::Program(name) if !workspace.has_program(name) => {
                Outcome::Skipped(format!("the suite has no test program `{name}` yet"))
            }
            Action::Program(_) | Action::Command => {
                let mut command = shell::command(workspace.root(), self.command);
                if self.binary {
                    command.env("COUNTERFOIL_BINARY", workspace.binary());
                }
                shell::run(&mut command).into()
            }
        }
    }
}

fn tidy(workspace: &Workspace) -> Outcome {
    tidy::all(workspace).into()
}

/// Needs no network once cargo-deny is there.
fn deny(workspace: &Workspace) -> Outcome {
    let line = "cargo deny check bans licenses sources";
    let ready = tools::ensure(workspace.root(), &tools::CARGO_DENY);
    ready.and_then(|_| shell::run(&mut shell::command(workspace.root(), line))).into()
}

/// The database of advisories is a repository; where it cannot be had, that is said, and no more.
fn advisories(workspace: &Workspace) -> Outcome {
    if let Err(why) = tools::ensure(workspace.root(), &tools::CARGO_DENY) {
        return Outcome::Failed(why);
    }
    let mut fetch = shell::command(workspace.root(), "timeout 60 cargo deny fetch db");
    if shell::told(&mut fetch).is_none() {
        return Outcome::Skipped("the advisory database cannot be fetched from here".into());
    }
    let line = "cargo deny check --disable-fetch advisories";
    shell::run(&mut shell::command(workspace.root(), line)).into()
}

/// The store at a server, and two of our servers on it. Where there is no PostgreSQL and none can be
/// installed, that is said, and no more.
fn postgres(workspace: &Workspace) -> Outcome {
    let programs = match postgres::programs(workspace.root()) {
        Ok(programs) => programs,
        Err(why) => return Outcome::Skipped(format!("no PostgreSQL: {why}")),
    };
    let server = match postgres::Server::start(workspace.root(), &programs) {
        Ok(server) => server,
        Err(why) => return Outcome::Failed(why),
    };
    // Left out of every other run, so looked at here.
    let lints = "cargo clippy --workspace --test postgres -- -D warnings";
    if let Err(why) = shell::run(&mut shell::command(workspace.root(), lints)) {
        return Outcome::Failed(why);
    }
    let mut command = shell::command(workspace.root(), POSTGRES);
    command.env("COUNTERFOIL_BINARY", workspace.binary());
    command.env("COUNTERFOIL_POSTGRES", server.url());
    command.env("COUNTERFOIL_POSTGRES_PROGRAMS", &programs);
    shell::run(&mut command).into()
}

/// Deaths of the server: at random moments, and at named operations of its disk.
fn crash(workspace: &Workspace) -> Outcome {
    crate::crash::asked(workspace, 300, None).into()
}

/// What the hottest flows cost, against the budget; valgrind is no part of a toolchain.
fn instructions(workspace: &Workspace) -> Outcome {
    if shell::told(&mut shell::command(workspace.root(), "valgrind --version")).is_none() {
        let how = "valgrind is not here: run `sudo apt-get install valgrind`";
        return Outcome::Skipped(how.into());
    }
    bench::count(workspace).into()
}

/// Client libraries of others, unchanged, against the binary.
fn clients(workspace: &Workspace) -> Outcome {
    with_runner(workspace, "suite/clients", |folder| {
        node::packages(workspace.root(), folder)?;
        python::environments(workspace.root(), folder)
    })
}

/// The pages in a real browser.
fn pages(workspace: &Workspace) -> Outcome {
    with_runner(workspace, "suite/pages", |folder| {
        tools::ensure(workspace.root(), &tools::CHROMIUM)?;
        node::packages(workspace.root(), folder)
    })
}

/// Prepares the folder, then runs its `run.mjs` with where to find things.
fn with_runner(
    workspace: &Workspace,
    name: &str,
    prepare: impl FnOnce(&Path) -> Result<(), String>,
) -> Outcome {
    let folder = workspace.path(name);
    let runner = format!("{name}/run.mjs");
    if !workspace.path(&runner).exists() {
        return Outcome::Skipped(format!("there is no {runner} yet"));
    }
    if let Err(why) = prepare(&folder) {
        return Outcome::Failed(why);
    }
    let mut command = shell::command(workspace.root(), &format!("node {runner}"));
    command.arg("--binary").arg(workspace.binary());
    command.env("COUNTERFOIL_BINARY", workspace.binary());
    if let Some(chromium) = tools::chromium(workspace.root()) {
        command.env("COUNTERFOIL_CHROMIUM", chromium);
    }
    shell::run(&mut command).into()
}
