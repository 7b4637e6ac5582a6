//! How the program ends when it cannot do what was asked: a text for people, a code for scripts.

use std::fmt;

/// A failure of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code: 1 refused or failed, 2 usage, 3 configuration invalid, 4 server unreachable,
    /// 5 partly done.
    pub code: u8,
    /// What was tried, what was found, what to do.
    pub text: String,
}

impl Failure {
    /// Refused or failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { code: 1, text: text.into() }
    }

    /// The command line makes no sense.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { code: 2, text: text.into() }
    }

    /// A file of the operator is wrong.
    pub fn config(text: impl Into<String>) -> Self {
        Self { code: 3, text: text.into() }
    }

    /// There is no server where one was expected.
    pub fn unreachable(text: impl Into<String>) -> Self {
        Self { code: 4, text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}
