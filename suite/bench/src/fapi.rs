//! The flows of FAPI 2.0: pushed requests, codes and refresh tokens, by key and proof or by
//! certificate. Assertions and proofs are signed beforehand, each for one use.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::ctx::{Clock as _, Entropy as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws::{self, Protected};
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::sha256;
use counterfoil_protocol::form::encode;
use counterfoil_protocol::ids::hex;
use counterfoil_server::system::{SystemClock, SystemDice};
use serde_json::json;

use crate::drive::{Answer, Works};
use crate::flows::{ASSERTION_TTL_S, ASSERTION_TYPE, Setting, signed};
use crate::ground::{CALLBACK, CLIENT_KEYS, FAPI, FAPI_ISSUER, Who};
use crate::seed::{Held, VERIFIER};
use crate::works::{again, once, request};

/// Proofs are dated ahead: they live a minute and a half from when they are made, and are used
/// within seconds, or within a minute under callgrind.
const AHEAD_S: u64 = 25;

/// Signs for every client.
struct Signer {
    keys: Vec<(SigningKey, String)>,
    now: u64,
    /// No id is used again in another window.
    run: String,
}

impl Signer {
    fn new(setting: &Setting<'_>) -> Result<Self, String> {
        let told = |e: counterfoil_jose::key::KeyError| format!("{e:?}");
        let one = |private: &counterfoil_protocol::secret::Secret| {
            let key = SigningKey::from_pkcs8(Alg::ES256, private.expose()).map_err(told)?;
            let public = key.public_jwk("");
            let jwk = json!({ "kty": "EC", "crv": "P-256", "x": public.x, "y": public.y });
            let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
            Ok((key, header.to_string()))
        };
        let keys: Result<Vec<_>, String> = setting.ground.ec.iter().map(one).collect();
        let run = hex(&SystemDice.bytes32()[..8]);
        Ok(Self { keys: keys?, now: SystemClock.now().0, run })
    }

    /// `client_assertion` and its type, of this client.
    fn assertion(&self, client: usize, n: usize) -> Option<String> {
        let (key, _) = self.keys.get(client % CLIENT_KEYS)?;
        let (id, now, run) = (Who::Fapi.id(client), self.now, &self.run);
        let claims = format!(
            r#"{{"iss":"{id}","sub":"{id}","aud":"{FAPI_ISSUER}","iat":{now},"exp":{},"jti":"{run}-{n:016}"}}"#,
            now + ASSERTION_TTL_S
        );
        let assertion =
            jws::encode(&Protected::new(Alg::ES256, None, None), claims.as_bytes(), key);
        let kind = encode(ASSERTION_TYPE);
        Some(format!("client_assertion_type={kind}&client_assertion={}", assertion.ok()?))
    }

    /// The `DPoP` header of a request.
    fn proof(&self, client: usize, n: usize, path: &str) -> Option<String> {
        let (key, header) = self.keys.get(client % CLIENT_KEYS)?;
        let (iat, run) = (self.now + AHEAD_S, &self.run);
        let claims = format!(
            r#"{{"jti":"{run}-{n:016}","htm":"POST","htu":"{FAPI_ISSUER}{path}","iat":{iat}}}"#
        );
        let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
        let signature = key.sign(input.as_bytes()).ok()?;
        Some(format!("dpop: {}\r\n", jws::finish(input, &signature)))
    }

    /// Number `n`, whole.
    fn request(&self, (client, n): (usize, usize), path: &str, body: &str) -> Option<Vec<u8>> {
        let body = format!("{body}&{}", self.assertion(client, n)?);
        let proof = self.proof(client, n, path)?;
        Some(request("POST", &format!("{FAPI}{path}"), &proof, &body))
    }
}

/// Pushed authorization requests.
pub(crate) fn par(s: &Setting<'_>, n: usize) -> Result<Works, String> {
    let (signer, uri) = (Signer::new(s)?, encode(CALLBACK));
    let challenge = Base64UrlUnpadded::encode_string(&sha256(VERIFIER.as_bytes()));
    let one = |n: usize| {
        let client = n % Who::Fapi.count();
        let id = Who::Fapi.id(client);
        let body = format!(
            "response_type=code&client_id={id}&redirect_uri={uri}&scope=openid+accounts\
             &state=0123456789abcdef&nonce=fedcba9876543210&code_challenge={challenge}\
             &code_challenge_method=S256"
        );
        signer.request((client, n), "/par", &body)
    };
    let judge = |a: &Answer<'_>| {
        let uri = a.member("request_uri");
        a.status == 201 && uri.is_some_and(|u| u.starts_with("urn:ietf:params:oauth:request_uri:"))
    };
    Ok(once(signed(s.assertions, one), n, judge))
}

/// Codes.
pub(crate) fn code(s: &Setting<'_>, n: usize) -> Result<Works, String> {
    let (signer, uri) = (Signer::new(s)?, encode(CALLBACK));
    let mut pool = s.handles.fapi_codes.borrow_mut();
    let some = s.assertions.min(pool.len());
    let codes: Vec<Held> = pool.drain(..some).collect();
    let one = |n: usize| {
        let Held { text, client } = codes.get(n)?;
        let body = format!(
            "grant_type=authorization_code&code={text}&redirect_uri={uri}&code_verifier={VERIFIER}"
        );
        signer.request((*client, n), "/token", &body)
    };
    let judge = |a: &Answer<'_>| {
        let all = a.member("refresh_token").is_some() && a.has("\"id_token\":\"ey");
        all && bound(a, "DPoP")
    };
    Ok(once(signed(codes.len(), one), n, judge))
}

/// Refresh tokens that stay; each use has a new assertion and a new proof.
pub(crate) fn refresh(s: &Setting<'_>, n: usize) -> Result<Works, String> {
    let (signer, tokens) = (Signer::new(s)?, &*s.handles.fapi_staying);
    let one = |n: usize| {
        let Held { text, client } = tokens.get(n % tokens.len().max(1))?;
        let body = format!("grant_type=refresh_token&refresh_token={text}");
        signer.request((*client, n), "/token", &body)
    };
    Ok(once(signed(s.assertions, one), n, |a| bound(a, "DPoP")))
}

/// The same by the certificate of the connection: nothing is good for one use, so nothing is written.
pub(crate) fn by_certificate(s: &Setting<'_>, n: usize) -> Result<Works, String> {
    let count = s.ground.identities.len();
    let one = |connection: usize| {
        let client = connection % count;
        let held = s.handles.fapi_staying.iter().filter(|held| held.client == client);
        let ask = |held: &Held| {
            let id = Who::Fapi.id(client);
            let body =
                format!("grant_type=refresh_token&client_id={id}&refresh_token={}", held.text);
            request("POST", &format!("{FAPI}/token"), "", &body)
        };
        again(held.map(ask).collect(), 1, |a| bound(a, "Bearer"))
    };
    Ok((0..n).flat_map(one).collect())
}

fn bound(answer: &Answer<'_>, kind: &str) -> bool {
    // Longer than a token that is bound to nothing.
    let long = |token: &str| token.len() > 120 && !token.contains('.');
    answer.status == 200
        && answer.member("access_token").is_some_and(long)
        && answer.member("token_type") == Some(kind)
}
