//! Signed authorization responses (JARM §2.1): the parameters of an answer as one message that says
//! from whom, for whom and until when.

use counterfoil_jose::alg::Alg;
use counterfoil_protocol::refusal::Refusal;
use serde_json::{Map, Value};

use super::respond::Answer;
use crate::engine::{Call, Engine};
use crate::limits::JARM_TTL_S;

impl Engine {
    /// The parameters of an answer, signed for its client.
    ///
    /// # Errors
    /// [`Refusal::Internal`] when there is no key of the client's algorithm; the store's.
    pub async fn signed_response(
        &self,
        call: &Call<'_>,
        answer: &Answer,
        parameters: &[(&str, &str)],
    ) -> Result<String, Refusal> {
        let found = self.client(&call.issuer.tenant.id, &answer.client).await?;
        let (client, _) = found.ok_or(Refusal::ClientUnknown)?;
        let registered = client.metadata.authorization_alg.as_deref().and_then(Alg::parse);
        let alg = registered.or_else(|| call.policy.algs.first().copied());
        let key = alg.and_then(|alg| call.issuer.active_key(alg)).ok_or(Refusal::Internal)?;
        let now = self.clock.now();
        let mut claims: Map<String, Value> = Map::new();
        claims.insert("iss".into(), (*call.issuer.url).into());
        claims.insert("aud".into(), client.id.as_str().into());
        claims.insert("iat".into(), now.0.into());
        claims.insert("exp".into(), now.after(JARM_TTL_S).0.into());
        for (name, value) in parameters {
            claims.insert((*name).into(), (*value).into());
        }
        self.sign(key, "JWT", &Value::Object(claims).to_string()).await
    }
}
