//! The engine waits for the store only (A1), and only in the files of the endpoints.

use super::rust::{line_of, split, without_tests};
use super::tree::{Finding, Tree};

const ENGINE: &str = "crates/engine/src/";

/// The files that may: the endpoints, and what stands between them and the store. Decisions do not.
static MAY: &[&str] = &[
    "admin.rs",
    "authorize/browse.rs",
    "authorize/consent.rs",
    "authorize/decoupled.rs",
    "authorize/jarm.rs",
    "authorize/remembered.rs",
    "authorize/unpack.rs",
    "authorize/validate.rs",
    "client_auth/mod.rs",
    "client_keys.rs",
    "customer.rs",
    "engine.rs",
    "introspect.rs",
    "key_cycle.rs",
    "login/mod.rs",
    "logo.rs",
    "logout.rs",
    "outbox.rs",
    "par.rs",
    "register/mod.rs",
    "register/sector.rs",
    "revoke.rs",
    "sender/resource.rs",
    "token.rs",
    "userinfo.rs",
];

/// Files of the engine against the list, both ways.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    for (path, text) in tree.sources() {
        let Some(name) = path.strip_prefix(ENGINE) else { continue };
        let code = split(text).code;
        let waits = without_tests(&code).find(".await");
        match (waits, MAY.contains(&name)) {
            (Some(at), false) => {
                let what = "a file of decisions does not wait: move the read to its endpoint, or put \
                    the file into xtask/src/tidy/awaits.rs";
                found.push(Finding::new(path, line_of(text, at), what));
            }
            (None, true) => {
                let what = "waits for nothing: take it out of xtask/src/tidy/awaits.rs";
                found.push(Finding::new(path, 1, what));
            }
            (Some(_), true) | (None, false) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    #[test]
    fn a_decision_that_waits_is_found() {
        let tree = Tree::of(&[
            ("crates/engine/src/grant.rs", "//! No .await here.\nf()\n  .await;"),
            ("crates/engine/src/consent.rs", "//! A.\n#[cfg(test)]\nmod tests { f().await }"),
            ("crates/engine/src/token.rs", "f().await"),
            ("crates/engine/src/revoke.rs", "f()"),
            ("crates/web/src/app.rs", "f().await"),
        ]);
        assert_eq!(
            places(&check(&tree)),
            ["crates/engine/src/grant.rs:3", "crates/engine/src/revoke.rs:1"]
        );
    }
}
