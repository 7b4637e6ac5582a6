//! A registered client.

use std::fmt;
use std::sync::{Arc, OnceLock};

use counterfoil_jose::alg::Alg;
use counterfoil_jose::assertion::RegisteredKey;
use counterfoil_jose::key::VerifyingKey;
use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Digest;
use serde::{Deserialize, Serialize};

use crate::client_metadata::Metadata;

/// A client as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its id (RFC 6749 §2.2).
    pub id: ClientId,
    /// The surface whose policy it lives under.
    pub surface: Box<str>,
    /// Whether the operator lets it in.
    pub status: ClientStatus,
    /// What customers read.
    pub name: Box<str>,
    /// The registered methods, by the names of [`crate::client_auth::ClientAuth::name`].
    pub auth: Vec<Box<str>>,
    /// Keyed digests of its secrets: one, or two while they overlap.
    pub secrets: Vec<Digest>,
    /// Its public keys, from certificates or JWKs.
    pub keys: Vec<ClientKey>,
    /// Algorithms its assertions may use.
    pub assertion_algs: Vec<Box<str>>,
    /// Other values of `sub` that its assertions may carry (surfaces.md 4.4).
    pub assertion_subjects: Vec<Box<str>>,
    /// Where customers may be sent back to.
    pub redirect_uris: Vec<RedirectUri>,
    /// Grant types it may use, by the names of [`crate::grants::GrantRule::name`].
    pub grants: Vec<Box<str>>,
    /// All it may ever ask for, in canonical spelling.
    pub scope: ScopeSet,
    /// What it gets when it does not ask.
    pub default_scope: Option<ScopeSet>,
    /// A resource server: may introspect, and nothing else.
    pub resource_server: bool,
    /// Every request must carry an HTTP signature (Fintecture).
    pub require_signature: bool,
    /// What customers and resource servers may read about it.
    pub about: About,
    /// The file that manages it, if one does.
    pub managed_by: Option<Box<str>>,
    /// What it registered beyond OAuth's own.
    pub metadata: Metadata,
    /// The keys parsed, made at first use.
    #[serde(skip)]
    pub parsed: Parsed,
}

/// Whether the operator lets a client in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientStatus {
    /// It may.
    Active,
    /// It may not, and nothing it was given is active.
    Suspended,
}

/// One public key of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKey {
    /// The `kid` of a JWK, if it came as one.
    pub kid: Option<Box<str>>,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// SHA-1 of the certificate: a name, never a reason to trust.
    pub sha1: Option<[u8; 20]>,
    /// SHA-256 of the certificate.
    pub sha256: Option<[u8; 32]>,
    /// Validity of the certificate.
    pub not_before: Option<Moment>,
    /// Validity of the certificate.
    pub not_after: Option<Moment>,
}

/// What customers and resource servers may read about a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The legal entity.
    pub legal_name: Option<Box<str>>,
    /// Who supervises it.
    pub regulator: Option<Box<str>>,
    /// Its number there.
    pub authorization_id: Option<Box<str>>,
    /// Its website, shown as text.
    pub website: Option<Box<str>>,
    /// Fintecture: the `organisation_node_id` of OAC tokens.
    pub organisation_node_id: Option<Box<str>>,
}

impl Client {
    /// Whether it registered the authentication method of this name.
    #[must_use]
    pub fn authenticates_by(&self, method: &str) -> bool {
        self.auth.iter().any(|name| &**name == method)
    }

    /// Whether it registered the grant type of this name.
    #[must_use]
    pub fn may_use(&self, grant_type: &str) -> bool {
        self.grants.iter().any(|name| &**name == grant_type)
    }

    /// The registered redirect URI that admits `sent`.
    #[must_use]
    pub fn redirect(&self, sent: &RedirectUri) -> Option<&RedirectUri> {
        self.redirect_uris.iter().find(|registered| registered.admits(sent))
    }

    /// Its keys, parsed once. A key that does not parse is left out: it cannot verify anything.
    #[must_use]
    pub fn verifying_keys(&self) -> &[RegisteredKey] {
        self.parsed.0.get_or_init(|| {
            let parse = |key: &ClientKey| {
                let parsed = VerifyingKey::from_spki_der(&key.spki).ok()?;
                Some(RegisteredKey {
                    kid: key.kid.as_deref().map(Into::into),
                    sha1: key.sha1,
                    sha256: key.sha256,
                    not_before: key.not_before,
                    not_after: key.not_after,
                    key: Arc::new(parsed),
                })
            };
            self.keys.iter().filter_map(parse).collect()
        })
    }

    /// The algorithms its assertions may use.
    #[must_use]
    pub fn assertion_algs(&self) -> Vec<Alg> {
        self.assertion_algs.iter().filter_map(|name| Alg::parse(name)).collect()
    }
}

/// Keys parsed at first use. A cache, so all of them are equal, and a clone starts empty.
#[derive(Default)]
pub struct Parsed(OnceLock<Vec<RegisteredKey>>);

impl Clone for Parsed {
    fn clone(&self) -> Self {
        Self::default()
    }
}
impl PartialEq for Parsed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Parsed {}
impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parsed")
    }
}
