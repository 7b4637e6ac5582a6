//! Instructions of the server per answer, counted by callgrind: the same from run to run where times
//! are not. A budget in the repository says how many each flow may take.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::drive;
use crate::flows::{self, OURS, Setting};
use crate::ground::{self, CLIENTS, Ground};
use crate::options::Options;
use crate::process::Process;
use crate::run::Voice;
use crate::seed::{self, Amounts};

/// The flows that a server of this kind answers most.
const HOTTEST: [&str; 5] =
    ["cc-basic", "introspect-hit", "refresh-rotating", "refresh-staying", "revoke"];
/// Requests that are not counted: one for every client, whose first one fills caches and writes.
const WARM: usize = CLIENTS + 50;
/// Requests that are counted; recurring work of the server is spread thin over them.
const COUNTED: usize = 500;
/// What a flow may take more, or less, before the budget must be changed.
const TOLERANCE: f64 = 0.03;
const AMOUNTS: Amounts = Amounts { grants: 2_000, codes: 0, revocable: 1_500, chains: 1_000 };

/// Counts, and compares with the budget if there is one.
pub(crate) fn run(options: &Options, voice: &Voice) -> Result<(), String> {
    let budget = options.budget.as_deref().map(read).transpose()?;
    let binary = ground::binary(options.binary.as_deref())?;
    let ground = Ground::lay()?;
    Process::counterfoil(&binary, &ground.config())?.stop()?;
    let seeded = seed::seed(&ground, AMOUNTS)?;
    let out = ground.path("callgrind");
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(&binary).arg("serve").arg("--config").arg(ground.config());
    let server = Process::told_by_log(command)?;
    let setting = Setting { ground: &ground, handles: &seeded.ours, assertions: 0, paths: &OURS };
    let mut wrong = vec![];
    voice.say(&format!("{:<18} {:>13} {:>13}", "flow", "instructions", "budget"));
    for (n, name) in HOTTEST.into_iter().enumerate() {
        let flow = flows::named(name).ok_or("no such flow")?;
        let mut works = (flow.works)(&setting, 1)?;
        let work = works.first_mut().ok_or("no work")?;
        drive::one_by_one(server.plain, &mut **work, WARM)?;
        control(&server, &["--zero"])?;
        drive::one_by_one(server.plain, &mut **work, COUNTED)?;
        control(&server, &["--dump"])?;
        let counted = total(&out.with_extension((n + 1).to_string()))? / COUNTED as u64;
        let allowed = budget.as_ref().and_then(|budget| {
            budget.iter().find(|(known, _)| known == name).map(|(_, allowed)| *allowed)
        });
        let shown = allowed.map_or(String::new(), |allowed| allowed.to_string());
        voice.say(&format!("{name:<18} {counted:>13} {shown:>13}"));
        voice.object(&json!({ "flow": name, "instructions": counted, "budget": allowed }));
        wrong.extend(budget.as_ref().and_then(|_| judged(name, counted, allowed)));
    }
    server.stop()?;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// What is wrong with a count.
fn judged(name: &str, counted: u64, allowed: Option<u64>) -> Option<String> {
    let Some(allowed) = allowed else {
        return Some(format!("{name} has no budget: add {counted}"));
    };
    let part = counted as f64 / allowed as f64 - 1.0;
    let percent = part * 100.0;
    if part > TOLERANCE {
        return Some(format!(
            "{name} takes {percent:.1} % more than its budget of {allowed}: make it cheaper, or say \
             so by writing {counted}"
        ));
    }
    (part < -TOLERANCE).then(|| format!("{name} has become cheaper: write {counted} for {allowed}"))
}

/// Flow and instructions per line, separated by a tab; lines that begin with `#` are for people.
fn read(path: &Path) -> Result<Vec<(String, u64)>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let pair = |line: &str| {
        let (name, count) = line.split_once('\t')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    };
    let bad = |line: &str| format!("{}: `{line}` is no flow and number", path.display());
    lines.map(|line| pair(line).ok_or_else(|| bad(line))).collect()
}

fn control(server: &Process, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new("callgrind_control");
    command.args(arguments).arg(server.id().to_string());
    match command.stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("callgrind_control: {status}")),
        Err(why) => Err(format!("callgrind_control cannot be started: {why}")),
    }
}

/// Instructions of all threads since they were last set to zero.
fn total(dump: &Path) -> Result<u64, String> {
    let text = std::fs::read_to_string(dump).map_err(|e| format!("{}: {e}", dump.display()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("summary: "));
    line.and_then(|n| n.trim().parse().ok()).ok_or_else(|| "a dump without a sum".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_off_its_budget_is_told_both_ways() {
        assert_eq!(judged("f", 102, Some(100)), None);
        assert_eq!(judged("f", 98, Some(100)), None);
        assert!(judged("f", 104, Some(100)).is_some_and(|why| why.contains("4.0 % more")));
        assert!(judged("f", 90, Some(100)).is_some_and(|why| why.contains("cheaper: write 90")));
        assert!(judged("f", 90, None).is_some_and(|why| why.contains("no budget")));
    }
}
