//! One crypto backend, named in one place: `crates/jose/src/provider*`.

use super::rust::{line_of, split, word_at};
use super::tree::{Finding, Tree};

const NAME: &str = "aws_lc_rs";
/// What rustls calls its own choice of it: the right to name that comes with rustls.
const OF_RUSTLS: &str = "rustls::crypto::aws_lc_rs";

/// Every file but the provider's.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let others = ["crates/", "suite/"].into_iter().flat_map(|under| tree.rust(under));
    let mut found = vec![];
    for (path, text) in others.filter(|(path, _)| !is_provider(path)) {
        let code = split(text).code;
        if code.contains(OF_RUSTLS) {
            continue;
        }
        let what = "only crates/jose/src/provider* names the crypto backend: use what it offers";
        found.extend(word_at(&code, NAME).map(|at| Finding::new(path, line_of(text, at), what)));
    }
    found
}

fn is_provider(path: &str) -> bool {
    path == "crates/jose/src/provider.rs" || path.starts_with("crates/jose/src/provider/")
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    #[test]
    fn the_backend_has_one_place() {
        let used = "//! A.\nuse aws_lc_rs::hmac;\n";
        let tree = Tree::of(&[
            ("crates/jose/src/provider.rs", used),
            ("crates/jose/src/provider/private_key.rs", used),
            ("crates/jose/src/jws.rs", used),
            ("crates/engine/src/handle.rs", "//! Not aws_lc_rs.\nfn f() { aws_lc_rs::hmac() }\n"),
            (
                "crates/server/src/tls.rs",
                "//! A.\nuse rustls::crypto::aws_lc_rs;\naws_lc_rs::a();\n",
            ),
            ("crates/web/src/app.rs", "//! aws_lc_rs\nuse my_aws_lc_rs;"),
        ]);
        assert_eq!(
            places(&check(&tree)),
            ["crates/engine/src/handle.rs:2", "crates/jose/src/jws.rs:2"]
        );
    }
}
