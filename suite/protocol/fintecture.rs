//! Fintecture: what takes more than one request (surfaces.md 2.9).

use crate::browser::{Browser, FIN, FIN_OTHER, FIN_PLAIN, Tokens, VERIFIER, challenge};
use crate::wire::{Ask, parameter};
use crate::world::World;

#[test]
fn f5_a_code_used_twice_ends_the_tokens_of_its_first_use() {
    let world = World::new();
    let code = FIN.fin_code(&world);
    let first = Tokens::of(&world.send(FIN.fin_redeem(&code)).expect(200));
    assert!(world.is_active(&first.access));
    world.clock.advance(1);
    world.refused(FIN.fin_redeem(&code), 401, "E2015");
    assert!(!world.is_active(&first.access));
    world.refused(FIN.fin_refresh(&first.refresh), 401, "E2017");
    world.refused(FIN.fin_redeem(&code), 401, "E2017");
}

#[test]
fn f5_a_replay_long_after_the_code_expired_ends_them_too() {
    let world = World::new();
    let code = FIN.fin_code(&world);
    let first = Tokens::of(&world.send(FIN.fin_redeem(&code)).expect(200));
    world.clock.advance(2 * 86_400);
    world.refused(FIN.fin_redeem(&code), 401, "E2015");
    world.refused(FIN.fin_refresh(&first.refresh), 401, "E2017");
}

#[test]
fn f6_another_app_neither_redeems_nor_spends_a_code() {
    let world = World::new();
    let code = FIN.fin_code(&world);
    world.refused(FIN_OTHER.fin_redeem(&code), 401, "E2018");
    let tokens = Tokens::of(&world.send(FIN.fin_redeem(&code)).expect(200));
    world.refused(FIN_OTHER.fin_redeem(&code), 401, "E2018");
    world.refused(FIN_OTHER.fin_refresh(&tokens.refresh), 401, "E2018");
    assert!(world.is_active(&tokens.access));
}

#[test]
fn f7_refresh_returns_the_same_token_and_ends_the_previous_one() {
    let world = World::new();
    let first = FIN.fin_tokens(&world);
    let mut previous = first.access.clone();
    for _ in 0..10 {
        assert!(world.is_active(&previous));
        let next = Tokens::of(&world.send(FIN.fin_refresh(&first.refresh)).expect(200));
        assert_eq!(next.refresh, first.refresh);
        assert_ne!(next.access, previous);
        assert!(!world.is_active(&previous), "the access token before is still active");
        assert!(world.is_active(&next.access));
        previous = next.access;
        world.clock.advance(3_601);
        assert!(!world.is_active(&previous), "it lives longer than an hour");
        previous = Tokens::of(&world.send(FIN.fin_refresh(&first.refresh)).expect(200)).access;
    }
}

#[test]
fn f7_the_refresh_token_ends_after_180_days_and_that_of_an_organisation_after_30() {
    let world = World::new();
    let customer = FIN.fin_tokens(&world);
    let own = Tokens::of(&world.send(FIN.fin_own("OAC")).expect(200));
    world.clock.advance(30 * 86_400 - 1);
    world.send(FIN.fin_refresh(&own.refresh)).expect(200);
    world.clock.advance(1);
    world.refused(FIN.fin_refresh(&own.refresh), 401, "E2012");
    world.send(FIN.fin_refresh(&customer.refresh)).expect(200);
    world.clock.advance(150 * 86_400 - 1);
    let last = world.send(FIN.fin_refresh(&customer.refresh)).expect(200);
    // Never past the end of what it hangs from.
    assert_eq!(last.json()["expires_in"], 1);
    world.clock.advance(1);
    world.refused(FIN.fin_refresh(&customer.refresh), 401, "E2012");
}

