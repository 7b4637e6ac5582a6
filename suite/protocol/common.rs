//! What every tenant answers: introspection as no oracle, pages bound to their browser, disabled
//! clients and customers.

use counterfoil_engine::client::ClientStatus;
use counterfoil_engine::engine::Call;
use counterfoil_protocol::ids::{ClientId, SubjectId};

use crate::browser::{Browser, FIN, MX, MX_OTHER, Page, Tokens};
use crate::wire::Ask;
use crate::world::World;

/// The parts of an answer that could tell one reason from another.
fn visible(world: &World, ask: Ask) -> String {
    let answer = world.send(ask);
    let headers = answer.headers.iter().filter(|(name, _)| *name != "x-request-id");
    format!(
        "{} {headers:?} {:?}",
        answer.status,
        answer.body,
        headers = headers.collect::<Vec<_>>()
    )
}

#[test]
fn i10_introspection_is_the_same_for_unknown_expired_revoked_and_foreign_tokens() {
    let world = World::new();
    let as_resource = |token: &str| {
        Ask::form("/introspect", &[("token", token)]).basic("resource", "resourcesecret")
    };
    let (revoked, expired, rotated) =
        (MX.mx_tokens(&world), MX.mx_tokens(&world), FIN.fin_tokens(&world));
    world.send(MX.ask("/oauth2/v4/revoke", &[("token", &revoked.refresh)])).expect(200);
    world.send(FIN.fin_refresh(&rotated.refresh)).expect(200);
    let foreign = crate::browser::MX_STRICT.mx_tokens(&world);
    let unknown = visible(&world, as_resource("x"));
    assert!(unknown.contains(r#"{\"active\":false}"#), "{unknown}");
    for dead in [&revoked.access, &rotated.access, &foreign.access, &foreign.refresh] {
        assert_eq!(visible(&world, as_resource(dead)), unknown);
    }
    // Whoever may not ask gets the same bytes, also for a token that lives, also for its own.
    for token in [&expired.access, &expired.refresh] {
        let own = MX.ask("/introspect", &[("token", token)]);
        let foreign = MX_OTHER.ask("/introspect", &[("token", token)]);
        assert_eq!(visible(&world, own), unknown);
        assert_eq!(visible(&world, foreign), unknown);
    }
    assert!(world.is_active(&expired.access));
    world.clock.advance(600);
    assert_eq!(visible(&world, as_resource(&expired.access)), unknown);
    let garbage = ["", "at_", "rt_AAAA", "at_\u{e9}", "ey.ey.ey", "eyJhbGciOiJub25lIn0.e30."];
    for garbage in garbage.into_iter().skip(1) {
        assert_eq!(visible(&world, as_resource(garbage)), unknown, "{garbage}");
    }
}

#[test]
fn p17_a_login_is_bound_to_its_browser_and_its_form() {
    let world = World::new();
    let mut victim = Browser::new(&world);
    let login = victim.open(&MX.mx_authorize("openid accounts", &[])).expect(200);
    let interaction = Page(login.text()).field("interaction");
    let page = format!("/login?interaction={interaction}");
    // Another browser has nothing from the URL.
    world.refused(Ask::get(&page).with("accept", "text/html"), 400, "E3010");
    // A form without our token, or with that of another browser, is not ours.
    let mut other = Browser::new(&world);
    let others = other.open(&MX.mx_authorize("openid accounts", &[]));
    let csrf = Page(others.text()).field("csrf");
    for csrf in ["", "x", &csrf] {
        let fields = [
            ("interaction", &*interaction),
            ("csrf", csrf),
            ("login", "ada"),
            ("password", "demo"),
        ];
        world.drain();
        victim.send(Ask::form("/login", &fields)).expect(403);
        assert_eq!(world.drain(), ["E3012"]);
    }
    let csrf = Page(login.text()).field("csrf");
    let fields =
        [("interaction", &*interaction), ("csrf", &*csrf), ("login", "ada"), ("password", "demo")];
    let cross = Ask::form("/login", &fields).with("sec-fetch-site", "cross-site");
    victim.send(cross).expect(403);
    // What it was asked before, it is asked still.
    let consent = victim.sign_in(&login, "ada").expect(200);
    assert!(consent.text().contains("id=\"consent-allow\""));
}

#[test]
fn p17_a_cookie_from_before_the_login_is_dead_after_it() {
    let world = World::new();
    let mut victim = Browser::new(&world);
    let login = victim.open(&MX.mx_authorize("openid accounts", &[]));
    let planted = victim.cookies().to_vec();
    assert_eq!(planted.len(), 1);
    let consent = victim.sign_in(&login, "ada").expect(200);
    let interaction = Page(consent.text()).field("interaction");
    let mut attacker = Browser::new(&world);
    attacker.plant(&planted);
    let page = format!("/consent?interaction={interaction}");
    attacker.send(Ask::get(&page)).expect(400);
    assert_eq!(world.reason().unwrap().code.unwrap(), "E3010");
    assert!(victim.allow(&consent).expect(303).parameter("code").is_some());
}

#[test]
fn cookies_on_https_are_for_this_host_alone() {
    for (base, secure, prefix) in [
        ("https://bank.example", false, "__Host-cf-"),
        ("http://localhost:8080", true, "__Host-cf-"),
        ("http://localhost:8080", false, "cf-"),
    ] {
        let world = World::of("resources/bank", base, |store| store);
        let mut browser = Browser::new(&world);
        browser.secure = secure;
        let login = browser.open(&MX.mx_authorize("openid accounts", &[])).expect(200);
        let form = Page(login.text());
        let fields = [
            ("interaction", &*form.field("interaction")),
            ("csrf", &*form.field("csrf")),
            ("login", "ada"),
            ("password", "demo"),
        ];
        let answer = browser.send(Ask::form("/login", &fields)).expect(303);
        let lines: Vec<_> =
            answer.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line.starts_with(prefix), "{line}");
            for part in ["Path=/", "HttpOnly", "SameSite=Lax"] {
                assert!(line.contains(part), "{line}");
            }
            assert_eq!(line.contains("; Secure"), prefix.starts_with("__Host-"), "{line}");
            assert!(!line.contains("Domain"), "{line}");
        }
    }
}

