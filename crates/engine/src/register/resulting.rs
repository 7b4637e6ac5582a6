//! The client that would come about, judged as a whole: the same judgement for a registration, for
//! every change of one, and for a file (attacks.md P29, M034 to M039). What was left out is judged as
//! the default it stands for.

use std::collections::BTreeSet;

use counterfoil_jose::alg::Alg;
use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::{MetadataFault, Refusal};
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Digest;

use super::metadata::ClientMetadata;
use super::{addresses, key_set};
use crate::client::{About, Client, ClientKey, ClientStatus, Parsed};
use crate::client_auth::{self, ClientAuth, Material};
use crate::client_metadata::{Metadata, Sender, SubjectType, TlsSubject};
use crate::details;
use crate::limits::{METADATA_LIST_MAX, METADATA_TEXT_LEN_MAX, REDIRECT_URIS_MAX};
use crate::outbound::Outbound;
use crate::policy::{IdToken, Policy};

/// What a client is judged by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The surface it would live on.
    pub policy: &'static Policy,
    /// The scopes that surface publishes; all a client can have that asks for none.
    pub scopes: &'a [&'a str],
    /// Which addresses this server calls.
    pub outbound: &'a dyn Outbound,
}

impl std::fmt::Debug for Rules<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rules({})", self.policy.name)
    }
}

/// What the client does not choose.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) id: ClientId,
    pub(super) status: ClientStatus,
    pub(super) secrets: Vec<Digest>,
    pub(super) about: About,
    pub(super) managed_by: Option<Box<str>>,
}

fn refuse<T>(name: &'static str, fault: MetadataFault) -> Result<T, Refusal> {
    Err(Refusal::Metadata(name, fault))
}

/// The record of a client with this metadata. The sector is the one that its redirect URIs give; a
/// sector document is read by the caller, after this.
pub(super) fn judge(
    asked: &ClientMetadata,
    given: Given,
    rules: &Rules<'_>,
) -> Result<Client, Refusal> {
    unsupported(asked)?;
    addresses::check(asked, rules.outbound)?;
    let (grants, by_code) = grants(asked, rules.policy)?;
    let redirect_uris = redirect_uris(asked, by_code)?;
    let method = method(asked, rules.policy)?;
    let keys = match &asked.jwks {
        Some(jwks) => key_set::read(&jwks.0)?,
        None => vec![],
    };
    let tls_subject = tls_subject(asked)?;
    let material = method.material();
    evidence(asked, material, &keys, tls_subject.as_ref())?;
    let metadata = metadata(asked, &redirect_uris, tls_subject, rules)?;
    let name = match text("client_name", &asked.client_name)? {
        Some(name) => name,
        None => given.id.as_str().into(),
    };
    let assertion_algs = assertion_algs(asked, material, rules)?;
    let mut client = Client {
        id: given.id,
        surface: rules.policy.name.into(),
        status: given.status,
        name,
        auth: vec![method.name().into()],
        secrets: if material == Material::Secret { given.secrets } else { vec![] },
        keys,
        assertion_algs,
        assertion_subjects: vec![],
        redirect_uris,
        grants,
        scope: ScopeSet::default(),
        default_scope: None,
        resource_server: false,
        require_signature: false,
        about: given.about,
        managed_by: given.managed_by,
        metadata,
        parsed: Parsed::default(),
    };
    client.scope = scope(asked, &client, rules)?;
    Ok(client)
}

