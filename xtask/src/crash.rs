//! `cargo xtask crash`: the real binary is killed under load, and nothing it acknowledged is lost.

use crate::arguments::{Arguments, Stop};
use crate::check;
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask crash [--kills N]

  --kills N  how often the server is killed (default 200)
";

/// Kills the server as it is shipped.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let kills = arguments.number("--kills")?.unwrap_or(200);
    arguments.finish()?;
    if !workspace.has_program("crash") {
        return Err(Stop::Because("the suite has no test program `crash` yet".into()));
    }
    shell::run(&mut shell::command(workspace.root(), check::BUILD))?;
    let line = "cargo test --workspace --test crash -- --nocapture";
    let mut command = shell::command(workspace.root(), line);
    command.env("COUNTERFOIL_BINARY", workspace.binary());
    command.env("COUNTERFOIL_KILLS", kills.to_string());
    shell::say(&format!("COUNTERFOIL_KILLS={kills} {line}"));
    Ok(shell::run(&mut command)?)
}
