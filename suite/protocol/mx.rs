//! MX: what takes more than one request (surfaces.md 3.7).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_jose::jwt;
use serde_json::Value;

use crate::browser::{Browser, CALLBACK, MX, MX_OTHER, MX_STRICT, Tokens, VERIFIER, challenge_of};
use crate::wire::{Ask, encoded};
use crate::world::{BASE, NOW, World};

#[test]
fn m1_a_challenge_of_another_length_is_accepted_and_can_never_be_redeemed() {
    let world = World::new();
    for len in [32, 42, 44, 128] {
        let challenge = "a".repeat(len);
        let pairs = [
            ("client_id", MX.id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("code_challenge", &*challenge),
            ("code_challenge_method", "S256"),
            ("scope", "openid accounts"),
        ];
        let target = format!("/oauth2/v4/authorize?{}", encoded(&pairs));
        let code = Browser::new(&world).consent(&target, "ada").parameter("code").unwrap();
        for verifier in [&*challenge, VERIFIER] {
            let pairs = [
                ("grant_type", "authorization_code"),
                ("code", &*code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", verifier),
            ];
            world.refused(MX.ask("/oauth2/v4/token", &pairs), 400, "E2020");
        }
    }
}

#[test]
fn m4_state_comes_back_byte_for_byte() {
    let world = World::new();
    let long = "s".repeat(2048);
    for state in ["YW55dGhpbmcgeW91IG5lZWQ=", "a b+c%2F&=", "", "é", "a%00b", "\"<>'", &long] {
        for (login, wanted) in [("ada", "code"), ("demo-denied", "error")] {
            let target = MX.mx_authorize("openid accounts", &[("state", state)]);
            let back = Browser::new(&world).consent(&target, login).expect(303);
            assert!(back.parameter(wanted).is_some(), "{}", back.location());
            // An empty one is an absent one (RFC 6749 §3.1).
            assert_eq!(back.parameter("state").unwrap_or_default(), state);
            assert_eq!(back.parameter("iss").unwrap(), BASE);
        }
    }
    // The vendor's sample has a bare `=`.
    let bare = format!("{}&state=YW55dGhpbmcgeW91IG5lZWQ=", MX.mx_authorize("openid", &[]));
    let back = Browser::new(&world).consent(&bare, "ada");
    assert_eq!(back.parameter("state").unwrap(), "YW55dGhpbmcgeW91IG5lZWQ=");
    let names = back.location().split(['?', '&']).skip(1).filter_map(|pair| pair.split('=').next());
    assert_eq!(names.collect::<Vec<_>>(), ["code", "state", "iss"]);
}

#[test]
fn m4_without_the_switch_there_is_no_iss() {
    let world = World::new();
    let target = MX_STRICT.mx_authorize("openid accounts", &[("state", "x")]);
    let back = Browser::new(&world).consent(&target, "ada").expect(303);
    let names: Vec<_> = back.location().split(['?', '&']).skip(1).collect();
    assert!(names.len() == 2 && names[0].starts_with("code=ac_") && names[1] == "state=x");
}

#[test]
fn m6_the_verifier_of_another_code_does_not_fit_and_the_code_stays_good() {
    let world = World::new();
    let code = MX.mx_code(&world);
    let other = "b".repeat(43);
    assert_ne!(challenge_of(&other), challenge_of(VERIFIER));
    let pairs = |verifier: &str| {
        encoded(&[
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ])
    };
    let ask =
        |verifier: &str| Ask::post("/oauth2/v4/token", &pairs(verifier)).basic(MX.id, MX.secret);
    world.refused(ask(&other), 400, "E2020");
    world.send(ask(VERIFIER)).expect(200);
}

#[test]
fn m7_credentials_in_the_body_are_refused_and_the_code_stays_good() {
    let world = World::new();
    let code = MX.mx_code(&world);
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", MX.id),
        ("client_secret", MX.secret),
    ];
    world.refused(Ask::form("/oauth2/v4/token", &pairs), 400, "E1107");
    world.refused(MX_OTHER.mx_redeem(&code), 400, "E2018");
    world.send(MX.mx_redeem(&code)).expect(200);
}

#[test]
fn p10_failed_authentication_spends_no_refresh_generation() {
    let world = World::new();
    let first = MX.mx_tokens(&world);
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", &*first.refresh)];
    let ask = |secret: &str| Ask::form("/oauth2/v4/token", &pairs).basic(MX.id, secret);
    world.refused(ask("wrong"), 401, "E1104");
    let second = Tokens::of(&world.send(ask(MX.secret)).expect(200));
    world.refused(Ask::form("/oauth2/v4/token", &pairs).basic("nobody", "x"), 401, "E1102");
    // Nobody has used the token before this one since: its retry still gives the successor.
    let again = Tokens::of(&world.send(ask(MX.secret)).expect(200));
    assert_eq!(again.refresh, second.refresh);
    world.send(MX.mx_refresh(&second.refresh)).expect(200);
}

#[test]
fn m8_a_refresh_repeated_at_once_gives_the_identical_successor() {
    let world = World::new();
    let first = MX.mx_tokens(&world);
    let second = Tokens::of(&world.send(MX.mx_refresh(&first.refresh)).expect(200));
    assert_ne!(second.refresh, first.refresh, "it rotates");
    assert!(world.is_active(&first.access), "a refresh does not end the access token before");
    for _ in 0..5 {
        world.clock.advance(30);
        let again = Tokens::of(&world.send(MX.mx_refresh(&first.refresh)).expect(200));
        assert_eq!(again.refresh, second.refresh);
    }
    let third = Tokens::of(&world.send(MX.mx_refresh(&second.refresh)).expect(200));
    // The successor was used: the window is closed, and an older one is a replay.
    world.refused(MX.mx_refresh(&first.refresh), 400, "E2016");
    for dead in [&third.refresh, &second.refresh, &first.refresh] {
        world.refused(MX.mx_refresh(dead), 400, "E2017");
    }
    for dead in [&first.access, &second.access, &third.access] {
        assert!(!world.is_active(dead));
    }
}

#[test]
fn m8_the_retry_window_is_a_day() {
    let world = World::new();
    let first = MX.mx_tokens(&world);
    let second = Tokens::of(&world.send(MX.mx_refresh(&first.refresh)).expect(200));
    world.clock.advance(86_399);
    let again = Tokens::of(&world.send(MX.mx_refresh(&first.refresh)).expect(200));
    assert_eq!(again.refresh, second.refresh);
    world.clock.advance(1);
    world.refused(MX.mx_refresh(&first.refresh), 400, "E2016");
    world.refused(MX.mx_refresh(&second.refresh), 400, "E2017");
}

#[test]
fn m8_another_client_with_an_old_token_changes_nothing() {
    let world = World::new();
    let first = MX.mx_tokens(&world);
    let second = Tokens::of(&world.send(MX.mx_refresh(&first.refresh)).expect(200));
    let third = Tokens::of(&world.send(MX.mx_refresh(&second.refresh)).expect(200));
    world.refused(MX_OTHER.mx_refresh(&first.refresh), 400, "E2018");
    assert!(world.is_active(&third.access));
    world.send(MX.mx_refresh(&third.refresh)).expect(200);
}

#[test]
fn m9_a_refresh_token_ends_thirty_days_after_it_was_issued() {
    let world = World::new();
    let mut token = MX.mx_tokens(&world).refresh;
    // It slides: each use begins the thirty days anew, until the consent ends after a year.
    for _ in 0..12 {
        world.clock.advance(30 * 86_400 - 1);
        token = Tokens::of(&world.send(MX.mx_refresh(&token)).expect(200)).refresh;
    }
    world.clock.advance(5 * 86_400 + 12);
    world.refused(MX.mx_refresh(&token), 400, "E2012");

    let fresh = MX.mx_tokens(&world).refresh;
    world.clock.advance(30 * 86_400);
    world.refused(MX.mx_refresh(&fresh), 400, "E2012");
}

#[test]
fn m9_an_access_token_ends_after_ten_minutes() {
    let world = World::new();
    let token = MX.mx_tokens(&world).access;
    world.clock.advance(599);
    assert!(world.is_active(&token));
    world.clock.advance(1);
    assert!(!world.is_active(&token));
    world.refused(Ask::get("/userinfo").bearer(&token), 401, "E4001");
}

#[test]
fn m10_revoking_a_refresh_token_ends_the_grant_and_an_access_token_only_itself() {
    let world = World::new();
    let revoke = |token: &str| world.send(MX.ask("/oauth2/v4/revoke", &[("token", token)]));
    let (one, sibling) = (MX.mx_tokens(&world), MX.mx_tokens(&world));
    let more = Tokens::of(&world.send(MX.mx_refresh(&one.refresh)).expect(200));
    assert_eq!(revoke(&one.access).expect(200).text(), "");
    assert!(!world.is_active(&one.access) && world.is_active(&more.access));
    let last = Tokens::of(&world.send(MX.mx_refresh(&more.refresh)).expect(200));
    // Any generation: whoever gives an old one back wants the chain ended.
    assert_eq!(revoke(&one.refresh).expect(200).text(), "");
    assert!(!world.is_active(&more.access) && !world.is_active(&last.access));
    world.refused(MX.mx_refresh(&last.refresh), 400, "E2017");
    assert_eq!(revoke(&one.refresh).expect(200).text(), "");
    assert!(world.is_active(&sibling.access), "the sibling grant was ended too");
    world.send(MX.mx_refresh(&sibling.refresh)).expect(200);
}

#[test]
fn m10_a_foreign_revocation_does_nothing() {
    let world = World::new();
    let one = MX.mx_tokens(&world);
    for token in [&one.access, &one.refresh] {
        let foreign = world.send(MX_OTHER.ask("/oauth2/v4/revoke", &[("token", token)]));
        let unknown = world.send(MX_OTHER.ask("/oauth2/v4/revoke", &[("token", "x")]));
        assert_eq!((foreign.status, foreign.text()), (unknown.status, unknown.text()));
    }
    assert!(world.is_active(&one.access));
    world.send(MX.mx_refresh(&one.refresh)).expect(200);
}

#[test]
fn m6_a_code_lives_for_a_minute() {
    let world = World::new();
    for (age, status) in [(59, 200), (60, 400), (61, 400)] {
        let code = MX.mx_code(&world);
        world.clock.advance(age);
        world.send(MX.mx_redeem(&code)).expect(status);
    }
}

/// The claims of an ID token, verified as a client that was configured by hand would.
fn id_claims(world: &World, id_token: &str) -> Value {
    let issuer = world.issuer("default");
    let keys = issuer.keys.iter().map(|key| (key.kid.as_str(), &*key.verifying, key.alg));
    let payload = jwt::verify_own(id_token, "JWT", keys).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[test]
fn m11_the_id_token_is_what_clients_without_metadata_expect() {
    let world = World::new();
    let target = MX.mx_authorize("openid accounts", &[("nonce", "n-0S6_WzA2Mj")]);
    let back = Browser::new(&world).consent(&target, "ada");
    world.clock.advance(30);
    let answer = world.send(MX.mx_redeem(&back.parameter("code").unwrap())).expect(200);
    let id_token = answer.member("id_token");
    let header = Base64UrlUnpadded::decode_vec(id_token.split('.').next().unwrap()).unwrap();
    let header = String::from_utf8(header).unwrap();
    assert_eq!(header, r#"{"alg":"RS256","typ":"JWT","kid":"signing-key-1"}"#);
    let claims = id_claims(&world, &id_token);
    let names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["at_hash", "aud", "auth_time", "exp", "iat", "iss", "nonce", "sub"]);
    assert_eq!(claims["iss"], BASE);
    assert_eq!(claims["aud"], MX.id);
    assert_eq!(claims["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(claims["iat"], NOW.0 + 30);
    assert_eq!(claims["exp"], NOW.0 + 630);
    assert_eq!(claims["auth_time"], NOW.0);
    let digest = counterfoil_jose::provider::sha256(answer.member("access_token").as_bytes());
    assert_eq!(claims["at_hash"], Base64UrlUnpadded::encode_string(&digest[..16]));
    let info = world.send(Ask::get("/userinfo").bearer(&answer.member("access_token")));
    assert_eq!(info.member("sub"), claims["sub"].as_str().unwrap());
    // A refresh tells of the same login; what nobody asked for is not there.
    let again = world.send(MX.mx_refresh(&answer.member("refresh_token"))).expect(200);
    let again = id_claims(&world, &again.member("id_token"));
    assert_eq!((&again["sub"], &again["auth_time"]), (&claims["sub"], &claims["auth_time"]));
    let plain = world.send(MX.mx_redeem(&MX.mx_code(&world))).expect(200);
    assert!(id_claims(&world, &plain.member("id_token")).get("nonce").is_none());
}

#[test]
fn m11_userinfo_tells_the_name_to_whoever_may_know_it() {
    let world = World::new();
    let code = MX.mx_code_for(&world, "openid customers", "chloe");
    let tokens = Tokens::of(&world.send(MX.mx_redeem(&code)).expect(200));
    let info = world.send(Ask::get("/userinfo").bearer(&tokens.access)).expect(200);
    assert_eq!(info.member("name"), "Chloé Martin");
    // Towards another client the same customer has another name.
    let at_one = world.introspect(&MX.mx_tokens(&world).access).member("sub");
    let at_other = world.introspect(&MX_OTHER.mx_tokens(&world).access).member("sub");
    assert_ne!(at_one, at_other);
}

#[test]
fn m3_what_the_scenario_customers_do_reaches_the_client() {
    let world = World::new();
    for (login, error) in [("demo-denied", "access_denied"), ("demo-sca-fail", "access_denied")] {
        let target = MX.mx_authorize("openid accounts", &[("state", "s")]);
        let back = Browser::new(&world).consent(&target, login).expect(303);
        assert_eq!(back.parameter("error").unwrap(), error);
        assert_eq!(back.parameter("state").unwrap(), "s");
    }
}
