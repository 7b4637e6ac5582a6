//! `cargo xtask drill`: a database of three machines under Patroni, two servers of ours on it, clients at
//! work, and the machine that takes writes dies.

use std::fs;
use std::path::Path;

use crate::arguments::{Arguments, Stop};
use crate::check;
use crate::postgres;
use crate::shell;
use crate::tools::{self, ETCD, PYTHON};
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask drill [--kills N]

  --kills N  how often the machine that takes writes dies under load (default 2)

Installs PostgreSQL and etcd from Debian where they are missing, and Patroni from PyPI into a
temporary folder. Prints what was acknowledged, what of it was lost, what was spent twice, and how
long nothing was written. Three to five minutes; never part of the check.
";

const BUILD: &str = "cargo test --workspace --no-run --quiet --test drill";
const DRILL: &str = "cargo test --workspace --test drill -- --nocapture";

/// Prepares the tools, then lets the suite's program `drill` do it.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let kills = arguments.number("--kills")?.unwrap_or(2);
    arguments.finish()?;
    let root = workspace.root();
    let programs = postgres::programs(root)?;
    tools::ensure(root, &ETCD)?;
    tools::ensure(root, &PYTHON)?;
    shell::run(&mut shell::command(root, check::BUILD))?;
    shell::run(&mut shell::command(root, BUILD))?;
    let folder = std::env::temp_dir().join(format!("counterfoil-drill-{}", std::process::id()));
    fs::create_dir(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let done = patroni(workspace, &folder).and_then(|()| {
        let mut command = shell::command(root, DRILL);
        command.env("COUNTERFOIL_BINARY", workspace.binary());
        command.env("COUNTERFOIL_POSTGRES_PROGRAMS", &programs);
        command.env("COUNTERFOIL_DRILL", &folder);
        command.env("COUNTERFOIL_KILLS", kills.to_string());
        shell::run(&mut command)
    });
    match &done {
        Ok(()) => drop(fs::remove_dir_all(&folder)),
        Err(_) => shell::say(&format!("what the cluster said is in {}", folder.display())),
    }
    Ok(done?)
}

/// In the folder of the drill and from the system's own Python, because PostgreSQL's user must be able to
/// read both.
fn patroni(workspace: &Workspace, folder: &Path) -> Result<(), String> {
    shell::run(&mut shell::command(folder, "/usr/bin/python3 -m venv venv"))?;
    let mut fill = shell::command(folder, "venv/bin/python -m pip install --quiet --requirement");
    fill.arg(workspace.path("suite/drill/requirements.txt"));
    shell::run(&mut fill)
}
