//! The state of one disk: its plan, its count, its platters.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::plan::{Fault, Kind, Plan};
use crate::platter::{Change, Cut, Platter};
use crate::trace::{Step, Trace, What};
use crate::vfs;

/// Every file of SQLite below one folder.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    plan: Option<Plan>,
    /// Read again before every operation.
    orders: Option<Orders>,
    /// Operations that the plan counts.
    counted: u64,
    /// Everything that changed something.
    changes: u64,
    faults: u64,
    platters: HashMap<PathBuf, Platter>,
    trace: Option<Trace>,
}

/// A file with a plan in words: how another process says what is to go wrong.
#[derive(Debug)]
struct Orders {
    path: PathBuf,
    seen: String,
}

/// What the shim does with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As asked.
    Go,
    /// Fail with what this operation fails with when there is no space.
    Full,
    /// Do the first half, then fail like that.
    Half,
    /// Fail with an error of the device.
    Error,
    /// Say that it was done.
    Skip,
}

impl Disk {
    /// The disk under a folder. Files that SQLite opens there from now on are on it.
    ///
    /// # Errors
    /// When the folder is not there, or SQLite does not take the file system.
    pub fn under(folder: &Path) -> Result<Self, String> {
        let folder = folder.canonicalize().map_err(|e| format!("{}: {e}", folder.display()))?;
        let disk = Self(Arc::default());
        vfs::watch(folder, disk.clone())?;
        Ok(disk)
    }

    /// Lets go of the folder. Nobody may have its files open.
    pub fn release(self) {
        vfs::release(&self);
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Takes its plan from this file, whenever that says something new.
    pub fn take_orders(&self, path: &Path) {
        self.state().orders = Some(Orders { path: path.into(), seen: String::new() });
    }

    /// From now on, this; counting starts anew.
    pub fn plan(&self, plan: Option<Plan>) {
        let mut state = self.state();
        state.plan = plan;
        state.counted = 0;
    }

    /// From now on every operation is written down. To be called before the first file is opened.
    pub fn record(&self) {
        self.state().trace = Some(Trace::default());
    }

    /// What was written down.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.state().trace.clone().unwrap_or_default()
    }

    /// Operations so far that changed something.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Faults so far.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.state().faults
    }

    /// Makes the files what a start after a power failure would find. Nobody may have them open.
    ///
    /// # Errors
    /// The system's.
    pub fn cut(&self, cut: Cut) -> std::io::Result<()> {
        self.state().cut(cut)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file was opened.
    pub(crate) fn opened(&self, path: &Path) {
        let mut state = self.state();
        if !state.platters.contains_key(path) {
            let found = std::fs::read(path).unwrap_or_default();
            state.platters.insert(path.into(), Platter::of(found));
        }
    }

    /// Asks what becomes of an operation, and does it while nobody else does any.
    pub(crate) fn operate<T>(
        &self,
        path: &Path,
        kind: Kind,
        perform: impl FnOnce(Verdict) -> (T, Option<What>),
    ) -> T {
        let mut state = self.state();
        let verdict = state.verdict(path, kind);
        let (answer, done) = perform(verdict);
        if let Some(done) = done {
            state.done(path, done);
        } else if kind == Kind::Flush && verdict == Verdict::Error {
            state.platter(path).lost();
        }
        answer
    }
}

impl State {
    fn platter(&mut self, path: &Path) -> &mut Platter {
        self.platters.entry(path.into()).or_default()
    }

    fn done(&mut self, path: &Path, done: What) {
        match &done {
            What::Change(change) => self.platter(path).change(change.clone()),
            What::Flush => self.platter(path).flushed(),
            What::Remove => {
                self.platters.remove(path);
            }
        }
        if let Some(trace) = &mut self.trace {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            trace.0.push(Step { file, what: done });
        }
        self.changes += 1;
    }

    fn verdict(&mut self, path: &Path, kind: Kind) -> Verdict {
        self.follow_orders();
        let log = path.as_os_str().to_string_lossy().ends_with("-wal");
        let Some(plan) = self.plan.filter(|plan| plan.counts(kind, log)) else {
            return Verdict::Go;
        };
        self.counted += 1;
        if self.counted < plan.at || self.counted > plan.at && !plan.lasting {
            return Verdict::Go;
        }
        self.faults += 1;
        match plan.fault {
            Fault::Kill => vfs::die(),
            Fault::Cut(cut) => {
                // A cut that cannot be carried out must not look like one that was survived.
                if self.cut(cut).is_err() {
                    std::process::abort();
                }
                vfs::die()
            }
            Fault::Full => Verdict::Full,
            Fault::Short => Verdict::Half,
            Fault::Error => Verdict::Error,
            Fault::Lie if kind == Kind::Flush => Verdict::Skip,
            Fault::Lie => Verdict::Go,
        }
    }

    fn follow_orders(&mut self) {
        let Some(orders) = &mut self.orders else { return };
        let Ok(text) = std::fs::read_to_string(&orders.path) else { return };
        if text == orders.seen {
            return;
        }
        self.plan = Plan::parse(&text).ok();
        self.counted = 0;
        orders.seen = text;
    }

    fn cut(&mut self, cut: Cut) -> std::io::Result<()> {
        for (n, (path, platter)) in self.platters.iter_mut().enumerate() {
            let cut = match cut {
                Cut::Some(seed) => Cut::Some(seed.wrapping_add(n as u64)),
                Cut::All | Cut::None => cut,
            };
            let found = platter.after(cut);
            // Beside the locks of whoever has it open: this process ends, or has closed it.
            let file =
                std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            std::os::unix::fs::FileExt::write_all_at(&file, &found, 0)?;
            file.set_len(found.len() as u64)?;
            *platter = Platter::of(found);
        }
        Ok(())
    }
}

/// A write as the platter sees it.
pub(crate) fn bytes(from: u64, bytes: &[u8]) -> What {
    What::Change(Change::Bytes(from, bytes.into()))
}

/// The same for a change of length.
pub(crate) fn length(len: u64) -> What {
    What::Change(Change::Length(len))
}
