//! What can be typed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod playing;

pub(super) use playing::{Auth, FlowOptions, Kind, OpenId, Sender, TokenOptions, Vendor};

/// The token and consent authority for open banking
#[derive(Debug, Parser)]
#[command(
    name = "counterfoil",
    version,
    after_help = "Exit codes: 0 done, 1 refused or failed, 2 usage, 3 configuration invalid, 4 server unreachable."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server with seeded clients and customers, on this machine only
    Sandbox(SandboxOptions),
    /// Run the server from a configuration file; SIGHUP reloads its resources
    Serve {
        /// The configuration file
        #[arg(long, default_value = "counterfoil.toml")]
        config: PathBuf,
    },
    /// Get an access token from a running sandbox, as a client would
    Token(TokenOptions),
    /// Play a whole flow against a running sandbox, every step printed
    Flow(FlowOptions),
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Look at the clients in the store, or keep one out
    Client {
        #[command(subcommand)]
        verb: ClientVerb,
    },
    /// Look at the signing keys of a running server, or let new ones follow
    Key {
        #[command(subcommand)]
        verb: KeyVerb,
    },
    /// Bring the tables of a store at a server up to date
    Migrate {
        #[command(subcommand)]
        verb: MigrateVerb,
    },
    /// Say whether a running server is ready, and what keeps it from being so
    Status(StatusOptions),
    /// Copy a store while the server runs, or look at a copy
    Backup {
        #[command(subcommand)]
        verb: BackupVerb,
    },
    /// Put a copy in the place of the store, or accept one that was put there
    Restore(RestoreOptions),
    /// Say what happened: for a reference such as 7H2K-9QXD, or a code such as E2031
    Explain {
        /// A reference, a request id, or a code
        what: String,
        /// The state folder of the server
        #[arg(long, default_value = ".counterfoil")]
        state: PathBuf,
    },
    /// Make certificates for tests, under the authority of a sandbox
    Cert {
        #[command(subcommand)]
        verb: CertVerb,
    },
    /// Look at a JWT, or check it
    Jwt {
        #[command(subcommand)]
        verb: JwtVerb,
    },
    /// Look at a key
    Jwk {
        #[command(subcommand)]
        verb: JwkVerb,
    },
    /// Print the completion script of a shell
    Completion {
        /// The shell
        shell: Shell,
    },
    /// Print a manual page, or write all of them
    Man {
        /// The command; this program when left out
        command: Option<String>,
        /// Write every page into this folder instead
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Print the version
    Version,
}

