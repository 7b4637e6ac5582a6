//! A PostgreSQL of a test's own: to be stopped and started, with settings of its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::place::programs;

/// See the module. It goes with the test.
pub(crate) struct Cluster {
    folder: TempDir,
    pub(crate) port: u16,
}

impl Cluster {
    /// With these lines in `postgresql.conf`, on a socket of its own and on this machine's loopback.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let cluster = Self::set(settings);
        cluster.again();
        cluster
    }

    /// The same, not yet started.
    pub(crate) fn set(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        if let Some(user) = other_user() {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(user)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, port };
        cluster
            .run("initdb", &["--auth=trust", "--username=postgres", "--no-sync", "--pgdata", "d"]);
        let socket = cluster.path("").display().to_string();
        let text = format!(
            "unix_socket_directories = '{socket}'\nport = {port}\nlisten_addresses = '127.0.0.1'\n\
             max_connections = 100\n{}\n",
            settings.join("\n")
        );
        cluster.append("d/postgresql.conf", &text);
        cluster
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let before = fs::read_to_string(self.path(name)).unwrap_or_default();
        self.write(name, &format!("{before}\n{text}"));
    }

    /// A file that only the server reads.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if let Some(user) = other_user() {
            std::os::unix::fs::chown(&path, Some(user), Some(user)).unwrap();
        }
    }

    /// Over its socket.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/postgres", self.port)
    }

    /// Starts it, or starts it again.
    pub(crate) fn again(&self) {
        self.run("pg_ctl", &["start", "-w", "-D", "d", "-l", "log"]);
    }

    pub(crate) fn stop(&self, how: &str) {
        self.run("pg_ctl", &["stop", "-w", "-m", how, "-D", "d"]);
    }

    /// Puts a copy of one of its folders in the place of another. It must not run.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        let remove = Command::new("rm").arg("-rf").arg(self.path(to)).status().unwrap();
        let copy = Command::new("cp").arg("-a").arg(self.path(from)).arg(self.path(to)).status();
        assert!(remove.success() && copy.unwrap().success(), "{from} to {to}");
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let done = command(self.folder.path(), program, arguments).status().unwrap();
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        assert!(done.success(), "{program} {arguments:?}: {log}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stop = ["stop", "-m", "immediate", "-D", "d"];
        // It may have been stopped by the test.
        let _ = command(self.folder.path(), "pg_ctl", &stop).stderr(Stdio::null()).status();
    }
}

fn command(folder: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(programs().join(program));
    command.args(arguments).current_dir(folder).env_clear().env("LC_ALL", "C");
    if let Some(user) = other_user() {
        command.uid(user).gid(user);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// PostgreSQL does not run as root; its package brings a user.
fn other_user() -> Option<u32> {
    let id = |of: &[&str]| -> Option<u32> {
        let told = Command::new("id").arg("-u").args(of).output().ok()?;
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    };
    if id(&[]) == Some(0) { id(&["postgres"]) } else { None }
}
