//! What operators do: files, keys, the audit trail.

use std::collections::BTreeSet;

use counterfoil_engine::admin::Desired;
use counterfoil_engine::audit::What;
use counterfoil_engine::engine::AuditMode;
use counterfoil_engine::key_cycle::{KeyTimes, Known};
use counterfoil_engine::keys::{self, KeySet, KeyState, StoredKey};
use counterfoil_engine::limits::SIGNING_KEYS_MAX;
use counterfoil_engine::store::{Key, Record};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use counterfoil_protocol::refusal::Refusal;

use crate::dice::{Dice, now};
use crate::fixtures::{self, OWNER};
use crate::policies::{FAPI2, policy};
use crate::ways::{DAY, rt};
use crate::world::{World, at};

fn key(world: &World, seed: u64) -> StoredKey {
    let wrapping = fixtures::key_file(0).wrapping;
    let pair = SigningKey::generate(Alg::ES256).unwrap();
    keys::stored(pair, &wrapping, world.now(), &mut Dice(seed)).unwrap()
}

fn states(world: &World) -> Vec<KeyState> {
    match world.storm.record(&Key::KeySet(fixtures::tenant_id())) {
        Some(Record::KeySet(set)) => {
            let set: KeySet = *set;
            set.keys.iter().map(|key| key.state).collect()
        }
        _ => vec![],
    }
}

#[test]
fn applying_twice_changes_nothing() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let mut client = world.client(OWNER);
    client.name = "Renamed".into();
    client.assertion_subjects = vec!["spiffe:tpp".into()];
    let subject = fixtures::subject();
    let desired = Desired {
        tenants: vec![fixtures::tenant(world.policy)],
        clients: vec![(fixtures::tenant_id(), client)],
        subjects: vec![(fixtures::tenant_id(), subject)],
        keys: vec![],
    };
    let applied = now(world.engine.apply(&desired, &mut world.dice())).unwrap();
    let lines: Vec<_> = applied.iter().map(|line| (line.sign, line.kind, &*line.name)).collect();
    assert_eq!(lines, [('~', "client", OWNER)]);
    assert_eq!(world.told(What::ResourceApplied), 1);
    let commits = world.commits();
    let again = now(world.engine.apply(&desired, &mut world.dice())).unwrap();
    assert!(again.is_empty());
    assert_eq!(world.commits(), commits);
    assert!(world.lives(at(&first)), "and what customers gave is still there");
    assert!(world.refresh(rt(&first)).is_ok());
}

#[test]
fn a_file_brings_what_was_not_there() {
    let world = World::new(policy("mx"), 1);
    let client = fixtures::client(world.policy, world.issuer(), "newcomer", "openid");
    let desired = Desired { clients: vec![(fixtures::tenant_id(), client)], ..Desired::default() };
    let applied = now(world.engine.apply(&desired, &mut world.dice())).unwrap();
    assert_eq!((applied[0].sign, &*applied[0].name), ('+', "newcomer"));
}

#[test]
fn a_signing_key_is_published_before_it_signs_and_after_it_signed() {
    let world = World::new(policy("mx"), 1);
    let tenant = fixtures::tenant_id();
    let missing = || now(world.engine.algs_missing(&tenant, &[Alg::ES256])).unwrap();
    assert_eq!(missing(), [Alg::ES256]);
    let first = key(&world, 1);
    let desired = Desired { keys: vec![(tenant.clone(), first.clone())], ..Desired::default() };
    now(world.engine.apply(&desired, &mut world.dice())).unwrap();
    assert_eq!(missing(), []);
    assert_eq!(states(&world), [KeyState::Active]);
    let issuer = now(world.engine.issuer(&tenant)).unwrap();
    assert_eq!(issuer.active_key(Alg::ES256).unwrap().kid, first.kid);

    let second = key(&world, 2);
    now(world.engine.publish_key(&tenant, &second)).unwrap();
    assert_eq!(states(&world), [KeyState::Active, KeyState::Next]);
    let issuer = now(world.engine.issuer(&tenant)).unwrap();
    assert_eq!(issuer.active_key(Alg::ES256).unwrap().kid, first.kid, "announced, not yet used");
    assert_eq!(issuer.jwks().keys.len(), 2);
    now(world.engine.publish_key(&tenant, &key(&world, 3))).unwrap();
    assert_eq!(states(&world).len(), 2, "one waits at a time");

    let turn = || {
        now(world.engine.turn_keys(&tenant, (&TIMES, &Known::Alone), &mut world.dice())).unwrap()
    };
    world.clock.advance(TIMES.published_s - 1);
    turn();
    assert_eq!(states(&world), [KeyState::Active, KeyState::Next], "some may not know it yet");
    world.clock.advance(1);
    turn();
    let since = world.now();
    assert_eq!(states(&world), [KeyState::Retiring { since }, KeyState::Active]);
    let issuer = now(world.engine.issuer(&tenant)).unwrap();
    assert_eq!(issuer.active_key(Alg::ES256).unwrap().kid, second.kid);
    assert_eq!(issuer.jwks().keys.len(), 2, "tokens of the retiring key still verify");

    world.clock.advance(TIMES.longest_token_s - 1);
    turn();
    assert_eq!(states(&world).len(), 2);
    world.clock.advance(1);
    turn();
    assert_eq!(states(&world), [KeyState::Active]);
    assert_eq!(now(world.engine.issuer(&tenant)).unwrap().jwks().keys.len(), 1);
    let gone = world.storm.record(&Key::SigningKey(tenant.clone(), first.kid.clone()));
    assert!(gone.is_none(), "its private part has gone with it");
    assert_eq!(world.told(What::KeyChanged), 4);
}

