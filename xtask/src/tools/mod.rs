//! `cargo xtask tools`: what the checks need beyond a Rust toolchain.

pub(crate) mod node;
pub(crate) mod python;

use std::path::{Path, PathBuf};

use crate::arguments::{Arguments, Stop};
use crate::shell::{self, say};
use crate::workspace::Workspace;

pub(crate) const HELP: &str = "\
Usage: cargo xtask tools [--list]

  --list  says what is there and what is missing; installs nothing

Installs what is missing: crates with `cargo install`, Debian packages with `apt-get` when run as
root. What it cannot install, it names with the command to type.
";

/// Something the checks need.
pub(crate) struct Tool {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Which steps need it.
    pub(crate) used_by: &'static str,
    /// Prints its version, or fails.
    pub(crate) probe: &'static [&'static str],
    /// The oldest version that will do.
    pub(crate) oldest: &'static [u32],
    /// How it is had.
    pub(crate) source: Source,
}

/// Where a tool comes from.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// This command of cargo.
    Cargo(&'static str),
    /// These packages.
    Debian(&'static str),
}

pub(crate) static CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    used_by: "deny, advisories",
    probe: &["cargo", "deny", "--version"],
    oldest: &[0, 20, 2],
    source: Source::Cargo("cargo install --debug --locked cargo-deny --version 0.20.2"),
};
pub(crate) static CARGO_FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    used_by: "fuzz",
    probe: &["cargo", "fuzz", "--version"],
    oldest: &[0, 13, 2],
    source: Source::Cargo("cargo install --debug --locked cargo-fuzz --version 0.13.2"),
};
pub(crate) static NODE: Tool = Tool {
    name: "node",
    used_by: "clients, pages",
    probe: &["node", "--version"],
    oldest: &[20],
    source: Source::Debian("nodejs npm"),
};
pub(crate) static NPM: Tool = Tool {
    name: "npm",
    used_by: "clients, pages",
    probe: &["npm", "--version"],
    oldest: &[9],
    source: Source::Debian("npm"),
};
pub(crate) static PYTHON: Tool = Tool {
    name: "python3 with venv",
    used_by: "clients, drill",
    probe: &["python3", "-c", "import platform, venv, ensurepip; print(platform.python_version())"],
    oldest: &[3, 10],
    source: Source::Debian("python3 python3-venv"),
};
pub(crate) static CHROMIUM: Tool = Tool {
    name: "chromium",
    used_by: "pages",
    probe: &["chromium", "--version"],
    oldest: &[120],
    source: Source::Debian("chromium"),
};
/// Debian keeps the programs of each version in a folder of its own, off the path.
macro_rules! postgres_on_path {
    () => {
        "PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1); "
    };
}
/// Where PostgreSQL's server is.
pub(crate) const POSTGRES_WHERE: &[&str] =
    &["sh", "-c", concat!(postgres_on_path!(), "command -v postgres")];

pub(crate) static POSTGRES: Tool = Tool {
    name: "postgresql",
    used_by: "postgres, drill",
    probe: &["sh", "-c", concat!(postgres_on_path!(), "postgres --version")],
    oldest: &[13],
    source: Source::Debian("postgresql"),
};

/// The store of Patroni, which says who leads. A drill starts its own, whatever the package starts.
pub(crate) static ETCD: Tool = Tool {
    name: "etcd",
    used_by: "drill",
    probe: &["etcd", "--version"],
    oldest: &[3, 4],
    source: Source::Debian("etcd-server"),
};

static ALL: &[&Tool] =
    &[&CARGO_DENY, &CARGO_FUZZ, &NODE, &NPM, &PYTHON, &CHROMIUM, &POSTGRES, &ETCD];

/// Says what is there; installs what is missing.
pub(crate) fn run(workspace: &Workspace, mut arguments: Arguments) -> Result<(), Stop> {
    let list = arguments.flag("--list");
    arguments.finish()?;
    let mut missing = 0;
    for tool in ALL {
        let found =
            if list { tool.found(workspace.root()) } else { ensure(workspace.root(), tool) };
        let word = if found.is_ok() { "ok" } else { "MISSING" };
        missing += usize::from(found.is_err());
        let remark = found.unwrap_or_else(|why| why);
        say(&format!("{word:<8} {:<18} {remark} (for {})", tool.name, tool.used_by));
    }
    if missing == 0 { Ok(()) } else { Err(Stop::Told) }
}

