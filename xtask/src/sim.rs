//! `cargo xtask sim`: the simulator with many seeds, optimised.

use crate::arguments::{Arguments, Stop};
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask sim [--seeds N]

  --seeds N  seeds per policy and world (default 5000)
";

/// Without link-time optimisation: the run is longer than the build only with very many seeds.
const SIM: &str = "cargo test --release --workspace --test sim \
    --config profile.release.lto=false --config profile.release.codegen-units=16 --target-dir";

/// Builds into a folder of its own: the number of seeds is compiled in.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let seeds = arguments.number("--seeds")?.unwrap_or(5000);
    arguments.finish()?;
    if !workspace.has_program("sim") {
        return Err(Stop::Because("the suite has no test program `sim` yet".into()));
    }
    let folder = workspace.metadata().target_directory.join("sim");
    let mut command = shell::command(workspace.root(), SIM);
    command.arg(folder).args(["--", "--nocapture"]).env("SEEDS", seeds.to_string());
    shell::say(&format!("SEEDS={seeds} {}", shell::shown(&command)));
    Ok(shell::run(&mut command)?)
}
