//! Commands: started in the root of the workspace, with a clean environment, and shown as typed.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Prints a line. A reader that went away is no failure of ours.
pub(crate) fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}");
    let _ = stdout.flush();
}

/// The words of this line as a command in this folder.
pub(crate) fn command(folder: &Path, line: &str) -> Command {
    words(folder, &line.split_whitespace().collect::<Vec<_>>())
}

/// These words as a command in this folder.
pub(crate) fn words(folder: &Path, words: &[&str]) -> Command {
    let (program, rest) = words.split_first().unwrap_or((&"", &[]));
    let mut command = Command::new(program);
    command.args(rest).current_dir(folder).stdin(Stdio::null());
    // Cargo tells us about the package `xtask`; a build script started from here must not see that.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs it; what it prints is seen.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let shown = shown(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(match status.code() {
            Some(code) => format!("`{shown}` ended with {code}"),
            None => format!("`{shown}` was killed"),
        }),
        Err(error) => Err(format!("`{shown}` cannot be started: {error}")),
    }
}

/// What it prints to stdout, if it succeeds; nothing of it is seen.
pub(crate) fn told(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}

/// The result and how long it took.
#[expect(clippy::disallowed_methods, reason = "how long a step takes is what is asked here")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let done = work();
    (done, started.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_command() {
        let here = Path::new(".");
        assert_eq!(run(&mut command(here, "true")), Ok(()));
        assert_eq!(run(&mut command(here, "false")), Err("`false` ended with 1".into()));
        let missing = run(&mut command(here, "no-such-program --now"));
        assert!(missing.is_err_and(|why| why.starts_with("`no-such-program --now` cannot be")));
        assert_eq!(told(&mut command(here, "echo a b")), Some("a b".into()));
        assert_eq!(told(&mut command(here, "false")), None);
    }
}
