//! A tenant: one issuer with its own clients, keys, customers and consents. A row, loaded when used.

use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::secret::Digest;
use serde::{Deserialize, Serialize};

/// A tenant as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name in keys and paths.
    pub id: TenantId,
    /// What customers read: the name of the bank.
    pub name: Box<str>,
    /// Where it lives below the server's address.
    pub mount: Mount,
    /// The surfaces it serves.
    pub surfaces: Vec<EnabledSurface>,
    /// A disabled tenant answers nothing.
    pub enabled: bool,
    /// Its own address, without a slash at the end, when it is not the server's.
    pub base: Option<Box<str>>,
    /// The address of the listener that asks for client certificates (RFC 8705 §5).
    pub mtls_base: Option<Box<str>>,
    /// Whether it answers over TLS only.
    pub https_required: bool,
    /// Who may register clients, and under which rules; nobody when there is none.
    pub registration: Option<RegistrationPolicy>,
    /// The resource servers that a token may be asked for, by their identifiers (RFC 8707).
    pub resources: Vec<Box<str>>,
}

/// How clients register themselves (RFC 7591).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationPolicy {
    /// The surface they are registered on.
    pub surface: Box<str>,
    /// The keyed digest of the token they must show; anybody may when there is none.
    pub initial_access_token: Option<Digest>,
}

/// Where the paths of a tenant start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mount {
    /// The root of the server: the default tenant.
    Root,
    /// `/o/{id}`.
    Path,
    /// `/auth/realms/{id}` and `/realms/{id}`. Both are served; one is the issuer.
    Realm {
        /// The path of the issuer, `/auth/realms/{id}` unless the operator says otherwise.
        issuer_path: Box<str>,
    },
}

impl Tenant {
    /// The path of the issuer below the server's address; empty for the root.
    #[must_use]
    pub fn issuer_path(&self) -> String {
        match &self.mount {
            Mount::Root => String::new(),
            Mount::Path => format!("/o/{}", self.id),
            Mount::Realm { issuer_path } => issuer_path.to_string(),
        }
    }

    /// The switches of a surface; `None` when the tenant does not serve it.
    #[must_use]
    pub fn surface(&self, name: &str) -> Option<&Switches> {
        self.surfaces.iter().find(|s| &*s.name == name).map(|s| &s.switches)
    }
}

/// A surface that a tenant serves, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnabledSurface {
    /// The name of its policy.
    pub name: Box<str>,
    /// Where the documents leave a choice.
    pub switches: Switches,
}

/// Choices of the operator that `reference/surfaces.md` names. Each concerns one surface only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// Fintecture: `errors = "rfc6749"` instead of the vendor's merged body.
    pub rfc6749_errors: bool,
    /// MX: a challenge has exactly 43 characters.
    pub strict: bool,
    /// MX: a bad scope is answered with 400 instead of a redirect.
    pub scope_error_400: bool,
    /// MX: `iss` in the authorization response (RFC 9207).
    pub iss: bool,
    /// Worldline: Keycloak's own statuses and texts.
    pub keycloak_compat: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            rfc6749_errors: false,
            strict: false,
            scope_error_400: false,
            iss: true,
            keycloak_compat: false,
        }
    }
}
