//! A running conformance suite, over its HTTP interface.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::tls::TlsConfig;

/// Longest answer we read: the log of a module is a few MiB.
const BODY_MAX: u64 = 64 << 20;

/// Longest wait for one answer. A long poll ends after 30 s; on creation a module may already run.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// How long the suite holds one question for the end of a module; it allows no more.
const POLL_MS: &str = "30000";

/// The suite.
pub(super) struct Suite {
    agent: Agent,
    base: String,
}

/// A plan that was created.
#[derive(Debug)]
pub(super) struct Created {
    pub(super) id: String,
    pub(super) modules: Vec<Module>,
}

/// One module of it.
#[derive(Clone, Debug)]
pub(super) struct Module {
    pub(super) name: String,
    variant: Value,
}

/// What the suite says of an ended module.
#[derive(Debug)]
pub(super) struct Info {
    /// `FINISHED`, `INTERRUPTED`, or where it stands.
    pub(super) status: String,
    /// `PASSED`, `WARNING`, `REVIEW`, `SKIPPED`, `FAILED`, `UNKNOWN`.
    pub(super) result: String,
    /// The day it started, as the suite's clock has it.
    pub(super) day: String,
}

impl Suite {
    /// The suite at this address, which ends in a slash afterwards.
    pub(super) fn at(address: &str) -> Result<Self, String> {
        let base = format!("{}/", address.trim_end_matches('/'));
        if !loopback(&base) {
            return Err(format!(
                "{base} is not on this machine, and the sandbox cannot be reached from elsewhere"
            ));
        }
        // The certificate of a suite on the loopback interface says nothing that we would not know.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .disable_verification(true)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(ANSWER_TIMEOUT))
            .http_status_as_error(false)
            .build();
        Ok(Self { agent: config.into(), base })
    }

    /// Its address, with a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The client that asks it; it serves for other addresses of this machine too.
    pub(super) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Its version, as it says itself.
    pub(super) fn version(&self) -> Result<String, String> {
        let told = self.get("api/server", &[])?;
        let version = told["version"].as_str();
        version
            .map(str::to_owned)
            .ok_or_else(|| format!("{}api/server names no version", self.base))
    }

    /// Creates a plan.
    pub(super) fn create(
        &self,
        plan: &str,
        variant: &Value,
        configuration: &Value,
    ) -> Result<Created, String> {
        let variant = variant.to_string();
        let asked = [("planName", plan), ("variant", variant.as_str())];
        let told = self.post("api/plan", &asked, Some(configuration))?;
        let modules = told["modules"].as_array().cloned().unwrap_or_default();
        let modules = modules.into_iter().map(|module| Module {
            name: text(&module["testModule"]),
            variant: module["variant"].clone(),
        });
        Ok(Created { id: text(&told["id"]), modules: modules.collect() })
    }

    /// Starts a module of a plan; its id.
    pub(super) fn start(&self, plan: &str, module: &Module) -> Result<String, String> {
        let variant = module.variant.to_string();
        let asked = [("test", &*module.name), ("plan", plan), ("variant", &*variant)];
        let told = self.post("api/runner", &asked, None)?;
        let id = told["id"].as_str();
        id.map(str::to_owned).ok_or_else(|| format!("{} was not created: {told}", module.name))
    }

    /// Waits for the end of a module, up to half a minute; whether it came.
    pub(super) fn ended(&self, id: &str) -> Result<bool, String> {
        let path = format!("api/runner/{id}/wait-state");
        let asked = [("states", "FINISHED,INTERRUPTED"), ("timeoutMs", POLL_MS)];
        Ok(self.get(&path, &asked)?["state"].is_string())
    }

    /// How a module ended.
    pub(super) fn info(&self, id: &str) -> Result<Info, String> {
        let told = self.get(&format!("api/info/{id}"), &[])?;
        let day = text(&told["started"]).split('T').next().unwrap_or_default().to_owned();
        Ok(Info { status: text(&told["status"]), result: text(&told["result"]), day })
    }

    /// The log of a module, entry by entry.
    pub(super) fn log(&self, id: &str) -> Result<Vec<Value>, String> {
        let told = self.get(&format!("api/log/{id}"), &[])?;
        let entries = told.as_array().cloned();
        entries.ok_or_else(|| format!("the log of {id} is no list"))
    }

    /// Stops a module that does not end by itself.
    pub(super) fn stop(&self, id: &str) -> Result<(), String> {
        let url = format!("{}api/runner/{id}", self.base);
        let answer = self.agent.delete(&url).call();
        answer.map(drop).map_err(|e| format!("DELETE {url}: {e}"))
    }

    fn get(&self, path: &str, asked: &[(&str, &str)]) -> Result<Value, String> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.get(&url).query_pairs(asked.iter().copied());
        read(request.call(), "GET", &url)
    }

    fn post(
        &self,
        path: &str,
        asked: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.post(&url).query_pairs(asked.iter().copied());
        let request = request.content_type("application/json");
        let body = body.map(Value::to_string).unwrap_or_default();
        read(request.send(&body), "POST", &url)
    }
}

fn read(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    method: &str,
    url: &str,
) -> Result<Value, String> {
    let told = |e: ureq::Error| format!("{method} {url}: {e}");
    let mut answer = answer.map_err(told)?;
    let status = answer.status();
    let body = answer.body_mut().with_config().limit(BODY_MAX).read_to_string().map_err(told)?;
    if !status.is_success() {
        return Err(format!(
            "{method} {url}: {status}: {}",
            body.chars().take(300).collect::<String>()
        ));
    }
    serde_json::from_str(&body).map_err(|e| format!("{method} {url}: no JSON: {e}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Whether an address names this machine.
fn loopback(address: &str) -> bool {
    let Some((_, rest)) = address.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_elsewhere_is_refused() {
        let elsewhere = ["https://suite.example/", "https://localhost.example:8443", "localhost"];
        for address in elsewhere {
            assert!(Suite::at(address).is_err(), "{address}");
        }
        let suite = Suite::at("https://localhost:8443").map(|suite| suite.base().to_owned());
        assert_eq!(suite.as_deref(), Ok("https://localhost:8443/"));
    }
}
