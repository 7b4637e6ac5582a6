//! Every grant type and every client authentication method is met by at least one table of the
//! suite.

use super::rust::{line_of, split, word_at};
use super::tree::{Finding, Tree};

/// The folders whose `mod.rs` has an `ALL`.
static FOLDERS: &[&str] = &["crates/engine/src/grants/", "crates/engine/src/client_auth/"];

/// Every entry of both.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    for folder in FOLDERS {
        let module = format!("{folder}mod.rs");
        for (line, entry) in all(tree.text(&module)) {
            let Some(name) = name(tree, folder, &entry) else {
                let what = format!(
                    "tidy cannot find the name of `{entry}`: mend xtask/src/tidy/entries.rs"
                );
                found.push(Finding::new(&module, line, what));
                continue;
            };
            let tables = tree.files.iter().filter(|(path, _)| is_table(path));
            if !tables.into_iter().any(|(_, text)| word_at(text, name).next().is_some()) {
                let what = format!("no table of suite/protocol/ names `{name}`: add a row");
                found.push(Finding::new(&module, line, what));
            }
        }
    }
    found
}

fn is_table(path: &str) -> bool {
    path.starts_with("suite/protocol/") && path.ends_with(".tsv")
}

/// The line of `static ALL` and each of its entries.
pub(super) fn all(source: &str) -> Vec<(usize, String)> {
    let code = split(source).code;
    let Some(at) = word_at(&code, "ALL").find(|at| code[..*at].ends_with("static ")) else {
        return vec![];
    };
    let value = code[at..].split_once("= &[").map_or("", |(_, value)| value);
    let entries = value.split(']').next().unwrap_or_default().split(',');
    let entries = entries.map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| (line_of(source, at), entry.to_owned())).collect()
}

/// What `fn name` of the rule behind an entry returns: from `static X: &dyn Y = &module::Type;` to
/// `for Type {` in the file of the module.
fn name<'t>(tree: &'t Tree, folder: &str, entry: &str) -> Option<&'t str> {
    let module = tree.text(&format!("{folder}mod.rs"));
    let (_, declared) = module.split_once(&format!("static {entry}:"))?;
    let value = declared.split(';').next()?.split_once("= &")?.1.trim();
    let (file, rule) = value.split_once("::")?;
    let (_, implemented) =
        tree.text(&format!("{folder}{file}.rs")).split_once(&format!("for {rule} {{"))?;
    let (_, body) = implemented.split_once("fn name(")?;
    body.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    const GRANTS: &str = "//! A.\npub static ALL: &[&dyn Rule] = &[CODE,\n REFRESH];\n\
        pub static CODE: &dyn Rule = &code::Rule;\npub static REFRESH: &dyn Rule = &refresh::Rule;\n";

    fn rule(name: &str) -> String {
        format!("impl GrantRule for Rule {{\n fn name(&self) -> &'static str {{ \"{name}\" }}\n}}")
    }

    fn tree(table: &str) -> Tree {
        let (code, refresh) = (rule("authorization_code"), rule("refresh_token"));
        Tree::of(&[
            ("crates/engine/src/grants/mod.rs", GRANTS),
            ("crates/engine/src/grants/code.rs", &code),
            ("crates/engine/src/grants/refresh.rs", &refresh),
            ("suite/protocol/mx.tsv", table),
            ("suite/protocol/README.md", "refresh_token"),
        ])
    }

    #[test]
    fn an_entry_that_no_table_meets_is_found() {
        assert_eq!(
            check(&tree("a\tgrant_type=authorization_code&x\tgrant_type=refresh_token\n")),
            []
        );
        let found = check(&tree("grant_type=authorization_code\trefresh_tokens\n"));
        assert_eq!(places(&found), ["crates/engine/src/grants/mod.rs:2"]);
        assert!(found[0].what.contains("`refresh_token`"));
    }

    #[test]
    fn an_entry_whose_name_is_nowhere_is_found() {
        let mut tree = tree("authorization_code refresh_token");
        tree.files.remove("crates/engine/src/grants/code.rs");
        assert!(check(&tree)[0].what.contains("cannot find the name of `CODE`"));
    }
}
