//! The flows: what is asked, and what a right answer is.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::ctx::{Clock as _, Entropy as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws::{self, Protected};
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::sha256;
use counterfoil_protocol::form::encode;
use counterfoil_server::system::{SystemClock, SystemDice};

use crate::drive::{Answer, Works};
use crate::fapi;
use crate::ground::{CALLBACK, CLIENT_KEYS, Ground, ISSUER, REALM, Who};
use crate::seed::{Handles, VERIFIER};
use crate::works::{self, again, asks, chains, form, request};

/// One flow.
pub(crate) struct Flow {
    /// For `--flow` and JSON.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) about: &'static str,
    /// Whether each answer waits for the disk.
    pub(crate) writes: bool,
    /// Over what it is asked.
    pub(crate) carrier: Carrier,
    /// Makes the work of so many connections.
    pub(crate) works: fn(&Setting<'_>, usize) -> Result<Works, String>,
}

/// Over what a flow is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Plain,
    /// TLS 1.3.
    Tls,
    /// TLS 1.3, and every client shows its certificate.
    Mtls,
}

/// What flows are made of.
pub(crate) struct Setting<'s> {
    pub(crate) ground: &'s Ground,
    pub(crate) handles: &'s Handles,
    /// How many requests that are good for one use.
    pub(crate) assertions: usize,
    /// Where they are sent.
    pub(crate) paths: &'static Paths,
}

/// The paths of a server.
pub(crate) struct Paths {
    client_credentials: &'static str,
    token: &'static str,
    staying: &'static str,
    realm: &'static str,
    introspect: &'static str,
    revoke: &'static str,
}

/// Those of ours and of the floor.
pub(crate) static OURS: Paths = Paths {
    client_credentials: "/oauth/accesstoken",
    token: "/oauth2/v4/token",
    staying: "/oauth/refreshtoken",
    realm: REALM,
    introspect: "/introspect",
    revoke: "/oauth2/v4/revoke",
};

/// Those of node-oidc-provider.
pub(crate) static PEER: Paths = Paths {
    client_credentials: "/token",
    token: "/token",
    staying: "/token",
    realm: "/token",
    introspect: "/token/introspection",
    revoke: "/token/revocation",
};

