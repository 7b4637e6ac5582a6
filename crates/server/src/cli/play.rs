//! What the commands that play the client share: where the sandbox is, how a customer answers.

use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::ctx::Entropy as _;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws::{self, Protected};
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::hex;
use serde::Deserialize;

use super::arguments::Surface;
use super::http::{Answer, Ask, Http, encoded};
use crate::failure::Failure;
use crate::sandbox::RUNNING;
use crate::system::{SystemDice, micros};

/// A running sandbox, as it describes itself.
#[derive(Debug, Deserialize)]
pub(super) struct Running {
    pub(super) http: String,
    pub(super) password: String,
    surfaces: Surfaces,
}

#[derive(Debug, Deserialize)]
struct Surfaces {
    fintecture: OneSurface,
    mx: OneSurface,
    worldline: OneSurface,
}

/// One surface of it.
#[derive(Debug, Deserialize)]
pub(super) struct OneSurface {
    pub(super) issuer: String,
    pub(super) token_endpoint: String,
    pub(super) refresh_endpoint: Option<String>,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) introspection_endpoint: String,
    pub(super) client: Client,
    pub(super) resource_server: Client,
}

/// Credentials of one client.
#[derive(Debug, Deserialize)]
pub(super) struct Client {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) private_key: Option<PathBuf>,
    pub(super) kid: Option<String>,
}

impl Running {
    /// Reads what the sandbox of a state folder says.
    pub(super) fn find(state: &Path) -> Result<Self, Failure> {
        let path = state.join(RUNNING);
        let text = std::fs::read_to_string(&path).map_err(|_| {
            Failure::unreachable(format!(
                "no running sandbox in {}; start one with: counterfoil sandbox (or name its folder \
                 with --state)",
                state.display()
            ))
        })?;
        let damaged = |e| Failure::failed(format!("{}: {e}", path.display()));
        serde_json::from_str(&text).map_err(damaged)
    }

    pub(super) fn surface(&self, surface: Surface) -> &OneSurface {
        match surface {
            Surface::Fintecture => &self.surfaces.fintecture,
            Surface::Mx => &self.surfaces.mx,
            Surface::Worldline => &self.surfaces.worldline,
        }
    }
}

/// A code verifier and its challenge.
pub(super) fn pkce() -> (String, String) {
    let verifier = Base64UrlUnpadded::encode_string(&SystemDice.bytes32());
    let challenge = Base64UrlUnpadded::encode_string(&provider::sha256(verifier.as_bytes()));
    (verifier, challenge)
}

/// A random value for `state` or `nonce`.
pub(super) fn random_text() -> String {
    hex(&SystemDice.bytes32()[..8])
}

/// A client assertion as the Worldline document shows it: no `iss`, no `jti`, one hour.
pub(super) fn assertion(surface: &OneSurface) -> Result<String, Failure> {
    let path = surface.client.private_key.as_ref();
    let path =
        path.ok_or(Failure::usage("this surface has no key: --auth jwt is for worldline"))?;
    let pem = crate::toml_file::text(path)?;
    let bad = |e| Failure::failed(format!("{}: {e:?}", path.display()));
    let key = SigningKey::from_pem(Alg::RS256, &pem).map_err(bad)?;
    let now = micros() / 1_000_000;
    let (sub, aud) = (&surface.client.client_id, &surface.issuer);
    let claims = format!(r#"{{"sub":"{sub}","aud":"{aud}","iat":{now},"exp":{}}}"#, now + 3_600);
    let kid = surface.client.kid.as_deref();
    let header = Protected::new(Alg::RS256, Some("JWT"), kid);
    jws::encode(&header, claims.as_bytes(), &key).map_err(bad)
}

/// An authorization request as a URL.
pub(super) fn authorize_url(endpoint: &str, parameters: &[(&str, &str)]) -> String {
    format!("{endpoint}?{}", encoded(parameters))
}

/// Signs in and consents for the customer, as their browser would. Returns where it was sent and
/// how many accounts were chosen of how many.
pub(super) async fn consent(
    http: &mut Http,
    server: &Running,
    start: &str,
    user: &str,
) -> Result<(String, String), Failure> {
    let mut at = start.to_owned();
    let mut told = String::from("no page was shown");
    for _ in 0..8 {
        let answer = http.send(Ask::get(&at)).await?;
        if let Some(to) = answer.location.as_deref() {
            let to = absolute(server, to);
            if !to.starts_with(&server.http) {
                return Ok((to, told));
            }
            at = to;
            continue;
        }
        if answer.status != 200 {
            return Err(refused("the authorization", &answer));
        }
        let page = Page(&answer.body);
        let (interaction, csrf) = (page.field("interaction"), page.field("csrf"));
        let mut form = vec![("interaction", interaction.as_str()), ("csrf", csrf.as_str())];
        let accounts = page.accounts();
        let login = answer.body.contains("id=\"login-submit\"");
        if login {
            form.extend([("login", user), ("password", server.password.as_str())]);
            form.push(("action", "submit"));
        } else if answer.body.contains("id=\"consent-allow\"") {
            form.extend(accounts.first().map(|account| ("account", account.as_str())));
            form.push(("action", "allow"));
            told = format!("{user} chose {} of {} accounts", accounts.len().min(1), accounts.len());
        } else {
            form.push(("action", "deny"));
            told = format!("{user} has nothing to share");
        }
        let to = at.split('?').next().unwrap_or(&at).to_owned();
        let posted = http.send(Ask::post(&to, form)).await?;
        match posted.location.as_deref().map(|to| absolute(server, to)) {
            Some(to) if to.starts_with(&server.http) => at = to,
            Some(to) => return Ok((to, told)),
            None if posted.body.contains("id=\"login-submit\"") => {
                return Err(Failure::failed(format!("{user} could not sign in")));
            }
            None => return Err(refused("the consent", &posted)),
        }
    }
    Err(Failure::failed("the pages led in a circle"))
}

fn absolute(server: &Running, to: &str) -> String {
    if to.starts_with('/') { format!("{}{to}", server.http) } else { to.to_owned() }
}

/// A failure with what the server said.
pub(super) fn refused(what: &str, answer: &Answer) -> Failure {
    let reference = answer.reference().unwrap_or_default();
    let body: String = answer.body.chars().take(400).collect();
    Failure::failed(format!(
        "{what} was refused: {} {body}      reference {reference}",
        answer.status
    ))
}

/// The parameters of a redirect.
pub(super) fn parameter(url: &str, name: &'static str) -> Option<String> {
    let query = url.split_once('?')?.1;
    let form = Form::decode(query.as_bytes()).ok()?;
    form.one(name).ok().flatten().map(str::to_owned)
}

/// One of our own pages.
struct Page<'a>(&'a str);

impl Page<'_> {
    /// The value of a hidden field.
    fn field(&self, name: &str) -> String {
        let marked = format!("name=\"{name}\" value=\"");
        let after = self.0.split(&marked).nth(1).unwrap_or_default();
        after.split('"').next().unwrap_or_default().to_owned()
    }

    /// The accounts that can be chosen.
    fn accounts(&self) -> Vec<String> {
        let boxes = self.0.split("name=\"account\" value=\"").skip(1);
        boxes.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }
}
