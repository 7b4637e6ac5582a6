//! How long the files are: a note, never a failure.

use super::tree::Tree;

/// Worth a second look above this.
const LONG: usize = 400;

/// Median and the longest files.
pub(super) fn note(tree: &Tree) -> String {
    let mut lengths: Vec<(usize, &str)> =
        tree.rust("").map(|(path, text)| (text.lines().count(), path)).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).map_or(0, |(lines, _)| *lines);
    let long = lengths.iter().rev().take_while(|(lines, _)| *lines > LONG);
    let long: Vec<String> = long.map(|(lines, path)| format!("{path} ({lines})")).collect();
    let long = if long.is_empty() { "none".to_owned() } else { long.join(", ") };
    format!("tidy: {} Rust files, median {median} lines; over {LONG}: {long}", lengths.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_named_longest_first() {
        let (long, longer) = ("\n".repeat(401), "\n".repeat(402));
        let tree =
            Tree::of(&[("a.rs", "\n"), ("b.rs", &long), ("c.rs", &longer), ("d.md", &longer)]);
        assert_eq!(
            note(&tree),
            "tidy: 3 Rust files, median 401 lines; over 400: c.rs (402), b.rs (401)"
        );
        assert!(note(&Tree::default()).ends_with("over 400: none"));
    }
}
