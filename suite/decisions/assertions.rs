//! Client assertions count once; what fails to authenticate spends nothing.

use counterfoil_engine::audit::What;
use counterfoil_engine::client::ClientStatus;
use counterfoil_protocol::refusal::{AssertionFault, Fault, Refusal};

use crate::codes::form;
use crate::dice::now;
use crate::fixtures::{self, CALLBACK, OTHER_VERIFIER, OWNER, VERIFIER, assertion, spoiled};
use crate::policies::FAPI2;
use crate::ways::rt;
use crate::world::{Shows, World, at, presented};

const REPLAYED: Refusal = Refusal::Assertion(AssertionFault::Replayed);
const WRONG: Refusal = Refusal::Assertion(AssertionFault::SignatureWrong);

fn own(world: &World, shows: &Shows) -> Result<counterfoil_engine::grants::Issued, Refusal> {
    world.ask(shows, &[("grant_type", "client_credentials"), ("scope", "openid")])
}

fn signed(world: &World, jti: &str) -> Shows {
    Shows::Assertion(assertion(jti, world.now().0))
}

#[test]
fn an_assertion_is_used_once_whatever_comes_of_the_request() {
    let world = World::new(&FAPI2, 1);
    let code = world.code();
    let first = signed(&world, "1");
    let refused = world.ask(&first, &form(&code, CALLBACK, OTHER_VERIFIER));
    assert_eq!(refused.unwrap_err(), Refusal::PkceMismatch);
    let again = world.ask(&first, &form(&code, CALLBACK, VERIFIER));
    assert_eq!(again.unwrap_err(), REPLAYED, "a refused request has used it");
    let nonsense = signed(&world, "2");
    assert_eq!(
        world.ask(&nonsense, &[("grant_type", "refresh_token"), ("refresh_token", "x")]).err(),
        Some(Refusal::HandleUnknown)
    );
    assert_eq!(own(&world, &nonsense).unwrap_err(), REPLAYED);
    let used = signed(&world, "3");
    let tokens = world.ask(&used, &form(&code, CALLBACK, VERIFIER)).unwrap();
    let revoked = now(world.revoke(&used, at(&tokens), &mut world.dice()));
    assert_eq!(revoked.unwrap_err(), REPLAYED, "at whichever endpoint");
    assert!(world.lives(at(&tokens)));
}

#[test]
fn a_failed_authentication_spends_nothing() {
    let world = World::new(&FAPI2, 1);
    let good = signed(&world, "1");
    let Shows::Assertion(text) = &good else { unreachable!() };
    let forged = Shows::Assertion(spoiled(text));
    assert_eq!(own(&world, &forged).unwrap_err(), WRONG);
    let mut shown = presented(&good);
    shown.client_id = Some("rival");
    let form = counterfoil_protocol::form::Form::of([("grant_type", "client_credentials")]);
    let ask = |shown: &counterfoil_engine::client_auth::Presented<'_>| {
        let mut dice = world.dice();
        let call = &mut world.call(&mut dice);
        now(world.engine.issue(call, FAPI2.grants, shown, &form)).unwrap_err()
    };
    assert_eq!(ask(&shown), Refusal::Assertion(AssertionFault::ClientIdMismatch));
    let mut shown = presented(&good);
    shown.audiences = vec!["https://elsewhere.example".into()];
    assert_eq!(ask(&shown), Refusal::Assertion(AssertionFault::Audience));
    let missing = world.ask(&good, &[]).unwrap_err();
    assert_eq!(missing, Refusal::Parameter("grant_type", Fault::Missing), "reported first");
    world.set_client(ClientStatus::Suspended);
    assert_eq!(own(&world, &good).unwrap_err(), Refusal::ClientSuspended);
    world.set_client(ClientStatus::Active);
    assert!(own(&world, &good).is_ok());
    assert_eq!(own(&world, &good).unwrap_err(), REPLAYED);
}

