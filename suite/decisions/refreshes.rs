//! Refresh tokens: rotation, retries, replays, ends.

use std::collections::BTreeSet;

use counterfoil_engine::audit::What;
use counterfoil_protocol::refusal::{Fault, Refusal};
use counterfoil_protocol::scope::ScopeSet;

use crate::dice::{Dice, step};
use crate::fixtures::OWNER;
use crate::policies::{BOTH, FAPI2, policy};
use crate::ways::{BY_OWNER, DAY, rt};
use crate::world::{World, at};

#[test]
fn sixty_four_parallel_refreshes_have_one_successor() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let form = [("grant_type", "refresh_token"), ("refresh_token", rt(&first))];
    let mut dice: Vec<_> = (0..64).map(Dice).collect();
    let mut tasks: Vec<_> =
        dice.iter_mut().map(|dice| Box::pin(world.token(&BY_OWNER, &form, dice))).collect();
    let mut successors = BTreeSet::new();
    while !tasks.is_empty() {
        // Everybody one step: all read the same state, one commit wins.
        tasks.retain_mut(|task| match step(task) {
            Some(issued) => {
                successors.insert(rt(&issued.unwrap()).to_owned());
                false
            }
            None => true,
        });
    }
    assert_eq!(successors.len(), 1);
    assert!(world.grant_of(&first).revoked.is_none());
}

#[test]
fn a_retry_returns_the_identical_successor_and_writes_nothing() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let second = world.refresh(rt(&first)).unwrap();
    let commits = world.commits();
    world.turn_keys(); // the active key changes between the answer and the retry
    world.clock.advance(599);
    let again = world.refresh(rt(&first)).unwrap();
    assert_eq!(rt(&again), rt(&second));
    assert_ne!(at(&again), at(&second), "the access token need not be: both live");
    assert!(world.lives(at(&again)) && world.lives(at(&second)));
    world.clock.advance(DAY - 599 - 1);
    assert_eq!(rt(&world.refresh(rt(&first)).unwrap()), rt(&second));
    assert_eq!(world.commits(), commits);
}

#[test]
fn a_retry_after_the_window_revokes() {
    for (rules, window) in [(policy("mx"), DAY), (&BOTH, 60)] {
        let world = World::new(rules, 1);
        let first = world.begun();
        let second = world.refresh(rt(&first)).unwrap();
        world.clock.advance(window);
        assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::RefreshReplayed);
        assert_eq!(world.refresh(rt(&second)).unwrap_err(), Refusal::GrantRevoked);
        assert_eq!(world.told(What::ReplayDetected), 1);
    }
}

#[test]
fn an_old_generation_revokes_once_its_successor_was_used_however_old_it_is() {
    for steps in [1, 2, 200] {
        let world = World::new(policy("mx"), 1);
        let stolen = world.begun();
        let mut current = world.refresh(rt(&stolen)).unwrap();
        let size = format!("{:?}", world.grant_of(&stolen)).len();
        for _ in 0..steps {
            current = world.refresh(rt(&current)).unwrap();
        }
        let grown = format!("{:?}", world.grant_of(&stolen)).len();
        assert!(grown <= size + 4, "the state does not grow");
        assert_eq!(world.refresh(rt(&stolen)).unwrap_err(), Refusal::RefreshReplayed);
        assert_eq!(world.refresh(rt(&current)).unwrap_err(), Refusal::GrantRevoked);
        assert!(!world.lives(at(&current)));
    }
}

#[test]
fn a_refresh_token_expires_and_a_retry_may_come_after_that() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    world.clock.advance(30 * DAY - 1);
    let second = world.refresh(rt(&first)).unwrap();
    world.clock.advance(2);
    assert_eq!(rt(&world.refresh(rt(&first)).unwrap()), rt(&second));
    world.clock.advance(30 * DAY);
    assert_eq!(world.refresh(rt(&second)).unwrap_err(), Refusal::HandleExpired);
    assert!(world.grant_of(&first).revoked.is_none());
}

#[test]
fn without_rotation_a_refresh_is_one_read_and_no_commit() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    let before = world.storm.trips();
    let second = world.refresh(rt(&first)).unwrap();
    assert_eq!(world.storm.trips(), (before.0 + 1, before.1));
    assert_eq!(rt(&second), rt(&first), "the same refresh token is returned");
    assert_ne!(at(&second), at(&first));
    assert!(world.lives(at(&first)), "and the previous access token lives");
    assert!(world.lives(at(&second)));
}

