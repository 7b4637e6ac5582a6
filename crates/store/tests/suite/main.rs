//! The promises of the store, for every backend, and what only one of them has.

#![expect(clippy::unwrap_used, reason = "a test is where a surprise may panic")]

#[path = "../../src/conformance/mod.rs"]
pub mod conformance;
mod backends;
mod checker;
mod golden;
mod file;
mod faults;

mod memory {
    crate::conformance!(crate::backends::memory);
}
mod sqlite {
    crate::conformance!(crate::backends::sqlite);
}
