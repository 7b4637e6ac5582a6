//! A client or resource server of a file as a record.

use std::path::Path;

use counterfoil_engine::client::{About, Client, ClientKey, ClientStatus, Parsed};
use counterfoil_engine::client_auth::{self, Material};
use counterfoil_engine::client_metadata::Metadata;
use counterfoil_engine::keys::Issuer;
use counterfoil_engine::limits::{CREDENTIALS_PER_CLIENT_MAX, REDIRECT_URIS_MAX};
use counterfoil_engine::policy::Policy;
use counterfoil_engine::register::key_set;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::key::VerifyingKey;
use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::{Digest, Secret};
use counterfoil_web::surfaces;

use super::file::{Auth, AuthFile, ClientFile, ResourceServerFile};
use crate::nearest::nearest;

/// Keys that sign whole requests (Fintecture): registered like a method, and none.
const HTTP_SIGNATURE: &str = "http_signature";

/// The record of a client. `beside` is the folder of its file.
pub(super) fn record(
    file: &ClientFile,
    issuer: &Issuer,
    beside: &Path,
    managed_by: Option<&str>,
) -> Result<(Client, &'static Policy), String> {
    let surface = surfaces::named(&file.surface)
        .filter(|s| issuer.tenant.surface(s.name()).is_some())
        .ok_or_else(|| {
            let served: Vec<&str> = issuer.tenant.surfaces.iter().map(|s| &*s.name).collect();
            let tenant = &issuer.tenant.id;
            let known = served.join(", ");
            format!("surface \"{}\" is not served by tenant \"{tenant}\" ({known})", file.surface)
        })?;
    let switches = issuer.tenant.surface(surface.name()).copied().unwrap_or_default();
    let policy = surface.policy(&switches);
    let mut client = bare(&file.id, surface.name(), file.name.as_deref(), managed_by)?;
    let methods = match &file.auth {
        Auth::One(one) => std::slice::from_ref(&**one),
        Auth::Several(some) => some.as_slice(),
    };
    for auth in methods {
        add_auth(&mut client, auth, issuer, (beside, policy))?;
        let allowed = policy.client_auth.methods.iter().any(|m| m.name() == auth.method);
        if !allowed && auth.method != HTTP_SIGNATURE {
            let known: Vec<&str> = policy.client_auth.methods.iter().map(|m| m.name()).collect();
            let (method, known) = (&auth.method, known.join(", "));
            return Err(format!("method \"{method}\" is not one of this surface's: {known}"));
        }
    }
    if client.secrets.len() + client.keys.len() > CREDENTIALS_PER_CLIENT_MAX {
        return Err(format!("more than {CREDENTIALS_PER_CLIENT_MAX} credentials"));
    }
    client.status = match file.suspended {
        Some(true) => ClientStatus::Suspended,
        Some(false) | None => ClientStatus::Active,
    };
    client.scope = scopes(&file.scopes, policy, &client)?;
    client.default_scope = match &file.default_scopes {
        Some(some) => Some(scopes(some, policy, &client)?),
        None => None,
    };
    client.redirect_uris = redirect_uris(&file.redirect_uris)?;
    client.grants = grants(file.grants.as_deref(), policy)?;
    client.require_signature = file.require_signature.unwrap_or(false);
    client.metadata.jwt_access_tokens = file.jwt_access_tokens.unwrap_or(false);
    let text = |value: &Option<String>| value.as_deref().map(Into::into);
    client.about = About {
        legal_name: text(&file.legal_name),
        regulator: text(&file.regulator),
        authorization_id: text(&file.authorization_id),
        website: text(&file.website),
        organisation_node_id: text(&file.organisation_node_id),
    };
    Ok((client, policy))
}

/// The record of a resource server: it may introspect, by secret, and nothing else.
pub(super) fn resource_server(
    file: &ResourceServerFile,
    issuer: &Issuer,
    beside: &Path,
    managed_by: Option<&str>,
) -> Result<Client, String> {
    let mut client = bare(&file.id, "common", file.name.as_deref(), managed_by)?;
    let secret = secret(file.secret.as_deref(), file.secret_file.as_deref(), beside)?;
    client.secrets = vec![issuer.secret_digest(&secret)];
    client.auth = vec![client_auth::BASIC.name().into(), client_auth::POST.name().into()];
    client.resource_server = true;
    Ok(client)
}

