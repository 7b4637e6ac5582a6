//! Resources: tenants, clients, resource servers and users, from `*.toml` files of one folder.
//!
//! All or nothing: every file is read and every value checked before the store hears of it.

mod client;
mod file;
mod metadata;
mod registration;
mod user;

use std::path::Path;

use counterfoil_engine::admin::Desired;
use counterfoil_engine::keys::{Issuer, KeyFile};
use counterfoil_engine::limits::RESOURCES_KNOWN_MAX;
use counterfoil_engine::policy::{AccessFormat, IdToken};
use counterfoil_engine::register::resulting::signing_algs;
use counterfoil_engine::target;
use counterfoil_engine::tenant::{EnabledSurface, Mount, Switches, Tenant};
use counterfoil_jose::alg::Alg;
use counterfoil_protocol::ids::TenantId;
use counterfoil_web::locate::ROOT_TENANT;
use counterfoil_web::surfaces;

use crate::config::toml_files;
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::toml_file;
use file::{File, TenantFile};

/// What the files say, ready to be applied, and the signing algorithms each tenant needs.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The records.
    pub desired: Desired,
    /// By tenant.
    pub algs: Vec<(TenantId, Vec<Alg>)>,
}

/// Where the server can be reached, without a slash at the end.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Of every tenant that needs no other.
    pub base: String,
    /// Over TLS, where that is another one.
    pub https: Option<String>,
    /// Of the listener that asks for client certificates (RFC 8705 §5).
    pub mtls: Option<String>,
}

impl Addresses {
    /// A server with one address.
    #[must_use]
    pub fn one(base: &str) -> Self {
        Self { base: base.into(), ..Self::default() }
    }
}

/// Reads every file of the folder.
///
/// # Errors
/// [`Failure::config`] with file and line, or with the name of the thing that makes no sense.
pub fn load(folder: &Path, addresses: &Addresses, keys: &KeyFile) -> Result<Loaded, Failure> {
    let base = &*addresses.base;
    let mut files = vec![];
    for path in toml_files(folder)? {
        let text = toml_file::text(&path)?;
        let file: File = toml_file::parse(&path.display().to_string(), &text)?;
        files.push((path, file, text));
    }
    let mut loaded = Loaded::default();
    for (path, file, text) in &files {
        for tenant_file in &file.tenant {
            let mut tenant = tenant_of(tenant_file, addresses).map_err(|e| at(path, &e))?;
            let place = Place { path, text };
            tenant.registration = registration::policy(tenant_file, &tenant, (base, keys), place)?;
            if loaded.desired.tenants.iter().any(|known| known.id == tenant.id) {
                return Err(at(path, &format!("tenant \"{}\" is defined twice", tenant.id)));
            }
            loaded.algs.push((tenant.id.clone(), algs(&tenant)));
            loaded.desired.tenants.push(tenant);
        }
    }
    let issuers: Vec<Issuer> = loaded
        .desired
        .tenants
        .iter()
        .map(|tenant| Issuer::new(tenant.clone(), base, vec![], keys))
        .collect();
    for (path, file, text) in &files {
        let beside = path.parent().unwrap_or(Path::new("."));
        let by = path.file_name().map(|name| name.to_string_lossy().into_owned());
        for client in &file.client {
            let issuer = issuer_of(&issuers, client.tenant.as_deref()).map_err(|e| at(path, &e))?;
            let made = client::record(client, issuer, beside, by.as_deref());
            let named = |e| at(path, &format!("client \"{}\": {e}", client.id));
            let (mut made, policy) = made.map_err(named)?;
            metadata::apply(&client.metadata, &mut made, policy, Place { path, text })?;
            let tenant = &issuer.tenant.id;
            needs(&mut loaded.algs, tenant, signing_algs(&made, policy));
            loaded.desired.clients.push((tenant.clone(), made));
        }
        for server in &file.resource_server {
            let issuer = issuer_of(&issuers, server.tenant.as_deref()).map_err(|e| at(path, &e))?;
            let made = client::resource_server(server, issuer, beside, by.as_deref());
            let named = |e| at(path, &format!("resource_server \"{}\": {e}", server.id));
            loaded.desired.clients.push((issuer.tenant.id.clone(), made.map_err(named)?));
        }
        for user in &file.user {
            let named = |e| at(path, &format!("user \"{}\": {e}", user.login));
            let made = user::record(user, by.as_deref()).map_err(named)?;
            let several = user.tenants.iter().flatten().map(|tenant| Some(tenant.as_str()));
            let mut tenants: Vec<Option<&str>> = several.collect();
            if tenants.is_empty() || user.tenant.is_some() {
                tenants.push(user.tenant.as_deref());
            }
            for tenant in tenants {
                let issuer = issuer_of(&issuers, tenant).map_err(|e| at(path, &e))?;
                loaded.desired.subjects.push((issuer.tenant.id.clone(), made.clone()));
            }
        }
    }
    unique(&loaded.desired)?;
    Ok(loaded)
}

