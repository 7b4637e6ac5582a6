//! `cargo xtask conformance`: drives a running conformance suite of the OpenID Foundation against a
//! fresh sandbox.

mod browser;
mod clients;
mod configuration;
mod judge;
mod keys;
mod plans;
mod progress;
mod report;
mod sandbox;
mod suite;
#[cfg(test)]
mod stand_in;

use std::fs;
use std::path::PathBuf;

use configuration::Maker;
use judge::Expectations;
use plans::Run;
use progress::{Finished, Runner};
use sandbox::Sandbox;
use suite::Suite;

use crate::arguments::{Arguments, Stop};
use crate::shell::say;
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask conformance --suite URL [OPTIONS]

Runs plans of the OpenID Foundation's conformance suite against a fresh sandbox, one result at a
time, and compares them with suite/conformance/expected.toml. What is not expected there fails, a
pass that is not expected too. The suite is not part of this project: start it on this machine, in
developer mode, and name its address. Logs of what did not pass: target/conformance/logs.
Writes docs/conformance.md for plans that were run as a whole.

  --suite URL          where the suite answers, such as https://localhost:8443
  --plan NAME...       these plans; `fapi2-ms*` means all that begin so
  --smoke              one combination of each plan (this, when nothing else is said)
  --all                every combination
  --list               the names of the plans, and nothing else
  --module PART...     only modules with this in their name; nothing is written then
  --jobs N             plans at once [default: 2]
  --trust FILE         the authority (PEM) of the suite's certificate: some plans have us call it
  --binary FILE        the server [default: target/release/counterfoil]
";

/// Plans at once when nobody says: the suite and the server share the machine.
const JOBS: u64 = 2;

pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let names = arguments.values("--plan")?;
    let (all, smoke) = (arguments.flag("--all"), arguments.flag("--smoke"));
    let list = arguments.flag("--list");
    let address = arguments.value("--suite")?;
    let modules = arguments.values("--module")?;
    let jobs = arguments.number("--jobs")?.unwrap_or(JOBS);
    let binary = arguments.value("--binary")?;
    let trust = arguments.value("--trust")?.map(PathBuf::from);
    arguments.finish()?;
    if usize::from(!names.is_empty()) + usize::from(all) + usize::from(smoke) > 1 {
        return Err(Stop::Usage("--plan, --smoke and --all exclude each other".into()));
    }
    let chosen: Vec<Run> = if !names.is_empty() {
        plans::named(&names).map_err(Stop::Usage)?
    } else {
        plans::all().into_iter().filter(|run| all || run.smoke || (list && !smoke)).collect()
    };
    if list {
        chosen.iter().for_each(|run| say(&run.name));
        return Ok(());
    }
    let address = address.ok_or_else(|| Stop::Usage("--suite needs an address".into()))?;

    let suite = Suite::at(&address)?;
    let version = suite.version()?;
    let expected = expectations(workspace)?;
    let folder = workspace.target().join("conformance");
    let logs = folder.join("logs");
    let told = |e: std::io::Error| format!("{}: {e}", logs.display());
    if logs.exists() {
        fs::remove_dir_all(&logs).map_err(told)?;
    }
    fs::create_dir_all(&logs).map_err(told)?;
    let binary = binary.map_or_else(|| workspace.binary(), PathBuf::from);
    let mut sandbox = Sandbox::start(&binary, trust.as_deref(), &folder.join("sandbox.log"))?;
    let maker = Maker { suite: &suite, sandbox: &sandbox };
    let prepared = chosen.iter().map(|run| maker.prepare(run)).collect::<Result<Vec<_>, _>>()?;

    let whole = modules.is_empty();
    let jobs = usize::try_from(jobs).unwrap_or(usize::MAX);
    let runner = Runner { suite: &suite, expected: &expected, logs, modules, jobs };
    let finished = runner.all(prepared)?;
    sandbox.still_runs()?;
    drop(sandbox);
    if whole {
        write(workspace, &finished, &version)?;
    }
    verdict(&expected, &finished, whole)
}

fn expectations(workspace: &Workspace) -> Result<Expectations, String> {
    let path = workspace.path("suite/conformance/expected.toml");
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Expectations::parse(&text).map_err(|why| format!("{}: {why}", path.display()))
}

fn write(workspace: &Workspace, finished: &[Finished], version: &str) -> Result<(), String> {
    let path = workspace.path("docs/conformance.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let names: Vec<String> = plans::all().into_iter().map(|run| run.name).collect();
    let page = report::page(&before, &names, finished, version);
    fs::write(&path, page).map_err(|e| format!("{}: {e}", path.display()))
}

/// Says what is wrong, run by run.
fn verdict(expected: &Expectations, finished: &[Finished], whole: bool) -> Result<(), Stop> {
    let mut complaints = 0;
    for run in finished {
        let counts = run.counts();
        say(&format!("{}: {counts}", run.name));
        let runs = [run.name.clone()];
        let unmet = if whole { expected.unmet(&runs, &run.outcomes) } else { vec![] };
        for why in run.complaints.iter().chain(&unmet) {
            complaints += 1;
            say(&format!("  {why}"));
        }
    }
    if complaints == 0 { Ok(()) } else { Err(Stop::Told) }
}
