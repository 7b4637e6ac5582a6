//! Lists of what must be tested, by number: every row has a test that bears its number, in the files
//! that it names, or says why there is none; and every such test has its row.

use std::collections::BTreeSet;

use super::rust::split;
use super::tree::{Finding, Tree};

/// A list, the letter of its numbers and how many digits they have.
static LISTS: &[(&str, char, usize)] =
    &[("suite/blackbox/museum.md", 'M', 3), ("suite/protocol/answers.md", 'A', 2)];

/// What the last column says where there is no test.
const REASON: &str = "not here: ";

/// Every list.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    LISTS.iter().flat_map(|(path, letter, digits)| list(tree, path, *letter, *digits)).collect()
}

fn list(tree: &Tree, path: &str, letter: char, digits: usize) -> Vec<Finding> {
    // Only what stands below the list can be meant: numbers of other lists may look alike.
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = vec![];
    let mut rows = BTreeSet::new();
    for (at, line) in tree.text(path).lines().enumerate() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let Some(number) = cells.first().filter(|cell| is_number(cell, letter, digits)) else {
            continue;
        };
        let mut told = |what: String| found.push(Finding::new(path, at + 1, what));
        if !rows.insert((*number).to_owned()) {
            told(format!("{number} stands here twice"));
        }
        let place = cells.last().copied().unwrap_or_default();
        if place.strip_prefix(REASON).is_some_and(|why| !why.is_empty()) {
            if let Some((file, _)) = tests(tree, letter, digits).find(|(_, n)| n == number) {
                told(format!("{number} has a test in {file}: name it instead of the reason"));
            }
            continue;
        }
        let files: Vec<&str> = place.split('`').skip(1).step_by(2).collect();
        if files.is_empty() {
            told(format!("{number} says neither where its test is nor `{REASON}` why not"));
        }
        for file in files {
            let file = format!("suite/{file}");
            if !tests(tree, letter, digits).any(|(known, n)| known == file && n == *number) {
                let name = number.to_lowercase();
                told(format!("{number} has no test in {file}: write one whose name has `{name}`"));
            }
        }
    }
    if tree.files.contains_key(path) {
        let inside = |file: &str| file.starts_with(folder);
        for (file, number) in tests(tree, letter, digits).filter(|(file, _)| inside(file)) {
            if !rows.contains(&number) {
                found.push(Finding::new(file, 1, format!("{path} has no row {number}: add it")));
            }
        }
    }
    found
}

fn is_number(text: &str, letter: char, digits: usize) -> bool {
    let rest = text.strip_prefix(letter).unwrap_or_default();
    rest.len() == digits && rest.bytes().all(|byte| byte.is_ascii_digit())
}

/// File and number of every test of the suite that bears one: `fn m001_m002_what_happens`.
fn tests(tree: &Tree, letter: char, digits: usize) -> impl Iterator<Item = (&str, String)> {
    tree.rust("suite/").flat_map(move |(path, text)| {
        let code = split(text).code;
        let names =
            code.split("fn ").skip(1).map(|rest| rest.split('(').next().unwrap_or_default());
        let numbers = names.flat_map(|name| name.split('_')).map(str::to_uppercase);
        let numbers: Vec<String> = numbers.filter(|n| is_number(n, letter, digits)).collect();
        numbers.into_iter().map(move |number| (path, number))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    const LIST: &str = "| Number | Advisory | Where |\n|---|---|---|\n\
        | M001 | one | `blackbox/a.rs` |\n| M002 | two | not here: there is no such thing |\n\
        | M003 | three | `blackbox/a.rs`, `protocol/b.rs` |\n";

    fn tree(list: &str, test: &str) -> Tree {
        Tree::of(&[
            ("suite/blackbox/museum.md", list),
            ("suite/blackbox/a.rs", test),
            ("suite/protocol/b.rs", "fn m003_also() {}"),
        ])
    }

    #[test]
    fn a_list_and_its_tests_agree() {
        let good = "fn m001_m003_what() {} // fn m009_not_code\nfn m12_is_none() {}";
        assert_eq!(check(&tree(LIST, good)), []);
    }

    #[test]
    fn what_is_on_one_side_only_is_found() {
        let found = check(&tree(LIST, "fn m001_x() {}\nfn m002_y() {}\nfn m007_z() {}"));
        let list = "suite/blackbox/museum.md";
        let expected = [format!("{list}:4"), format!("{list}:5"), "suite/blackbox/a.rs:1".into()];
        assert_eq!(places(&found), expected);
        assert!(found[0].what.contains("M002 has a test in suite/blackbox/a.rs"));
        assert!(found[1].what.contains("M003 has no test in suite/blackbox/a.rs"));
        assert!(found[2].what.contains("no row M007"));
    }

    #[test]
    fn a_row_says_where_or_why() {
        let list = "| M001 | one | |\n| M001 | one | not here: |\n";
        let found = check(&tree(list, "fn m001_x() {}"));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].what.contains("twice"));
    }
}
