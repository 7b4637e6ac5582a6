//! Who lives in a world: a tenant, two clients and a resource server, one customer; and their keys.

use std::sync::{Arc, OnceLock};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::client::{About, Client, ClientKey, ClientStatus, Parsed};
use counterfoil_engine::client_auth::BASIC;
use counterfoil_engine::client_metadata::Metadata;
use counterfoil_engine::handle::{HandleKey, KeyId, Keyring};
use counterfoil_engine::keys::{self, Issuer, KeyFile, KeyState, LoadedKey};
use counterfoil_engine::login::password::{Busy, Passwords};
use counterfoil_engine::policy::{ClientAuthRules, CredentialsTwice, Policy};
use counterfoil_engine::store::BoxFuture;
use counterfoil_engine::subject::{Account, Scenario, Subject};
use counterfoil_engine::tenant::{EnabledSurface, Mount, Switches, Tenant};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider::{WrappingKey, sha256};
use counterfoil_protocol::ids::{AccountId, ClientId, Login, SubjectId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Secret;

use crate::dice::{Dice, Yield};

pub(crate) const BASE: &str = "https://bank.example";
pub(crate) const CALLBACK: &str = "https://tpp.example/cb";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const OTHER_VERIFIER: &str = "another-verifier-that-is-long-enough-to-be-one";
pub(crate) const OWNER: &str = "tpp";
pub(crate) const RIVAL: &str = "rival";
pub(crate) const RESOURCE_SERVER: &str = "accounts-api";
pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const PROVIDER: &str = "bank";

/// How resource servers prove who they are.
pub(crate) static RESOURCE_SERVERS: ClientAuthRules = ClientAuthRules {
    methods: &[BASIC],
    credentials_twice: CredentialsTwice::Refused,
    assertion: None,
};

pub(crate) fn tenant_id() -> TenantId {
    TenantId::parse("default").unwrap()
}

pub(crate) fn client_id(name: &str) -> ClientId {
    ClientId::parse(name).unwrap()
}

pub(crate) fn subject_id() -> SubjectId {
    SubjectId::parse("psu").unwrap()
}

pub(crate) fn secret_of(client: &str) -> Secret {
    Secret::new(format!("secret of {client}").into_bytes())
}

pub(crate) fn challenge() -> String {
    Base64UrlUnpadded::encode_string(&sha256(VERIFIER.as_bytes()))
}

/// How many keys a world may turn through.
pub(crate) const TURNS_MAX: u8 = 4;

/// The keys of a server that has changed its active handle key `turns` times.
pub(crate) fn key_file(turns: u8) -> KeyFile {
    let key = |id: u8| HandleKey { id: KeyId(id), secret: Secret::new(vec![id ^ 0x5a; 32]) };
    KeyFile {
        keyring: Keyring::new(key(turns), (0..turns).rev().map(key).collect()),
        pepper: Secret::new(vec![7; 32]),
        wrapping: WrappingKey::new(&[9; 32]),
    }
}

/// Signs ID tokens. Made once: RSA takes its time.
fn signing_key() -> &'static Arc<LoadedKey> {
    static KEY: OnceLock<Arc<LoadedKey>> = OnceLock::new();
    KEY.get_or_init(|| {
        let wrapping = key_file(0).wrapping;
        let pair = SigningKey::generate(Alg::RS256).unwrap();
        let stored = keys::stored(pair, &wrapping, Moment(0), &mut Dice(0)).unwrap();
        Arc::new(LoadedKey::load(&stored, KeyState::Active, &wrapping).unwrap())
    })
}

/// Signs client assertions. Ed25519, because its signatures are the same in every run.
pub(crate) fn client_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Alg::EdDSA).unwrap().0)
}

