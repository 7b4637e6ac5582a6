//! How clients prove who they are, and clients that are let out and in again.

use counterfoil_engine::audit::What;
use counterfoil_engine::client::ClientStatus;
use counterfoil_engine::client_auth::{Authorization, Presented};
use counterfoil_engine::engine::Call;
use counterfoil_engine::interaction::RefusedWhy;
use counterfoil_protocol::basic::Candidate;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::{Fault, Refusal};
use counterfoil_protocol::secret::Secret;

use crate::dice::{Dice, now, step};
use crate::fixtures::{self, OWNER, RESOURCE_SERVER, RIVAL, assertion, client_id, secret_of};
use crate::policies::{FAPI2, policy};
use crate::ways::{BY_OWNER, code_of, rt};
use crate::world::{Shows, World, at, presented};

fn ask(world: &World, presented: &Presented<'_>) -> Refusal {
    let form = Form::of([("grant_type", "client_credentials"), ("scope", "pis openid")]);
    let mut dice = world.dice();
    let call: &mut Call<'_> = &mut world.call(&mut dice);
    now(world.engine.issue(call, world.policy.grants, presented, &form)).unwrap_err()
}

fn basic(id: &str, secret: &[u8]) -> Authorization {
    let (client, secret) = (client_id(id), Secret::new(secret.to_vec()));
    Authorization::Basic(vec![Candidate { client, secret }])
}

#[test]
fn who_is_not_proven_is_refused() {
    let world = World::new(policy("fintecture"), 1);
    let right = secret_of(OWNER);
    let by = |authorization| Presented { authorization, ..Presented::default() };
    assert_eq!(ask(&world, &Presented::default()), Refusal::ClientCredentialsMissing);
    assert_eq!(ask(&world, &by(Authorization::Other)), Refusal::ClientCredentialsMissing);
    let named = Presented { client_id: Some(OWNER), ..Presented::default() };
    assert_eq!(ask(&world, &named), Refusal::ClientCredentialsWrong);
    assert_eq!(ask(&world, &by(basic(OWNER, b"guess"))), Refusal::ClientCredentialsWrong);
    assert_eq!(ask(&world, &by(basic("nobody", b"guess"))), Refusal::ClientUnknown);
    let other = Presented { client_id: Some(RIVAL), ..by(basic(OWNER, right.expose())) };
    assert_eq!(ask(&world, &other), Refusal::Parameter("client_id", Fault::Conflicting));
    let good = Presented { client_id: Some(OWNER), ..by(basic(OWNER, right.expose())) };
    assert_eq!(ask(&world, &good), Refusal::ScopeNotAllowed, "served, at last");
}

#[test]
fn credentials_may_come_twice_only_where_the_document_says_so_and_only_equal() {
    let fintecture = World::new(policy("fintecture"), 1);
    let (right, id) = (secret_of(OWNER), Some(OWNER));
    let twice = |secret: &[u8]| Presented {
        authorization: basic(OWNER, right.expose()),
        client_id: id,
        client_secret: Some(Secret::new(secret.to_vec())),
        ..Presented::default()
    };
    assert_eq!(ask(&fintecture, &twice(right.expose())), Refusal::ScopeNotAllowed);
    assert_eq!(ask(&fintecture, &twice(b"other")), Refusal::ClientCredentialsConflict);
    let mx = World::new(policy("mx"), 1);
    assert_eq!(ask(&mx, &twice(right.expose())), Refusal::ClientAuthAmbiguous);
    let signed = assertion("1", mx.now().0);
    let both =
        Presented { authorization: basic(OWNER, right.expose()), ..presented_twice(&signed) };
    assert_eq!(ask(&World::new(&FAPI2, 1), &both), Refusal::ClientAuthAmbiguous);
}

fn presented_twice(signed: &str) -> Presented<'_> {
    Presented {
        assertion: Some(signed),
        assertion_type: Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ..Presented::default()
    }
}

