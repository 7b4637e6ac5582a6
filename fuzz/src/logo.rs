//! Logos of clients: whatever was fetched, what is served is a small PNG of our own making.

use counterfoil_server::logos::drawn;

/// Twice the side on the page.
const SIDE_MAX_PX: u32 = 128;
/// Four bytes for each point, and what PNG puts around them.
const LEN_MAX: usize = 80 * 1024;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Some(png) = drawn(data) else { return };
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() <= LEN_MAX, "{} bytes", png.len());
    let side = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
    assert!((1..=SIDE_MAX_PX).contains(&side(16)) && (1..=SIDE_MAX_PX).contains(&side(20)));
    // Drawn again it is the same: there is nothing in it that we did not put there.
    assert!(drawn(&png) == Some(png), "another picture");
}
