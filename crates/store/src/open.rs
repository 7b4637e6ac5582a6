//! `open(url)`: the table of backends.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use counterfoil_engine::store::{Store, Unavailable};

use crate::health::Health;
use crate::mark::{Mark, Progress, Standing};
use crate::memory::MemoryStore;
use crate::postgres::{self, PostgresStore};
use crate::revisions::Micros;
use crate::sqlite::SqliteStore;

/// An open store of any kind.
pub enum Opened {
    /// Keeps nothing.
    Memory(Arc<MemoryStore>),
    /// One file.
    Sqlite(Arc<SqliteStore>),
    /// A server, which other nodes may use as well.
    Postgres(Arc<PostgresStore>),
}

/// Opens the store that `url` names: `memory:`, `sqlite:PATH`, a path, or `postgres://…`. It is made
/// when it is not there yet. Blocks.
///
/// # Errors
/// [`OpenError`] says what the operator can do.
pub fn open(url: &str, micros: Micros) -> Result<Opened, OpenError> {
    match scheme(url) {
        Some(("memory", "")) => Ok(Opened::Memory(Arc::new(MemoryStore::new(micros)))),
        Some(("postgres" | "postgresql", _)) => {
            PostgresStore::open(url, micros).map(|store| Opened::Postgres(Arc::new(store)))
        }
        Some(("sqlite", path)) => open_file(path.strip_prefix("//").unwrap_or(path), micros),
        Some((other, _)) => Err(OpenError::Unsupported(other.into())),
        None => open_file(url, micros),
    }
}

fn open_file(path: &str, micros: Micros) -> Result<Opened, OpenError> {
    if path.is_empty() {
        return Err(OpenError::NoPath);
    }
    SqliteStore::open(Path::new(path), micros).map(|store| Opened::Sqlite(Arc::new(store)))
}

/// The URL as it may be shown: without a password.
#[must_use]
pub fn shown(url: &str) -> String {
    match scheme(url) {
        Some(("postgres" | "postgresql", _)) => postgres::without_password(url),
        Some(_) | None => url.into(),
    }
}

/// Whether the URL can be understood. Opens nothing, asks nobody.
///
/// # Errors
/// [`OpenError`] as [`open`] would say.
pub fn check(url: &str) -> Result<(), OpenError> {
    match scheme(url) {
        Some(("memory", "") | ("sqlite", _)) | None => Ok(()),
        Some(("postgres" | "postgresql", _)) => PostgresStore::check(url),
        Some((other, _)) => Err(OpenError::Unsupported(other.into())),
    }
}

/// One letter is a drive, not a scheme; a path may contain a colon further on.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let named = scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+');
    named.then_some((scheme, rest))
}

impl Opened {
    /// The store.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Whether it takes commits.
    #[must_use]
    pub fn health(&self) -> Health {
        match self {
            Self::Memory(_) => Health::Ready,
            Self::Sqlite(store) => store.health(),
            Self::Postgres(store) => store.health(),
        }
    }

