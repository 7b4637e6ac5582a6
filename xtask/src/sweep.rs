//! `cargo xtask sweep`: latencies of commits with and without a sweep beside them.

use crate::arguments::{Arguments, Stop};
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask sweep [--records N]

  --records N  expired records that are swept (default 1000000)

A measurement and no check: it says what it finds and never fails because of it.
";

const SWEEP: &str = "cargo run --release -p counterfoil-store --features conformance \
    --config profile.release.lto=false --config profile.release.codegen-units=16 --example sweep --";

/// Measures the store alone, optimised, on the disk of the temporary folder.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let records = arguments.number("--records")?.unwrap_or(1_000_000);
    arguments.finish()?;
    let mut command = shell::command(workspace.root(), SWEEP);
    command.arg(records.to_string());
    Ok(shell::run(&mut command)?)
}