#[test]
fn a_method_must_be_the_surfaces_and_the_clients() {
    let mx = World::new(policy("mx"), 1);
    let right = secret_of(OWNER);
    let post = Presented {
        client_id: Some(OWNER),
        client_secret: Some(Secret::new(right.expose().to_vec())),
        ..Presented::default()
    };
    let not_allowed = Refusal::ClientAuthNotAllowed("client_secret_post");
    assert_eq!(ask(&mx, &post), not_allowed);
    let mut eager = mx.client(OWNER);
    eager.auth.push("client_secret_post".into());
    mx.change(&eager);
    assert_eq!(ask(&mx, &post), not_allowed, "what the surface does not take, nobody can register");
    let fintecture = World::new(policy("fintecture"), 1);
    assert_eq!(ask(&fintecture, &post), Refusal::ScopeNotAllowed);
    let mut client = fintecture.client(OWNER);
    client.auth = vec!["client_secret_basic".into()];
    fintecture.change(&client);
    assert_eq!(ask(&fintecture, &post), not_allowed);
    client.surface = "mx".into();
    fintecture.change(&client);
    let elsewhere = Refusal::ClientAuthNotAllowed("client_secret_basic");
    assert_eq!(ask(&fintecture, &presented(&BY_OWNER)), elsewhere, "of another surface");
}

#[test]
fn two_secrets_overlap_while_a_client_changes_them() {
    let world = World::new(policy("mx"), 1);
    let mut client = world.client(OWNER);
    client.secrets.push(world.issuer().secret_digest(&Secret::new(b"the next one".to_vec())));
    world.change(&client);
    let first = world.begun();
    let next = Presented { authorization: basic(OWNER, b"the next one"), ..Presented::default() };
    let form = Form::of([("grant_type", "refresh_token"), ("refresh_token", rt(&first))]);
    let mut dice = world.dice();
    let call = &mut world.call(&mut dice);
    now(world.engine.issue(call, world.policy.grants, &next, &form)).unwrap();
}

#[test]
fn a_resource_server_gets_no_token() {
    let world = World::new(&FAPI2, 1);
    let form = [("grant_type", "client_credentials"), ("scope", "openid")];
    let refused = world.ask(&Shows::Secret(RESOURCE_SERVER), &form);
    assert_eq!(refused.unwrap_err(), Refusal::GrantTypeNotAllowed);
}

#[test]
fn a_suspended_client_gets_nothing_and_nothing_it_has_is_active() {
    let world = World::new(&FAPI2, 1);
    let (own, first, code) = (world.own("openid").unwrap(), world.begun(), world.code());
    world.set_client(ClientStatus::Suspended);
    assert_eq!(world.own("openid").unwrap_err(), Refusal::ClientSuspended);
    assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::ClientSuspended);
    assert_eq!(world.redeem(&code).unwrap_err(), Refusal::ClientSuspended);
    let started = now(world.start(None, &mut world.dice()));
    assert_eq!(started.unwrap_err(), Refusal::ClientSuspended);
    assert!(!world.lives(at(&own)) && !world.lives(at(&first)));
    let wrong = Presented { authorization: basic(OWNER, b"guess"), ..Presented::default() };
    assert_eq!(ask(&world, &wrong), Refusal::ClientCredentialsWrong, "told to nobody else");
    world.set_client(ClientStatus::Active);
    assert!(world.lives(at(&own)) && world.lives(at(&first)));
    assert!(world.redeem(&code).is_ok() && world.refresh(rt(&first)).is_ok());
    assert_eq!(world.told(What::ClientChanged), 2);
}

#[test]
fn suspending_twice_writes_once() {
    let world = World::new(&FAPI2, 1);
    world.set_client(ClientStatus::Suspended);
    let commits = world.commits();
    world.set_client(ClientStatus::Suspended);
    assert_eq!(world.commits(), commits);
    let (unknown, mut dice) = (client_id("nobody"), world.dice());
    let call = &mut world.call(&mut dice);
    let refused = now(world.engine.set_client_status(call, &unknown, ClientStatus::Active));
    assert_eq!(refused.unwrap_err(), Refusal::ClientUnknown);
}

#[test]
fn a_code_is_not_told_again_while_its_client_is_suspended() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    let code = code_of(&world.say_yes(&tab).unwrap()).to_owned();
    world.set_client(ClientStatus::Suspended);
    assert_eq!(world.say_yes(&tab).unwrap_err(), Refusal::ClientSuspended);
    let no = world.say_no(&tab, RefusedWhy::Declined);
    assert_eq!(no.unwrap_err(), Refusal::ClientSuspended);
    world.set_client(ClientStatus::Active);
    let no = world.say_no(&tab, RefusedWhy::Declined).unwrap();
    assert_eq!(code_of(&no), code, "the first answer stays");
}

/// A customer's page can be open while the operator decides.
#[test]
fn a_client_suspended_meanwhile_gets_no_approval() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    world.set_client(ClientStatus::Suspended);
    assert_eq!(world.say_yes(&tab).unwrap_err(), Refusal::ClientSuspended);
    assert!(world.subject().grants.is_empty());
}