/// What it registers beyond OAuth's own.
fn metadata(
    asked: &ClientMetadata,
    redirect_uris: &[RedirectUri],
    tls_subject: Option<TlsSubject>,
    rules: &Rules<'_>,
) -> Result<Metadata, Refusal> {
    let alg = |name, value| alg(name, value, rules);
    Ok(Metadata {
        sender: sender(asked)?,
        tls_subject,
        jwks_uri: boxed(&asked.jwks_uri),
        jwks: asked.jwks.as_ref().map(|jwks| jwks.0.to_string().into()),
        subject_type: subject_type(asked)?,
        sector_identifier_uri: boxed(&asked.sector_identifier_uri),
        sector: sector(asked, redirect_uris)?,
        id_token_alg: id_token_alg(asked, rules.policy)?,
        userinfo_alg: alg("userinfo_signed_response_alg", &asked.userinfo_signed_response_alg)?,
        authorization_alg: alg(
            "authorization_signed_response_alg",
            &asked.authorization_signed_response_alg,
        )?,
        introspection_alg: alg(
            "introspection_signed_response_alg",
            &asked.introspection_signed_response_alg,
        )?,
        request_object_alg: alg("request_object_signing_alg", &asked.request_object_signing_alg)?,
        response_modes: vec![],
        default_max_age_s: asked.default_max_age,
        require_auth_time: asked.require_auth_time.unwrap_or(false),
        default_acr_values: list("default_acr_values", &asked.default_acr_values)?,
        post_logout_redirect_uris: post_logout_redirect_uris(asked)?,
        backchannel_logout_uri: boxed(&asked.backchannel_logout_uri),
        backchannel_logout_session_required: asked
            .backchannel_logout_session_required
            .unwrap_or(false),
        initiate_login_uri: boxed(&asked.initiate_login_uri),
        details_types: details_types(asked, rules.policy)?,
        jwt_access_tokens: false,
        logo_uri: boxed(&asked.logo_uri),
        policy_uri: boxed(&asked.policy_uri),
        tos_uri: boxed(&asked.tos_uri),
        client_uri: boxed(&asked.client_uri),
        contacts: list("contacts", &asked.contacts)?,
        registration: None,
    })
}

/// Those that the surface knows (RFC 9396 §10).
fn details_types(asked: &ClientMetadata, policy: &Policy) -> Result<Vec<Box<str>>, Refusal> {
    const NAME: &str = "authorization_details_types";
    let types = list(NAME, &asked.authorization_details_types)?;
    let known = policy.authorization.details;
    if types.iter().any(|name| details::types::named(name, known).is_none()) {
        return refuse(NAME, MetadataFault::NotAllowed);
    }
    Ok(types)
}

/// The metadata of a client whose other facts a file says. What the file says elsewhere is not looked
/// at here.
///
/// # Errors
/// [`Refusal::Metadata`] with the name of the member.
pub fn metadata_of_file(
    asked: &ClientMetadata,
    client: &Client,
    rules: &Rules<'_>,
) -> Result<Metadata, Refusal> {
    const DN: &str = "tls_client_auth_subject_dn";
    unsupported(asked)?;
    addresses::check(asked, rules.outbound)?;
    let subject = tls_subject(asked)?;
    let by_name = client.auth.iter().any(|method| is_of(method, Material::CertifiedName));
    match &subject {
        None if by_name => return refuse(DN, MetadataFault::Missing),
        Some(_) if !by_name => return refuse(DN, MetadataFault::Conflicting),
        Some(_) | None => {}
    }
    metadata(asked, &client.redirect_uris, subject, rules)
}

/// Whether a client of that method has a secret of ours.
pub(super) fn is_secret(method: &str) -> bool {
    is_of(method, Material::Secret)
}

fn is_of(method: &str, material: Material) -> bool {
    client_auth::named(method).is_some_and(|method| method.material() == material)
}

/// The algorithms with which this server signs for a client: keys of these must exist.
#[must_use]
pub fn signing_algs(client: &Client, policy: &Policy) -> Vec<Alg> {
    let m = &client.metadata;
    let named = [&m.id_token_alg, &m.userinfo_alg, &m.authorization_alg, &m.introspection_alg];
    let mut algs: Vec<Alg> =
        named.into_iter().filter_map(|name| Alg::parse(name.as_deref()?)).collect();
    if let IdToken::Signed { alg, .. } = policy.id_token {
        algs.push(alg);
    }
    let mut seen = vec![];
    algs.retain(|alg| {
        !seen.contains(alg) && {
            seen.push(*alg);
            true
        }
    });
    algs
}

