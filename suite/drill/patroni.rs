//! Three PostgreSQL servers under Patroni with one etcd, on this machine, in a folder that goes with the
//! drill. `synchronous_mode`: a commit is acknowledged when a standby has it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Nodes of the cluster.
pub(crate) const NODES: usize = 3;
/// Longer than Patroni takes to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds for which a leader that says nothing stays the leader: most of the gap.
const TTL_S: u64 = 20;

/// Where programs are.
pub(crate) struct Tools {
    /// PostgreSQL's.
    pub(crate) programs: PathBuf,
    /// Patroni's python environment.
    pub(crate) venv: PathBuf,
}

/// See the module.
pub(crate) struct Cluster {
    folder: PathBuf,
    tools: Tools,
    user: Option<u32>,
    etcd: Child,
    patroni: Vec<Option<Child>>,
    postgres: Vec<u16>,
    rest: Vec<u16>,
}

impl Cluster {
    /// Starts etcd and the nodes in a folder that is there.
    pub(crate) fn start(folder: &Path, tools: Tools) -> Self {
        let user = other_user();
        let [client, peer] = ports();
        let folder = folder.to_owned();
        let mut etcd = Command::new("etcd");
        let (client, peer) =
            (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        etcd.args(["--name", "e", "--data-dir", "etcd", "--log-level", "error"]);
        etcd.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        etcd.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        etcd.args(["--initial-cluster", &format!("e={peer}")]);
        let etcd = quiet(etcd, &folder, user, "etcd.log").spawn().unwrap();
        let (postgres, rest) = (ports::<NODES>().to_vec(), ports::<NODES>().to_vec());
        let mut cluster = Self { folder, tools, user, etcd, patroni: vec![], postgres, rest };
        for node in 0..NODES {
            let etcd = client.trim_start_matches("http://");
            fs::write(cluster.file(node), cluster.settings(node, etcd)).unwrap();
            cluster.patroni.push(None);
            cluster.again(node);
            // The first one makes the cluster; the others copy it.
            cluster.until(|cluster| cluster.leader().is_some());
        }
        cluster.until_synchronous();
        cluster
    }

    fn file(&self, node: usize) -> PathBuf {
        self.folder.join(format!("n{node}.json"))
    }

    /// JSON is YAML.
    fn settings(&self, node: usize, etcd: &str) -> String {
        let (folder, programs) = (self.folder.display(), self.tools.programs.display());
        let (port, rest) = (self.postgres[node], self.rest[node]);
        let text = serde_json::json!({
            "scope": "drill",
            "name": format!("n{node}"),
            "restapi": {
                "listen": format!("127.0.0.1:{rest}"), "connect_address": format!("127.0.0.1:{rest}"),
            },
            "etcd3": {"hosts": [etcd]},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL_S, "loop_wait": 5, "retry_timeout": 5, "synchronous_mode": true,
                    "postgresql": {"use_pg_rewind": true, "parameters": {"max_connections": 60}},
                },
                "initdb": [
                    {"auth-host": "trust"}, {"auth-local": "trust"}, {"encoding": "UTF8"},
                ],
            },
            "postgresql": {
                "listen": format!("127.0.0.1:{port}"), "connect_address": format!("127.0.0.1:{port}"),
                "data_dir": format!("{folder}/d{node}"), "bin_dir": format!("{programs}"),
                "pgpass": format!("{folder}/pgpass{node}"),
                "authentication": {
                    "superuser": {"username": "postgres"},
                    "replication": {"username": "rep", "password": "rep"},
                },
                "parameters": {
                    "unix_socket_directories": format!("{folder}"), "shared_buffers": "64MB",
                },
                "pg_hba": [
                    "local all all trust", "host all all 127.0.0.1/32 trust",
                    "host replication all 127.0.0.1/32 trust",
                ],
            },
        });
        text.to_string()
    }

    /// Where its databases are, every node named.
    pub(crate) fn url(&self) -> String {
        let hosts: Vec<String> =
            self.postgres.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("postgres://postgres@{}/postgres", hosts.join(","))
    }

    /// Starts Patroni, which starts PostgreSQL.
    pub(crate) fn again(&mut self, node: usize) {
        let mut command = Command::new(self.tools.venv.join("bin/patroni"));
        command.arg(self.file(node));
        let log = format!("n{node}.log");
        self.patroni[node] = Some(quiet(command, &self.folder, self.user, &log).spawn().unwrap());
    }

    /// The node that takes writes, as the others see it.
    pub(crate) fn leader(&self) -> Option<usize> {
        self.members(&["leader"]).first().copied()
    }

    /// A leader, and a standby that confirms what it acknowledges.
    pub(crate) fn until_synchronous(&self) {
        self.until(|cluster| {
            cluster.leader().is_some()
                && !cluster.members(&["sync_standby", "quorum_standby"]).is_empty()
        });
    }

    fn members(&self, roles: &[&str]) -> Vec<usize> {
        let Some(cluster) = (0..NODES).find_map(|node| ask(self.rest[node], "/cluster")) else {
            return vec![];
        };
        let all = cluster["members"].as_array().cloned().unwrap_or_default();
        let meant = |member: &Value| {
            let running = matches!(member["state"].as_str(), Some("running" | "streaming"));
            let is = member["role"].as_str().is_some_and(|role| roles.contains(&role));
            let name = member["name"].as_str()?.trim_start_matches('n').parse().ok()?;
            (running && is).then_some(name)
        };
        all.iter().filter_map(meant).collect()
    }

    fn until(&self, is: impl Fn(&Self) -> bool) {
        for _ in 0..600 {
            if is(self) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(200));
        }
        panic!("the cluster does not come up: look at {}", self.folder.display());
    }

    /// The first process of a node's PostgreSQL, if it runs. The file of one that was killed stays, and
    /// its number may be somebody else's by now.
    fn postmaster(&self, node: usize) -> Option<u32> {
        let data = self.folder.join(format!("d{node}"));
        let told = fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let pid = told.lines().next()?.trim().parse().ok()?;
        let works_in = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        (works_in == data).then_some(pid)
    }

    /// SIGKILL for Patroni and for every process of its PostgreSQL: as when the machine dies. Whether
    /// PostgreSQL ran: one that comes back follows the new leader before it starts.
    pub(crate) fn kill(&mut self, node: usize) -> bool {
        if let Some(mut patroni) = self.patroni[node].take() {
            patroni.kill().unwrap();
            patroni.wait().unwrap();
        }
        let Some(postmaster) = self.postmaster(node) else { return false };
        // The first process first: it would start the others again.
        for pid in [vec![postmaster], children(postmaster)].concat() {
            // It may have gone with its postmaster.
            let _ = signal("KILL", pid);
        }
        true
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in 0..self.patroni.len() {
            if self.patroni[node].is_some() {
                // It may not have come back yet.
                let _ = self.kill(node);
            }
        }
        let _ = self.etcd.kill();
        let _ = self.etcd.wait();
    }
}

fn signal(name: &str, pid: u32) -> bool {
    let id = pid.to_string();
    Command::new("kill").args(["-s", name, &id]).stderr(Stdio::null()).status().is_ok()
}

fn children(parent: u32) -> Vec<u32> {
    let told = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    told.unwrap_or_default().split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn quiet(mut command: Command, folder: &Path, user: Option<u32>, log: &str) -> Command {
    let file = fs::OpenOptions::new().create(true).append(true).open(folder.join(log)).unwrap();
    command.current_dir(folder).env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
    command.env("HOME", folder).stdin(Stdio::null());
    command.stdout(file.try_clone().unwrap()).stderr(file);
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command
}

fn ask(port: u16, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()
}

/// Free ones, all of them held until all are known.
fn ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// PostgreSQL does not run as root; its package brings a user. The folder becomes that user's.
pub(crate) fn own(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    if let Some(user) = other_user() {
        std::os::unix::fs::chown(folder, Some(user), Some(user)).unwrap();
    }
}

fn other_user() -> Option<u32> {
    let id = |of: &[&str]| -> Option<u32> {
        let told = Command::new("id").arg("-u").args(of).output().ok()?;
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    };
    if id(&[]) == Some(0) { id(&["postgres"]) } else { None }
}
