//! A server as a process of its own, and what the system says it used.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ticks of `/proc/PID/stat` a second (proc(5), `USER_HZ`), in nanoseconds each.
const TICK_NS: u64 = 10_000_000;
/// Sectors are no matter here: `write_bytes` counts what was sent to storage.
const WRITTEN: &str = "write_bytes:";

/// A running server.
pub(crate) struct Process {
    child: Child,
    /// Where it speaks HTTP.
    pub(crate) plain: SocketAddr,
    /// Where it speaks HTTPS.
    pub(crate) tls: Option<SocketAddr>,
    /// Where it asks for certificates.
    pub(crate) mtls: Option<SocketAddr>,
    /// A process whose children do a part of its work: a database.
    pub(crate) beside: Option<u32>,
}

/// What a process has used since it started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    threads: BTreeMap<u64, u64>,
    ticks: u64,
    /// Bytes that it caused to be written to storage.
    pub(crate) written: u64,
    /// Kilobytes of memory that it holds.
    pub(crate) rss_kb: u64,
}

impl Process {
    /// Starts the server as it is shipped and waits until it is ready.
    pub(crate) fn counterfoil(binary: &Path, config: &Path) -> Result<Self, String> {
        let mut command = Command::new(binary);
        command.arg("serve").arg("--config").arg(config);
        Self::told_by_log(command)
    }

    /// The same for a command that ends in the server.
    pub(crate) fn told_by_log(mut command: Command) -> Result<Self, String> {
        let mut child = spawn(command.stderr(Stdio::piped()))?;
        let stderr = child.stderr.take().ok_or("no stderr")?;
        let mut lines = BufReader::new(stderr).lines();
        let mut told = String::new();
        let line = loop {
            match lines.next() {
                Some(Ok(line)) if line.starts_with("ready in ") => break line,
                Some(Ok(line)) => told = line,
                Some(Err(_)) | None => return Err(format!("the server does not start: {told}")),
            }
        };
        // Read on, so that the server never waits for us.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let addresses: Vec<SocketAddr> =
            line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
        let plain = *addresses.first().ok_or("no address")?;
        let mut others = addresses.iter().copied().filter(|a| a.port() != plain.port());
        let tls = others.next();
        let mtls = others.find(|a| tls.is_some_and(|tls| tls.port() != a.port()));
        Ok(Self { child, plain, tls, mtls, beside: None })
    }

    /// Starts a program that tells its addresses as one line of JSON.
    pub(crate) fn told_by_json(command: &mut Command) -> Result<Self, String> {
        let mut child = spawn(command.stdout(Stdio::piped()))?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|e| e.to_string())?;
        let told: serde_json::Value =
            serde_json::from_str(&line).map_err(|e| format!("{e} in {line:?}"))?;
        let address = |name: &str| told.get(name)?.as_str()?.parse().ok();
        let plain = address("plain").ok_or_else(|| format!("no address in {line}"))?;
        Ok(Self { child, plain, tls: address("tls"), mtls: address("mtls"), beside: None })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has used until now.
    pub(crate) fn usage(&self) -> Result<Usage, String> {
        usage(self.child.id())
    }

    /// What its database has used until now; nothing where it has none.
    pub(crate) fn usage_beside(&self) -> Result<Usage, String> {
        self.beside.map_or_else(|| Ok(Usage::default()), family)
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let id = self.child.id().to_string();
        let _ = Command::new("kill").arg(&id).status();
        self.child.wait().map(|_| ()).map_err(|e| e.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone already when it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).spawn().map_err(|e| format!("{shown}: {e}"))
}

/// A process and its children, one thread each.
fn family(parent: u32) -> Result<Usage, String> {
    let told = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let told = told.map_err(|e| format!("the children of {parent}: {e}"))?;
    let children = told.split_whitespace().filter_map(|id| id.parse().ok());
    let mut all = Usage::default();
    for id in children.chain([parent]) {
        // One that has ended meanwhile takes its figure along, and is seen by the ticks.
        let Ok(one) = usage(id) else { continue };
        all.threads.extend(one.threads);
        all.ticks += one.ticks;
        all.written += one.written;
        all.rss_kb += one.rss_kb;
    }
    Ok(all)
}

fn usage(id: u32) -> Result<Usage, String> {
    let read = |name: &str| {
        let path = format!("/proc/{id}/{name}");
        std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))
    };
    let mut threads = BTreeMap::new();
    let folder = format!("/proc/{id}/task");
    for entry in std::fs::read_dir(&folder).map_err(|e| format!("{folder}: {e}"))? {
        let name = entry.map_err(|e| e.to_string())?.file_name();
        let name = name.to_string_lossy();
        // A thread that ends meanwhile is seen by the ticks.
        let Ok(told) = read(&format!("task/{name}/schedstat")) else { continue };
        let ns = told.split(' ').next().and_then(|ns| ns.parse().ok());
        if let (Ok(thread), Some(ns)) = (name.parse(), ns) {
            threads.insert(thread, ns);
        }
    }
    let stat = read("stat")?;
    // The name of the program may hold anything; fields are counted from behind it.
    let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
    let field = |n: usize| after.split(' ').nth(n).and_then(|f| f.parse::<u64>().ok());
    let ticks = field(11).unwrap_or_default() + field(12).unwrap_or_default();
    let number = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    // Of a process of another user this cannot be read; ours are ours.
    let written = number(&read("io")?, WRITTEN).unwrap_or_default();
    let rss_kb = number(&read("status")?, "VmRSS:").unwrap_or_default();
    Ok(Usage { threads, ticks, written, rss_kb })
}

impl Usage {
    /// Of this process.
    pub(crate) fn own() -> Result<Self, String> {
        usage(std::process::id())
    }

    /// Nanoseconds of user and system time since `before`: by the scheduler's own clock, or in ticks
    /// when a thread has ended in between and took its figure along.
    pub(crate) fn cpu_ns_since(&self, before: &Self) -> u64 {
        let whole = before.threads.keys().all(|thread| self.threads.contains_key(thread));
        if !whole || self.threads.is_empty() {
            return self.ticks.saturating_sub(before.ticks) * TICK_NS;
        }
        let since = |(thread, ns): (&u64, &u64)| {
            ns.saturating_sub(before.threads.get(thread).copied().unwrap_or_default())
        };
        self.threads.iter().map(since).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage_of(threads: &[(u64, u64)], ticks: u64) -> Usage {
        Usage { threads: threads.iter().copied().collect(), ticks, ..Usage::default() }
    }

    #[test]
    fn a_thread_that_ended_is_counted_in_ticks() {
        let before = usage_of(&[(1, 10), (2, 20)], 3);
        assert_eq!(usage_of(&[(1, 15), (2, 20), (3, 7)], 4).cpu_ns_since(&before), 12);
        assert_eq!(usage_of(&[(1, 15)], 5).cpu_ns_since(&before), 2 * TICK_NS);
    }

    #[test]
    fn our_own_use_can_be_read_and_grows() {
        let before = usage(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while usage(std::process::id()).unwrap().cpu_ns_since(&before) == 0 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(before.rss_kb > 0);
    }
}
