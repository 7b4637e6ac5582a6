//! UserInfo (OpenID Connect Core §5.3): what the holder of an `openid` token may read of the customer.

use counterfoil_protocol::refusal::Refusal;

use crate::engine::{Call, Engine};
use crate::sender::Shown;
use crate::sender::resource::Bearing;

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
    /// Those of [`Engine::admit`], [`Refusal::ScopeInsufficient`].
    pub async fn userinfo(
        &self,
        call: &Call<'_>,
        sent: Bearing<'_>,
        shown: &Shown<'_>,
    ) -> Result<UserInfo, Refusal> {
        let seen = self.admit(call, sent, shown).await?;
        let subject = seen.active.subject.ok_or(Refusal::ScopeInsufficient)?;
        if !seen.active.scope.contains("openid") {
            return Err(Refusal::ScopeInsufficient);
        }
        let mut name = None;
        if seen.active.scope.contains("customers") {
            name = self.subject(&call.issuer.tenant.id, &subject.id).await?.map(|s| s.name);
        }
        Ok(UserInfo { sub: subject.sub, name })
    }
}
