//! One record of every kind, with every field in use: what the encodings are held against.

use std::sync::Arc;

use counterfoil_engine::audit::{Event, What};
use counterfoil_engine::client::{About, Client, ClientKey, ClientStatus, Parsed};
use counterfoil_engine::client_metadata::{
    Metadata, Registration, Sender, SubjectType, TlsSubject,
};
use counterfoil_engine::consent::{Consent, ConsentState, Shown, WithdrawnBy};
use counterfoil_engine::ctx::Entropy;
use counterfoil_engine::customer::Customer;
use counterfoil_engine::delivery::Delivery;
use counterfoil_engine::grant::{
    AccessState, Bound, CodeState, ConsentCopy, Grant, LoginFacts, Narrowed, OpenIdFacts,
    RefreshState, Revoked, RevokedWhy, SubjectRef, Suspensions, View,
};
use counterfoil_engine::handle::{Generation, KeyId, Salt, Serial, ViewId};
use counterfoil_engine::interaction::{Channel, Interaction, Step};
use counterfoil_engine::keys::{KeyEntry, KeySet, KeyState, StoredKey};
use counterfoil_engine::openid_request::{OpenIdRequest, Prompt};
use counterfoil_engine::pushed::Pushed;
use counterfoil_engine::response_mode::ResponseMode;
use counterfoil_engine::session::Session;
use counterfoil_engine::store::{ClaimKind, Key, Record, ReplayId};
use counterfoil_engine::subject::{Account, Scenario, Subject};
use counterfoil_engine::tenant::{EnabledSurface, Mount, RegistrationPolicy, Switches, Tenant};
use counterfoil_protocol::ids::{
    AccountId, ClientId, ConsentId, DeliveryId, GrantId, InteractionId, Kid, Login, PushedId,
    SessionId, SubjectId,
};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Digest;

use super::tenant;

const NOW: Moment = Moment(1_795_000_000);

/// One key of every kind with its record.
#[must_use]
pub fn all() -> Vec<(Key, Record)> {
    let of = tenant;
    let replay = ReplayId { minute: 29_916_666, digest: [9; 16] };
    vec![
        (Key::Tenant(of()), Record::Tenant(Box::new(sample_tenant()))),
        (Key::Client(of(), client_id()), Record::Client(Box::new(client()))),
        (Key::Grant(of(), GrantId([1; 16])), Record::Grant(Arc::new(grant()))),
        (Key::Consent(of(), ConsentId([2; 16])), Record::Consent(Box::new(consent()))),
        (Key::Subject(of(), subject_id()), Record::Subject(Box::new(subject()))),
        (
            Key::Interaction(of(), InteractionId([3; 16])),
            Record::Interaction(Box::new(interaction())),
        ),
        (Key::Session(of(), SessionId([4; 16])), Record::Session(Box::new(session()))),
        (Key::Replay(of(), replay), Record::Replay),
        (Key::SigningKey(of(), kid()), Record::SigningKey(Box::new(signing_key()))),
        (Key::KeySet(of()), Record::KeySet(Box::new(key_set()))),
        (Key::Claim(of(), ClaimKind::Login, "anna".into()), Record::Claim("subject-7".into())),
        (Key::Customer(of(), "c0ffee".into()), Record::Customer(Box::new(customer()))),
        (Key::Pushed(of(), PushedId([5; 16])), Record::Pushed(Box::new(pushed()))),
        (Key::Delivery(of(), DeliveryId([6; 16])), Record::Delivery(Box::new(delivery()))),
    ]
}

/// An event with every field in use.
#[must_use]
pub fn event() -> Event {
    Event {
        at: NOW,
        tenant: tenant(),
        what: What::GrantRevoked,
        client: Some(client_id()),
        subject: Some(subject_id()),
        record: Some([1; 16]),
        why: Some("code_replayed".into()),
        request: [8; 16],
    }
}

struct Sevens;

impl Entropy for Sevens {
    fn bytes32(&mut self) -> [u8; 32] {
        [7; 32]
    }
}

fn client_id() -> ClientId {
    ClientId::parse("tpp-1").unwrap()
}

fn subject_id() -> SubjectId {
    SubjectId::parse("subject-7").unwrap()
}

fn kid() -> Kid {
    Kid::parse("2026-11-a").unwrap()
}

fn account_id() -> AccountId {
    AccountId::parse("acc-1").unwrap()
}

fn scope() -> ScopeSet {
    ScopeSet::parse("accounts balances").unwrap()
}

fn redirect_uri() -> RedirectUri {
    RedirectUri::parse("https://tpp.example/cb").unwrap()
}

fn sample_tenant() -> Tenant {
    let issuer_path = "/auth/realms/bank".into();
    let switches = Switches { strict: true, ..Switches::default() };
    Tenant {
        id: tenant(),
        name: "Bank of Examples".into(),
        mount: Mount::Realm { issuer_path },
        surfaces: vec![EnabledSurface { name: "mx".into(), switches }],
        enabled: true,
        base: Some("https://bank.example".into()),
        mtls_base: Some("https://mtls.bank.example".into()),
        https_required: true,
        registration: Some(RegistrationPolicy {
            surface: "standard".into(),
            initial_access_token: Some(Digest::known([0x99; 32])),
        }),
        resources: vec!["https://api.bank.example".into()],
    }
}

