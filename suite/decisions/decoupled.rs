//! Fintecture's other ways: a link that a browser opens later, and the client that polls.

use counterfoil_engine::audit::What;
use counterfoil_engine::authorize::{Browser, Outcome, Polled};
use counterfoil_engine::interaction::{Channel, RefusedWhy};
use counterfoil_engine::limits::{CONNECT_TTL_S, DECOUPLED_TTL_S};
use counterfoil_engine::login::LoggedIn;
use counterfoil_protocol::ids::InteractionId;
use counterfoil_protocol::refusal::Refusal;

use crate::dice::now;
use crate::fixtures::{CALLBACK, OWNER, PASSWORD, PROVIDER, RIVAL, challenge};
use crate::policies::policy;
use crate::ways::code_of;
use crate::world::{Tab, World, at};

/// Begun by the client for a customer who comes later.
fn begun(world: &World, channel: Channel) -> InteractionId {
    let challenge = challenge();
    let form = [
        ("response_type", "code"),
        ("client_id", OWNER),
        ("redirect_uri", CALLBACK),
        ("scope", "AIS"),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    let mut dice = world.dice();
    let started = now(world.start_with(&form, channel, None, &mut dice)).unwrap();
    assert!(started.cookie.is_none());
    started.id
}

fn decoupled(world: &World, psu: &str) -> InteractionId {
    begun(world, Channel::Decoupled { provider: PROVIDER.into(), psu: psu.into() })
}

fn adopt(world: &World, id: InteractionId, cookie: Option<&str>) -> Result<Tab, Refusal> {
    let browser = Browser { cookie, session: None };
    let mut dice = world.dice();
    let started = now(world.engine.adopt(&mut world.call(&mut dice), id, browser))?;
    let cookie = started.cookie.or_else(|| cookie.map(str::to_owned)).unwrap();
    Ok(Tab { id, cookie })
}

fn poll_as(
    world: &World,
    client: &str,
    provider: &str,
    id: InteractionId,
) -> Result<Polled, Refusal> {
    let client = world.client(client);
    let mut dice = world.dice();
    now(world.engine.poll(&mut world.call(&mut dice), &client, provider, id))
}

fn poll(world: &World, id: InteractionId) -> Polled {
    poll_as(world, OWNER, PROVIDER, id).unwrap()
}

fn completed(polled: Polled) -> (String, Option<String>) {
    match polled {
        Polled::Completed { customer_id, code } => (customer_id, code),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_link_belongs_to_the_first_browser_that_opens_it() {
    let world = World::new(policy("fintecture"), 1);
    let id = begun(&world, world.channel());
    let no_browser = Tab { id, cookie: String::new() };
    assert_eq!(world.say_yes(&no_browser).unwrap_err(), Refusal::InteractionUnknown);
    let cookieless = Browser { cookie: None, session: None };
    let unopened = now(world.engine.interaction(world.issuer(), id, cookieless));
    assert_eq!(unopened.unwrap_err(), Refusal::InteractionUnknown, "nobody has opened it");
    let tab = adopt(&world, id, None).unwrap();
    assert_eq!(adopt(&world, id, None).unwrap_err(), Refusal::InteractionUnknown);
    assert_eq!(adopt(&world, id, Some("another")).unwrap_err(), Refusal::InteractionUnknown);
    let commits = world.commits();
    assert_eq!(adopt(&world, id, Some(&tab.cookie)).unwrap().cookie, tab.cookie, "reloaded");
    assert_eq!(world.commits(), commits);
    let tab = world.log_in(&tab);
    let answer = world.say_yes(&tab).unwrap();
    let Outcome::Code { customer_id: Some(customer), .. } = &answer.outcome else { unreachable!() };
    assert_eq!(customer.len(), 32);
    assert!(customer.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    assert!(world.redeem(code_of(&answer)).is_ok());
}

#[test]
fn a_link_has_its_time() {
    let world = World::new(policy("fintecture"), 1);
    let (early, late) = (begun(&world, world.channel()), begun(&world, world.channel()));
    world.clock.advance(CONNECT_TTL_S - 1);
    assert!(adopt(&world, early, None).is_ok());
    world.clock.advance(1);
    assert_eq!(adopt(&world, late, None).unwrap_err(), Refusal::InteractionExpired);
}

#[test]
fn the_client_hears_of_a_yes_by_asking_and_its_code_begins_to_run_then() {
    let world = World::new(policy("fintecture"), 1);
    let id = decoupled(&world, "ada");
    assert_eq!(poll(&world, id), Polled::Pending);
    let tab = world.log_in(&adopt(&world, id, None).unwrap());
    assert_eq!(poll(&world, id), Polled::Pending);
    let answer = world.say_yes(&tab).unwrap();
    assert!(matches!(answer.outcome, Outcome::Elsewhere), "nothing for a thief in the redirect");
    assert!(world.subject().grants.is_empty());
    world.clock.advance(300);
    let (customer, code) = completed(poll(&world, id));
    assert_eq!(completed(poll(&world, id)), (customer, code.clone()), "asked twice, told the same");
    world.clock.advance(59);
    let issued = world.redeem(&code.unwrap()).unwrap();
    assert!(world.lives(at(&issued)));
    assert_eq!(completed(poll(&world, id)).1, None, "spent");
    assert_eq!(world.subject().grants.len(), 1);
    let code = completed(poll(&world, id)).1;
    assert_eq!((code, world.told(What::ReplayDetected)), (None, 0));
}

#[test]
fn polling_is_for_the_client_that_began_it() {
    let world = World::new(policy("fintecture"), 1);
    let id = decoupled(&world, "ada");
    let tab = world.log_in(&adopt(&world, id, None).unwrap());
    world.say_yes(&tab).unwrap();
    let unknown = Refusal::InteractionUnknown;
    assert_eq!(poll_as(&world, RIVAL, PROVIDER, id).unwrap_err(), unknown);
    assert_eq!(poll_as(&world, OWNER, "other-bank", id).unwrap_err(), unknown);
    let redirected = begun(&world, world.channel());
    assert_eq!(poll_as(&world, OWNER, PROVIDER, redirected).unwrap_err(), unknown);
    assert!(completed(poll(&world, id)).1.is_some());
}

#[test]
fn only_the_customer_whom_the_client_named_may_answer() {
    let world = World::new(policy("fintecture"), 1);
    let id = decoupled(&world, "grace");
    let tab = adopt(&world, id, None).unwrap();
    let outcome = now(world.login(&tab, PASSWORD, &mut world.dice())).unwrap();
    assert!(matches!(outcome, LoggedIn::Again { .. }), "as if the password were wrong");
    assert_eq!(poll(&world, id), Polled::Pending);
}

#[test]
fn no_and_too_late_are_told_alike() {
    let world = World::new(policy("fintecture"), 1);
    let declined = decoupled(&world, "ada");
    let tab = world.log_in(&adopt(&world, declined, None).unwrap());
    world.say_no(&tab, RefusedWhy::Declined).unwrap();
    assert_eq!(poll(&world, declined), Polled::Failed);
    let late = decoupled(&world, "ada");
    let tab = world.log_in(&adopt(&world, late, None).unwrap());
    world.clock.advance(DECOUPLED_TTL_S);
    assert_eq!(poll(&world, late), Polled::Failed);
    assert_eq!(world.say_yes(&tab).unwrap_err(), Refusal::InteractionExpired);
}

#[test]
fn what_was_taken_back_before_it_was_asked_for_comes_to_nothing() {
    for granted in [false, true] {
        let world = World::new(policy("fintecture"), 1);
        let id = decoupled(&world, "ada");
        let tab = world.log_in(&adopt(&world, id, None).unwrap());
        world.say_yes(&tab).unwrap();
        let subject = crate::fixtures::subject_id();
        let client = crate::fixtures::client_id(OWNER);
        let customer = world.issuer().customer_id(&client, &subject, PROVIDER);
        if granted {
            assert_eq!(completed(poll(&world, id)).0, customer);
        }
        world.forget(OWNER, &customer).unwrap();
        assert_eq!(poll(&world, id), Polled::Failed);
    }
    let world = World::new(policy("fintecture"), 1);
    let id = decoupled(&world, "ada");
    let tab = world.log_in(&adopt(&world, id, None).unwrap());
    world.say_yes(&tab).unwrap();
    world.set_customer(true);
    assert_eq!(poll(&world, id), Polled::Failed);
    world.set_customer(false);
    assert!(completed(poll(&world, id)).1.is_some());
}