/// What this server does not do is refused when it is asked for: a client that registers encryption
/// would wait for it.
fn unsupported(asked: &ClientMetadata) -> Result<(), Refusal> {
    if asked.software_statement.is_some() {
        return Err(Refusal::Metadata("software_statement", MetadataFault::Statement));
    }
    let encrypted = [
        ("id_token_encrypted_response_alg", &asked.id_token_encrypted_response_alg),
        ("userinfo_encrypted_response_alg", &asked.userinfo_encrypted_response_alg),
        ("request_object_encryption_alg", &asked.request_object_encryption_alg),
        ("authorization_encrypted_response_alg", &asked.authorization_encrypted_response_alg),
        ("introspection_encrypted_response_alg", &asked.introspection_encrypted_response_alg),
    ];
    match encrypted.into_iter().find(|(_, value)| value.is_some()) {
        Some((name, _)) => refuse(name, MetadataFault::NotAllowed),
        None => Ok(()),
    }
}

/// Grant types, and whether the client sends customers here. Each response type needs its grant
/// (RFC 7591 §2.1).
fn grants(asked: &ClientMetadata, policy: &Policy) -> Result<(Vec<Box<str>>, bool), Refusal> {
    const CODE: &str = "authorization_code";
    let default = [CODE.to_owned()];
    let names = asked.grant_types.as_deref().unwrap_or(&default);
    let served = |name: &String| policy.grants.iter().any(|grant| grant.name() == name.as_str());
    if names.is_empty() || names.len() > METADATA_LIST_MAX || !names.iter().all(served) {
        return refuse("grant_types", MetadataFault::NotAllowed);
    }
    let by_code = names.iter().any(|name| name == CODE);
    // Nothing else begins what a refresh token continues.
    if !by_code && names.iter().any(|name| name == "refresh_token") {
        return refuse("grant_types", MetadataFault::Conflicting);
    }
    match asked.response_types.as_deref() {
        None => {}
        Some([only]) if only == "code" && by_code => {}
        Some([]) if !by_code => {}
        Some(types) if types.iter().all(|kind| kind == "code") => {
            return refuse("response_types", MetadataFault::Conflicting);
        }
        Some(_) => return refuse("response_types", MetadataFault::NotAllowed),
    }
    let distinct: BTreeSet<&String> = names.iter().collect();
    Ok((distinct.into_iter().map(|name| name.as_str().into()).collect(), by_code))
}

fn redirect_uris(asked: &ClientMetadata, by_code: bool) -> Result<Vec<RedirectUri>, Refusal> {
    let raw = asked.redirect_uris.as_deref().unwrap_or_default();
    if by_code && raw.is_empty() || raw.len() > REDIRECT_URIS_MAX {
        return Err(Refusal::Metadata("redirect_uris", MetadataFault::Redirect));
    }
    let native = match asked.application_type.as_deref() {
        None | Some("web") => false,
        Some("native") => true,
        Some(_) => return refuse("application_type", MetadataFault::Malformed),
    };
    let parse = |raw: &String| {
        let uri = RedirectUri::parse_registered(raw).ok();
        // A private-use scheme is an app's; whoever registers a website does not mean one.
        let fits = native || raw.starts_with("https://") || raw.starts_with("http://");
        uri.filter(|_| fits).ok_or(Refusal::Metadata("redirect_uris", MetadataFault::Redirect))
    };
    raw.iter().map(parse).collect()
}

fn post_logout_redirect_uris(asked: &ClientMetadata) -> Result<Vec<RedirectUri>, Refusal> {
    const NAME: &str = "post_logout_redirect_uris";
    let raw = asked.post_logout_redirect_uris.as_deref().unwrap_or_default();
    if raw.len() > REDIRECT_URIS_MAX {
        return refuse(NAME, MetadataFault::NotAllowed);
    }
    let parse = |raw: &String| {
        let uri = RedirectUri::parse_registered(raw);
        uri.map_err(|_| Refusal::Metadata(NAME, MetadataFault::Malformed))
    };
    raw.iter().map(parse).collect()
}

fn method(asked: &ClientMetadata, policy: &Policy) -> Result<&'static dyn ClientAuth, Refusal> {
    let name = asked.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
    let known = policy.client_auth.methods.iter().find(|method| method.name() == name);
    match known {
        Some(method) => Ok(*method),
        None => refuse("token_endpoint_auth_method", MetadataFault::NotAllowed),
    }
}

