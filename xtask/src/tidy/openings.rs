//! Every Rust file opens with `//!`: what it owns.

use super::tree::{Finding, Tree};

/// The first line of every file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let silent = tree.rust("").filter(|(_, text)| !text.starts_with("//! "));
    let what = "the file does not say what it owns: open it with one or two `//!` sentences";
    silent.map(|(path, _)| Finding::new(path, 1, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    #[test]
    fn a_file_that_says_nothing_is_found() {
        let tree = Tree::of(&[
            ("a.rs", "//! What it owns.\n"),
            ("b.rs", "\n//! Too late.\n"),
            ("c.rs", "//!\n"),
            ("d.rs", ""),
            ("e.mjs", ""),
        ]);
        assert_eq!(places(&check(&tree)), ["b.rs:1", "c.rs:1", "d.rs:1"]);
    }
}
