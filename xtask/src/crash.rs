//! `cargo xtask crash`: the server dies, many times, and nothing it acknowledged is lost.

use crate::arguments::{Arguments, Stop};
use crate::check;
use crate::shell;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask crash [--kills N] [--only kills|positions|images|faults]

  --kills N    deaths of a server process (default 300): half of them at random moments, of the
               program as it is shipped, half at named operations of its disk; besides, the states
               that a loss of power could have left the disk in, which are started without a process
  --only PART  one of the parts
";

/// Above this a run is one for the night: it takes every state of a longer storm, with several
/// losses of each position.
const NIGHT: u64 = 1_000;

/// Kills the server as it is shipped, and the same code on a disk that fails on request.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let kills = arguments.number("--kills")?.unwrap_or(300);
    let part = arguments.value("--only")?;
    arguments.finish()?;
    if !workspace.has_program("crash") {
        return Err(Stop::Because("the suite has no test program `crash` yet".into()));
    }
    shell::run(&mut shell::command(workspace.root(), check::BUILD))?;
    asked(workspace, kills, part.as_deref())?;
    Ok(())
}

/// The same as a step of the check, with the binary that is there.
pub(crate) fn asked(workspace: &Workspace, kills: u64, part: Option<&str>) -> Result<(), String> {
    shell::run(&mut shell::command(workspace.root(), "cargo build --quiet -p counterfoil-disk"))?;
    let line = "cargo test --workspace --test crash -- --nocapture";
    let mut command = shell::command(workspace.root(), line);
    command.args(part);
    command.env("COUNTERFOIL_BINARY", workspace.binary());
    let disk = workspace.metadata().target_directory.join("debug/counterfoil-disk");
    command.env("COUNTERFOIL_DISK_BINARY", disk);
    let night = kills >= NIGHT;
    for (name, value) in [
        ("COUNTERFOIL_KILLS", kills - kills / 2),
        ("COUNTERFOIL_CUTS", kills / 2),
        ("COUNTERFOIL_ANSWERS", if night { 400 } else { 40 }),
        ("COUNTERFOIL_LOSSES", if night { 4 } else { 1 }),
    ] {
        command.env(name, value.to_string());
    }
    shell::say(&format!("{kills} deaths: {line}"));
    shell::run(&mut command)
}
