//! `cargo xtask fuzz`: every parser of what strangers send, under libFuzzer, for so many minutes of
//! a processor.

mod seeds;
mod told;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::arguments::{Arguments, Stop};
use crate::shell::{self, say};
use crate::tools;
use crate::workspace::Workspace;
use seeds::Start;
use told::Done;

pub(crate) const HELP: &str = "\
Usage: cargo xtask fuzz [--minutes N] [TARGET...]

  --minutes N  minutes of a processor for each target (default 1)
  TARGET       the ones that are asked (default: all of fuzz/Cargo.toml)

Runs on the toolchain of the project, without a sanitizer (`cargo fuzz build --sanitizer none`).
Every run starts from fuzz/seeds and from what the last one has learned, in fuzz/corpus. An input
that breaks a promise is left in fuzz/artifacts, and the command fails.
";

/// Builds them all, then runs one after the other.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let mut minutes = arguments.values("--minutes")?;
    // What follows the number are targets.
    let mut wanted = minutes.split_off(minutes.len().min(1));
    wanted.extend(arguments.rest());
    let minutes = minutes.first().map_or(Ok(1), |text| match text.parse::<u64>() {
        Ok(0) | Err(_) => Err(Stop::Usage(format!("--minutes needs a number, not `{text}`"))),
        Ok(minutes) => Ok(minutes),
    })?;
    let all = targets(workspace)?;
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(Stop::Usage(format!("there is no target `{unknown}`: {}", all.join(", "))));
    }
    if wanted.is_empty() {
        wanted = all;
    }
    let root = workspace.root();
    tools::ensure(root, &tools::CARGO_FUZZ)?;
    shell::run(&mut shell::command(root, "cargo fuzz build --sanitizer none"))?;
    let programs = programs(root)?;
    let mut broken = vec![];
    for name in wanted {
        let done = one(root, (&programs, &name), Duration::from_secs(minutes * 60))?;
        say(&format!("{name:<20} {done}"));
        if done.findings > 0 {
            broken.push(name);
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(Stop::Because(format!("findings in {}: see fuzz/artifacts", broken.join(", "))))
}

/// The names of `[[bin]]`, in their order.
fn targets(workspace: &Workspace) -> Result<Vec<String>, String> {
    let path = workspace.path("fuzz/Cargo.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let table: toml::Table = text.parse().map_err(|e| format!("{}: {e}", path.display()))?;
    let bins = table.get("bin").and_then(toml::Value::as_array);
    let names = bins.into_iter().flatten().filter_map(|bin| bin.get("name")?.as_str());
    Ok(names.map(str::to_owned).collect())
}

/// Where `cargo fuzz build` puts them. They are run from there, and not by `cargo fuzz run`, which
/// would build anew what somebody changes in the middle of a long run.
fn programs(root: &Path) -> Result<PathBuf, String> {
    let told = shell::told(&mut shell::command(root, "rustc -vV")).unwrap_or_default();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("rustc does not tell what it runs on")?;
    Ok(root.join("fuzz/target").join(host).join("release"))
}

/// Runs one target until it has had its time or has found something. A machine that has other work
/// gives it less than the clock says, so it is asked again for the rest.
fn one(root: &Path, (programs, name): (&Path, &str), wanted: Duration) -> Result<Done, String> {
    let start = Start::of(root, name)?;
    let mut done = Done::default();
    while done.findings == 0 && done.processor < wanted {
        let rest = (wanted - done.processor).as_secs().max(1);
        let program = programs.join(name).display().to_string();
        let mut command = shell::words(root, &[&program]);
        command.args([&start.corpus, &start.seeds]);
        command.args(["-print_final_stats=1", "-timeout=20"]);
        command.arg(format!("-max_total_time={rest}"));
        command.arg(format!("-dict={}", start.words.display()));
        command.arg(format!("-artifact_prefix={}/", start.artifacts.display()));
        let before = processor_time();
        let (output, passed) = shell::timed(|| command.output());
        let output = output.map_err(|e| format!("{program}: {e}"))?;
        let used = processor_time().zip(before).map_or(passed, |(after, before)| after - before);
        let text = String::from_utf8_lossy(&output.stderr);
        done.add(&text, used);
        if !output.status.success() {
            done.findings += 1;
            tail(&text);
        }
    }
    Ok(done)
}

/// What those have used that were started here and have ended; `None` where the system does not
/// tell.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string(Path::new("/proc/self/stat")).ok()?;
    // proc_pid_stat(5): fields 16 and 17, counted from behind the name, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(13).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.collect::<Result<Vec<_>, _>>().ok()?.iter().sum();
    Some(Duration::from_millis(ticks * 10))
}

/// The end of what a target said, where it says what is wrong.
fn tail(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(40)).for_each(|line| say(line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_file_and_seeds() {
        let workspace = Workspace::here().unwrap();
        let targets = targets(&workspace).unwrap();
        assert!(targets.len() >= 16);
        for name in targets {
            assert!(workspace.path(&format!("fuzz/fuzz_targets/{name}.rs")).exists(), "{name}");
            assert!(workspace.path(&format!("fuzz/seeds/{name}")).is_dir(), "{name}");
        }
    }

    #[test]
    fn time_is_counted_where_the_system_tells() {
        shell::told(&mut shell::command(Path::new("."), "true"));
        let told = processor_time();
        assert!(told.is_none_or(|time| time < Duration::from_secs(86_400)));
    }
}
