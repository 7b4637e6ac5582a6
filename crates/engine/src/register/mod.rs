//! Registration (RFC 7591) and its management (RFC 7592): a client brings itself about, changes
//! itself, goes. Every change is judged as the client that would result.

mod addresses;
mod flood;
pub mod key_set;
pub mod metadata;
pub mod resulting;
mod sector;

pub use flood::Flood;

use counterfoil_protocol::ids::{ClientId, hex};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{MetadataFault, Refusal};
use counterfoil_protocol::secret::{Digest, Secret};
use zeroize::Zeroizing;

use crate::audit::{Note, What};
use crate::client::{About, Client, ClientStatus};
use crate::client_metadata::Registration;
use crate::ctx::Entropy;
use crate::engine::{Call, Decided, Engine, Seen, Settle};
use crate::handle::{self, Facts, Generation, Minted, Salt, Sealed, Serial, TenantRing, ViewId};
use crate::keys::Issuer;
use crate::store::{Key, Record};
use metadata::ClientMetadata;
use resulting::{Given, Rules, is_secret, judge, signing_algs};

/// What a client is told of its registration.
#[derive(Debug)]
pub struct Registered {
    /// The record.
    pub client: Client,
    /// Its secret: told once, kept as a keyed digest.
    pub secret: Option<Secret>,
    /// Its registration access token: a function of the record, so it is told each time.
    pub token: Minted<handle::Registration>,
}

/// What a client sends to change itself (RFC 7592 §2.2).
#[derive(Debug)]
pub struct Update {
    /// Everything it wants to be registered with.
    pub metadata: ClientMetadata,
    /// Must be its own.
    pub client_id: Option<String>,
    /// Must be its own, if it is there.
    pub client_secret: Option<Secret>,
}

impl Engine {
    /// Registers a client on the surface of this call.
    ///
    /// # Errors
    /// [`Refusal::InitialAccessToken`], [`Refusal::RateLimited`], what is wrong with the metadata,
    /// the store's.
    pub async fn register(
        &self,
        call: &mut Call<'_>,
        rules: &Rules<'_>,
        shown: Option<&Secret>,
        asked: &ClientMetadata,
    ) -> Result<Registered, Refusal> {
        let Some(policy) = &call.issuer.tenant.registration else {
            return Err(Refusal::PathUnknown);
        };
        match &policy.initial_access_token {
            Some(known) => admitted(call.issuer, known, shown)?,
            // Open to anybody: then at least not without end.
            None if !self.registrations.admits(&call.issuer.tenant.id, self.clock.now()) => {
                return Err(Refusal::RateLimited);
            }
            None => {}
        }
        let id = new_id(call.entropy)?;
        let secret = new_secret(call.entropy);
        let digest = call.issuer.secret_digest(&secret);
        let given = Given {
            id: id.clone(),
            status: ClientStatus::Active,
            secrets: vec![digest],
            about: About::default(),
            managed_by: None,
        };
        let client = judge(asked, given, rules)?;
        sector::check(rules.outbound, &client).await?;
        let tenant = call.issuer.tenant.id.clone();
        let algs = signing_algs(&client, rules.policy);
        self.ensure_keys(&tenant, &algs, call.entropy).await?;
        let has_secret = !client.secrets.is_empty();
        let key = Key::Client(tenant, id.clone());
        let needs = |_: &Seen| vec![key.clone()];
        let (client, token) = self
            .settle(call, Settle::default(), needs, |ctx, seen| {
                if seen.get(&key).is_some() {
                    return Decided::refuse(Refusal::Internal);
                }
                let mut client = client.clone();
                let registration = Registration {
                    salt: Salt::mint(ctx.entropy),
                    key: ctx.issuer.ring.active(),
                    generation: Generation::FIRST,
                    issued: ctx.now,
                };
                let Some(token) = token(&client.id, &registration, &ctx.issuer.ring) else {
                    return Decided::refuse(Refusal::Internal);
                };
                client.metadata.registration = Some(registration);
                changed(&key, Some(client.clone()), None, (client, token))
            })
            .await?;
        Ok(Registered { client, secret: has_secret.then_some(secret), token })
    }