fn client() -> Client {
    let key = ClientKey {
        kid: Some("k1".into()),
        spki: vec![0x30, 0x2a, 0x30],
        sha1: Some([0x11; 20]),
        sha256: Some([0x22; 32]),
        not_before: Some(NOW),
        not_after: Some(NOW.after(86_400)),
    };
    Client {
        id: client_id(),
        surface: "mx".into(),
        status: ClientStatus::Active,
        name: "Third Party".into(),
        auth: vec!["client_secret_basic".into()],
        secrets: vec![Digest::known([0x33; 32])],
        keys: vec![key],
        assertion_algs: vec!["PS256".into()],
        assertion_subjects: vec!["other".into()],
        redirect_uris: vec![redirect_uri()],
        grants: vec!["authorization_code".into(), "refresh_token".into()],
        scope: scope(),
        default_scope: Some(scope()),
        resource_server: false,
        require_signature: true,
        about: About { legal_name: Some("Third Party Ltd".into()), ..About::default() },
        managed_by: Some("clients.toml".into()),
        metadata: metadata(),
        parsed: Parsed::default(),
    }
}

/// A grant with a code, a refresh chain and a view.
#[must_use]
pub fn grant() -> Grant {
    let bound = Bound { redirect_uri: redirect_uri(), challenge: Some(Digest::known([0x44; 32])) };
    let view = View { id: ViewId(1), scope: ScopeSet::parse("accounts").unwrap(), until: NOW };
    Grant {
        id: GrantId([1; 16]),
        surface: "mx".into(),
        client: client_id(),
        subject: Some(SubjectRef { id: subject_id(), sub: "8f2e".into() }),
        consent: Some(ConsentCopy {
            id: ConsentId([2; 16]),
            version: 1,
            accounts: vec![account_id()],
        }),
        scope: scope(),
        spelled: "accounts balances".into(),
        login: Some(LoginFacts { auth_time: NOW, nonce: Some("n-0S6".into()) }),
        salt: Salt::mint(&mut Sevens),
        ends: NOW.after(365 * 86_400),
        code: CodeState::Redeemed { at: NOW, bound },
        refresh: RefreshState::Live {
            generation: Generation(3),
            key: KeyId(1),
            expires: NOW.after(30 * 86_400),
            idle_until: NOW.after(30 * 86_400),
            retry_until: NOW.after(86_400),
        },
        access: AccessState {
            generation: Generation(2),
            revoked: vec![(Serial(77), NOW)],
            views: vec![view],
            next_view: 2,
        },
        suspended: Suspensions { by_subject: true, by_consent: false },
        revoked: Some(Revoked { at: NOW, why: RevokedWhy::Replayed }),
        openid: openid_facts(),
    }
}

