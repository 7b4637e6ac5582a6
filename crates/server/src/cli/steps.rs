//! The steps of a flow as they are printed: name, method and path, status, time, what it means.

use super::http::Answer;
use super::play::refused;
use crate::failure::Failure;

/// The steps so far.
#[derive(Debug, Default)]
pub(super) struct Steps {
    said: u32,
    quiet: bool,
}

impl Steps {
    /// Steps that nobody wants to see.
    pub(super) fn quiet() -> Self {
        Self { quiet: true, ..Self::default() }
    }

    pub(super) fn say(&mut self, name: &str, what: &str, answer: Option<&Answer>, remark: &str) {
        if self.quiet {
            return;
        }
        self.said += 1;
        let outcome = match answer {
            Some(answer) => format!("{} {:>3} ms", answer.status, answer.took_ms),
            None => String::new(),
        };
        super::out(&format!("{:>2} {name:11} {what:56} {outcome:11} {remark}", self.said));
    }

    /// A step that must end with this status.
    pub(super) fn expect(
        &mut self,
        (name, what): (&str, &str),
        answer: Answer,
        status: u16,
        remark: &str,
    ) -> Result<Answer, Failure> {
        self.say(name, what, Some(&answer), remark);
        if answer.status == status { Ok(answer) } else { Err(refused(name, &answer)) }
    }
}
