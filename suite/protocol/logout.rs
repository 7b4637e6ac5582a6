//! Signing out: who is asked, where the browser goes, what the clients of a login hear (RP-Initiated and
//! Back-Channel Logout).

use std::sync::atomic::Ordering;

use counterfoil_engine::audit::What;
use counterfoil_engine::client::ClientStatus;
use counterfoil_engine::engine::Call;
use counterfoil_engine::limits::DELIVERY_PAUSES_S;
use counterfoil_engine::outbox::Fate;
use counterfoil_engine::store::{Page, Position, Query};
use counterfoil_jose::jwt;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::{ClientId, TenantId};
use counterfoil_web::surfaces;
use serde_json::{Value, json};

use crate::browser::{App, Browser, CALLBACK};
use crate::openid::{ALL, OPENID, claims, error, issuer, of, redeem};
use crate::wire::{Answer, Ask, encoded};
use crate::world::World;

const LEAVER: App = App { id: "openidleaver", secret: "leaversecret", base: "/o/standard" };
const HEARER: App = App { id: "openidhearer", secret: "hearersecret", base: "/o/standard" };
const OUT: &str = "https://leaver.example/out";

fn authorize(app: &App, more: &[(&str, &str)]) -> String {
    of(app, CALLBACK, ALL, more)
}

/// The ID token of a login, or of the login that there is.
fn login(world: &World, browser: &mut Browser<'_>, app: &App, customer: &str) -> String {
    let back = browser.consent(&authorize(app, &[]), customer);
    let code = back.parameter("code").unwrap_or_else(|| panic!("no code: {}", back.location()));
    world.send(redeem(app, &code, CALLBACK)).expect(200).member("id_token")
}

fn logout(pairs: &[(&str, &str)]) -> String {
    format!("/o/standard/logout?{}", encoded(pairs))
}

fn is_signed_in(browser: &mut Browser<'_>, app: &App) -> bool {
    let back = browser.open(&authorize(app, &[("prompt", "none")]));
    back.parameter("code").is_some() || error(&back) == "consent_required"
}

fn is_question(page: &Answer) -> bool {
    page.status == 200 && page.text().contains("<h1>Do you want to sign out?</h1>")
}

/// The hidden fields of the question, with an answer.
fn answer(browser: &mut Browser<'_>, page: &Answer, action: &str) -> Answer {
    let field = |name| crate::browser::Page(page.text()).field(name).replace("&amp;", "&");
    let (csrf, request) = (field("csrf"), field("request"));
    let pairs = [("csrf", &*csrf), ("request", &*request), ("action", action)];
    browser.send(Ask::form("/o/standard/logout/confirm", &pairs))
}

#[test]
fn a_hint_of_the_customer_signs_them_out_and_sends_the_browser_back() {
    let world = World::new();
    for (to, back) in
        [(OUT, format!("{OUT}?")), ("https://leaver.example/out?app=1", format!("{OUT}?app=1&"))]
    {
        let mut browser = Browser::new(&world);
        let token = login(&world, &mut browser, &LEAVER, "alice");
        assert!(claims(&world, &token)["sid"].is_string());
        assert!(is_signed_in(&mut browser, &LEAVER));
        let state = "s".repeat(128);
        let pairs =
            [("id_token_hint", &*token), ("post_logout_redirect_uri", to), ("state", &state)];
        let left = browser.open(&logout(&pairs)).expect(303);
        assert_eq!(left.location(), format!("{back}state={state}"));
        assert!(!is_signed_in(&mut browser, &LEAVER));
        // Once more: nobody is signed in, and the client gets its browser back all the same.
        let left = browser.open(&logout(&pairs[..2])).expect(303);
        assert_eq!(left.location(), to);
    }
}

#[test]
fn without_an_address_the_browser_stays_on_a_page() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let token = login(&world, &mut browser, &LEAVER, "alice");
    let page = browser.open(&logout(&[("id_token_hint", &token), ("state", "s")])).expect(200);
    assert!(page.text().contains("<h1>You are signed out</h1>"));
    assert!(!is_signed_in(&mut browser, &LEAVER));
}

