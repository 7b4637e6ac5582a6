//! What tidy looks at: the files of the repository and the manifests of the members.

use std::collections::{BTreeMap, BTreeSet};

use crate::shell;
use crate::workspace::Workspace;

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) path: String,
    pub(super) line: usize,
    /// What is wrong, and how to mend it.
    pub(super) what: String,
}

impl Finding {
    pub(super) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.into(), line, what: what.into() }
    }
}

/// One dependency of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// What is depended on.
    pub(super) on: String,
    /// For tests only.
    pub(super) dev: bool,
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) manifest: String,
    pub(super) edges: Vec<Edge>,
}

/// The repository as values: rules are functions of it.
#[derive(Default)]
pub(super) struct Tree {
    /// Text by path from the root, `/` between the parts.
    pub(super) files: BTreeMap<String, String>,
    /// Folders of installed packages, which are nobody's text and should not be here.
    pub(super) installed: BTreeSet<String>,
    pub(super) members: Vec<Member>,
}

impl Tree {
    /// Every text file that git has or would add.
    pub(super) fn read(workspace: &Workspace) -> Result<Self, String> {
        let line = "git ls-files -z --cached --others --exclude-standard";
        let listed = shell::told(&mut shell::command(workspace.root(), line));
        let listed =
            listed.ok_or("tidy asks git which files there are: it needs git and a clone")?;
        let (mut files, mut installed) = (BTreeMap::new(), BTreeSet::new());
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            if let Some(folder) = folder_of_packages(path) {
                installed.insert(folder.to_owned());
                continue;
            }
            // A file that is deleted and not yet staged, or no text, is nobody's business here.
            if let Ok(text) = std::fs::read_to_string(workspace.path(path)) {
                files.insert(path.to_owned(), text);
            }
        }
        let members = workspace.metadata().packages.iter().map(|package| {
            let manifest = package.manifest_path.strip_prefix(workspace.root());
            let edges = package.dependencies.iter().map(|dependency| Edge {
                on: dependency.name.clone(),
                dev: dependency.kind == cargo_metadata::DependencyKind::Development,
            });
            Member {
                name: package.name.to_string(),
                manifest: manifest.map(ToString::to_string).unwrap_or_default(),
                edges: edges.collect(),
            }
        });
        Ok(Self { members: members.collect(), installed, files })
    }

    /// The text of a file; empty when there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        self.files.get(path).map_or("", String::as_str)
    }

    /// The Rust files under a folder, with their text.
    pub(super) fn rust(&self, under: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.starts_with(under) && path.ends_with(".rs"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The sources of the crates, without their tests.
    pub(super) fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rust("crates/").filter(|(path, _)| is_source(path))
    }
}

/// The part of a path up to a folder into which npm, pip or Python itself put things.
pub(super) fn folder_of_packages(path: &str) -> Option<&str> {
    let mut end = 0;
    for part in path.split_inclusive('/') {
        end += part.len();
        let name = part.strip_suffix('/')?;
        if matches!(name, "node_modules" | "__pycache__") || name.starts_with(".venv") {
            return Some(&path[..end - 1]);
        }
    }
    None
}

fn is_source(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let tests = |part: &&str| matches!(*part, "tests" | "tests.rs");
    parts.get(2) == Some(&"src") && !parts.iter().any(tests)
}

#[cfg(test)]
impl Tree {
    /// A small repository.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self { files: files.collect(), ..Self::default() }
    }
}

/// Path and line of each finding, for tests.
#[cfg(test)]
pub(super) fn places(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_packages_are_told_from_sources() {
        let of = folder_of_packages;
        assert_eq!(of("suite/clients/.venv-old/bin/pip"), Some("suite/clients/.venv-old"));
        assert_eq!(of("node_modules/a/node_modules/b.js"), Some("node_modules"));
        assert_eq!(of("suite/clients/node_modules.md"), None);
        assert_eq!(of("suite/.venv"), None);
        assert_eq!(of(".editorconfig"), None);
    }

    #[test]
    fn sources_are_not_tests() {
        assert!(is_source("crates/web/src/ui/mod.rs"));
        assert!(!is_source("crates/web/src/ui/tests.rs"));
        assert!(!is_source("crates/web/src/ui/tests/pages.rs"));
        assert!(!is_source("crates/web/tests/suite/main.rs"));
    }
}