/// The version of the tool, which is installed first if need be; or what to type.
pub(crate) fn ensure(root: &Path, tool: &Tool) -> Result<String, String> {
    let missing = match tool.found(root) {
        Ok(version) => return Ok(version),
        Err(why) => why,
    };
    let root_user = shell::told(&mut shell::command(root, "id -u")).as_deref() == Some("0");
    if matches!(tool.source, Source::Debian(_)) && !root_user {
        return Err(missing);
    }
    for line in tool.install() {
        say(&format!("   {}: {line}", tool.name));
        let mut command = shell::command(root, &line);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        shell::run(&mut command).map_err(|why| format!("{missing} ({why})"))?;
    }
    tool.found(root)
}

/// Where Debian's Chromium is.
pub(crate) fn chromium(root: &Path) -> Option<PathBuf> {
    shell::told(&mut shell::command(root, "which chromium")).map(PathBuf::from)
}

impl Tool {
    /// Its version; or that it is missing or too old, and what to type.
    fn found(&self, root: &Path) -> Result<String, String> {
        let told = shell::told(&mut shell::words(root, self.probe));
        let Some(version) = told.as_deref().and_then(version) else {
            return Err(format!("not found: run `{}`", self.to_type()));
        };
        if numbers(&version).as_slice() < self.oldest {
            let oldest: Vec<String> = self.oldest.iter().map(u32::to_string).collect();
            let (oldest, mend) = (oldest.join("."), self.to_type());
            let or = match self.source {
                Source::Cargo(_) => "",
                Source::Debian(_) => ", or put a newer one on the path where Debian's is as old",
            };
            return Err(format!("{version} is older than {oldest}: run `{mend}`{or}"));
        }
        Ok(version)
    }

    fn install(&self) -> Vec<String> {
        match self.source {
            Source::Cargo(line) => vec![line.into()],
            Source::Debian(packages) => vec![
                "apt-get update".into(),
                format!("apt-get install --yes --no-install-recommends {packages}"),
            ],
        }
    }

    fn to_type(&self) -> String {
        match self.source {
            Source::Cargo(line) => line.into(),
            Source::Debian(packages) => format!("sudo apt-get install {packages}"),
        }
    }
}

/// The first word that starts like a version: `v20.1.0`, `cargo-deny 0.20.2`, `Chromium 156.0.1`.
fn version(told: &str) -> Option<String> {
    let mut words = told.split_whitespace().map(|word| word.trim_start_matches('v'));
    words.find(|word| word.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned)
}

fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    static SHELL: Tool = Tool {
        name: "shell",
        used_by: "tests",
        probe: &["echo", "sh v3.10.1"],
        oldest: &[3, 9],
        source: Source::Debian("dash"),
    };

    #[test]
    fn versions_compare_as_numbers() {
        let here = Path::new(".");
        assert_eq!(SHELL.found(here), Ok("3.10.1".into()));
        let newer = Tool { oldest: &[3, 11], ..SHELL };
        let why = newer.found(here).unwrap_err();
        assert!(why.starts_with("3.10.1 is older than 3.11: run `sudo apt-get install dash`, or"));
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_to_type() {
        let missing = Tool { probe: &["no-such-program", "--version"], ..SHELL };
        let why = missing.found(Path::new(".")).unwrap_err();
        assert_eq!(why, "not found: run `sudo apt-get install dash`");
    }

    #[test]
    fn a_version_is_found_in_what_programs_print() {
        assert_eq!(version("v20.20.2"), Some("20.20.2".into()));
        assert_eq!(version("cargo-deny 0.20.2"), Some("0.20.2".into()));
        assert_eq!(
            version("Chromium 156.0.8078.108 built on Debian"),
            Some("156.0.8078.108".into())
        );
        assert_eq!(version("no version"), None);
        assert_eq!(numbers("0.20.2-rc1"), [0, 20, 2]);
    }
}