fn bare(
    id: &str,
    surface: &str,
    name: Option<&str>,
    managed_by: Option<&str>,
) -> Result<Client, String> {
    let parsed = ClientId::parse(id);
    Ok(Client {
        id: parsed.map_err(|_| "an id has visible ASCII characters, at most 255")?,
        surface: surface.into(),
        status: ClientStatus::Active,
        name: name.unwrap_or(id).into(),
        auth: vec![],
        secrets: vec![],
        keys: vec![],
        assertion_algs: vec![],
        assertion_subjects: vec![],
        redirect_uris: vec![],
        grants: vec![],
        scope: ScopeSet::default(),
        default_scope: None,
        resource_server: false,
        require_signature: false,
        about: About::default(),
        managed_by: managed_by.map(Into::into),
        metadata: Metadata::default(),
        parsed: Parsed::default(),
    })
}

fn add_auth(
    client: &mut Client,
    auth: &AuthFile,
    issuer: &Issuer,
    (beside, policy): (&Path, &Policy),
) -> Result<(), String> {
    let known = || client_auth::ALL.iter().map(|m| m.name()).chain([HTTP_SIGNATURE]);
    let method = client_auth::named(&auth.method);
    if method.is_none() && auth.method != HTTP_SIGNATURE {
        let meant = nearest(&auth.method, known()).map(|m| format!(", did you mean \"{m}\"?"));
        let known = known().collect::<Vec<_>>().join(", ");
        let name = &auth.method;
        return Err(format!(
            "no method \"{name}\"{}",
            meant.unwrap_or(format!("; known: {known}"))
        ));
    }
    match method.map_or(Material::Keys, |method| method.material()) {
        Material::Secret => {
            let given = secret(auth.secret.as_deref(), auth.secret_file.as_deref(), beside)?;
            add_secret(client, issuer.secret_digest(&given));
            if let Some(old) = &auth.old_secret {
                add_secret(client, issuer.secret_digest(&Secret::new(old.as_bytes().to_vec())));
            }
        }
        Material::Keys | Material::Certificates => {
            client.keys.extend(keys(auth, beside)?);
            for alg in assertion_algs(auth, policy)? {
                if !client.assertion_algs.contains(&alg) {
                    client.assertion_algs.push(alg);
                }
            }
            client.assertion_subjects.extend(auth.subjects.iter().map(|s| s.as_str().into()));
        }
        // Stands in its metadata.
        Material::CertifiedName => {}
    }
    client.auth.extend(method.map(|method| method.name().into()));
    Ok(())
}

/// What every surface verifies, whatever it signs with.
const ALLOWED: [Alg; 3] = [Alg::RS256, Alg::PS256, Alg::ES256];

/// The algorithms of its assertions. Left out: RS256, or all of a surface that has no RS256.
fn assertion_algs(auth: &AuthFile, policy: &Policy) -> Result<Vec<Box<str>>, String> {
    let by_default =
        if policy.algs.contains(&Alg::RS256) { &[Alg::RS256][..] } else { policy.algs };
    let Some(named) = &auth.algs else {
        return Ok(by_default.iter().map(|alg| alg.as_str().into()).collect());
    };
    let mut known = policy.algs.to_vec();
    if policy.algs.contains(&Alg::RS256) {
        known.extend(ALLOWED.iter().filter(|alg| !policy.algs.contains(alg)));
    }
    let read = |name: &String| {
        let alg = Alg::parse(name).filter(|alg| known.contains(alg));
        let names = || known.iter().map(|alg| alg.as_str()).collect::<Vec<_>>().join(", ");
        let alg = alg.ok_or_else(|| format!("algs: \"{name}\" is not one of {}", names()))?;
        Ok(alg.as_str().into())
    };
    named.iter().map(read).collect()
}

fn add_secret(client: &mut Client, digest: Digest) {
    if !client.secrets.contains(&digest) {
        client.secrets.push(digest);
    }
}

