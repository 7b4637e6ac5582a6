//! `docs/conformance.md`: which plans passed, with which version of the suite, and when.

use std::collections::BTreeMap;

use super::judge::Verdict;
use super::progress::Finished;

/// What stands above the table.
const ABOVE: &str = "\
# Conformance

Results of the OpenID Foundation's conformance suite against this server. This page is written by
`cargo xtask conformance --suite URL`, which starts a sandbox, drives the suite and compares every
result with [`suite/conformance/expected.toml`](../suite/conformance/expected.toml): what is not
`PASSED` stands there with its reason. `REVIEW` means that the suite keeps a picture of a page, and
that the text it has to show was found.

";

const HEAD: &str = "\
| run | plan | variant | modules | PASSED | REVIEW | SKIPPED | WARNING | FAILED | UNFINISHED | suite | date |
|---|---|---|---|---|---|---|---|---|---|---|---|
";

/// The page with the rows of these runs; rows of other runs stay as they are in `before`. Rows stand
/// in the order of `names`.
pub(super) fn page(before: &str, names: &[String], runs: &[Finished], version: &str) -> String {
    let mut rows: BTreeMap<usize, String> = BTreeMap::new();
    let place = |name: &str| names.iter().position(|other| other == name);
    for line in before.lines() {
        let name = line.split('|').nth(1).map(str::trim).and_then(place);
        if let Some(at) = name {
            rows.insert(at, line.to_owned());
        }
    }
    for run in runs {
        if let Some(at) = place(&run.name) {
            rows.insert(at, row(run, version));
        }
    }
    let rows: String = rows.into_values().map(|row| format!("{row}\n")).collect();
    format!("{ABOVE}{HEAD}{rows}")
}

fn row(run: &Finished, version: &str) -> String {
    let variant: Vec<String> = run.variant.as_object().map_or(vec![], |variant| {
        let part = |(name, value): (&String, &serde_json::Value)| {
            format!("{name}={}", value.as_str().unwrap_or_default())
        };
        variant.iter().map(part).collect()
    });
    let count = |verdict| run.outcomes.iter().filter(|one| one.verdict == verdict).count();
    let counts: Vec<String> = Verdict::ALL.iter().map(|v| count(*v).to_string()).collect();
    format!(
        "| {} | {} | {} | {} | {} | {version} | {} |",
        run.name,
        run.plan,
        variant.join("<br>"),
        run.outcomes.len(),
        counts.join(" | "),
        run.day
    )
}

#[cfg(test)]
mod tests {
    use super::super::judge::Outcome;
    use super::*;
    use serde_json::json;

    fn finished(name: &str, results: &[&str], day: &str) -> Finished {
        let outcome = |result: &&str| Outcome::of(name, "module", "FINISHED", result, &[]);
        Finished {
            name: name.into(),
            plan: "plan",
            variant: json!({"response_type": "code"}),
            day: day.into(),
            outcomes: results.iter().map(outcome).collect(),
            complaints: vec![],
        }
    }

    #[test]
    fn rows_of_other_runs_stay_and_the_order_is_that_of_the_runs() {
        let names = ["config", "basic", "logout"].map(str::to_owned);
        let first = [finished("logout", &["PASSED"], "2026-11-24")];
        let page_one = page("", &names, &first, "5.2.4");
        let second = [finished("config", &["PASSED", "PASSED", "SKIPPED"], "2026-11-25")];
        let page_two = page(&page_one, &names, &second, "5.2.5");
        let rows: Vec<&str> = page_two.lines().rev().take(2).collect();
        assert_eq!(
            rows[1],
            "| config | plan | response_type=code | 3 | 2 | 0 | 1 | 0 | 0 | 0 | 5.2.5 | 2026-11-25 |"
        );
        assert!(rows[0].starts_with("| logout ") && rows[0].ends_with("| 5.2.4 | 2026-11-24 |"));
        assert_eq!(page(&page_two, &names, &[], "5.2.5"), page_two);
    }
}