#[test]
fn a_session_saves_the_next_login_and_switching_ends_that() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    browser.consent(&MX.mx_authorize("openid accounts", &[]), "ada").expect(303);
    let consent = browser.open(&MX.mx_authorize("openid accounts", &[])).expect(200);
    assert!(consent.text().contains("id=\"consent-allow\""));
    let form = Page(consent.text());
    let (interaction, csrf) = (form.field("interaction"), form.field("csrf"));
    let fields = [("interaction", &*interaction), ("csrf", &*csrf)];
    let login = browser.send(Ask::form("/login/switch", &fields)).expect(303);
    assert_eq!(login.location(), format!("/login?interaction={interaction}"));
    let login = browser.open(login.location());
    assert!(login.text().contains("id=\"login-submit\""));
    // The session ends after half an hour by itself.
    let mut browser = Browser::new(&world);
    browser.consent(&MX.mx_authorize("openid accounts", &[]), "ada").expect(303);
    world.clock.advance(1_800);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[])).expect(200);
    assert!(login.text().contains("id=\"login-submit\""));
}

#[test]
fn an_answer_given_twice_is_the_same_answer() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[]));
    let consent = browser.sign_in(&login, "ada").expect(200);
    let cookies = browser.cookies().to_vec();
    let first = browser.allow(&consent).expect(303);
    // The button was pressed twice: both requests carry the cookie.
    let mut second = Browser::new(&world);
    second.plant(&cookies);
    let second = second.allow(&consent).expect(303);
    assert_eq!(first.location(), second.location());
    world.send(MX.mx_redeem(&first.parameter("code").unwrap())).expect(200);
}

#[test]
fn looking_twice_in_two_tabs_or_ahead_burns_nothing() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let first = browser.open(&MX.mx_authorize("openid accounts", &[("state", "1")]));
    let second = browser.open(&MX.mx_authorize("openid accounts", &[("state", "2")]));
    let page = format!("/login?interaction={}", Page(first.text()).field("interaction"));
    for method in ["GET", "HEAD", "GET"] {
        browser.send(Ask::new(method, &page)).expect(200);
    }
    let first = browser.sign_in(&first, "ada").expect(200);
    // The other tab asks again, because it began before anybody had signed in.
    let second = browser.sign_in(&second, "ada").expect(200);
    let page = format!("/consent?interaction={}", Page(first.text()).field("interaction"));
    for method in ["GET", "HEAD", "GET"] {
        browser.send(Ask::new(method, &page)).expect(200);
    }
    for (tab, state) in [(second, "2"), (first, "1")] {
        let back = browser.allow(&tab).expect(303);
        assert_eq!(back.parameter("state").unwrap(), state);
        world.send(MX.mx_redeem(&back.parameter("code").unwrap())).expect(200);
    }
    // Back again: what is done is done, and nothing leads anywhere.
    let late = browser.send(Ask::get(&page));
    assert_eq!((late.status, late.header("location")), (400, None));
}