fn secret(inline: Option<&str>, file: Option<&Path>, beside: &Path) -> Result<Secret, String> {
    match (inline, file) {
        (Some(text), None) if !text.is_empty() => Ok(Secret::new(text.as_bytes().to_vec())),
        (None, Some(path)) => {
            let text = read(&beside.join(path))?;
            Ok(Secret::new(text.trim_end_matches(['\r', '\n']).as_bytes().to_vec()))
        }
        (Some(_), None) | (None, None) => Err("set secret or secret_file".into()),
        (Some(_), Some(_)) => Err("set secret or secret_file, not both".into()),
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The keys of one way to authenticate: a certificate, a public key, or a set.
fn keys(auth: &AuthFile, beside: &Path) -> Result<Vec<ClientKey>, String> {
    let Some(path) = &auth.jwks else { return Ok(vec![key(auth, beside)?]) };
    if auth.certificate.is_some() || auth.public_key.is_some() {
        return Err("set jwks, certificate or public_key, and one of them".into());
    }
    let path = beside.join(path);
    let bad = |what: &str| format!("{}: {what}", path.display());
    let set = serde_json::from_str(&read(&path)?).map_err(|e| bad(&e.to_string()))?;
    key_set::read(&set).map_err(|_| bad("is no set of public keys that can verify"))
}

fn key(auth: &AuthFile, beside: &Path) -> Result<ClientKey, String> {
    match (&auth.certificate, &auth.public_key) {
        (Some(path), None) => {
            let path = beside.join(path);
            let bad = |what: &str| format!("{}: {what}", path.display());
            let certificate = Certificate::from_pem(&read(&path)?)
                .map_err(|_| bad("is not one PEM certificate"))?;
            certificate.verifying_key().map_err(|e| bad(&format!("its key: {e:?}")))?;
            Ok(ClientKey {
                kid: auth.kid.as_deref().map(Into::into),
                spki: certificate.spki_der().to_vec(),
                sha1: Some(certificate.sha1()),
                sha256: Some(certificate.sha256()),
                not_before: Some(certificate.not_before()),
                not_after: Some(certificate.not_after()),
            })
        }
        (None, Some(path)) => {
            let path = beside.join(path);
            let bad = |what: String| format!("{}: {what}", path.display());
            let key = VerifyingKey::from_pem(&read(&path)?).map_err(|e| bad(format!("{e:?}")))?;
            Ok(ClientKey {
                kid: auth.kid.as_deref().map(Into::into),
                spki: key.to_spki_der().map_err(|e| bad(format!("{e:?}")))?,
                sha1: None,
                sha256: None,
                not_before: None,
                not_after: None,
            })
        }
        (None, None) => Err("set certificate, public_key or jwks".into()),
        (Some(_), Some(_)) => Err("set certificate or public_key, not both".into()),
    }
}

fn scopes(raw: &[String], policy: &Policy, client: &Client) -> Result<ScopeSet, String> {
    if raw.is_empty() {
        return Err("scopes is empty".into());
    }
    for token in raw {
        if token.contains(' ') || ScopeSet::parse(token).is_err() {
            return Err(format!("\"{token}\" is no scope"));
        }
    }
    policy.scopes.read(&raw.join(" "), client).map_err(|_| "these scopes cannot be read".into())
}

fn redirect_uris(raw: &[String]) -> Result<Vec<RedirectUri>, String> {
    if raw.len() > REDIRECT_URIS_MAX {
        return Err(format!("more than {REDIRECT_URIS_MAX} redirect URIs"));
    }
    let parse = |raw: &String| {
        RedirectUri::parse_registered(raw).map_err(|_| {
            format!(
                "redirect URI \"{raw}\": https, or http on 127.0.0.1 or [::1], or a private-use \
                 scheme; no fragment, no user, no dot segments, spelled as a browser spells it"
            )
        })
    };
    raw.iter().map(parse).collect()
}

fn grants(raw: Option<&[String]>, policy: &Policy) -> Result<Vec<Box<str>>, String> {
    let known: Vec<&str> = policy.grants.iter().map(|grant| grant.name()).collect();
    let Some(raw) = raw else { return Ok(known.into_iter().map(Into::into).collect()) };
    match raw.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            let known = known.join(", ");
            Err(format!("grant type \"{name}\" is not one of this surface's: {known}"))
        }
        None => Ok(raw.iter().map(|name| name.as_str().into()).collect()),
    }
}