    /// How far the store has come, and how that stands to where it was at an earlier time. Blocks, but
    /// for a store at a server.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn progress(&self, earlier: &[Mark]) -> Result<Progress, Unavailable> {
        match self {
            Self::Memory(_) => Ok(Progress { marks: vec![], standing: Standing::New }),
            Self::Sqlite(store) => {
                // Of several lanes the store was another one.
                let standing = match earlier.first() {
                    Some(earlier) => store.standing(earlier)?,
                    None => Standing::WentOn,
                };
                Ok(Progress { marks: vec![store.mark()?], standing })
            }
            Self::Postgres(store) => store.progress(earlier).await,
        }
    }

    /// Answers what is queued, puts everything into the one file and lets go of it. Blocks.
    pub fn close(&self) {
        match self {
            Self::Memory(_) => {}
            Self::Sqlite(store) => store.close(),
            Self::Postgres(store) => store.close(),
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(_) => f.write_str("memory:"),
            Self::Sqlite(store) => store.fmt(f),
            Self::Postgres(store) => store.fmt(f),
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// No backend has this scheme. The rest of the URL may hold a password and is left out.
    Unsupported(Box<str>),
    /// The URL names no file.
    NoPath,
    /// There is no such file, and it must be there.
    Missing(PathBuf),
    /// Another process has it open for writing.
    InUse(PathBuf),
    /// It is not a store of this program.
    Foreign(PathBuf),
    /// A later version of this program made it.
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The latest one that this program knows.
        known: i64,
    },
    /// An earlier version of this program made it, and it was opened read-only.
    Older {
        /// Which file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The one that this program needs.
        known: i64,
    },
    /// A server says no, or has what this program cannot work with. Waiting does not help.
    Refused {
        /// Which, without a password.
        store: Box<str>,
        /// What was found.
        found: Box<str>,
        /// What to do.
        fix: Box<str>,
    },
    /// No server answers that takes writes.
    Unreachable {
        /// Which, without a password.
        store: Box<str>,
        /// What each host said.
        found: Box<str>,
        /// What to do.
        fix: Box<str>,
    },
    /// Nothing can be written where it lies.
    ReadOnly(PathBuf),
    /// Its disk cannot give the durability that is promised.
    NotDurable(PathBuf),
    /// Reading or writing failed.
    Failed {
        /// Which file.
        path: PathBuf,
        /// How.
        why: Box<dyn Error + Send + Sync>,
    },
}

impl OpenError {
    /// Whether it may go away by itself, or by starting a server.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    pub(crate) fn refused(
        store: impl fmt::Display,
        found: impl fmt::Display,
        fix: impl Into<Box<str>>,
    ) -> Self {
        let (store, found) = (store.to_string().into(), found.to_string().into());
        Self::Refused { store, found, fix: fix.into() }
    }

    pub(crate) fn unreachable(
        store: impl fmt::Display,
        found: impl fmt::Display,
        fix: impl Into<Box<str>>,
    ) -> Self {
        let (store, found) = (store.to_string().into(), found.to_string().into());
        Self::Unreachable { store, found, fix: fix.into() }
    }

    pub(crate) fn failed(path: &Path, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let why = why.into();
        let kind = why.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind == Some(io::ErrorKind::ReadOnlyFilesystem) {
            return Self::ReadOnly(path.into());
        }
        Self::Failed { path: path.into(), why }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(scheme) => write!(
                f,
                "no store has the scheme `{scheme}:`; supported are `sqlite:PATH`, a plain path, \
                 `postgres://USER:PASSWORD@HOST/DATABASE`, and `memory:`"
            ),
            Self::NoPath => f.write_str("the store names no file; write `sqlite:PATH`"),
            Self::Missing(path) => write!(f, "there is no store at {}", path.display()),
            Self::InUse(path) => write!(
                f,
                "{} is in use by another process; only one may write to it",
                path.display()
            ),
            Self::Foreign(path) => write!(f, "{} is not a store of counterfoil", path.display()),
            Self::Newer { path, found, known } => write!(
                f,
                "{} has schema version {found}; this program knows versions up to {known}: use the \
                 later program that made it",
                path.display()
            ),
            Self::Older { path, found, known } => write!(
                f,
                "{} has schema version {found}; this program needs {known}: start the server once \
                 to bring it up to date",
                path.display()
            ),
            Self::Refused { store, found, fix } => {
                write!(f, "the store {store} cannot be used: {found}; {fix}")
            }
            Self::Unreachable { store, found, fix } => {
                write!(f, "the store {store} cannot be reached: {found}; {fix}")
            }
            Self::ReadOnly(path) => write!(
                f,
                "{} lies on a file system that is mounted read-only: mount it for writing, or name \
                 another place",
                path.display()
            ),
            Self::NotDurable(path) => write!(
                f,
                "{} lies on a disk without write-ahead logging and full flushes (a network share?)",
                path.display()
            ),
            Self::Failed { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { why, .. } => Some(&**why),
            Self::Unsupported(_)
            | Self::NoPath
            | Self::Missing(_)
            | Self::InUse(_)
            | Self::Foreign(_)
            | Self::Newer { .. }
            | Self::Older { .. }
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::ReadOnly(_)
            | Self::NotDurable(_) => None,
        }
    }
}