/// Every flow.
pub(crate) static ALL: &[Flow] = &[
    flow("cc-body", "client_credentials, secret in the body, opaque", false, |s, n| {
        let one = |client| {
            let (id, secret) = (Who::Fin.id(client), Who::Fin.secret(client));
            let body = format!(
                "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=PIS"
            );
            request("POST", s.paths.client_credentials, "", &body)
        };
        Ok(again((0..Who::Fin.count()).map(one).collect(), n, opaque))
    }),
    flow("cc-basic", "client_credentials, secret in the header, opaque", false, cc_basic),
    flow("cc-jwt-rs256", "client_credentials, secret, JWT RS256 (Worldline)", false, |s, n| {
        let one = |client| {
            let (id, secret) = (Who::Secret.id(client), Who::Secret.secret(client));
            let body = format!(
                "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=VOP"
            );
            request("POST", s.paths.realm, "", &body)
        };
        Ok(again((0..Who::Secret.count()).map(one).collect(), n, jwt))
    }),
    flow("pkjwt-rs256", "private_key_jwt RS256, jti on disk, JWT RS256", true, |s, n| {
        Ok(works::once(assertions(s, Alg::RS256)?, n, jwt))
    }),
    flow("pkjwt-ps256", "private_key_jwt PS256, jti on disk, JWT RS256", true, |s, n| {
        Ok(works::once(assertions(s, Alg::PS256)?, n, jwt))
    }),
    flow("pkjwt-es256", "private_key_jwt ES256, jti on disk, JWT RS256", true, |s, n| {
        Ok(works::once(assertions(s, Alg::ES256)?, n, jwt))
    }),
    flow("code", "code exchange, PKCE, opaque and ID token RS256 (MX)", true, |s, n| {
        let body = |code: &str| {
            let uri = encode(CALLBACK);
            format!(
                "grant_type=authorization_code&code={code}&redirect_uri={uri}\
                 &code_verifier={VERIFIER}"
            )
        };
        let judge = |a: &Answer<'_>| {
            opaque(a) && a.has("\"id_token\":\"ey") && a.member("refresh_token").is_some()
        };
        Ok(works::spent(&s.handles.codes, n, s.paths.token, (body, judge)))
    }),
    flow("refresh-rotating", "refresh with rotation, opaque (MX)", true, |s, n| {
        Ok(chains(s.paths.token, (Who::Mx, &s.handles.rotating), n, false))
    }),
    flow("refresh-id-token", "the same with an ID token RS256 (MX)", true, |s, n| {
        Ok(chains(s.paths.token, (Who::Mx, &s.handles.rotating_openid), n, true))
    }),
    flow(
        "refresh-staying",
        "refresh that stays and ends the token before it (Fintecture)",
        true,
        {
            |s, n| {
                let held = (Who::Fin, s.handles.staying.as_slice());
                Ok(chains(s.paths.staying, held, n, false))
            }
        },
    ),
    flow("introspect-hit", "introspection of a living token", false, |s, n| {
        Ok(asks(s.paths.introspect, &s.handles.living, n))
    }),
    flow("introspect-miss", "introspection of a token whose grant is gone", false, |s, n| {
        let one = |(n, held): (usize, &crate::seed::Held)| {
            form(s.paths.introspect, Who::Resource, n, &format!("token={}", held.text))
        };
        let requests = s.handles.gone.iter().enumerate().map(one).collect();
        Ok(again(requests, n, inactive))
    }),
    flow("garbage", "introspection of garbage", false, |s, n| {
        let one = |n: usize| {
            let random = [SystemDice.bytes32(), SystemDice.bytes32()].concat();
            let token = Base64UrlUnpadded::encode_string(&random);
            form(s.paths.introspect, Who::Resource, n, &format!("token=at_{token}"))
        };
        Ok(again((0..4096).map(one).collect(), n, inactive))
    }),
    flow("refresh-garbage", "refresh with garbage: 400, in the journal", false, |s, n| {
        let one = |n: usize| {
            let random = [SystemDice.bytes32(), SystemDice.bytes32()].concat();
            let token = Base64UrlUnpadded::encode_string(&random);
            let body = format!("grant_type=refresh_token&refresh_token=rt_{token}");
            form(s.paths.token, Who::Mx, n, &body)
        };
        let judge = |a: &Answer<'_>| a.status == 400 && a.member("error") == Some("invalid_grant");
        Ok(again((0..4096).map(one).collect(), n, judge))
    }),
    flow("revoke", "revocation of an access token", true, |s, n| {
        let body = |token: &str| format!("token={token}&token_type_hint=access_token");
        let judge = |a: &Answer<'_>| a.status == 200;
        Ok(works::spent(&s.handles.revocable, n, s.paths.revoke, (body, judge)))
    }),
    flow("authorize", "authorization request, kept on disk, to the login page", true, |_, n| {
        let challenge = Base64UrlUnpadded::encode_string(&sha256(VERIFIER.as_bytes()));
        let one = |client| {
            let (id, uri) = (Who::Mx.id(client), encode(CALLBACK));
            let target = format!(
                "/oauth2/v4/authorize?client_id={id}&redirect_uri={uri}&response_type=code\
                 &code_challenge={challenge}&code_challenge_method=S256&scope=openid+accounts\
                 &state=state-{client:08}&nonce=nonce-{client:08}"
            );
            request("GET", &target, "", "")
        };
        let judge = |a: &Answer<'_>| {
            matches!(a.status, 302 | 303)
                && a.header("location").is_some_and(|to| to.starts_with("/login?interaction="))
        };
        Ok(again((0..Who::Mx.count()).map(one).collect(), n, judge))
    }),
    flow("jwks", "published keys", false, |_, n| {
        let judge = |a: &Answer<'_>| a.status == 200 && a.has("\"keys\":[{");
        Ok(again(vec![request("GET", "/jwks", "", "")], n, judge))
    }),
    Flow {
        carrier: Carrier::Tls,
        ..flow("cc-basic-tls", "client_credentials as above, TLS 1.3", false, cc_basic)
    },
    Flow {
        carrier: Carrier::Tls,
        ..flow("introspect-hit-tls", "introspection as above, TLS 1.3", false, |s, n| {
            Ok(asks(s.paths.introspect, &s.handles.living, n))
        })
    },
    flow("par", "FAPI: pushed request, private_key_jwt ES256, DPoP", true, fapi::par),
    flow("code-dpop", "FAPI: code, private_key_jwt, DPoP, ID token ES256", true, fapi::code),
    flow("refresh-dpop", "FAPI: refresh that stays, private_key_jwt, DPoP", true, fapi::refresh),
    Flow {
        carrier: Carrier::Mtls,
        ..flow(
            "refresh-mtls",
            "FAPI: refresh that stays, by certificate",
            false,
            fapi::by_certificate,
        )
    },
];

