//! The real binary, asked from outside: bad input, overload, commands, signals.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod server;
mod wire;
mod commands;
mod parameters;
mod redirects;
mod signals;
mod transport;
