//! Clients that authenticate by a certificate (RFC 8705 §2), and keys that clients publish.

use std::sync::{Arc, Mutex};

use counterfoil_engine::client::ClientKey;
use counterfoil_engine::client_auth::Presented;
use counterfoil_engine::client_keys;
use counterfoil_engine::client_metadata::{Sender, TlsSubject};
use counterfoil_engine::outbound::{Incoming, Outbound, OutboundFault, Outgoing};
use counterfoil_engine::sender::Shown;
use counterfoil_engine::sender::mtls::PeerCertificate;
use counterfoil_engine::store::BoxFuture;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::jwk::JwkSet;
use counterfoil_jose::key::SigningKey;
use counterfoil_protocol::refusal::{AssertionFault, CertificateFault, Refusal};
use counterfoil_protocol::secret::Secret;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
use serde_json::json;

use crate::fixtures::{self, OWNER, assertion};
use crate::senders::{OWN, SENDER, TOKEN, fresh, issue, registered};
use crate::world::{START, Shows, World, presented};

fn peer(trusted: bool, years: (i32, i32)) -> PeerCertificate {
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, "Tpp Ltd");
    subject.push(DnType::CommonName, "tpp.example");
    params.distinguished_name = subject;
    params.subject_alt_names = vec![
        SanType::DnsName("tpp.example".try_into().unwrap()),
        SanType::URI("https://tpp.example/id".try_into().unwrap()),
        SanType::IpAddress("192.0.2.7".parse().unwrap()),
        SanType::Rfc822Name("ops@tpp.example".try_into().unwrap()),
    ];
    let made = params.self_signed(&pair).unwrap();
    PeerCertificate { certificate: Certificate::from_der(made.der()).unwrap(), trusted }
}

fn valid(trusted: bool) -> PeerCertificate {
    // The clock of a world stands in 2026.
    assert!((1_767_225_600..1_798_761_600).contains(&START));
    peer(trusted, (2025, 2030))
}

/// A token request by certificate alone, which also binds the token.
fn ask(world: &World, peer: Option<&PeerCertificate>) -> Result<(), Refusal> {
    let shown = Shown {
        certificate: peer,
        method: "POST",
        addresses: vec![TOKEN.into()],
        ..Shown::default()
    };
    issue(world, Presented { client_id: Some(OWNER), shown, ..Presented::default() }, &OWN)
        .map(|_| ())
}

fn world(method: &str, subject: Option<TlsSubject>) -> World {
    let world = World::new(&SENDER, 1);
    registered(&world, |client| {
        client.auth = vec![method.into()];
        client.metadata.sender = Sender::Mtls;
        client.metadata.tls_subject = subject;
    });
    world
}

#[test]
fn a_certificate_speaks_by_the_one_name_that_was_registered() {
    let dn = |text: &str| Some(TlsSubject::Dn(text.into()));
    let (peer, wrong) = (valid(true), Err(CertificateFault::Subject.into()));
    for (subject, expected) in [
        (dn("CN=tpp.example,O=Tpp Ltd"), Ok(())),
        (dn("cn=TPP.example, 2.5.4.10=#0c07547070204c7464"), Ok(())),
        (dn("O=Tpp Ltd,CN=tpp.example"), wrong),
        (dn("CN=tpp.example"), wrong),
        (dn("CN=rival.example,O=Tpp Ltd"), wrong),
        (dn("nonsense"), wrong),
        (dn(""), wrong),
        (Some(TlsSubject::Dns("TPP.example".into())), Ok(())),
        (Some(TlsSubject::Dns("rival.example".into())), wrong),
        (Some(TlsSubject::Dns("https://tpp.example/id".into())), wrong),
        (Some(TlsSubject::Uri("https://tpp.example/id".into())), Ok(())),
        (Some(TlsSubject::Uri("https://tpp.example/ID".into())), wrong),
        (Some(TlsSubject::Ip("192.0.2.7".into())), Ok(())),
        (Some(TlsSubject::Ip("192.0.2.8".into())), wrong),
        (Some(TlsSubject::Ip("tpp.example".into())), wrong),
        (Some(TlsSubject::Email("ops@TPP.example".into())), Ok(())),
        (Some(TlsSubject::Email("OPS@tpp.example".into())), wrong),
        (None, wrong),
    ] {
        let shown = format!("{subject:?}");
        assert_eq!(ask(&world("tls_client_auth", subject), Some(&peer)), expected, "{shown}");
    }
}

