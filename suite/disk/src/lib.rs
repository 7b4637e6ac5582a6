//! A disk that fails on request. It stands between SQLite and the files, counts what is written,
//! knows what has been flushed, and does at a named position what a real disk does on a bad day.
//!
//! For tests only: nothing of it is in the program that is shipped. A file that does not lie in a
//! folder of a [`Disk`] is opened as if this crate was not there.

mod plan;
mod platter;
mod trace;
mod disk;
mod vfs;

pub use disk::Disk;
pub use plan::{Fault, File, Kind, Plan};
pub use platter::Cut;
pub use trace::{Images, Step, Trace};
