//! Effects on disk: the store contract on memory, SQLite and
//! PostgreSQL. The modules are listed in reading
//! order.

pub mod limits;
pub mod kind;
pub mod codec;
mod bucket;
mod encoded;
mod chain;
mod revisions;
pub mod health;
pub mod mark;
pub mod open;
pub mod memory;
pub mod sqlite;
pub mod postgres;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use health::Health;
pub use mark::{Mark, Progress, Standing};
pub use memory::MemoryStore;
pub use open::{OpenError, Opened, open};
pub use postgres::PostgresStore;
pub use revisions::Micros;
pub use sqlite::SqliteStore;

// The conformance suite is compiled here and in the test program, and names this crate in both.
#[cfg(any(test, feature = "conformance"))]
extern crate self as counterfoil_store;