#[test]
fn consent_needs_an_account_of_ones_own() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[]));
    let consent = browser.sign_in(&login, "ada").expect(200);
    assert_eq!(Page(consent.text()).accounts(), ["ada-current", "ada-savings"]);
    assert!(!consent.text().contains("checked"), "an account is chosen beforehand");
    for fields in [&[("action", "allow")][..], &[("action", "allow"), ("account", "bob-joint")]] {
        world.drain();
        let again = browser.submit(&consent, fields).expect(200);
        assert_eq!(world.drain(), ["E3030"]);
        assert!(again.text().contains("id=\"accounts-error\""));
    }
    let none = browser.submit(&consent, &[("action", "perhaps")]).expect(400);
    assert!(none.text().contains("id=\"error-reference\""));
    let both = [("action", "allow"), ("account", "ada-current"), ("account", "ada-savings")];
    let code = browser.submit(&consent, &both).expect(303).parameter("code").unwrap();
    let tokens = Tokens::of(&world.send(MX.mx_redeem(&code)).expect(200));
    let said = world.introspect(&tokens.access).json();
    assert_eq!(said["accounts"], serde_json::json!(["ada-current", "ada-savings"]));
    // Nobody without an account can allow anything; where none is asked for, anybody can.
    let mut browser = Browser::new(&world);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[]));
    let empty = browser.sign_in(&login, "chloe").expect(200);
    assert!(!empty.text().contains("id=\"consent-allow\""));
    let back = browser.submit(&empty, &[("action", "deny")]).expect(303);
    assert_eq!(back.parameter("error").unwrap(), "access_denied");
    MX.mx_code_for(&world, "openid customers", "chloe");
}

#[test]
fn m106_wrong_passwords_are_bounded_and_do_not_tell_who_exists() {
    let world = World::new();
    let mut pages = vec![];
    for login in ["ada", "nobody"] {
        let mut browser = Browser::new(&world);
        let page = browser.open(&MX.mx_authorize("openid accounts", &[("state", "s")]));
        let wrong = [("login", login), ("password", "wrong"), ("action", "submit")];
        let mut told = vec![];
        for _ in 0..4 {
            let again = browser.submit(&page, &wrong).expect(200);
            let text = again.text().split("id=\"login-error\"").nth(1).unwrap().to_owned();
            told.push(text.split("</p>").next().unwrap().to_owned());
        }
        let last = browser.submit(&page, &wrong).expect(303);
        assert_eq!(last.parameter("error").unwrap(), "access_denied");
        pages.push(told);
        // Not even with the right password.
        let late = browser.submit(&page, &[("login", "ada"), ("password", "demo")]);
        assert_eq!(late.status, 400);
    }
    assert_eq!(pages[0], pages[1]);
    // Over all browsers there are twenty failures a quarter of an hour.
    for _ in 0..4 {
        let mut browser = Browser::new(&world);
        let page = browser.open(&MX.mx_authorize("openid accounts", &[]));
        for _ in 0..4 {
            browser.submit(&page, &[("login", "ada"), ("password", "wrong")]);
        }
    }
    let mut browser = Browser::new(&world);
    let page = browser.open(&MX.mx_authorize("openid accounts", &[]));
    world.drain();
    browser.submit(&page, &[("login", "ada"), ("password", "demo")]).expect(200);
    assert_eq!(world.drain(), ["E3021"]);
    // Who is signed in already stays in, others are not concerned, and it opens again.
    MX.mx_code_for(&world, "openid accounts", "bob");
    world.clock.advance(900);
    MX.mx_code(&world);
}

