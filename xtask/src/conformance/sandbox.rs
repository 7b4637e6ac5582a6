//! The server under test: a sandbox of ours, started for this one run and ended with it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running sandbox. It ends when this is dropped.
pub(super) struct Sandbox {
    child: Child,
    /// Held, so that nothing it says later meets a closed pipe.
    _stdout: Option<BufReader<ChildStdout>>,
    told: Value,
}

/// One surface of the sandbox, as far as the suite needs it.
#[derive(Clone, Debug)]
pub(super) struct Surface {
    pub(super) issuer: String,
    /// The demo resource, where there is one.
    pub(super) resource: Option<String>,
    pub(super) registration_endpoint: String,
    pub(super) initial_access_token: String,
    /// The scopes a client may have there.
    pub(super) scopes: Vec<String>,
}

impl Sandbox {
    /// Starts this program as a sandbox that keeps nothing, on ports that are free. It calls what
    /// `trust`, a certificate authority, vouches for.
    pub(super) fn start(program: &Path, trust: Option<&Path>, log: &Path) -> Result<Self, String> {
        let told = |what: &str, e: &dyn std::fmt::Display| format!("{what}: {e}");
        let file = std::fs::File::create(log).map_err(|e| told(&log.display().to_string(), &e))?;
        let mut child = Command::new(program)
            .args(["sandbox", "--json", "--ephemeral"])
            .args(
                ["--listen", "--tls-listen", "--mtls-listen"].map(|l| [l, "127.0.0.1:0"]).concat(),
            )
            .args(trust.iter().flat_map(|file| ["--trust".as_ref(), file.as_os_str()]))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|e| told(&program.display().to_string(), &e))?;
        let mut line = String::new();
        let mut stdout = child.stdout.take().map(BufReader::new);
        let read = stdout.as_mut().map_or(Ok(0), |stdout| stdout.read_line(&mut line));
        let ready = read.map_err(|e| told("the sandbox", &e)).and_then(|_| {
            serde_json::from_str(&line)
                .map_err(|_| format!("the sandbox did not start; {} says why", log.display()))
        });
        match ready {
            Ok(told) => Ok(Self { child, _stdout: stdout, told }),
            Err(why) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(why)
            }
        }
    }

    /// An error if it has ended by itself.
    pub(super) fn still_runs(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("the sandbox has ended meanwhile: {status}")),
            Err(e) => Err(format!("the sandbox: {e}")),
        }
    }

    /// One of its surfaces.
    pub(super) fn surface(&self, name: &str) -> Result<Surface, String> {
        let surface = &self.told["surfaces"][name];
        let text = |member: &str| {
            let value = surface[member].as_str().map(str::to_owned);
            value.ok_or_else(|| format!("the sandbox does not tell surfaces.{name}.{member}"))
        };
        let scopes = surface["client"]["scopes"].as_array().cloned().unwrap_or_default();
        Ok(Surface {
            issuer: text("issuer")?,
            resource: surface["resource"].as_str().map(str::to_owned),
            registration_endpoint: text("registration_endpoint")?,
            initial_access_token: text("initial_access_token")?,
            scopes: scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// A customer about whom everything is known, and the password.
    pub(super) fn customer(&self) -> Result<(String, String), String> {
        let login = self.told["customers"][0].as_str();
        let password = self.told["password"].as_str();
        match (login, password) {
            (Some(login), Some(password)) => Ok((login.to_owned(), password.to_owned())),
            _ => Err("the sandbox names no customer".into()),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Its folder is removed by itself when it is asked to end.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