#[test]
fn an_idle_refresh_token_dies_and_a_used_one_seldom_writes() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    let commits = world.commits();
    for _ in 0..100 {
        world.clock.advance(DAY);
        world.refresh(rt(&first)).unwrap();
    }
    assert_eq!(world.commits() - commits, 15, "writes of a hundred daily refreshes");
    world.clock.advance(79 * DAY);
    let last = world.refresh(rt(&first)).unwrap();
    world.clock.advance(DAY);
    assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::HandleExpired, "180 days are up");
    assert!(!world.lives(at(&last)));
    let idle = World::new(&FAPI2, 2);
    let first = idle.begun();
    idle.clock.advance(90 * DAY);
    assert_eq!(idle.refresh(rt(&first)).unwrap_err(), Refusal::HandleExpired);
}

#[test]
fn nothing_outlives_its_grant() {
    let world = World::new(policy("mx"), 1);
    let mut token = world.begun();
    for _ in 0..364 / 28 {
        world.clock.advance(28 * DAY);
        token = world.refresh(rt(&token)).unwrap();
    }
    world.clock.advance(DAY - 100);
    let last = world.refresh(rt(&token)).unwrap();
    assert_eq!(last.expires_in_s, 100);
    world.clock.advance(100);
    assert!(!world.lives(at(&last)));
    assert_eq!(world.refresh(rt(&last)).unwrap_err(), Refusal::HandleExpired);
}

#[test]
fn a_scope_the_client_has_lost_is_not_renewed() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let mut client = world.client(OWNER);
    client.scope = ScopeSet::parse("openid").unwrap();
    world.change(&client);
    let again = world.refresh(rt(&first)).unwrap();
    assert_eq!(again.scope.to_string(), "openid");
    assert_eq!(&*again.spelled, "openid");
    assert_eq!(world.seen(at(&again)).unwrap().scope().to_string(), "openid");
    let wide = world.refresh_for(rt(&again), "openid accounts");
    assert_eq!(wide.unwrap_err(), Refusal::ScopeNotAllowed);
    client.scope = ScopeSet::parse("transactions").unwrap();
    world.change(&client);
    assert_eq!(world.refresh(rt(&again)).unwrap_err(), Refusal::ScopeNotAllowed, "nothing is left");
}

#[test]
fn a_refresh_never_widens_what_the_customer_allowed() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let more = world.refresh_for(rt(&first), "openid transactions");
    assert_eq!(more.unwrap_err(), Refusal::ScopeNotAllowed, "the client may, the grant may not");
    assert_eq!(rt(&world.refresh(rt(&first)).unwrap()).len(), rt(&first).len());
}

#[test]
fn where_a_refresh_ends_the_token_before_it_a_retry_does_not() {
    let world = World::new(policy("fintecture"), 1);
    let first = world.begun();
    let second = world.refresh(rt(&first)).unwrap();
    assert_eq!(rt(&second), rt(&first));
    assert!(!world.lives(at(&first)) && world.lives(at(&second)));

    let world = World::new(&BOTH, 1);
    let first = world.begun();
    let second = world.refresh(rt(&first)).unwrap();
    let again = world.refresh(rt(&first)).unwrap();
    assert!(!world.lives(at(&first)));
    assert!(world.lives(at(&second)) && world.lives(at(&again)), "both answers to one refresh");
}

#[test]
fn a_store_that_was_set_back_is_noticed_and_revokes_nothing() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let backup = world.grant_of(&first);
    let second = world.refresh(rt(&first)).unwrap();
    world.put_grant(backup);
    assert_eq!(world.refresh(rt(&second)).unwrap_err(), Refusal::HandleAhead);
    assert!(world.grant_of(&first).revoked.is_none());
    assert_eq!(world.kept(What::StoreBehind), 1, "somebody must hear of it");
}

#[test]
fn a_refresh_needs_its_token_and_a_grant_type_that_was_registered() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let missing = world.ask(&BY_OWNER, &[("grant_type", "refresh_token")]);
    assert_eq!(missing.unwrap_err(), Refusal::Parameter("refresh_token", Fault::Missing));
    let unknown = world.ask(&BY_OWNER, &[("grant_type", "password")]);
    assert_eq!(unknown.unwrap_err(), Refusal::GrantTypeUnknown);
    let unserved = world.ask(&BY_OWNER, &[("grant_type", "client_credentials")]);
    assert_eq!(unserved.unwrap_err(), Refusal::GrantTypeUnknown, "not on this surface");
    let absent = world.ask(&BY_OWNER, &[("code", "x")]);
    assert_eq!(absent.unwrap_err(), Refusal::Parameter("grant_type", Fault::Missing));
    let mut client = world.client(OWNER);
    client.grants.retain(|name| &**name != "refresh_token");
    world.change(&client);
    assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::GrantTypeNotAllowed);
}
