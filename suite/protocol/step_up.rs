//! Step-up (RFC 9470): a resource says how young or strong the sign-in must be, the client sends the
//! customer once more, and comes back with a token that will do.

use counterfoil_web::ui::views::DemoView;

use crate::browser::{Browser, CALLBACK};
use crate::openid::OPENID;
use crate::wire::{Answer, Ask, encoded};
use crate::world::World;

const RESOURCE: &str = "/o/standard/demo/resource";

/// A world with the resource of the sandbox.
fn world() -> World {
    let mut world = World::new();
    world.app.sandbox = Some(DemoView { customers: vec![], password: "demo".into() });
    world
}

/// A token of what this browser answers to a request with these parameters.
fn token(world: &World, browser: &mut Browser<'_>, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", OPENID.id),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
    ];
    pairs.extend_from_slice(more);
    let target = format!("{}/authorize?{}", OPENID.base, encoded(&pairs));
    let code = browser.consent(&target, "alice").parameter("code").unwrap();
    let pairs =
        [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
    world.send(OPENID.ask("/token", &pairs)).expect(200).member("access_token")
}

fn at(world: &World, query: &str, token: &str) -> Answer {
    world.send(Ask::get(&format!("{RESOURCE}{query}")).bearer(token))
}

#[test]
fn a_resource_demands_a_sign_in_that_is_young_or_strong_enough() {
    let world = world();
    let mut browser = Browser::new(&world);
    let first = token(&world, &mut browser, &[]);
    let seen = at(&world, "?max_age=60", &first).expect(200).json();
    assert_eq!(seen["acr"], "urn:counterfoil:acr:one-factor");
    world.clock.advance(61);
    at(&world, "", &first).expect(200);
    world.drain();
    let no = at(&world, "?max_age=60", &first).expect(401);
    assert_eq!(world.drain(), ["E4005"]);
    assert_eq!(no.member("error"), "insufficient_user_authentication");
    assert_eq!(
        no.header("www-authenticate"),
        Some(
            "Bearer realm=\"standard\", error=\"insufficient_user_authentication\", \
             error_description=\"a newer or stronger sign-in of the customer is needed\", \
             max_age=\"60\""
        )
    );
    // Without saying so the client gets a token of the old login; saying so, one of a new login.
    let same = token(&world, &mut browser, &[]);
    at(&world, "?max_age=60", &same).expect(401);
    let second = token(&world, &mut browser, &[("max_age", "60")]);
    let now = at(&world, "?max_age=60", &second).expect(200).json();
    assert!(now["auth_time"].as_u64() > seen["auth_time"].as_u64());

    let reached = "?acr_values=gold+urn%3Acounterfoil%3Aacr%3Aone-factor";
    at(&world, reached, &second).expect(200);
    let wished = token(&world, &mut browser, &[("acr_values", "gold")]);
    let no = at(&world, "?acr_values=gold&max_age=60", &wished).expect(401);
    let challenge = no.header("www-authenticate").unwrap();
    assert!(challenge.ends_with(", acr_values=\"gold\", max_age=\"60\""), "{challenge}");
    let split = at(&world, "?acr_values=a%22%2C+b%0D%0Ax", &wished).expect(401);
    let challenge = split.header("www-authenticate").unwrap();
    assert!(challenge.ends_with(", acr_values=\"a, bx\""), "{challenge}");
    at(&world, "?max_age=-1", &wished).expect(400);
}

#[test]
fn a_token_without_a_customer_has_no_sign_in() {
    let world = world();
    let pairs = [("grant_type", "client_credentials"), ("scope", "openid")];
    let own = world.send(OPENID.ask("/token", &pairs)).expect(200).member("access_token");
    at(&world, "", &own).expect(200);
    at(&world, "?max_age=86400", &own).expect(401);
}

#[test]
fn a_token_for_others_is_none_at_the_demo_resource() {
    let world = world();
    let for_others = [("resource", "https://api.example")];
    let token = |more: &[(&str, &str)]| token(&world, &mut Browser::new(&world), more);
    at(&world, "", &token(&for_others)).expect(401);
    let here = format!("{}{RESOURCE}", crate::world::BASE);
    at(&world, "", &token(&[for_others[0], ("resource", &here)])).expect(200);
    at(&world, "", &token(&[])).expect(200);
}
