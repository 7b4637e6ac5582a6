//! A copy of the workspace with its own build folder: two workspaces that share one confuse cargo.
//!
//! It is kept between runs. Only what differs is written, so cargo builds only what differs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::shell;
use crate::workspace::Workspace;

use super::Verdict;
use super::list::Mutant;

/// What a build of the tests needs.
static COPIED: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "clippy.toml",
    "rust-toolchain.toml",
    ".cargo",
    "crates",
    "docs",
    "suite",
    "xtask",
];
/// What these programs do not use of the suite's dependencies: every mutant would build it anew.
const UNUSED: &str = "counterfoil-server.workspace = true\n";
const UNUSED_TOO: &str = "counterfoil-disk.workspace = true\n";
/// Nobody's text.
static LEFT_OUT: &[&str] = &["target", "node_modules", ".venv"];

/// Quick to build, for every mutant is built anew; how fast it runs matters less.
const BUILD: &str = "cargo test --offline --no-run \
    --config profile.dev.debug=false \
    --config profile.dev.package.counterfoil-store.opt-level=0 \
    --config profile.dev.package.counterfoil-web.opt-level=0";
/// In the order in which they run: the first that fails ends it.
static PROGRAMS: &[&str] =
    &["-p counterfoil-suite --test decisions --test sim", "-p counterfoil-engine --lib"];
/// A mutant may turn a loop into an endless one.
const TIME_MAX: Duration = Duration::from_secs(300);
const TICK: Duration = Duration::from_millis(20);

/// The program that kills the server, and the parts of it that need no process.
const CRASH: &str = "crash";
const CRASH_PARTS: [&str; 2] = ["images", "faults"];
/// Answers of its storm: enough for two at once to meet.
const CRASH_ANSWERS: &str = "120";
/// These need the server, and no other optimisation than everybody's.
const WHOLE: [&str; 2] = [CRASH, "protocol"];
const WHOLE_BUILD: &str = "cargo test --offline --no-run";

pub(super) struct Copy {
    root: PathBuf,
    build: &'static str,
    programs: Vec<String>,
    /// What the programs are asked for.
    parts: &'static [&'static str],
    seeds: u64,
}

impl Copy {
    /// With all programs, or with one of the suite's.
    pub(super) fn of(
        workspace: &Workspace,
        program: Option<&str>,
        seeds: u64,
    ) -> Result<Self, String> {
        let crash = program == Some(CRASH);
        let whole = program.is_some_and(|program| WHOLE.contains(&program));
        let name = if whole { "counterfoil-crash-mutants" } else { "counterfoil-mutants" };
        let root = std::env::temp_dir().join(name);
        let programs = match program {
            Some(name) => vec![format!("-p counterfoil-suite --test {name}")],
            None => PROGRAMS.iter().map(|&program| program.to_owned()).collect(),
        };
        let build = if whole { WHOLE_BUILD } else { BUILD };
        let parts: &[_] = if crash { &CRASH_PARTS } else { &[] };
        let copy = Self { root, build, programs, parts, seeds };
        fs::create_dir_all(&copy.root).map_err(|e| format!("{}: {e}", copy.root.display()))?;
        for name in COPIED {
            let from = workspace.path(name);
            if from.exists() {
                mirror(&from, &copy.root.join(name), !whole)?;
            }
        }
        Ok(copy)
    }

    /// Without a bug every test passes; else nothing that follows means anything.
    pub(super) fn is_sound(&self) -> Result<(), String> {
        match self.tested()? {
            Verdict::Survived => Ok(()),
            Verdict::Caught(by) => Err(format!("without any bug, this fails: {by}")),
            Verdict::Invalid(why) => Err(why),
        }
    }

    /// With this bug in it.
    pub(super) fn judge(&self, mutant: &Mutant<'_>) -> Result<Verdict, String> {
        let at = self.root.join(mutant.file);
        let told = |e: std::io::Error| format!("{}: {e}", mutant.file);
        let source = fs::read_to_string(&at).map_err(told)?;
        let with_bug = match mutant.applied(&source) {
            Ok(with_bug) => with_bug,
            Err(why) => return Ok(Verdict::Invalid(why)),
        };
        fs::write(&at, with_bug).map_err(told)?;
        let verdict = self.tested();
        fs::write(&at, &source).map_err(told)?;
        verdict
    }

    fn tested(&self) -> Result<Verdict, String> {
        for program in &self.programs {
            let mut build = shell::command(&self.root, &format!("{} {program}", self.build));
            build.env("SEEDS", self.seeds.to_string());
            build.env("CARGO_TARGET_DIR", self.root.join("target"));
            let built = build.output().map_err(|e| format!("cargo: {e}"))?;
            let said = String::from_utf8_lossy(&built.stderr).into_owned();
            if !built.status.success() {
                let why = said.lines().find(|line| line.starts_with("error"));
                return Ok(Verdict::Invalid(why.unwrap_or("it does not compile").to_owned()));
            }
            for executable in executables(&said) {
                if let Some(by) = self.failed(&executable)? {
                    return Ok(Verdict::Caught(by));
                }
            }
        }
        Ok(Verdict::Survived)
    }

