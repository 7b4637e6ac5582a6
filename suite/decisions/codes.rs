//! Authorization codes (architecture: the order of checks, and which of them have an effect).

use counterfoil_engine::audit::What;
use counterfoil_engine::grants::REFRESH_TOKEN;
use counterfoil_protocol::refusal::{Fault, Refusal};
use counterfoil_protocol::scope::ScopeSet;

use crate::dice::now;
use crate::fixtures::{CALLBACK, OTHER_VERIFIER, OWNER, VERIFIER};
use crate::policies::{FAPI2, policy};
use crate::ways::{BY_OWNER, BY_RIVAL, code_of, rt};
use crate::world::{Tab, World, at};

pub(crate) fn form<'a>(
    code: &'a str,
    redirect_uri: &'a str,
    verifier: &'a str,
) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", verifier),
    ]
}

/// A code of a request with these parameters beside the usual ones.
fn code_for(world: &World, more: &[(&str, &str)]) -> String {
    let mut all = vec![("response_type", "code"), ("client_id", OWNER), ("redirect_uri", CALLBACK)];
    all.extend(more);
    let browser = counterfoil_engine::authorize::Browser { cookie: None, session: None };
    let mut dice = world.dice();
    let start = world.start_with(&all, world.channel(), Some(browser), &mut dice);
    let started = now(start).unwrap();
    let tab = Tab { id: started.id, cookie: started.cookie.unwrap() };
    let tab = world.log_in(&tab);
    code_of(&world.say_yes(&tab).unwrap()).into()
}

#[test]
fn a_replayed_code_revokes_its_grant_also_after_it_expired() {
    for wait in [0, 3_600] {
        let world = World::new(policy("mx"), 1);
        let code = world.code();
        let first = world.redeem(&code).unwrap();
        world.clock.advance(wait);
        assert_eq!(world.redeem(&code).unwrap_err(), Refusal::CodeReplayed);
        assert!(!world.lives(at(&first)));
        assert_eq!(world.refresh(rt(&first)).unwrap_err(), Refusal::GrantRevoked);
        assert_eq!(world.redeem(&code).unwrap_err(), Refusal::GrantRevoked);
        assert_eq!(world.told(What::ReplayDetected), 1);
    }
}

#[test]
fn a_code_needs_its_verifier_and_its_redirect_uri() {
    let world = World::new(policy("mx"), 1);
    let code = world.code();
    for (uri, verifier, why) in [
        (CALLBACK, OTHER_VERIFIER, Refusal::PkceMismatch),
        (CALLBACK, "short", Refusal::PkceMismatch),
        (CALLBACK, "", Refusal::Parameter("code_verifier", Fault::Missing)),
        ("https://tpp.example/cb2", VERIFIER, Refusal::RedirectMismatch),
        ("", VERIFIER, Refusal::Parameter("redirect_uri", Fault::Missing)),
    ] {
        assert_eq!(world.ask(&BY_OWNER, &form(&code, uri, verifier)).unwrap_err(), why);
    }
    let first = world.redeem(&code).expect("a refusal does not spend it");
    for (uri, verifier, why) in [
        (CALLBACK, OTHER_VERIFIER, Refusal::PkceMismatch),
        ("https://tpp.example/cb2", VERIFIER, Refusal::RedirectMismatch),
    ] {
        assert_eq!(world.ask(&BY_OWNER, &form(&code, uri, verifier)).unwrap_err(), why);
    }
    assert!(world.lives(at(&first)), "nor does it end anything afterwards");
}

#[test]
fn a_code_has_its_time_and_its_end_ends_nothing() {
    let world = World::new(policy("mx"), 1);
    let (early, late) = (world.code(), world.code());
    world.clock.advance(59);
    let first = world.redeem(&early).unwrap();
    world.clock.advance(1);
    assert_eq!(world.redeem(&late).unwrap_err(), Refusal::HandleExpired);
    assert!(world.lives(at(&first)));
    assert_eq!(world.told(What::ReplayDetected), 0);
}

#[test]
fn another_client_can_neither_use_nor_end_a_grant() {
    let world = World::new(policy("mx"), 1);
    let code = world.code();
    let by_rival = |code: &str| world.ask(&BY_RIVAL, &form(code, CALLBACK, VERIFIER));
    assert_eq!(by_rival(&code).unwrap_err(), Refusal::ClientMismatch);
    let first = world.redeem(&code).unwrap();
    assert_eq!(by_rival(&code).unwrap_err(), Refusal::ClientMismatch);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", rt(&first))];
    assert_eq!(world.ask(&BY_RIVAL, &refresh).unwrap_err(), Refusal::ClientMismatch);
    for token in [rt(&first), at(&first)] {
        now(world.revoke(&BY_RIVAL, token, &mut world.dice())).unwrap();
    }
    assert_eq!(world.kept(What::RevocationOfForeignToken), 2, "somebody must hear of it");
    assert!(world.lives(at(&first)));
    assert!(world.refresh(rt(&first)).is_ok());
}

