//! What a result is worth: compared with the file of results that are expected and why.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

/// `suite/conformance/expected.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectations {
    #[serde(default)]
    expected: Vec<Expected>,
}

/// One result that is no pass, and why it is right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    module: String,
    /// The runs it is expected in; all when left out.
    #[serde(default)]
    runs: Vec<String>,
    result: Verdict,
    /// The conditions that fail or warn, all of them; none for a skip.
    #[serde(default)]
    conditions: BTreeSet<String>,
    reason: String,
}

/// How a module ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Verdict {
    /// All of it is as it should be.
    Passed,
    /// The suite took a picture for somebody to look at, and the text it had to show was found.
    Review,
    /// The server does not have what the module asks about.
    Skipped,
    /// Something is not as recommended.
    Warning,
    /// Something is wrong.
    Failed,
    /// It did not come to its end.
    Unfinished,
}

impl Verdict {
    /// In the order of the report.
    pub(super) const ALL: [Self; 6] =
        [Self::Passed, Self::Review, Self::Skipped, Self::Warning, Self::Failed, Self::Unfinished];

    /// As the suite writes it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Review => "REVIEW",
            Self::Skipped => "SKIPPED",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
            Self::Unfinished => "UNFINISHED",
        }
    }
}

/// One module that was run.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) run: String,
    pub(super) module: String,
    pub(super) verdict: Verdict,
    /// The conditions of its log that failed or warned.
    pub(super) conditions: BTreeSet<String>,
}

impl Outcome {
    /// From what the suite says of an ended module.
    pub(super) fn of(run: &str, module: &str, status: &str, result: &str, log: &[Value]) -> Self {
        let verdict = match (status, result) {
            ("FINISHED", "PASSED") => Verdict::Passed,
            ("FINISHED", "REVIEW") if shown(log) => Verdict::Review,
            ("FINISHED", "SKIPPED") => Verdict::Skipped,
            ("FINISHED", "WARNING") => Verdict::Warning,
            ("FINISHED" | "INTERRUPTED", _) => Verdict::Failed,
            _ => Verdict::Unfinished,
        };
        Self { run: run.to_owned(), module: module.to_owned(), verdict, conditions: broken(log) }
    }
}

/// Whether a picture that the suite asked for has the text it had to have.
fn shown(log: &[Value]) -> bool {
    log.iter().any(|entry| entry.get("matched_regexp").is_some())
}

/// The conditions that failed or warned.
fn broken(log: &[Value]) -> BTreeSet<String> {
    let bad = |entry: &&Value| matches!(entry["result"].as_str(), Some("FAILURE" | "WARNING"));
    let name = |entry: &Value| entry["src"].as_str().map(str::to_owned);
    log.iter().filter(bad).filter_map(name).collect()
}

impl Expectations {
    /// From the text of the file.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let read: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        for entry in &read.expected {
            let module = &entry.module;
            if entry.reason.trim().is_empty() {
                return Err(format!("{module}: an entry needs its reason"));
            }
            if matches!(entry.result, Verdict::Passed | Verdict::Review | Verdict::Unfinished) {
                return Err(format!("{module}: only SKIPPED, WARNING and FAILED can be expected"));
            }
            if entry.result != Verdict::Skipped && entry.conditions.is_empty() {
                return Err(format!("{module}: the conditions that warn or fail are missing"));
            }
        }
        Ok(read)
    }

    /// What is wrong with an outcome; nothing if it is a pass or expected.
    pub(super) fn complaint(&self, outcome: &Outcome) -> Option<String> {
        let got = outcome.verdict.name();
        let Some(entry) = self.expected.iter().find(|entry| entry.covers(outcome)) else {
            return match outcome.verdict {
                Verdict::Passed | Verdict::Review => None,
                Verdict::Skipped | Verdict::Warning | Verdict::Failed | Verdict::Unfinished => {
                    Some(format!("{got} is not expected{}", list(&outcome.conditions)))
                }
            };
        };
        if entry.result != outcome.verdict {
            let wanted = entry.result.name();
            return Some(format!("{got} where {wanted} is expected; is the entry out of date?"));
        }
        let same = entry.result == Verdict::Skipped || entry.conditions == outcome.conditions;
        (!same)
            .then(|| format!("{got} for other reasons than expected{}", list(&outcome.conditions)))
    }

    /// Why a result is expected, if it is.
    pub(super) fn reason(&self, outcome: &Outcome) -> Option<&str> {
        let entry = self.expected.iter().find(|entry| entry.covers(outcome))?;
        Some(&entry.reason)
    }

    /// Entries that no module of these runs has met, each as a complaint. `runs` were run as a whole.
    pub(super) fn unmet(&self, runs: &[String], outcomes: &[Outcome]) -> Vec<String> {
        let mut complaints = vec![];
        for entry in &self.expected {
            let met = |run: &String| {
                outcomes.iter().any(|outcome| outcome.run == *run && entry.covers(outcome))
            };
            let named = runs.iter().filter(|run| entry.runs.contains(*run));
            for run in named.filter(|run| !met(run)) {
                complaints
                    .push(format!("{run} has no module {}, but it is expected", entry.module));
            }
        }
        complaints
    }
}