/// A client assertion of the owner, good for five minutes.
pub(crate) fn assertion(jti: &str, now: u64) -> String {
    signed(&format!(r#""jti":"{jti}","#), now)
}

/// The same with these members in front; with none it can be presented again and again.
pub(crate) fn signed(id: &str, now: u64) -> String {
    let until = now + 300;
    let claims = format!(
        r#"{{"iss":"{OWNER}","sub":"{OWNER}","aud":"{BASE}",{id}"iat":{now},"exp":{until}}}"#
    );
    sealed(&claims)
}

/// Any claims, signed by the owner.
pub(crate) fn sealed(claims: &str) -> String {
    let input = jws::signing_input(br#"{"alg":"EdDSA"}"#, claims.as_bytes());
    let signature = client_key().sign(input.as_bytes()).unwrap();
    jws::finish(input, &signature)
}

/// The same claims under a signature that is not the client's.
pub(crate) fn spoiled(assertion: &str) -> String {
    let (said, _) = assertion.rsplit_once('.').unwrap();
    format!("{said}.{}", Base64UrlUnpadded::encode_string(&[1; 64]))
}

pub(crate) fn tenant(policy: &Policy) -> Tenant {
    Tenant {
        id: tenant_id(),
        name: "Bank".into(),
        mount: Mount::Root,
        surfaces: vec![EnabledSurface { name: policy.name.into(), switches: Switches::default() }],
        enabled: true,
        base: None,
        mtls_base: None,
        https_required: false,
        registration: None,
        resources: vec![],
    }
}

pub(crate) fn issuer(policy: &Policy, turns: u8) -> Arc<Issuer> {
    let keys = vec![signing_key().clone()];
    Arc::new(Issuer::new(tenant(policy), BASE, keys, &key_file(turns)))
}

/// What an authorization asks for on this surface.
pub(crate) fn asked(policy: &Policy) -> &'static str {
    if policy.name == "fintecture" { "ais" } else { "openid accounts" }
}

/// What clients may ask for on this surface, all of it.
pub(crate) fn registered(policy: &Policy) -> &'static str {
    if policy.name == "fintecture" {
        "ais pis customers organisations:read"
    } else {
        "openid accounts transactions"
    }
}

pub(crate) fn client(policy: &Policy, issuer: &Issuer, name: &str, scope: &str) -> Client {
    let spki = client_key().verifying_key().unwrap().to_spki_der().unwrap();
    let key =
        ClientKey { kid: None, spki, sha1: None, sha256: None, not_before: None, not_after: None };
    let scope = ScopeSet::parse(scope).unwrap();
    Client {
        id: client_id(name),
        surface: policy.name.into(),
        status: ClientStatus::Active,
        name: name.into(),
        auth: policy.client_auth.methods.iter().map(|method| method.name().into()).collect(),
        secrets: vec![issuer.secret_digest(&secret_of(name))],
        keys: if name == OWNER { vec![key] } else { vec![] },
        assertion_algs: vec!["EdDSA".into()],
        assertion_subjects: vec![],
        redirect_uris: vec![RedirectUri::parse(CALLBACK).unwrap()],
        grants: policy.grants.iter().map(|rule| rule.name().into()).collect(),
        default_scope: None,
        scope,
        resource_server: false,
        require_signature: false,
        about: About::default(),
        managed_by: None,
        metadata: Metadata::default(),
        parsed: Parsed::default(),
    }
}

pub(crate) fn resource_server(policy: &Policy, issuer: &Issuer) -> Client {
    Client {
        auth: vec![BASIC.name().into()],
        grants: vec![],
        redirect_uris: vec![],
        resource_server: true,
        ..client(policy, issuer, RESOURCE_SERVER, "openid")
    }
}

pub(crate) fn account() -> AccountId {
    AccountId::parse("current").unwrap()
}

pub(crate) fn subject() -> Subject {
    Subject {
        id: subject_id(),
        login: Login::parse("ada").unwrap(),
        name: "Ada".into(),
        password_hash: Some("a hash".into()),
        accounts: vec![Account {
            id: account(),
            name: "Current".into(),
            last_digits: "42".into(),
            currency: "EUR".into(),
            balance_minor: 100,
        }],
        scenario: Scenario::None,
        suspended: false,
        grants: vec![],
        managed_by: None,
        claims: None,
    }
}

/// Argon2 would be most of what a world does.
pub(crate) struct QuickPasswords;

impl Passwords for QuickPasswords {
    fn check<'a>(
        &'a self,
        hash: Option<&'a str>,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, Busy>> {
        Box::pin(async move {
            Yield::once().await;
            Ok(hash.is_some() && password.expose() == PASSWORD.as_bytes())
        })
    }
}
