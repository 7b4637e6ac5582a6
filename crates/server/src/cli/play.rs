//! What the commands that play the client share: where the sandbox is and what it says of itself.

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

use super::arguments::{OpenId, Vendor};
use super::http::{Answer, encoded};
use crate::failure::Failure;
use crate::sandbox::{self, RUNNING};
use crate::system::{SystemDice, micros};

/// A running sandbox, as it describes itself.
#[derive(Debug, Deserialize)]
pub(super) struct Running {
    pub(super) http: String,
    pub(super) mtls: String,
    pub(super) ca: PathBuf,
    pub(super) state: PathBuf,
    pub(super) password: String,
    surfaces: Surfaces,
}

#[derive(Debug, Deserialize)]
struct Surfaces {
    fintecture: OneSurface,
    mx: OneSurface,
    worldline: OneSurface,
    standard: OpenIdSurface,
    fapi2: OpenIdSurface,
    fapi2_ms: OpenIdSurface,
}

/// A surface that its metadata describes.
#[derive(Debug, Deserialize)]
pub(super) struct OpenIdSurface {
    pub(super) discovery: String,
    pub(super) resource: String,
    pub(super) client: OpenIdClient,
    pub(super) resource_server: Client,
}

/// A client of it.
#[derive(Debug, Deserialize)]
pub(super) struct OpenIdClient {
    pub(super) client_id: String,
    pub(super) client_secret: Option<String>,
    pub(super) jwks: Option<OwnKeys>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) certificate_key: Option<PathBuf>,
}

/// The names of its private keys; the keys themselves are files beside the set.
#[derive(Debug, Deserialize)]
pub(super) struct OwnKeys {
    keys: Vec<OwnKey>,
}

#[derive(Debug, Deserialize)]
struct OwnKey {
    kid: String,
    alg: String,
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

    pub(super) fn vendor(&self, vendor: Vendor) -> &OneSurface {
        match vendor {
            Vendor::Fintecture => &self.surfaces.fintecture,
            Vendor::Mx => &self.surfaces.mx,
            Vendor::Worldline => &self.surfaces.worldline,
        }
    }

    pub(super) fn openid(&self, openid: OpenId) -> &OpenIdSurface {
        match openid {
            OpenId::Standard => &self.surfaces.standard,
            OpenId::Fapi2 => &self.surfaces.fapi2,
            OpenId::Fapi2Ms => &self.surfaces.fapi2_ms,
        }
    }

    /// The key of a client for an algorithm, and its name.
    pub(super) fn key_of(
        &self,
        client: &OpenIdClient,
        alg: Alg,
    ) -> Result<(SigningKey, String), Failure> {
        let all = client.jwks.iter().flat_map(|set| &set.keys);
        let found = all.into_iter().find(|key| key.alg == alg.as_str());
        let none = || Failure::failed(format!("{} has no {alg} key", client.client_id));
        let kid = &found.ok_or_else(none)?.kid;
        let path = sandbox::clients::key_file(&self.state.join("keys"), kid);
        let pem = crate::toml_file::text(&path)?;
        let key = SigningKey::from_pem(alg, &pem);
        let bad = |e| Failure::failed(format!("{}: {e}", path.display()));
        Ok((key.map_err(bad)?, kid.clone()))
    }
}

/// The redirect URI of every seeded client, on any port.
pub(super) const CALLBACK: &str = "http://127.0.0.1/callback";

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

/// The path of an address.
pub(super) fn path(url: &str) -> String {
    url::Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
}

/// The code of a redirect, whose `state` must be ours.
pub(super) fn code_of(back: &str, state: Option<&str>) -> Result<String, Failure> {
    if parameter(back, "state").as_deref() != state {
        return Err(Failure::failed("the state that came back is another"));
    }
    parameter(back, "code").ok_or_else(|| {
        let error = parameter(back, "error").unwrap_or_default();
        let text = parameter(back, "error_description").or(parameter(back, "provider_error"));
        Failure::failed(format!("no code: {error} {}", text.unwrap_or_default()))
    })
}
