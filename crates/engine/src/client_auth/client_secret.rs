//! `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1).

use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::secret::{Secret, same_bytes};

use super::{Authorization, Check, ClientAuth, Evidence, Material, Presented, Readings, Verified};
use crate::client::Client;

pub(super) struct Basic;
pub(super) struct Post;

struct IdAndSecret<'p> {
    id: &'p str,
    secret: &'p Secret,
}

impl ClientAuth for Basic {
    fn name(&self) -> &'static str {
        "client_secret_basic"
    }

    fn material(&self) -> Material {
        Material::Secret
    }

    fn evidence<'p>(&self, presented: &'p Presented<'_>) -> Result<Readings<'p>, Refusal> {
        let Authorization::Basic(candidates) = &presented.authorization else {
            return Ok(vec![]);
        };
        let reading = |c: &'p counterfoil_protocol::basic::Candidate| -> Box<dyn Evidence + 'p> {
            Box::new(IdAndSecret { id: c.client.as_str(), secret: &c.secret })
        };
        Ok(candidates.iter().map(reading).collect())
    }
}

impl ClientAuth for Post {
    fn name(&self) -> &'static str {
        "client_secret_post"
    }

    fn material(&self) -> Material {
        Material::Secret
    }

    fn evidence<'p>(&self, presented: &'p Presented<'_>) -> Result<Readings<'p>, Refusal> {
        let Some(secret) = &presented.client_secret else { return Ok(vec![]) };
        let id = presented.client_id.unwrap_or_default();
        Ok(vec![Box::new(IdAndSecret { id, secret })])
    }
}

impl Evidence for IdAndSecret<'_> {
    fn names(&self) -> &str {
        self.id
    }

    fn may_be_alias(&self) -> bool {
        false
    }

    fn verify(&self, client: &Client, check: &Check<'_>) -> Result<Verified, Refusal> {
        let presented = check.issuer.secret_digest(self.secret);
        // Both secrets are compared, so that time does not tell which of an overlapping pair it is.
        let hits = client.secrets.iter().filter(|known| **known == presented).count();
        if hits > 0 { Ok(Verified::default()) } else { Err(Refusal::ClientCredentialsWrong) }
    }
}

/// Whether some reading of the header is what the body says.
pub(super) fn header_equals_body(presented: &Presented<'_>) -> bool {
    let (Authorization::Basic(candidates), Some(secret)) =
        (&presented.authorization, &presented.client_secret)
    else {
        return false;
    };
    candidates.iter().any(|c| {
        presented.client_id.is_none_or(|id| id == c.client.as_str())
            && same_bytes(c.secret.expose(), secret.expose())
    })
}
