//! Client assertions, right and wrong in one thing: what `{jwt …}` in a table stands for.

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::jws;
use counterfoil_jose::key::SigningKey;
use counterfoil_protocol::ids::hex;

use crate::world::{BASE, file};

/// The kid of the client's certificate, as the vendor writes it.
pub(crate) fn kid() -> String {
    let certificate = Certificate::from_pem(&file("keys/client-cert.pem")).unwrap();
    hex(&certificate.sha1()).to_uppercase()
}

fn sha256() -> [u8; 32] {
    Certificate::from_pem(&file("keys/client-cert.pem")).unwrap().sha256()
}

fn key(alg: Alg, name: &str) -> SigningKey {
    SigningKey::from_pem(alg, &file(&format!("keys/{name}.pem"))).unwrap()
}

/// The realm for which an assertion is made unless it says otherwise.
const REALM: &str = "sandbox";

/// An assertion in the shape of the vendor's sample (surfaces.md 4.4): no `iss`, no `jti`, one hour.
///
/// `changes` are words `name=value`: a claim, or `h.name` for a member of the header. A value is
/// `-` to leave the member out, `+n` or `-n` for seconds from now, JSON in brackets or quotes, `$…`
/// for what is computed, else a text. `realm=` names another realm, `key=` another key, `flip`
/// changes one bit of the signature, `raw=` replaces the payload.
pub(crate) fn assertion(changes: &str, now: u64) -> String {
    let mut words: BTreeMap<&str, &str> = BTreeMap::new();
    let mut order = vec![];
    for word in changes.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        words.insert(name, value);
        order.push(name);
    }
    let realm = words.get("realm").copied().unwrap_or(REALM);
    let mut header: Vec<(&str, String)> = vec![
        ("alg", "\"RS256\"".into()),
        ("kid", format!("\"{}\"", kid())),
        ("typ", "\"JWT\"".into()),
    ];
    let mut claims: Vec<(&str, String)> = vec![
        ("sub", "\"5734699\"".into()),
        ("aud", format!("\"{BASE}/auth/realms/{realm}\"")),
        ("iat", now.to_string()),
        ("exp", (now + 3600).to_string()),
    ];
    for name in order {
        let value = value(words[name], now);
        match name.strip_prefix("h.") {
            Some(name) => change(&mut header, name, value),
            None if ["realm", "key", "flip", "raw", "twice"].contains(&name) => {}
            None => change(&mut claims, name, value),
        }
    }
    let mut payload = object(&claims);
    if let Some(name) = words.get("twice") {
        let (_, again) = claims.iter().find(|(known, _)| known == name).unwrap();
        payload = payload.replace('}', &format!(",\"{name}\":{again}}}"));
    }
    let payload = words.get("raw").map_or(payload, |raw| (*raw).to_owned());
    let input = jws::signing_input(object(&header).as_bytes(), payload.as_bytes());
    let alg = header.iter().find(|(name, _)| *name == "alg").map_or("", |(_, alg)| alg);
    let alg = Alg::parse(alg.trim_matches('"')).unwrap_or(Alg::RS256);
    let key = key(alg, words.get("key").copied().unwrap_or("client"));
    let mut signature = key.sign(input.as_bytes()).unwrap();
    if words.contains_key("flip") {
        signature[9] ^= 1;
    }
    match words.get("h.alg") {
        Some(&"none") => format!("{input}."),
        // An HMAC under what everybody knows: the public key.
        Some(&"HS256") => {
            let public = key.verifying_key().unwrap().to_spki_der().unwrap();
            let tag = counterfoil_jose::provider::MacKey::new(&public).tag(&[input.as_bytes()]);
            jws::finish(input, &tag)
        }
        Some(_) | None => jws::finish(input, &signature),
    }
}

fn value(raw: &str, now: u64) -> Option<String> {
    let shift = |digits: &str| digits.parse::<u64>().ok();
    Some(match raw {
        "-" => return None,
        "$issuer" => format!("\"{BASE}/auth/realms/{REALM}\""),
        "$kid" => format!("\"{}\"", kid().to_lowercase()),
        "$colons" => {
            let kid = kid();
            let pairs = kid.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair));
            format!("\"{}\"", pairs.collect::<Vec<_>>().join(":"))
        }
        "$sha256" => format!("\"{}\"", hex(&sha256())),
        "$x5t" => {
            let pem = Certificate::from_pem(&file("keys/client-cert.pem")).unwrap();
            format!("\"{}\"", Base64UrlUnpadded::encode_string(&pem.sha1()))
        }
        "$x5t#S256" => format!("\"{}\"", Base64UrlUnpadded::encode_string(&sha256())),
        "$token" => {
            format!("\"{BASE}/auth/realms/{REALM}/protocol/openid-connect/token\"")
        }
        raw if raw.starts_with(['[', '"', '{']) => {
            raw.replace("$issuer", &format!("{BASE}/auth/realms/{REALM}"))
        }
        raw => match (raw.strip_prefix('+').and_then(shift), raw.strip_prefix('-').and_then(shift))
        {
            (Some(later), _) => (now + later).to_string(),
            (_, Some(earlier)) => (now - earlier).to_string(),
            (None, None) => format!("\"{raw}\""),
        },
    })
}

fn change<'a>(members: &mut Vec<(&'a str, String)>, name: &'a str, value: Option<String>) {
    match (members.iter().position(|(known, _)| *known == name), value) {
        (Some(at), Some(value)) => members[at].1 = value,
        (Some(at), None) => drop(members.remove(at)),
        (None, Some(value)) => members.push((name, value)),
        (None, None) => {}
    }
}

fn object(members: &[(&str, String)]) -> String {
    let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}
