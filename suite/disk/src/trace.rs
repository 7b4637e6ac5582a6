//! Everything that was done to the files of a folder, and what the disk would hold had it lost power
//! at any point in between.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::platter::{Change, Cut, Platter};

/// One operation.
#[derive(Clone, Debug)]
pub struct Step {
    /// The name of the file, without its folder.
    pub(crate) file: String,
    pub(crate) what: What,
}

/// What was done.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Change(Change),
    Flush,
    Remove,
}

/// All operations in their order.
#[derive(Clone, Debug, Default)]
pub struct Trace(pub(crate) Vec<Step>);

impl Trace {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Walks through it.
    #[must_use]
    pub fn images(&self) -> Images<'_> {
        Images { steps: self.0.iter(), done: 0, files: BTreeMap::new() }
    }
}

/// The disk at one position of a trace; it only moves on.
#[derive(Debug)]
pub struct Images<'t> {
    steps: std::slice::Iter<'t, Step>,
    done: usize,
    files: BTreeMap<String, Platter>,
}

impl Images<'_> {
    /// Moves on until so many operations are done.
    pub fn move_to(&mut self, done: usize) {
        while self.done < done
            && let Some(Step { file, what }) = self.steps.next()
        {
            self.done += 1;
            match what {
                What::Change(change) => {
                    self.files.entry(file.clone()).or_default().change(change.clone());
                }
                What::Flush => self.files.entry(file.clone()).or_default().flushed(),
                What::Remove => {
                    self.files.remove(file);
                }
            }
        }
    }

    /// Writes what a start after this cut would find.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, cut: Cut, folder: &Path) -> io::Result<()> {
        for (name, platter) in &self.files {
            std::fs::write(folder.join(name), platter.after(cut))?;
        }
        Ok(())
    }
}