#[test]
fn a_client_suspended_while_its_customer_approves_gets_no_code() {
    for turns in 0..8 {
        let world = World::new(policy("mx"), 1);
        let (tab, _) = world.tab();
        let mut dice = Dice(1);
        let mut approval = Box::pin(world.approve(&tab, &mut dice));
        let early = (0..turns).find_map(|_| step(&mut approval));
        world.set_client(ClientStatus::Suspended);
        match early.unwrap_or_else(|| now(approval)) {
            Ok(_) => assert_eq!(world.subject().grants.len(), 1),
            Err(why) => {
                assert!(matches!(why, Refusal::ClientSuspended | Refusal::StoreContended));
                assert!(world.subject().grants.is_empty());
            }
        }
        assert_eq!(world.storm.broken(), None);
    }
}

#[test]
fn what_a_client_proved_was_proven_to_the_record_it_had() {
    let world = World::new(policy("mx"), 1);
    let first = world.begun();
    let form = [("grant_type", "refresh_token"), ("refresh_token", rt(&first))];
    let mut dice = world.dice();
    let mut refresh = Box::pin(world.token(&BY_OWNER, &form, &mut dice));
    // It has authenticated, and its grant is being read.
    assert!(step(&mut refresh).is_none());
    world.set_client(ClientStatus::Suspended);
    assert_eq!(now(refresh).unwrap_err(), Refusal::StoreContended);
    assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::ClientSuspended);
    world.set_client(ClientStatus::Active);
    assert!(world.refresh(rt(&first)).is_ok());
}

/// Whoever sent a commit may be gone before it arrives; what is remembered must not outlive that.
#[test]
fn a_suspension_whose_sender_went_away_counts_all_the_same() {
    let (mut landed, mut lost) = (0, 0);
    for seed in 0..40 {
        let world = World::new(&FAPI2, seed);
        let own = world.own("openid").unwrap();
        let (id, mut dice) = (client_id(OWNER), world.dice());
        let call = &mut world.call(&mut dice);
        let status = ClientStatus::Suspended;
        let mut sent = Box::pin(world.engine.set_client_status(call, &id, status));
        for _ in 0..2 {
            assert!(step(&mut sent).is_none());
        }
        // Somebody reads the client while the commit is on its way.
        assert!(world.lives(at(&own)));
        drop(sent);
        let suspended = world.client(OWNER).status == ClientStatus::Suspended;
        assert_eq!(world.lives(at(&own)), !suspended);
        assert_eq!(world.own("openid").is_ok(), !suspended);
        if suspended { landed += 1 } else { lost += 1 }
    }
    assert!(landed > 5 && lost > 5, "{landed} landed, {lost} lost");
}

#[test]
fn what_was_read_while_a_client_was_suspended_is_not_remembered() {
    for (before, meanwhile) in (1..8).flat_map(|before| (1..8).map(move |more| (before, more))) {
        let world = World::new(&FAPI2, 1);
        let own = world.own("openid").unwrap();
        world.storm.set_slow(1000);
        let (id, mut dice, mut other) = (client_id(OWNER), world.dice(), Dice(1));
        let call = &mut world.call(&mut dice);
        let status = ClientStatus::Suspended;
        let mut suspension = Box::pin(world.engine.set_client_status(call, &id, status));
        let mut reader = Box::pin(world.introspect(at(&own), &mut other));
        let mut suspended = (0..before).find_map(|_| step(&mut suspension));
        let read = (0..meanwhile).find_map(|_| step(&mut reader));
        if suspended.is_none() {
            suspended = Some(now(suspension));
        }
        assert_eq!(suspended, Some(Ok(())));
        if read.is_none() {
            // Begun before the suspension was answered: either is true.
            now(reader).unwrap();
        }
        assert!(!world.lives(at(&own)), "{before} steps, then {meanwhile}");
        assert_eq!(world.own("openid").unwrap_err(), Refusal::ClientSuspended);
    }
}

#[test]
fn a_tenant_is_known_by_its_record() {
    let world = World::new(policy("mx"), 1);
    let issuer = now(world.engine.issuer(&fixtures::tenant_id())).unwrap();
    assert_eq!(&*issuer.url, fixtures::BASE);
    let other = counterfoil_protocol::ids::TenantId::parse("other").unwrap();
    assert_eq!(now(world.engine.issuer(&other)).unwrap_err(), Refusal::TenantUnknown);
}
