//! Two processes of ours on one PostgreSQL database: rivals, suspensions, keys, a database that goes
//! away, and everything that a store URL can have wrong.
//!
//! `COUNTERFOIL_POSTGRES` names a server and `COUNTERFOIL_POSTGRES_PROGRAMS` the folder of its
//! programs. `cargo xtask check` starts one; plain `cargo test` has none and leaves this program out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks at one of many")]
#![expect(dead_code, reason = "the crash harness uses the rest of what is shared")]

#[path = "../crash/wire.rs"]
mod wire;
#[path = "../crash/history.rs"]
mod history;
#[path = "../crash/rules.rs"]
mod rules;
#[path = "../crash/actors.rs"]
mod actors;
#[path = "../crash/storm.rs"]
mod storm;
#[path = "../crash/stage.rs"]
mod stage;
#[path = "../crash/inside.rs"]
mod inside;
#[path = "../../crates/store/tests/postgres/patience.rs"]
mod patience;
mod place;
mod cluster;
mod house;
mod rivals;
mod suspended;
mod keys;
mod gone;
mod setback;
mod fake;
mod urls;
mod versions;
mod connections;
