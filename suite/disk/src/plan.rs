//! What goes wrong, where, and for how long.

use crate::platter::Cut;

/// A part of the store on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The file itself.
    Main,
    /// The log beside it.
    Log,
    /// Either.
    Any,
}

/// What can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A write, or a change of length.
    Write,
    /// A flush.
    Flush,
    /// A read.
    Read,
    /// Everything that may change what is on the disk: writes, lengths, flushes, removals.
    Change,
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process ends at once, before the operation. The system keeps what was written.
    Kill,
    /// The machine loses power before the operation: of what was not flushed, only this remains.
    Cut(Cut),
    /// There is no space left.
    Full,
    /// Half of it is written, then there is no space left.
    Short,
    /// An error of the device. A write that fails has written nothing; a flush that fails has
    /// flushed nothing, and what it should have flushed is never flushed by a later one either.
    Error,
    /// The flush reports success and has done nothing.
    Lie,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// At this operation, counted from 1 since the plan was made,
    pub at: u64,
    /// counting only these
    pub kind: Kind,
    /// on this file
    pub file: File,
    /// this happens,
    pub fault: Fault,
    /// once, or from there on.
    pub lasting: bool,
}

impl Plan {
    /// Once, at the `at`th change of any file.
    #[must_use]
    pub fn at(at: u64, fault: Fault) -> Self {
        Self { at, kind: Kind::Change, file: File::Any, fault, lasting: false }
    }

    /// From now on, at every operation of this kind.
    #[must_use]
    pub fn every(kind: Kind, fault: Fault) -> Self {
        Self { at: 1, kind, file: File::Any, fault, lasting: true }
    }

    /// On this file only.
    #[must_use]
    pub fn on(self, file: File) -> Self {
        Self { file, ..self }
    }

    /// From words: `at 137 change any cut some 5`, `from 1 write log full`.
    ///
    /// # Errors
    /// The word that is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let mut word = || words.next().ok_or_else(|| format!("too few words: {text}"));
        let lasting = match word()? {
            "at" => false,
            "from" => true,
            other => return Err(other.into()),
        };
        let number = |word: &str| word.parse::<u64>().map_err(|_| word.to_owned());
        let at = number(word()?)?;
        let kind = match word()? {
            "write" => Kind::Write,
            "flush" => Kind::Flush,
            "read" => Kind::Read,
            "change" => Kind::Change,
            other => return Err(other.into()),
        };
        let file = match word()? {
            "main" => File::Main,
            "log" => File::Log,
            "any" => File::Any,
            other => return Err(other.into()),
        };
        let fault = match word()? {
            "kill" => Fault::Kill,
            "full" => Fault::Full,
            "short" => Fault::Short,
            "error" => Fault::Error,
            "lie" => Fault::Lie,
            "cut" => Fault::Cut(match word()? {
                "all" => Cut::All,
                "none" => Cut::None,
                "some" => Cut::Some(number(word()?)?),
                other => return Err(other.into()),
            }),
            other => return Err(other.into()),
        };
        Ok(Self { at, kind, file, fault, lasting })
    }

    /// Whether an operation of this kind on this file is counted.
    pub(crate) fn counts(&self, kind: Kind, log: bool) -> bool {
        let of_kind = match self.kind {
            Kind::Change => kind != Kind::Read,
            Kind::Write | Kind::Flush | Kind::Read => self.kind == kind,
        };
        let on_file = match self.file {
            File::Any => true,
            File::Log => log,
            File::Main => !log,
        };
        of_kind && on_file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_written_in_words() {
        let plan = Plan::parse("at 137 change any cut some 5\n").unwrap();
        assert_eq!(plan, Plan::at(137, Fault::Cut(Cut::Some(5))));
        let plan = Plan::parse("from 1 write log full").unwrap();
        assert_eq!(plan, Plan::every(Kind::Write, Fault::Full).on(File::Log));
        for bad in ["", "at", "at x change any kill", "at 1 change any cut", "at 1 write log melt"]
        {
            assert!(Plan::parse(bad).is_err(), "{bad}");
        }
    }
}
