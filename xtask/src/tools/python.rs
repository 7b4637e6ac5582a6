//! Python environments: one per requirements file, because some libraries exclude each other.

use std::path::Path;

use crate::shell::{self, say};
use crate::tools::{self, PYTHON};

/// Makes `.venv` from `requirements.txt` and `.venv-NAME` from every `requirements-NAME.txt`, unless
/// it was made from that very file.
pub(crate) fn environments(root: &Path, folder: &Path) -> Result<(), String> {
    let files = requirements(folder);
    if files.is_empty() {
        return Ok(());
    }
    tools::ensure(root, &PYTHON)?;
    files.iter().try_for_each(|file| environment(folder, file))
}

fn requirements(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| environment_of(name).is_some()).collect();
    names.sort();
    names
}

fn environment_of(file: &str) -> Option<String> {
    let name = file.strip_prefix("requirements")?.strip_suffix(".txt")?;
    (name.is_empty() || name.starts_with('-')).then(|| format!(".venv{name}"))
}

fn environment(folder: &Path, file: &str) -> Result<(), String> {
    let name = environment_of(file).unwrap_or_default();
    let told = |what: &Path, why: std::io::Error| format!("{}: {why}", what.display());
    let wanted = folder.join(file);
    let wanted = std::fs::read(&wanted).map_err(|why| told(&wanted, why))?;
    let venv = folder.join(&name);
    let (stamp, python) = (venv.join("installed-from"), venv.join("bin/python"));
    if python.exists() && std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let make = format!("python3 -m venv --clear {name}");
    let fill = format!("{name}/bin/python -m pip install --quiet --requirement {file}");
    let visibly = |line: String| {
        say(&format!("   in {}: {line}", folder.display()));
        shell::run(&mut shell::command(folder, &line))
    };
    visibly(make)?;
    // Git must not see it, whatever its name is.
    let ignore = venv.join(".gitignore");
    std::fs::write(&ignore, "*\n").map_err(|why| told(&ignore, why))?;
    visibly(fill)?;
    std::fs::write(&stamp, wanted).map_err(|why| told(&stamp, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirements_file_names_its_environment() {
        assert_eq!(environment_of("requirements.txt"), Some(".venv".into()));
        assert_eq!(environment_of("requirements-old.txt"), Some(".venv-old".into()));
        for other in ["requirements.in", "requirementsold.txt", "package.json"] {
            assert_eq!(environment_of(other), None, "{other}");
        }
    }
}
