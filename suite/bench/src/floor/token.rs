//! What each flow does, and no more.

use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws;
use counterfoil_jose::provider::{self, MacKey, sha256};
use serde::Deserialize;

use super::http::{Ask, Reply};
use super::store::Write;
use super::{Client, Floor, fapi};
use crate::ground::REALM;
use crate::handle::{self, Facts, Kind};
use crate::row::{self, Row};

/// Life of an access token, seconds.
pub(super) const ACCESS_TTL_S: u64 = 600;
/// Life of a refresh token, seconds.
pub(super) const REFRESH_TTL_S: u64 = 30 * 86_400;
/// Salt of handles that hang from no grant of their own: those of standing grants, which are held
/// in memory.
const STANDING: [u8; 16] = [3; 16];
const INSERT_REPLAY: &str = "insert into replays (key, revision, bucket, body)
    values (?1, 1, null, ?2) on conflict do nothing";
const INSERT_INTERACTION: &str = "insert into interactions (key, revision, bucket, body)
    values (?1, 1, 500000, ?2) on conflict do nothing";

#[expect(clippy::disallowed_methods, reason = "the floor's one clock")]
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

pub(super) fn random() -> [u8; 16] {
    let mut out = [0; 16];
    // The floor has no one to tell; the driver would see handles that repeat.
    let _ = provider::random_bytes(&mut out);
    out
}

/// `None`: refused.
pub(super) async fn route(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    match ask.path {
        "/oauth/accesstoken" => client_credentials(floor, ask),
        "/oauth/refreshtoken" => refresh(floor, ask, false).await,
        "/oauth2/v4/token" if ask.one("code").is_some() => code(floor, ask).await,
        "/oauth2/v4/token" => refresh(floor, ask, true).await,
        "/introspect" => introspect(floor, ask),
        "/oauth2/v4/revoke" => revoke(floor, ask).await,
        "/oauth2/v4/authorize" => authorize(floor, ask).await,
        "/jwks" => Some(Reply::Json(200, floor.jwks.clone())),
        REALM => realm(floor, ask).await,
        "/o/fapi/par" => fapi::par(floor, ask).await,
        "/o/fapi/token" if ask.one("code").is_some() => fapi::code(floor, ask).await,
        "/o/fapi/token" => fapi::refresh(floor, ask).await,
        _ => None,
    }
}

fn by_secret<'f>(floor: &'f Floor, ask: &Ask<'_>) -> Option<&'f Client> {
    match &ask.basic {
        Some((id, secret)) => floor.by_secret(id, secret),
        None => floor.by_secret(ask.one("client_id")?, ask.one("client_secret")?),
    }
}

fn access(record: [u8; 16], salt: &[u8; 16], key: &MacKey) -> String {
    let serial = u64::from_be_bytes(random()[..8].try_into().unwrap_or_default());
    let facts = Facts { record, generation: 1, serial, expires: now() + ACCESS_TTL_S };
    handle::mint(Kind::Access, &facts, salt, key)
}

fn client_credentials(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    let client = by_secret(floor, ask)?;
    let mut record = [0; 16];
    record[..16].copy_from_slice(&client.digest[..16]);
    let token = access(record, &STANDING, &floor.handles);
    Some(Reply::Json(
        200,
        format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600,"scope":"PIS"}}"#
        ),
    ))
}

fn jwt(floor: &Floor, claims: &str) -> Option<String> {
    let header = r#"{"alg":"RS256","typ":"JWT","kid":"0011223344556677"}"#;
    let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
    let signature = floor.signing.sign(input.as_bytes()).ok()?;
    Some(jws::finish(input, &signature))
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: &'a str,
}

#[derive(Deserialize)]
struct Assertion<'a> {
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    jti: &'a str,
}