const TIMES: KeyTimes = KeyTimes { published_s: 60, rotated_s: 90 * DAY, longest_token_s: 600 };

#[test]
fn a_key_that_is_due_gets_a_successor_by_itself() {
    let world = World::new(policy("mx"), 1);
    let tenant = fixtures::tenant_id();
    now(world.engine.ensure_keys(&tenant, &[Alg::ES256], &mut world.dice())).unwrap();
    now(world.engine.ensure_keys(&tenant, &[Alg::ES256], &mut Dice(7))).unwrap();
    assert_eq!(states(&world), [KeyState::Active], "made when needed first, and once");
    let turn =
        || now(world.engine.turn_keys(&tenant, (&TIMES, &Known::Alone), &mut Dice(8))).unwrap();
    world.clock.advance(TIMES.rotated_s - 1);
    turn();
    assert_eq!(states(&world), [KeyState::Active]);
    world.clock.advance(1);
    turn();
    turn();
    assert_eq!(states(&world), [KeyState::Active, KeyState::Next]);
    world.clock.advance(TIMES.published_s);
    turn();
    assert!(matches!(states(&world)[..], [KeyState::Retiring { .. }, KeyState::Active]));
}

#[test]
fn an_operator_can_let_a_new_key_sign_at_once() {
    let world = World::new(policy("mx"), 1);
    let tenant = fixtures::tenant_id();
    now(world.engine.ensure_keys(&tenant, &[Alg::ES256], &mut world.dice())).unwrap();
    let announce = |seed| now(world.engine.announce_key(&tenant, Alg::ES256, &mut Dice(seed)));
    let next = announce(7).unwrap();
    assert_eq!(announce(8).unwrap(), next, "one waits at a time");
    now(world.engine.activate_key(&tenant, &next, &Known::Alone)).unwrap();
    let issuer = now(world.engine.issuer(&tenant)).unwrap();
    assert_eq!(issuer.active_key(Alg::ES256).unwrap().kid, next);
    assert_eq!(issuer.jwks().keys.len(), 2);
    now(world.engine.activate_key(&tenant, &next, &Known::Alone)).unwrap();
    assert_eq!(states(&world).len(), 2, "it signs already");
    let unneeded = now(world.engine.announce_key(&tenant, Alg::PS256, &mut Dice(9)));
    assert_eq!(unneeded.unwrap_err(), Refusal::TenantUnknown);
}

#[test]
fn a_key_that_another_process_may_lack_does_not_sign() {
    let world = World::new(policy("mx"), 1);
    let tenant = fixtures::tenant_id();
    now(world.engine.ensure_keys(&tenant, &[Alg::ES256], &mut world.dice())).unwrap();
    let next = now(world.engine.announce_key(&tenant, Alg::ES256, &mut Dice(7))).unwrap();
    let nothing = Known::ToAll(BTreeSet::new());
    assert!(!now(world.engine.activate_key(&tenant, &next, &nothing)).unwrap());
    world.clock.advance(TIMES.published_s);
    let turn = |known: &Known| {
        now(world.engine.turn_keys(&tenant, (&TIMES, known), &mut Dice(8))).unwrap();
    };
    turn(&nothing);
    assert_eq!(states(&world), [KeyState::Active, KeyState::Next], "also when its time has come");
    turn(&Known::ToAll(BTreeSet::from([next])));
    assert!(matches!(states(&world)[..], [KeyState::Retiring { .. }, KeyState::Active]));
}

