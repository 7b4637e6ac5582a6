//! One commit per request (A4): the engine asks the store to write in one place.

use super::rust::{line_of, split, without_tests};
use super::tree::{Finding, Tree};

/// The one file that may, and the crate whose files may ask that one.
const OWNER: &str = "crates/engine/src/engine.rs";
const ENGINE: &str = "crates/engine/src/";
/// Stores implement `commit`, and their suite calls it.
const STORE: &str = "crates/store/";

/// Calls of `commit` by their receiver.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    let mut owned = vec![];
    for (path, text) in tree.sources().filter(|(path, _)| !path.starts_with(STORE)) {
        for (at, receiver) in calls(&split(text).code) {
            let line = line_of(text, at);
            match (path, receiver.as_str()) {
                (OWNER, "store") => owned.push(line),
                (path, "self") if path.starts_with(ENGINE) => {}
                _ => {
                    let what =
                        "only engine.rs commits: return a decision and let it be settled there";
                    found.push(Finding::new(path, line, what));
                }
            }
        }
    }
    let more = owned.iter().skip(1);
    let what = "the engine calls `commit` of the store twice: let everything pass through one call";
    found.extend(more.map(|line| Finding::new(OWNER, *line, what)));
    if owned.is_empty() && tree.files.contains_key(OWNER) {
        let what =
            "tidy no longer sees the one commit of the engine: mend xtask/src/tidy/commits.rs";
        found.push(Finding::new(OWNER, 1, what));
    }
    found
}

/// Offset and the last name of the receiver of every `.commit(`; a line may end before the dot.
fn calls(code: &str) -> Vec<(usize, String)> {
    let code = without_tests(code);
    let call = |(at, _): (usize, &str)| {
        let name = |c: char| !(c.is_alphanumeric() || c == '_');
        let before = code[..at].trim_end().trim_end_matches("()");
        (at, before.rsplit(name).next().unwrap_or_default().to_owned())
    };
    code.match_indices(".commit(").map(call).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    const GOOD: &str = "//! A.\nself.store\n    .commit(batch).await; self.commit(batch)\n";

    #[test]
    fn the_engine_commits_in_one_place() {
        let tree = Tree::of(&[
            (OWNER, GOOD),
            ("crates/engine/src/admin.rs", "self.commit(batch).await"),
            ("crates/store/src/memory/mod.rs", "state.commit(batch)"),
            ("crates/web/tests/a.rs", "store.commit(batch)"),
            (
                "crates/web/src/app.rs",
                "// store.commit(batch)\n#[cfg(test)]\nmod tests { store.commit(b) }",
            ),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn any_other_commit_is_found() {
        let tree = Tree::of(&[
            (OWNER, GOOD),
            ("crates/engine/src/token.rs", "\nself.store.commit(batch)"),
            ("crates/server/src/boot.rs", "opened.store().commit(batch)"),
            ("crates/web/src/app.rs", "self.commit(batch)"),
        ]);
        let found = places(&check(&tree));
        let files = [
            "crates/engine/src/token.rs:2",
            "crates/server/src/boot.rs:1",
            "crates/web/src/app.rs:1",
        ];
        assert_eq!(found, files);
    }

    #[test]
    fn twice_and_never_are_found() {
        assert_eq!(
            places(&check(&Tree::of(&[(OWNER, "store.commit(a);\nstore.commit(b);")]))),
            [format!("{OWNER}:2")]
        );
        assert_eq!(check(&Tree::of(&[(OWNER, "//! A.\n")])).len(), 1);
    }
}