/// By secret, or by assertion with a durable `jti`.
async fn realm(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    let client = match ask.one("client_assertion") {
        None => by_secret(floor, ask)?.number,
        Some(assertion) => {
            let (client, used) = by_assertion(floor, assertion)?;
            floor.store.write(used).await.then_some(client)?
        }
    };
    let (now, id) = (now(), Base64UrlUnpadded::encode_string(&random()));
    let token = jwt(
        floor,
        &format!(
            r#"{{"exp":{},"iat":{now},"jti":"{id}{id}","iss":"http://localhost:1/auth/realms/bench","aud":"http://localhost:1/auth/realms/bench","sub":"wlr-{client:04}","typ":"Bearer","azp":"wlr-{client:04}","acr":"1","scope":"VOP","client_id":"wlr-{client:04}"}}"#,
            now + 300
        ),
    )?;
    Some(Reply::Json(
        200,
        format!(
            r#"{{"access_token":"{token}","expires_in":300,"refresh_expires_in":0,"token_type":"Bearer","not-before-policy":0,"scope":"VOP"}}"#
        ),
    ))
}

/// The number of the client, and the use of the assertion that is to be kept.
pub(super) fn by_assertion(floor: &Floor, assertion: &str) -> Option<(u16, Write)> {
    let (input, signature) = assertion.rsplit_once('.')?;
    let (header, payload) = input.split_once('.')?;
    let decode = |part| Base64UrlUnpadded::decode_vec(part).ok();
    let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
    let header: Header<'_> = serde_json::from_slice(&header).ok()?;
    let claims: Assertion<'_> = serde_json::from_slice(&payload).ok()?;
    let client = floor.clients.get(claims.sub)?;
    let (keys, alg) = match header.alg {
        "RS256" => (&floor.rsa, Alg::RS256),
        "PS256" => (&floor.rsa, Alg::PS256),
        "ES256" => (&floor.ec, Alg::ES256),
        _ => return None,
    };
    let good = claims.exp > now() && claims.aud.starts_with(crate::ground::ISSUER);
    if !good || !keys.get(client.key)?.verify(alg, input.as_bytes(), &signature) {
        return None;
    }
    let digest = provider::sha256_of(&[claims.sub.as_bytes(), b"\0", claims.jti.as_bytes()]);
    Some((client.number, used(claims.exp, &digest)))
}

/// One use of something that counts until then.
pub(super) fn used(until: u64, digest: &[u8; 32]) -> Write {
    let minute = (until / 60).to_be_bytes();
    let key = [minute.as_slice(), b"bench\0", &digest[..16]].concat();
    Write::Insert(INSERT_REPLAY, key, vec![1])
}

async fn code(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    let client = by_secret(floor, ask)?.number;
    let sealed = handle::open(Kind::Code, ask.one("code")?, &floor.handles)?;
    let key = row::key(&sealed.facts.record);
    let (revision, mut row) = floor.store.read(&key)?;
    let challenge = sha256(ask.one("code_verifier")?.as_bytes());
    let good = sealed.is_of(&row.salt, &floor.handles)
        && row.client == client
        && !row.used
        && row.challenge == challenge
        && sealed.facts.expires > now();
    if !good {
        return None;
    }
    (row.used, row.generation) = (true, 1);
    if !floor.store.write(Write::Grant(key, revision, row.encode())).await {
        return None;
    }
    let (token, refresh) = tokens(floor, sealed.facts.record, &row);
    let hash = Base64UrlUnpadded::encode_string(&sha256(token.as_bytes())[..16]);
    let at = now();
    let id_token = jwt(
        floor,
        &format!(
            r#"{{"iss":"http://localhost:1","sub":"00112233445566778899aabbccddeeff","aud":"mx-{client:04}","exp":{},"iat":{at},"auth_time":{at},"nonce":"0123456789","at_hash":"{hash}"}}"#,
            at + 600
        ),
    )?;
    Some(Reply::Json(
        200,
        format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":600,"refresh_token":"{refresh}","scope":"openid accounts transactions","id_token":"{id_token}"}}"#
        ),
    ))
}

fn tokens(floor: &Floor, record: [u8; 16], row: &Row) -> (String, String) {
    let token = access(record, &row.salt, &floor.handles);
    let expires = now() + REFRESH_TTL_S;
    let facts = Facts { record, generation: row.generation, serial: 0, expires };
    (token, handle::mint(Kind::Refresh, &facts, &row.salt, &floor.handles))
}

