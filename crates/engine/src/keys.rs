//! Keys: what signs in a tenant's name, in which state, and the tenant made ready for work.

use std::fmt;
use std::sync::Arc;

use counterfoil_jose::alg::Alg;
use counterfoil_jose::dpop::Nonces;
use counterfoil_jose::jwk::{Jwk, JwkSet};
use counterfoil_jose::key::{SigningKey, VerifyingKey};
use counterfoil_jose::provider::{self, MacKey, WrappingKey};
use counterfoil_protocol::ids::{ClientId, GrantId, Kid, SessionId, SubjectId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::secret::{Digest, Secret};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::client_metadata::SubjectType;
use crate::ctx::Entropy;
use crate::handle::{Keyring, TenantRing};
use crate::store::BoxFuture;
use crate::tenant::Tenant;

/// What the key file holds. Never in the store, nor in its backups, nor in its replicas (A6).
pub struct KeyFile {
    /// Handle keys.
    pub keyring: Keyring,
    /// Makes digests of client secrets, `sub` values, customer ids. Outlives every handle key.
    pub pepper: Secret,
    /// Wraps private signing keys in the store.
    pub wrapping: WrappingKey,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({:?})", self.keyring)
    }
}

/// A signing key as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// Its name in headers and in the published set.
    pub kid: Kid,
    /// Its algorithm; a key has exactly one.
    pub alg: Box<str>,
    /// The public part, a JWK as JSON.
    pub public_jwk: Box<str>,
    /// The private part, PKCS#8 under the wrapping key.
    pub wrapped: Vec<u8>,
    /// The nonce it was wrapped with.
    pub nonce: [u8; 12],
    /// When it was made.
    pub created: Moment,
}

/// The keys of a tenant by state. Activation is guarded by this record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// Every key that is published, in the order of publication.
    pub keys: Vec<KeyEntry>,
}

/// One key of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// Which.
    pub kid: Kid,
    /// Its algorithm.
    pub alg: Box<str>,
    /// Where it stands.
    pub state: KeyState,
}

/// The life of a signing key. A retired one is no longer in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// Published, so that everybody has it before it signs.
    Next,
    /// Signs.
    Active,
    /// Published, until the last token it signed has expired.
    Retiring {
        /// Since when.
        since: Moment,
    },
}

/// Makes a key pair as a record.
///
/// # Errors
/// A text for the operator when the key cannot be made.
pub fn generate(
    alg: Alg,
    wrapping: &WrappingKey,
    now: Moment,
    entropy: &mut dyn Entropy,
) -> Result<StoredKey, String> {
    let pair = SigningKey::generate(alg).map_err(|e| format!("{e:?}"))?;
    stored(pair, wrapping, now, entropy)
}

/// A key pair as a record, its private part wrapped.
///
/// # Errors
/// A text for the operator when the key cannot be kept.
pub fn stored(
    (key, private): (SigningKey, Secret),
    wrapping: &WrappingKey,
    now: Moment,
    entropy: &mut dyn Entropy,
) -> Result<StoredKey, String> {
    let random = entropy.bytes32();
    let kid = counterfoil_protocol::ids::hex(&random[..8]);
    let nonce = random[8..20].try_into().unwrap_or_default();
    let public = serde_json::to_string(&key.public_jwk(&kid)).map_err(|e| e.to_string())?;
    Ok(StoredKey {
        wrapped: wrapping.seal(nonce, kid.as_bytes(), private.expose()),
        kid: Kid::parse(&kid).map_err(|e| e.to_string())?,
        alg: key.alg().as_str().into(),
        public_jwk: public.into(),
        nonce,
        created: now,
    })
}

/// A signing key ready for work.
pub struct LoadedKey {
    /// Its name.
    pub kid: Kid,
    /// Its algorithm.
    pub alg: Alg,
    /// Where it stands.
    pub state: KeyState,
    /// What is published.
    pub public: Jwk,
    /// Verifies what it signed.
    pub verifying: Arc<VerifyingKey>,
    /// Signs.
    pub signing: SigningKey,
}

impl fmt::Debug for LoadedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadedKey({}, {}, {:?})", self.kid, self.alg.as_str(), self.state)
    }
}

impl LoadedKey {
    /// Unwraps and parses. `None` when the wrapping key is another or the record is damaged.
    #[must_use]
    pub fn load(stored: &StoredKey, state: KeyState, wrapping: &WrappingKey) -> Option<Self> {
        let private =
            wrapping.open(stored.nonce, stored.kid.as_str().as_bytes(), &stored.wrapped)?;
        let alg = Alg::parse(&stored.alg)?;
        let signing = SigningKey::from_pkcs8(alg, private.expose()).ok()?;
        let public: Jwk = serde_json::from_str(&stored.public_jwk).ok()?;
        let verifying = Arc::new(VerifyingKey::from_jwk(&public).ok()?);
        Some(Self { kid: stored.kid.clone(), alg, state, public, verifying, signing })
    }
}

/// A tenant ready for work: its record, its address, its keys. Built from records, kept as long as
/// they do not change.
pub struct Issuer {
    /// The record.
    pub tenant: Tenant,
    /// The issuer identifier; never normalised, no slash at the end.
    pub url: Box<str>,
    /// Handle keys.
    pub ring: TenantRing,
    /// Signing keys, all states.
    pub keys: Vec<Arc<LoadedKey>>,
    /// Nonces of proofs.
    pub nonces: Nonces,
    pepper: MacKey,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.url)
    }
}