#[test]
fn f3_failed_authentication_spends_nothing() {
    let world = World::new();
    let code = FIN.fin_code(&world);
    let pairs = [("grant_type", "authorization_code"), ("code", &*code), ("scope", "AIS")];
    let wrong = Ask::form("/oauth/accesstoken", &pairs).basic("finapp", "wrong");
    world.refused(wrong, 401, "E1104");
    // Go's x/oauth2 sends the same again with the credentials in the body (P10, P11).
    let in_body = [&pairs[..], &[("client_id", "finapp"), ("client_secret", "finsecret")]].concat();
    world.send(Ask::form("/oauth/accesstoken", &in_body)).expect(200);
}

#[test]
fn f4_a_challenge_is_honoured_where_there_was_one() {
    let world = World::new();
    let challenge = challenge();
    let with = [("code_challenge", &*challenge), ("code_challenge_method", "S256")];
    let back = Browser::new(&world).consent(&FIN.fin_authorize(&with), "ada");
    let code = back.parameter("code").unwrap();
    world.refused(FIN.fin_redeem(&code), 401, "E2020");
    let pairs =
        [("grant_type", "authorization_code"), ("code", &*code), ("code_verifier", VERIFIER)];
    world.send(FIN.ask("/oauth/accesstoken", &pairs)).expect(200);
}

#[test]
fn f14_the_customer_comes_back_in_the_shape_of_the_switch() {
    let world = World::new();
    for (app, wanted) in [
        (FIN, "error=provider_error&state=1234&provider_error=access_denied"),
        (FIN_PLAIN, "error=access_denied&state=1234"),
    ] {
        let mut browser = Browser::new(&world);
        let page = browser.open(&app.fin_authorize(&[("state", "1234")]));
        let back = browser.submit(&page, &[("action", "cancel")]).expect(303);
        assert_eq!(back.location(), format!("http://127.0.0.1/callback?{wanted}"));
        let good = app.fin_back(&world).expect(303);
        let names: Vec<&str> = good.location().split(['?', '&']).skip(1).collect();
        let names: Vec<&str> = names.iter().filter_map(|pair| pair.split('=').next()).collect();
        assert_eq!(names, ["customer_id", "code", "provider", "state"]);
    }
}

#[test]
fn f8_introspection_tells_the_organisation_of_an_organisation_token() {
    let world = World::new();
    let own = Tokens::of(&world.send(FIN.fin_own("OAC")).expect(200));
    let said = world.introspect(&own.access).json();
    assert_eq!(said["organisation_node_id"], "node-of-finapp");
    assert_eq!(said["client_id"], "finapp");
    assert!(said["scope"].as_str().unwrap().contains("organisations:read"));
}

#[test]
fn f13_deleting_a_customer_ends_every_token_in_the_same_second() {
    let world = World::new();
    let mut all = vec![];
    let mut customer = String::new();
    for _ in 0..3 {
        let back = FIN.fin_back(&world);
        customer = parameter(back.location(), "customer_id").unwrap();
        let code = parameter(back.location(), "code").unwrap();
        all.push(Tokens::of(&world.send(FIN.fin_redeem(&code)).expect(200)));
    }
    let waiting = FIN.fin_code(&world);
    let sibling = FIN_OTHER.fin_tokens(&world);
    assert!(customer.len() == 32 && customer.bytes().all(|b| b.is_ascii_hexdigit()));

    let path = format!("/ais/v1/customer/{customer}");
    let foreign = Ask::new("DELETE", &path).basic("finother", "othersecret");
    world.refused(foreign, 404, "E3040");
    let gone = world.send(Ask::new("DELETE", &path).bearer(&all[0].access)).expect(200);
    assert_eq!(gone.text(), r#"{"meta":{"status":200,"code":"customer_deleted"}}"#);
    for tokens in &all {
        assert!(!world.is_active(&tokens.access));
        world.refused(FIN.fin_refresh(&tokens.refresh), 401, "E2017");
    }
    world.refused(FIN.fin_redeem(&waiting), 401, "E2017");
    assert!(world.is_active(&sibling.access), "another app's customer was deleted too");
    let again = Ask::new("DELETE", &path).basic(FIN.id, FIN.secret);
    world.refused(again, 404, "E3040");
}
