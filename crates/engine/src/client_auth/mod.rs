//! Client authentication: one file per method, one line in [`ALL`].

mod client_secret;
mod private_key_jwt;
mod tls;

use std::sync::Arc;

use counterfoil_protocol::basic::Candidate;
use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{AssertionFault, Fault, ProofFault, Refusal};
use counterfoil_protocol::secret::Secret;

use crate::audit::{Note, What};
use crate::client::{Client, ClientStatus};
use crate::client_keys;
use crate::engine::{Call, Engine, SingleUse};
use crate::keys::Issuer;
use crate::policy::{ClientAuthRules, CredentialsTwice};
use crate::sender::{self, Binding, Possession, Shown};
use crate::store::{ClaimKind, Expected, Guard, Key, ReplayId, Revision};

/// Every method this server knows. A policy picks from these.
pub static ALL: &[&dyn ClientAuth] = &[BASIC, POST, PRIVATE_KEY_JWT, TLS, SELF_SIGNED_TLS];
/// `client_secret_basic`.
pub static BASIC: &dyn ClientAuth = &client_secret::Basic;
/// `client_secret_post`.
pub static POST: &dyn ClientAuth = &client_secret::Post;
/// `private_key_jwt`.
pub static PRIVATE_KEY_JWT: &dyn ClientAuth = &private_key_jwt::PrivateKeyJwt;
/// `tls_client_auth`.
pub static TLS: &dyn ClientAuth = &tls::ByName;
/// `self_signed_tls_client_auth`.
pub static SELF_SIGNED_TLS: &dyn ClientAuth = &tls::ByKey;

/// The method of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn ClientAuth> {
    ALL.iter().copied().find(|method| method.name() == name)
}

/// What a client registers for a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material {
    /// A secret, which we give out or a file names.
    Secret,
    /// Public keys.
    Keys,
    /// Certificates.
    Certificates,
    /// The name in a certificate of an authority.
    CertifiedName,
}

/// The facts a request carried, before anybody has interpreted them.
#[derive(Default)]
pub struct Presented<'a> {
    /// The `Authorization` header.
    pub authorization: Authorization,
    /// `client_id` of the body, or its alias.
    pub client_id: Option<&'a str>,
    /// `client_secret` of the body, or its alias.
    pub client_secret: Option<Secret>,
    /// `client_assertion_type`.
    pub assertion_type: Option<&'a str>,
    /// `client_assertion`.
    pub assertion: Option<&'a str>,
    /// What was shown besides credentials.
    pub shown: Shown<'a>,
    /// The audiences by which this endpoint may be named in an assertion.
    pub audiences: Vec<String>,
    /// What the surface demands besides: an HTTP signature.
    pub further: Option<&'a dyn Further>,
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({:?}, {:?})", self.authorization, self.client_id)
    }
}

/// Evidence that a surface demands besides the client's own method. Judged before anything is spent.
pub trait Further: Send + Sync {
    /// Whether it is there and true, for this client.
    ///
    /// # Errors
    /// Why not.
    fn check(&self, client: &Client, now: Moment) -> Result<(), Refusal>;
}

/// What the `Authorization` header held.
#[derive(Debug, Default)]
pub enum Authorization {
    /// There was none.
    #[default]
    Absent,
    /// Basic, in every reading.
    Basic(Vec<Candidate>),
    /// Another scheme, or a Basic that cannot be read.
    Other,
}

impl Presented<'_> {
    /// Whether the client tried the header: then a failure is a 401 (RFC 6749 §5.2).
    #[must_use]
    pub fn by_header(&self) -> bool {
        !matches!(self.authorization, Authorization::Absent)
    }
}

/// One method of client authentication.
pub trait ClientAuth: Send + Sync {
    /// As registered at IANA, and as discovery publishes it.
    fn name(&self) -> &'static str;

    /// What a client of this method registers.
    fn material(&self) -> Material;

    /// Whether another method reads the same evidence, so that both may be meant.
    fn shares_evidence(&self) -> bool {
        false
    }

    /// The evidence for this method, in every reading; empty when there is none.
    ///
    /// # Errors
    /// What is wrong with the evidence before any client is looked up.
    fn evidence<'p>(&self, presented: &'p Presented<'_>) -> Result<Readings<'p>, Refusal>;
}

/// Every reading of what a client presents.
pub type Readings<'p> = Vec<Box<dyn Evidence + 'p>>;

/// One reading of what a client presents.
pub trait Evidence: Send + Sync {
    /// Whom it names; unverified.
    fn names(&self) -> &str;

    /// Whether that may be one of the names that clients registered for their assertions.
    fn may_be_alias(&self) -> bool;

    /// Whether it is true for this client.
    ///
    /// # Errors
    /// Why not.
    fn verify(&self, client: &Client, check: &Check<'_>) -> Result<Verified, Refusal>;
}

/// What evidence is judged by.
pub struct Check<'a> {
    /// The tenant.
    pub issuer: &'a Issuer,
    /// Now.
    pub now: Moment,
    /// The rules of the endpoint.
    pub rules: &'a ClientAuthRules,
}

