//! A throw-away PostgreSQL for the tests that need one: Debian's package, a folder of its own, a
//! socket in it, flushes on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell;
use crate::tools::{self, POSTGRES};

/// No other port is taken in the folder.
const PORT: u16 = 5432;

/// Where PostgreSQL's programs are; installed first if need be and possible.
pub(crate) fn programs(root: &Path) -> Result<PathBuf, String> {
    tools::ensure(root, &POSTGRES)?;
    let told = shell::told(&mut shell::words(root, tools::POSTGRES_WHERE));
    // A link to the server may stand alone; all of its programs are where it points to.
    let server = told.and_then(|server| fs::canonicalize(server).ok());
    let folder = server.and_then(|server| server.parent().map(Path::to_path_buf));
    folder.ok_or_else(|| "its programs are not where its server is".into())
}

/// A running server; it ends and is removed with this value.
pub(crate) struct Server {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<u32>,
}

impl Server {
    /// Makes and starts one.
    pub(crate) fn start(root: &Path, programs: &Path) -> Result<Self, String> {
        let name = format!("counterfoil-postgres-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let told = |why: std::io::Error| format!("{}: {why}", folder.display());
        fs::create_dir(&folder).map_err(told)?;
        let user = other_user(root);
        let server = Self { folder: folder.clone(), programs: programs.into(), user };
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(told)?;
        if let Some(user) = user {
            std::os::unix::fs::chown(&folder, Some(user), Some(user)).map_err(told)?;
        }
        server.run(
            "initdb",
            &["--auth=trust", "--username=postgres", "--no-sync", "--pgdata", "d"],
        )?;
        let settings = format!(
            "-k {} -p {PORT} -c listen_addresses= -c max_connections=200",
            folder.display()
        );
        let start = ["start", "-w", "-D", "d", "-l", "log", "-o", settings.as_str()];
        server.run("pg_ctl", &start)?;
        Ok(server)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{PORT}/postgres")
    }

    /// The number of its first process.
    pub(crate) fn pid(&self) -> Result<String, String> {
        let path = self.folder.join("d/postmaster.pid");
        let told = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(told.lines().next().unwrap_or_default().trim().to_owned())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(&self.folder).env_clear().env("LC_ALL", "C");
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        shell::run(&mut command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is left over lies in the folder of temporary files.
        let _ = self.run("pg_ctl", &["stop", "-m", "immediate", "-D", "d"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// PostgreSQL does not run as root; its package brings a user.
fn other_user(root: &Path) -> Option<u32> {
    let id = |line: &str| shell::told(&mut shell::command(root, line))?.parse().ok();
    if id("id -u") == Some(0) { id("id -u postgres") } else { None }
}
