//! When signing keys move on (`counterfoil_engine::key_cycle`).

use counterfoil_engine::key_cycle::KeyTimes;

/// The times of this server.
pub const KEY_TIMES: KeyTimes = KeyTimes {
    // Our key sets may be kept for five minutes; some libraries ask again once an hour at most.
    published_s: 3_600,
    rotated_s: 90 * 86_400,
    // No policy lets an ID token or a JWT access token live longer.
    longest_token_s: 3_600,
};
