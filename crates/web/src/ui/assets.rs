//! The files that the pages refer to, each under a name that changes with its content.

/// The style sheet of every page.
pub static CSS: &str = include_str!("assets/base.css");

/// The icon in the browser's tab.
pub static ICON: &str = include_str!("assets/icon.svg");

static CSS_NAME: [u8; 33] = name(b"/assets/base.", CSS.as_bytes(), b".css");
static ICON_NAME: [u8; 33] = name(b"/assets/icon.", ICON.as_bytes(), b".svg");

/// Path of [`CSS`]. Its content never changes under this name: cache it for as long as you like.
#[must_use]
pub fn css_path() -> &'static str {
    const { text(&CSS_NAME) }
}

/// Path of [`ICON`]; the same holds.
#[must_use]
pub fn icon_path() -> &'static str {
    const { text(&ICON_NAME) }
}

/// The FNV-1a offset basis of 128 bits, where a digest begins.
pub(super) const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;

/// FNV-1a of 128 bits. Tells versions of our own files apart, and is constant; it does not
/// withstand somebody who looks for a collision, and nobody else writes these files.
pub(super) const fn digest(mut hash: u128, bytes: &[u8]) -> u128 {
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u128).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        at += 1;
    }
    hash
}

/// `N` hexadecimal digits of a digest, the last ones of it.
pub(super) const fn hex<const N: usize>(hash: u128) -> [u8; N] {
    let mut digits = [b'0'; N];
    let mut at = 0;
    while at < N {
        digits[N - 1 - at] = b"0123456789abcdef"[(hash >> (4 * at)) as usize & 15];
        at += 1;
    }
    digits
}

/// ASCII as text; empty for anything else, which a test excludes.
pub(super) const fn text(ascii: &[u8]) -> &str {
    match std::str::from_utf8(ascii) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// Sixteen digits that change with a text.
pub(crate) fn version(of: &str) -> String {
    let digits: [u8; 16] = hex(digest(START, of.as_bytes()));
    text(&digits).to_owned()
}

const fn name(front: &[u8; 13], content: &[u8], back: &[u8; 4]) -> [u8; 33] {
    let digits: [u8; 16] = hex(digest(START, content));
    let mut name = [0; 33];
    let mut at = 0;
    while at < 33 {
        name[at] = if at < 13 {
            front[at]
        } else if at < 29 {
            digits[at - 13]
        } else {
            back[at - 29]
        };
        at += 1;
    }
    name
}