/// A file and its text, for messages that name line and column.
#[derive(Clone, Copy)]
struct Place<'f> {
    path: &'f Path,
    text: &'f str,
}

impl Place<'_> {
    /// What is wrong with what stands at `byte`.
    fn at(self, byte: usize, what: &str) -> Failure {
        let (line, column) = toml_file::position(self.text, byte);
        Failure::config(format!("{}:{line}:{column}: {what}", self.path.display()))
    }
}

fn at(path: &Path, what: &str) -> Failure {
    Failure::config(format!("{}: {what}", path.display()))
}

fn issuer_of<'i>(issuers: &'i [Issuer], name: Option<&str>) -> Result<&'i Issuer, String> {
    let name = name.unwrap_or(ROOT_TENANT);
    issuers.iter().find(|issuer| issuer.tenant.id.as_str() == name).ok_or_else(|| {
        let known: Vec<&str> = issuers.iter().map(|i| i.tenant.id.as_str()).collect();
        match nearest(name, known.iter().copied()) {
            Some(meant) => format!("there is no tenant \"{name}\", did you mean \"{meant}\"?"),
            None => format!("there is no tenant \"{name}\"; known: {}", known.join(", ")),
        }
    })
}

fn unique(desired: &Desired) -> Result<(), Failure> {
    for (n, (tenant, client)) in desired.clients.iter().enumerate() {
        let twice = |(t, c): &&(TenantId, _)| {
            let c: &counterfoil_engine::client::Client = c;
            t == tenant && c.id == client.id
        };
        if desired.clients[..n].iter().any(|known| twice(&known)) {
            return Err(Failure::config(format!("client \"{}\" is defined twice", client.id)));
        }
    }
    for (n, (tenant, user)) in desired.subjects.iter().enumerate() {
        if desired.subjects[..n].iter().any(|(t, u)| t == tenant && u.login == user.login) {
            return Err(Failure::config(format!("user \"{}\" is defined twice", user.login)));
        }
        if desired.subjects[..n].iter().any(|(t, u)| t == tenant && u.id == user.id) {
            return Err(Failure::config(format!("two users have the id \"{}\"", user.id)));
        }
    }
    let mut subjects = std::collections::BTreeSet::new();
    for (tenant, client) in &desired.clients {
        for subject in &client.assertion_subjects {
            if !subjects.insert((tenant, subject)) {
                let what = format!("the assertion subject \"{subject}\" is named twice");
                return Err(Failure::config(what));
            }
        }
    }
    Ok(())
}

fn tenant_of(file: &TenantFile, addresses: &Addresses) -> Result<Tenant, String> {
    let bad = |what: &str| format!("tenant \"{}\": {what}", file.id);
    let id = TenantId::parse(&file.id)
        .map_err(|_| bad("an id has letters, digits, - _ and . only, at most 64"))?;
    let is_root = file.id == ROOT_TENANT;
    let mount = match (file.mount.as_deref(), is_root) {
        (None | Some("root"), true) => Mount::Root,
        (Some("root"), false) => return Err(bad("only the tenant \"default\" lives at the root")),
        (None | Some("path"), false) => Mount::Path,
        (Some("realm"), false) => Mount::Realm { issuer_path: issuer_path(file)?.into() },
        (Some("path" | "realm"), true) => return Err(bad("lives at the root, no mount is needed")),
        (Some(other), _) => return Err(bad(&format!("mount = \"{other}\" is not path or realm"))),
    };
    let in_realm = matches!(mount, Mount::Realm { .. });
    let mut surfaces = vec![];
    for name in &file.surfaces {
        let surface = surfaces::named(name).ok_or_else(|| {
            let known = || surfaces::ALL.iter().map(|s| s.name());
            let meant = nearest(name, known()).map(|m| format!(", did you mean \"{m}\"?"));
            let known = known().collect::<Vec<_>>().join(", ");
            bad(&format!("no surface \"{name}\"{}", meant.unwrap_or(format!("; known: {known}"))))
        })?;
        if surface.in_realms() != in_realm {
            let needs =
                if surface.in_realms() { "needs mount = \"realm\"" } else { "is for no realm" };
            return Err(bad(&format!("surface \"{name}\" {needs}")));
        }
        surfaces
            .push(EnabledSurface { name: name.as_str().into(), switches: switches(name, file)? });
    }
    apart(&surfaces).map_err(|e| bad(&e))?;
    let name = file.name.clone().unwrap_or_else(|| file.id.clone()).into();
    let https_required = file.https_required.unwrap_or(false);
    let own = https_required && !addresses.base.starts_with("https://");
    let base = addresses.https.as_deref().filter(|_| own).map(Into::into);
    Ok(Tenant {
        id,
        name,
        mount,
        surfaces,
        enabled: file.enabled.unwrap_or(true),
        base,
        mtls_base: addresses.mtls.as_deref().filter(|_| https_required).map(Into::into),
        https_required,
        registration: None,
        resources: resources(file).map_err(|e| bad(&e))?,
    })
}

