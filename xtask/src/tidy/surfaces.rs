//! Every surface has its page, which readers find, its table of requests and its golden discovery document.

use super::entries;
use super::tree::{Finding, Tree};

const SURFACES: &str = "crates/web/src/surfaces/mod.rs";

/// What belongs to a surface, with its name for `{}`.
static BELONGINGS: &[(&str, &str)] = &[
    ("docs/reference/surfaces/{}.md", "write its page"),
    ("suite/protocol/{}.tsv", "write its table of requests and answers"),
    ("suite/golden/discovery-{}.json", "keep its discovery document there"),
];

/// Where readers look for a page.
const CONTENTS: &str = "docs/README.md";

/// Every entry of `ALL`.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    for (line, entry) in entries::all(tree.text(SURFACES)) {
        let module = entry.trim_start_matches('&').split("::").next().unwrap_or_default();
        // As it stands in files of clients and in paths, rather than as Rust spells it.
        let name = module.replace('_', "-");
        for (pattern, mend) in BELONGINGS {
            let path = pattern.replace("{}", &name);
            if !tree.files.contains_key(&path) {
                let what = format!("surface `{name}` has no {path}: {mend}");
                found.push(Finding::new(SURFACES, line, what));
            }
        }
        if !tree.text(CONTENTS).contains(&format!("reference/surfaces/{name}.md")) {
            let what = format!("{CONTENTS} does not lead to the page of surface `{name}`");
            found.push(Finding::new(SURFACES, line, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surface_without_its_belongings_is_found() {
        let source = "\npub static ALL: &[&dyn Surface] = &[&mx::Mx, &uk_ob::Ob];\n";
        let mut tree = Tree::of(&[
            (SURFACES, source),
            ("docs/reference/surfaces/mx.md", ""),
            ("suite/protocol/mx.tsv", ""),
            ("suite/golden/discovery-mx.json", ""),
            ("suite/protocol/uk-ob.tsv", ""),
            (CONTENTS, "[MX](reference/surfaces/mx.md)"),
        ]);
        let found: Vec<String> = check(&tree).into_iter().map(|finding| finding.what).collect();
        assert_eq!(found.len(), 3);
        assert!(found[0].contains("no docs/reference/surfaces/uk-ob.md"));
        assert!(found[1].contains("no suite/golden/discovery-uk-ob.json"));
        assert!(found[2].contains("does not lead to the page of surface `uk-ob`"));
        tree.files.remove(SURFACES);
        assert_eq!(check(&tree), []);
    }
}
