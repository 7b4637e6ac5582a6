//! The ID token (OpenID Connect Core §2): what a client is told of the login.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::provider;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::scope::ScopeSet;
use serde::Serialize;

use crate::ctx::Ctx;
use crate::grant::Grant;
use crate::keys::{LoadedKey, Unsigned};
use crate::policy::IdToken;

/// An ID token that lacks `at_hash` and a signature.
#[derive(Debug)]
pub struct IdTokenDraft {
    /// The key that signs.
    pub key: Arc<LoadedKey>,
    issuer: Box<str>,
    subject: Box<str>,
    client: Box<str>,
    issued: Moment,
    expires: Moment,
    auth_time: Moment,
    nonce: Option<Box<str>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    auth_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
}

impl IdTokenDraft {
    /// `None` where the surface, the scope or the grant gives none.
    ///
    /// # Errors
    /// [`Unsigned`] when there is no active key of the algorithm.
    pub fn of(grant: &Grant, scope: &ScopeSet, ctx: &Ctx<'_>) -> Result<Option<Self>, Unsigned> {
        let IdToken::Signed { alg, ttl_s } = ctx.policy.id_token else { return Ok(None) };
        let (Some(login), Some(subject)) = (&grant.login, &grant.subject) else { return Ok(None) };
        if !scope.contains("openid") {
            return Ok(None);
        }
        Ok(Some(Self {
            key: ctx.issuer.active_key(alg).ok_or(Unsigned)?.clone(),
            issuer: ctx.issuer.url.clone(),
            subject: subject.sub.clone(),
            client: grant.client.as_str().into(),
            issued: ctx.now,
            expires: ctx.now.after(ttl_s),
            auth_time: login.auth_time,
            nonce: login.nonce.clone(),
        }))
    }

    /// The claims, with the hash of the access token that goes out beside it (§3.1.3.6).
    #[must_use]
    pub fn claims(&self, access_token: &str) -> String {
        let hash = provider::sha256(access_token.as_bytes());
        let claims = Claims {
            iss: &self.issuer,
            sub: &self.subject,
            aud: &self.client,
            exp: self.expires.0,
            iat: self.issued.0,
            auth_time: self.auth_time.0,
            nonce: self.nonce.as_deref(),
            at_hash: Base64UrlUnpadded::encode_string(&hash[..16]),
        };
        serde_json::to_string(&claims).unwrap_or_default()
    }
}