#[test]
fn a_tenant_holds_so_many_keys_and_no_more() {
    let world = World::new(policy("mx"), 1);
    let tenant = fixtures::tenant_id();
    now(world.engine.ensure_keys(&tenant, &[Alg::ES256], &mut world.dice())).unwrap();
    let announce = |seed| now(world.engine.announce_key(&tenant, Alg::ES256, &mut Dice(seed)));
    for seed in 1..SIGNING_KEYS_MAX as u64 {
        let next = announce(seed).unwrap();
        now(world.engine.activate_key(&tenant, &next, &Known::Alone)).unwrap();
    }
    assert_eq!(states(&world).len(), SIGNING_KEYS_MAX);
    assert_eq!(announce(99).unwrap_err(), Refusal::RateLimited);
    assert_eq!(states(&world).len(), SIGNING_KEYS_MAX);
}

#[test]
fn a_key_that_is_there_is_not_replaced_by_a_file() {
    let world = World::new(policy("mx"), 1);
    let tenant = fixtures::tenant_id();
    for seed in [1, 2] {
        let keys = vec![(tenant.clone(), key(&world, seed))];
        let desired = Desired { keys, ..Desired::default() };
        now(world.engine.apply(&desired, &mut world.dice())).unwrap();
    }
    assert_eq!(states(&world), [KeyState::Active]);
}

#[test]
fn a_disabled_tenant_answers_nothing() {
    let world = World::new(policy("mx"), 1);
    let tenant = fixtures::tenant_id();
    assert!(now(world.engine.issuer(&tenant)).is_ok());
    let mut disabled = fixtures::tenant(world.policy);
    disabled.enabled = false;
    let desired = Desired { tenants: vec![disabled], ..Desired::default() };
    now(world.engine.apply(&desired, &mut world.dice())).unwrap();
    assert_eq!(now(world.engine.issuer(&tenant)).unwrap_err(), Refusal::TenantDisabled);
}

#[test]
fn how_much_of_what_changes_nothing_is_kept_is_the_operators_choice() {
    for (audit, at_once, later) in
        [(AuditMode::Changes, 0, 0), (AuditMode::Tokens, 0, 1), (AuditMode::EveryToken, 1, 1)]
    {
        let mut world = World::new(&FAPI2, 1);
        world.engine.audit = audit;
        let first = world.begun();
        assert_eq!(world.told(What::TokenIssued), 1, "changes are always kept");
        world.refresh(rt(&first)).unwrap();
        assert_eq!(world.told(What::TokenIssuedUnchanged), at_once, "{audit:?}");
        assert_eq!(world.kept(What::TokenIssuedUnchanged), later, "{audit:?}");
    }
}

#[test]
fn where_every_token_is_kept_an_answer_waits_for_its_event() {
    let mut world = World::new(&FAPI2, 1);
    world.engine.audit = AuditMode::EveryToken;
    let first = world.begun();
    world.storm.set_faults(1000);
    assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::StoreUnavailable);
}

#[test]
fn events_that_could_not_be_appended_wait_for_the_next_time() {
    let mut world = World::new(&FAPI2, 1);
    world.engine.audit = AuditMode::Tokens;
    let first = world.begun();
    world.refresh(rt(&first)).unwrap();
    world.storm.set_faults(1000);
    let failed = now(world.engine.append_access_events());
    assert_eq!(failed.unwrap_err(), Refusal::StoreUnavailable);
    world.storm.set_faults(0);
    assert_eq!(now(world.engine.append_access_events()), Ok(1));
    assert_eq!(now(world.engine.append_access_events()), Ok(0));
}

#[test]
fn the_audit_trail_is_a_chain() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    world.refresh(rt(&first)).unwrap();
    let events = world.storm.events();
    let expected = [
        What::AuthorizationStarted,
        What::LoginSucceeded,
        What::ConsentGiven,
        What::TokenIssued,
        What::TokenIssued,
    ];
    let seen: Vec<_> = events.iter().map(|found| found.event.what).collect();
    assert_eq!(seen, expected);
    let numbers: Vec<_> = events.iter().map(|found| found.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert!(events.iter().all(|found| found.event.request == [1; 16]), "each names its request");
}
