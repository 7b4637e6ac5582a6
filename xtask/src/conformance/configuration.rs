//! The configuration of a plan, as the suite wants it (its fields differ from plan to plan).

use serde_json::{Value, json};
use ureq::Agent;

use super::browser::{self, Visitor};
use super::clients;
use super::plans::{Fapi2, Kind, OpenId, Profile, Run, Sender};
use super::progress::Prepared;
use super::sandbox::{Sandbox, Surface};
use super::suite::Suite;

/// What configurations are made from.
pub(super) struct Maker<'a> {
    pub(super) suite: &'a Suite,
    pub(super) sandbox: &'a Sandbox,
}

impl Maker<'_> {
    /// The configuration of a run; the clients it needs are registered.
    pub(super) fn prepare(&self, run: &Run) -> Result<Prepared, String> {
        let configuration = match run.kind {
            Kind::OpenId(plan) => self.openid(run, plan)?,
            Kind::Fapi2(combination) => self.fapi2(run, combination)?,
        };
        Ok(Prepared {
            name: run.name.clone(),
            plan: run.plan,
            variant: run.variant(),
            configuration,
        })
    }

    fn openid(&self, run: &Run, plan: OpenId) -> Result<Value, String> {
        let surface = self.sandbox.surface("standard")?;
        let prefixes = match plan {
            OpenId::Logout => ["oidcc-rp-initiated"],
            OpenId::Config
            | OpenId::Basic
            | OpenId::FormPost
            | OpenId::BackChannel
            | OpenId::ThirdParty => ["oidcc"],
        };
        let discovery = format!("{}/.well-known/openid-configuration", surface.issuer);
        let mut made = self.common(run, &surface, &discovery, &prefixes)?;
        if plan != OpenId::Config {
            for (client, name) in [("client", "one"), ("client2", "two")] {
                made[client] = json!({
                    "client_name": format!("Conformance {name}"),
                    "initial_access_token": surface.initial_access_token,
                });
            }
        }
        Ok(made)
    }

    fn fapi2(&self, run: &Run, combination: Fapi2) -> Result<Value, String> {
        let surface = self.sandbox.surface(match combination.profile {
            Profile::Security | Profile::ClientCredentials => "fapi2",
            Profile::MessageSigning => "fapi2_ms",
        })?;
        let agent = self.suite.agent();
        let discovery = if combination.openid {
            format!("{}/.well-known/openid-configuration", surface.issuer)
        } else {
            let (origin, path) = split(&surface.issuer)?;
            format!("{origin}/.well-known/oauth-authorization-server{path}")
        };
        let mut made = self.common(run, &surface, &discovery, &["fapi2-security-profile-final"])?;
        let callback = format!("{}test/a/{}/callback", self.suite.base(), alias(run));
        let (one, two) = clients::pair(agent, &surface, combination, &callback)?;
        made["client"] = one.configuration;
        made["client2"] = two.configuration;
        let resource = surface.resource.ok_or("the sandbox tells no resource of FAPI 2.0")?;
        let resource = match combination.sender {
            Sender::Dpop => resource,
            Sender::Mtls => {
                let (origin, _) = split(&mtls_endpoint(agent, &discovery)?)?;
                format!("{origin}{}", split(&resource)?.1)
            }
        };
        made["resource"] = json!({"resourceUrl": resource});
        if run.name.contains("mtls") {
            made["mtls"] = one.mtls;
            made["mtls2"] = two.mtls;
        }
        Ok(made)
    }

    fn common(
        &self,
        run: &Run,
        surface: &Surface,
        discovery: &str,
        prefixes: &[&str],
    ) -> Result<Value, String> {
        let (login, password) = self.sandbox.customer()?;
        let (issuer, suite) = (surface.issuer.clone(), self.suite.base().to_owned());
        let visitor = Visitor { issuer, suite, login, password };
        Ok(json!({
            "alias": alias(run),
            "description": format!("Counterfoil, {}", run.name),
            "server": {"discoveryUrl": discovery},
            "browser": browser::usual(&visitor),
            "override": browser::overrides(&visitor, prefixes),
        }))
    }
}

/// The name of a run in the addresses of the suite: runs with different ones do not disturb each
/// other.
fn alias(run: &Run) -> String {
    format!("counterfoil-{}", run.name)
}

/// An address as its origin and its path.
fn split(address: &str) -> Result<(String, String), String> {
    let start =
        address.find("://").map(|at| at + 3).ok_or_else(|| format!("{address} is no URL"))?;
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    Ok((address[..end].to_owned(), address[end..].to_owned()))
}

/// Where the token endpoint takes a client certificate (RFC 8705 section 5).
fn mtls_endpoint(agent: &Agent, discovery: &str) -> Result<String, String> {
    let told = |e: ureq::Error| format!("GET {discovery}: {e}");
    let mut answer = agent.get(discovery).call().map_err(told)?;
    let body = answer.body_mut().read_to_string().map_err(told)?;
    let read: Value = serde_json::from_str(&body).unwrap_or_default();
    let alias = read["mtls_endpoint_aliases"]["token_endpoint"].as_str();
    alias.map(str::to_owned).ok_or_else(|| format!("{discovery} has no mtls_endpoint_aliases"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_after_its_port() {
        let of = |address: &str| split(address).unwrap();
        let pair = |origin: &str, path: &str| (origin.to_owned(), path.to_owned());
        assert_eq!(of("https://localhost:1/o/x"), pair("https://localhost:1", "/o/x"));
        assert_eq!(of("https://localhost"), pair("https://localhost", ""));
        assert!(split("/o/x").is_err());
    }
}