#[test]
fn only_a_trusted_certificate_speaks_by_name() {
    let world = world("tls_client_auth", Some(TlsSubject::Dns("tpp.example".into())));
    let refused = |peer: &PeerCertificate| ask(&world, Some(peer)).unwrap_err();
    assert_eq!(refused(&valid(false)), CertificateFault::Untrusted.into());
    assert_eq!(refused(&peer(true, (2020, 2021))), CertificateFault::NotValid.into());
    assert_eq!(refused(&peer(true, (2040, 2041))), CertificateFault::NotValid.into());
    assert_eq!(ask(&world, None).unwrap_err(), Refusal::ClientCredentialsWrong);
    assert_eq!(refused(&valid(false)).code().as_str(), "invalid_client");
    assert_eq!(ask(&world, Some(&valid(true))), Ok(()));
}

#[test]
fn a_self_signed_certificate_speaks_by_its_key() {
    let world = world("self_signed_tls_client_auth", None);
    let (own, other) = (valid(false), valid(false));
    let of = |peer: &PeerCertificate, exact: bool| ClientKey {
        kid: None,
        spki: if exact { vec![1] } else { peer.certificate.spki_der().to_vec() },
        sha1: None,
        sha256: exact.then(|| peer.certificate.sha256()),
        not_before: None,
        not_after: None,
    };
    for exact in [false, true] {
        registered(&world, |client| client.keys = vec![of(&own, exact)]);
        assert_eq!(ask(&world, Some(&own)), Ok(()));
        let refused = ask(&world, Some(&other));
        assert_eq!(refused, Err(CertificateFault::Unregistered.into()));
    }
    let expired = peer(false, (2020, 2021));
    registered(&world, |client| client.keys = vec![of(&expired, false)]);
    assert_eq!(ask(&world, Some(&expired)), Err(CertificateFault::NotValid.into()));
}

#[test]
fn a_certificate_saves_no_other_credentials() {
    let world = world("tls_client_auth", Some(TlsSubject::Dns("tpp.example".into())));
    let peer = valid(true);
    let shown = || Shown { certificate: Some(&peer), method: "POST", ..Shown::default() };
    let secret = Some(Secret::new(b"wrong".to_vec()));
    let with_secret = Presented {
        client_id: Some(OWNER),
        client_secret: secret,
        shown: shown(),
        ..Presented::default()
    };
    let refused = issue(&world, with_secret, &OWN).unwrap_err();
    assert_eq!(refused, Refusal::ClientAuthNotAllowed("client_secret_post"));
    // An assertion beside a certificate is the client's method, and its tokens are bound to it.
    registered(&world, |client| client.auth = vec!["private_key_jwt".into()]);
    let shows = Shows::Assertion(assertion(&fresh("c"), world.now().0));
    assert!(issue(&world, Presented { shown: shown(), ..presented(&shows) }, &OWN).is_ok());
    assert_eq!(ask(&world, Some(&peer)), Err(Refusal::ClientAuthNotAllowed("tls_client_auth")));
    let nobody = Presented { shown: shown(), ..Presented::default() };
    assert_eq!(issue(&world, nobody, &OWN).unwrap_err(), Refusal::ClientCredentialsMissing);
}

/// A server of keys that counts how often it is asked.
#[derive(Default)]
struct Published {
    answer: Mutex<Option<Incoming>>,
    asked: Mutex<Vec<String>>,
}