#[test]
fn a_hint_is_as_good_when_it_has_expired_and_when_it_tells_of_an_earlier_login() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let token = login(&world, &mut browser, &LEAVER, "alice");
    world.clock.advance(7_200);
    login(&world, &mut browser, &LEAVER, "alice");
    let pairs = [("id_token_hint", &*token), ("post_logout_redirect_uri", OUT)];
    assert_eq!(browser.open(&logout(&pairs)).expect(303).location(), OUT);
    assert!(!is_signed_in(&mut browser, &LEAVER));
}

#[test]
fn signed_userinfo_is_no_hint() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let back = browser.consent(&authorize(&LEAVER, &[]), "alice");
    let code = back.parameter("code").unwrap();
    let access = world.send(redeem(&LEAVER, &code, CALLBACK)).expect(200).member("access_token");
    let said = world.send(Ask::get("/o/standard/userinfo").bearer(&access)).expect(200);
    assert_eq!(said.header("content-type"), Some("application/jwt"));
    world.drain();
    browser.open(&logout(&[("id_token_hint", said.text())])).expect(400);
    assert_eq!(world.drain(), ["E3050"]);
    assert!(is_signed_in(&mut browser, &LEAVER));
}

#[test]
fn whoever_only_looks_signs_nobody_out() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let token = login(&world, &mut browser, &LEAVER, "alice");
    let target = logout(&[("id_token_hint", &token), ("post_logout_redirect_uri", OUT)]);
    let seen = browser.send(Ask::new("HEAD", &target)).expect(200);
    assert!(seen.header("set-cookie").is_none());
    assert!(is_signed_in(&mut browser, &LEAVER));
}

#[test]
fn a_form_of_another_site_is_asked_for_again_as_a_link_with_our_cookies() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let token = login(&world, &mut browser, &LEAVER, "alice");
    let pairs = [("id_token_hint", &*token), ("post_logout_redirect_uri", OUT), ("state", "a b&c")];
    // What a browser sends across sites: no cookie.
    let again = world.send(Ask::form("/o/standard/logout", &pairs)).expect(303);
    assert!(again.header("set-cookie").is_none());
    let next = again.location().to_owned();
    assert!(next.starts_with("/o/standard/logout?"), "{next}");
    assert_eq!(browser.open(&next).expect(303).location(), format!("{OUT}?state=a+b%26c"));
    // From our own pages, or those of a sub-domain, the form itself does.
    let mut browser = Browser::new(&world);
    let token = login(&world, &mut browser, &LEAVER, "alice");
    let pairs = [("id_token_hint", &*token), ("post_logout_redirect_uri", OUT)];
    let left = browser.send(Ask::form("/o/standard/logout", &pairs)).expect(303);
    assert_eq!(left.location(), OUT);
    assert!(!is_signed_in(&mut browser, &LEAVER));
}

#[test]
fn whoever_has_no_hint_of_the_customer_has_the_customer_asked() {
    let world = World::new();
    let others = login(&world, &mut Browser::new(&world), &LEAVER, "ada");
    // With a character that no page shows.
    let state = "s&1=\u{200b}\n";
    let by_client = [("client_id", LEAVER.id), ("post_logout_redirect_uri", OUT), ("state", state)];
    let of_another =
        [("id_token_hint", &*others), ("post_logout_redirect_uri", OUT), ("state", state)];
    let done = "/o/standard/logout/done";
    let spoken = format!("{done}?ui_locales=fr-CH+se");
    let back = format!("{OUT}?{}", encoded(&[("state", state)]));
    for (pairs, end) in [
        (&[][..], done),
        (&[("state", "s1")], done),
        // The page at the end has the language of the question.
        (&[("logout_hint", "alice"), ("ui_locales", "fr-CH se")], &spoken),
        (&by_client, &*back),
        (&of_another, &back),
    ] {
        let mut browser = Browser::new(&world);
        login(&world, &mut browser, &LEAVER, "alice");
        let page = browser.open(&logout(pairs));
        assert!(is_question(&page), "{pairs:?}: {}", page.text());
        assert!(page.text().contains("Alice Amp"), "who is signed in");
        let stays = end.starts_with(done);
        assert_eq!(page.text().contains("Pocket Planner"), !stays, "{pairs:?}");
        let target = if stays { "'self';" } else { "'self' https://leaver.example;" };
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains(&format!("form-action {target}")), "{policy}");
        assert!(is_signed_in(&mut browser, &LEAVER));
        let stayed = answer(&mut browser, &page, "stay").expect(200);
        assert!(stayed.text().contains("<h1>You are still signed in</h1>"));
        assert!(is_signed_in(&mut browser, &LEAVER));
        let gone = answer(&mut browser, &page, "confirm").expect(303);
        assert_eq!(gone.location(), end, "{pairs:?}");
        assert!(!is_signed_in(&mut browser, &LEAVER));
    }
}