/// Whether the client brings what its method needs, and nothing that contradicts it.
fn evidence(
    asked: &ClientMetadata,
    material: Material,
    keys: &[ClientKey],
    tls_subject: Option<&TlsSubject>,
) -> Result<(), Refusal> {
    if asked.jwks.is_some() && asked.jwks_uri.is_some() {
        return refuse("jwks_uri", MetadataFault::Conflicting);
    }
    let has_keys = !keys.is_empty() || asked.jwks_uri.is_some();
    if material != Material::CertifiedName && tls_subject.is_some() {
        return refuse("token_endpoint_auth_method", MetadataFault::Conflicting);
    }
    let certified = keys.is_empty() || keys.iter().any(|key| key.sha256.is_some());
    match material {
        Material::Secret => Ok(()),
        Material::Keys | Material::Certificates if !has_keys => {
            refuse("jwks", MetadataFault::Missing)
        }
        Material::Certificates if !certified => refuse("jwks", MetadataFault::Malformed),
        Material::CertifiedName if tls_subject.is_none() => {
            refuse("tls_client_auth_subject_dn", MetadataFault::Missing)
        }
        Material::Keys | Material::Certificates | Material::CertifiedName => Ok(()),
    }
}

/// RFC 8705 §2.1.2: exactly one of them, where there is one.
fn tls_subject(asked: &ClientMetadata) -> Result<Option<TlsSubject>, Refusal> {
    type Make = fn(Box<str>) -> TlsSubject;
    let all: [(&'static str, &Option<String>, Make); 5] = [
        ("tls_client_auth_subject_dn", &asked.tls_client_auth_subject_dn, TlsSubject::Dn),
        ("tls_client_auth_san_dns", &asked.tls_client_auth_san_dns, TlsSubject::Dns),
        ("tls_client_auth_san_uri", &asked.tls_client_auth_san_uri, TlsSubject::Uri),
        ("tls_client_auth_san_ip", &asked.tls_client_auth_san_ip, TlsSubject::Ip),
        ("tls_client_auth_san_email", &asked.tls_client_auth_san_email, TlsSubject::Email),
    ];
    let mut found = None;
    for (name, value, make) in all {
        let Some(value) = text(name, value)? else { continue };
        if found.is_some() {
            return refuse(name, MetadataFault::Conflicting);
        }
        found = Some(make(value));
    }
    Ok(found)
}

fn sender(asked: &ClientMetadata) -> Result<Sender, Refusal> {
    let dpop = asked.dpop_bound_access_tokens.unwrap_or(false);
    let mtls = asked.tls_client_certificate_bound_access_tokens.unwrap_or(false);
    match (dpop, mtls) {
        (true, true) => refuse("dpop_bound_access_tokens", MetadataFault::Conflicting),
        (true, false) => Ok(Sender::Dpop),
        (false, true) => Ok(Sender::Mtls),
        (false, false) => Ok(Sender::Unbound),
    }
}

fn subject_type(asked: &ClientMetadata) -> Result<SubjectType, Refusal> {
    match asked.subject_type.as_deref() {
        None | Some("pairwise") => Ok(SubjectType::Pairwise),
        Some("public") if asked.sector_identifier_uri.is_some() => {
            refuse("sector_identifier_uri", MetadataFault::Conflicting)
        }
        Some("public") => Ok(SubjectType::Public),
        Some(_) => refuse("subject_type", MetadataFault::Malformed),
    }
}

/// OpenID Connect Core §8.1: the host of the sector document, else the one host of all redirect URIs.
/// A client that did not ask for pairwise values has its own, under its own id.
fn sector(asked: &ClientMetadata, uris: &[RedirectUri]) -> Result<Option<Box<str>>, Refusal> {
    let host = |uri: &str| {
        let after = uri.split_once("://").map_or(uri, |(_, after)| after);
        let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
        let end = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
        Box::<str>::from(&authority[..end.unwrap_or(authority.len())])
    };
    if let Some(uri) = &asked.sector_identifier_uri {
        return Ok(Some(host(uri)));
    }
    if asked.subject_type.as_deref() != Some("pairwise") {
        return Ok(None);
    }
    let hosts: BTreeSet<Box<str>> = uris.iter().map(|uri| host(uri.as_str())).collect();
    if hosts.len() > 1 {
        return refuse("sector_identifier_uri", MetadataFault::Missing);
    }
    Ok(hosts.into_iter().next())
}

fn allowed(name: &'static str, value: &str, rules: &Rules<'_>) -> Result<Alg, Refusal> {
    let alg = Alg::parse(value).filter(|alg| rules.policy.algs.contains(alg));
    alg.ok_or(Refusal::Metadata(name, MetadataFault::NotAllowed))
}

fn alg(
    name: &'static str,
    value: &Option<String>,
    rules: &Rules<'_>,
) -> Result<Option<Box<str>>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    allowed(name, value, rules).map(|alg| Some(alg.as_str().into()))
}

