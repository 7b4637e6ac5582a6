//! The shape of a resource file. An unknown key is an error.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::metadata::MetadataFile;

/// What a client lives on, and a tenant serves, that says nothing else: the safest there is.
const DEFAULT_SURFACE: &str = "fapi2";

fn default_surface() -> String {
    DEFAULT_SURFACE.into()
}

fn default_surfaces() -> Vec<String> {
    vec![default_surface()]
}

/// One file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) tenant: Vec<TenantFile>,
    #[serde(default)]
    pub(super) client: Vec<ClientFile>,
    #[serde(default)]
    pub(super) resource_server: Vec<ResourceServerFile>,
    #[serde(default)]
    pub(super) user: Vec<UserFile>,
}

/// `[[tenant]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantFile {
    pub(super) id: String,
    /// The name of the bank, as customers read it.
    pub(super) name: Option<String>,
    /// `path` (below `/o/`) or `realm` (below `/auth/realms/`).
    pub(super) mount: Option<String>,
    #[serde(default = "default_surfaces")]
    pub(super) surfaces: Vec<String>,
    pub(super) enabled: Option<bool>,
    /// It answers over TLS only, and its address says so.
    pub(super) https_required: Option<bool>,
    /// The resource servers that a token may be asked for (RFC 8707).
    pub(super) resources: Option<Vec<String>>,
    /// Who may register clients; nobody when left out.
    pub(super) registration: Option<RegistrationFile>,
    #[serde(default)]
    pub(super) fintecture: FintectureFile,
    #[serde(default)]
    pub(super) mx: MxFile,
    #[serde(default)]
    pub(super) worldline: WorldlineFile,
}

/// `[tenant.registration]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistrationFile {
    /// The surface that registered clients live on; one of the tenant's.
    pub(super) surface: Spanned<String>,
    /// The token that a registration must show; anybody may register when there is none.
    pub(super) initial_access_token: Option<Spanned<String>>,
    /// The same, in a file beside this one.
    pub(super) initial_access_token_file: Option<Spanned<PathBuf>>,
}

/// `[tenant.fintecture]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FintectureFile {
    pub(super) errors: Option<String>,
}

/// `[tenant.mx]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MxFile {
    pub(super) strict: Option<bool>,
    pub(super) scope_error: Option<String>,
    pub(super) iss: Option<bool>,
}

/// `[tenant.worldline]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorldlineFile {
    pub(super) keycloak_compat: Option<bool>,
    pub(super) issuer_path: Option<String>,
}

/// `[[client]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientFile {
    pub(super) id: String,
    pub(super) tenant: Option<String>,
    #[serde(default = "default_surface")]
    pub(super) surface: String,
    pub(super) name: Option<String>,
    /// Set to keep the client out.
    pub(super) suspended: Option<bool>,
    /// One way to authenticate, or several.
    pub(super) auth: Auth,
    pub(super) scopes: Vec<String>,
    /// What it gets when it asks for nothing, where a surface allows that.
    pub(super) default_scopes: Option<Vec<String>>,
    #[serde(default)]
    pub(super) redirect_uris: Vec<String>,
    /// Grant types; all of the surface when left out.
    pub(super) grants: Option<Vec<String>>,
    pub(super) require_signature: Option<bool>,
    /// Its access tokens are JWTs (RFC 9068) instead of handles.
    pub(super) jwt_access_tokens: Option<bool>,
    /// What it has beyond OAuth's own, by the registered names.
    #[serde(default)]
    pub(super) metadata: MetadataFile,
    pub(super) legal_name: Option<String>,
    pub(super) regulator: Option<String>,
    pub(super) authorization_id: Option<String>,
    pub(super) website: Option<String>,
    pub(super) organisation_node_id: Option<String>,
}

/// `auth = { … }`, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Auth {
    One(Box<AuthFile>),
    Several(Vec<AuthFile>),
}

/// One way to authenticate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthFile {
    /// A method of the surface; for an HTTP signature alone `http_signature`.
    pub(super) method: String,
    pub(super) secret: Option<String>,
    pub(super) secret_file: Option<PathBuf>,
    /// A second secret, while both are valid.
    pub(super) old_secret: Option<String>,
    /// A certificate, PEM, relative to the file.
    pub(super) certificate: Option<PathBuf>,
    /// A public key, PEM, relative to the file.
    pub(super) public_key: Option<PathBuf>,
    /// A set of public keys, JSON, relative to the file.
    pub(super) jwks: Option<PathBuf>,
    /// The `kid` of `public_key`.
    pub(super) kid: Option<String>,
    /// Other values of `sub` in its assertions.
    #[serde(default)]
    pub(super) subjects: Vec<String>,
    /// Algorithms of its assertions.
    pub(super) algs: Option<Vec<String>>,
}

/// `[[resource_server]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceServerFile {
    pub(super) id: String,
    pub(super) tenant: Option<String>,
    pub(super) name: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) secret_file: Option<PathBuf>,
}

/// `[[user]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFile {
    /// The bank's own name for them; the login when left out.
    pub(super) id: Option<String>,
    pub(super) tenant: Option<String>,
    /// The same customer at several tenants.
    pub(super) tenants: Option<Vec<String>>,
    pub(super) login: String,
    pub(super) name: Option<String>,
    /// An argon2id hash in PHC form.
    pub(super) password_hash: Option<String>,
    pub(super) suspended: Option<bool>,
    /// What happens to them, for tests: `denied`, `sca-fail`, `expired`.
    pub(super) scenario: Option<String>,
    /// Standard claims (OpenID Connect Core §5.1).
    pub(super) claims: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    pub(super) accounts: Vec<AccountFile>,
}

/// `[[user.accounts]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountFile {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) last_digits: String,
    pub(super) currency: String,
    /// In minor units: cents.
    pub(super) balance_minor: i64,
}
