//! The server on a real disk, killed under load and started again on the same state; the same on a
//! disk that loses power, lies, or is full. What was acknowledged must be there; what was not may be
//! either way.
//!
//! `cargo xtask crash` says how often; a plain `cargo test` is content with less.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each actor and each rule is about a few of many kinds of calls"
)]

mod wire;
mod history;
mod rules;
mod inspect;
mod actors;
mod storm;
mod stage;
mod inside;
mod kills;
mod positions;
mod images;
mod faults;
mod broken;
mod setback;

/// How often, in a plain `cargo test` or as `cargo xtask crash` says.
#[expect(clippy::disallowed_methods, reason = "how the check says how long to go on")]
fn times(name: &str, plain: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(plain)
}

/// Numbers that repeat: what happens in a run is decided by its seed, as far as threads let it.
#[derive(Clone, Copy, Debug)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}