    /// What a client is registered with (RFC 7592 §2.1).
    ///
    /// # Errors
    /// [`Refusal::RegistrationToken`], [`Refusal::StoreUnavailable`].
    pub async fn registration(
        &self,
        issuer: &Issuer,
        id: &str,
        shown: Option<&Secret>,
    ) -> Result<Registered, Refusal> {
        let (id, sealed) = opened(issuer, id, shown)?;
        let found = self.client(&issuer.tenant.id, &id).await?;
        let (client, _) = found.ok_or(Refusal::RegistrationToken)?;
        let token = manages(issuer, &sealed, &client)?;
        Ok(Registered { client: (*client).clone(), secret: None, token })
    }

    /// Makes a client what it asks to be: all of it, what it leaves out becomes the default.
    ///
    /// # Errors
    /// [`Refusal::RegistrationToken`], what is wrong with the metadata, the store's.
    pub async fn update_registration(
        &self,
        call: &mut Call<'_>,
        rules: &Rules<'_>,
        (id, shown): (&str, Option<&Secret>),
        update: &Update,
    ) -> Result<Registered, Refusal> {
        let (id, sealed) = opened(call.issuer, id, shown)?;
        let found = self.client(&call.issuer.tenant.id, &id).await?;
        let (before, _) = found.ok_or(Refusal::RegistrationToken)?;
        manages(call.issuer, &sealed, &before)?;
        is_itself(call.issuer, &before, update)?;
        let secret = new_secret(call.entropy);
        let digest = call.issuer.secret_digest(&secret);
        let wanted = next(&before, &digest, update, rules)?;
        sector::check(rules.outbound, &wanted).await?;
        let tenant = call.issuer.tenant.id.clone();
        let algs = signing_algs(&wanted, rules.policy);
        self.ensure_keys(&tenant, &algs, call.entropy).await?;
        let fresh = wanted.secrets.contains(&digest);
        let (key, standing) = (Key::Client(tenant.clone(), id.clone()), call.issuer.standing(&id));
        let standing = Key::Grant(tenant, standing);
        let needs = |_: &Seen| vec![key.clone(), standing.clone()];
        let (client, token) = self
            .settle(call, Settle::default(), needs, |ctx, seen| {
                // Judged again on what is there now: the operator may have moved first.
                let Some(Record::Client(before)) = seen.get(&key) else {
                    return Decided::refuse(Refusal::RegistrationToken);
                };
                let token = match manages(ctx.issuer, &sealed, before) {
                    Ok(token) => token,
                    Err(why) => return Decided::refuse(why),
                };
                let mut client = match next(before, &digest, update, rules) {
                    Ok(client) => client,
                    Err(why) => return Decided::refuse(why),
                };
                client.metadata.registration = before.metadata.registration.clone();
                let own = match seen.get(&standing) {
                    Some(Record::Grant(grant)) => {
                        // Tokens of what it may no longer ask for die with the change.
                        let mut grant = (**grant).clone();
                        grant.scope = client.scope.clone();
                        Some((standing.clone(), Some(Record::Grant(grant.into()))))
                    }
                    _ => None,
                };
                changed(&key, Some(client.clone()), own, (client, token))
            })
            .await?;
        Ok(Registered { client, secret: fresh.then_some(secret), token })
    }

    /// A client goes: nothing it was given is active from now on (RFC 7592 §2.3).
    ///
    /// # Errors
    /// [`Refusal::RegistrationToken`], the store's.
    pub async fn delete_registration(
        &self,
        call: &mut Call<'_>,
        id: &str,
        shown: Option<&Secret>,
    ) -> Result<(), Refusal> {
        let (id, sealed) = opened(call.issuer, id, shown)?;
        let tenant = call.issuer.tenant.id.clone();
        let standing = Key::Grant(tenant.clone(), call.issuer.standing(&id));
        let key = Key::Client(tenant, id);
        let needs = |_: &Seen| vec![key.clone(), standing.clone()];
        self.settle(call, Settle::default(), needs, |ctx, seen| {
            let Some(Record::Client(client)) = seen.get(&key) else {
                return Decided::refuse(Refusal::RegistrationToken);
            };
            if let Err(why) = manages(ctx.issuer, &sealed, client) {
                return Decided::refuse(why);
            }
            let own = seen.get(&standing).map(|_| (standing.clone(), None));
            changed(&key, None, own, ())
        })
        .await
    }
}

type Own = Option<(Key, Option<Record>)>;

fn changed<T>(key: &Key, next: Option<Client>, own: Own, answer: T) -> Decided<T> {
    let id = if let Key::Client(_, id) = key { Some(id.clone()) } else { None };
    let note = Note { client: id, ..Note::of(What::ClientRegistered) };
    let mut changes = vec![(key.clone(), next.map(|client| Record::Client(Box::new(client))))];
    changes.extend(own);
    Decided { changes, notes: vec![note], outcome: Ok(answer) }
}

