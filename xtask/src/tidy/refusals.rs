//! Every refusal has a page under `docs/errors/`, every page has a refusal, and both bear one title.

use std::collections::BTreeMap;

use super::rust::line_of;
use super::tree::{Finding, Tree};

const CATALOGUE: &str = "crates/protocol/src/refusal_code.rs";
const PAGES: &str = "docs/errors/";
const INDEX: &str = "docs/errors/README.md";

/// Codes against pages, both ways.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let source = tree.text(CATALOGUE);
    let (mut found, mut codes) = (vec![], BTreeMap::new());
    for (at, code, title) in catalogue(source) {
        let line = line_of(source, at);
        if codes.insert(code, title).is_some() {
            found.push(Finding::new(
                CATALOGUE,
                line,
                format!("{code} is given twice: take a new one"),
            ));
        }
        let page = format!("{PAGES}{code}.md");
        match tree.files.get(&page) {
            None => {
                let what = format!("{code} has no page: write {page}");
                found.push(Finding::new(CATALOGUE, line, what));
            }
            Some(text) if text.lines().next() != Some(&format!("# {code} {title}")) => {
                let what = format!("the title differs from the catalogue: `# {code} {title}`");
                found.push(Finding::new(&page, 1, what));
            }
            Some(_) => {}
        }
        if !tree.text(INDEX).contains(&format!("[{code}]({code}.md)")) {
            found.push(Finding::new(INDEX, 1, format!("does not list {code}: add its row")));
        }
    }
    for path in tree.files.keys().filter_map(|path| path.strip_prefix(PAGES)) {
        let code = path.trim_end_matches(".md");
        if path != "README.md" && !codes.contains_key(code) {
            let what = "no refusal has this code: remove the page, or give the code back";
            found.push(Finding::new(&format!("{PAGES}{path}"), 1, what));
        }
    }
    found
}

/// Offset, code and title of every pair `"E1234", "title"`.
fn catalogue(source: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    source.match_indices("\"E").filter_map(|(at, _)| {
        let mut parts = source[at + 1..].splitn(4, '"');
        let (code, between, title) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = code.len() == 5 && code[1..].bytes().all(|byte| byte.is_ascii_digit());
        (digits && between.trim() == ",").then_some((at, code, title))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    const CODES: &str =
        "//! `E1042`\n A => (\"E1001\", \"is missing\"),\n B => {\n (\"E1002\", \"is bad\")\n }\n";
    const LIST: &str = "[E1001](E1001.md) [E1002](E1002.md)";

    #[test]
    fn codes_with_their_pages_pass() {
        let tree = Tree::of(&[
            (CATALOGUE, CODES),
            ("docs/errors/E1001.md", "# E1001 is missing\n"),
            ("docs/errors/E1002.md", "# E1002 is bad\n\nText."),
            (INDEX, LIST),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn missing_strange_and_misnamed_pages_are_found() {
        let tree = Tree::of(&[
            (CATALOGUE, CODES),
            ("docs/errors/E1002.md", "# E1002 is worse\n"),
            ("docs/errors/E1003.md", "# E1003 is gone\n"),
            (INDEX, "[E1001](E1001.md)"),
        ]);
        let mut found = places(&check(&tree));
        found.sort();
        let missing = format!("{CATALOGUE}:2");
        assert_eq!(
            found,
            [
                missing.as_str(),
                "docs/errors/E1002.md:1",
                "docs/errors/E1003.md:1",
                "docs/errors/README.md:1"
            ]
        );
    }

    #[test]
    fn a_code_is_given_once() {
        let twice = CODES.replace("E1002", "E1001");
        let tree = Tree::of(&[(CATALOGUE, &twice), (INDEX, LIST)]);
        assert!(check(&tree).iter().any(|finding| finding.what.contains("given twice")));
    }
}
