//! `private_key_jwt` (RFC 7523 §2.2): a client assertion, under the profile of the surface.

use counterfoil_jose::assertion::Received;
use counterfoil_jose::provider;
use counterfoil_protocol::refusal::{AssertionFault, Refusal};

use super::{Check, ClientAuth, Evidence, Material, Presented, Readings, Verified};
use crate::client::Client;
use crate::limits::ASSERTION_LEN_MAX;
use crate::store::ReplayId;

pub(super) struct PrivateKeyJwt;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct Assertion<'p> {
    received: Received,
    audiences: &'p [String],
}

impl ClientAuth for PrivateKeyJwt {
    fn name(&self) -> &'static str {
        "private_key_jwt"
    }

    fn material(&self) -> Material {
        Material::Keys
    }

    fn evidence<'p>(&self, presented: &'p Presented<'_>) -> Result<Readings<'p>, Refusal> {
        let raw = match (presented.assertion_type, presented.assertion) {
            (None, None) => return Ok(vec![]),
            (None, Some(_)) => return Err(AssertionFault::TypeMissing.into()),
            (Some(kind), _) if kind != TYPE => return Err(AssertionFault::TypeWrong.into()),
            (Some(_), None) => return Err(AssertionFault::Missing.into()),
            (Some(_), Some(raw)) => raw,
        };
        if raw.len() > ASSERTION_LEN_MAX {
            return Err(AssertionFault::Malformed.into());
        }
        let received = Received::parse(raw)?;
        Ok(vec![Box::new(Assertion { received, audiences: &presented.audiences })])
    }
}

impl Evidence for Assertion<'_> {
    fn names(&self) -> &str {
        self.received.subject()
    }

    fn may_be_alias(&self) -> bool {
        true
    }

    fn verify(&self, client: &Client, check: &Check<'_>) -> Result<Verified, Refusal> {
        let profile =
            check.rules.assertion.ok_or(Refusal::ClientAuthNotAllowed("private_key_jwt"))?;
        let audiences: Vec<&str> = self.audiences.iter().map(String::as_str).collect();
        let algs = client.assertion_algs();
        let keys = client.verifying_keys();
        let verified = self.received.verify(profile, keys, &algs, &audiences, check.now)?;
        let replay = verified.id.as_deref().map(|id| {
            let client = client.id.as_str().as_bytes();
            let parts: [&[u8]; 4] = [client, b"\0client_assertion\0", id.as_bytes(), b"\0"];
            let mut digest = [0; 16];
            digest.copy_from_slice(&provider::sha256_of(&parts)[..16]);
            // The expiry that the assertion itself states, so the same one always has the same key.
            ReplayId { minute: verified.expires.0 / 60, digest }
        });
        Ok(Verified { without_id: replay.is_none(), replay })
    }
}
