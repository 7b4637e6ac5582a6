//! `cargo xtask bench`: builds the server as it is shipped and the benchmark, and runs it.

use std::path::Path;
use std::process::Command;

use crate::arguments::{Arguments, Stop};
use crate::check;
use crate::postgres;
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask bench [--quick] [--flow NAME...] [--json] [--rounds N]
                         [--grants N] [--rate PERCENT...] [--peer node-oidc-provider]
                         [--reads] [--store postgres]
                         [--count [--budget FILE] [--floor] [--keep FOLDER]]

  --quick         under three minutes after the build: short windows, 100,000 grants
  --flow NAME     these flows only; `--list` names them
  --json          one object per flow on stdout, the table on stderr
  --rounds N      rounds of each flow (default 3); the middle one counts
  --grants N      growth: flows that read grants, with 100,000 of them and with N
  --rate PERCENT  fixed rates in parts of the peak, such as 50%,80%,120%
  --peer NAME     measures another server too, installed by npm into a temporary folder
  --reads         the read of one grant: on the worker, handed to another thread, from what is kept
  --count         instructions per answer, by callgrind: of the five hottest flows, or of --flow
  --budget FILE   with --count: fails where a flow is off its budget by more than 3 %
  --floor         with --count: those of the floor server too
  --keep FOLDER   with --count: keeps the files of callgrind, for callgrind_annotate
  --store postgres  the server at a PostgreSQL that is started for it: answers a second, and what
                  the processors of both spend on each

Microseconds of the server's processors per answer, every answer checked, every write durable. What
it measures and how: docs/performance.md.
";

const BUILD: &str = "cargo build --release -p counterfoil-bench";
/// Instructions per answer against the budget in the repository.
pub(crate) const COUNT: &str = "cargo xtask bench --count --budget suite/bench/budget.tsv";

/// What counts need not be fast itself: the tests have built all that this is made of.
const BUILD_TO_COUNT: &str = "cargo build --workspace --bin counterfoil-bench";

/// Runs [`COUNT`] on a server that has been built.
pub(crate) fn count(workspace: &Workspace) -> Result<(), String> {
    shell::run(&mut shell::command(workspace.root(), BUILD_TO_COUNT))?;
    let words = COUNT.split(' ').skip(3).map(str::to_owned).collect();
    let bench = workspace.metadata().target_directory.join("debug/counterfoil-bench");
    shell::run(&mut program(workspace, bench.as_std_path(), words))
}

fn program(workspace: &Workspace, bench: &Path, words: Vec<String>) -> Command {
    let mut command = shell::words(workspace.root(), &[&bench.to_string_lossy()]);
    command.args(words).arg("--binary").arg(workspace.binary());
    command
}

/// Measures the server as it is shipped.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let store = arguments.value("--store")?;
    let server = match store.as_deref() {
        None => None,
        Some("postgres") => {
            let programs = postgres::programs(workspace.root())?;
            Some(postgres::Server::start(workspace.root(), &programs)?)
        }
        Some(other) => {
            return Err(Stop::Usage(format!("--store knows postgres, and no `{other}`")));
        }
    };
    shell::run(&mut shell::command(workspace.root(), check::BUILD))?;
    shell::run(&mut shell::command(workspace.root(), BUILD))?;
    let bench = workspace.binary().with_file_name("counterfoil-bench");
    let mut command = program(workspace, &bench, arguments.rest());
    if let Some(server) = &server {
        command.args(["--store", &server.url(), "--postmaster", &server.pid()?]);
    }
    Ok(shell::run(&mut command)?)
}
