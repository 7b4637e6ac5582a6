//! Settings: `counterfoil.toml`, then `counterfoil.d/*.toml`, then `COUNTERFOIL_*`. Read once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use counterfoil_engine::engine::AuditMode;
use serde::Deserialize;

use crate::failure::Failure;
use crate::keyfile::Source;
use crate::nearest::nearest;
use crate::proxy::Proxies;
use crate::toml_file;

/// One file of settings: every key optional, none unknown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The address under which clients and customers reach this server, such as
    /// `https://auth.bank.example`. Required. No slash at the end.
    pub issuer: Option<String>,
    /// The folder of the store, the key file and the journal.
    pub state: Option<PathBuf>,
    /// Where records are kept: `sqlite:PATH`. Default: `store.db` in the state folder.
    pub store: Option<String>,
    /// The folder of `*.toml` files with tenants, clients and users.
    pub resources: Option<PathBuf>,
    /// The folder of templates that replace ours.
    pub templates: Option<PathBuf>,
    /// Which events are kept of requests that change nothing: `changes`, `tokens`, `every-token`.
    pub audit: Option<String>,
    /// Where the server listens.
    pub listen: Option<Listen>,
    /// The server's certificate.
    pub tls: Option<Tls>,
    /// Calls to addresses that clients registered.
    pub egress: Option<EgressFile>,
    /// Certificates of clients.
    pub mtls: Option<MtlsFile>,
    /// A proxy in front.
    pub proxy: Option<ProxyFile>,
}

/// Where the server listens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// HTTPS; needs `[tls]`.
    pub public: Option<SocketAddr>,
    /// Plain HTTP, for a proxy in front or a test on this machine.
    pub plain: Option<SocketAddr>,
    /// HTTPS that asks clients for a certificate; needs `[tls]`.
    pub mtls: Option<SocketAddr>,
}

/// The server's certificate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain, PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
}

/// Calls to addresses that clients registered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgressFile {
    /// Certificate authorities that are trusted besides those of the system, PEM.
    pub ca: Option<PathBuf>,
}

/// Certificates of clients.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MtlsFile {
    /// The authorities whose certificates may speak by their names (`tls_client_auth`), PEM.
    pub ca: Option<PathBuf>,
}

/// A proxy in front.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyFile {
    /// Addresses and networks, separated by commas, whose `Client-Cert` header is believed.
    pub client_cert_from: Option<String>,
}

/// Every key with its type, for the environment and for `config show`.
const KEYS: [&str; 14] = [
    "issuer",
    "state",
    "store",
    "resources",
    "templates",
    "audit",
    "listen.public",
    "listen.plain",
    "listen.mtls",
    "tls.cert",
    "tls.key",
    "egress.ca",
    "mtls.ca",
    "proxy.client_cert_from",
];

/// Settings that are complete and make sense.
#[derive(Clone, Debug)]
pub struct Settings {
    /// See [`File::issuer`].
    pub issuer: String,
    /// See [`File::state`].
    pub state: PathBuf,
    /// See [`File::store`].
    pub store: String,
    /// See [`File::resources`].
    pub resources: PathBuf,
    /// See [`File::templates`].
    pub templates: Option<PathBuf>,
    /// See [`File::audit`].
    pub audit: AuditMode,
    /// See [`Listen::public`].
    pub public: Option<SocketAddr>,
    /// See [`Listen::plain`].
    pub plain: Option<SocketAddr>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// See [`Listen::mtls`].
    pub mtls: Option<SocketAddr>,
    /// See [`MtlsFile::ca`].
    pub mtls_ca: Option<PathBuf>,
    /// See [`ProxyFile::client_cert_from`].
    pub proxies: Proxies,
    /// See [`EgressFile::ca`].
    pub egress_ca: Option<PathBuf>,
    /// The key file in the state folder, or what [`KEYS_TEXT`] or [`KEYS_FILE`] say.
    pub keys: Source,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// As text.
    pub text: String,
    /// `default`, a file and line, or a variable.
    pub origin: String,
}

/// All keys with their values and origins.
pub type Effective = BTreeMap<&'static str, Value>;