/// The identifiers of resource servers.
fn resources(file: &TenantFile) -> Result<Vec<Box<str>>, String> {
    let named = file.resources.as_deref().unwrap_or_default();
    if named.len() > RESOURCES_KNOWN_MAX {
        return Err(format!("more than {RESOURCES_KNOWN_MAX} resources"));
    }
    match named.iter().find(|name| !target::is_identifier(name)) {
        Some(name) => Err(format!("resource \"{name}\" is no absolute URI without a fragment")),
        None => Ok(named.iter().map(|name| name.as_str().into()).collect()),
    }
}

/// A surface is found by the path, so no two of a tenant may answer at one.
fn apart(enabled: &[EnabledSurface]) -> Result<(), String> {
    let mut taken: Vec<(&str, &str)> = vec![];
    for surface in enabled.iter().filter_map(|enabled| surfaces::named(&enabled.name)) {
        for route in surface.routes() {
            let other =
                taken.iter().find(|(path, by)| *path == route.path && *by != surface.name());
            if let Some((path, by)) = other {
                let name = surface.name();
                return Err(format!("surfaces \"{by}\" and \"{name}\" both answer at {path}"));
            }
            taken.push((route.path, surface.name()));
        }
    }
    Ok(())
}

fn issuer_path(file: &TenantFile) -> Result<String, String> {
    let (with, without) = (format!("/auth/realms/{}", file.id), format!("/realms/{}", file.id));
    match &file.worldline.issuer_path {
        None => Ok(with),
        Some(path) if *path == with || *path == without => Ok(path.clone()),
        Some(path) => Err(format!(
            "tenant \"{}\": issuer_path = \"{path}\" is not {with} or {without}",
            file.id
        )),
    }
}

fn switches(surface: &str, file: &TenantFile) -> Result<Switches, String> {
    let mut switches = Switches::default();
    let bad = |key: &str, value: &str, known: &str| {
        Err(format!("tenant \"{}\": {key} = \"{value}\"; one of: {known}", file.id))
    };
    match surface {
        "fintecture" => match file.fintecture.errors.as_deref() {
            None | Some("fintecture") => {}
            Some("rfc6749") => switches.rfc6749_errors = true,
            Some(other) => return bad("errors", other, "fintecture, rfc6749"),
        },
        "mx" => {
            switches.strict = file.mx.strict.unwrap_or(false);
            switches.iss = file.mx.iss.unwrap_or(true);
            match file.mx.scope_error.as_deref() {
                None | Some("redirect") => {}
                Some("400") => switches.scope_error_400 = true,
                Some(other) => return bad("scope_error", other, "redirect, 400"),
            }
        }
        _ => switches.keycloak_compat = file.worldline.keycloak_compat.unwrap_or(false),
    }
    Ok(switches)
}

/// Adds what a client needs to what its tenant has.
fn needs(all: &mut [(TenantId, Vec<Alg>)], tenant: &TenantId, algs: Vec<Alg>) {
    if let Some((_, known)) = all.iter_mut().find(|(known, _)| known == tenant) {
        let new: Vec<Alg> = algs.into_iter().filter(|alg| !known.contains(alg)).collect();
        known.extend(new);
    }
}

/// The algorithms that the surfaces of a tenant sign with.
fn algs(tenant: &Tenant) -> Vec<Alg> {
    let mut algs = vec![];
    for enabled in &tenant.surfaces {
        let Some(surface) = surfaces::named(&enabled.name) else { continue };
        let policy = surface.policy(&enabled.switches);
        if let IdToken::Signed { alg, .. } = policy.id_token {
            algs.push(alg);
        }
        if let AccessFormat::Jwt { alg, .. } = policy.access_format {
            algs.push(alg);
        }
        // What an answer is signed with for a client that registered no algorithm.
        if policy.authorization.response_modes.iter().any(|mode| mode.is_signed()) {
            algs.extend(policy.algs.first());
        }
    }
    let mut once: Vec<Alg> = vec![];
    algs.retain(|alg| {
        !once.contains(alg) && {
            once.push(*alg);
            true
        }
    });
    algs
}
