//! Where the database is: a URL with one or several hosts, and what must hold of the way there.

use std::fmt;
use std::path::Path;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::tls::Tls;
use crate::limits::{POSTGRES_CONNECT_TIMEOUT, POSTGRES_KEEPALIVE};
use crate::open::OpenError;

/// The schema when the URL names none.
const SCHEMA: &str = "counterfoil";
/// What PostgreSQL keeps of a name.
const NAME_LEN_MAX: usize = 63;
const PORT: u16 = 5_432;

/// See the module.
#[derive(Clone)]
pub(super) struct Address {
    hosts: Vec<(Host, u16)>,
    base: Config,
    /// Where our tables are.
    pub(super) schema: Box<str>,
    /// Absent on a socket of this machine, or where the operator does without.
    pub(super) tls: Tls,
    shown: Box<str>,
}

/// What the URL says that is ours, not the driver's.
#[derive(Default)]
struct Ours<'u> {
    schema: Option<&'u str>,
    sslmode: Option<&'u str>,
    sslrootcert: Option<&'u str>,
}

impl Address {
    /// Reads `postgres://USER:PASSWORD@HOST[:PORT][,HOST…]/DATABASE?…`.
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let shown: Box<str> = without_password(url).into();
        let wrong = |found: String, fix: &str| OpenError::refused(&shown, found, fix);
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (ours, theirs) = sorted(query);
        let whole = if theirs.is_empty() { place.into() } else { format!("{place}?{theirs}") };
        let config: Config = whole.parse().map_err(|why: tokio_postgres::Error| {
            wrong(told(&why), "write postgres://USER:PASSWORD@HOST/DATABASE")
        })?;
        let attrs = config.get_target_session_attrs();
        if !matches!(attrs, TargetSessionAttrs::ReadWrite | TargetSessionAttrs::Any) {
            let found = "target_session_attrs is not read-write".into();
            return Err(wrong(found, "leave it out: the store writes"));
        }
        let hosts = hosts(&config);
        if hosts.is_empty() {
            return Err(wrong("the URL names no host".into(), "write one before the database"));
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(wrong("the URL names no database".into(), "write it after the last slash"));
        }
        let schema = ours.schema.unwrap_or(SCHEMA);
        if !is_name(schema) {
            let found = format!("\"{schema}\" is no name of a schema");
            return Err(wrong(found, "use a-z, 0-9 and _, at most 63 of them"));
        }
        let tls = tls(&ours, &hosts).map_err(|(found, fix)| wrong(found, fix))?;
        Ok(Self { hosts, base: base(&config), schema: schema.into(), tls, shown })
    }

    /// The way to each host, in the order written.
    pub(super) fn ways(&self) -> impl Iterator<Item = (String, Config)> {
        self.hosts.iter().map(|(host, port)| {
            let mut config = self.base.clone();
            let name = match host {
                Host::Tcp(name) => {
                    config.host(name);
                    format!("{name}:{port}")
                }
                Host::Unix(folder) => {
                    config.host_path(folder);
                    format!("{}/.s.PGSQL.{port}", folder.display())
                }
            };
            let encrypted = self.tls.is_there() && matches!(host, Host::Tcp(_));
            config.port(*port);
            config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
            (name, config)
        })
    }

    /// The role, for messages about rights.
    pub(super) fn user(&self) -> &str {
        self.base.get_user().unwrap_or("the role")
    }

    /// The database, for the same.
    pub(super) fn database(&self) -> &str {
        self.base.get_dbname().unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The URL as it may be shown: without a password. Text that is no URL shows its scheme only.
#[must_use]
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return format!("{}:…", url.split(':').next().unwrap_or_default());
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let place = match place.rsplit_once('@') {
        Some((who, hosts)) => format!("{}@{hosts}", who.split(':').next().unwrap_or_default()),
        None => place.to_owned(),
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.to_ascii_lowercase().contains("pass"))
        .collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    format!("{scheme}://{place}{query}")
}

/// A driver's error with its reason, which it leaves to `source`.
pub(super) fn told(why: &tokio_postgres::Error) -> String {
    if let Some(told) = why.as_db_error() {
        return format!("{} (SQLSTATE {})", told.message(), told.code().code());
    }
    match std::error::Error::source(why) {
        Some(reason) => format!("{why}: {reason}").replace("error connecting to server: ", ""),
        None => why.to_string(),
    }
}

fn sorted(query: &str) -> (Ours<'_>, String) {
    let (mut ours, mut theirs) = (Ours::default(), vec![]);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("schema", name)) => ours.schema = Some(name),
            Some(("sslmode", mode)) => ours.sslmode = Some(mode),
            Some(("sslrootcert", path)) => ours.sslrootcert = Some(path),
            Some(_) | None => theirs.push(pair),
        }
    }
    (ours, theirs.join("&"))
}

fn hosts(config: &Config) -> Vec<(Host, u16)> {
    let ports = config.get_ports();
    let port = |at: usize| match ports {
        [] => PORT,
        [one] => *one,
        many => many.get(at).copied().unwrap_or(PORT),
    };
    let hosts = config.get_hosts().iter().enumerate();
    hosts.map(|(at, host)| (host.clone(), port(at))).collect()
}