/// Reads the settings. `environment` are the variables of the process.
///
/// # Errors
/// [`Failure::config`] with the place of the fault.
pub fn load(
    path: &Path,
    environment: &[(String, String)],
) -> Result<(Settings, Effective), Failure> {
    let mut effective = Effective::new();
    let mut files = vec![path.to_owned()];
    let folder = path.with_extension("d");
    files.extend(toml_files(&folder)?);
    for file in &files {
        let text = toml_file::text(file)?;
        let name = file.display().to_string();
        let parsed: File = toml_file::parse(&name, &text)?;
        for (key, value) in values(&parsed) {
            let line = line_of(&text, key);
            let origin = format!("{name}:{line}");
            effective.insert(key, Value { text: value, origin });
        }
    }
    overlay(&mut effective, environment)?;
    let base = path.parent().unwrap_or(Path::new("."));
    let mut settings = complete(&mut effective, base)?;
    settings.keys = keys(&settings.state, environment)?;
    let origin = match &settings.keys {
        Source::State(_) => "default".into(),
        Source::File(_) => format!("variable {KEYS_FILE}"),
        Source::Text(_) => format!("variable {KEYS_TEXT}"),
    };
    effective.insert("keys", Value { text: settings.keys.to_string(), origin });
    Ok((settings, effective))
}

/// Where the keys come from.
fn keys(state: &Path, environment: &[(String, String)]) -> Result<Source, Failure> {
    let variable = |name: &str| {
        environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    match (variable(KEYS_TEXT), variable(KEYS_FILE)) {
        (None, None) => Ok(Source::State(key_file(state))),
        (Some(text), None) => Ok(Source::Text(text.to_owned().into())),
        (None, Some(path)) => Ok(Source::File(path.into())),
        (Some(_), Some(_)) => Err(Failure::config(format!(
            "{KEYS_TEXT} and {KEYS_FILE} are set: leave one of them out"
        ))),
    }
}

/// The key file of a state folder.
#[must_use]
pub fn key_file(state: &Path) -> PathBuf {
    state.join("keys/handle-keys.toml")
}

/// The `*.toml` files of a folder in the order of their names; none when it does not exist.
///
/// # Errors
/// [`Failure::config`] when it cannot be read.
pub fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.exists() {
        return Ok(vec![]);
    }
    let told = |e: std::io::Error| Failure::config(format!("{}: {e}", folder.display()));
    let mut files = vec![];
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn values(file: &File) -> Vec<(&'static str, String)> {
    let path = |p: &Option<PathBuf>| p.as_ref().map(|p| p.display().to_string());
    let address = |a: Option<SocketAddr>| a.map(|a| a.to_string());
    let listen = file.listen.clone().unwrap_or_default();
    let tls = file.tls.clone().unwrap_or_default();
    let all = [
        file.issuer.clone(),
        path(&file.state),
        file.store.clone(),
        path(&file.resources),
        path(&file.templates),
        file.audit.clone(),
        address(listen.public),
        address(listen.plain),
        address(listen.mtls),
        path(&tls.cert),
        path(&tls.key),
        path(&file.egress.clone().unwrap_or_default().ca),
        path(&file.mtls.clone().unwrap_or_default().ca),
        file.proxy.clone().unwrap_or_default().client_cert_from,
    ];
    KEYS.into_iter().zip(all).filter_map(|(key, value)| Some((key, value?))).collect()
}

/// The line of a key: in its section, or at the top.
fn line_of(text: &str, key: &str) -> usize {
    let (section, name) = key.split_once('.').map_or(("", key), |(s, n)| (s, n));
    let mut current = "";
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            current = header.trim();
        } else if let Some((left, _)) = line.split_once('=') {
            let left = left.trim();
            if (current == section && left == name) || (current.is_empty() && left == key) {
                return n + 1;
            }
        }
    }
    1
}

/// The text of the key file, where no file is wanted; never in a file of settings.
const KEYS_TEXT: &str = "COUNTERFOIL_KEYS";
/// Where the key file is, other than in the state folder.
const KEYS_FILE: &str = "COUNTERFOIL_KEYS_FILE";

const PREFIX: &str = "COUNTERFOIL_";
/// Variables that are not settings: the keys, and the tests' way to find a binary.
const OTHERS: [&str; 7] = [
    KEYS_TEXT,
    KEYS_FILE,
    "COUNTERFOIL_BINARY",
    "COUNTERFOIL_KILLS",
    "COUNTERFOIL_POSTGRES",
    "COUNTERFOIL_POSTGRES_PROGRAMS",
    "COUNTERFOIL_SEEDS",
];

