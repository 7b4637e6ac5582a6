//! Manifests: every dependency once, in the workspace manifest, with the reason it is here.

use super::tree::{Finding, Tree};

/// The workspace manifest and those of the members.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = workspace(tree);
    for member in &tree.members {
        for (line, name, rest) in dependencies(tree.text(&member.manifest)) {
            if !inherits(name, rest) {
                let what = "does not come from the workspace: declare it in the root Cargo.toml";
                found.push(Finding::new(&member.manifest, line, format!("`{name}` {what}")));
            }
        }
    }
    found
}

fn workspace(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    for (line, name, rest) in dependencies(tree.text("Cargo.toml")) {
        let ours = rest.contains("path = ");
        let reason = rest.split_once(" # ").map_or("", |(_, reason)| reason.trim());
        if !ours && reason.is_empty() {
            let what = format!("`{name}` has no reason: end its line with `# why it is here`");
            found.push(Finding::new("Cargo.toml", line, what));
        }
        let used = tree.members.iter().flat_map(|m| &m.edges).any(|edge| edge.on == name);
        if !ours && !used {
            let what = format!("no crate uses `{name}`: take the line out");
            found.push(Finding::new("Cargo.toml", line, what));
        }
    }
    found
}

/// `serde.workspace = true` and `serde = { workspace = true, ... }`.
fn inherits(name: &str, rest: &str) -> bool {
    name.ends_with(".workspace") || rest.contains("workspace = true")
}

/// Line, name and the rest of every dependency.
fn dependencies(manifest: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut inside = false;
    manifest.lines().enumerate().filter_map(move |(at, line)| {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.trim_end_matches(']').ends_with("dependencies");
            return None;
        }
        let (name, rest) = line.split_once('=')?;
        (inside && !line.starts_with('#')).then(|| (at + 1, name.trim(), rest.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Edge, Member, places};
    use super::*;

    const ROOT: &str = "[workspace.package]\nedition = \"2024\"\n[workspace.dependencies]\n\
        counterfoil-web = { path = \"crates/web\" }\nurl = \"2\" # parsed a second way\n\
        bytes = \"1\"\nhttp = \"1\" #\nhyper = { version = \"1\" } # served\n";

    fn tree(member: &str) -> Tree {
        let mut tree = Tree::of(&[("Cargo.toml", ROOT), ("crates/web/Cargo.toml", member)]);
        let edges = ["url", "bytes", "http"].map(|on| Edge { on: on.into(), dev: false });
        let manifest = "crates/web/Cargo.toml".to_owned();
        tree.members = vec![Member { name: "web".into(), manifest, edges: edges.into() }];
        tree
    }

    #[test]
    fn a_dependency_without_a_reason_or_a_user_is_found() {
        let found = check(&tree("[dependencies]\nurl.workspace = true\n"));
        assert_eq!(places(&found), ["Cargo.toml:6", "Cargo.toml:7", "Cargo.toml:8"]);
        assert!(found[0].what.contains("`bytes` has no reason"));
        assert!(found[2].what.contains("no crate uses `hyper`"));
    }

    #[test]
    fn a_member_does_not_choose_versions() {
        let good =
            "[dependencies]\nurl.workspace = true\nhttp = { workspace = true }\n[lints]\na = 1\n";
        assert_eq!(check(&tree(good)).len(), 3);
        let bad = "[dev-dependencies]\nurl = \"2\"\n[dependencies]\nhttp = { version = \"1\" }\n";
        assert_eq!(
            places(&check(&tree(bad)))[3..],
            ["crates/web/Cargo.toml:2", "crates/web/Cargo.toml:4"]
        );
    }
}