impl Published {
    fn set(&self, status: u16, body: &str) {
        let answer = Incoming { status, media_type: None, body: body.as_bytes().to_vec() };
        *self.answer.lock().unwrap() = Some(answer);
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Outbound for Published {
    fn admits(&self, _: &str) -> bool {
        true
    }

    fn call<'a>(&'a self, call: Outgoing<'a>) -> BoxFuture<'a, Result<Incoming, OutboundFault>> {
        self.asked.lock().unwrap().push(call.url.into());
        let answer = self.answer.lock().unwrap().clone();
        Box::pin(std::future::ready(answer.ok_or(OutboundFault::NoAnswer)))
    }
}

fn published(world: &mut World) -> Arc<Published> {
    let published = Arc::new(Published::default());
    world.engine.outbound = published.clone();
    registered(world, |client| {
        client.metadata.jwks_uri = Some("https://tpp.example/jwks".into());
        client.metadata.sender = Sender::Mtls;
        client.keys = vec![];
    });
    published
}

fn set_of(keys: &[&SigningKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.public_jwk("k")).collect();
    json!({"keys": keys}).to_string()
}

#[test]
fn keys_are_fetched_when_they_are_missed_and_the_last_good_set_is_kept() {
    let mut world = World::new(&SENDER, 1);
    let there = published(&mut world);
    let peer = valid(false);
    let ask = |world: &World| {
        let shows = Shows::Assertion(assertion(&fresh("k"), world.now().0));
        let shown = Shown { certificate: Some(&peer), method: "POST", ..Shown::default() };
        issue(world, Presented { shown, ..presented(&shows) }, &OWN).map(|_| ())
    };
    let unknown = Err(AssertionFault::KeyUnknown.into());
    assert_eq!(ask(&world), unknown, "nobody answers");
    assert_eq!(there.asked(), 1);
    there.set(200, &set_of(&[fixtures::client_key()]));
    assert_eq!(ask(&world), unknown, "asked a moment ago");
    assert_eq!(there.asked(), 1);
    world.clock.advance(60);
    assert_eq!(ask(&world), Ok(()));
    assert_eq!(there.asked(), 2);
    world.clock.advance(600);
    assert_eq!(ask(&world), Ok(()), "known now, also by other nodes: it is in the record");
    assert_eq!(there.asked(), 2);
    assert_eq!(world.client(OWNER).keys.len(), 1);

    // The client changes its key: one failed signature, one fetch.
    let other = SigningKey::generate(Alg::EdDSA).unwrap().0;
    registered(&world, |client| {
        let set: JwkSet = serde_json::from_str(&set_of(&[&other])).unwrap();
        client.keys = client_keys::of_set(&set);
    });
    assert_eq!(ask(&world), Ok(()));
    assert_eq!(there.asked(), 3);

    // What is no set, or none with usable keys, changes nothing.
    for (status, body) in [
        (500, set_of(&[&other])),
        (302, set_of(&[&other])),
        (200, "<html>".into()),
        (200, r#"{"keys":[]}"#.into()),
        (200, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#.into()),
        (200, r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#.into()),
    ] {
        registered(&world, |client| {
            let set: JwkSet = serde_json::from_str(&set_of(&[&other])).unwrap();
            client.keys = client_keys::of_set(&set);
        });
        there.set(status, &body);
        world.clock.advance(60);
        assert_eq!(ask(&world), Err(AssertionFault::SignatureWrong.into()), "{status} {body}");
        assert_eq!(world.client(OWNER).keys.len(), 1);
    }
}

#[test]
fn nobody_is_called_before_the_cheap_checks() {
    let mut world = World::new(&SENDER, 1);
    let there = published(&mut world);
    there.set(200, &set_of(&[fixtures::client_key()]));
    let now = world.now().0;
    let send = |claims: serde_json::Value| {
        let shows = Shows::Assertion(fixtures::sealed(&claims.to_string()));
        issue(&world, presented(&shows), &OWN).map(|_| ())
    };
    let claims = |aud: &str, exp: u64| json!({"iss": OWNER, "sub": OWNER, "aud": aud, "jti": fresh("n"), "iat": now, "exp": exp});
    let elsewhere = send(claims("https://elsewhere.example", now + 60));
    assert_eq!(elsewhere, Err(AssertionFault::Audience.into()));
    let old = send(claims(fixtures::BASE, now - 60));
    assert_eq!(old, Err(AssertionFault::NotActive.into()));
    let nobody =
        send(json!({"iss": "x", "sub": "x", "aud": fixtures::BASE, "jti": "1", "exp": now + 9}));
    assert_eq!(nobody, Err(Refusal::ClientUnknown));
    assert_eq!(there.asked(), 0);
}

#[test]
fn of_a_published_set_only_so_many_keys_count() {
    let key = fixtures::client_key();
    let many = set_of(&vec![key; 50]);
    let set: JwkSet = serde_json::from_str(&many).unwrap();
    assert_eq!(client_keys::of_set(&set).len(), 16);
}
