//! Access tokens: introspection, individual revocation, views.

use counterfoil_engine::audit::What;
use counterfoil_engine::client_auth::{Authorization, Presented};
use counterfoil_engine::limits::{REVOKED_MAX, VIEWS_MAX};
use counterfoil_engine::sender::Shown;
use counterfoil_engine::sender::resource::{Bearing, Scheme};
use counterfoil_engine::userinfo::UserInfo;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use crate::dice::now;
use crate::fixtures::{OWNER, RESOURCE_SERVERS};
use crate::policies::{FAPI2, policy};
use crate::ways::{BY_OWNER, BY_RIVAL, rt};
use crate::world::{Shows, World, at, presented};

fn set(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

#[test]
fn introspection_tells_what_was_given_and_writes_nothing() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    assert!(world.lives(at(&first)), "the resource server is known from now on");
    let before = world.storm.trips();
    let active = world.seen(at(&first)).unwrap();
    assert_eq!(world.storm.trips(), (before.0 + 1, before.1), "one read, no commit");
    assert_eq!(active.client().as_str(), OWNER);
    assert_eq!(active.scope(), &set("openid accounts"));
    assert_eq!(active.expires, world.now().after(600));
    let subject = active.subject().unwrap();
    assert_eq!(subject.id.as_str(), "psu");
    let rival = world.issuer().pairwise(&crate::fixtures::client_id("rival"), &subject.id);
    assert_ne!(subject.sub, rival, "every client sees another name");
    let consent = active.consent().unwrap();
    assert_eq!((consent.version, &*consent.accounts), (1, &[crate::fixtures::account()][..]));
}

#[test]
fn only_a_resource_server_may_ask() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let ask = |presented: &Presented<'_>| {
        let mut dice = world.dice();
        let call = world.call(&mut dice);
        now(world.engine.introspect(&call, presented, &RESOURCE_SERVERS, at(&first)))
    };
    for other in [BY_OWNER, BY_RIVAL] {
        assert!(ask(&presented(&other)).unwrap().is_none(), "as if there were no such token");
    }
    let nobody = Presented { authorization: Authorization::Absent, ..Presented::default() };
    assert_eq!(ask(&nobody).unwrap_err(), Refusal::ClientCredentialsMissing);
}

#[test]
fn an_access_token_has_its_time() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    assert_eq!(first.expires_in_s, 600);
    world.clock.advance(599);
    assert!(world.lives(at(&first)));
    world.clock.advance(1);
    assert!(!world.lives(at(&first)));
}

#[test]
fn one_access_token_can_be_revoked_without_its_siblings() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    let second = world.refresh(rt(&first)).unwrap();
    world.give_back(at(&first));
    assert!(!world.lives(at(&first)) && world.lives(at(&second)));
    let commits = world.commits();
    world.give_back(at(&first));
    assert!(!world.lives(at(&first)), "giving back twice is giving back");
    assert_eq!(world.told(What::TokenRevoked), 1);
    assert_eq!(world.commits(), commits, "and changes nothing");
}

#[test]
fn an_entry_of_the_revocation_list_goes_with_its_token() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    world.give_back(at(&first));
    assert_eq!(world.grant_of(&first).access.revoked.len(), 1);
    world.clock.advance(300);
    let second = world.refresh(rt(&first)).unwrap();
    world.give_back(at(&second));
    assert_eq!(world.grant_of(&first).access.revoked.len(), 1);
}

#[test]
fn a_full_revocation_list_ends_the_generation_and_never_the_grant() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    let spared = world.refresh(rt(&first)).unwrap();
    for _ in 0..REVOKED_MAX {
        world.give_back(at(&world.refresh(rt(&first)).unwrap()));
    }
    assert!(world.lives(at(&spared)));
    world.give_back(at(&world.refresh(rt(&first)).unwrap()));
    assert!(!world.lives(at(&spared)));
    assert!(world.lives(at(&world.refresh(rt(&first)).unwrap())));
}

#[test]
fn any_refresh_token_of_a_chain_gives_back_the_whole_grant() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let second = world.refresh(rt(&first)).unwrap();
    let third = world.refresh(rt(&second)).unwrap();
    world.give_back(rt(&first));
    assert!(!world.lives(at(&third)));
    assert_eq!(world.refresh(rt(&third)).unwrap_err(), Refusal::GrantRevoked);
    assert_eq!(world.told(What::GrantRevoked), 1);
    assert_eq!(world.told(What::ReplayDetected), 0);
    world.give_back(rt(&first));
    assert_eq!(world.told(What::GrantRevoked), 1, "once");
}

