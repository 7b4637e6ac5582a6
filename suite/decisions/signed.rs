//! Access tokens that are signed: the same statement as a handle, and nothing else that we sign.

use std::sync::Arc;

use counterfoil_engine::audit::What;
use counterfoil_engine::engine::Call;
use counterfoil_engine::keys::Issuer;
use counterfoil_engine::tenant::{Mount, Tenant};
use counterfoil_engine::token::TokenAnswer;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use crate::dice::now;
use crate::fixtures::{self, BASE, CALLBACK, VERIFIER};
use crate::policies::policy;
use crate::ways::BY_OWNER;
use crate::world::{Shows, World, presented};

fn answered(
    world: &World,
    issuer: &Arc<Issuer>,
    shows: &Shows,
    form: &[(&str, &str)],
) -> Result<TokenAnswer, Refusal> {
    let form = Form::of(form.iter().copied());
    let mut dice = world.dice();
    let mut call = Call { issuer, policy: world.policy, entropy: &mut dice, request: [1; 16] };
    now(world.engine.token(&mut call, world.policy.grants, &presented(shows), &form))
}

fn own(world: &World, scope: &str) -> TokenAnswer {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    answered(world, world.issuer(), &BY_OWNER, &form).unwrap()
}

#[test]
fn a_signed_token_lives_and_dies_like_any_other() {
    let world = World::new(policy("worldline"), 1);
    let (first, second) = (own(&world, "openid"), own(&world, "openid"));
    assert!(first.access_token.starts_with("ey"));
    assert_eq!((first.expires_in_s, first.refresh_token.is_none()), (300, true));
    let active = world.seen(&first.access_token).unwrap();
    assert_eq!(active.scope(), &ScopeSet::parse("openid").unwrap());
    assert_eq!(active.expires, world.now().after(300));
    world.give_back(&first.access_token);
    assert!(!world.lives(&first.access_token) && world.lives(&second.access_token));
    world.clock.advance(300);
    let before = world.storm.trips();
    assert!(!world.lives(&second.access_token));
    assert_eq!(world.storm.trips(), before, "an expired one costs no read");
}

#[test]
fn a_signed_token_is_ours_or_nothing() {
    let world = World::new(policy("worldline"), 1);
    let token = own(&world, "openid").access_token.to_string();
    assert!(world.lives(&token));
    let before = world.storm.trips();
    let (said, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = said.split_once('.').unwrap();
    for bad in [
        format!("{said}.{}", signature.replace('a', "b")),
        format!("{said}."),
        format!("{header}..{signature}"),
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        said.to_owned(),
    ] {
        assert!(!world.lives(&bad), "{bad}");
    }
    assert_eq!(world.storm.trips(), before);
}

#[test]
fn a_token_of_another_tenant_is_none_of_ours_even_under_the_same_key() {
    let world = World::new(policy("worldline"), 1);
    let other = Tenant {
        id: TenantId::parse("other").unwrap(),
        mount: Mount::Path,
        ..fixtures::tenant(world.policy)
    };
    let keys = world.issuer().keys.clone();
    let other = Arc::new(Issuer::new(other, BASE, keys, &fixtures::key_file(0)));
    let mut client = fixtures::client(world.policy, &other, fixtures::OWNER, "openid");
    client.secrets = vec![other.secret_digest(&fixtures::secret_of(fixtures::OWNER))];
    let key = counterfoil_engine::store::Key::Client(other.tenant.id.clone(), client.id.clone());
    world.storm.put(key, counterfoil_engine::store::Record::Client(Box::new(client)));
    let form = [("grant_type", "client_credentials"), ("scope", "openid")];
    let theirs = answered(&world, &other, &BY_OWNER, &form).unwrap();
    // Also when the grant it names is one of ours.
    own(&world, "openid");
    let ours = world.issuer().standing(&fixtures::client_id(fixtures::OWNER));
    let mut grant = world.grant(ours).unwrap();
    grant.id = other.standing(&fixtures::client_id(fixtures::OWNER));
    world.put_grant(grant);
    assert!(!world.lives(&theirs.access_token));
    assert!(now(world.engine.look(&other, &theirs.access_token)).unwrap().is_some());
}

#[test]
fn an_id_token_opens_nothing() {
    let world = World::new(policy("mx"), 1);
    let code = world.code();
    let form = crate::codes::form(&code, CALLBACK, VERIFIER);
    let answer = answered(&world, world.issuer(), &BY_OWNER, &form).unwrap();
    let id_token = answer.id_token.unwrap();
    assert!(world.lives(&answer.access_token));
    assert!(!world.lives(&id_token), "it is signed by the same key");
    world.give_back(&id_token);
    assert!(world.lives(&answer.access_token));
}

#[test]
fn an_assertion_without_an_id_is_taken_again_and_reported() {
    let world = World::new(policy("worldline"), 1);
    let shows = Shows::Assertion(fixtures::signed("", world.now().0));
    let form = [("grant_type", "client_credentials"), ("scope", "openid")];
    for _ in 0..2 {
        answered(&world, world.issuer(), &shows, &form).unwrap();
    }
    assert_eq!(world.kept(What::AssertionWithoutId), 2);
    let strict = World::new(&crate::policies::FAPI2, 1);
    let refused = strict.ask(&shows, &form).unwrap_err();
    let missing = counterfoil_protocol::refusal::AssertionFault::IdMissing;
    assert_eq!(refused, Refusal::Assertion(missing));
}

#[test]
fn a_default_scope_is_given_only_where_the_operator_chose_it() {
    use counterfoil_engine::tenant::Switches;
    let surface = counterfoil_web::surfaces::named("worldline").unwrap();
    let compat = surface.policy(&Switches { keycloak_compat: true, ..Switches::default() });
    let form = [("grant_type", "client_credentials")];
    for (rules, given) in [(policy("worldline"), false), (compat, true)] {
        let world = World::new(rules, 1);
        let mut client = world.client(fixtures::OWNER);
        client.default_scope = Some(ScopeSet::parse("accounts").unwrap());
        world.change(&client);
        match answered(&world, world.issuer(), &BY_OWNER, &form) {
            Ok(answer) => assert_eq!((given, &*answer.scope), (true, "accounts")),
            Err(why) => assert_eq!((given, why), (false, Refusal::ScopeMissing)),
        }
    }
}
