//! Text of unknown origin on its way into HTML: escaped, without characters that steer the text
//! around it (attacks.md section 5 G).

use std::fmt::Write as _;

/// Marks that may sit on one letter. Real writing needs three; more paint over the neighbours.
const MARKS_MAX: usize = 3;

/// Appends `text` for an element or a quoted attribute.
pub(super) fn escape(out: &mut String, text: &str) {
    for letter in text.chars().filter(|letter| !steers(*letter)) {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
}

/// The same as a new string.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    escape(&mut out, text);
    out
}

/// An insertion whose direction cannot reach the text around it.
pub(super) fn isolated(text: &str) -> String {
    format!("<bdi>{}</bdi>", escaped(text))
}

/// A name on one line: white space collapsed, at most `length` characters, the last of them an
/// ellipsis where something is missing.
pub(super) fn name(text: &str, length: usize) -> String {
    let mut letters = Vec::new();
    let (mut marks, mut gap) = (0, false);
    for letter in text.chars() {
        if letter.is_whitespace() {
            gap = !letters.is_empty();
            continue;
        }
        marks = if is_mark(letter) { marks + 1 } else { 0 };
        if steers(letter) || marks > MARKS_MAX {
            continue;
        }
        if std::mem::take(&mut gap) {
            letters.push(' ');
        }
        letters.push(letter);
        if letters.len() > length {
            letters.truncate(length.saturating_sub(1));
            letters.push('…');
            break;
        }
    }
    letters.into_iter().collect()
}

/// What a developer sent, with everything invisible spelled out.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers(letter) || is_mark(letter) || (letter.is_whitespace() && letter != ' ') {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(letter)); // a String takes everything
        } else {
            out.push(letter);
        }
    }
    out
}

/// Must the reader's browser be told which way this runs?
pub(super) fn runs_right_to_left(text: &str) -> bool {
    text.chars().any(|letter| {
        matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1eeff}')
    })
}

/// Controls, bidirectional controls, and what takes no room. The joiners stay: Persian, Indian
/// scripts and emoji are written with them.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
            | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}
