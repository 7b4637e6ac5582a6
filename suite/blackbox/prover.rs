//! A client of FAPI 2.0 against the running server, over TLS: assertions, proofs, pushed requests.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::jws;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::{sha256, sha256_of};
use serde_json::{Value, json};

use crate::jwt::{elliptic, now};
use crate::server::{FORM, Server};
use crate::tls;
use crate::wire::{Answer, encoded, request};

const ASSERTED: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// See the module.
pub(crate) struct Fapi<'s> {
    pub(crate) server: &'s Server,
    /// The path of the tenant.
    pub(crate) base: &'static str,
    pub(crate) id: &'static str,
    pub(crate) key: SigningKey,
}

/// Text of a part of a message.
pub(crate) fn b64(text: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(text.as_ref())
}

/// A name that nobody has used before.
pub(crate) fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let at = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    b64(&sha256_of(&[b"unique", &at, &now().to_be_bytes()])[..15])
}

impl<'s> Fapi<'s> {
    /// The client of `more.toml` on the plain surface: its tokens are bound to its key.
    pub(crate) fn plain(server: &'s Server) -> Self {
        Self { server, base: "/o/fapi2", id: "fapiprover", key: elliptic() }
    }

    /// The one that signs its requests.
    pub(crate) fn signer(server: &'s Server) -> Self {
        Self { server, base: "/o/fapi2-ms", id: "fapisigner", key: elliptic() }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{}{}", self.server.ready["https"].as_str().unwrap(), self.base)
    }

    /// One request on a connection of its own.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let config = tls::config(self.server, &[b"http/1.1"]);
        let mut wire = tls::connect(self.server, config, "localhost");
        let target = format!("{}{path}", self.base);
        wire.send(&request(method, &target, headers, body.as_bytes()));
        let answer = wire.read().unwrap_or_else(|| panic!("closed without an answer: {target}"));
        if answer.status >= 400 {
            answer.is_polite(path);
        }
        answer
    }

    /// Header and payload as they stand, signed.
    pub(crate) fn signed(&self, header: &str, payload: &str) -> String {
        let input = jws::signing_input(header.as_bytes(), payload.as_bytes());
        let signature = self.key.sign(input.as_bytes()).unwrap();
        jws::finish(input, &signature)
    }

    /// The claims of a good assertion.
    pub(crate) fn claims(&self) -> Value {
        let now = now();
        json!({
            "iss": self.id, "sub": self.id, "aud": self.issuer(), "jti": unique(),
            "iat": now, "nbf": now, "exp": now + 60,
        })
    }

    pub(crate) fn assertion(&self) -> String {
        self.signed(r#"{"alg":"ES256","kid":"elliptic"}"#, &self.claims().to_string())
    }

    /// A form with an assertion.
    pub(crate) fn post(&self, path: &str, assertion: &str, more: &str, proof: &str) -> Answer {
        let kind = encoded(ASSERTED);
        let body = format!("{more}&client_assertion_type={kind}&client_assertion={assertion}");
        let mut headers = vec![("content-type", FORM)];
        headers.extend((!proof.is_empty()).then_some(("dpop", proof)));
        self.send("POST", path, &headers, &body)
    }

    /// The header of a proof: it brings the key.
    pub(crate) fn proof_header(&self) -> Value {
        let jwk = serde_json::to_value(self.key.public_jwk("k")).unwrap();
        let bare = json!({"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]});
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": bare})
    }

    pub(crate) fn proof_claims(&self, method: &str, path: &str, token: &str) -> Value {
        let htu = format!("{}{path}", self.issuer());
        let ath = b64(sha256(token.as_bytes()));
        json!({"jti": unique(), "htm": method, "htu": htu, "iat": now(), "ath": ath})
    }

    pub(crate) fn proof(&self, method: &str, path: &str, token: &str) -> String {
        let claims = self.proof_claims(method, path, token);
        self.signed(&self.proof_header().to_string(), &claims.to_string())
    }

    /// A token of its own, bound to its key.
    pub(crate) fn token(&self) -> String {
        let more = "grant_type=client_credentials&scope=accounts";
        let proof = self.proof("POST", "/token", "");
        self.post("/token", &self.assertion(), more, &proof).expect(200).member("access_token")
    }
}