#[test]
fn a_code_is_not_a_refresh_token_and_the_reverse() {
    let world = World::new(policy("mx"), 1);
    let code = world.code();
    let first = world.redeem(&code).unwrap();
    assert_eq!(world.redeem(rt(&first)).unwrap_err(), Refusal::HandleUnknown);
    assert_eq!(world.redeem(at(&first)).unwrap_err(), Refusal::HandleUnknown);
    assert_eq!(world.refresh(&code).unwrap_err(), Refusal::HandleUnknown);
    assert!(!world.lives(&code) && !world.lives(rt(&first)));
}

#[test]
fn where_proof_keys_are_optional_a_verifier_without_a_challenge_fits_nothing() {
    let world = World::new(policy("fintecture"), 1);
    let code = code_for(&world, &[("scope", "AIS")]);
    let with = world.ask(&BY_OWNER, &form(&code, CALLBACK, VERIFIER));
    assert_eq!(with.unwrap_err(), Refusal::PkceMismatch);
    world.ask(&BY_OWNER, &form(&code, CALLBACK, "")).unwrap();
    let bound = world.code();
    let without = world.ask(&BY_OWNER, &form(&bound, CALLBACK, ""));
    assert_eq!(without.unwrap_err(), Refusal::PkceMismatch, "a challenge is honoured");
}

#[test]
fn where_the_redirect_uri_may_be_left_out_it_must_still_fit_when_it_is_there() {
    let world = World::new(policy("fintecture"), 1);
    let code = world.code();
    let wrong = world.ask(&BY_OWNER, &form(&code, "https://tpp.example/cb2", VERIFIER));
    assert_eq!(wrong.unwrap_err(), Refusal::RedirectMismatch);
    world.ask(&BY_OWNER, &form(&code, "", VERIFIER)).unwrap();
}

#[test]
fn a_scope_repeated_at_redemption_lies_within_the_code_and_is_answered_as_spelled() {
    let world = World::new(policy("fintecture"), 1);
    let code = world.code();
    let with = |scope: &'static str| {
        let mut all = form(&code, CALLBACK, VERIFIER).to_vec();
        all.push(("scope", scope));
        world.ask(&BY_OWNER, &all)
    };
    assert_eq!(with("PIS").unwrap_err(), Refusal::ScopeNotAllowed);
    let issued = with("AIS").expect("the refusal did not spend it");
    assert_eq!(&*issued.spelled, "AIS");
    assert_eq!(issued.scope.to_string(), "ais");
}

#[test]
fn a_challenge_that_is_no_digest_is_accepted_and_never_redeemed() {
    let world = World::new(policy("mx"), 1);
    let challenge = "a".repeat(32);
    let code = code_for(
        &world,
        &[
            ("scope", "openid accounts"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ],
    );
    assert_eq!(world.redeem(&code).unwrap_err(), Refusal::PkceMismatch);
}

#[test]
fn a_client_that_may_not_refresh_gets_no_refresh_token() {
    let world = World::new(policy("mx"), 1);
    let mut client = world.client(OWNER);
    client.grants.retain(|name| &**name != REFRESH_TOKEN.name());
    world.register(client);
    let first = world.begun();
    assert!(first.refresh.is_none());
    assert!(world.lives(at(&first)));
}

#[test]
fn what_the_client_has_lost_is_not_given() {
    let world = World::new(&FAPI2, 1);
    let (some, none) = (world.code(), world.code());
    let mut client = world.client(OWNER);
    client.scope = ScopeSet::parse("openid transactions").unwrap();
    world.change(&client);
    let narrow = world.redeem(&some).unwrap();
    assert_eq!(narrow.scope.to_string(), "openid");
    assert_eq!(world.seen(at(&narrow)).unwrap().scope().to_string(), "openid");
    client.scope = ScopeSet::parse("transactions").unwrap();
    world.change(&client);
    assert_eq!(world.redeem(&none).unwrap_err(), Refusal::ScopeNotAllowed);
    client.scope = ScopeSet::parse("accounts").unwrap();
    world.change(&client);
    let later = world.redeem(&none).expect("the refusal did not spend it");
    assert_eq!(later.scope.to_string(), "accounts");
}

#[test]
fn the_login_is_told_with_every_token_and_no_other_way() {
    let world = World::new(policy("mx"), 1);
    let auth_time = world.now().0;
    let challenge = crate::fixtures::challenge();
    let more = [
        ("scope", "openid accounts"),
        ("nonce", "n-0S6"),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    let first = world.redeem(&code_for(&world, &more)).unwrap();
    world.clock.advance(10);
    let again = world.refresh(rt(&first)).unwrap();
    for (issued, iat) in [(&first, auth_time), (&again, auth_time + 10)] {
        let claims = issued.id_token.as_ref().unwrap().claims(at(issued));
        for part in [
            format!(r#""iss":"{}""#, crate::fixtures::BASE),
            format!(r#""aud":"{OWNER}""#),
            format!(r#""iat":{iat},"auth_time":{auth_time}"#),
            r#""nonce":"n-0S6""#.into(),
        ] {
            assert!(claims.contains(&part), "{part} in {claims}");
        }
        assert!(!claims.contains("psu"), "the bank's own name for a customer stays inside");
    }
    let narrow = world.refresh_for(rt(&again), "accounts").unwrap();
    assert!(narrow.id_token.is_none(), "only with openid");
    assert!(World::new(&FAPI2, 1).begun().id_token.is_none(), "only where the surface tells it");
}
