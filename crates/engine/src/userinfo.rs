//! UserInfo (OpenID Connect Core §5.3): what the holder of an `openid` token may read of the customer.

use counterfoil_protocol::refusal::Refusal;

use crate::engine::Engine;
use crate::keys::Issuer;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    /// The same as in the ID token.
    pub sub: Box<str>,
    /// With a scope that covers the customer's own data.
    pub name: Option<Box<str>>,
}

impl Engine {
    /// Who stands behind a token.
    ///
    /// # Errors
    /// [`Refusal::TokenInactive`], [`Refusal::ScopeInsufficient`], [`Refusal::StoreUnavailable`].
    pub async fn userinfo(&self, issuer: &Issuer, raw: &str) -> Result<UserInfo, Refusal> {
        let seen = self.look(issuer, raw).await?.ok_or(Refusal::TokenInactive)?;
        let subject = seen.active.subject.ok_or(Refusal::ScopeInsufficient)?;
        if !seen.active.scope.contains("openid") {
            return Err(Refusal::ScopeInsufficient);
        }
        let mut name = None;
        if seen.active.scope.contains("customers") {
            name = self.subject(&issuer.tenant.id, &subject.id).await?.map(|s| s.name);
        }
        Ok(UserInfo { sub: subject.sub, name })
    }
}