#[test]
fn a_used_assertion_can_neither_spend_nor_end_a_grant() {
    let world = World::new(&FAPI2, 1);
    let code = world.code();
    let first = signed(&world, "1");
    let form = form(&code, CALLBACK, VERIFIER);
    let tokens = world.ask(&first, &form).unwrap();
    // The whole request again, byte for byte, by whoever has seen it.
    assert_eq!(world.ask(&first, &form).unwrap_err(), REPLAYED);
    assert!(world.lives(at(&tokens)), "it does not count as a second use of the code");
    assert_eq!(world.told(What::ReplayDetected), 0);
    let revoked = now(world.revoke(&first, rt(&tokens), &mut world.dice()));
    assert_eq!(revoked.unwrap_err(), REPLAYED);
    assert!(world.refresh(rt(&tokens)).is_ok());
}

#[test]
fn an_assertion_costs_one_insert_and_no_rewrite_of_its_grant() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    let grant = world.grant_of(&first);
    let before = world.storm.trips();
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", rt(&first))];
    world.ask(&signed(&world, "1"), &refresh).unwrap();
    assert_eq!(world.storm.trips(), (before.0 + 1, before.1 + 1));
    assert_eq!(world.grant_of(&first), grant);
}

#[test]
fn one_of_two_at_the_same_time_is_served() {
    let world = World::new(&FAPI2, 1);
    let shows = signed(&world, "1");
    let form = [("grant_type", "client_credentials"), ("scope", "openid")];
    let (mut one, mut other) = (crate::dice::Dice(1), crate::dice::Dice(2));
    let mut tasks = vec![
        Box::pin(world.token(&shows, &form, &mut one)),
        Box::pin(world.token(&shows, &form, &mut other)),
    ];
    let mut outcomes = vec![];
    while !tasks.is_empty() {
        tasks.retain_mut(|task| match crate::dice::step(task) {
            Some(outcome) => {
                outcomes.push(outcome.map(|_| ()));
                false
            }
            None => true,
        });
    }
    assert!(outcomes.contains(&Ok(())) && outcomes.contains(&Err(REPLAYED)), "{outcomes:?}");
}

#[test]
fn an_unknown_outcome_is_no_success() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    world.storm.set_faults(1000);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", rt(&first))];
    let refused = world.ask(&signed(&world, "1"), &refresh);
    assert_eq!(refused.unwrap_err(), Refusal::StoreUnavailable, "its id cannot be kept");
    assert!(world.refresh(rt(&first)).is_ok(), "a secret leaves nothing to keep");
}

#[test]
fn an_assertion_has_its_time() {
    let world = World::new(&FAPI2, 1);
    let good = signed(&world, "1");
    world.clock.advance(309);
    assert!(own(&world, &good).is_ok());
    let late = signed(&world, "2");
    world.clock.advance(310);
    let inactive = Refusal::Assertion(AssertionFault::NotActive);
    assert_eq!(own(&world, &late).unwrap_err(), inactive);
    // What was used stays used as long as its text can be presented.
    now(counterfoil_engine::store::Store::sweep(&*world.storm, world.now(), 1_000)).unwrap();
    assert_eq!(own(&world, &good).unwrap_err(), inactive);
}

#[test]
fn a_sweep_forgets_no_assertion_that_is_still_good() {
    let world = World::new(&FAPI2, 1);
    let good = signed(&world, "1");
    own(&world, &good).unwrap();
    world.clock.advance(308);
    now(counterfoil_engine::store::Store::sweep(&*world.storm, world.now(), 1_000)).unwrap();
    assert_eq!(own(&world, &good).unwrap_err(), REPLAYED);
}

#[test]
fn an_assertion_may_name_its_client_by_a_registered_subject() {
    let world = World::new(&FAPI2, 1);
    let mut client = world.client(OWNER);
    let renamed = counterfoil_engine::client::Client {
        id: fixtures::client_id("a-long-technical-name"),
        assertion_subjects: vec![OWNER.into()],
        ..client.clone()
    };
    client.id = fixtures::client_id("gone");
    world.forget_client(OWNER);
    world.change(&renamed);
    let issued = own(&world, &signed(&world, "1")).unwrap();
    assert_eq!(world.seen(at(&issued)).unwrap().client().as_str(), "a-long-technical-name");
    let by_secret = Shows::Secret(OWNER);
    let refused = own(&world, &by_secret).unwrap_err();
    assert_eq!(refused, Refusal::ClientUnknown, "a secret must name the client itself");
}
