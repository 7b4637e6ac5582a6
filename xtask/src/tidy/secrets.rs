//! What is secret does not print itself: no `derive(Debug)` on secret types, nor around bytes that
//! are zeroed because they are secret.

use super::rust::{line_of, split, word_at};
use super::tree::{Finding, Tree};

/// Types that hold a secret. `Some` is why a derived `Debug` is right all the same.
static TYPES: &[(&str, Option<&str>)] = &[
    ("Secret", None),
    ("Digest", None),
    ("Verifier", None),
    ("Salt", None),
    ("HandleKey", Some("its secret is a `Secret`, which prints as redacted")),
    ("Keyring", Some("it holds `HandleKey`s")),
    ("TenantRing", None),
    ("Sealed", None),
    ("Proven", Some("it holds facts only, and facts may be logged")),
    ("Minted", None),
    ("KeyFile", None),
    ("StoredKey", Some("its private part is wrapped")),
    ("LoadedKey", None),
    ("Presented", None),
    ("IdAndSecret", None),
    ("MacKey", None),
    ("WrappingKey", None),
    ("SigningKey", None),
    ("PrivateKey", None),
    ("Stored", None),
    ("StoredHandle", None),
];

/// Bytes in these are secret, and print.
static PRINTING: &[&str] = &["Zeroizing<"];

/// Every type with a derived `Debug`.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    let mut seen = vec![];
    for (path, text) in tree.sources() {
        let code = split(text).code;
        for (at, name, body) in types(&code) {
            let listed = TYPES.iter().find(|(listed, _)| *listed == name);
            seen.extend(listed.map(|(name, _)| *name));
            if !derives_debug(&code[..at]) {
                continue;
            }
            let line = line_of(text, at);
            if let Some((_, None)) = listed {
                let what =
                    format!("`{name}` is secret and derives Debug: write one that says little");
                found.push(Finding::new(path, line, what));
            } else if let Some(holder) = PRINTING.iter().find(|holder| body.contains(**holder)) {
                let what = format!(
                    "`{name}` derives Debug and would print what is in its `{holder}..>`: write one \
                     that does not, or keep a `Secret`"
                );
                found.push(Finding::new(path, line, what));
            }
        }
    }
    let gone = TYPES.iter().filter(|(name, _)| !seen.is_empty() && !seen.contains(name));
    found.extend(gone.map(|(name, _)| {
        let what =
            format!("there is no type `{name}`: take it out of the list, or rename it there");
        Finding::new("xtask/src/tidy/secrets.rs", 1, what)
    }));
    found
}

/// Offset, name and body of every struct and enum.
fn types(code: &str) -> Vec<(usize, &str, &str)> {
    let keywords = ["struct", "enum"]
        .into_iter()
        .flat_map(|word| word_at(code, word).map(move |at| (at, at + word.len())));
    keywords
        .filter_map(|(at, after)| {
            let rest = code[after..].trim_start();
            let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
            let (name, rest) = rest.split_at(len);
            (!name.is_empty()).then(|| (at, name, body(rest)))
        })
        .collect()
}

/// Up to the brace that closes it, or the semicolon of a tuple.
fn body(rest: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(c, '}' | ';') {
            return &rest[..at];
        }
    }
    rest
}

/// Whether one of the attributes right above derives it.
fn derives_debug(before: &str) -> bool {
    let start = before.rfind(['}', ';']).map_or(0, |at| at + 1);
    let attributes = &before[start..];
    attributes.match_indices("derive(").any(|(at, opening)| {
        let inside = &attributes[at + opening.len()..];
        inside.split(')').next().is_some_and(|list| word_at(list, "Debug").next().is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    fn all_but(source: &str) -> Tree {
        let rest = TYPES.iter().filter(|(name, _)| word_at(source, name).next().is_none());
        let rest: String = rest.map(|(name, _)| format!("pub struct {name};\n")).collect();
        Tree::of(&[("crates/a/src/a.rs", source), ("crates/a/src/b.rs", &rest)])
    }

    fn found(source: &str) -> Vec<String> {
        places(&check(&all_but(source)))
    }

    #[test]
    fn a_secret_that_prints_itself_is_found() {
        let derived = "//! A.\n#[derive(Clone, Debug)]\n#[must_use]\npub struct Salt([u8; 16]);\n";
        assert_eq!(found(derived), ["crates/a/src/a.rs:4"]);
        assert_eq!(found("#[derive(Clone)] struct Salt([u8; 16]);"), [""; 0]);
        assert_eq!(found("#[derive(Debug)] struct A;\nstruct Salt([u8; 16]);"), [""; 0]);
        assert_eq!(
            found("#[derive(Debug)]\nenum PrivateKey { Rsa(Vec<u8>) }"),
            ["crates/a/src/a.rs:2"]
        );
    }

    #[test]
    fn the_listed_exceptions_may() {
        assert_eq!(
            found("#[derive(Debug)] struct HandleKey { id: u8, secret: Secret }\nstruct Secret;"),
            [""; 0]
        );
    }

    #[test]
    fn zeroed_bytes_print_through_a_derived_debug() {
        let answer = "#[derive(Debug)]\npub struct Answer {\n token: Zeroizing<String>,\n}\n";
        assert_eq!(found(answer), ["crates/a/src/a.rs:2"]);
        assert_eq!(
            found("#[derive(Debug)] struct A { b: u8 }\nstruct C { d: Zeroizing<u8> }"),
            [""; 0]
        );
        assert_eq!(found("#[derive(Debug)]\nstruct A(Zeroizing<u8>);"), ["crates/a/src/a.rs:2"]);
    }

    #[test]
    fn a_listed_type_that_is_gone_is_found() {
        let mut tree = all_but("");
        tree.files.insert("crates/a/src/b.rs".into(), "struct Salt;".into());
        assert_eq!(check(&tree).len(), TYPES.len() - 1);
    }
}
