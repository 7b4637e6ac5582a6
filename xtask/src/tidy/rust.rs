//! Rust source split into code and comments, so that a rule never trips over a text about it.

/// A source file twice, both of its own length: what the compiler reads, and what people read.
pub(super) struct Split {
    /// Without comments and without the inside of literals.
    pub(super) code: String,
    /// Without anything else.
    pub(super) comments: String,
}

/// Blanks replace what was taken out, so offsets and lines stay.
pub(super) fn split(source: &str) -> Split {
    let bytes = source.as_bytes();
    let (mut code, mut comments) = (blank(bytes), blank(bytes));
    let mut at = 0;
    while at < bytes.len() {
        let (kind, len) = piece(&bytes[at..], at.checked_sub(1).map(|before| bytes[before]));
        let end = (at + len.max(1)).min(bytes.len());
        match kind {
            Piece::Code => code[at..end].copy_from_slice(&bytes[at..end]),
            Piece::Comment => comments[at..end].copy_from_slice(&bytes[at..end]),
            // The quotes stay, so that a literal still separates what is around it.
            Piece::Literal => {
                for quote in [at, end - 1] {
                    if matches!(bytes[quote], b'"' | b'\'') {
                        code[quote] = bytes[quote];
                    }
                }
            }
        }
        at = end;
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Split { code: text(code), comments: text(comments) }
}

fn blank(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }).collect()
}

enum Piece {
    Code,
    Comment,
    Literal,
}

/// What starts here, and how long it is. `before` tells a raw string from the end of a name.
fn piece(rest: &[u8], before: Option<u8>) -> (Piece, usize) {
    if rest.starts_with(b"//") {
        return (Piece::Comment, find(rest, b"\n").unwrap_or(rest.len()));
    }
    if rest.starts_with(b"/*") {
        return (Piece::Comment, block_comment(rest));
    }
    if rest.starts_with(b"\"") {
        return (Piece::Literal, quoted(rest, b'"'));
    }
    let in_name = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !in_name && let Some(len) = raw_string(rest) {
        return (Piece::Literal, len);
    }
    match rest {
        // 'a' and '\n' are characters; 'a without a closing quote is a lifetime.
        [b'\'', b'\\', ..] => (Piece::Literal, quoted(rest, b'\'')),
        [b'\'', _, b'\'', ..] => (Piece::Literal, 3),
        [b'\'', first, ..] if !first.is_ascii() => (Piece::Literal, quoted(rest, b'\'')),
        _ => (Piece::Code, 1),
    }
}

fn find(rest: &[u8], what: &[u8]) -> Option<usize> {
    rest.windows(what.len()).position(|window| window == what)
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let step = if rest[at..].starts_with(b"/*") {
            depth += 1;
            2
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            2
        } else {
            1
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[u8], end: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != end {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// `r"..."`, `br#"..."#` and the like.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = usize::from(matches!(rest.first(), Some(b'b' | b'c')));
    let after_r = rest.get(prefix..)?.strip_prefix(b"r")?;
    let hashes = after_r.iter().take_while(|byte| **byte == b'#').count();
    let inside = after_r[hashes..].strip_prefix(b"\"")?;
    let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let opening = prefix + 1 + hashes + 1;
    Some(find(inside, &end).map_or(rest.len(), |len| opening + len + end.len()))
}

/// The code of a file up to its unit tests, which stand at its end.
pub(super) fn without_tests(code: &str) -> &str {
    let start = code.match_indices("#[cfg(test)]").map(|(at, _)| at);
    let module = |at: &usize| code[at + "#[cfg(test)]".len()..].trim_start().starts_with("mod ");
    start.into_iter().find(module).map_or(code, |at| &code[..at])
}

/// The line of an offset, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Where a word stands on its own.
pub(super) fn word_at<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_taken_out_of_the_code() {
        let source = "let a = \"b // c\\\" d\"; // e 'f'\nlet g: &'h str = r#\"i \"j\" k\"#; /* l /* m */ n */ o('p', '\\'', 'ü');";
        let Split { code, comments } = split(source);
        assert_eq!(code.len(), source.len());
        let words: Vec<char> = code.chars().filter(|c| c.is_alphabetic()).collect();
        assert_eq!(words.iter().collect::<String>(), "letaletghstro");
        let words: String = comments.chars().filter(|c| c.is_alphabetic()).collect();
        assert_eq!(words, "eflmn");
    }

    #[test]
    fn names_that_end_in_r_start_no_raw_string() {
        assert_eq!(split("for\"x\"").code, "for\" \"");
        assert_eq!(split("r\"x\"").code, "   \"");
        assert_eq!(split("r#type").code, "r#type");
    }

    #[test]
    fn an_unfinished_literal_ends_with_the_file() {
        for source in ["\"a", "r#\"a", "/* a", "'\\", "\"a\\", "'ü"] {
            assert_eq!(split(source).code.len(), source.len(), "{source}");
        }
    }

    #[test]
    fn tests_stand_at_the_end() {
        let code = "#[cfg(test)]\nfn f() {}\nfn g() {}\n#[cfg(test)]\nmod tests { h() }";
        assert_eq!(without_tests(code), "#[cfg(test)]\nfn f() {}\nfn g() {}\n");
    }

    #[test]
    fn words_stand_alone() {
        let found: Vec<usize> = word_at("mx, mxr mx_a (mx)", "mx").collect();
        assert_eq!(found, [0, 14]);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
