//! Tokens that are tied to their sender: by a key it proves (RFC 9449), by the certificate of its
//! connection (RFC 8705). The rules R1, R4 to R6, R22 to R24 of conformance.md and its 32 probes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::client::Client;
use counterfoil_engine::client_auth::{PRIVATE_KEY_JWT, Presented, SELF_SIGNED_TLS, TLS};
use counterfoil_engine::client_metadata::Sender;
use counterfoil_engine::grants::{Issued, IssuedAccess};
use counterfoil_engine::policy::{
    ClientAuthRules, CredentialsTwice, NonceRule, Policy, SenderRules, VerifierAbsent,
};
use counterfoil_engine::sender::mtls::PeerCertificate;
use counterfoil_engine::sender::resource::{Bearing, Scheme};
use counterfoil_engine::sender::{Binding, ProofHeader, Shown};
use counterfoil_engine::store::{Key, Record};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::dpop::token_hash;
use counterfoil_jose::jws;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::thumbprint::jwk_thumbprint;
use counterfoil_jose::{assertion as assertions, dpop};
use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::{AssertionFault, ProofFault, Refusal};
use counterfoil_protocol::secret::Digest;
use serde_json::{Value, json};

use crate::codes;
use crate::dice::now;
use crate::fixtures::{self, CALLBACK, OWNER, RIVAL, VERIFIER, assertion};
use crate::policies::RULES;
use crate::ways::rt;
use crate::world::{Shows, World, at, presented};

/// FAPI 2.0 as a whole: assertions for us alone, and no token without a sender.
pub(crate) static SENDER: Policy = Policy {
    client_auth: ClientAuthRules {
        methods: &[PRIVATE_KEY_JWT, TLS, SELF_SIGNED_TLS],
        credentials_twice: CredentialsTwice::Refused,
        assertion: Some(&assertions::FAPI2),
    },
    verifier_absent: VerifierAbsent::Mismatch,
    sender: SenderRules { required: true, proofs: Some(&dpop::FAPI2), nonce: NonceRule::Honoured },
    ..RULES
};

/// The same, where every proof needs a nonce.
pub(crate) static NONCES: Policy = Policy {
    sender: SenderRules { required: true, proofs: Some(&dpop::FAPI2), nonce: NonceRule::Required },
    ..RULES
};

/// Plain OpenID Connect: a token is bound when its client wants that.
pub(crate) static OPTIONAL: Policy = Policy {
    sender: SenderRules {
        required: false,
        proofs: Some(&dpop::RFC9449),
        nonce: NonceRule::Honoured,
    },
    ..RULES
};

pub(crate) const TOKEN: &str = "https://bank.example/token";
const RESOURCE: &str = "https://bank.example/demo/resource";
pub(crate) const OWN: [(&str, &str); 2] =
    [("grant_type", "client_credentials"), ("scope", "openid")];

fn key(alg: Alg) -> &'static SigningKey {
    static KEYS: LazyLock<[SigningKey; 4]> = LazyLock::new(|| {
        [Alg::ES256, Alg::EdDSA, Alg::PS256, Alg::RS256]
            .map(|alg| SigningKey::generate(alg).unwrap().0)
    });
    KEYS.iter().find(|key| key.alg() == alg).unwrap()
}

fn jkt(key: &SigningKey) -> Digest {
    Digest::known(jwk_thumbprint(&key.public_jwk("1")).unwrap())
}

