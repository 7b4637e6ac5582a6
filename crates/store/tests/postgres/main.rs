//! The promises of the store at a PostgreSQL server, which `COUNTERFOIL_POSTGRES` names: a URL
//! without a schema. `cargo xtask check` starts a server for them; plain `cargo test` has none and
//! leaves this program out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test is where a surprise may panic"
)]

#[path = "../../src/conformance/mod.rs"]
pub mod conformance;
mod backend;
mod patience;
mod faults;
mod nodes;
mod start;

mod postgres {
    crate::conformance!(crate::backend::postgres);
}