#[test]
fn the_answer_to_the_question_comes_from_our_page_in_this_browser() {
    let world = World::new();
    let (mut browser, mut other) = (Browser::new(&world), Browser::new(&world));
    for browser in [&mut browser, &mut other] {
        login(&world, browser, &LEAVER, "alice");
    }
    let foreign = other.open(&logout(&[]));
    assert!(is_question(&foreign));
    world.drain();
    answer(&mut browser, &foreign, "confirm").expect(403);
    let page = browser.open(&logout(&[]));
    let csrf = crate::browser::Page(page.text()).field("csrf");
    let confirm = |pairs: &[(&str, &str)]| Ask::form("/o/standard/logout/confirm", pairs);
    browser.send(confirm(&[("action", "confirm")])).expect(403);
    let good = [("action", "confirm"), ("csrf", &*csrf)];
    browser.send(confirm(&good).with("sec-fetch-site", "cross-site")).expect(403);
    assert_eq!(world.drain(), ["E3012"; 3]);
    browser.send(confirm(&[("csrf", &*csrf), ("action", "x")])).expect(400);
    // The form is no way around the registration.
    for (client, to) in [("", OUT), (OPENID.id, OUT), (LEAVER.id, "https://evil.example/")] {
        let request = encoded(&[("client_id", client), ("post_logout_redirect_uri", to)]);
        let pairs = [&good[..], &[("request", &*request)]].concat();
        let refused = browser.send(confirm(&pairs)).expect(400);
        assert!(refused.header("location").is_none());
    }
    assert_eq!(world.drain(), ["E1001", "E3051", "E3051", "E3051"]);
    assert!(is_signed_in(&mut browser, &LEAVER));
    let gone = browser.send(confirm(&good)).expect(303);
    assert_eq!(gone.location(), "/o/standard/logout/done");
}

#[test]
fn a_request_that_is_not_believed_ends_nothing_and_redirects_nobody() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let token = login(&world, &mut browser, &LEAVER, "alice");
    let plain = login(&world, &mut browser, &OPENID, "alice");
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (_, payload) = message.split_once('.').unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");
    let changed = format!("{message}.{}", signature.chars().rev().collect::<String>());
    let to_of = |hint: &str, to: &str| {
        encoded(&[("id_token_hint", hint), ("post_logout_redirect_uri", to)])
    };
    let hint = |hint: &str| to_of(hint, OUT);
    let to = |to: &str| to_of(&token, to);
    let both = |hint: &str, id: &str| encoded(&[("id_token_hint", hint), ("client_id", id)]);
    for (query, code) in [
        (hint(&unsigned), "E3050"),
        (hint(&changed), "E3050"),
        (both(&token, OPENID.id), "E3050"),
        (both(&plain, LEAVER.id), "E3050"),
        (hint(&plain), "E3051"),
        (to("https://leaver.example/out?foo=bar"), "E3051"),
        (to("https://leaver.example/out/"), "E3051"),
        (to("https://leaver.example:443/out"), "E3051"),
        (to("HTTPS://leaver.example/out"), "E3051"),
        (to("https://evil.example/"), "E3051"),
        (to("javascript:alert(1)"), "E3051"),
    ] {
        world.drain();
        let page = browser.open(&format!("/o/standard/logout?{query}")).expect(400);
        assert_eq!(world.drain(), [code], "{query}");
        assert!(page.header("location").is_none());
        assert!(page.text().contains("asked to sign you out in a way this bank does not accept"));
        assert!(is_signed_in(&mut browser, &LEAVER));
    }
}

#[test]
fn what_was_open_in_the_browser_is_over_with_the_login() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    login(&world, &mut browser, &LEAVER, "alice");
    let consent = browser.open(&authorize(&OPENID, &[("prompt", "consent")])).expect(200);
    let page = browser.open(&logout(&[]));
    answer(&mut browser, &page, "confirm").expect(303);
    assert!(browser.cookies().is_empty(), "{:?}", browser.cookies());
    world.drain();
    browser.allow(&consent).expect(400);
    assert_eq!(world.drain(), ["E3010"]);
}

