//! The end of a login, and what its clients hear of it.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use counterfoil_engine::audit::What;
use counterfoil_engine::client::{Client, ClientStatus};
use counterfoil_engine::ctx::Clock as _;
use counterfoil_engine::limits::{DELIVERY_PAUSES_S, DELIVERY_TTL_S};
use counterfoil_engine::logout::{LogoutRequest, SignedOut};
use counterfoil_engine::outbound::{Incoming, Outbound, OutboundFault, Outgoing};
use counterfoil_engine::outbox::{Due, Fate};
use counterfoil_engine::store::BoxFuture;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::refusal::Refusal;

use crate::dice::now;
use crate::fixtures::{self, BASE, OWNER, RIVAL, tenant_id};
use crate::policies::policy;
use crate::world::World;

const OUT: &str = "https://tpp.example/out";

/// A client's server: how it answers, and how often it was called. 0 is no answer.
#[derive(Default)]
struct Server(AtomicU16, Mutex<u32>);

impl Outbound for Server {
    fn admits(&self, _: &str) -> bool {
        true
    }

    fn call<'a>(&'a self, _: Outgoing<'a>) -> BoxFuture<'a, Result<Incoming, OutboundFault>> {
        *self.1.lock().unwrap() += 1;
        let answer = match self.0.load(Ordering::Relaxed) {
            0 => Err(OutboundFault::NoAnswer),
            status => Ok(Incoming { status, media_type: None, body: vec![] }),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// A world whose client ends logins and hears of their end.
fn world() -> (World, Arc<Server>) {
    let mut world = World::new(policy("standard"), 1);
    let server = Arc::new(Server::default());
    world.engine.outbound = server.clone();
    now(world.engine.ensure_keys(&tenant_id(), &[Alg::ES256], &mut world.dice())).unwrap();
    let mut client: Client = world.client(OWNER);
    client.metadata.id_token_alg = Some("ES256".into());
    client.metadata.post_logout_redirect_uris = vec![RedirectUri::parse(OUT).unwrap()];
    client.metadata.backchannel_logout_uri = Some("https://tpp.example/logout".into());
    world.register(client);
    (world, server)
}

/// A login that the client was told of: its session.
fn login(world: &World) -> String {
    let (tab, session) = world.tab();
    world.say_yes(&tab).unwrap();
    session
}

/// An ID token of this issuer.
fn hint(world: &World, aud: &str, sub: &str) -> String {
    signed(world, &format!(r#"{{"iss":"{BASE}","aud":"{aud}","sub":"{sub}","exp":1,"iat":0}}"#))
}

/// What this issuer says of somebody.
fn signed(world: &World, claims: &str) -> String {
    let key = world.issuer().keys.first().unwrap();
    let header = format!(r#"{{"alg":"{}","typ":"JWT","kid":"{}"}}"#, key.alg.as_str(), key.kid);
    let input = jws::signing_input(header.as_bytes(), claims.as_bytes());
    let signature = key.signing.sign(input.as_bytes()).unwrap();
    jws::finish(input, &signature)
}

/// The customer as the client knows them.
fn sub(world: &World) -> String {
    world.issuer().sub(&world.client(OWNER), &fixtures::subject_id()).into()
}

fn sign_out(
    world: &World,
    request: LogoutRequest<'_>,
    session: Option<&str>,
    confirmed: bool,
) -> Result<(SignedOut, Option<String>), Refusal> {
    let mut dice = world.dice();
    let mut call = world.call(&mut dice);
    let leaving = now(world.engine.leaving(&call, request)).map_err(|refused| refused.why)?;
    let ended = now(world.engine.sign_out(&mut call, &leaving, session, confirmed))?;
    Ok((ended, leaving.location()))
}

fn hinted(hint: &str) -> LogoutRequest<'_> {
    LogoutRequest { hint: Some(hint), to: Some(OUT), state: Some("s"), client_id: None }
}

fn due(world: &World) -> Vec<Due> {
    now(world.engine.due()).unwrap()
}

fn deliver(world: &World) -> Vec<Fate> {
    let rules = |_: &str, _: &_| Some(policy("standard"));
    due(world).into_iter().map(|due| now(world.engine.deliver(due, rules)).unwrap()).collect()
}

#[test]
fn a_login_ends_for_whoever_is_meant_and_is_asked_about_for_others() {
    let (world, _) = world();
    let session = login(&world);
    let (own, others) = (hint(&world, OWNER, &sub(&world)), hint(&world, OWNER, "somebody else"));
    let asks = SignedOut::Asks { customer: "Ada".into() };
    let to = Some(format!("{OUT}?state=s"));
    let signed_out = |request, confirmed| sign_out(&world, request, Some(&session), confirmed);
    let commits = world.commits();
    for request in [LogoutRequest::default(), hinted(&others)] {
        assert_eq!(signed_out(request, false).unwrap().0, asks);
    }
    assert_eq!((world.commits(), world.told(What::LoggedOut)), (commits, 0));
    assert_eq!(signed_out(hinted(&own), false).unwrap(), (SignedOut::Ended, to.clone()));
    assert_eq!(world.told(What::LoggedOut), 1);
    assert_eq!(signed_out(hinted(&own), false).unwrap(), (SignedOut::Nobody, to.clone()));
    let session = login(&world);
    let confirmed = sign_out(&world, hinted(&others), Some(&session), true);
    assert_eq!(confirmed.unwrap(), (SignedOut::Ended, to));
}

#[test]
fn a_session_that_has_ended_saves_no_login() {
    let (world, _) = world();
    let session = login(&world);
    let started = now(world.start(Some(&session), &mut world.dice())).unwrap();
    assert!(started.signed_in);
    sign_out(&world, LogoutRequest::default(), Some(&session), true).unwrap();
    assert!(!now(world.start(Some(&session), &mut world.dice())).unwrap().signed_in);
}

#[test]
fn a_request_is_believed_as_far_as_it_is_signed_and_registered() {
    let (world, _) = world();
    let own = hint(&world, OWNER, &sub(&world));
    // An access token, where surfaces give it the same type; and UserInfo.
    let says = format!(r#""iss":"{BASE}","aud":"{OWNER}","sub":"{}""#, sub(&world));
    let no_hints = [format!(r#"{{{says},"exp":1,"iat":0,"jti":"1"}}"#), format!("{{{says}}}")]
        .map(|claims| signed(&world, &claims));
    let refused = |request| sign_out(&world, request, None, false).unwrap_err();
    let (said, _) = own.rsplit_once('.').unwrap();
    let changed = format!("{said}.AAAA");
    assert_eq!(refused(hinted(&changed)), Refusal::LogoutHint);
    for token in &no_hints {
        assert_eq!(refused(hinted(token)), Refusal::LogoutHint, "{token}");
    }
    let of_rival = LogoutRequest { client_id: Some(RIVAL), ..hinted(&own) };
    assert_eq!(refused(of_rival), Refusal::LogoutHint);
    for to in ["https://tpp.example/out?foo=bar", "https://tpp.example/", "https://evil.example"] {
        let request = LogoutRequest { to: Some(to), ..hinted(&own) };
        assert_eq!(refused(request), Refusal::LogoutRedirectUnregistered, "{to}");
    }
    let nobodys = LogoutRequest { to: Some(OUT), ..LogoutRequest::default() };
    assert_eq!(refused(nobodys), Refusal::LogoutRedirectUnregistered);
    let rivals = LogoutRequest { client_id: Some(RIVAL), ..nobodys };
    assert_eq!(refused(rivals), Refusal::LogoutRedirectUnregistered);
}

#[test]
fn a_client_hears_of_the_end_of_a_login_that_it_was_told_of() {
    let (world, server) = world();
    server.0.store(200, Ordering::Relaxed);
    // Signed in, and nobody was told of it.
    let (_, untold) = world.tab();
    sign_out(&world, LogoutRequest::default(), Some(&untold), true).unwrap();
    assert!(deliver(&world).is_empty());
    let session = login(&world);
    sign_out(&world, LogoutRequest::default(), Some(&session), true).unwrap();
    assert_eq!(deliver(&world), [Fate::Told]);
    assert_eq!((*server.1.lock().unwrap(), world.told(What::LogoutDelivered)), (1, 1));
    world.clock.advance(DELIVERY_TTL_S);
    assert!(deliver(&world).is_empty());
}

#[test]
fn what_is_not_heard_is_said_again_until_it_is_given_up() {
    let (world, server) = world();
    let session = login(&world);
    sign_out(&world, LogoutRequest::default(), Some(&session), true).unwrap();
    for (tried, pause_s) in DELIVERY_PAUSES_S.into_iter().enumerate() {
        server.0.store([0, 302, 400, 500][tried % 4], Ordering::Relaxed);
        assert_eq!(deliver(&world), [Fate::Later]);
        assert!(deliver(&world).is_empty());
        world.clock.advance(pause_s);
    }
    assert_eq!(deliver(&world), [Fate::GivenUp]);
    let calls = u32::try_from(DELIVERY_PAUSES_S.len() + 1).unwrap();
    assert_eq!((*server.1.lock().unwrap(), world.told(What::LogoutGivenUp)), (calls, 1));
}

#[test]
fn what_is_past_its_time_is_said_no_more() {
    let (world, server) = world();
    server.0.store(200, Ordering::Relaxed);
    let session = login(&world);
    sign_out(&world, LogoutRequest::default(), Some(&session), true).unwrap();
    world.clock.advance(DELIVERY_TTL_S);
    assert_eq!(deliver(&world), [Fate::GivenUp]);
    assert_eq!(*server.1.lock().unwrap(), 0);
}

#[test]
fn of_two_that_saw_a_record_one_speaks() {
    let (world, server) = world();
    server.0.store(200, Ordering::Relaxed);
    let session = login(&world);
    sign_out(&world, LogoutRequest::default(), Some(&session), true).unwrap();
    let mut seen = due(&world);
    world.engine.outbox.expect(&tenant_id(), world.clock.now());
    seen.extend(due(&world));
    let rules = |_: &str, _: &_| Some(policy("standard"));
    let fates = seen.into_iter().map(|due| now(world.engine.deliver(due, rules)).unwrap());
    assert_eq!(fates.collect::<Vec<_>>(), [Fate::Told, Fate::Elsewhere]);
    assert_eq!(*server.1.lock().unwrap(), 1);
}

#[test]
fn a_suspended_client_hears_nothing_and_is_not_forgotten() {
    let (world, server) = world();
    server.0.store(200, Ordering::Relaxed);
    let session = login(&world);
    sign_out(&world, LogoutRequest::default(), Some(&session), true).unwrap();
    world.set_client(ClientStatus::Suspended);
    assert_eq!(deliver(&world), [Fate::Later]);
    assert_eq!(*server.1.lock().unwrap(), 0);
    world.set_client(ClientStatus::Active);
    world.clock.advance(DELIVERY_PAUSES_S[0]);
    assert_eq!(deliver(&world), [Fate::Told]);
    // Suspended when the login ends: it is not written down at all.
    let session = login(&world);
    world.set_client(ClientStatus::Suspended);
    sign_out(&world, LogoutRequest::default(), Some(&session), true).unwrap();
    assert!(deliver(&world).is_empty());
}
