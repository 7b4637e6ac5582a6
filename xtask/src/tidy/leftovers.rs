//! What was meant to go away: unfinished code, tests that do not run, silenced lints, loose ends.

use super::rust::{line_of, split, word_at};
use super::tree::{Finding, Tree};

/// What may not stand in the code, and what to do instead.
static CODE: &[(&str, &str)] = &[
    ("todo!", "write it, or take it out"),
    ("unimplemented!", "write it, or take it out"),
    ("dbg!", "take it out"),
    ("#[ignore", "a test that does not run proves nothing: assert what is, and say so"),
    ("#[allow", "say `#[expect(.., reason = \"..\")]`"),
    ("#![allow", "say `#![expect(.., reason = \"..\")]`"),
];

/// What may not stand in a comment without the number of an issue.
static LOOSE: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

/// Other languages of the repository, read line by line.
static OTHERS: &[&str] = &[".mjs", ".js", ".py", ".sh", ".toml"];

/// Rust by code and comment, the others by line.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    for (path, text) in tree.rust("") {
        let parts = split(text);
        for (pattern, instead) in CODE {
            for (at, _) in parts.code.match_indices(pattern) {
                let before = parts.code[..at].chars().next_back();
                if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    let what = format!("`{pattern}`: {instead}");
                    found.push(Finding::new(path, line_of(text, at), what));
                }
            }
        }
        found.extend(loose(path, &parts.comments));
    }
    for (path, text) in &tree.files {
        if OTHERS.iter().any(|end| path.ends_with(end)) {
            found.extend(loose(path, text));
        }
    }
    found
}

fn loose<'t>(path: &'t str, text: &'t str) -> impl Iterator<Item = Finding> + 't {
    LOOSE.iter().flat_map(move |word| {
        let open = word_at(text, word).filter(|at| !has_issue(&text[at + word.len()..]));
        open.map(move |at| {
            let what = format!("`{word}` without an issue: do it, or write `{word}(#12)`");
            Finding::new(path, line_of(text, at), what)
        })
    })
}

fn has_issue(after: &str) -> bool {
    let number = after.trim_start().strip_prefix("(#");
    number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    #[test]
    fn unfinished_code_is_found() {
        let bad = "//! A.\n#![allow(unused)]\nfn a() {\n todo!()\n}\n#[ignore = \"slow\"]\nfn b() {\n dbg!(1); unimplemented!() }\n";
        let mut found = places(&check(&Tree::of(&[("a.rs", bad)])));
        found.sort();
        assert_eq!(found, ["a.rs:2", "a.rs:4", "a.rs:6", "a.rs:8", "a.rs:8"]);
    }

    #[test]
    fn loose_ends_need_an_issue() {
        let text = "//! TODO: write\n// TODO(#12): later\nfn todo() {} // FIXME (#x)\n";
        assert_eq!(places(&check(&Tree::of(&[("a.rs", text)]))), ["a.rs:1", "a.rs:3"]);
        let script = Tree::of(&[("a.mjs", "// HACK\n"), ("b.md", "TODO\n")]);
        assert_eq!(places(&check(&script)), ["a.mjs:1"]);
    }

    #[test]
    fn texts_about_it_are_no_leftovers() {
        let text = "//! Never todo!() here.\nlet a = \"#[allow TODO\"; my_todo!();\n";
        assert_eq!(check(&Tree::of(&[("a.rs", text)])), []);
    }
}