impl Issuer {
    /// `base` is the address of the server without a slash at the end; the tenant may have its own.
    #[must_use]
    pub fn new(tenant: Tenant, base: &str, keys: Vec<Arc<LoadedKey>>, file: &KeyFile) -> Self {
        let base = tenant.base.as_deref().unwrap_or(base);
        let url = format!("{base}{}", tenant.issuer_path()).into();
        let ring = file.keyring.of(&tenant.id);
        let parts: [&[u8]; 2] = [b"counterfoil pepper 1", tenant.id.as_str().as_bytes()];
        let pepper = MacKey::new(&MacKey::new(file.pepper.expose()).tag(&parts));
        let nonces = Nonces::new(MacKey::new(&pepper.tag(&[b"nonces\0"])));
        Self { tenant, url, ring, keys, nonces, pepper }
    }

    /// The key that signs with `alg` now.
    #[must_use]
    pub fn active_key(&self, alg: Alg) -> Option<&Arc<LoadedKey>> {
        self.keys.iter().find(|key| key.alg == alg && key.state == KeyState::Active)
    }

    /// The published set.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        JwkSet { keys: self.keys.iter().map(|key| key.public.clone()).collect() }
    }

    /// The form in which a client secret is kept.
    #[must_use]
    pub fn secret_digest(&self, secret: &Secret) -> Digest {
        Digest::known(self.pepper.tag(&[b"client secret\0", secret.expose()]))
    }

    /// The `sub` of a customer towards one client: stable, and different for every client.
    #[must_use]
    pub fn pairwise(&self, client: &ClientId, subject: &SubjectId) -> Box<str> {
        let parts: [&[u8]; 4] =
            [b"sub\0", client.as_str().as_bytes(), b"\0", subject.as_str().as_bytes()];
        counterfoil_protocol::ids::hex(&self.pepper.tag(&parts)[..16]).into()
    }

    /// The `sub` of a customer as this client registered for it (OpenID Connect Core §8).
    #[must_use]
    pub fn sub(&self, client: &Client, subject: &SubjectId) -> Box<str> {
        let subject_id = subject.as_str().as_bytes();
        let tag = match (client.metadata.subject_type, client.metadata.sector.as_deref()) {
            (SubjectType::Public, _) => self.pepper.tag(&[b"public sub\0", subject_id]),
            (SubjectType::Pairwise, None) => return self.pairwise(&client.id, subject),
            (SubjectType::Pairwise, Some(sector)) => {
                self.pepper.tag(&[b"sector sub\0", sector.as_bytes(), b"\0", subject_id])
            }
        };
        counterfoil_protocol::ids::hex(&tag[..16]).into()
    }

    /// The name of a login towards one client (`sid`): different for every client, so that two of
    /// them cannot tell that they share a customer.
    #[must_use]
    pub fn sid(&self, client: &ClientId, session: &SessionId) -> Box<str> {
        let parts: [&[u8]; 4] = [b"sid\0", client.as_str().as_bytes(), b"\0", &session.0];
        counterfoil_protocol::ids::hex(&self.pepper.tag(&parts)[..16]).into()
    }

    /// Fintecture's customer id: 32 lower-case hexadecimal digits, stable per app, customer and
    /// provider (surfaces.md 10).
    #[must_use]
    pub fn customer_id(&self, client: &ClientId, subject: &SubjectId, provider: &str) -> String {
        let (client, subject) = (client.as_str().as_bytes(), subject.as_str().as_bytes());
        let parts: [&[u8]; 6] = [b"customer\0", client, b"\0", subject, b"\0", provider.as_bytes()];
        counterfoil_protocol::ids::hex(&self.pepper.tag(&parts)[..16])
    }

    /// The one grant a client holds in its own name (RFC 6749 §4.4): a function of the client, so
    /// the token request that needs it can name it before anything was read.
    #[must_use]
    pub fn standing(&self, client: &ClientId) -> GrantId {
        let tenant = self.tenant.id.as_str().as_bytes();
        let parts: [&[u8]; 4] = [b"standing\0", tenant, b"\0", client.as_str().as_bytes()];
        let mut id = [0; 16];
        id.copy_from_slice(&provider::sha256_of(&parts)[..16]);
        GrantId(id)
    }

    /// What a login name is counted under when attempts are bounded.
    #[must_use]
    pub fn login_digest(&self, login: &str) -> Digest {
        Digest::known(self.pepper.tag(&[b"login\0", login.as_bytes()]))
    }

    /// Binds a form of ours to the browser it was made for.
    #[must_use]
    pub fn anti_forgery(&self, browser: &Digest) -> String {
        counterfoil_protocol::ids::hex(&self.pepper.tag(&[b"form\0", browser.bytes()])[..16])
    }
}

/// Signs, wherever that is done: in place, on a pool of threads, in an HSM.
pub trait Signer: Send + Sync {
    /// The signature over `input`; `Err` when the key does not answer.
    fn sign<'a>(
        &'a self,
        key: &'a Arc<LoadedKey>,
        input: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, Unsigned>>;

    /// A new key pair of that algorithm, with its private part to be wrapped and stored.
    fn make(&self, alg: Alg) -> BoxFuture<'_, Result<(SigningKey, Secret), Unsigned>> {
        Box::pin(async move { SigningKey::generate(alg).map_err(|_| Unsigned) })
    }
}

/// The key did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsigned;

/// Signs in place. For tests and for algorithms that are quick.
#[derive(Clone, Copy, Debug, Default)]
pub struct InPlace;

impl Signer for InPlace {
    fn sign<'a>(
        &'a self,
        key: &'a Arc<LoadedKey>,
        input: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, Unsigned>> {
        Box::pin(async move { key.signing.sign(input.as_bytes()).map_err(|_| Unsigned) })
    }
}
