//! A client in its own name: one standing grant, and what does not fit into it.

use counterfoil_engine::limits::VIEWS_MAX;
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use crate::fixtures::{self, OWNER, RIVAL};
use crate::policies::{FAPI2, policy};
use crate::ways::{BY_OWNER, DAY, rt};
use crate::world::{World, at};

fn set(text: &str) -> ScopeSet {
    ScopeSet::parse(text).unwrap()
}

#[test]
fn the_first_token_writes_and_every_later_one_only_reads() {
    let world = World::new(&FAPI2, 1);
    let first = world.own("accounts").unwrap();
    let before = world.storm.trips();
    let second = world.own("accounts").unwrap();
    assert_eq!(world.storm.trips(), (before.0 + 1, before.1));
    assert!(world.lives(at(&first)) && world.lives(at(&second)));
    assert!(first.refresh.is_none() && first.id_token.is_none());
    assert_eq!(first.access.facts().record, second.access.facts().record);
    world.give_back(at(&first));
    assert!(!world.lives(at(&first)) && world.lives(at(&second)));
}

#[test]
fn it_survives_a_store_that_takes_no_writes() {
    let world = World::new(&FAPI2, 1);
    world.own("accounts").unwrap();
    world.storm.set_faults(1000);
    assert!(world.own("accounts").is_ok());
    assert_eq!(world.own("openid").unwrap_err(), Refusal::StoreUnavailable, "a new scope is one");
}

#[test]
fn a_token_keeps_its_scope_whatever_becomes_of_the_registration() {
    let world = World::new(&FAPI2, 1);
    let all = fixtures::registered(&FAPI2);
    let (wide, narrow) = (world.own(all).unwrap(), world.own("openid").unwrap());
    let mut client = world.client(OWNER);
    client.scope = set("openid accounts transactions payments");
    world.change(&client);
    world.own("payments").unwrap();
    assert_eq!(world.seen(at(&wide)).unwrap().scope(), &set(all), "not widened");
    client.scope = set("openid");
    world.change(&client);
    world.own("openid").unwrap();
    assert!(!world.lives(at(&wide)), "more than its client may have");
    assert_eq!(world.seen(at(&narrow)).unwrap().scope(), &set("openid"));
}

#[test]
fn a_scope_the_client_has_not_is_refused_and_none_is_missing() {
    let world = World::new(&FAPI2, 1);
    assert_eq!(world.own("openid payments").unwrap_err(), Refusal::ScopeNotAllowed);
    assert_eq!(world.own("say\"hi\"").unwrap_err(), Refusal::ScopeNotAllowed);
    assert_eq!(world.own("").unwrap_err(), Refusal::ScopeMissing);
    assert_eq!(world.own(" ").unwrap_err(), Refusal::ScopeMissing);
    assert_eq!(world.own(&"a ".repeat(3_000)).unwrap_err(), Refusal::ScopeNotAllowed);
}

#[test]
fn when_every_view_lives_a_token_gets_a_grant_of_its_own() {
    let world = World::new(&FAPI2, 1);
    let mut client = world.client(OWNER);
    client.scope = set("a b c d e f g h");
    world.change(&client);
    let scope = |n: usize| {
        let letters = ["a", "b", "c", "d", "e", "f", "g"];
        let some = letters.iter().enumerate().filter(|(bit, _)| n >> bit & 1 == 1);
        some.map(|(_, letter)| *letter).collect::<Vec<_>>().join(" ")
    };
    let first = world.own(&scope(1)).unwrap();
    for n in 2..=VIEWS_MAX {
        world.own(&scope(n)).unwrap();
    }
    let standing = world.grant_of(&first);
    assert_eq!(standing.access.views.len(), VIEWS_MAX);
    let extra = world.own(&scope(VIEWS_MAX + 1)).unwrap();
    assert_ne!(GrantId(extra.access.facts().record), standing.id);
    assert_eq!(world.seen(at(&extra)).unwrap().scope(), &set(&scope(VIEWS_MAX + 1)));
    assert_eq!(world.grant_of(&first), standing, "nothing alive was given up for it");
    assert!(world.lives(at(&first)));
    let grant = world.grant_of(&extra);
    assert_eq!(grant.ends, world.now().after(300), "and ends with its token");
}

#[test]
fn every_client_has_a_standing_grant_of_its_own() {
    let world = World::new(&FAPI2, 1);
    let own = world.own("openid").unwrap();
    let form = [("grant_type", "client_credentials"), ("scope", "openid")];
    let theirs = world.ask(&crate::ways::BY_RIVAL, &form).unwrap();
    assert_ne!(own.access.facts().record, theirs.access.facts().record);
    assert_eq!(world.seen(at(&theirs)).unwrap().client().as_str(), RIVAL);
    let issuer = world.issuer();
    assert_eq!(own.access.facts().record, issuer.standing(&fixtures::client_id(OWNER)).0);
}

#[test]
fn scopes_of_fintecture_have_many_spellings_and_one_meaning() {
    let world = World::new(policy("fintecture"), 1);
    let first = world.own("PIS Customer").unwrap();
    assert_eq!(&*first.spelled, "PIS Customer", "answered as asked");
    assert_eq!(world.seen(at(&first)).unwrap().scope(), &set("pis customers"));
    let commits = world.commits();
    world.own("customers pis").unwrap();
    assert_eq!(world.commits(), commits, "the same set, so the same view");
    assert_eq!(world.own("AIS").unwrap_err(), Refusal::ScopeNotAllowed, "needs a customer");
    assert_eq!(world.own("").unwrap_err(), Refusal::ScopeMissing);
    let mut client = world.client(OWNER);
    client.default_scope = Some(set("pis"));
    world.change(&client);
    assert_eq!(world.own("").unwrap().scope, set("pis"), "what the registration says");
}

#[test]
fn organisation_credentials_come_with_a_refresh_token_of_thirty_days() {
    let world = World::new(policy("fintecture"), 1);
    let first = world.own("OAC").unwrap();
    assert_eq!(first.scope, set("organisations:read"));
    assert_ne!(first.access.facts().record, world.issuer().standing(&fixtures::client_id(OWNER)).0);
    let other = world.own("OAC").unwrap();
    assert_ne!(first.access.facts().record, other.access.facts().record, "each its own grant");
    world.clock.advance(30 * DAY - 100);
    let again = world.refresh(rt(&first)).unwrap();
    assert_eq!(rt(&again), rt(&first));
    assert_eq!(again.expires_in_s, 100, "no token outlives its grant");
    assert_eq!(&*again.spelled, "OAC");
    world.clock.advance(100);
    assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::HandleExpired);
    let mixed = world.own("OAC pis");
    assert_eq!(mixed.unwrap_err(), Refusal::ScopeNotAllowed);
    let mut client = world.client(OWNER);
    client.scope = set("ais pis");
    world.change(&client);
    assert_eq!(world.own("OAC").unwrap_err(), Refusal::ScopeNotAllowed, "it has none");
}

#[test]
fn a_client_that_may_not_act_for_itself_gets_nothing() {
    let world = World::new(&FAPI2, 1);
    let mut client = world.client(OWNER);
    client.grants.retain(|name| &**name != "client_credentials");
    world.change(&client);
    assert_eq!(world.own("openid").unwrap_err(), Refusal::GrantTypeNotAllowed);
    let twice = [("grant_type", "authorization_code"), ("grant_type", "authorization_code")];
    let fault = counterfoil_protocol::refusal::Fault::Repeated;
    let refused = world.ask(&BY_OWNER, &twice).unwrap_err();
    assert_eq!(refused, Refusal::Parameter("grant_type", fault));
}
