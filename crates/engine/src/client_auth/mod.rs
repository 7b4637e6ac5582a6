//! Client authentication: one file per method, one line in [`ALL`].

mod client_secret;
mod private_key_jwt;

use std::sync::Arc;

use counterfoil_protocol::basic::Candidate;
use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{AssertionFault, Fault, Refusal};
use counterfoil_protocol::secret::{Digest, Secret};

use crate::audit::{Note, What};
use crate::client::{Client, ClientStatus};
use crate::engine::{Call, Engine};
use crate::keys::Issuer;
use crate::policy::{ClientAuthRules, CredentialsTwice};
use crate::sender::mtls::PeerCertificate;
use crate::store::{ClaimKind, Expected, Guard, Key, ReplayId, Revision};

/// Every method this server knows. A policy picks from these.
pub static ALL: &[&dyn ClientAuth] = &[BASIC, POST, PRIVATE_KEY_JWT];
/// `client_secret_basic`.
pub static BASIC: &dyn ClientAuth = &client_secret::Basic;
/// `client_secret_post`.
pub static POST: &dyn ClientAuth = &client_secret::Post;
/// `private_key_jwt`.
pub static PRIVATE_KEY_JWT: &dyn ClientAuth = &private_key_jwt::PrivateKeyJwt;

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
    /// The certificate of the connection.
    pub certificate: Option<&'a PeerCertificate>,
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
}

impl AuthenticatedClient {
    /// What its tokens are bound to: nothing, with the methods there are.
    #[must_use]
    pub fn binding(&self) -> Option<Digest> {
        None
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

    /// The single use of what it presented.
    pub(crate) fn replay(&self, issuer: &Issuer) -> Option<Key> {
        self.verified.replay.map(|id| Key::Replay(issuer.tenant.id.clone(), id))
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

/// One method and its evidence. Two kinds of evidence are refused (RFC 6749 §2.3), unless the rules
/// say that equal secrets may come twice.
fn select<'p>(
    presented: &'p Presented<'_>,
    rules: &ClientAuthRules,
) -> Result<(&'static dyn ClientAuth, Readings<'p>), Refusal> {
    let mut found = Vec::with_capacity(1);
    for method in ALL {
        let evidence = method.evidence(presented)?;
        if !evidence.is_empty() {
            found.push((*method, evidence));
        }
    }
    if found.len() > 1 {
        let twice = presented.assertion.is_none()
            && rules.credentials_twice == CredentialsTwice::AcceptedWhenEqual;
        if !twice {
            return Err(Refusal::ClientAuthAmbiguous);
        }
        if !client_secret::header_equals_body(presented) {
            return Err(Refusal::ClientCredentialsConflict);
        }
    }
    found.into_iter().next().ok_or(match presented.client_id {
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
        let (method, evidence) = select(presented, rules)?;
        let name = method.name();
        if !rules.methods.iter().any(|allowed| allowed.name() == name) {
            return Err(Refusal::ClientAuthNotAllowed(name));
        }
        let check = Check { issuer: call.issuer, now: self.clock.now(), rules };
        let mut why = Refusal::ClientUnknown;
        let mut known = false;
        for evidence in &evidence {
            let Some((client, revision)) = self.named(call, &**evidence).await? else {
                continue;
            };
            known = true;
            if !client.authenticates_by(name) || surface.is_some_and(|s| s != &*client.surface) {
                why = Refusal::ClientAuthNotAllowed(name);
                continue;
            }
            match evidence.verify(&client, &check) {
                Ok(_) if client.status == ClientStatus::Suspended => {
                    return Err(Refusal::ClientSuspended);
                }
                Ok(verified) => {
                    agrees(&client, presented)?;
                    if let Some(further) = presented.further {
                        further.check(&client, check.now)?;
                    }
                    return Ok(AuthenticatedClient { client, revision, verified, method: name });
                }
                Err(refused) => why = refused,
            }
        }
        if !known {
            // As much work as for a client that exists: time does not tell which ids do.
            let _ = std::hint::black_box(call.issuer.secret_digest(&Secret::new(vec![0; 32])));
        }
        Err(why)
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

/// A `client_id` beside other credentials must be the one that was proven.
fn agrees(client: &Client, presented: &Presented<'_>) -> Result<(), Refusal> {
    match presented.client_id {
        None => Ok(()),
        Some(id) if id == client.id.as_str() => Ok(()),
        Some(id) if presented.assertion.is_some() && client.answers_to(id) => Ok(()),
        Some(_) if presented.assertion.is_some() => {
            Err(Refusal::Assertion(AssertionFault::ClientIdMismatch))
        }
        Some(_) => Err(Refusal::Parameter("client_id", Fault::Conflicting)),
    }
}
