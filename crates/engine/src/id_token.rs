//! The ID token (OpenID Connect Core §2): what a client is told of the login.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::provider;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::scope::ScopeSet;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::claims::{Requested, given, known};
use crate::client::Client;
use crate::ctx::Ctx;
use crate::grant::Grant;
use crate::keys::{LoadedKey, Unsigned};
use crate::policy::{IdToken, Policy};
use crate::subject::Subject;

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
    acr: Option<Box<str>>,
    amr: Vec<Box<str>>,
    sid: Option<Box<str>>,
    /// What the request wants here of the customer themselves, and what may be given.
    wanted: Requested,
    allowed: ScopeSet,
    about: Map<String, Value>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    at_hash: String,
    #[serde(flatten)]
    about: &'a Map<String, Value>,
}

impl IdTokenDraft {
    /// `None` where the surface, the scope or the grant gives none.
    ///
    /// # Errors
    /// [`Unsigned`] when there is no active key of the algorithm.
    pub fn of(
        grant: &Grant,
        scope: &ScopeSet,
        client: &Client,
        ctx: &Ctx<'_>,
    ) -> Result<Option<Self>, Unsigned> {
        let IdToken::Signed { ttl_s, .. } = ctx.policy.id_token else { return Ok(None) };
        let (Some(login), Some(subject)) = (&grant.login, &grant.subject) else { return Ok(None) };
        if !scope.contains("openid") {
            return Ok(None);
        }
        let alg = signing_alg(client, ctx.policy).ok_or(Unsigned)?;
        let openid = &grant.openid;
        // Only clients that end sessions, or hear of their end, have a use for it.
        let metadata = &client.metadata;
        let ends = metadata.backchannel_logout_uri.is_some()
            || !metadata.post_logout_redirect_uris.is_empty();
        Ok(Some(Self {
            key: ctx.issuer.active_key(alg).ok_or(Unsigned)?.clone(),
            issuer: ctx.issuer.url.clone(),
            subject: subject.sub.clone(),
            client: grant.client.as_str().into(),
            issued: ctx.now,
            expires: ctx.now.after(ttl_s),
            auth_time: login.auth_time,
            nonce: login.nonce.clone(),
            acr: openid.acr.clone(),
            amr: openid.amr.clone(),
            sid: openid.sid.clone().filter(|_| ends),
            wanted: Requested::kept(openid.claims.as_deref()),
            allowed: client.scope.clone(),
            about: Map::new(),
        }))
    }

    /// Whether the request wants more here than what the grant knows.
    #[must_use]
    pub fn wants_more(grant: &Grant) -> bool {
        let wanted = Requested::kept(grant.openid.claims.as_deref());
        wanted.id_token.iter().any(|wanted| crate::claims::scope_of(&wanted.name).is_some())
    }

    /// Adds what the request wants of the customer themselves (§5.5). The claims of scopes stay at
    /// UserInfo (§5.4).
    pub fn tell_of(&mut self, subject: &Subject) {
        let known = known(subject.claims.as_deref().unwrap_or("{}"), &subject.name);
        self.about = given(&known, None, &self.wanted.id_token, &self.allowed);
    }

    /// The claims, with the hash of the access token that goes out beside it (§3.1.3.6).
    #[must_use]
    pub fn claims(&self, access_token: &str) -> String {
        let claims = Claims {
            iss: &self.issuer,
            sub: &self.subject,
            aud: &self.client,
            exp: self.expires.0,
            iat: self.issued.0,
            auth_time: self.auth_time.0,
            nonce: self.nonce.as_deref(),
            acr: self.acr.as_deref(),
            amr: &self.amr,
            sid: self.sid.as_deref(),
            at_hash: half_hash(self.key.alg, access_token),
            about: &self.about,
        };
        serde_json::to_string(&claims).unwrap_or_default()
    }
}

/// What signs the tokens that tell this client of logins and of their end: what it registered, where
/// the surface has it. `None` where it is told of no login.
pub(crate) fn signing_alg(client: &Client, policy: &Policy) -> Option<Alg> {
    let IdToken::Signed { alg, .. } = policy.id_token else { return None };
    let registered = client.metadata.id_token_alg.as_deref().and_then(Alg::parse);
    Some(registered.filter(|alg| policy.algs.contains(alg)).unwrap_or(alg))
}

/// The left half of the hash that the algorithm of the signature uses (§3.1.3.6). Ed25519 uses
/// SHA-512 (RFC 8032 §5.1).
#[must_use]
pub fn half_hash(alg: Alg, text: &str) -> String {
    let bytes = text.as_bytes();
    match alg {
        Alg::RS256 | Alg::PS256 | Alg::ES256 => {
            Base64UrlUnpadded::encode_string(&provider::sha256(bytes)[..16])
        }
        Alg::RS384 | Alg::PS384 | Alg::ES384 => {
            Base64UrlUnpadded::encode_string(&provider::sha384(bytes)[..24])
        }
        Alg::RS512 | Alg::PS512 | Alg::ES512 | Alg::EdDSA => {
            Base64UrlUnpadded::encode_string(&provider::sha512(bytes)[..32])
        }
    }
}
