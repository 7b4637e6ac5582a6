//! What can be typed of the commands that play a client: `token` and `flow`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Surface {
    /// Fintecture
    Fintecture,
    /// MX Data Access (FDX)
    Mx,
    /// Worldline
    Worldline,
    /// OpenID Connect
    Standard,
    /// FAPI 2.0 Security Profile
    Fapi2,
    /// FAPI 2.0 Message Signing
    Fapi2Ms,
}

/// Surfaces by how they are played.
pub(in crate::cli) enum Kind {
    /// As its own document says.
    Vendor(Vendor),
    /// As its metadata says.
    OpenId(OpenId),
}

/// A surface with a document of its own.
#[derive(Clone, Copy)]
pub(in crate::cli) enum Vendor {
    Fintecture,
    Mx,
    Worldline,
}

/// A surface that its metadata describes.
#[derive(Clone, Copy)]
pub(in crate::cli) enum OpenId {
    Standard,
    Fapi2,
    Fapi2Ms,
}

impl Surface {
    pub(in crate::cli) fn kind(self) -> Kind {
        match self {
            Self::Fintecture => Kind::Vendor(Vendor::Fintecture),
            Self::Mx => Kind::Vendor(Vendor::Mx),
            Self::Worldline => Kind::Vendor(Vendor::Worldline),
            Self::Standard => Kind::OpenId(OpenId::Standard),
            Self::Fapi2 => Kind::OpenId(OpenId::Fapi2),
            Self::Fapi2Ms => Kind::OpenId(OpenId::Fapi2Ms),
        }
    }
}

/// How the client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Auth {
    /// Secret in the body
    Secret,
    /// Secret in the Authorization header
    Basic,
    /// Assertion signed with the private key (worldline, fapi2, fapi2-ms)
    Jwt,
    /// Certificate of the connection (fapi2, fapi2-ms)
    Mtls,
}

/// What its tokens are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Sender {
    /// A key that is proven with every request
    Dpop,
    /// The certificate of the connection
    Mtls,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TokenOptions {
    /// The surface
    pub(in crate::cli) surface: Surface,
    /// The scopes to ask for, separated by spaces
    #[arg(long)]
    pub(in crate::cli) scope: Option<String>,
    /// How the client proves who it is
    #[arg(long)]
    pub(in crate::cli) auth: Option<Auth>,
    /// What the token is bound to (standard: nothing when left out; fapi2, fapi2-ms: a key)
    #[arg(long)]
    pub(in crate::cli) sender: Option<Sender>,
    /// The customer who signs in, where one is needed
    #[arg(long, default_value = "ada")]
    pub(in crate::cli) user: String,
    /// Print the answer of the server as it came
    #[arg(long, conflicts_with = "quiet")]
    pub(in crate::cli) json: bool,
    /// Print the access token and nothing else
    #[arg(long)]
    pub(in crate::cli) quiet: bool,
    /// The state folder of the running sandbox
    #[arg(long, default_value = ".counterfoil")]
    pub(in crate::cli) state: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FlowOptions {
    /// The surface
    pub(in crate::cli) surface: Surface,
    /// The customer who signs in, where one is needed
    #[arg(long, default_value = "ada")]
    pub(in crate::cli) user: String,
    /// The scopes to ask for, separated by spaces
    #[arg(long)]
    pub(in crate::cli) scope: Option<String>,
    /// How the client proves who it is (standard, fapi2, fapi2-ms)
    #[arg(long)]
    pub(in crate::cli) auth: Option<Auth>,
    /// What the tokens are bound to (standard, fapi2, fapi2-ms)
    #[arg(long)]
    pub(in crate::cli) sender: Option<Sender>,
    /// Sign in and consent for the customer instead of opening a browser
    #[arg(long)]
    pub(in crate::cli) headless: bool,
    /// Print curl commands that do the same, and do nothing
    #[arg(long)]
    pub(in crate::cli) curl: bool,
    /// The state folder of the running sandbox
    #[arg(long, default_value = ".counterfoil")]
    pub(in crate::cli) state: PathBuf,
}