/// The surface's own where the client names none; that is said in the answer.
fn id_token_alg(asked: &ClientMetadata, policy: &Policy) -> Result<Option<Box<str>>, Refusal> {
    const NAME: &str = "id_token_signed_response_alg";
    let default = match policy.id_token {
        IdToken::Signed { alg, .. } => Some(alg.as_str().into()),
        IdToken::Never => None,
    };
    let Some(value) = &asked.id_token_signed_response_alg else { return Ok(default) };
    let alg = Alg::parse(value).filter(|alg| default.is_some() && policy.algs.contains(alg));
    match alg {
        Some(alg) => Ok(Some(alg.as_str().into())),
        None => refuse(NAME, MetadataFault::NotAllowed),
    }
}

fn assertion_algs(
    asked: &ClientMetadata,
    material: Material,
    rules: &Rules<'_>,
) -> Result<Vec<Box<str>>, Refusal> {
    const NAME: &str = "token_endpoint_auth_signing_alg";
    let named = match &asked.token_endpoint_auth_signing_alg {
        Some(value) => Some(allowed(NAME, value, rules)?),
        None => None,
    };
    if material != Material::Keys {
        return Ok(vec![]);
    }
    let algs = named.map_or_else(|| rules.policy.algs.to_vec(), |alg| vec![alg]);
    Ok(algs.into_iter().map(|alg| alg.as_str().into()).collect())
}

/// Everything the surface offers where the client names nothing; nothing that it does not offer.
fn scope(asked: &ClientMetadata, client: &Client, rules: &Rules<'_>) -> Result<ScopeSet, Refusal> {
    let malformed = |_| Refusal::Metadata("scope", MetadataFault::Malformed);
    let all = rules.scopes.join(" ");
    let raw = asked.scope.as_deref().unwrap_or(&all);
    if raw.len() > crate::limits::SCOPE_TEXT_LEN_MAX {
        return refuse("scope", MetadataFault::Malformed);
    }
    let offered = raw.split(' ').filter(|token| !token.is_empty());
    if offered.clone().any(|token| !rules.scopes.contains(&token)) {
        return refuse("scope", MetadataFault::NotAllowed);
    }
    if offered.clone().next().is_none() {
        return Ok(ScopeSet::default());
    }
    rules.policy.scopes.read(raw, client).map_err(malformed)
}

fn boxed(value: &Option<String>) -> Option<Box<str>> {
    value.as_deref().map(Into::into)
}

fn text(name: &'static str, value: &Option<String>) -> Result<Option<Box<str>>, Refusal> {
    match value.as_deref() {
        None => Ok(None),
        Some(text) if fits(text) => Ok(Some(text.into())),
        Some(_) => refuse(name, MetadataFault::Malformed),
    }
}

fn list(name: &'static str, values: &Option<Vec<String>>) -> Result<Vec<Box<str>>, Refusal> {
    let values = values.as_deref().unwrap_or_default();
    if values.len() > METADATA_LIST_MAX || !values.iter().all(|value| fits(value)) {
        return refuse(name, MetadataFault::Malformed);
    }
    Ok(values.iter().map(|value| value.as_str().into()).collect())
}

fn fits(text: &str) -> bool {
    !text.is_empty() && text.len() <= METADATA_TEXT_LEN_MAX && !text.contains(char::is_control)
}
