//! Start, size, memory at rest.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::drive::median;
use crate::ground;
use crate::options::Options;
use crate::run::Voice;

/// Starts of which the middle one counts.
const STARTS: usize = 5;

/// Two tenants, each with a surface that signs with RSA: their keys are made behind the first start.
const CONFIG: &str = "issuer = \"http://localhost:1\"\nstate = \"state\"\n\
                      resources = \"resources\"\n[listen]\nplain = \"127.0.0.1:0\"\n";
const RESOURCES: &str = "[[tenant]]\nid = \"default\"\nname = \"Bank\"\nsurfaces = [\"mx\"]\n\
                         [[tenant]]\nid = \"bench\"\nname = \"Realm\"\nmount = \"realm\"\n\
                         surfaces = [\"worldline\"]\n";

/// First and next starts of a server and of a sandbox, memory at rest, size of the binary.
pub(crate) fn run(options: &Options, voice: &Voice) -> Result<(), String> {
    let binary = ground::binary(options.binary.as_deref())?;
    let size = std::fs::metadata(&binary).map_err(|e| e.to_string())?.len() as f64 / 1e6;
    let (mut serve, mut sandbox) = ([vec![], vec![]], [vec![], vec![]]);
    let (mut idle, mut rests) = (0.0, vec![]);
    for _ in 0..STARTS {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let made = std::fs::create_dir(folder.path().join("resources"))
            .and_then(|()| std::fs::write(folder.path().join("resources/bank.toml"), RESOURCES))
            .and_then(|()| std::fs::write(folder.path().join("counterfoil.toml"), CONFIG));
        made.map_err(|e| e.to_string())?;
        let config = folder.path().join("counterfoil.toml");
        let state = folder.path().join("sandbox");
        let of_server = ["serve".as_ref(), "--config".as_ref(), config.as_os_str()];
        let of_sandbox = SANDBOX.iter().map(AsRef::as_ref).chain([state.as_os_str()]);
        let of_sandbox: Vec<&OsStr> = of_sandbox.collect();
        for took in &mut serve {
            took.push(start(&binary, &of_server, Says::OnStderr)?.0);
        }
        for took in &mut sandbox {
            let (ms, rss) = start(&binary, &of_sandbox, Says::OnStdout)?;
            took.push(ms);
            // That of the later start: the first one has made keys.
            idle = rss;
        }
        rests.push(idle);
    }
    let [first, later] = serve.map(median);
    let [sandbox_first, sandbox_later] = sandbox.map(median);
    let idle = median(rests);
    voice.say(&format!(
        "start to ready: first start {first:.0} ms, later {later:.0} ms; of a sandbox, with the keys of \
         its clients, {sandbox_first:.0} and {sandbox_later:.0} ms; at rest {idle:.1} MB; binary \
         {size:.1} MB"
    ));
    voice.object(&json!({
        "flow": "start", "first_ms": first, "later_ms": later,
        "sandbox_first_ms": sandbox_first, "sandbox_later_ms": sandbox_later,
        "rss_mb": (idle * 10.0).round() / 10.0, "binary_mb": (size * 10.0).round() / 10.0,
    }));
    Ok(())
}

/// A sandbox, up to its folder.
const SANDBOX: [&str; 9] = [
    "sandbox",
    "--json",
    "--listen",
    "127.0.0.1:0",
    "--tls-listen",
    "127.0.0.1:0",
    "--mtls-listen",
    "127.0.0.1:0",
    "--state",
];

/// Where a server says that it is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    OnStdout,
    OnStderr,
}

/// Milliseconds from the call until it says that it is ready, and megabytes then.
fn start(binary: &Path, arguments: &[&OsStr], says: Says) -> Result<(f64, f64), String> {
    let began = tokio::time::Instant::now();
    let mut command = Command::new(binary);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match says {
        Says::OnStdout => command.stdout(Stdio::piped()),
        Says::OnStderr => command.stderr(Stdio::piped()),
    };
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let stdout = child.stdout.take().map(|out| Box::new(out) as Box<dyn Read>);
    let out = stdout.or(child.stderr.take().map(|err| Box::new(err) as Box<dyn Read>));
    // Read no further and kept open: what it says later must not fail.
    let mut lines = BufReader::new(out.ok_or("no output")?).lines().map_while(Result::ok);
    let ready = |line: &String| says == Says::OnStdout || line.starts_with("ready in ");
    let said = lines.any(|line| ready(&line));
    let took = began.elapsed().as_secs_f64() * 1e3;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.map_err(|e| e.to_string())?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb: Option<f64> = rss.and_then(|l| l.split_whitespace().next()?.parse().ok());
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    child.wait().map_err(|e| e.to_string())?;
    if said { Ok((took, kb.unwrap_or_default() / 1024.0)) } else { Err("it does not start".into()) }
}
