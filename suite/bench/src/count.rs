//! Instructions of the server per answer, counted by callgrind: the same from run to run where times
//! are not. A budget in the repository says how many each flow may take.
//!
//! What the server does by the clock (sweeping, flushing its log, asking for memory) falls between the
//! answers, more of it the slower the machine. It only ever adds, so the least of several rounds is
//! what the answer itself takes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::drive::{self, Works};
use crate::floor;
use crate::flows::{Carrier, Flow, OURS, Setting};
use crate::ground::{self, CLIENTS, Ground};
use crate::options::Options;
use crate::process::Process;
use crate::run::Voice;
use crate::seed::{self, Amounts, Handles};

/// The flows that a server of this kind answers most.
const HOTTEST: [&str; 5] =
    ["cc-basic", "introspect-hit", "refresh-rotating", "refresh-staying", "revoke"];
/// Requests that are not counted: two for every client, whose first ones write and fill caches.
const WARM: usize = 2 * CLIENTS + 50;
/// Requests of one round.
const COUNTED: usize = 100;
/// Rounds, of which the one with the fewest instructions counts.
const ROUNDS: usize = 5;
/// What is used up of what is good for one use.
const USES: usize = WARM + ROUNDS * COUNTED;
/// What a flow may take more before the budget must be changed.
const TOLERANCE: f64 = 0.03;
const AMOUNTS: Amounts =
    Amounts { grants: 2_000, codes: USES, revocable: USES, chains: 1_000, fapi_codes: USES };

/// Counts, and compares with the budget if there is one.
pub(crate) fn run(options: &Options, voice: &Voice) -> Result<(), String> {
    let budget = options.budget.as_deref().map(read).transpose()?;
    let binary = ground::binary(options.binary.as_deref())?;
    let chosen = crate::run::chosen(options, &HOTTEST);
    if let Some(flow) = chosen.iter().find(|flow| flow.carrier != Carrier::Plain) {
        return Err(format!("{} is asked over TLS, which is not counted", flow.name));
    }
    let ground = Ground::lay(None)?;
    ground.first_start(&binary)?;
    floor::prepare(&ground)?;
    let seeded = seed::seed(&ground, AMOUNTS)?;
    let mut serve = vec![binary.as_os_str().to_owned()];
    serve.extend(["serve".into(), "--config".into(), ground.config().into_os_string()]);
    let ours = counted(
        &chosen,
        (&ground, &seeded.ours),
        |out| {
            let mut command = callgrind(out);
            command.args(&serve);
            Process::told_by_log(command)
        },
        options.keep.as_deref(),
    )?;
    let floors = if options.floor {
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        counted(
            &chosen,
            (&ground, &seeded.floor),
            |out| Process::told_by_json(callgrind(out).arg(&own).arg("floor").arg(ground.path(""))),
            None,
        )?
    } else {
        vec![]
    };
    let mut wrong = vec![];
    let title = |third| format!("{:<18} {:>13} {third:>13}", "flow", "instructions");
    voice.say(&title(if options.floor { "floor" } else { "budget" }));
    for (n, (flow, rounds)) in chosen.iter().zip(&ours).enumerate() {
        let (name, counted) = (flow.name, rounds.iter().min().copied().unwrap_or_default());
        let allowed = budget.as_ref().and_then(|budget| {
            budget.iter().find(|(known, _)| known == name).map(|(_, allowed)| *allowed)
        });
        let floor = floors.get(n).and_then(|rounds| rounds.iter().min().copied());
        let shown = floor.or(allowed).map_or(String::new(), |beside| beside.to_string());
        let ratio = floor.map(|floor| counted as f64 / floor as f64);
        let times = ratio.map_or(String::new(), |ratio| format!("{ratio:.2} "));
        voice.say(&format!("{name:<18} {counted:>13} {shown:>13}  {times}{rounds:?}"));
        voice.object(&json!({
            "flow": name, "instructions": counted, "budget": allowed, "floor": floor,
            "ratio": ratio.map(crate::report::rounded),
        }));
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
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}

fn callgrind(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display()));
    command
}

/// Instructions per answer of each flow in each round, of the server that `start` starts.
fn counted(
    flows: &[&Flow],
    (ground, handles): (&Ground, &Handles),
    start: impl FnOnce(&Path) -> Result<Process, String>,
    keep: Option<&Path>,
) -> Result<Vec<[u64; ROUNDS]>, String> {
    let out = ground.path("callgrind");
    let server = start(&out)?;
    let setting = Setting { ground, handles, assertions: USES, paths: &OURS };
    let mut all = vec![];
    for (n, flow) in flows.iter().enumerate() {
        let mut works: Works = (flow.works)(&setting, 1)?;
        let work = works.first_mut().ok_or("no work")?;
        drive::one_by_one(server.plain, &mut **work, WARM)?;
        let mut rounds = [0; ROUNDS];
        for (round, counted) in rounds.iter_mut().enumerate() {
            control(&server, &["--zero"])?;
            drive::one_by_one(server.plain, &mut **work, COUNTED)?;
            control(&server, &["--dump"])?;
            let dump: PathBuf = out.with_extension((n * ROUNDS + round + 1).to_string());
            *counted = total(&dump)? / COUNTED as u64;
            if let Some(folder) = keep {
                let kept = folder.join(format!("{}.{round}.callgrind", flow.name));
                std::fs::copy(&dump, &kept).map_err(|e| format!("{}: {e}", kept.display()))?;
            }
        }
        all.push(rounds);
    }
    server.stop()?;
    Ok(all)
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
