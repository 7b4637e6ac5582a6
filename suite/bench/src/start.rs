//! Start, size, memory at rest.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::drive::median;
use crate::ground;
use crate::options::Options;
use crate::run::Voice;

/// Starts of which the middle one counts.
const STARTS: usize = 5;

/// First start of a sandbox, next starts, memory at rest, size of the binary.
pub(crate) fn run(options: &Options, voice: &Voice) -> Result<(), String> {
    let binary = ground::binary(options.binary.as_deref())?;
    let size = std::fs::metadata(&binary).map_err(|e| e.to_string())?.len() as f64 / 1e6;
    let (mut first, mut next, mut idle) = (vec![], vec![], vec![]);
    for _ in 0..STARTS {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        first.push(start(&binary, folder.path())?.0);
        let (took, rss) = start(&binary, folder.path())?;
        next.push(took);
        idle.push(rss);
    }
    let (first, next, idle) = (median(first), median(next), median(idle));
    voice.say(&format!(
        "start to ready: sandbox, first start {first:.0} ms, later {next:.0} ms; at rest \
         {idle:.1} MB; binary {size:.1} MB"
    ));
    voice.object(&json!({
        "flow": "start", "first_ms": first, "later_ms": next, "rss_mb": (idle * 10.0).round() / 10.0,
        "binary_mb": (size * 10.0).round() / 10.0,
    }));
    Ok(())
}

/// Milliseconds from the call until it says that it is ready, and megabytes then.
fn start(binary: &Path, state: &Path) -> Result<(f64, f64), String> {
    let began = tokio::time::Instant::now();
    let mut child = Command::new(binary)
        .args(["sandbox", "--json", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"])
        .arg("--state")
        .arg(state)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    let stdout = child.stdout.take().ok_or("no stdout")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|e| e.to_string())?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.map_err(|e| e.to_string())?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb: Option<f64> = rss.and_then(|l| l.split_whitespace().next()?.parse().ok());
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    child.wait().map_err(|e| e.to_string())?;
    if line.is_empty() {
        return Err("the sandbox does not start".into());
    }
    Ok((took, kb.unwrap_or_default() / 1024.0))
}