/// Never the same twice.
pub(crate) fn fresh(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{name}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Header and payload of a proof, to be changed.
struct Proof {
    key: &'static SigningKey,
    header: Value,
    payload: Value,
}

impl Proof {
    fn at(world: &World, key: &'static SigningKey, method: &str, url: &str) -> Self {
        let mut jwk = serde_json::to_value(key.public_jwk("1")).unwrap();
        for name in ["kid", "use", "alg"] {
            jwk.as_object_mut().unwrap().remove(name);
        }
        let header = json!({"typ": "dpop+jwt", "alg": key.alg().as_str(), "jwk": jwk});
        let now = world.now().0;
        let payload = json!({"jti": fresh("p"), "htm": method, "htu": url, "iat": now});
        Self { key, header, payload }
    }

    fn set(mut self, name: &str, value: Value) -> Self {
        self.payload[name] = value;
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.payload.as_object_mut().unwrap().remove(name);
        self.header.as_object_mut().unwrap().remove(name);
        self
    }

    fn head(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    fn signed(&self) -> String {
        self.signed_by(self.key)
    }

    fn signed_by(&self, key: &SigningKey) -> String {
        let (header, payload) = (self.header.to_string(), self.payload.to_string());
        let input = jws::signing_input(header.as_bytes(), payload.as_bytes());
        let signature = key.sign(input.as_bytes()).unwrap();
        jws::finish(input, &signature)
    }
}

fn token_proof(world: &World, key: &'static SigningKey) -> String {
    Proof::at(world, key, "POST", TOKEN).signed()
}

/// What a request to the token endpoint shows.
fn shown<'a>(proof: ProofHeader<'a>, certificate: Option<&'a PeerCertificate>) -> Shown<'a> {
    Shown { proof, certificate, method: "POST", addresses: vec![TOKEN.into()] }
}

/// A token request by assertion.
fn ask(world: &World, shown: Shown<'_>, form: &[(&str, &str)]) -> Result<Issued, Refusal> {
    let shows = Shows::Assertion(assertion(&fresh("a"), world.now().0));
    issue(world, Presented { shown, ..presented(&shows) }, form)
}

pub(crate) fn issue(
    world: &World,
    presented: Presented<'_>,
    form: &[(&str, &str)],
) -> Result<Issued, Refusal> {
    let form = Form::of(form.iter().copied());
    let mut dice = world.dice();
    let call = &mut world.call(&mut dice);
    now(world.engine.issue(call, world.policy.grants, &presented, &form))
}

fn with(world: &World, proof: &str, form: &[(&str, &str)]) -> Result<Issued, Refusal> {
    ask(world, shown(ProofHeader::One(proof), None), form)
}

fn binding(issued: &Issued) -> Option<Binding> {
    issued.access.facts().binding
}

/// Changes the registration of the owner.
pub(crate) fn registered(world: &World, change: impl FnOnce(&mut Client)) {
    let mut client = world.client(OWNER);
    change(&mut client);
    world.change(&client);
}

fn certificate(trusted: bool) -> PeerCertificate {
    let made = rcgen::generate_simple_self_signed(vec!["tpp.example".into()]).unwrap();
    PeerCertificate { certificate: Certificate::from_der(made.cert.der()).unwrap(), trusted }
}

/// At a resource: `GET` with this token under this scheme.
fn admit(world: &World, scheme: Scheme, token: &str, mut shown: Shown<'_>) -> Result<(), Refusal> {
    shown.method = "GET";
    shown.addresses = vec![RESOURCE.into()];
    let mut dice = world.dice();
    let call = world.call(&mut dice);
    now(world.engine.admit(&call, Bearing { scheme, token }, &shown)).map(|_| ())
}

#[test]
fn a_token_is_bound_to_the_key_of_the_proof_and_says_so() {
    let world = World::new(&SENDER, 1);
    for alg in [Alg::ES256, Alg::EdDSA, Alg::PS256] {
        let issued = with(&world, &token_proof(&world, key(alg)), &OWN).unwrap();
        assert_eq!(binding(&issued), Some(Binding::Key(jkt(key(alg)))));
        assert_eq!(Binding::token_type(binding(&issued).as_ref()), "DPoP");
        let mut dice = world.dice();
        let seen = now(world.introspect(at(&issued), &mut dice)).unwrap().unwrap();
        assert_eq!(seen.binding, binding(&issued), "resource servers are told");
    }
    let rsa = with(&world, &token_proof(&world, key(Alg::RS256)), &OWN);
    assert_eq!(rsa.unwrap_err(), ProofFault::Algorithm.into());
}

#[test]
fn without_a_proof_there_is_no_token() {
    let world = World::new(&SENDER, 1);
    let missing = ask(&world, Shown::default(), &OWN);
    assert_eq!(missing.unwrap_err(), ProofFault::Missing.into());
    let twice = ask(&world, shown(ProofHeader::Repeated, None), &OWN);
    assert_eq!(twice.unwrap_err(), ProofFault::Repeated.into());
    let elsewhere = Proof::at(&world, key(Alg::ES256), "POST", RESOURCE).signed();
    assert_eq!(with(&world, &elsewhere, &OWN).unwrap_err(), ProofFault::Address.into());
    // A certificate is no proof of a key for a client that registered to prove one.
    registered(&world, |client| client.metadata.sender = Sender::Dpop);
    let peer = certificate(true);
    let by_certificate = ask(&world, shown(ProofHeader::Absent, Some(&peer)), &OWN);
    assert_eq!(by_certificate.unwrap_err(), ProofFault::Missing.into());
    assert_eq!(Refusal::from(ProofFault::Missing).status(false), 400);
}

#[test]
fn a_client_that_registered_neither_way_is_bound_to_what_it_shows() {
    let world = World::new(&SENDER, 1);
    let peer = certificate(false);
    let digest = Digest::known(peer.certificate.sha256());
    let by_certificate = ask(&world, shown(ProofHeader::Absent, Some(&peer)), &OWN).unwrap();
    assert_eq!(binding(&by_certificate), Some(Binding::Certificate(digest)));
    // Of both, the proof.
    let proof = token_proof(&world, key(Alg::ES256));
    let both = ask(&world, shown(ProofHeader::One(&proof), Some(&peer)), &OWN).unwrap();
    assert_eq!(binding(&both), Some(Binding::Key(jkt(key(Alg::ES256)))));
    let wrong = ask(&world, shown(ProofHeader::One("x"), Some(&peer)), &OWN);
    assert_eq!(wrong.unwrap_err(), ProofFault::Malformed.into(), "a certificate saves no proof");
    // A code that a key was promised for is not spent by a certificate.
    let code = bound_code(&world, Some(jkt(key(Alg::ES256))));
    let form = codes::form(&code, CALLBACK, VERIFIER);
    let spent = ask(&world, shown(ProofHeader::Absent, Some(&peer)), &form);
    assert_eq!(spent.unwrap_err(), Refusal::CertificateMismatch);
    // Where nothing has to be bound, a certificate binds nothing.
    let world = World::new(&OPTIONAL, 1);
    let plain = ask(&world, shown(ProofHeader::Absent, Some(&peer)), &OWN).unwrap();
    assert_eq!(binding(&plain), None);
}

#[test]
fn a_proof_is_used_once_also_by_a_request_that_is_refused() {
    let world = World::new(&SENDER, 1);
    let proof = token_proof(&world, key(Alg::ES256));
    with(&world, &proof, &OWN).unwrap();
    assert_eq!(with(&world, &proof, &OWN).unwrap_err(), ProofFault::Replayed.into());
    let proof = token_proof(&world, key(Alg::ES256));
    let nonsense = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    assert_eq!(with(&world, &proof, &nonsense).unwrap_err(), Refusal::HandleUnknown);
    assert_eq!(with(&world, &proof, &OWN).unwrap_err(), ProofFault::Replayed.into());
    // At the edge of its time (keycloak#43505): dated ahead, sent again when it is nearly too old.
    let ahead = world.now().0 + 60;
    let proof = Proof::at(&world, key(Alg::ES256), "POST", TOKEN).set("iat", ahead.into()).signed();
    with(&world, &proof, &OWN).unwrap();
    world.clock.advance(119);
    now(world.engine.store.sweep(world.now(), 1_000)).unwrap();
    assert_eq!(with(&world, &proof, &OWN).unwrap_err(), ProofFault::Replayed.into());
    world.clock.advance(2);
    assert_eq!(with(&world, &proof, &OWN).unwrap_err(), ProofFault::Issued.into());
}

#[test]
fn where_binding_is_the_clients_choice_a_proof_binds_and_none_does_not() {
    let world = World::new(&OPTIONAL, 1);
    let plain = ask(&world, Shown::default(), &OWN).unwrap();
    assert_eq!(binding(&plain), None);
    let bound = with(&world, &token_proof(&world, key(Alg::RS256)), &OWN).unwrap();
    assert_eq!(binding(&bound), Some(Binding::Key(jkt(key(Alg::RS256)))));
    registered(&world, |client| client.metadata.sender = Sender::Dpop);
    let missing = ask(&world, Shown::default(), &OWN);
    assert_eq!(missing.unwrap_err(), ProofFault::Missing.into(), "it registered that");
}

#[test]
fn a_nonce_is_demanded_where_the_policy_says_so_and_checked_wherever_it_comes() {
    let ours = |world: &World| world.issuer().nonces.current(world.now());
    for policy in [&NONCES, &SENDER] {
        let world = World::new(policy, 1);
        let send = |proof: Proof| with(&world, &proof.signed(), &OWN).map(|_| ());
        let proof = || Proof::at(&world, key(Alg::ES256), "POST", TOKEN);
        let without = send(proof());
        let demanded = policy.name == NONCES.name && std::ptr::eq(policy, &raw const NONCES);
        let expected = if demanded { Err(ProofFault::Nonce.into()) } else { Ok(()) };
        assert_eq!(without, expected);
        assert_eq!(send(proof().set("nonce", "x".into())), Err(ProofFault::Nonce.into()));
        let nonce = ours(&world);
        send(proof().set("nonce", nonce.clone().into())).unwrap();
        // R24: with a nonce the clock of the sender is of no interest.
        let late = world.now().0 - 3_600;
        send(proof().set("nonce", nonce.clone().into()).set("iat", late.into())).unwrap();
        let once = proof().set("nonce", nonce.clone().into()).signed();
        with(&world, &once, &OWN).unwrap();
        assert_eq!(with(&world, &once, &OWN).unwrap_err(), ProofFault::Replayed.into());
        world.clock.advance(400);
        assert_eq!(send(proof().set("nonce", nonce.into())), Err(ProofFault::Nonce.into()));
    }
}

/// The authorization was asked for with this key: by `dpop_jkt`, or a proof with the pushed request.
fn bound_code(world: &World, sender: Option<Digest>) -> String {
    let code = world.code();
    let sealed: counterfoil_engine::handle::Sealed<counterfoil_engine::handle::Code> =
        counterfoil_engine::handle::Sealed::open(&code, &world.issuer().ring).unwrap();
    let id = counterfoil_protocol::ids::GrantId(sealed.record());
    let mut grant = world.grant(id).unwrap();
    grant.openid.sender = sender;
    world.storm.put(Key::Grant(fixtures::tenant_id(), id), Record::Grant(Arc::new(grant)));
    code
}

#[test]
fn a_code_is_spent_by_the_key_it_was_asked_for_with() {
    let world = World::new(&SENDER, 1);
    let code = bound_code(&world, Some(jkt(key(Alg::ES256))));
    let form = codes::form(&code, CALLBACK, VERIFIER);
    let other = with(&world, &token_proof(&world, key(Alg::EdDSA)), &form);
    assert_eq!(other.unwrap_err(), ProofFault::KeyMismatch.into());
    let missing = ask(&world, Shown::default(), &form);
    assert_eq!(missing.unwrap_err(), ProofFault::Missing.into());
    // Neither has spent it.
    let issued = with(&world, &token_proof(&world, key(Alg::ES256)), &form).unwrap();
    assert_eq!(binding(&issued), Some(Binding::Key(jkt(key(Alg::ES256)))));

    let free = bound_code(&world, None);
    let form = codes::form(&free, CALLBACK, VERIFIER);
    assert!(with(&world, &token_proof(&world, key(Alg::EdDSA)), &form).is_ok());
}

#[test]
fn a_code_without_its_verifier_is_an_invalid_grant() {
    let world = World::new(&SENDER, 1);
    let code = world.code();
    let form = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
    let refused = with(&world, &token_proof(&world, key(Alg::ES256)), &form);
    assert_eq!(refused.unwrap_err(), Refusal::PkceMismatch);
}

#[test]
fn r4_to_r6_a_refresh_needs_a_proof_and_takes_any_key() {
    let world = World::new(&SENDER, 1);
    let code = bound_code(&world, Some(jkt(key(Alg::ES256))));
    let form = codes::form(&code, CALLBACK, VERIFIER);
    let first = with(&world, &token_proof(&world, key(Alg::ES256)), &form).unwrap();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", rt(&first))];
    let missing = ask(&world, Shown::default(), &refresh).unwrap_err();
    assert_eq!(missing, ProofFault::Missing.into());
    assert_eq!(missing.status(false), 400);
    // R5: a new key; the token that comes of it is bound to that one, the older keeps its own.
    let second = with(&world, &token_proof(&world, key(Alg::EdDSA)), &refresh).unwrap();
    assert_eq!(binding(&second), Some(Binding::Key(jkt(key(Alg::EdDSA)))));
    assert_eq!(binding(&first), Some(Binding::Key(jkt(key(Alg::ES256)))));
    // R4: it does not rotate, so the same one works again half a minute later.
    assert_eq!(rt(&first), rt(&second));
    world.clock.advance(30);
    with(&world, &token_proof(&world, key(Alg::ES256)), &refresh).unwrap();
    // R6.
    let proof = token_proof(&world, key(Alg::ES256));
    let nobody = Presented { shown: shown(ProofHeader::One(&proof), None), ..Presented::default() };
    assert_eq!(issue(&world, nobody, &refresh).unwrap_err(), Refusal::ClientCredentialsMissing);
    let with_scope = [refresh[0], refresh[1], ("scope", "openid accounts")];
    with(&world, &token_proof(&world, key(Alg::ES256)), &with_scope).unwrap();
}

#[test]
fn r6_the_refresh_token_of_another_client_is_an_invalid_grant() {
    let world = World::new(&OPTIONAL, 1);
    let code = world.code();
    let first = ask(&world, Shown::default(), &codes::form(&code, CALLBACK, VERIFIER)).unwrap();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", rt(&first))];
    let by_rival = issue(&world, presented(&Shows::Secret(RIVAL)), &refresh);
    assert_eq!(by_rival.unwrap_err(), Refusal::ClientMismatch);
    assert!(ask(&world, Shown::default(), &refresh).is_ok(), "nothing was revoked");
}

#[test]
fn tokens_of_a_client_with_certificates_are_bound_to_the_connection() {
    let world = World::new(&SENDER, 1);
    registered(&world, |client| client.metadata.sender = Sender::Mtls);
    let missing = ask(&world, Shown::default(), &OWN).unwrap_err();
    assert_eq!(missing, Refusal::CertificateMissing);
    assert_eq!((missing.code().as_str(), missing.status(false)), ("invalid_request", 400));
    let (peer, other) = (certificate(false), certificate(true));
    let digest =
        |peer: &PeerCertificate| Binding::Certificate(Digest::known(peer.certificate.sha256()));
    let code = world.code();
    let form = codes::form(&code, CALLBACK, VERIFIER);
    let issued = ask(&world, shown(ProofHeader::Absent, Some(&peer)), &form).unwrap();
    assert_eq!(binding(&issued), Some(digest(&peer)));
    assert_eq!(Binding::token_type(binding(&issued).as_ref()), "Bearer");
    // A certificate is renewed: the refresh binds to the new one.
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", rt(&issued))];
    assert_eq!(ask(&world, Shown::default(), &refresh).unwrap_err(), Refusal::CertificateMissing);
    let renewed = ask(&world, shown(ProofHeader::Absent, Some(&other)), &refresh).unwrap();
    assert_eq!(binding(&renewed), Some(digest(&other)));

    let at_resource = |token: &str, peer: Option<&PeerCertificate>, scheme| {
        admit(&world, scheme, token, shown(ProofHeader::Absent, peer))
    };
    assert_eq!(at_resource(at(&issued), Some(&peer), Scheme::Bearer), Ok(()));
    assert_eq!(at_resource(at(&renewed), Some(&other), Scheme::Bearer), Ok(()));
    for wrong in [None, Some(&other)] {
        let refused = at_resource(at(&issued), wrong, Scheme::Bearer);
        assert_eq!(refused, Err(Refusal::CertificateMismatch));
    }
    let as_dpop = at_resource(at(&issued), Some(&peer), Scheme::Dpop);
    assert_eq!(as_dpop, Err(Refusal::SchemeWrong));
}

#[test]
fn a_code_bound_to_a_certificate_is_spent_over_it() {
    let world = World::new(&SENDER, 1);
    registered(&world, |client| client.metadata.sender = Sender::Mtls);
    let (peer, other) = (certificate(false), certificate(false));
    let code = bound_code(&world, Some(Digest::known(peer.certificate.sha256())));
    let form = codes::form(&code, CALLBACK, VERIFIER);
    let refused = ask(&world, shown(ProofHeader::Absent, Some(&other)), &form);
    assert_eq!(refused.unwrap_err(), Refusal::CertificateMismatch);
    assert!(ask(&world, shown(ProofHeader::Absent, Some(&peer)), &form).is_ok());
}

/// One of the 32 blocks of `dpop-negative-tests` (conformance.md 5.3.4), at a resource.
#[test]
fn the_32_probes_of_the_conformance_suite() {
    use ProofFault as F;
    let world = World::new(&SENDER, 1);
    let own = key(Alg::ES256);
    let issued = with(&world, &token_proof(&world, own), &OWN).unwrap();
    let token = at(&issued);
    let good = || Proof::at(&world, own, "GET", RESOURCE).set("ath", token_hash(token).into());
    let send = |raw: &str| admit(&world, Scheme::Dpop, token, shown(ProofHeader::One(raw), None));
    let refused = |n: u32, raw: &str, fault: ProofFault| {
        assert_eq!(send(raw), Err(fault.into()), "probe {n}");
    };
    let taken = |n: u32, proof: Proof| assert_eq!(send(&proof.signed()), Ok(()), "probe {n}");
    let at_ = |seconds: i64| Value::from(world.now().0.checked_add_signed(seconds).unwrap());

    // 1 is the case of a header name, which HTTP does not know.
    let twice = shown(ProofHeader::Repeated, None);
    let two = admit(&world, Scheme::Dpop, token, twice);
    assert_eq!(two, Err(F::Repeated.into()), "probe 2");
    refused(3, "not.a.jwt", F::Malformed);
    for (n, name, fault) in [
        (4, "typ", F::Type),
        (5, "alg", F::Malformed),
        (6, "jwk", F::KeyMissing),
        (7, "jti", F::IdMissing),
        (8, "htm", F::Method),
        (9, "htu", F::Address),
        (10, "iat", F::Issued),
        (11, "ath", F::TokenHash),
    ] {
        refused(n, &good().without(name).signed(), fault);
    }
    refused(12, &good().head("typ", "JWT".into()).signed(), F::Type);
    let rs256 = Proof::at(&world, key(Alg::RS256), "GET", RESOURCE);
    refused(13, &rs256.set("ath", token_hash(token).into()).signed(), F::Algorithm);
    refused(14, &good().head("alg", "none".into()).signed(), F::Algorithm);
    let (input, _) =
        good().signed().rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let spoiled = format!("{input}.{}", Base64UrlUnpadded::encode_string(&[1; 64]));
    refused(15, &spoiled, F::Signature);
    let mut private = good();
    private.header["jwk"]["d"] = "AAAA".into();
    refused(16, &private.signed(), F::Key);
    refused(17, &good().set("htm", "POST".into()).signed(), F::Method);
    taken(18, good().set("htu", format!("{RESOURCE}?a=b#f").into()));
    taken(19, good().set("htu", RESOURCE.into()));
    refused(20, &good().set("htu", TOKEN.into()).signed(), F::Address);
    refused(21, &good().set("iat", at_(3_600)).signed(), F::Issued);
    refused(22, &good().set("iat", at_(-3_600)).signed(), F::Issued);
    let once = good().signed();
    assert_eq!(send(&once), Ok(()), "probe 23");
    refused(24, &once, F::Replayed);
    refused(25, &good().set("ath", token_hash("another").into()).signed(), F::TokenHash);
    refused(26, &good().signed_by(&SigningKey::generate(Alg::ES256).unwrap().0), F::Signature);
    taken(27, good().head("x", 1.into()).set("y", json!({"z": []})));
    taken(28, good().set("htu", "HTTPS://BANK.EXAMPLE/demo/resource".into()));
    taken(29, good().set("htu", "https://bank.example:443/demo/resource".into()));
    let none = admit(&world, Scheme::Dpop, token, Shown::default());
    assert_eq!(none, Err(F::Missing.into()), "probe 30");
    let bearer = admit(&world, Scheme::Bearer, token, Shown::default());
    assert_eq!(bearer, Err(Refusal::SchemeWrong), "probe 31");
    taken(32, good());

    // R24, and a good proof by a key that the token is not bound to.
    for seconds in [-10, 8] {
        taken(0, good().set("iat", at_(seconds)).set("nbf", at_(500)).set("exp", at_(-500)));
    }
    let other = Proof::at(&world, key(Alg::EdDSA), "GET", RESOURCE);
    refused(0, &other.set("ath", token_hash(token).into()).signed(), F::KeyMismatch);
}

#[test]
fn a_token_that_is_bound_to_nothing_is_a_bearer_token() {
    let world = World::new(&OPTIONAL, 1);
    let issued = ask(&world, Shown::default(), &OWN).unwrap();
    assert_eq!(admit(&world, Scheme::Bearer, at(&issued), Shown::default()), Ok(()));
    let proof = Proof::at(&world, key(Alg::ES256), "GET", RESOURCE);
    let proof = proof.set("ath", token_hash(at(&issued)).into()).signed();
    let sent = shown(ProofHeader::One(&proof), None);
    assert_eq!(admit(&world, Scheme::Dpop, at(&issued), sent), Err(Refusal::SchemeWrong));
    let garbage = admit(&world, Scheme::Bearer, "at_x", Shown::default());
    assert_eq!(garbage, Err(Refusal::TokenInactive));
}

#[test]
fn a_replayed_proof_at_a_store_that_fails_admits_nobody() {
    let world = World::new(&SENDER, 1);
    let issued = with(&world, &token_proof(&world, key(Alg::ES256)), &OWN).unwrap();
    world.storm.set_faults(1_000);
    let proof = Proof::at(&world, key(Alg::ES256), "GET", RESOURCE);
    let proof = proof.set("ath", token_hash(at(&issued)).into()).signed();
    let sent = shown(ProofHeader::One(&proof), None);
    assert_eq!(admit(&world, Scheme::Dpop, at(&issued), sent), Err(Refusal::StoreUnavailable));
}

#[test]
fn r1_an_assertion_is_for_the_issuer_alone_as_a_text() {
    let world = World::new(&SENDER, 1);
    let send = |aud: Value| {
        let now = world.now().0;
        let claims = json!({
            "iss": OWNER, "sub": OWNER, "aud": aud, "jti": fresh("r1"), "iat": now, "exp": now + 60,
        });
        let shows = Shows::Assertion(fixtures::sealed(&claims.to_string()));
        let proof = token_proof(&world, key(Alg::ES256));
        let shown = shown(ProofHeader::One(&proof), None);
        issue(&world, Presented { shown, ..presented(&shows) }, &OWN).map(|_| ())
    };
    assert_eq!(send(fixtures::BASE.into()), Ok(()));
    for wrong in [
        json!([fixtures::BASE]),
        json!([]),
        json!(TOKEN),
        json!(format!("{}/par", fixtures::BASE)),
        json!(format!("{}/", fixtures::BASE)),
        json!(fixtures::BASE.to_uppercase()),
        json!("https://bank.exampl"),
    ] {
        let refused = send(wrong.clone());
        assert_eq!(refused, Err(AssertionFault::Audience.into()), "{wrong}");
    }
    let two = send(json!([fixtures::BASE, TOKEN]));
    assert_eq!(two, Err(AssertionFault::AudienceMultiple.into()));
}

#[test]
fn r24_an_assertion_from_a_clock_that_is_ahead() {
    let world = World::new(&SENDER, 1);
    let send = |name: &str, seconds: i64| {
        let now = world.now().0;
        let at = now.checked_add_signed(seconds).unwrap();
        let mut claims = json!({
            "iss": OWNER, "sub": OWNER, "aud": fixtures::BASE, "jti": fresh("r24"), "iat": now,
            "nbf": now, "exp": now + 120,
        });
        claims[name] = at.into();
        let shows = Shows::Assertion(fixtures::sealed(&claims.to_string()));
        let proof = token_proof(&world, key(Alg::ES256));
        let shown = shown(ProofHeader::One(&proof), None);
        issue(&world, Presented { shown, ..presented(&shows) }, &OWN).map(|_| ())
    };
    for name in ["iat", "nbf"] {
        assert_eq!(send(name, 8), Ok(()), "{name}");
        assert_eq!(send(name, 10), Ok(()), "{name}");
    }
    assert_eq!(send("nbf", 62), Err(AssertionFault::NotActive.into()));
    assert_eq!(send("nbf", 60), Err(AssertionFault::NotActive.into()), "however slow the way is");
    assert_eq!(send("iat", 62), Err(AssertionFault::IssuedInFuture.into()));
    assert_eq!(send("exp", -300), Err(AssertionFault::NotActive.into()));
}

#[test]
fn a_client_that_chose_jwts_gets_them_bound_as_well() {
    let world = World::new(&SENDER, 1);
    registered(&world, |client| {
        client.metadata.jwt_access_tokens = true;
        client.metadata.id_token_alg = Some("RS256".into());
    });
    let issued = with(&world, &token_proof(&world, key(Alg::ES256)), &OWN).unwrap();
    let IssuedAccess::Jwt { claims, typ, .. } = &issued.access else { unreachable!() };
    assert_eq!(*typ, "at+jwt");
    let said: Value = serde_json::from_str(claims).unwrap();
    let thumbprint = Base64UrlUnpadded::encode_string(jkt(key(Alg::ES256)).bytes());
    assert_eq!(said["cnf"], json!({"jkt": thumbprint}));
    assert_eq!((&said["iss"], &said["aud"]), (&json!(fixtures::BASE), &json!(fixtures::BASE)));
    assert_eq!((&said["sub"], &said["client_id"]), (&json!(OWNER), &json!(OWNER)));
    assert_eq!(said["scope"], "openid");
    let header =
        format!(r#"{{"alg":"RS256","typ":"at+jwt","kid":"{}"}}"#, world.issuer().keys[0].kid);
    let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
    let token =
        jws::finish(input.clone(), &world.issuer().keys[0].signing.sign(input.as_bytes()).unwrap());
    let proof = |key: &'static SigningKey| {
        Proof::at(&world, key, "GET", RESOURCE).set("ath", token_hash(&token).into()).signed()
    };
    let send =
        |scheme, raw: &str| admit(&world, scheme, &token, shown(ProofHeader::One(raw), None));
    assert_eq!(send(Scheme::Dpop, &proof(key(Alg::ES256))), Ok(()));
    let other = send(Scheme::Dpop, &proof(key(Alg::EdDSA)));
    assert_eq!(other, Err(ProofFault::KeyMismatch.into()));
    let bearer = send(Scheme::Bearer, &proof(key(Alg::ES256)));
    assert_eq!(bearer, Err(Refusal::SchemeWrong));
}
