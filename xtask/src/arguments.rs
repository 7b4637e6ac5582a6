//! The words after a verb, taken one by one; what nobody took is an error.

/// Why a verb ended without success.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It has said so itself.
    Told,
    /// For this reason.
    Because(String),
    /// It was called wrongly.
    Usage(String),
}

impl From<String> for Stop {
    fn from(why: String) -> Self {
        Self::Because(why)
    }
}

/// What is left of the command line.
#[derive(Debug)]
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn new(words: Vec<String>) -> Self {
        Self(words)
    }

    /// Whether this flag is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() < before
    }

    /// Every value after this option: up to the next option, and at every comma.
    pub(crate) fn values(&mut self, name: &str) -> Result<Vec<String>, Stop> {
        let mut found = vec![];
        while let Some(at) = self.0.iter().position(|word| word == name) {
            let after = self.0[at + 1..].iter().take_while(|word| !word.starts_with('-')).count();
            let taken: Vec<String> = self.0.drain(at..=at + after).skip(1).collect();
            if taken.is_empty() {
                return Err(Stop::Usage(format!("{name} needs a value")));
            }
            found.extend(taken.iter().flat_map(|word| word.split(',')).map(str::to_owned));
        }
        Ok(found)
    }

    /// The one value of this option.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>, Stop> {
        let mut found = self.values(name)?;
        match found.len() {
            0 => Ok(None),
            1 => Ok(found.pop()),
            _ => Err(Stop::Usage(format!("{name} takes one value"))),
        }
    }

    /// The one number of this option.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, Stop> {
        let Some(text) = self.value(name)? else { return Ok(None) };
        match text.replace('_', "").parse() {
            Ok(0) | Err(_) => {
                Err(Stop::Usage(format!("{name} needs a number above 0, not `{text}`")))
            }
            Ok(number) => Ok(Some(number)),
        }
    }

    /// All that is left, for a program that reads it itself.
    pub(crate) fn rest(self) -> Vec<String> {
        self.0
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), Stop> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => Err(Stop::Usage(format!("`{word}` is not understood"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Arguments {
        Arguments::new(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn options_are_taken_in_any_order() {
        let mut arguments = of("--only fmt,tidy deny --fast --only test --seeds 5_000");
        assert_eq!(
            arguments.values("--only"),
            Ok(["fmt", "tidy", "deny", "test"].map(str::to_owned).into())
        );
        assert!(arguments.flag("--fast"));
        assert!(!arguments.flag("--fast"));
        assert_eq!(arguments.number("--seeds"), Ok(Some(5000)));
        assert_eq!(arguments.finish(), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(matches!(of("--only --fast").values("--only"), Err(Stop::Usage(_))));
        assert!(matches!(of("--from a b").value("--from"), Err(Stop::Usage(_))));
        assert!(matches!(of("--seeds many").number("--seeds"), Err(Stop::Usage(_))));
        assert!(matches!(of("--seeds 0").number("--seeds"), Err(Stop::Usage(_))));
        assert!(matches!(of("--fats").finish(), Err(Stop::Usage(_))));
    }
}