fn overlay(effective: &mut Effective, environment: &[(String, String)]) -> Result<(), Failure> {
    let names: Vec<String> = KEYS
        .iter()
        .map(|key| format!("{PREFIX}{}", key.replace('.', "__").to_uppercase()))
        .collect();
    for (name, value) in environment {
        if !name.starts_with(PREFIX) || OTHERS.contains(&name.as_str()) {
            continue;
        }
        let (bare, from_file) =
            name.strip_suffix("_FILE").map_or((name.as_str(), false), |bare| (bare, true));
        let Some(at) = names.iter().position(|known| known == bare) else {
            let meant = nearest(name, names.iter().map(String::as_str));
            let meant = meant.map_or(String::new(), |meant| format!(", did you mean {meant}?"));
            return Err(Failure::config(format!("unknown variable {name}{meant}")));
        };
        let text = if from_file {
            toml_file::text(Path::new(value))?.trim_end().to_owned()
        } else {
            value.clone()
        };
        effective.insert(KEYS[at], Value { text, origin: format!("variable {name}") });
    }
    Ok(())
}

fn complete(effective: &mut Effective, base: &Path) -> Result<Settings, Failure> {
    let mut default = |key: &'static str, text: String| {
        let value = Value { text, origin: "default".into() };
        effective.entry(key).or_insert(value);
    };
    default("state", ".counterfoil".into());
    default("resources", "resources".into());
    default("audit", "changes".into());
    let known = effective.clone();
    let get = |key: &str| known.get(key).map(|v| (v.text.clone(), v.origin.clone()));
    let folder = |text: &str| base.join(text);
    let text = |key: &str| get(key).map(|(text, _)| text);

    let issuer = text("issuer").ok_or(Failure::config(
        "issuer is not set: the address under which clients reach this server, such as \
         issuer = \"https://auth.bank.example\"",
    ))?;
    check_issuer(&issuer)?;
    let state = folder(&text("state").unwrap_or_default());
    let store = match text("store") {
        Some(url) => url,
        None => {
            let path = format!("sqlite:{}", state.join("store.db").display());
            let value = Value { text: path.clone(), origin: "default".into() };
            effective.insert("store", value);
            path
        }
    };
    let audit = audit(&text("audit").unwrap_or_default())?;
    let address = |key: &str| match get(key) {
        None => Ok(None),
        Some((text, origin)) => text.parse().map(Some).map_err(|_| {
            let what = "is no address and port such as 0.0.0.0:443";
            Failure::config(format!("{key} = \"{text}\" ({origin}) {what}"))
        }),
    };
    let (public, plain): (Option<SocketAddr>, Option<SocketAddr>) =
        (address("listen.public")?, address("listen.plain")?);
    let mtls: Option<SocketAddr> = address("listen.mtls")?;
    let tls = match (text("tls.cert"), text("tls.key")) {
        (Some(cert), Some(key)) => Some((folder(&cert), folder(&key))),
        (None, None) => None,
        (Some(_), None) => return Err(Failure::config("tls.cert is set and tls.key is not")),
        (None, Some(_)) => return Err(Failure::config("tls.key is set and tls.cert is not")),
    };
    check_listeners((public, plain, mtls), tls.is_some())?;
    let resources = folder(&text("resources").unwrap_or_default());
    let templates = text("templates").map(|t| folder(&t));
    let proxies = proxies(text("proxy.client_cert_from"))?;
    let mtls_ca = text("mtls.ca").map(|t| folder(&t));
    let egress_ca = text("egress.ca").map(|t| folder(&t));
    Ok(Settings {
        issuer,
        keys: Source::State(key_file(&state)),
        state,
        store,
        resources,
        templates,
        audit,
        public,
        plain,
        tls,
        mtls,
        mtls_ca,
        proxies,
        egress_ca,
    })
}

fn check_listeners(
    (public, plain, mtls): (Option<SocketAddr>, Option<SocketAddr>, Option<SocketAddr>),
    tls: bool,
) -> Result<(), Failure> {
    if mtls.is_some() && !tls {
        return Err(Failure::config("listen.mtls is set and [tls] is not"));
    }
    if public.is_some() && !tls {
        let text = "listen.public is set and [tls] is not: set tls.cert and tls.key, or use \
                    listen.plain behind a proxy";
        return Err(Failure::config(text));
    }
    if public.is_none() && plain.is_none() {
        return Err(Failure::config("nothing to listen on: set listen.public or listen.plain"));
    }
    Ok(())
}

fn proxies(text: Option<String>) -> Result<Proxies, Failure> {
    let Some(text) = text else { return Ok(Proxies::default()) };
    let what = "lists something that is no address and no network such as 10.0.0.0/8";
    Proxies::parse(&text)
        .ok_or_else(|| Failure::config(format!("proxy.client_cert_from = \"{text}\" {what}")))
}

