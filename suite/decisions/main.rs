//! The protocol as sentences: one test, one rule, on the surface that has it. The real engine, no
//! mocks, no runtime.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks at one of many")]
#![expect(dead_code, reason = "the simulator uses the rest of what is shared")]

#[path = "../sim/dice.rs"]
mod dice;
#[path = "../sim/plain.rs"]
mod plain;
#[path = "../sim/storm.rs"]
mod storm;
#[path = "../sim/policies.rs"]
mod policies;
#[path = "../sim/fixtures.rs"]
mod fixtures;
#[path = "../sim/world.rs"]
mod world;
mod ways;
mod codes;
mod refreshes;
mod access;
mod senders;
mod certificates;
mod standing;
mod assertions;
mod clients;
mod authorizations;
mod browsers;
mod logouts;
mod decoupled;
mod customers;
mod handles;
mod signed;
mod operators;
mod several;
