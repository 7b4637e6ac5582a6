//! Instructions of the server per answer, counted by callgrind: the same from run to run where times
//! are not. A budget in the repository says how many each flow may take.
//!
//! What the server does by the clock (sweeping, flushing its log, asking for memory) falls between the
//! answers, more of it the slower the machine. It only ever adds, so the least of several rounds is
//! what the answer itself takes.

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
/// Requests of one round.
const COUNTED: usize = 100;
/// Rounds, of which the one with the fewest instructions counts.
const ROUNDS: usize = 5;
/// What a flow may take more before the budget must be changed.
const TOLERANCE: f64 = 0.03;
const AMOUNTS: Amounts = Amounts { grants: 2_000, codes: 0, revocable: 1_500, chains: 1_000 };

/// Counts, and compares with the budget if there is one.
pub(crate) fn run(options: &Options, voice: &Voice) -> Result<(), String> {
    let budget = options.budget.as_deref().map(read).transpose()?;
    let binary = ground::binary(options.binary.as_deref())?;
    let ground = Ground::lay(None)?;
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
        let mut rounds = [0; ROUNDS];
        for (round, counted) in rounds.iter_mut().enumerate() {
            control(&server, &["--zero"])?;
            drive::one_by_one(server.plain, &mut **work, COUNTED)?;
            control(&server, &["--dump"])?;
            let dump = out.with_extension((n * ROUNDS + round + 1).to_string());
            *counted = total(&dump)? / COUNTED as u64;
        }
        let counted = rounds.into_iter().min().unwrap_or_default();
        let allowed = budget.as_ref().and_then(|budget| {
            budget.iter().find(|(known, _)| known == name).map(|(_, allowed)| *allowed)
        });
        let shown = allowed.map_or(String::new(), |allowed| allowed.to_string());
        voice.say(&format!("{name:<18} {counted:>13} {shown:>13}  {rounds:?}"));
        voice.object(&json!({ "flow": name, "instructions": counted, "budget": allowed }));
        match allowed {
            Some(allowed) => match judged(name, counted, allowed) {
                Verdict::Within => {}
                Verdict::Cheaper(hint) => voice.say(&hint),
                Verdict::Dearer(why) => wrong.push(why),
            },
            None if budget.is_some() => wrong.push(format!("{name} has no budget: add {counted}")),
            None => {}
        }
    }
    server.stop()?;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

/// A count beside its budget.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Within,
    /// Worth a change of the budget, and no fault: another processor takes other paths.
    Cheaper(String),
    Dearer(String),
}

fn judged(name: &str, counted: u64, allowed: u64) -> Verdict {
    let part = counted as f64 / allowed as f64 - 1.0;
    let percent = part * 100.0;
    if part > TOLERANCE {
        return Verdict::Dearer(format!(
            "{name} takes {percent:.1} % more than its budget of {allowed}: make it cheaper, or say \
             so by writing {counted}"
        ));
    }
    if part < -TOLERANCE {
        let hint = format!("{name} has become cheaper: write {counted} for {allowed}");
        return Verdict::Cheaper(hint);
    }
    Verdict::Within
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
        assert_eq!(judged("f", 102, 100), Verdict::Within);
        assert_eq!(judged("f", 98, 100), Verdict::Within);
        let told = |verdict| match verdict {
            Verdict::Within => String::new(),
            Verdict::Cheaper(told) | Verdict::Dearer(told) => told,
        };
        assert!(matches!(judged("f", 104, 100), Verdict::Dearer(_)));
        assert!(told(judged("f", 104, 100)).contains("4.0 % more"));
        assert!(matches!(judged("f", 90, 100), Verdict::Cheaper(_)));
        assert!(told(judged("f", 90, 100)).contains("cheaper: write 90"));
    }
}