#[test]
fn what_was_allowed_outlives_the_login() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let back = browser.consent(&authorize(&LEAVER, &[]), "alice");
    let tokens =
        world.send(redeem(&LEAVER, &back.parameter("code").unwrap(), CALLBACK)).expect(200);
    let page = browser.open(&logout(&[]));
    answer(&mut browser, &page, "confirm").expect(303);
    let refresh = tokens.member("refresh_token");
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", &*refresh)];
    world.send(LEAVER.ask("/token", &pairs)).expect(200);
}

/// Whatever is due, once each.
fn deliver(world: &World) -> Vec<Fate> {
    let engine = &world.app.engine;
    let due = world.wait(engine.due()).unwrap();
    due.into_iter().map(|due| world.wait(engine.deliver(due, surfaces::rules)).unwrap()).collect()
}

fn in_the_outbox(world: &World) -> usize {
    let tenant = TenantId::parse("standard").unwrap();
    let page = Page { after: None, max: 100 };
    world.wait(world.app.engine.store.list(Query::Deliveries(tenant), page)).unwrap().len()
}

fn events(world: &World, what: What) -> usize {
    let feed = world.app.engine.store.feed(Position::default(), 10_000);
    world.wait(feed).unwrap().iter().filter(|at| at.event.what == what).count()
}

/// Header and claims of a logout token; the signature is checked.
fn logout_token(world: &World, form: &str) -> Value {
    let form = Form::decode(form.as_bytes()).unwrap();
    assert_eq!(form.iter().count(), 1);
    let token = form.one("logout_token").unwrap().unwrap();
    let issuer = world.issuer("standard");
    let keys = issuer.keys.iter().map(|key| (key.kid.as_str(), &*key.verifying, key.alg));
    serde_json::from_slice(&jwt::verify_own(token, "logout+jwt", keys).unwrap()).unwrap()
}

fn sign_out(browser: &mut Browser<'_>) {
    let page = browser.open(&logout(&[]));
    answer(browser, &page, "confirm").expect(303);
}

#[test]
fn every_client_of_a_login_that_wants_to_know_hears_of_its_end() {
    let world = World::new();
    world.mailbox.status.store(200, Ordering::SeqCst);
    let mut browser = Browser::new(&world);
    let tokens = [LEAVER, HEARER].map(|app| login(&world, &mut browser, &app, "alice"));
    login(&world, &mut browser, &OPENID, "alice");
    // Another browser of the same customer is another login.
    login(&world, &mut Browser::new(&world), &HEARER, "alice");
    assert_eq!((deliver(&world), in_the_outbox(&world)), (vec![], 0));
    sign_out(&mut browser);
    assert_eq!((in_the_outbox(&world), events(&world, What::LoggedOut)), (2, 1));
    assert_eq!(deliver(&world), [Fate::Told; 2]);
    assert_eq!((in_the_outbox(&world), events(&world, What::LogoutDelivered)), (0, 2));
    let posted = std::mem::take(&mut *world.mailbox.posted.lock().unwrap());
    assert_eq!(posted.len(), 2);
    let mut ids = vec![];
    let urls = ["https://leaver.example/logout", "https://hearer.example/logout"];
    for (url, (app, token)) in urls.iter().zip([LEAVER, HEARER].iter().zip(&tokens)) {
        let (_, form) = posted.iter().find(|(to, _)| to == url).unwrap();
        let (says, login) = (logout_token(&world, form), claims(&world, token));
        assert_eq!((&says["iss"], &says["aud"]), (&json!(issuer()), &json!(app.id)));
        assert_eq!((&says["sub"], &says["sid"]), (&login["sub"], &login["sid"]));
        let event = "http://schemas.openid.net/event/backchannel-logout";
        assert_eq!(says["events"], json!({event: {}}));
        let (iat, exp) = (says["iat"].as_u64().unwrap(), says["exp"].as_u64().unwrap());
        assert_eq!((iat, exp - iat), (world.app.engine.clock.now().0, 120));
        assert!(says.get("nonce").is_none());
        ids.push(says["jti"].as_str().unwrap().to_owned());
        // It is no hint: a kind of token is not taken for another.
        let raw = form.strip_prefix("logout_token=").unwrap();
        let page = browser.open(&logout(&[("id_token_hint", raw)])).expect(400);
        assert!(page.header("location").is_none());
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(deliver(&world), []);
}

#[test]
fn a_client_that_does_not_hear_is_told_again_after_pauses_and_then_no_more() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    login(&world, &mut browser, &HEARER, "alice");
    sign_out(&mut browser);
    let posted = || world.mailbox.posted.lock().unwrap().len();
    for (tried, pause_s) in DELIVERY_PAUSES_S.into_iter().enumerate() {
        // No answer, or one that is not 200: a redirect is not followed.
        let status = [0, 302, 400, 500][tried % 4];
        world.mailbox.status.store(status, Ordering::SeqCst);
        assert_eq!(deliver(&world), [Fate::Later]);
        world.clock.advance(pause_s - 1);
        assert_eq!((deliver(&world), posted()), (vec![], tried + 1));
        world.clock.advance(1);
    }
    assert_eq!(deliver(&world), [Fate::GivenUp]);
    assert_eq!((posted(), in_the_outbox(&world)), (DELIVERY_PAUSES_S.len() + 1, 0));
    assert_eq!(events(&world, What::LogoutGivenUp), 1);
    // The same logout bears the same name each time.
    let all = world.mailbox.posted.lock().unwrap().clone();
    let names: Vec<_> =
        all.iter().map(|(_, form)| logout_token(&world, form)["jti"].clone()).collect();
    assert!(names.iter().all(|name| *name == names[0]));
}