/// What came of a verification besides yes.
#[derive(Debug, Default)]
pub struct Verified {
    /// The single use of the evidence, to be inserted with whatever is committed.
    pub replay: Option<ReplayId>,
    /// The evidence could be used again and again: accepted, counted and reported.
    pub without_id: bool,
}

impl Verified {
    /// Evidence that is bound to its connection: there is nothing to use twice.
    pub(crate) fn not_single_use() -> Self {
        Self::default()
    }
}

/// Proof that a client authenticated. The fields are private to this module, so
/// [`Engine::authenticate`] is the only source, and a grant, which demands one, cannot run for an
/// unproven client.
///
/// ```compile_fail
/// use counterfoil_engine::{client::Client, client_auth::AuthenticatedClient};
/// fn forge(client: std::sync::Arc<Client>) -> AuthenticatedClient { AuthenticatedClient { client } }
/// ```
#[derive(Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    revision: Revision,
    verified: Verified,
    method: &'static str,
    possession: Possession,
}

impl AuthenticatedClient {
    /// What its tokens are bound to.
    #[must_use]
    pub fn binding(&self) -> Option<Binding> {
        self.possession.binding()
    }

    /// The same client, after it has shown what its tokens will be bound to. With a pushed request it
    /// may, where tokens are issued it must (`demanded`).
    ///
    /// # Errors
    /// As [`sender::possession`].
    pub(crate) fn possessing(
        self,
        call: &Call<'_>,
        (shown, demanded): (&Shown<'_>, bool),
        now: Moment,
    ) -> Result<Self, Refusal> {
        let what = (self.client.metadata.sender, demanded);
        let possession = sender::possession(what, shown, call.policy, call.issuer, now)?;
        Ok(Self { possession, ..self })
    }

    /// Its record, when it is no longer of interest how it proved itself.
    pub(crate) fn record(self) -> Arc<Client> {
        self.client
    }

    /// The method by which it proved itself.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// It must not change before the commit (attacks.md P16).
    #[must_use]
    pub(crate) fn guard(&self, issuer: &Issuer) -> Guard {
        let key = Key::Client(issuer.tenant.id.clone(), self.client.id.clone());
        Guard { key, expected: Expected::Revision(self.revision) }
    }

    /// The single uses of what it presented.
    pub(crate) fn replay(&self, issuer: &Issuer) -> Vec<SingleUse> {
        let assertion = (self.verified.replay, Refusal::Assertion(AssertionFault::Replayed));
        let proof = (self.possession.replay(), Refusal::Proof(ProofFault::Replayed));
        let used = |(id, twice): (Option<ReplayId>, Refusal)| {
            Some(SingleUse { key: Key::Replay(issuer.tenant.id.clone(), id?), twice })
        };
        [assertion, proof].into_iter().filter_map(used).collect()
    }

    /// What the audit trail says of this authentication.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let note =
            Note { client: Some(self.client.id.clone()), ..Note::of(What::AssertionWithoutId) };
        self.verified.without_id.then_some(note).into_iter().collect()
    }
}

impl std::ops::Deref for AuthenticatedClient {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A method and its evidence.
type Found<'p> = (&'static dyn ClientAuth, Readings<'p>);

/// The evidence of one kind. Two kinds are refused (RFC 6749 §2.3), unless the rules say that equal
/// secrets may come twice. Methods that read the same evidence are of one kind.
fn select<'p>(
    presented: &'p Presented<'_>,
    rules: &ClientAuthRules,
) -> Result<Vec<Found<'p>>, Refusal> {
    let mut found: Vec<Found<'p>> = Vec::with_capacity(1);
    for method in ALL {
        let evidence = method.evidence(presented)?;
        if !evidence.is_empty() {
            found.push((*method, evidence));
        }
    }
    let one_kind = found.len() < 2 || found.iter().all(|(method, _)| method.shares_evidence());
    if !one_kind {
        let twice = presented.assertion.is_none()
            && rules.credentials_twice == CredentialsTwice::AcceptedWhenEqual;
        if !twice {
            return Err(Refusal::ClientAuthAmbiguous);
        }
        if !client_secret::header_equals_body(presented) {
            return Err(Refusal::ClientCredentialsConflict);
        }
        found.truncate(1);
    }
    if !found.is_empty() {
        return Ok(found);
    }
    Err(match presented.client_id {
        Some(_) => Refusal::ClientCredentialsWrong,
        None => Refusal::ClientCredentialsMissing,
    })
}