#[test]
fn a_revocation_that_the_store_does_not_confirm_is_no_success() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    world.storm.set_faults(1000);
    let revoked = now(world.revoke(&BY_OWNER, at(&first), &mut world.dice()));
    assert_eq!(revoked.unwrap_err(), Refusal::StoreUnavailable);
}

#[test]
fn revocation_needs_the_client_and_takes_anything() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let stranger = Shows::Secret("stranger");
    let refused = now(world.revoke(&stranger, rt(&first), &mut world.dice()));
    assert_eq!(refused.unwrap_err(), Refusal::ClientUnknown);
    world.give_back("at_garbage");
    world.give_back("");
    assert!(world.lives(at(&first)));
}

#[test]
fn a_narrower_scope_is_a_view_that_is_written_once() {
    let world = World::new(&FAPI2, 1);
    let first = world.begun();
    let commits = world.commits();
    let narrow = world.refresh_for(rt(&first), "openid").unwrap();
    let again = world.refresh_for(rt(&first), "openid").unwrap();
    assert_eq!(world.commits(), commits + 1);
    for token in [&narrow, &again] {
        assert_eq!(world.seen(at(token)).unwrap().scope(), &set("openid"));
    }
    let whole = world.refresh_for(rt(&first), "accounts openid").unwrap();
    assert_eq!(world.seen(at(&whole)).unwrap().scope(), &set("openid accounts"));
    assert_eq!(world.commits(), commits + 1, "the grant itself needs no view");
}

/// Every set of these letters is a scope of its own.
fn subsets() -> Vec<String> {
    let letters = ["a", "b", "c", "d", "e", "f", "g"];
    let subset = |n: usize| {
        let some = letters.iter().enumerate().filter(|(bit, _)| n >> bit & 1 == 1);
        some.map(|(_, letter)| *letter).collect::<Vec<_>>().join(" ")
    };
    (1..=VIEWS_MAX + 1).map(subset).collect()
}

#[test]
fn a_full_view_table_refuses_until_a_view_has_run_out() {
    let world = World::new(&FAPI2, 1);
    let token = world.begun();
    let mut grant = world.grant_of(&token);
    grant.scope = set("a b c d e f g h");
    let mut client = world.client(OWNER);
    client.scope = grant.scope.clone();
    world.change(&client);
    world.put_grant(grant);
    let scopes = subsets();
    let oldest = world.refresh_for(rt(&token), &scopes[0]).unwrap();
    for scope in &scopes[1..VIEWS_MAX] {
        world.refresh_for(rt(&token), scope).unwrap();
    }
    let last = &scopes[VIEWS_MAX];
    assert_eq!(world.refresh_for(rt(&token), last).unwrap_err(), Refusal::TooManyViews);
    assert!(world.lives(at(&oldest)), "nothing alive was given up for it");
    world.clock.advance(16 * 300);
    let late = world.refresh_for(rt(&token), last).unwrap();
    assert_eq!(world.seen(at(&late)).unwrap().scope(), &set(last));
    assert_eq!(world.grant_of(&token).access.views.len(), 1, "the others have run out");
    assert_eq!(late.access.facts().view.0, 65, "and no number is used twice");
}

#[test]
fn a_view_outlives_the_last_token_minted_under_it() {
    let world = World::new(&FAPI2, 1);
    let token = world.begun();
    world.refresh_for(rt(&token), "openid").unwrap();
    world.clock.advance(16 * 300 - 1);
    let late = world.refresh_for(rt(&token), "openid").unwrap();
    world.clock.advance(2);
    world.refresh_for(rt(&token), "accounts").unwrap(); // sweeps views that have run out
    assert!(world.lives(at(&late)));
}

#[test]
fn the_holder_of_a_token_reads_what_its_scope_covers() {
    let world = World::new(policy("mx"), 1);
    let userinfo = |token: &str| {
        let mut dice = world.dice();
        let sent = Bearing { scheme: Scheme::Bearer, token };
        now(world.engine.userinfo(&world.call(&mut dice), sent, &Shown::default()))
    };
    let first = world.begun();
    let told = userinfo(at(&first)).unwrap();
    let UserInfo::Plain(told) = told else { unreachable!("the client registered no algorithm") };
    assert_eq!(told["sub"], *world.seen(at(&first)).unwrap().subject().unwrap().sub);
    assert!(!told.contains_key("name"), "the name is another scope");
    let narrow = world.refresh_for(rt(&first), "accounts").unwrap();
    assert_eq!(userinfo(at(&narrow)).unwrap_err(), Refusal::ScopeInsufficient);
    assert_eq!(userinfo("at_none").unwrap_err(), Refusal::TokenInactive);
}