#[test]
fn a_client_that_answers_204_has_heard() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    login(&world, &mut browser, &HEARER, "alice");
    sign_out(&mut browser);
    assert_eq!(deliver(&world), [Fate::Later]);
    world.clock.advance(DELIVERY_PAUSES_S[0]);
    world.mailbox.status.store(204, Ordering::SeqCst);
    assert_eq!((deliver(&world), in_the_outbox(&world)), (vec![Fate::Told], 0));
}

#[test]
fn of_two_that_see_the_same_record_one_tells_the_client() {
    let world = World::new();
    world.mailbox.status.store(200, Ordering::SeqCst);
    let mut browser = Browser::new(&world);
    login(&world, &mut browser, &HEARER, "alice");
    sign_out(&mut browser);
    let engine = &world.app.engine;
    let tenant = TenantId::parse("standard").unwrap();
    let mut seen = world.wait(engine.due()).unwrap();
    engine.outbox.expect(&tenant, engine.clock.now());
    seen.extend(world.wait(engine.due()).unwrap());
    let fates =
        seen.into_iter().map(|due| world.wait(engine.deliver(due, surfaces::rules)).unwrap());
    assert_eq!(fates.collect::<Vec<_>>(), [Fate::Told, Fate::Elsewhere]);
    assert_eq!(world.mailbox.posted.lock().unwrap().len(), 1);
}

#[test]
fn a_suspended_client_is_told_nothing_of_a_customer() {
    let world = World::new();
    world.mailbox.status.store(200, Ordering::SeqCst);
    let set = |status| {
        let issuer = world.issuer("standard");
        let policy = surfaces::rules("standard", &issuer.tenant).unwrap();
        let mut entropy = world.dice.clone();
        let call = &mut Call { issuer: &issuer, policy, entropy: &mut entropy, request: [1; 16] };
        let id = ClientId::parse(HEARER.id).unwrap();
        world.wait(world.app.engine.set_client_status(call, &id, status)).unwrap();
    };
    let mut browser = Browser::new(&world);
    login(&world, &mut browser, &HEARER, "alice");
    set(ClientStatus::Suspended);
    sign_out(&mut browser);
    assert_eq!(in_the_outbox(&world), 0);
    // Suspended between the logout and the call: it waits as if it did not answer.
    set(ClientStatus::Active);
    login(&world, &mut browser, &HEARER, "alice");
    sign_out(&mut browser);
    set(ClientStatus::Suspended);
    assert_eq!(deliver(&world), [Fate::Later]);
    assert!(world.mailbox.posted.lock().unwrap().is_empty());
    set(ClientStatus::Active);
    world.clock.advance(DELIVERY_PAUSES_S[0]);
    assert_eq!(deliver(&world), [Fate::Told]);
}