/// Everything but the way there.
fn base(config: &Config) -> Config {
    let mut base = Config::new();
    if let Some(user) = config.get_user() {
        base.user(user);
    }
    if let Some(password) = config.get_password() {
        base.password(password);
    }
    if let Some(database) = config.get_dbname() {
        base.dbname(database);
    }
    if let Some(options) = config.get_options() {
        base.options(options);
    }
    base.application_name(config.get_application_name().unwrap_or("counterfoil"));
    base.connect_timeout(*config.get_connect_timeout().unwrap_or(&POSTGRES_CONNECT_TIMEOUT));
    // A host that is gone without a word is noticed also by who waits for its answer.
    base.tcp_user_timeout(POSTGRES_KEEPALIVE * 3);
    base.keepalives_idle(POSTGRES_KEEPALIVE);
    base.keepalives_interval(POSTGRES_KEEPALIVE);
    base.keepalives_retries(2);
    base
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= NAME_LEN_MAX
        && name.bytes().all(plain)
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// Whoever can read the way to the database can read passwords of people and wrapped keys; whoever
/// can change what is on it decides what is committed. So it is encrypted and checked wherever it
/// leaves this machine, unless the operator says in words that it need not be.
fn tls(ours: &Ours<'_>, hosts: &[(Host, u16)]) -> Result<Tls, (String, &'static str)> {
    let away = hosts.iter().any(|(host, _)| leaves_this_machine(host));
    match (ours.sslmode, ours.sslrootcert) {
        (Some("disable"), None) => Ok(Tls::none()),
        (Some("disable"), Some(_)) => {
            Err(("sslmode=disable and sslrootcert".into(), "leave one of them out"))
        }
        (Some("verify-full") | None, Some(path)) => Tls::of(Path::new(path))
            .map_err(|found| (found, "sslrootcert is a PEM file of the authority to trust")),
        (None, None) if !away => Ok(Tls::none()),
        (Some("verify-full") | None, None) => Err((
            "no sslrootcert, and a host that is not this machine".into(),
            "add sslrootcert=FILE with the authority that signed the server's certificate, or \
             sslmode=disable where the network is trusted",
        )),
        (Some(other), _) => Err((
            format!("sslmode={other}"),
            "use verify-full, the default where sslrootcert is given, or disable",
        )),
    }
}

fn leaves_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => false,
        Host::Tcp(name) if name == "localhost" => false,
        Host::Tcp(name) => {
            !name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Address::parse(url).map(|address| address.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn several_hosts_are_tried_in_the_order_written() {
        let url = "postgres://oauth:s3cret@127.0.0.1:5433,localhost/bank?schema=tokens";
        let address = Address::parse(url).unwrap();
        let ways: Vec<_> = address.ways().map(|(name, _)| name).collect();
        assert_eq!(ways, ["127.0.0.1:5433", "localhost:5432"]);
        assert_eq!(&*address.schema, "tokens");
        assert_eq!(address.user(), "oauth");
        let socket = Address::parse("postgresql://oauth@%2Frun%2Fpg:5440/bank").unwrap();
        assert_eq!(socket.ways().next().unwrap().0, "/run/pg/.s.PGSQL.5440");
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://oauth:s3cret@127.0.0.1/bank",
            "postgres://oauth:s3c@cret@127.0.0.1/bank?password=s3cret&sslpassword=s3cret",
            "postgres://oauth:s3cret@127.0.0.1/",
            "postgres://oauth:s3cret@127.0.0.1:x/bank",
            "postgres:oauth:s3cret@127.0.0.1/bank",
            "postgres://oauth:s3cret@db.bank.example/bank",
        ] {
            let shown = match Address::parse(url) {
                Ok(address) => address.to_string(),
                Err(why) => why.to_string(),
            };
            assert!(!shown.contains("s3c") && !shown.contains("cret"), "{url}: {shown}");
        }
        let kept = without_password("postgres://a:b@h1,h2:2/d?schema=x");
        assert_eq!(kept, "postgres://a@h1,h2:2/d?schema=x");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_to_do() {
        for (url, reason) in [
            ("postgres://127.0.0.1/bank?shcema=a", "shcema"),
            ("postgres://127.0.0.1:port/bank", "port"),
            ("postgres:///bank", "names no host"),
            ("postgres://127.0.0.1", "names no database"),
            ("postgres://127.0.0.1/bank?schema=a\"b", "no name of a schema"),
            ("postgres://127.0.0.1/bank?schema=1a", "no name of a schema"),
            ("postgres://127.0.0.1/bank?target_session_attrs=read-only", "the store writes"),
            ("postgres://db.bank.example/bank", "add sslrootcert=FILE"),
            ("postgres://db.bank.example/bank?sslmode=require", "use verify-full"),
            ("postgres://127.0.0.1/bank?sslrootcert=/no/such.pem", "/no/such.pem"),
            ("postgres://127.0.0.1/bank?sslmode=disable&sslrootcert=/a", "leave one"),
        ] {
            let told = refused(url);
            assert!(told.contains(reason), "{url}: {told}");
        }
    }
}
