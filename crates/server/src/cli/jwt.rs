//! `counterfoil jwt decode|check` and `counterfoil jwk thumbprint`: looking at tokens and keys without
//! a network.

use std::io::Read as _;
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::dpop::thumbprint_text;
use counterfoil_jose::jwk::{Jwk, JwkSet};
use counterfoil_jose::jws::Compact;
use counterfoil_jose::key::VerifyingKey;
use counterfoil_jose::thumbprint::jwk_thumbprint;
use serde_json::Value;

use super::arguments::{JwkVerb, JwtVerb};
use crate::failure::Failure;
use crate::system::micros;

/// Longest token or file that is looked at.
const LEN_MAX: usize = 1024 * 1024;

pub(super) fn jwt(verb: JwtVerb) -> Result<(), Failure> {
    match verb {
        JwtVerb::Decode { token } => decode(&given(&token)?),
        JwtVerb::Check { token, jwks } => check(&given(&token)?, &jwks),
    }
}

pub(super) fn jwk(verb: JwkVerb) -> Result<(), Failure> {
    match verb {
        JwkVerb::Thumbprint { file } => thumbprint(&file),
    }
}

/// The argument, or standard input for `-`.
fn given(token: &str) -> Result<String, Failure> {
    if token != "-" {
        return Ok(token.trim().to_owned());
    }
    let mut text = String::new();
    let limit = u64::try_from(LEN_MAX).unwrap_or(u64::MAX);
    let read = std::io::stdin().take(limit).read_to_string(&mut text);
    read.map_err(|e| Failure::failed(format!("standard input: {e}")))?;
    Ok(text.trim().to_owned())
}

/// The parts as JSON. Nothing is verified, and that is said.
fn decode(token: &str) -> Result<(), Failure> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, _] = parts.as_slice() else {
        return Err(Failure::failed(format!(
            "a signed JWT has three parts, this has {}{}",
            parts.len(),
            if parts.len() == 5 { ": it is encrypted" } else { "" }
        )));
    };
    for (name, part) in [("header", header), ("payload", payload)] {
        let bytes = Base64UrlUnpadded::decode_vec(part)
            .map_err(|_| Failure::failed(format!("the {name} is not base64url")))?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Failure::failed(format!("the {name} is not JSON: {e}")))?;
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        super::out(&text);
    }
    eprintln!("counterfoil: the signature was not checked; see counterfoil jwt check --help");
    Ok(())
}

/// The signature by a key of the set, and whether it is valid now.
fn check(token: &str, jwks: &Path) -> Result<(), Failure> {
    let bad = |what: String| Failure::failed(what);
    let compact = Compact::parse(token, LEN_MAX).map_err(|e| bad(format!("the token: {e}")))?;
    let header = compact.header();
    let set = keys(jwks)?;
    let named = |jwk: &&Jwk| header.kid.is_none() || jwk.kid == header.kid;
    let mut tried = 0;
    let mut payload = None;
    for jwk in set.keys.iter().filter(named) {
        let Ok(key) = VerifyingKey::from_jwk(jwk) else { continue };
        tried += 1;
        if let Ok(bytes) = compact.verify(&key, &[header.alg]) {
            payload = Some(bytes.to_vec());
        }
    }
    let Some(payload) = payload else {
        let kid = header.kid.as_deref().unwrap_or("none");
        return Err(bad(if tried == 0 {
            format!("no key of the set fits; kid {kid}, alg {}", header.alg)
        } else {
            format!("the signature is wrong; kid {kid}, alg {}", header.alg)
        }));
    };
    let claims: Value = serde_json::from_slice(&payload)
        .map_err(|e| bad(format!("the payload is not JSON: {e}")))?;
    let now = micros() / 1_000_000;
    let moment = |name: &str| claims.get(name).and_then(Value::as_u64);
    super::out(&format!(
        "signature    right, {} by kid {}",
        header.alg,
        header.kid.as_deref().unwrap_or("none")
    ));
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat"] {
        if let Some(value) = claims.get(name) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            super::out(&format!("{name:12} {text}"));
        }
    }
    match (moment("exp"), moment("nbf")) {
        (Some(exp), _) if exp <= now => Err(bad(format!("expired {} seconds ago", now - exp))),
        (_, Some(nbf)) if nbf > now => {
            Err(bad(format!("not valid for another {} seconds", nbf - now)))
        }
        (Some(exp), _) => {
            super::out(&format!("valid for    {} seconds", exp - now));
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

fn keys(path: &Path) -> Result<JwkSet, Failure> {
    let text = crate::toml_file::text(path)?;
    let named = |e: serde_json::Error| Failure::failed(format!("{}: {e}", path.display()));
    let value: Value = serde_json::from_str(&text).map_err(named)?;
    if value.get("keys").is_some() {
        return serde_json::from_str(&text).map_err(named);
    }
    let one: Jwk = serde_json::from_str(&text).map_err(named)?;
    Ok(JwkSet { keys: vec![one] })
}

/// RFC 7638 for keys, `x5t#S256` for certificates.
fn thumbprint(path: &Path) -> Result<(), Failure> {
    let text = crate::toml_file::text(path)?;
    if let Ok(certificate) = Certificate::from_pem(&text) {
        super::out(&thumbprint_text(&certificate.sha256()));
        return Ok(());
    }
    let public = VerifyingKey::from_pem(&text).ok().and_then(|key| key.to_spki_der().ok());
    if public.is_some() {
        let text = "a PEM key has no members; give it as a JWK";
        return Err(Failure::usage(format!("{}: {text}", path.display())));
    }
    for jwk in keys(path)?.keys {
        let Some(thumbprint) = jwk_thumbprint(&jwk) else {
            return Err(Failure::failed(format!("{}: a key of an unknown kind", path.display())));
        };
        let kid = jwk.kid.map(|kid| format!("  {kid}")).unwrap_or_default();
        super::out(&format!("{}{kid}", thumbprint_text(&thumbprint)));
    }
    Ok(())
}
