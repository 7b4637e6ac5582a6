//! What each flow of FAPI 2.0 does, and no more: assertion, proof or certificate, code or refresh
//! token, a token that is bound.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jwk::Jwk;
use counterfoil_jose::jws;
use counterfoil_jose::key::VerifyingKey;
use counterfoil_jose::provider::{self, sha256};
use serde::Deserialize;

use super::Floor;
use super::http::{Ask, Reply};
use super::store::Write;
use super::token::{ACCESS_TTL_S, REFRESH_TTL_S, by_assertion, now, random, used};
use crate::handle::{self, Facts, Kind};
use crate::row;

const INSERT_PUSHED: &str = "insert into pushed (key, revision, bucket, body)
    values (?1, 1, 500000, ?2) on conflict do nothing";
/// Salt of pushed requests.
const PUSHED: [u8; 16] = [5; 16];

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
}

#[derive(Deserialize)]
struct Proof<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: u64,
}

/// Who asks, what its tokens are bound to, and the uses that are to be kept.
struct Sender {
    client: u16,
    binding: [u8; 32],
    used: Vec<Write>,
}

fn sender(floor: &Floor, ask: &Ask<'_>) -> Option<Sender> {
    if let Some((client, binding)) = ask.certificate {
        let known = floor.clients.get(ask.one("client_id")?)?.number == client;
        return known.then_some(Sender { client, binding, used: vec![] });
    }
    let (client, assertion) = by_assertion(floor, ask.one("client_assertion")?)?;
    let (input, signature) = ask.proof?.rsplit_once('.')?;
    let (header, payload) = input.split_once('.')?;
    let decode = |part| Base64UrlUnpadded::decode_vec(part).ok();
    let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
    let header: Header = serde_json::from_slice(&header).ok()?;
    let proof: Proof<'_> = serde_json::from_slice(&payload).ok()?;
    let good = header.typ == "dpop+jwt"
        && header.alg == "ES256"
        && proof.htm == "POST"
        && proof.htu.strip_prefix("http://localhost:1") == Some(ask.path)
        && proof.iat.abs_diff(now()) <= 60;
    let key = VerifyingKey::from_jwk(&header.jwk).ok()?;
    if !good || !key.verify(Alg::ES256, input.as_bytes(), &signature) {
        return None;
    }
    let binding = counterfoil_jose::thumbprint::jwk_thumbprint(&header.jwk)?;
    let digest = provider::sha256_of(&[b"dpop", &binding, proof.jti.as_bytes()]);
    Some(Sender { client, binding, used: vec![assertion, used(proof.iat + 61, &digest)] })
}

pub(super) async fn par(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    let Sender { client, mut used, .. } = sender(floor, ask)?;
    let known = floor.clients.get(ask.one("client_id")?)?.number == client;
    if !known || ask.one("redirect_uri").is_none() || ask.one("code_challenge").is_none() {
        return None;
    }
    let mut id = random();
    id[..8].copy_from_slice(&(now() * 1_000).to_be_bytes());
    let kept = ask.form.iter().filter(|(name, _)| !name.starts_with("client_assertion"));
    let body: Vec<String> = kept.map(|(name, value)| format!("{name}={value}")).collect();
    used.push(Write::Insert(INSERT_PUSHED, row::key(&id), body.join("&").into_bytes()));
    let facts = Facts { record: id, generation: 1, serial: 0, expires: now() + 90 };
    let uri = handle::mint(Kind::Refresh, &facts, &PUSHED, &floor.handles);
    floor.store.write_all(used).await.then(|| {
        let uri = format!("urn:ietf:params:oauth:request_uri:{uri}");
        Reply::Json(201, format!(r#"{{"request_uri":"{uri}","expires_in":90}}"#))
    })
}

pub(super) async fn code(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    let Sender { client, binding, mut used } = sender(floor, ask)?;
    let sealed = handle::open(Kind::Code, ask.one("code")?, &floor.handles)?;
    let key = row::key(&sealed.facts.record);
    let (revision, mut row) = floor.store.read(&key)?;
    let good = sealed.is_of(&row.salt, &floor.handles)
        && row.client == client
        && !row.used
        && row.challenge == sha256(ask.one("code_verifier")?.as_bytes())
        && sealed.facts.expires > now();
    if !good {
        return None;
    }
    (row.used, row.generation) = (true, 1);
    used.push(Write::Grant(key, revision, row.encode()));
    if !floor.store.write_all(used).await {
        return None;
    }
    let (token, refresh) = tokens(floor, &sealed.facts, &binding, &row.salt);
    let hash = Base64UrlUnpadded::encode_string(&sha256(token.as_bytes())[..16]);
    let at = now();
    let header = r#"{"alg":"ES256","typ":"JWT","kid":"0011223344556677"}"#;
    let claims = format!(
        r#"{{"iss":"http://localhost:1/o/fapi","sub":"00112233445566778899aabbccddeeff","aud":"fapi-{client:04}","exp":{},"iat":{at},"auth_time":{at},"nonce":"0123456789","at_hash":"{hash}"}}"#,
        at + 3_600
    );
    let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
    let signature = floor.signing_ec.sign(input.as_bytes()).ok()?;
    let id_token = jws::finish(input, &signature);
    Some(Reply::Json(
        200,
        format!(
            r#"{{"access_token":"{token}","token_type":"DPoP","expires_in":600,"refresh_token":"{refresh}","scope":"accounts openid","id_token":"{id_token}"}}"#
        ),
    ))
}

pub(super) async fn refresh(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    let Sender { client, binding, used } = sender(floor, ask)?;
    let sealed = handle::open(Kind::Refresh, ask.one("refresh_token")?, &floor.handles)?;
    let (_, row) = floor.store.read(&row::key(&sealed.facts.record))?;
    let good = sealed.is_of(&row.salt, &floor.handles)
        && row.client == client
        && sealed.facts.expires > now();
    if !good || (!used.is_empty() && !floor.store.write_all(used).await) {
        return None;
    }
    let kind = if ask.certificate.is_some() { "Bearer" } else { "DPoP" };
    let (token, refresh) = tokens(floor, &sealed.facts, &binding, &row.salt);
    Some(Reply::Json(
        200,
        format!(
            r#"{{"access_token":"{token}","token_type":"{kind}","expires_in":600,"refresh_token":"{refresh}","scope":"accounts"}}"#
        ),
    ))
}

fn tokens(floor: &Floor, shown: &Facts, binding: &[u8; 32], salt: &[u8; 16]) -> (String, String) {
    let serial = u64::from_be_bytes(random()[..8].try_into().unwrap_or_default());
    let facts = Facts { serial, expires: now() + ACCESS_TTL_S, ..*shown };
    let token = handle::bound(&facts, binding, salt, &floor.handles);
    let facts = Facts { serial: 0, expires: now() + REFRESH_TTL_S, ..*shown };
    (token, handle::mint(Kind::Refresh, &facts, salt, &floor.handles))
}
