//! UserInfo (OpenID Connect Core §5.3): what the holder of an `openid` token may read of the customer.

use counterfoil_jose::alg::Alg;
use counterfoil_protocol::refusal::Refusal;
use serde_json::{Map, Value};

use crate::claims::{Requested, SCOPES, given, known};
use crate::engine::{Call, Engine};
use crate::sender::Shown;
use crate::sender::resource::Bearing;

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserInfo {
    /// An object.
    Plain(Map<String, Value>),
    /// A JWT, where the client registered an algorithm for it (§5.3.2).
    Signed(String),
}

impl Engine {
    /// Who stands behind a token that was judged.
    ///
    /// # Errors
    /// Those of [`Engine::admit`], [`Refusal::ScopeInsufficient`], [`Refusal::Internal`] when there is
    /// no key of the client's algorithm.
    pub async fn userinfo(
        &self,
        call: &Call<'_>,
        sent: Bearing<'_>,
        shown: &Shown<'_>,
    ) -> Result<UserInfo, Refusal> {
        let seen = self.admit(call, sent, shown).await?;
        let issuer = call.issuer;
        let active = &seen.active;
        let subject = active.subject().ok_or(Refusal::ScopeInsufficient)?;
        if !active.scope().contains("openid") {
            return Err(Refusal::ScopeInsufficient);
        }
        let requested = Requested::kept(active.claims()).userinfo;
        let mut claims = Map::new();
        claims.insert("sub".into(), (*subject.sub).into());
        let of_scope = SCOPES.iter().any(|(scope, _)| active.scope().contains(scope));
        if of_scope || !requested.is_empty() {
            let found = self.subject(&issuer.tenant.id, &subject.id).await?;
            if let Some(found) = found {
                let known = known(found.claims.as_deref().unwrap_or("{}"), &found.name);
                let client = &seen.client.scope;
                claims.extend(given(&known, Some(active.scope()), &requested, client));
            }
        }
        let Some(alg) = seen.client.metadata.userinfo_alg.as_deref() else {
            return Ok(UserInfo::Plain(claims));
        };
        let key = Alg::parse(alg).and_then(|alg| issuer.active_key(alg));
        let key = key.ok_or(Refusal::Internal)?;
        claims.insert("iss".into(), (*issuer.url).into());
        claims.insert("aud".into(), seen.client.id.as_str().into());
        let signed = self.sign(key, "JWT", &Value::Object(claims).to_string()).await?;
        Ok(UserInfo::Signed(signed))
    }
}