async fn refresh(floor: &Floor, ask: &Ask<'_>, rotates: bool) -> Option<Reply> {
    let client = by_secret(floor, ask)?.number;
    let sealed = handle::open(Kind::Refresh, ask.one("refresh_token")?, &floor.handles)?;
    let key = row::key(&sealed.facts.record);
    let (revision, mut row) = floor.store.read(&key)?;
    let current = !rotates || sealed.facts.generation == row.generation;
    let good = sealed.is_of(&row.salt, &floor.handles)
        && row.client == client
        && current
        && sealed.facts.expires > now();
    if !good {
        return None;
    }
    // Also where the refresh token stays: the access tokens before it end.
    row.generation += u32::from(rotates);
    if !floor.store.write(Write::Grant(key, revision, row.encode())).await {
        return None;
    }
    let (token, refresh) = tokens(floor, sealed.facts.record, &row);
    let id_token = if rotates && row.openid {
        let hash = Base64UrlUnpadded::encode_string(&sha256(token.as_bytes())[..16]);
        let at = now();
        let signed = jwt(
            floor,
            &format!(
                r#"{{"iss":"http://localhost:1","sub":"00112233445566778899aabbccddeeff","aud":"mx-{client:04}","exp":{},"iat":{at},"auth_time":{at},"at_hash":"{hash}"}}"#,
                at + 600
            ),
        )?;
        format!(r#","id_token":"{signed}""#)
    } else {
        String::new()
    };
    Some(Reply::Json(
        200,
        format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":600,"refresh_token":"{refresh}","scope":"openid accounts transactions"{id_token}}}"#
        ),
    ))
}

fn introspect(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    by_secret(floor, ask)?;
    let inactive = || Some(Reply::Json(200, r#"{"active":false}"#.into()));
    let Some(sealed) = handle::open(Kind::Access, ask.one("token")?, &floor.handles) else {
        return inactive();
    };
    let Some((_, row)) = floor.store.read(&row::key(&sealed.facts.record)) else {
        return inactive();
    };
    if !sealed.is_of(&row.salt, &floor.handles) || sealed.facts.expires <= now() {
        return inactive();
    }
    let (client, expires) = (row.client, sealed.facts.expires);
    Some(Reply::Json(
        200,
        format!(
            r#"{{"active":true,"scope":"openid accounts transactions","client_id":"mx-{client:04}","token_type":"Bearer","exp":{expires},"iss":"http://localhost:1","aud":"http://localhost:1","sub":"00112233445566778899aabbccddeeff","consent_id":"00112233445566778899aabbccddeeff","consent_version":1,"accounts":["current","savings"]}}"#
        ),
    ))
}

async fn revoke(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    let client = by_secret(floor, ask)?.number;
    let sealed = handle::open(Kind::Access, ask.one("token")?, &floor.handles)?;
    let key = row::key(&sealed.facts.record);
    let (revision, mut row) = floor.store.read(&key)?;
    if !sealed.is_of(&row.salt, &floor.handles) || row.client != client {
        return None;
    }
    row.used = true;
    let written = floor.store.write(Write::Grant(key, revision, row.encode())).await;
    written.then_some(Reply::Empty(200))
}

/// The request of the customer, kept; the browser goes on to sign in.
async fn authorize(floor: &Floor, ask: &Ask<'_>) -> Option<Reply> {
    let mut parameters = ask.query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, client) = parameters.find(|(name, _)| *name == "client_id")?;
    floor.clients.get(client)?;
    let mut id = random();
    id[..8].copy_from_slice(&(now() * 1_000).to_be_bytes());
    let key = row::key(&id);
    let body = ask.query.as_bytes().to_vec();
    let written = floor.store.write(Write::Insert(INSERT_INTERACTION, key, body)).await;
    let to = format!("/login?interaction={}", counterfoil_protocol::ids::hex(&id));
    written.then_some(Reply::SeeOther(to))
}
