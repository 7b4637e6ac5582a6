//! The surfaces byte for byte: tables of requests and answers, and flows that need more than one
//! request. In one process, without a socket: the application over the store in memory, a clock that
//! is set and seeded dice.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod wire;
mod world;
mod browser;
mod pattern;
mod assertions;
mod signatures;
mod table;
mod tables;
mod fintecture;
mod connect;
mod mx;
mod worldline;
mod openid;
mod logout;
mod fapi;
mod targets;
mod details;
mod step_up;
mod answers;
mod common;
mod discovery;
mod captured;
mod faults;
mod refusals;
mod names;