fn openid_facts() -> OpenIdFacts {
    OpenIdFacts {
        acr: Some("urn:mace:incommon:iap:silver".into()),
        amr: vec!["pwd".into()],
        sid: Some("0404".into()),
        claims: Some(r#"{"userinfo":{"name":null}}"#.into()),
        details: Some(r#"[{"type":"account_information"}]"#.into()),
        audience: vec!["https://api.bank.example".into()],
        sender: Some(Digest::known([0xaa; 32])),
        narrowed: vec![Narrowed {
            view: ViewId(1),
            audience: vec!["https://api.bank.example".into()],
            details: Some("[]".into()),
        }],
    }
}

fn metadata() -> Metadata {
    let text = |text: &str| Some(text.into());
    Metadata {
        sender: Sender::Mtls,
        tls_subject: Some(TlsSubject::Dn("CN=tpp".into())),
        jwks_uri: text("https://tpp.example/jwks"),
        jwks: text(r#"{"keys":[]}"#),
        subject_type: SubjectType::Public,
        sector_identifier_uri: text("https://tpp.example/sector"),
        sector: text("tpp.example"),
        id_token_alg: text("PS256"),
        userinfo_alg: text("ES256"),
        authorization_alg: text("EdDSA"),
        introspection_alg: text("PS256"),
        request_object_alg: text("PS256"),
        response_modes: vec!["jwt".into()],
        default_max_age_s: Some(600),
        require_auth_time: true,
        default_acr_values: vec!["1".into()],
        post_logout_redirect_uris: vec![redirect_uri()],
        backchannel_logout_uri: text("https://tpp.example/logout"),
        backchannel_logout_session_required: true,
        initiate_login_uri: text("https://tpp.example/login"),
        details_types: vec!["account_information".into()],
        jwt_access_tokens: true,
        logo_uri: text("https://tpp.example/logo.png"),
        policy_uri: text("https://tpp.example/policy"),
        tos_uri: text("https://tpp.example/terms"),
        client_uri: text("https://tpp.example"),
        contacts: vec!["it@tpp.example".into()],
        registration: Some(Registration {
            salt: Salt::mint(&mut Sevens),
            key: KeyId(1),
            generation: Generation(2),
            issued: NOW,
        }),
    }
}

/// A consent that was withdrawn.
#[must_use]
pub fn consent() -> Consent {
    let shown = Shown { page_sha256: [0x55; 32], locale: "es-MX".into(), template: "1".into() };
    Consent {
        id: ConsentId([2; 16]),
        version: 2,
        subject: subject_id(),
        client: client_id(),
        scope: scope(),
        accounts: vec![account_id()],
        given: NOW,
        ends: NOW.after(180 * 86_400),
        shown,
        state: ConsentState::Withdrawn { at: NOW, by: WithdrawnBy::Customer },
        grants: vec![GrantId([1; 16])],
        details: Some(r#"[{"type":"account_information"}]"#.into()),
    }
}

fn subject() -> Subject {
    let account = Account {
        id: account_id(),
        name: "Everyday".into(),
        last_digits: "4711".into(),
        currency: "MXN".into(),
        balance_minor: -1_250,
    };
    Subject {
        id: subject_id(),
        login: Login::parse("anna").unwrap(),
        name: "Anna".into(),
        password_hash: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into()),
        accounts: vec![account],
        scenario: Scenario::Denied,
        suspended: false,
        grants: vec![GrantId([1; 16])],
        managed_by: None,
        claims: Some(r#"{"family_name":"Example"}"#.into()),
    }
}

/// An interaction that was approved.
#[must_use]
pub fn interaction() -> Interaction {
    Interaction {
        id: InteractionId([3; 16]),
        surface: "fintecture".into(),
        client: client_id(),
        redirect_uri: redirect_uri(),
        scope: scope(),
        spelled: "accounts balances".into(),
        challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into()),
        state: Some("xyz".into()),
        nonce: Some("n-0S6".into()),
        channel: Channel::Decoupled { provider: "bank-fr".into(), psu: "anna".into() },
        browser: Some(Digest::known([0x66; 32])),
        step: Step::Approved {
            subject: subject_id(),
            auth_time: NOW,
            consent: ConsentId([2; 16]),
            grant: Some(GrantId([1; 16])),
        },
        failures: 1,
        ends: NOW.after(3_600),
        openid: openid_request(),
    }
}

fn openid_request() -> OpenIdRequest {
    OpenIdRequest {
        response_mode: ResponseMode::FormPostJwt,
        prompt: vec![Prompt::Consent],
        login_since: Some(NOW),
        auth_time: true,
        acr_values: vec!["1".into()],
        claims: Some(r#"{"id_token":{"acr":null}}"#.into()),
        ui_locales: Some("es-MX".into()),
        login_hint: Some("anna".into()),
        sub: Some(subject_id().as_str().into()),
        details: Some(r#"[{"type":"account_information"}]"#.into()),
        resources: vec!["https://api.bank.example".into()],
        sender: Some(Digest::known([0xbb; 32])),
        pushed: Some(PushedId([5; 16])),
        session: Some(SessionId([4; 16])),
    }
}

fn pushed() -> Pushed {
    Pushed {
        id: PushedId([5; 16]),
        client: client_id(),
        form: "response_type=code&scope=accounts".into(),
        sender: Some(Digest::known([0xbb; 32])),
        expires: NOW.after(90),
        ends: NOW.after(4_000),
        spent: true,
        salt: Salt::mint(&mut Sevens),
        key: KeyId(1),
    }
}

fn delivery() -> Delivery {
    Delivery {
        id: DeliveryId([6; 16]),
        client: client_id(),
        url: "https://tpp.example/logout".into(),
        sub: Some("8f2e".into()),
        sid: Some("0404".into()),
        attempts: 2,
        due: NOW.after(30),
        ends: NOW.after(3_600),
    }
}

/// A session.
#[must_use]
pub fn session() -> Session {
    Session {
        id: SessionId([4; 16]),
        subject: subject_id(),
        auth_time: NOW,
        ends: NOW.after(1_800),
        salt: Salt::mint(&mut Sevens),
        key: KeyId(1),
        acr: Some("1".into()),
        amr: vec!["pwd".into()],
        clients: vec![client_id()],
    }
}

fn signing_key() -> StoredKey {
    StoredKey {
        kid: kid(),
        alg: "ES256".into(),
        public_jwk: r#"{"kty":"EC"}"#.into(),
        wrapped: vec![0x77; 48],
        nonce: [0x88; 12],
        created: NOW,
    }
}

fn key_set() -> KeySet {
    let entry = |state| KeyEntry { kid: kid(), alg: "ES256".into(), state };
    let states = [KeyState::Next, KeyState::Active, KeyState::Retiring { since: NOW }];
    KeySet { keys: states.into_iter().map(entry).collect() }
}

fn customer() -> Customer {
    Customer { client: client_id(), subject: subject_id(), consents: vec![ConsentId([2; 16])] }
}
