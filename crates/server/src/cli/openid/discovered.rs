//! Metadata (RFC 8414) and keys of a server, as its clients find them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::verified::Keys;
use crate::cli::http::{Ask, Http};
use crate::cli::play::{OpenIdSurface, path};
use crate::cli::steps::Steps;
use crate::failure::Failure;

/// What this client needs of it.
#[derive(Debug, Deserialize)]
pub(super) struct Discovered {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) introspection_endpoint: String,
    jwks_uri: String,
    token_endpoint: String,
    revocation_endpoint: String,
    userinfo_endpoint: String,
    pushed_authorization_request_endpoint: String,
    pub(super) require_pushed_authorization_requests: bool,
    pub(super) require_signed_request_object: bool,
    #[serde(default)]
    mtls_endpoint_aliases: BTreeMap<String, String>,
}

/// An endpoint that clients call and that has an alias on the listener which asks for certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Par,
    Token,
    Revocation,
    UserInfo,
}

impl Discovered {
    /// Fetches both documents.
    pub(super) async fn find(
        http: &mut Http,
        surface: &OpenIdSurface,
        steps: &mut Steps,
    ) -> Result<(Self, Keys), Failure> {
        let url = &surface.discovery;
        let answer = http.send(Ask::get(url)).await?;
        let what = format!("GET  {}", path(url));
        let answer = steps.expect(("metadata", &what), answer, 200, "")?;
        let found: Self = serde_json::from_str(&answer.body)
            .map_err(|e| Failure::failed(format!("the metadata: {e}")))?;
        if url.strip_prefix(&found.issuer).is_none_or(|rest| !rest.starts_with("/.well-known/")) {
            return Err(Failure::failed(format!("the metadata is of {}", found.issuer)));
        }
        let answer = http.send(Ask::get(&found.jwks_uri)).await?;
        let keys = Keys::read(&answer.body)?;
        let what = format!("GET  {}", path(&found.jwks_uri));
        let remark = keys.algorithms().join(", ");
        steps.expect(("keys", &what), answer, 200, &remark)?;
        Ok((found, keys))
    }

    /// Where an endpoint is: with a certificate its alias, if it has one (RFC 8705 §5).
    pub(super) fn url(&self, endpoint: Endpoint, by_certificate: bool) -> &str {
        let (name, plain) = match endpoint {
            Endpoint::Par => (
                "pushed_authorization_request_endpoint",
                &self.pushed_authorization_request_endpoint,
            ),
            Endpoint::Token => ("token_endpoint", &self.token_endpoint),
            Endpoint::Revocation => ("revocation_endpoint", &self.revocation_endpoint),
            Endpoint::UserInfo => ("userinfo_endpoint", &self.userinfo_endpoint),
        };
        self.mtls_endpoint_aliases.get(name).filter(|_| by_certificate).unwrap_or(plain)
    }
}
