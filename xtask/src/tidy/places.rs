//! No text depends on the machine it was written on, nor on where packages came from.

use super::rust::line_of;
use super::tree::{Finding, Tree};

/// Folders of machines. In two parts, so that this file does not find itself.
static FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Hosts of package registries, likewise.
static HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("deb.debian", ".org"),
    concat!("maven", ".org"),
];

/// Cargo writes the name of its registry into its lock file, and nothing can be done about it.
const CARGO_LOCK: &str = "Cargo.lock";

/// Every text file, the first of each kind per line.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    for (path, text) in &tree.files {
        for folder in FOLDERS {
            for (at, _) in text.match_indices(folder).filter(|(at, _)| is_absolute(&text[..*at])) {
                let what = format!(
                    "`{folder}` is a path of one machine: name it from the root, or pass it in"
                );
                found.push(Finding::new(path, line_of(text, at), what));
            }
        }
        for host in HOSTS.iter().filter(|_| !path.ends_with(CARGO_LOCK)) {
            for (at, _) in text.match_indices(host) {
                let what = format!("`{host}` is the host of a registry: name the package only");
                found.push(Finding::new(path, line_of(text, at), what));
            }
        }
    }
    found.dedup_by(|a, b| a == b);
    found
}

/// Whether a path starts here, rather than goes on.
fn is_absolute(before: &str) -> bool {
    let inside =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '~' | '*');
    !before.chars().next_back().is_some_and(inside)
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    #[test]
    fn machine_paths_are_found() {
        let text = format!("a\ncd {0}main\nsee b{0}c and \"{1}.cargo\"\n", FOLDERS[0], FOLDERS[1]);
        let found = check(&Tree::of(&[("docs/a.md", &text)]));
        assert_eq!(places(&found), ["docs/a.md:2", "docs/a.md:3"]);
    }

    #[test]
    fn registry_hosts_are_found_but_in_cargos_lock_file() {
        let text = format!("https://{}/x\nhttps://{}/y\n", HOSTS[1], HOSTS[0]);
        let tree = Tree::of(&[("suite/clients/package-lock.json", &text), ("Cargo.lock", &text)]);
        let found = places(&check(&tree));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|place| place.starts_with("suite/clients/")));
    }
}