    /// The first test that failed and what it said; `None` if all passed.
    fn failed(&self, executable: &Path) -> Result<Option<String>, String> {
        let log = self.root.join("target/mutants.log");
        let told = |e: std::io::Error| format!("{}: {e}", executable.display());
        let out = fs::File::create(&log).map_err(told)?;
        let both = out.try_clone().map_err(told)?;
        let mut command = Command::new(executable);
        command.current_dir(&self.root).stdin(Stdio::null()).stdout(out).stderr(both);
        command.args(self.parts).env("COUNTERFOIL_ANSWERS", CRASH_ANSWERS);
        let mut child = command.env("RUST_BACKTRACE", "0").spawn().map_err(told)?;
        let mut waited = Duration::ZERO;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(told)? {
                break status;
            }
            if waited > TIME_MAX {
                child.kill().and_then(|()| child.wait()).map_err(told)?;
                return Ok(Some("a test that does not end".into()));
            }
            std::thread::park_timeout(TICK);
            waited += TICK;
        };
        if status.success() {
            return Ok(None);
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        Ok(Some(first_failure(&said)))
    }
}

/// What cargo has built, in its order.
fn executables(said: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let (_, rest) = line.trim().strip_prefix("Executable ")?.rsplit_once('(')?;
        Some(PathBuf::from(rest.strip_suffix(')')?))
    };
    said.lines().filter_map(path).collect()
}

/// Name and number of the tests that failed, and what the first of them said.
fn first_failure(said: &str) -> String {
    let failed = |line: &&str| line.starts_with("test ") && line.ends_with(" ... FAILED");
    let failed: Vec<&str> = said.lines().filter(failed).collect();
    let name = failed.first().and_then(|line| line.split(' ').nth(1)).unwrap_or("a crash");
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at "));
    let why = lines.nth(1).unwrap_or_default();
    let more = match failed.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let why: String = why.chars().take(120).collect();
    format!("{name}{more}: {why}")
}

/// Makes `to` what `from` is, and writes only what differs. `thin` takes out what most programs do
/// without.
fn mirror(from: &Path, to: &Path, thin: bool) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{}: {e}", from.display());
    if !from.is_dir() {
        let mut bytes = fs::read(from).map_err(told)?;
        if thin && from.ends_with("suite/Cargo.toml") {
            bytes = String::from_utf8_lossy(&bytes)
                .replace(UNUSED, "")
                .replace(UNUSED_TOO, "")
                .into_bytes();
        }
        if fs::read(to).ok().as_deref() != Some(&bytes) {
            fs::write(to, bytes).map_err(told)?;
        }
        return Ok(());
    }
    fs::create_dir_all(to).map_err(told)?;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(from).map_err(told)? {
        let entry = entry.map_err(told)?;
        let name = entry.file_name();
        let left_out = LEFT_OUT.iter().any(|known| name == **known);
        if !left_out && !entry.file_type().map_err(told)?.is_symlink() {
            mirror(&entry.path(), &to.join(&name), thin)?;
            names.insert(name);
        }
    }
    for entry in fs::read_dir(to).map_err(told)? {
        let entry = entry.map_err(told)?;
        if !names.contains(&entry.file_name()) {
            let gone = entry.path();
            let removed =
                if gone.is_dir() { fs::remove_dir_all(&gone) } else { fs::remove_file(&gone) };
            removed.map_err(told)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_named_once() {
        let said = "\
running 3 tests
test a::b ... ok
test c::d ... FAILED
test e ... FAILED

thread 'c::d' (1) panicked at suite/decisions/c.rs:1:1:
expected this
note: run with
";
        assert_eq!(first_failure(said), "c::d and 1 more: expected this");
        assert_eq!(first_failure("killed"), "a crash: ");
    }

    #[test]
    fn what_was_built_is_found() {
        let said = "   Compiling a\n  Executable sim/main.rs (/t/debug/deps/sim-1)\n  \
                    Executable unittests src/lib.rs (/t/debug/deps/e-2)\n";
        let found: Vec<_> = executables(said);
        assert_eq!(found, [PathBuf::from("/t/debug/deps/sim-1"), "/t/debug/deps/e-2".into()]);
    }

    #[test]
    fn a_copy_follows_its_original() {
        let folder = std::env::temp_dir().join(format!("mutants-{}", std::process::id()));
        let (from, to) = (folder.join("from"), folder.join("to"));
        fs::create_dir_all(from.join("target")).unwrap();
        fs::create_dir_all(from.join("src")).unwrap();
        fs::write(from.join("src/a.rs"), "1").unwrap();
        fs::write(from.join("b.rs"), "2").unwrap();
        mirror(&from, &to, true).unwrap();
        assert!(!to.join("target").exists());
        let written = fs::metadata(to.join("b.rs")).unwrap().modified().unwrap();
        fs::remove_file(from.join("src/a.rs")).unwrap();
        mirror(&from, &to, true).unwrap();
        assert!(!to.join("src/a.rs").exists());
        assert_eq!(fs::metadata(to.join("b.rs")).unwrap().modified().unwrap(), written);
        fs::remove_dir_all(folder).unwrap();
    }
}
