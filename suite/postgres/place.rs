//! A schema of its own for every test, and somebody else at the same database.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where the server's programs are.
pub(crate) fn programs() -> PathBuf {
    variable("COUNTERFOIL_POSTGRES_PROGRAMS").into()
}

#[expect(clippy::disallowed_methods, reason = "how the check names the server it has started")]
#[expect(clippy::expect_used, reason = "a test may fail loudly")]
fn variable(name: &str) -> String {
    std::env::var(name).expect("no server: use `cargo xtask check --only postgres`")
}

/// A schema that goes with the test.
pub(crate) struct Place {
    server: String,
    pub(crate) schema: String,
}

impl Place {
    /// At the server of the check.
    pub(crate) fn new() -> Self {
        Self::at(&variable("COUNTERFOIL_POSTGRES"))
    }

    /// At this one.
    pub(crate) fn at(server: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("suite_{}_{number}", std::process::id());
        Self { server: server.into(), schema }
    }

    /// Where a node finds it.
    pub(crate) fn url(&self) -> String {
        let sign = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{sign}schema={s}&application_name={s}", self.server, s = self.schema)
    }

    /// What SQL says, one value a line.
    pub(crate) fn sql(&self, text: &str) -> String {
        let done = self.psql().args(["-c", text]).output().unwrap();
        assert!(done.status.success(), "{text}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// A session that stays open: what it has said and not committed holds until it goes.
    pub(crate) fn session(&self, text: &str) -> Session {
        let mut child = self.psql().stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{text}").unwrap();
        Session(child, Some(stdin))
    }

    /// Ends every connection of the nodes. How many there were.
    pub(crate) fn cut(&self) -> usize {
        let who = format!("application_name = '{}'", self.schema);
        let all = format!("select pg_terminate_backend(pid) from pg_stat_activity where {who}");
        self.sql(&all).lines().count()
    }

    fn psql(&self) -> Command {
        let mut command = Command::new(programs().join("psql"));
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.server]);
        // It waits for no standby, and for nobody's lock for ever: also what clears up after a test that
        // has failed comes to an end.
        let options = format!(
            "-c search_path={} -c synchronous_commit=local -c statement_timeout=60s",
            self.schema
        );
        command.env("PGOPTIONS", options).stdin(Stdio::null());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let text = format!("drop schema if exists {} cascade", self.schema);
        // A server that was the test's own has gone already.
        let _ = self.psql().args(["-c", &text]).stderr(Stdio::null()).status();
    }
}

/// See [`Place::session`].
pub(crate) struct Session(Child, Option<std::process::ChildStdin>);

impl Drop for Session {
    /// Rolls back. One that waits for its server does not wait for its end of input.
    fn drop(&mut self) {
        drop(self.1.take());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
