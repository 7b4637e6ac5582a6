//! The list of mutants: four columns with a tab between them.

/// Where it is, named from the root.
pub(super) const LIST: &str = "suite/mutants.tsv";

/// Those that only a death of the server shows.
pub(super) const CRASH_LIST: &str = "suite/crash/mutants.tsv";

/// Those that only a whole request shows.
pub(super) const WIRE_LIST: &str = "suite/mutants-wire.tsv";

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mutant<'t> {
    pub(super) line: usize,
    /// What is wrong.
    pub(super) what: &'t str,
    /// In which file, named from the root.
    pub(super) file: &'t str,
    /// This text, which stands there once,
    pub(super) from: &'t str,
    /// becomes this.
    pub(super) to: &'t str,
}

impl Mutant<'_> {
    pub(super) fn mentions(&self, text: &str) -> bool {
        [self.what, self.file, self.from].iter().any(|column| column.contains(text))
    }

    /// The file with the bug in it.
    pub(super) fn applied(&self, source: &str) -> Result<String, String> {
        match source.matches(self.from).count() {
            1 => Ok(source.replacen(self.from, self.to, 1)),
            n => Err(format!("{} contains it {n} times, not once: {}", self.file, self.from)),
        }
    }
}

/// Every line that does not begin with `#`.
pub(super) fn parse(text: &str) -> Result<Vec<Mutant<'_>>, String> {
    let mut mutants = vec![];
    for (n, row) in text.lines().enumerate().filter(|(_, row)| !row.starts_with('#')) {
        let line = n + 1;
        let [what, file, from, to] = row.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("{LIST}:{line}: what, file, from, to, with tabs between"));
        };
        if what.is_empty() || file.is_empty() || from.is_empty() || from == to {
            return Err(format!("{LIST}:{line}: changes nothing"));
        }
        mutants.push(Mutant { line, what, file, from, to });
    }
    Ok(mutants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_fits_in_one_place() {
        let text = "# what\tfile\tfrom\tto\na bug\ta.rs\tx < y\tx <= y\n";
        let mutants = parse(text).unwrap();
        let [mutant] = &mutants[..] else { unreachable!() };
        assert_eq!((mutant.line, mutant.what), (2, "a bug"));
        assert_eq!(mutant.applied("if x < y {").unwrap(), "if x <= y {");
        assert!(mutant.applied("x < y; x < y").is_err());
        assert!(mutant.applied("x > y").is_err());
        assert!(mutant.mentions("a.rs") && mutant.mentions("bug") && !mutant.mentions("b.rs"));
    }

    #[test]
    fn a_line_without_a_bug_is_an_error() {
        for text in ["a\tb\tc", "a\tb\tc\tc", "\tb\tc\td", "a\tb\t\td", ""] {
            assert!(text.is_empty() == parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn every_mutant_of_the_list_fits_its_file() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (list, len_min) in [(LIST, 60), (CRASH_LIST, 10), (WIRE_LIST, 8)] {
            let text = std::fs::read_to_string(root.join(list)).unwrap();
            let mutants = parse(&text).unwrap();
            assert!(mutants.len() >= len_min, "{list}: {}", mutants.len());
            for mutant in mutants {
                let source = std::fs::read_to_string(root.join(mutant.file)).unwrap();
                if let Err(why) = mutant.applied(&source) {
                    unreachable!("{list}:{}: {why}", mutant.line)
                }
            }
        }
    }
}
