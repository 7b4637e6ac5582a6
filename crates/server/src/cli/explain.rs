//! `counterfoil explain`: what a reference or a code means. Works offline: the pages are in here.

use std::path::Path;

use counterfoil_protocol::refusal_code::ALL;
use counterfoil_web::journal::Entry;

use crate::error_pages;
use crate::failure::Failure;
use crate::journal_file;
use crate::nearest::nearest;

pub(super) fn run(what: &str, state: &Path) -> Result<(), Failure> {
    let code = what.to_ascii_uppercase();
    if code.len() == 5 && code.starts_with('E') {
        return match error_pages::page(&code) {
            Some(page) => {
                super::out(page.trim_end());
                Ok(())
            }
            None => {
                let known = ALL.iter().map(|refusal| refusal.stable().code);
                let meant = nearest(&code, known).unwrap_or("E1001");
                Err(Failure::failed(format!("no code {code}; known ones look like {meant}")))
            }
        };
    }
    let journal = state.join("journal.jsonl");
    let Some(entry) = journal_file::find(&journal, what) else {
        return Err(Failure::failed(format!(
            "no request \"{what}\" in {}; the reference is on the page, or the X-Request-Id header \
             of the answer",
            journal.display()
        )));
    };
    show(&entry);
    Ok(())
}

fn show(entry: &Entry) {
    let code = entry.code.as_deref().unwrap_or("-");
    super::out(&format!("{code} {}", entry.title.as_deref().unwrap_or("answered")));
    let when = i64::try_from(entry.at)
        .ok()
        .and_then(|at| jiff::Timestamp::from_second(at).ok())
        .map(|at| at.to_string())
        .unwrap_or_default();
    let mut rows = vec![
        ("request", format!("{} {}", entry.method, entry.path)),
        ("answer", entry.status.to_string()),
        ("when", when),
        ("reference", format!("{} ({})", entry.reference, entry.request_id)),
    ];
    let optional =
        [("tenant", &entry.tenant), ("surface", &entry.surface), ("client", &entry.client)];
    rows.extend(
        optional.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?.to_owned()))),
    );
    for (name, value) in &rows {
        super::out(&format!("  {name:10} {value}"));
    }
    for (name, value) in entry.facts.iter() {
        super::out(&format!("  {name:10} {value}"));
    }
    if let Some(page) = error_pages::page(code) {
        let fix = page.split("\n## ").find(|part| part.starts_with("How to fix"));
        if let Some(fix) = fix.and_then(|fix| fix.split_once('\n')) {
            super::out(&format!("\n{}", fix.1.trim()));
        }
        super::out(&format!("\nMore: counterfoil explain {code}"));
    }
}
