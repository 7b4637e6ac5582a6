//! Packages of other languages are pinned, npm by a lock file, Python by exact versions; and they are
//! installed, never kept here.

use super::tree::{Finding, Tree};

/// Installed packages, requirements files, package files.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let what = "is installed, not written: `git rm -r --cached` it, and put it into .gitignore";
    let mut found: Vec<Finding> =
        tree.installed.iter().map(|folder| Finding::new(folder, 1, what)).collect();
    for (path, text) in &tree.files {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.starts_with("requirements") && name.ends_with(".txt") {
            found.extend(loose(text).map(|(line, requirement)| {
                let what = format!("`{requirement}` is not pinned: write `name==version`");
                Finding::new(path, line, what)
            }));
        }
        if name == "package.json"
            && !tree.files.contains_key(&format!("{folder}/package-lock.json"))
        {
            let what = "there is no package-lock.json beside it: run `npm install` and add it";
            found.push(Finding::new(path, 1, what));
        }
    }
    found
}

/// Lines that name a package without an exact version; options and hashes belong to the line above.
fn loose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines.filter(|(_, line)| {
        !(line.is_empty() || line.starts_with(['#', '-']) || line.contains("=="))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    #[test]
    fn what_floats_is_found() {
        let tree = Tree::of(&[
            (
                "suite/clients/requirements.txt",
                "# A.\nauthlib==1.9.9 \\\n    --hash=sha256:0\nrequests>=2\n\nsix\n",
            ),
            ("suite/clients/package.json", "{}"),
            ("suite/clients/package-lock.json", "{}"),
            ("suite/pages/package.json", "{}"),
        ]);
        let found = places(&check(&tree));
        let requirements = "suite/clients/requirements.txt";
        assert_eq!(
            found,
            [
                format!("{requirements}:4"),
                format!("{requirements}:6"),
                "suite/pages/package.json:1".into()
            ]
        );
    }

    #[test]
    fn installed_packages_are_found() {
        let mut tree = Tree::default();
        tree.installed.insert("suite/clients/.venv".into());
        assert_eq!(places(&check(&tree)), ["suite/clients/.venv:1"]);
    }
}