#[derive(Debug, Args)]
pub(super) struct SandboxOptions {
    /// Where to listen for HTTP; port 0 picks a free one
    #[arg(long, default_value_t = local(8080))]
    listen: SocketAddr,
    /// Where to listen for HTTPS; port 0 picks a free one
    #[arg(long, default_value_t = local(8443))]
    tls_listen: SocketAddr,
    /// Where to listen for HTTPS that asks clients for a certificate; port 0 picks a free one
    #[arg(long, default_value_t = local(8444))]
    mtls_listen: SocketAddr,
    /// Where the store, the keys and the resources are kept
    #[arg(long, default_value = ".counterfoil", conflicts_with = "ephemeral")]
    state: PathBuf,
    /// Keep nothing: a new sandbox every time
    #[arg(long)]
    ephemeral: bool,
    /// Print one line of JSON when ready, for test suites
    #[arg(long)]
    json: bool,
    /// Trust this certificate authority (PEM) when calling clients, besides the sandbox's own
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Listen on an address that others can reach, although every password is known
    #[arg(long = "i-know-this-is-insecure")]
    insecure: bool,
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl From<SandboxOptions> for crate::sandbox::Options {
    fn from(options: SandboxOptions) -> Self {
        let SandboxOptions {
            listen,
            tls_listen,
            mtls_listen,
            state,
            ephemeral,
            json,
            trust,
            insecure,
        } = options;
        Self { listen, tls_listen, mtls_listen, state, ephemeral, json, trust, insecure }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Read everything, check everything, start nothing
    Check {
        /// The configuration file
        #[arg(long, default_value = "counterfoil.toml")]
        config: PathBuf,
    },
    /// Print the settings in effect
    Show {
        /// The configuration file
        #[arg(long, default_value = "counterfoil.toml")]
        config: PathBuf,
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct StatusOptions {
    /// The state folder of the running server
    #[arg(long, default_value = ".counterfoil")]
    pub(super) state: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Print nothing; the exit code says it
    #[arg(long, conflicts_with = "json")]
    pub(super) quiet: bool,
}

#[derive(Debug, Args)]
pub(super) struct RestoreOptions {
    /// The copy
    #[arg(required_unless_present = "accept", conflicts_with = "accept")]
    pub(super) file: Option<PathBuf>,
    /// Say what would happen, and change nothing
    #[arg(long, conflicts_with = "accept")]
    pub(super) plan: bool,
    /// End the quarantine of the running server: what was lost with the newer store stays lost
    #[arg(long)]
    pub(super) accept: bool,
    /// The state folder of the server
    #[arg(long, default_value = ".counterfoil")]
    pub(super) state: PathBuf,
    /// The store, when it is not store.db in the state folder
    #[arg(long)]
    pub(super) store: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum BackupVerb {
    /// Write a copy of the store, whole and of one moment; never the keys
    Create {
        /// The new file; it must not be there yet
        file: PathBuf,
        /// The store, such as .counterfoil/store.db
        #[arg(long, default_value = ".counterfoil/store.db")]
        store: PathBuf,
    },
    /// Restore a copy into a temporary place and look at everything in it
    Verify {
        /// The copy
        file: PathBuf,
        /// The state folder with the key file that its signing keys must open with
        #[arg(long, default_value = ".counterfoil")]
        state: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct OneClient {
    /// The client id
    pub(super) id: String,
    /// Its tenant, where several have a client of that id
    #[arg(long)]
    pub(super) tenant: Option<String>,
    /// The state folder of the running server
    #[arg(long, default_value = ".counterfoil")]
    pub(super) state: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum ClientVerb {
    /// List the clients of every tenant
    List {
        /// The store, such as .counterfoil/store.db
        #[arg(long, default_value = ".counterfoil/store.db")]
        store: PathBuf,
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Let nothing be issued to a client, and nothing it has be active, until it is resumed
    Suspend(OneClient),
    /// Let a suspended client go on
    Resume(OneClient),
    /// Show one client
    Show {
        /// The client id
        id: String,
        /// Its tenant, where several have a client of that id
        #[arg(long)]
        tenant: Option<String>,
        /// The store, such as .counterfoil/store.db
        #[arg(long, default_value = ".counterfoil/store.db")]
        store: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum MigrateVerb {
    /// Say which steps are left; change nothing
    Plan {
        /// The configuration file
        #[arg(long, default_value = "counterfoil.toml")]
        config: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take the steps that are left
    Run {
        /// The configuration file
        #[arg(long, default_value = "counterfoil.toml")]
        config: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyVerb {
    /// List the published signing keys: next, active, retiring
    List {
        #[command(flatten)]
        options: KeyOptions,
    },
    /// Announce new keys; each signs once every verifier can know it
    Rotate {
        #[command(flatten)]
        options: KeyOptions,
        /// The new keys sign at once: for a key that has leaked
        #[arg(long)]
        now: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct KeyOptions {
    /// Of this tenant only
    #[arg(long)]
    pub(super) tenant: Option<String>,
    /// Of this algorithm only, such as ES256
    #[arg(long)]
    pub(super) alg: Option<String>,
    /// Print one JSON array
    #[arg(long)]
    pub(super) json: bool,
    /// The state folder of the running server
    #[arg(long, default_value = ".counterfoil")]
    pub(super) state: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum CertVerb {
    /// Make a certificate of a payment service provider (PSD2)
    Tpp(TppOptions),
}

#[derive(Debug, Args)]
pub(super) struct TppOptions {
    /// The legal name
    #[arg(long, default_value = "Demo TPP")]
    pub(super) name: String,
    /// The authorization number
    #[arg(long, default_value = "PSDDE-BAFIN-123456")]
    pub(super) id: String,
    /// Its roles
    #[arg(long, value_delimiter = ',', default_values = ["ai", "pi"])]
    pub(super) roles: Vec<PspRole>,
    /// What it is for
    #[arg(long, default_value = "qwac")]
    pub(super) kind: CertKind,
    /// A host name it is for; may be repeated
    #[arg(long)]
    pub(super) dns: Vec<String>,
    /// How many days it is valid
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=3650))]
    pub(super) days: i64,
    /// Make one that has expired
    #[arg(long)]
    pub(super) expired: bool,
    /// Write to this name with .pem and -key.pem at the end
    #[arg(long, default_value = "tpp")]
    pub(super) out: PathBuf,
    /// The state folder of the sandbox whose authority signs
    #[arg(long, default_value = ".counterfoil")]
    pub(super) state: PathBuf,
}

/// A role of a payment service provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PspRole {
    /// Account servicing
    As,
    /// Payment initiation
    Pi,
    /// Account information
    Ai,
    /// Card-based payment instruments
    Ic,
}

/// What a qualified certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CertKind {
    /// Connections
    Qwac,
    /// Seals of messages
    Qseal,
}

#[derive(Debug, Subcommand)]
pub(super) enum JwtVerb {
    /// Print header and payload; the signature is not checked
    Decode {
        /// The token; - reads it from standard input
        token: String,
    },
    /// Check the signature and the dates
    Check {
        /// The token; - reads it from standard input
        token: String,
        /// A file with a JWK or a set of them
        #[arg(long)]
        jwks: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum JwkVerb {
    /// Print the thumbprint of each key (RFC 7638), or x5t#S256 of a certificate
    Thumbprint {
        /// A JWK, a set of them, or a certificate in PEM
        file: PathBuf,
    },
}
