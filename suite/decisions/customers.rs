//! Customers: suspended and resumed, forgotten, and what makes room for what.

use counterfoil_engine::admin::Desired;
use counterfoil_engine::audit::What;
use counterfoil_engine::authorize::Outcome;
use counterfoil_engine::consent::{ConsentState, WithdrawnBy};
use counterfoil_engine::grant::RevokedWhy;
use counterfoil_engine::limits::{
    BATCH_RECORDS_MAX, CONSENTS_PER_CUSTOMER_MAX, GRANTS_PER_SUBJECT_MAX,
};
use counterfoil_engine::store::{Key, Record};
use counterfoil_protocol::ids::{GrantId, SubjectId};
use counterfoil_protocol::refusal::Refusal;

use crate::dice::{Dice, now, step};
use crate::fixtures::{self, OWNER, RIVAL};
use crate::policies::{FAPI2, policy};
use crate::ways::{BY_OWNER, code_of, refusal_of, rt};
use crate::world::{World, at};

/// Approved on a surface with customer ids, and redeemed.
fn given(world: &World) -> (String, counterfoil_engine::grants::Issued) {
    let answer = world.say_yes(&world.tab().0).unwrap();
    let Outcome::Code { code, customer_id } = &answer.outcome else { unreachable!() };
    (customer_id.clone().unwrap(), world.redeem(code).unwrap())
}

fn consent(world: &World, id: GrantId) -> counterfoil_engine::consent::Consent {
    let copy = world.grant(id).unwrap().consent.unwrap();
    match world.storm.record(&Key::Consent(fixtures::tenant_id(), copy.id)) {
        Some(Record::Consent(consent)) => *consent,
        _ => unreachable!(),
    }
}

#[test]
fn a_suspended_customer_stops_everything_in_their_name_and_nothing_else() {
    let world = World::new(&FAPI2, 1);
    let (first, code, own) = (world.begun(), world.code(), world.own("openid").unwrap());
    let (tab, session) = world.tab();
    let commits = world.commits();
    world.set_customer(true);
    assert_eq!(world.commits(), commits + 1, "one batch");
    assert!(!world.lives(at(&first)));
    assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::SubjectSuspended);
    assert_eq!(world.redeem(&code).unwrap_err(), Refusal::SubjectSuspended);
    assert!(world.lives(at(&own)), "the client's own is none of theirs");
    assert_eq!(refusal_of(&world.say_yes(&tab).unwrap()), Refusal::AccessDenied);
    let again = now(world.start(Some(&session), &mut world.dice())).unwrap();
    let tab = crate::world::Tab { id: again.id, cookie: again.cookie.unwrap() };
    assert_eq!(refusal_of(&world.say_yes(&tab).unwrap()), Refusal::AccessDenied);
    world.set_customer(false);
    assert!(world.lives(at(&first)), "nothing was lost");
    assert!(world.refresh(rt(&first)).is_ok() && world.redeem(&code).is_ok());
    assert_eq!(world.told(What::SubjectChanged), 2);
    assert_eq!(world.told(What::ReplayDetected), 0);
}

#[test]
fn a_customer_suspended_by_file_is_as_suspended() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    let mut subject = fixtures::subject();
    for (suspended, lives) in [(true, false), (false, true)] {
        subject.suspended = suspended;
        let subjects = vec![(fixtures::tenant_id(), subject.clone())];
        let desired = Desired { subjects, ..Desired::default() };
        now(world.engine.apply(&desired, &mut world.dice())).unwrap();
        assert_eq!(world.lives(at(&first)), lives);
        assert_eq!(world.refresh(rt(&first)).is_ok(), lives);
        assert_eq!(world.subject().grants.len(), 1, "what the server has learned stays");
    }
}

#[test]
fn a_customer_suspended_while_they_approve_approves_nothing() {
    for turns in 0..12 {
        let world = World::new(policy("mx"), 1);
        let (tab, _) = world.tab();
        let mut dice = Dice(1);
        let mut approval = Box::pin(world.approve(&tab, &mut dice));
        let early = (0..turns).find_map(|_| step(&mut approval));
        world.set_customer(true);
        let answer = early.unwrap_or_else(|| now(approval)).unwrap();
        match &answer.outcome {
            Outcome::Code { code, .. } => {
                assert_eq!(world.redeem(code).unwrap_err(), Refusal::SubjectSuspended);
            }
            other => assert!(matches!(other, Outcome::Refused(Refusal::AccessDenied)), "{other:?}"),
        }
    }
}

#[test]
fn who_is_not_there_cannot_be_suspended() {
    let world = World::new(policy("mx"), 1);
    let (nobody, mut dice) = (SubjectId::parse("nobody").unwrap(), world.dice());
    let call = &mut world.call(&mut dice);
    let refused = now(world.engine.set_subject_suspended(call, &nobody, true));
    assert_eq!(refused.unwrap_err(), Refusal::CustomerUnknown);
}

