//! Fintecture's ways to a code: connect, authorize by provider, decoupled (surfaces.md 2.8).

use crate::browser::{Browser, FIN, Tokens};
use crate::wire::{Answer, Ask, encoded, parameter};
use crate::world::{BASE, World};

const RETURN: &str = "https://me.example/cb";

/// Begins an authorization of ada's; the name counts where it is decoupled.
fn begin(world: &World, path: &str, more: &[(&str, &str)]) -> Answer {
    begin_for(world, path, more, "ada")
}

fn begin_for(world: &World, path: &str, more: &[(&str, &str)], login: &str) -> Answer {
    let pairs = [&[("response_type", "code"), ("redirect_uri", RETURN)], more].concat();
    let ask = Ask::get(&format!("{path}?{}", encoded(&pairs))).with("app_id", FIN.id);
    world.send(ask.with("x-psu-id", login)).expect(200)
}

/// The path of the page where the customer continues.
fn page_of(answer: &Answer) -> String {
    let json = answer.json();
    let url = json.get("url").or(json["meta"].get("url")).unwrap();
    url.as_str().unwrap().strip_prefix(BASE).unwrap().to_owned()
}

#[test]
fn f1_the_url_of_connect_leads_over_two_redirects_to_a_code() {
    let world = World::new();
    let paths = ["/ais/v2/connect", "/ais/v1/provider/cmcifrpp/authorize"];
    for (path, provider) in paths.into_iter().zip(["counterfoil", "cmcifrpp"]) {
        let begun = begin(&world, path, &[("state", "a b+c%2F&=")]);
        let meta = &begun.json()["meta"];
        assert_eq!(meta["session_id"], meta["connect_id"]);
        let back = Browser::new(&world).consent(&page_of(&begun), "ada").expect(303);
        assert!(back.location().starts_with("https://me.example/cb?customer_id="));
        assert_eq!(back.parameter("provider").unwrap(), provider);
        assert_eq!(back.parameter("state").unwrap(), "a b+c%2F&=");
        let code = back.parameter("code").unwrap();
        world.send(FIN.fin_redeem(&code)).expect(200);
    }
}

#[test]
fn f1_a_connect_url_belongs_to_the_first_browser_that_opens_it() {
    let world = World::new();
    let begun = begin(&world, "/ais/v2/connect", &[("state", "st")]);
    let mut first = Browser::new(&world);
    let login = first.open(&page_of(&begun)).expect(200);
    world.refused(Ask::get(&page_of(&begun)).with("accept", "text/html"), 400, "E3010");
    // It may come again itself.
    first.open(&page_of(&begun)).expect(200);
    let consent = first.sign_in(&login, "ada");
    assert!(first.allow(&consent).expect(303).parameter("code").is_some());
}

#[test]
fn f1_a_connect_url_is_worth_nothing_after_half_an_hour() {
    let world = World::new();
    let begun = begin(&world, "/ais/v2/connect", &[]);
    world.clock.advance(1_800);
    world.refused(Ask::get(&page_of(&begun)).with("accept", "text/html"), 400, "E3011");
}

fn poll(world: &World, id: &str) -> Answer {
    let path = format!("/ais/v1/provider/cmmcfr/authorize/decoupled/{id}");
    world.send(Ask::get(&path).with("app_id", FIN.id)).expect(200)
}

fn decoupled(world: &World, login: &str) -> (String, String) {
    let more = [("model", "decoupled"), ("state", "st")];
    let begun = begin_for(world, "/ais/v1/provider/cmmcfr/authorize", &more, login);
    (begun.member("polling_id"), page_of(&begun))
}

#[test]
fn f1_a_decoupled_code_is_handed_out_once_the_customer_has_approved() {
    let world = World::new();
    let (id, page) = decoupled(&world, "ada");
    let pending = r#"{"provider":"cmmcfr","status":"PENDING"}"#;
    assert_eq!(poll(&world, &id).text(), pending);
    let done = Browser::new(&world).consent(&page, "ada").expect(200);
    assert!(!done.headers.contains_key("location"));
    // The code begins to run when it is asked for.
    world.clock.advance(120);
    let first = poll(&world, &id);
    let names: Vec<String> = first.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["code", "customer_id", "provider", "status"]);
    assert_eq!(first.member("status"), "COMPLETED");
    let code = first.member("code");
    assert_eq!(poll(&world, &id).member("code"), code, "asked again, another code");
    let tokens = Tokens::of(&world.send(FIN.fin_redeem(&code)).expect(200));
    let after = poll(&world, &id);
    assert!(after.json().get("code").is_none(), "a code that was spent is shown again");
    let path = format!("/ais/v1/customer/{}", first.member("customer_id"));
    world.send(Ask::new("DELETE", &path).basic(FIN.id, FIN.secret)).expect(200);
    assert!(!world.is_active(&tokens.access));
}

#[test]
fn f1_a_decoupled_refusal_or_silence_fails() {
    let world = World::new();
    let (id, page) = decoupled(&world, "ada");
    let mut browser = Browser::new(&world);
    let login = browser.open(&page);
    browser.submit(&login, &[("action", "cancel")]).expect(200);
    let failed = r#"{"provider":"cmmcfr","status":"FAILED"}"#;
    assert_eq!(poll(&world, &id).text(), failed);

    let (id, _) = decoupled(&world, "ada");
    world.clock.advance(600);
    assert_eq!(poll(&world, &id).text(), failed);
    // Another provider, another app: there is no such poll.
    for (path, app) in [
        (format!("/ais/v1/provider/other/authorize/decoupled/{id}"), "finapp"),
        (format!("/ais/v1/provider/cmmcfr/authorize/decoupled/{id}"), "finother"),
    ] {
        world.refused(Ask::get(&path).with("app_id", app), 400, "E3010");
    }
    for login in ["demo-expired", "demo-denied", "demo-sca-fail"] {
        let (id, page) = decoupled(&world, login);
        Browser::new(&world).consent(&page, login);
        assert_eq!(poll(&world, &id).text(), failed);
    }
}

#[test]
fn f1_a_decoupled_authorization_is_for_the_customer_that_the_app_named() {
    let world = World::new();
    let (id, page) = decoupled(&world, "ada");
    let mut browser = Browser::new(&world);
    let login = browser.open(&page);
    world.drain();
    let again = browser.sign_in(&login, "bob").expect(200);
    assert!(again.text().contains("id=\"login-error\""));
    assert_eq!(world.drain(), ["E3020"]);
    assert_eq!(poll(&world, &id).member("status"), "PENDING");
    let consent = browser.sign_in(&login, "ada").expect(200);
    browser.allow(&consent).expect(200);
    assert_eq!(poll(&world, &id).member("status"), "COMPLETED");
}

#[test]
fn f1_the_customer_id_is_stable_per_app_customer_and_provider() {
    let world = World::new();
    let id = |path: &str, login: &str| {
        let begun = begin(&world, path, &[]);
        let back = Browser::new(&world).consent(&page_of(&begun), login);
        parameter(back.location(), "customer_id").unwrap()
    };
    let one = "/ais/v1/provider/one/authorize";
    let first = id(one, "ada");
    assert_eq!(first, id(one, "ada"));
    assert_ne!(first, id(one, "bob"));
    assert_ne!(first, id("/ais/v1/provider/two/authorize", "ada"));
}
