//! `cargo xtask bench`: builds the server as it is shipped and the benchmark, and runs it.

use crate::arguments::{Arguments, Stop};
use crate::check;
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask bench [--quick] [--flow NAME...] [--json] [--rounds N]
                         [--grants N] [--rate PERCENT...] [--peer node-oidc-provider]

  --quick         under three minutes after the build: short windows, 100,000 grants
  --flow NAME     these flows only; `--list` names them
  --json          one object per flow on stdout, the table on stderr
  --rounds N      rounds of each flow (default 3); the middle one counts
  --grants N      growth: flows that read grants, with 100,000 of them and with N
  --rate PERCENT  fixed rates in parts of the peak, such as 50%,80%,120%
  --peer NAME     measures another server too, installed by npm into a temporary folder

Microseconds of the server's processors per answer, every answer checked, every write durable. What
it measures and how: docs/performance.md.
";

const BUILD: &str = "cargo build --release -p counterfoil-bench";

/// Measures the server as it is shipped.
pub(crate) fn run(workspace: &Workspace, arguments: Arguments) -> Result<(), Stop> {
    shell::run(&mut shell::command(workspace.root(), check::BUILD))?;
    shell::run(&mut shell::command(workspace.root(), BUILD))?;
    let program = workspace.binary().with_file_name("counterfoil-bench");
    let mut command = shell::words(workspace.root(), &[&program.to_string_lossy()]);
    command.args(arguments.rest()).arg("--binary").arg(workspace.binary());
    Ok(shell::run(&mut command)?)
}