impl Expected {
    fn covers(&self, outcome: &Outcome) -> bool {
        self.module == outcome.module && (self.runs.is_empty() || self.runs.contains(&outcome.run))
    }
}

fn list(conditions: &BTreeSet<String>) -> String {
    let names: Vec<&str> = conditions.iter().map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = r#"
        [[expected]]
        module = "warns"
        runs = ["basic"]
        result = "WARNING"
        conditions = ["CheckA"]
        reason = "a recommendation we do not follow"

        [[expected]]
        module = "skips"
        result = "SKIPPED"
        reason = "not built"
    "#;

    fn outcome(run: &str, module: &str, result: &str, log: &Value) -> Outcome {
        Outcome::of(run, module, "FINISHED", result, log.as_array().map_or(&[], Vec::as_slice))
    }

    #[test]
    fn what_is_expected_is_no_complaint_and_everything_else_is() {
        let file = Expectations::parse(FILE).unwrap();
        let warning =
            json!([{"src": "CheckA", "result": "WARNING"}, {"src": "B", "result": "SUCCESS"}]);
        let other = json!([{"src": "CheckB", "result": "WARNING"}]);
        let complaint = |run: &str, module: &str, result: &str, log: &Value| {
            file.complaint(&outcome(run, module, result, log))
        };
        assert_eq!(complaint("basic", "warns", "WARNING", &warning), None);
        assert_eq!(complaint("config", "skips", "SKIPPED", &json!([])), None);
        assert_eq!(complaint("basic", "plain", "PASSED", &json!([])), None);
        let unexpected = complaint("basic", "warns", "PASSED", &json!([])).unwrap();
        assert!(unexpected.contains("WARNING is expected"), "{unexpected}");
        let reasons = complaint("basic", "warns", "WARNING", &other).unwrap();
        assert!(reasons.contains("CheckB"), "{reasons}");
        assert!(complaint("form-post", "warns", "WARNING", &warning).is_some());
        assert!(complaint("basic", "plain", "SKIPPED", &json!([])).is_some());
        assert!(complaint("basic", "plain", "FAILED", &json!([])).is_some());
    }

    #[test]
    fn a_picture_needs_the_text_it_had_to_show() {
        let matched = json!([{"matched_regexp": "Sign in"}]);
        assert_eq!(outcome("basic", "picture", "REVIEW", &matched).verdict, Verdict::Review);
        assert_eq!(outcome("basic", "picture", "REVIEW", &json!([])).verdict, Verdict::Failed);
        let interrupted = Outcome::of("basic", "plain", "INTERRUPTED", "PASSED", &[]);
        assert_eq!(interrupted.verdict, Verdict::Failed);
        let waiting = Outcome::of("basic", "plain", "WAITING", "UNKNOWN", &[]);
        assert_eq!(waiting.verdict, Verdict::Unfinished);
    }

    #[test]
    fn an_entry_whose_module_is_not_there_is_out_of_date() {
        let file = Expectations::parse(FILE).unwrap();
        let ran = [outcome("basic", "plain", "PASSED", &json!([]))];
        let unmet = file.unmet(&["basic".into(), "config".into()], &ran);
        assert_eq!(unmet, ["basic has no module warns, but it is expected"]);
    }

    #[test]
    fn an_entry_says_what_and_why() {
        let entry =
            |rest: &str| Expectations::parse(&format!("[[expected]]\nmodule = \"m\"\n{rest}"));
        assert!(entry("result = \"SKIPPED\"\nreason = \"r\"").is_ok());
        assert!(entry("result = \"SKIPPED\"\nreason = \" \"").is_err());
        assert!(entry("result = \"WARNING\"\nreason = \"r\"").is_err());
        assert!(entry("result = \"PASSED\"\nreason = \"r\"").is_err());
        assert!(entry("result = \"SKIPPED\"\nreason = \"r\"\nwhy = 1").is_err());
    }
}
