//! Python environments: one per requirements file, because some libraries exclude each other.

use std::path::{Path, PathBuf};

use crate::shell::{self, say};
use crate::tools::{self, PYTHON};

/// Where the environments of a folder are.
pub(crate) fn folder(of: &Path) -> PathBuf {
    of.join(".venv")
}

/// Makes `.venv/NAME` from every `requirements-NAME.txt`, and `.venv/main` from `requirements.txt`,
/// unless it was made from that very file.
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
    let mut names: Vec<String> = names.filter(|name| environment_name(name).is_some()).collect();
    names.sort();
    names
}

fn environment_name(file: &str) -> Option<&str> {
    let rest = file.strip_prefix("requirements")?.strip_suffix(".txt")?;
    if rest.is_empty() { Some("main") } else { rest.strip_prefix('-') }
}

fn environment(folder: &Path, file: &str) -> Result<(), String> {
    let name = environment_name(file).unwrap_or(file);
    let wanted = std::fs::read(folder.join(file)).map_err(|e| format!("{file}: {e}"))?;
    let venv = self::folder(folder).join(name);
    let stamp = venv.join("installed-from");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let make = format!("python3 -m venv --clear .venv/{name}");
    let fill = format!(".venv/{name}/bin/python -m pip install --quiet --requirement {file}");
    for line in [make, fill] {
        let mut command = shell::command(folder, &line);
        say(&format!("   in {}: {}", folder.display(), shell::shown(&command)));
        shell::run(&mut command)?;
    }
    std::fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirements_file_names_its_environment() {
        assert_eq!(environment_name("requirements.txt"), Some("main"));
        assert_eq!(environment_name("requirements-fintecture.txt"), Some("fintecture"));
        assert_eq!(environment_name("requirements.in"), None);
        assert_eq!(environment_name("package.json"), None);
    }
}