type Make = fn(&Setting<'_>, usize) -> Result<Works, String>;

const fn flow(name: &'static str, about: &'static str, writes: bool, works: Make) -> Flow {
    Flow { name, about, writes, carrier: Carrier::Plain, works }
}

/// The flow of that name.
pub(crate) fn named(name: &str) -> Option<&'static Flow> {
    ALL.iter().find(|flow| flow.name == name)
}

fn cc_basic(s: &Setting<'_>, n: usize) -> Result<Works, String> {
    let body = "grant_type=client_credentials&scope=PIS";
    let one = |client| form(s.paths.client_credentials, Who::Fin, client, body);
    Ok(again((0..Who::Fin.count()).map(one).collect(), n, opaque))
}

fn opaque(answer: &Answer<'_>) -> bool {
    answer.status == 200
        && answer.member("access_token").is_some_and(|t| t.len() > 40 && !t.contains('.'))
        && answer.member("token_type") == Some("Bearer")
}

fn jwt(answer: &Answer<'_>) -> bool {
    answer.status == 200
        && answer.member("access_token").is_some_and(|t| t.split('.').count() == 3)
        && answer.member("token_type") == Some("Bearer")
}

fn inactive(answer: &Answer<'_>) -> bool {
    answer.status == 200 && answer.body == br#"{"active":false}"#
}

/// Seconds that an assertion lives: longer than a flow is measured, shorter than surfaces allow.
pub(crate) const ASSERTION_TTL_S: u64 = 3_000;
/// What is said of an assertion.
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Token requests, each with an assertion of its own. Signed beforehand, on all processors: the
/// driver must not stand in the way of what it measures.
fn assertions(setting: &Setting<'_>, alg: Alg) -> Result<Rc<RefCell<VecDeque<Vec<u8>>>>, String> {
    let elliptic = (Who::Ec, &setting.ground.ec);
    let (who, private) = if alg == Alg::ES256 { elliptic } else { (Who::Rsa, &setting.ground.rsa) };
    let keys = private.iter().map(|p| SigningKey::from_pkcs8(alg, p.expose()));
    let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|e| format!("{e:?}"))?;
    let now = SystemClock.now().0;
    let audience = format!("{ISSUER}/auth/realms/bench");
    let run = counterfoil_protocol::ids::hex(&SystemDice.bytes32()[..8]);
    let realm = setting.paths.realm;
    let one = |n: usize| -> Option<Vec<u8>> {
        let client = n % who.count();
        let (id, key) = (who.id(client), keys.get(client % CLIENT_KEYS)?);
        let claims = format!(
            r#"{{"iss":"{id}","sub":"{id}","aud":"{audience}","iat":{now},"exp":{},"jti":"{run}-{n:016}"}}"#,
            now + ASSERTION_TTL_S
        );
        let assertion =
            jws::encode(&Protected::new(alg, None, None), claims.as_bytes(), key).ok()?;
        let kind = encode(ASSERTION_TYPE);
        let body = format!(
            "grant_type=client_credentials&scope=VOP&client_assertion_type={kind}\
             &client_assertion={assertion}"
        );
        Some(request("POST", realm, "", &body))
    };
    Ok(signed(setting.assertions, one))
}

/// So many requests, made on two processors.
pub(crate) fn signed(
    count: usize,
    one: impl Fn(usize) -> Option<Vec<u8>> + Sync,
) -> Rc<RefCell<VecDeque<Vec<u8>>>> {
    let half = count / 2;
    let made: (Vec<_>, Vec<_>) = std::thread::scope(|scope| {
        let other = scope.spawn(|| (half..count).filter_map(&one).collect());
        ((0..half).filter_map(&one).collect(), other.join().unwrap_or_default())
    });
    Rc::new(RefCell::new(made.0.into_iter().chain(made.1).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (n, flow) in ALL.iter().enumerate() {
            assert!(ALL[..n].iter().all(|other| other.name != flow.name), "{}", flow.name);
        }
    }
}