fn with_call<T>(world: &World, work: impl AsyncFnOnce(&mut Call<'_>) -> T) -> T {
    let issuer = world.issuer("default");
    let mut dice = world.dice.clone();
    let policy = counterfoil_web::surfaces::named("mx").unwrap().policy(&Default::default());
    let mut call = Call { issuer: &issuer, policy, entropy: &mut dice, request: [0; 16] };
    world.wait(work(&mut call))
}

fn set_client(world: &World, id: &str, status: ClientStatus) {
    let id = ClientId::parse(id).unwrap();
    let set =
        with_call(world, async |call| world.app.engine.set_client_status(call, &id, status).await);
    set.unwrap();
}

fn suspend_ada(world: &World, suspended: bool) {
    let id = SubjectId::parse("ada").unwrap();
    let set = with_call(world, async |call| {
        world.app.engine.set_subject_suspended(call, &id, suspended).await
    });
    set.unwrap();
}

#[test]
fn m025_a_suspended_client_gets_nothing_anywhere() {
    let world = World::new();
    let (code, tokens) = (MX.mx_code(&world), MX.mx_tokens(&world));
    let mut browser = Browser::new(&world);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[]));
    let mut second = Browser::new(&world);
    let consent = second.open(&MX.mx_authorize("openid accounts", &[]));
    let consent = second.sign_in(&consent, "ada");
    set_client(&world, MX.id, ClientStatus::Suspended);
    world.refused(MX.mx_redeem(&code), 401, "E1103");
    world.refused(MX.mx_refresh(&tokens.refresh), 401, "E1103");
    world.refused(MX.ask("/oauth2/v4/revoke", &[("token", "x")]), 401, "E1103");
    world.refused(Ask::get("/userinfo").bearer(&tokens.access), 401, "E4001");
    let authorize = Ask::get(&MX.mx_authorize("openid", &[])).with("accept", "text/html");
    world.refused(authorize, 401, "E1103");
    assert!(!world.is_active(&tokens.access));
    let late = browser.sign_in(&login, "ada");
    assert!(!late.text().contains("id=\"consent-allow\"") || browser.allow(&late).status != 303);
    assert_ne!(second.allow(&consent).status, 303);
    // Nothing was spent meanwhile.
    set_client(&world, MX.id, ClientStatus::Active);
    assert!(world.is_active(&tokens.access));
    world.send(MX.mx_redeem(&code)).expect(200);
    world.send(MX.mx_refresh(&tokens.refresh)).expect(200);
}

#[test]
fn m026_a_customer_suspended_while_the_page_is_open_is_told_to_the_client() {
    let world = World::new();
    let tokens = MX.mx_tokens(&world);
    let code = MX.mx_code(&world);
    let mut browser = Browser::new(&world);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[("state", "s")]));
    let consent = browser.sign_in(&login, "ada").expect(200);
    suspend_ada(&world, true);
    let back = browser.allow(&consent).expect(303);
    assert_eq!(back.parameter("error").unwrap(), "access_denied");
    assert!(back.parameter("code").is_none());
    assert!(!world.is_active(&tokens.access));
    world.refused(MX.mx_refresh(&tokens.refresh), 400, "E2021");
    world.refused(MX.mx_redeem(&code), 400, "E2021");
    let again = Browser::new(&world).consent(&MX.mx_authorize("openid accounts", &[]), "ada");
    assert_eq!(again.parameter("error").unwrap(), "access_denied");
    suspend_ada(&world, false);
    assert!(world.is_active(&tokens.access));
    world.send(MX.mx_refresh(&tokens.refresh)).expect(200);
}

#[test]
fn m003_no_handle_opens_where_another_kind_is_wanted() {
    let world = World::new();
    let (mx, fin) = (MX.mx_tokens(&world), FIN.fin_tokens(&world));
    let (code, fin_code) = (MX.mx_code(&world), FIN.fin_code(&world));
    let mut browser = Browser::new(&world);
    browser.consent(&MX.mx_authorize("openid accounts", &[]), "ada");
    let session = browser.cookies().iter().find(|(name, _)| name.contains("session")).unwrap();
    let session = session.1.clone();
    assert!(session.starts_with("se_"));
    let all = [&mx.access, &mx.refresh, &fin.access, &fin.refresh, &code, &fin_code, &session];
    let respelled = |handle: &str, prefix: &str| format!("{prefix}{}", &handle[3..]);
    for handle in all {
        for (prefix, path, name) in [
            ("ac_", "/oauth2/v4/token", "code"),
            ("rt_", "/oauth2/v4/token", "refresh_token"),
            ("at_", "", ""),
        ] {
            if handle.starts_with(prefix) {
                continue;
            }
            for wrong in [(*handle).clone(), respelled(handle, prefix)] {
                match name {
                    "code" => drop(world.refused(MX.mx_redeem(&wrong), 400, "E2011")),
                    "refresh_token" => drop(world.refused(MX.mx_refresh(&wrong), 400, "E2011")),
                    _ => assert!(!world.is_active(&wrong), "{path}"),
                }
            }
        }
    }
    let cookie = format!("cf-session-default={}", respelled(&code, "se_"));
    let target = MX.mx_authorize("openid accounts", &[]);
    let begun = world.send(Ask::get(&target).with("cookie", &cookie)).expect(303);
    assert!(begun.location().starts_with("/login?"));
}