impl Engine {
    /// Who is asking. `surface` limits it to the clients of one surface.
    ///
    /// # Errors
    /// Any refusal of the group "who is asking". Nothing is spent (surfaces.md P10).
    pub async fn authenticate(
        &self,
        call: &Call<'_>,
        presented: &Presented<'_>,
        rules: &ClientAuthRules,
        surface: Option<&str>,
    ) -> Result<AuthenticatedClient, Refusal> {
        let found = select(presented, rules)?;
        let check = Check { issuer: call.issuer, now: self.clock.now(), rules };
        let mut why = None;
        let mut known = false;
        for (method, evidence) in &found {
            let name = method.name();
            if !rules.methods.iter().any(|allowed| allowed.name() == name) {
                why.get_or_insert(Refusal::ClientAuthNotAllowed(name));
                continue;
            }
            for evidence in evidence {
                let Some((client, revision)) = self.named(call, &**evidence).await? else {
                    continue;
                };
                known = true;
                if !client.authenticates_by(name) || surface.is_some_and(|s| s != &*client.surface)
                {
                    why = why.or(Some(Refusal::ClientAuthNotAllowed(name)));
                    continue;
                }
                match self.judged(call, &**evidence, (client, revision), &check).await? {
                    Ok((client, ..)) if client.status == ClientStatus::Suspended => {
                        return Err(Refusal::ClientSuspended);
                    }
                    Ok((client, revision, verified)) => {
                        agrees(&client, presented, evidence.names())?;
                        if let Some(further) = presented.further {
                            further.check(&client, check.now)?;
                        }
                        let possession = Possession::default();
                        let method = name;
                        let proven =
                            AuthenticatedClient { client, revision, verified, method, possession };
                        return Ok(proven);
                    }
                    Err(refused) => why = Some(refused),
                }
            }
        }
        if !known {
            // As much work as for a client that exists: time does not tell which ids do.
            let _ = std::hint::black_box(call.issuer.secret_digest(&Secret::new(vec![0; 32])));
        }
        // A secret without a client id names nobody.
        let mut names = found.iter().flat_map(|(_, readings)| readings).map(|one| one.names());
        let unknown = if names.all(str::is_empty) {
            Refusal::ClientCredentialsMissing
        } else {
            Refusal::ClientUnknown
        };
        Err(why.unwrap_or(unknown))
    }

    /// The verdict on one reading. Keys that the client publishes are fetched when they are missed,
    /// once, and only after everything else was found in order (attacks.md P32).
    async fn judged(
        &self,
        call: &Call<'_>,
        evidence: &dyn Evidence,
        (client, revision): (Arc<Client>, Revision),
        check: &Check<'_>,
    ) -> Result<Result<Judged, Refusal>, Refusal> {
        let why = match evidence.verify(&client, check) {
            Ok(verified) => return Ok(Ok((client, revision, verified))),
            Err(why) => why,
        };
        if !client_keys::may_help(why) || !self.renew_keys(call, &client, revision).await {
            return Ok(Err(why));
        }
        let newer = self.client(&call.issuer.tenant.id, &client.id).await?;
        let Some((client, revision)) = newer else { return Ok(Err(why)) };
        let verdict = evidence.verify(&client, check);
        Ok(verdict.map(|verified| (client, revision, verified)))
    }

    /// The client of that id on the surface of this call, for requests that only name it.
    ///
    /// # Errors
    /// [`Refusal::ClientUnknown`], [`Refusal::ClientSuspended`], the store's.
    pub async fn client_named(&self, call: &Call<'_>, id: &str) -> Result<Arc<Client>, Refusal> {
        let id = ClientId::parse(id).map_err(|_| Refusal::ClientUnknown)?;
        let found = self.client(&call.issuer.tenant.id, &id).await?;
        let (client, _) = found.ok_or(Refusal::ClientUnknown)?;
        if &*client.surface != call.policy.name {
            return Err(Refusal::ClientUnknown);
        }
        match client.status {
            ClientStatus::Active => Ok(client),
            ClientStatus::Suspended => Err(Refusal::ClientSuspended),
        }
    }

    /// The client that evidence names: by id, or by a subject it registered for its assertions.
    async fn named(
        &self,
        call: &Call<'_>,
        evidence: &dyn Evidence,
    ) -> Result<Option<(Arc<Client>, Revision)>, Refusal> {
        let (tenant, name) = (&call.issuer.tenant.id, evidence.names());
        let Ok(id) = ClientId::parse(name) else { return Ok(None) };
        if let Some(hit) = self.client(tenant, &id).await? {
            return Ok(Some(hit));
        }
        if !evidence.may_be_alias() {
            return Ok(None);
        }
        let owner = self.owner(tenant, ClaimKind::AssertionSubject, name).await?;
        match owner.map(|owner| ClientId::parse(&owner)) {
            Some(Ok(owner)) => self.client(tenant, &owner).await,
            Some(Err(_)) | None => Ok(None),
        }
    }
}

/// A client whose evidence is true, as it stood then.
type Judged = (Arc<Client>, Revision, Verified);

/// A `client_id` beside other credentials must be the one that was proven; beside an assertion, its
/// `sub` (surfaces.md 4.4).
fn agrees(client: &Client, presented: &Presented<'_>, named: &str) -> Result<(), Refusal> {
    match (presented.client_id, presented.assertion) {
        (None, _) => Ok(()),
        (Some(id), Some(_)) if id == named => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::Assertion(AssertionFault::ClientIdMismatch)),
        (Some(id), None) if id == client.id.as_str() => Ok(()),
        (Some(_), None) => Err(Refusal::Parameter("client_id", Fault::Conflicting)),
    }
}