#[test]
fn forgetting_a_customer_ends_all_they_allowed_in_one_batch() {
    let world = World::new(policy("fintecture"), 1);
    let (customer, first) = given(&world);
    let (same, second) = given(&world);
    assert_eq!(customer, same, "one customer, one name");
    let own = world.own("pis").unwrap();
    let unspent = world.code();
    let commits = world.commits();
    world.forget(OWNER, &customer).unwrap();
    assert_eq!(world.commits(), commits + 1);
    for token in [&first, &second] {
        assert!(!world.lives(at(token)));
        assert_eq!(world.refresh(rt(token)).unwrap_err(), Refusal::GrantRevoked);
        let grant = world.grant_of(token);
        assert_eq!(grant.revoked.unwrap().why, RevokedWhy::ConsentWithdrawn);
        let consent = consent(&world, grant.id);
        let by = WithdrawnBy::Client;
        assert_eq!(consent.state, ConsentState::Withdrawn { at: world.now(), by });
        assert_eq!(consent.version, 2);
    }
    assert_eq!(world.redeem(&unspent).unwrap_err(), Refusal::GrantRevoked);
    assert!(world.lives(at(&own)));
    assert_eq!(world.told(What::ConsentWithdrawn), 1);
    let again = world.forget(OWNER, &customer);
    assert_eq!(again.unwrap_err(), Refusal::CustomerUnknown, "their name is gone with their data");
    let (back, third) = given(&world);
    assert_eq!(back, customer);
    assert!(world.lives(at(&third)) && !world.lives(at(&first)));
}

#[test]
fn a_client_forgets_its_own_customers_only() {
    let world = World::new(policy("fintecture"), 1);
    let (customer, first) = given(&world);
    for (client, id) in [(RIVAL, &*customer), (OWNER, "0123")] {
        assert_eq!(world.forget(client, id).unwrap_err(), Refusal::CustomerUnknown);
    }
    assert!(world.lives(at(&first)));
}

#[test]
fn a_refresh_on_its_way_while_the_customer_is_forgotten_ends_dead() {
    for turns in 0..6 {
        let world = World::new(policy("fintecture"), 1);
        let (customer, first) = given(&world);
        let form = [("grant_type", "refresh_token"), ("refresh_token", rt(&first))];
        let mut dice = Dice(1);
        let mut refresh = Box::pin(world.token(&BY_OWNER, &form, &mut dice));
        let early = (0..turns).find_map(|_| step(&mut refresh));
        world.forget(OWNER, &customer).unwrap();
        match early.unwrap_or_else(|| now(refresh)) {
            Ok(issued) => assert!(!world.lives(at(&issued))),
            Err(why) => assert_eq!(why, Refusal::GrantRevoked),
        }
    }
}

#[test]
fn the_oldest_consent_of_a_customer_makes_room_for_one_too_many() {
    let world = World::new(policy("fintecture"), 1);
    let all: Vec<_> = (0..=CONSENTS_PER_CUSTOMER_MAX).map(|_| given(&world).1).collect();
    assert!(!world.lives(at(&all[0])));
    let oldest = world.grant_of(&all[0]);
    assert_eq!(oldest.revoked.unwrap().why, RevokedWhy::ConsentWithdrawn);
    assert!(matches!(consent(&world, oldest.id).state, ConsentState::Withdrawn { .. }));
    assert!(all[1..].iter().all(|issued| world.lives(at(issued))));
}

#[test]
fn the_oldest_grant_of_a_customer_makes_room_for_one_too_many() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let mut subject = world.subject();
    let room = GRANTS_PER_SUBJECT_MAX - subject.grants.len();
    subject.grants.extend((0..room).map(|n| GrantId([n as u8; 16])));
    world.set_subject(subject);
    let (tab, _) = world.tab();
    let commits = world.commits();
    let code = code_of(&world.say_yes(&tab).unwrap()).to_owned();
    assert_eq!(world.commits(), commits + 1, "in the same batch");
    assert!(!world.lives(at(&first)));
    assert_eq!(world.grant_of(&first).revoked.unwrap().why, RevokedWhy::Displaced);
    assert_eq!(world.subject().grants.len(), GRANTS_PER_SUBJECT_MAX);
    let last = world.redeem(&code).unwrap();
    assert!(world.lives(at(&last)));
}

/// A full list of grants still fits into one batch, so suspending is all or nothing.
#[test]
fn a_customer_with_as_many_grants_as_there_may_be_is_suspended_at_once() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let template = world.grant_of(&first);
    let mut subject = world.subject();
    for n in subject.grants.len()..GRANTS_PER_SUBJECT_MAX {
        let id = GrantId([n as u8; 16]);
        world.put_grant(counterfoil_engine::grant::Grant { id, ..template.clone() });
        subject.grants.push(id);
    }
    world.set_subject(subject.clone());
    let commits = world.commits();
    world.set_customer(true);
    assert_eq!(world.commits(), commits + 1);
    const { assert!(GRANTS_PER_SUBJECT_MAX < BATCH_RECORDS_MAX) };
    assert!(subject.grants.iter().all(|id| world.grant(*id).unwrap().suspended.by_subject));
}
