//! What a client signs: assertions (RFC 7523), request objects (RFC 9101), proofs (RFC 9449).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::ctx::Entropy as _;
use counterfoil_jose::dpop::token_hash;
use counterfoil_jose::jws;
use counterfoil_jose::key::SigningKey;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::system::{SystemDice, micros};

/// How long an assertion counts that is used at once.
const ASSERTION_TTL_S: u64 = 60;
/// How long a request counts: until the customer has been sent off.
const REQUEST_TTL_S: u64 = 300;

/// A key and what its owner calls it.
pub(super) struct Named {
    pub(super) key: SigningKey,
    pub(super) kid: String,
}

/// Whose message it is, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Parties<'a> {
    pub(super) client: &'a str,
    pub(super) issuer: &'a str,
}

impl Named {
    fn signed(&self, typ: &str, claims: &Value) -> Result<String, Failure> {
        let header = json!({"alg": self.key.alg().as_str(), "kid": self.kid, "typ": typ});
        signed(&self.key, &header, claims)
    }

    /// Who the client is. `longer_s` is for one that is pasted later.
    pub(super) fn assertion(
        &self,
        Parties { client, issuer }: Parties<'_>,
        longer_s: u64,
    ) -> Result<String, Failure> {
        let now = now();
        let claims = json!({
            "iss": client, "sub": client, "aud": issuer, "jti": once(), "iat": now, "nbf": now,
            "exp": now + ASSERTION_TTL_S + longer_s,
        });
        self.signed("JWT", &claims)
    }

    /// An authorization request as one message. `longer_s` as above.
    pub(super) fn request_object(
        &self,
        Parties { client, issuer }: Parties<'_>,
        parameters: &[(&str, &str)],
        longer_s: u64,
    ) -> Result<String, Failure> {
        let now = now();
        let mut claims: Map<String, Value> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let more = [
            ("iss", client.into()),
            ("aud", issuer.into()),
            ("jti", once().into()),
            ("iat", now.into()),
            ("nbf", now.into()),
            ("exp", (now + REQUEST_TTL_S + longer_s).into()),
        ];
        claims.extend(more.map(|(name, value): (_, Value)| (name.to_owned(), value)));
        self.signed("oauth-authz-req+jwt", &claims.into())
    }
}

/// Proof of a key for one request; `token` is the access token that goes with it.
pub(super) fn proof(
    key: &SigningKey,
    (method, url): (&str, &str),
    token: Option<&str>,
    nonce: Option<&str>,
) -> Result<String, Failure> {
    // Name and purpose are of no interest here: the key speaks for itself.
    let mut jwk = key.public_jwk("");
    (jwk.kid, jwk.use_, jwk.alg) = (None, None, None);
    let header = json!({"typ": "dpop+jwt", "alg": key.alg().as_str(), "jwk": jwk});
    let mut claims = json!({"jti": once(), "htm": method, "htu": url, "iat": now()});
    if let Some(token) = token {
        claims["ath"] = token_hash(token).into();
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    signed(key, &header, &claims)
}

fn signed(key: &SigningKey, header: &Value, claims: &Value) -> Result<String, Failure> {
    let input = jws::signing_input(header.to_string().as_bytes(), claims.to_string().as_bytes());
    let signature = key.sign(input.as_bytes());
    let signature = signature.map_err(|e| Failure::failed(format!("a signature: {e}")))?;
    Ok(jws::finish(input, &signature))
}

/// An id for one message.
fn once() -> String {
    Base64UrlUnpadded::encode_string(&SystemDice.bytes32())
}

/// Seconds since the epoch.
pub(super) fn now() -> u64 {
    micros() / 1_000_000
}