fn admitted(issuer: &Issuer, known: &Digest, shown: Option<&Secret>) -> Result<(), Refusal> {
    let shown = shown.ok_or(Refusal::InitialAccessToken)?;
    if issuer.secret_digest(shown) == *known { Ok(()) } else { Err(Refusal::InitialAccessToken) }
}

/// The id of a registered client is the record id of its token.
fn new_id(entropy: &mut dyn Entropy) -> Result<ClientId, Refusal> {
    ClientId::parse(&hex(&entropy.bytes32()[..16])).map_err(|_| Refusal::Internal)
}

/// Letters and digits only, so that no library's encoding of Basic credentials can change it.
fn new_secret(entropy: &mut dyn Entropy) -> Secret {
    let bytes = Zeroizing::new(entropy.bytes32());
    Secret::new(hex(bytes.as_slice()).into_bytes())
}

/// The token, if it is sealed and about this client.
fn opened(
    issuer: &Issuer,
    id: &str,
    shown: Option<&Secret>,
) -> Result<(ClientId, Sealed<handle::Registration>), Refusal> {
    let wrong = Refusal::RegistrationToken;
    let raw = std::str::from_utf8(shown.ok_or(wrong)?.expose()).map_err(|_| wrong)?;
    let sealed = Sealed::<handle::Registration>::open(raw, &issuer.ring).ok_or(wrong)?;
    if hex(&sealed.record()) != id {
        return Err(wrong);
    }
    Ok((ClientId::parse(id).map_err(|_| wrong)?, sealed))
}

/// Whether the token manages this client: it registered itself, the token is its current one, and the
/// operator lets it in (attacks.md M027). Returns the token.
fn manages(
    issuer: &Issuer,
    sealed: &Sealed<handle::Registration>,
    client: &Client,
) -> Result<Minted<handle::Registration>, Refusal> {
    let wrong = Refusal::RegistrationToken;
    let registration = client.metadata.registration.as_ref().ok_or(wrong)?;
    let proven = sealed.prove(&registration.salt, &issuer.ring).ok_or(wrong)?;
    let current = proven.facts().generation == registration.generation;
    if !current || client.status != ClientStatus::Active {
        return Err(wrong);
    }
    token(&client.id, registration, &issuer.ring).ok_or(Refusal::Internal)
}

fn token(
    id: &ClientId,
    registration: &Registration,
    ring: &TenantRing,
) -> Option<Minted<handle::Registration>> {
    let record = counterfoil_protocol::ids::GrantId::parse_hex(id.as_str()).ok()?.0;
    let facts = Facts {
        key: registration.key,
        record,
        generation: registration.generation,
        view: ViewId::WHOLE,
        serial: Serial::NONE,
        expires: Moment::NEVER,
        binding: None,
    };
    Minted::mint(facts, &registration.salt, ring)
}

/// RFC 7592 §2.2: `client_id` must be there and its own, `client_secret` must be its own.
fn is_itself(issuer: &Issuer, client: &Client, update: &Update) -> Result<(), Refusal> {
    match update.client_id.as_deref() {
        None => return Err(Refusal::Metadata("client_id", MetadataFault::Missing)),
        Some(id) if id != client.id.as_str() => {
            return Err(Refusal::Metadata("client_id", MetadataFault::Conflicting));
        }
        Some(_) => {}
    }
    let Some(secret) = &update.client_secret else { return Ok(()) };
    let own = client.secrets.contains(&issuer.secret_digest(secret));
    if own { Ok(()) } else { Err(Refusal::Metadata("client_secret", MetadataFault::Conflicting)) }
}

/// The client after a change. A secret that it has stays; one that it now needs is new.
fn next(
    before: &Client,
    new_secret: &Digest,
    update: &Update,
    rules: &Rules<'_>,
) -> Result<Client, Refusal> {
    let had = before.auth.iter().any(|method| is_secret(method)) && !before.secrets.is_empty();
    let secrets = if had { before.secrets.clone() } else { vec![*new_secret] };
    let given = Given {
        id: before.id.clone(),
        status: before.status,
        secrets,
        about: before.about.clone(),
        managed_by: before.managed_by.clone(),
    };
    judge(&update.metadata, given, rules)
}