fn audit(text: &str) -> Result<AuditMode, Failure> {
    match text {
        "changes" => Ok(AuditMode::Changes),
        "tokens" => Ok(AuditMode::Tokens),
        "every-token" => Ok(AuditMode::EveryToken),
        other => Err(Failure::config(format!(
            "audit = \"{other}\" is not known; one of: changes, tokens, every-token"
        ))),
    }
}

fn check_issuer(issuer: &str) -> Result<(), Failure> {
    let bad = |what: &str| Err(Failure::config(format!("issuer = \"{issuer}\" {what}")));
    if issuer.ends_with('/') {
        return bad("must not end with a slash: clients compare it byte for byte");
    }
    match url::Url::parse(issuer) {
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            bad("must not have a query or a fragment")
        }
        Ok(url) if url.path() != "/" => bad("must not have a path: tenants add theirs"),
        Ok(url) if url.scheme() == "https" => Ok(()),
        Ok(url) if url.scheme() == "http" && local(&url) => Ok(()),
        Ok(_) => bad("must start with https:// (http:// only for this machine)"),
        Err(_) => bad("is no address such as https://auth.bank.example"),
    }
}

fn local(url: &url::Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// The variables of the process. The only place that looks.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(environment: &[(&str, &str)], text: &str) -> Result<(Settings, Effective), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counterfoil.toml");
        std::fs::write(&path, text).unwrap();
        let environment: Vec<_> =
            environment.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        load(&path, &environment).map_err(|e| e.text)
    }

    const GOOD: &str =
        "issuer = \"https://auth.bank.example\"\n[listen]\nplain = \"127.0.0.1:0\"\n";

    #[test]
    fn the_environment_wins_and_every_value_knows_where_it_came_from() {
        let (settings, effective) =
            told(&[("COUNTERFOIL_LISTEN__PLAIN", "127.0.0.1:9")], GOOD).unwrap();
        assert_eq!(settings.plain.unwrap().port(), 9);
        assert_eq!(effective["listen.plain"].origin, "variable COUNTERFOIL_LISTEN__PLAIN");
        assert!(effective["issuer"].origin.ends_with("counterfoil.toml:1"));
        assert_eq!(effective["audit"].origin, "default");
    }

    #[test]
    fn a_variable_that_nobody_knows_is_an_error_with_the_nearest_name() {
        let told = told(&[("COUNTERFOIL_ISUER", "x")], GOOD).unwrap_err();
        assert_eq!(told, "unknown variable COUNTERFOIL_ISUER, did you mean COUNTERFOIL_ISSUER?");
    }

    #[test]
    fn keys_come_from_the_state_folder_a_file_or_a_variable() {
        let keys = |environment: &[(&str, &str)]| {
            told(environment, GOOD).map(|(settings, _)| settings.keys.to_string())
        };
        assert!(keys(&[]).unwrap().ends_with(".counterfoil/keys/handle-keys.toml"));
        assert_eq!(keys(&[("COUNTERFOIL_KEYS_FILE", "/run/keys")]).unwrap(), "/run/keys");
        assert_eq!(keys(&[("COUNTERFOIL_KEYS", "pepper = 1")]).unwrap(), "COUNTERFOIL_KEYS");
        let both = [("COUNTERFOIL_KEYS", "a"), ("COUNTERFOIL_KEYS_FILE", "b")];
        assert!(keys(&both).unwrap_err().contains("leave one of them out"));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_with_a_reason() {
        for (text, reason) in [
            ("[listen]\nplain = \"127.0.0.1:0\"\n", "issuer is not set"),
            ("issuer = \"https://a.example/\"\n", "must not end with a slash"),
            ("issuer = \"http://a.example\"\n", "must start with https://"),
            ("issuer = \"https://a.example\"\n", "nothing to listen on"),
            ("issuer = \"https://a.example\"\n[listen]\npublic = \"0.0.0.0:1\"\n", "[tls] is not"),
            (
                "issuer = \"https://a.example\"\n[listen]\nmtls = \"0.0.0.0:1\"\n",
                "listen.mtls is set",
            ),
            (
                "issuer = \"https://a.example\"\n[listen]\nplain = \"0.0.0.0:1\"\n\
                 [proxy]\nclient_cert_from = \"proxy.example\"\n",
                "lists something that is no address",
            ),
            ("issuer = \"https://a.example\"\naudit = \"all\"\n", "one of: changes"),
            ("issuer = \"https://a.example\"\n[listne]\n", "did you mean \"listen\""),
        ] {
            let told = told(&[], text).unwrap_err();
            assert!(told.contains(reason), "{text}: {told}");
        }
    }
}
