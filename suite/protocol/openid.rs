//! OpenID Connect as a client sees it: the flow, what a login is worth, how an answer travels, pushed
//! and signed requests.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::limits::LOGIN_ATTEMPTS_MAX;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws::{self, Protected};
use counterfoil_jose::jwt;
use counterfoil_jose::key::SigningKey;
use serde_json::{Value, json};

use crate::browser::{App, Browser, CALLBACK, VERIFIER, challenge};
use crate::wire::{Answer, Ask, encoded, parameter};
use crate::world::{BASE, World, file};

pub(crate) const OPENID: App = App { id: "openidapp", secret: "openidsecret", base: "/o/standard" };
const OTHER: App = App { id: "openidother", secret: "othersecret", base: "/o/standard" };
const OTHER_CALLBACK: &str = "http://127.0.0.1/callback?dummy1=lorem&dummy2=ipsum";
const SIGNER: &str = "openidsigner";
pub(crate) const ALL: &str = "openid profile email address phone";

pub(crate) fn issuer() -> String {
    format!("{BASE}/o/standard")
}

/// An authorization request of `OPENID`.
fn authorize(scope: &str, more: &[(&str, &str)]) -> String {
    of(&OPENID, CALLBACK, scope, more)
}

pub(crate) fn of(app: &App, callback: &str, scope: &str, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("client_id", app.id),
        ("redirect_uri", callback),
        ("response_type", "code"),
        ("scope", scope),
    ];
    pairs.extend_from_slice(more);
    format!("{}/authorize?{}", app.base, encoded(&pairs))
}

pub(crate) fn redeem(app: &App, code: &str, callback: &str) -> Ask {
    let pairs = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback)];
    app.ask("/token", &pairs)
}

/// The claims of a JWT of ours, whose signature is checked.
pub(crate) fn claims(world: &World, token: &str) -> Value {
    let issuer = world.issuer("standard");
    let keys = issuer.keys.iter().map(|key| (key.kid.as_str(), &*key.verifying, key.alg));
    serde_json::from_slice(&jwt::verify_own(token, "JWT", keys).unwrap()).unwrap()
}

/// The whole way of one browser: what the ID token says.
fn login(world: &World, browser: &mut Browser<'_>, target: &str) -> Value {
    let back = browser.consent(target, "alice");
    let code = back.parameter("code").unwrap_or_else(|| panic!("no code: {}", back.location()));
    let answer = world.send(redeem(&OPENID, &code, CALLBACK)).expect(200);
    claims(world, &answer.member("id_token"))
}

pub(crate) fn error(answer: &Answer) -> String {
    answer.parameter("error").unwrap_or_else(|| panic!("no error: {}", answer.location()))
}

#[test]
fn a_code_flow_ends_with_a_login_and_its_claims() {
    let world = World::new();
    let (state, nonce) = ("s".repeat(1000), "n".repeat(384));
    let more = [("state", &*state), ("nonce", &*nonce)];
    let back = Browser::new(&world).consent(&authorize(ALL, &more), "alice");
    assert_eq!(back.parameter("state").unwrap(), state);
    assert_eq!(back.parameter("iss").unwrap(), issuer());
    let code = back.parameter("code").unwrap();
    let tokens = world.send(redeem(&OPENID, &code, CALLBACK)).expect(200);
    let says = claims(&world, &tokens.member("id_token"));
    assert_eq!((&says["iss"], &says["aud"]), (&json!(issuer()), &json!("openidapp")));
    assert_eq!((&says["nonce"], &says["amr"]), (&json!(nonce), &json!(["pwd"])));
    assert!(says["auth_time"].is_u64() && says["acr"].is_string());
    // It registered nothing that ends a session.
    assert!(says.get("sid").is_none());
    // The claims of scopes belong to UserInfo (R30).
    assert!(says.get("email").is_none() && says.get("name").is_none());

    for ask in [
        Ask::get("/o/standard/userinfo").bearer(&tokens.member("access_token")),
        Ask::post("/o/standard/userinfo", "").bearer(&tokens.member("access_token")),
        Ask::form("/o/standard/userinfo", &[("access_token", &tokens.member("access_token"))]),
    ] {
        let info = world.send(ask).expect(200).json();
        assert_eq!(info["sub"], says["sub"]);
        let members = info.as_object().unwrap();
        for name in ["name", "birthdate", "email", "email_verified", "phone_number", "updated_at"] {
            assert!(members.contains_key(name), "{name}");
        }
        assert_eq!(info["address"]["country"], "FR");
    }
    let token = encoded(&[("access_token", &tokens.member("access_token"))]);
    world.send(Ask::get(&format!("/o/standard/userinfo?{token}"))).expect(401);
}

#[test]
fn a_scope_gives_its_claims_and_no_others() {
    let world = World::new();
    for (scope, there, absent) in [
        ("openid email", "email", "name"),
        ("openid profile", "name", "email"),
        ("openid phone", "phone_number", "address"),
        ("openid address", "address", "phone_number"),
    ] {
        let back = Browser::new(&world).consent(&authorize(scope, &[]), "alice");
        let code = back.parameter("code").unwrap();
        let token = world.send(redeem(&OPENID, &code, CALLBACK)).expect(200).member("access_token");
        let info = world.send(Ask::get("/o/standard/userinfo").bearer(&token)).expect(200).json();
        assert!(info.get(there).is_some() && info.get(absent).is_none(), "{scope}: {info}");
    }
}

#[test]
fn single_claims_are_given_where_they_were_asked_for() {
    let world = World::new();
    let wanted = r#"{"userinfo":{"name":{"essential":true},"x":null},"id_token":{"email":null}}"#;
    let target = authorize("openid", &[("claims", wanted)]);
    let mut browser = Browser::new(&world);
    let page = browser.open(&target);
    let page = browser.sign_in(&page, "alice");
    // The customer reads what single claims belong to.
    assert!(page.text().contains("Your profile") && page.text().contains("Your e-mail address"));
    let code = browser.allow(&page).parameter("code").unwrap();
    let answer = world.send(redeem(&OPENID, &code, CALLBACK)).expect(200);
    let says = claims(&world, &answer.member("id_token"));
    assert_eq!(says["email"], "alice@bank.example");
    assert!(says.get("name").is_none());
    let token = answer.member("access_token");
    let info = world.send(Ask::get("/o/standard/userinfo").bearer(&token)).expect(200).json();
    assert!(info.get("name").is_some() && info.get("email").is_none(), "{info}");
}

#[test]
fn prompt_none_answers_without_a_page() {
    let world = World::new();
    let silent = authorize(ALL, &[("prompt", "none"), ("state", "s1")]);
    let mut browser = Browser::new(&world);
    let back = browser.open(&silent);
    assert_eq!(
        (error(&back), back.parameter("state")),
        ("login_required".into(), Some("s1".into()))
    );
    assert_eq!(world.drain(), ["E3005"]);
    let first = login(&world, &mut browser, &authorize(ALL, &[]));
    world.clock.advance(5);
    let second = login(&world, &mut browser, &silent);
    assert_eq!((&first["sub"], &first["auth_time"]), (&second["sub"], &second["auth_time"]));
    // Another client was never allowed anything.
    let other = of(&OTHER, OTHER_CALLBACK, ALL, &[("prompt", "none")]);
    let back = browser.open(&other);
    assert_eq!(error(&back), "consent_required");
    assert_eq!(back.parameter("dummy2").as_deref(), Some("ipsum"));
    assert_eq!(world.drain(), ["E3006"]);
    // More than was allowed is asked for.
    let wanted = r#"{"userinfo":{"email":null}}"#;
    let mut fresh = Browser::new(&world);
    login(&world, &mut fresh, &authorize("openid", &[("prompt", "consent")]));
    let more = authorize("openid", &[("prompt", "none"), ("claims", wanted)]);
    assert_eq!(error(&fresh.open(&more)), "consent_required");
    assert_eq!(error(&fresh.open(&authorize(ALL, &[("prompt", "none")]))), "consent_required");
}

#[test]
fn what_was_allowed_is_not_asked_again_unless_the_client_wants_it() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    login(&world, &mut browser, &authorize(ALL, &[]));
    let back = browser.open(&authorize("openid email", &[]));
    assert!(back.parameter("code").is_some(), "{}", back.location());
    let page = browser.open(&authorize(ALL, &[("prompt", "consent")])).expect(200);
    assert!(page.text().contains("id=\"consent-allow\""));
}

#[test]
fn a_login_counts_for_as_long_as_the_client_wants() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let first = login(&world, &mut browser, &authorize(ALL, &[("max_age", "15000")]));
    world.clock.advance(10);
    let same = login(&world, &mut browser, &authorize(ALL, &[("max_age", "10000")]));
    assert_eq!(first["auth_time"], same["auth_time"]);
    for wish in [("max_age", "1"), ("prompt", "login"), ("prompt", "select_account")] {
        let page = browser.open(&authorize(ALL, &[wish])).expect(200);
        assert!(page.text().contains("id=\"login-submit\""), "{wish:?}");
    }
    let later = login(&world, &mut browser, &authorize(ALL, &[("max_age", "1")]));
    assert!(later["auth_time"].as_u64() > first["auth_time"].as_u64());
    let silent = authorize(ALL, &[("max_age", "1"), ("prompt", "none")]);
    world.clock.advance(10);
    assert_eq!(error(&browser.open(&silent)), "login_required");
}

#[test]
fn a_hint_names_who_it_must_be() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let back = browser.consent(&authorize(ALL, &[]), "alice");
    let code = back.parameter("code").unwrap();
    let token = world.send(redeem(&OPENID, &code, CALLBACK)).expect(200).member("id_token");
    world.clock.advance(600);
    let hinted = [("id_token_hint", &*token), ("prompt", "none")];
    assert!(browser.open(&authorize(ALL, &hinted)).parameter("code").is_some());
    // Somebody else is signed in: the hint asks for alice.
    let mut other = Browser::new(&world);
    other.consent(&authorize(ALL, &[]), "ada");
    assert_eq!(error(&other.open(&authorize(ALL, &hinted))), "login_required");
    let page = other.open(&authorize(ALL, &[("id_token_hint", &token)])).expect(200);
    assert!(other.sign_in(&page, "ada").text().contains("id=\"login-error\""));
    // A hint of another client, or changed, is no hint.
    let foreign = of(&OTHER, OTHER_CALLBACK, ALL, &hinted);
    assert_eq!(error(&browser.open(&foreign)), "invalid_request");
    let (message, _) = token.rsplit_once('.').unwrap();
    let changed = format!("{message}.AAAA");
    assert_eq!(
        error(&browser.open(&authorize(ALL, &[("id_token_hint", &changed)]))),
        "invalid_request"
    );
}

#[test]
fn acr_is_what_was_reached_and_an_essential_one_must_be() {
    let world = World::new();
    let reached = "urn:counterfoil:acr:one-factor";
    let mut browser = Browser::new(&world);
    let says = login(&world, &mut browser, &authorize(ALL, &[("acr_values", "gold silver")]));
    assert_eq!(says["acr"], reached);
    let essential = |value: &str| {
        json!({"id_token": {"acr": {"essential": true, "values": [value]}}}).to_string()
    };
    world.drain();
    let unmet = authorize(ALL, &[("claims", &essential("gold"))]);
    assert_eq!(error(&browser.open(&unmet)), "unmet_authentication_requirements");
    assert_eq!(world.drain(), ["E3007"]);
    let met = authorize(ALL, &[("claims", &essential(reached))]);
    assert_eq!(login(&world, &mut browser, &met)["acr"], reached);
}

#[test]
fn a_login_hint_stands_in_the_form_and_unknown_wishes_do_no_harm() {
    let world = World::new();
    let wishes = [
        ("login_hint", "alice"),
        ("display", "popup"),
        ("ui_locales", "se"),
        ("claims_locales", "se"),
        ("extra", "foobar"),
    ];
    let page = Browser::new(&world).open(&authorize(ALL, &wishes)).expect(200);
    assert!(page.text().contains("value=\"alice\"") && page.text().contains("<h1>Sign in</h1>"));
}

/// What the client is told, whatever the mode: names and values.
fn told(answer: &Answer, mode: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let form = counterfoil_protocol::form::Form::decode(text.as_bytes()).unwrap();
        form.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    match mode.split('.').next().unwrap() {
        "query" => decode(answer.location().split_once('?').unwrap().1),
        "fragment" => decode(answer.location().split_once('#').unwrap().1),
        _ => {
            let inputs = answer.text().split("<input type=\"hidden\" name=\"").skip(1);
            let pair = |input: &str| {
                let (name, rest) = input.split_once("\" value=\"").unwrap();
                (name.to_owned(), rest.split('"').next().unwrap().to_owned())
            };
            inputs.map(pair).collect()
        }
    }
}

#[test]
fn an_answer_travels_as_the_client_wants_it() {
    let world = World::new();
    let modes = ["query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt"];
    for mode in modes {
        let mut browser = Browser::new(&world);
        let target = authorize("openid", &[("response_mode", mode), ("state", "a<b&\"c")]);
        let yes = browser.consent(&target, "alice");
        let silent = authorize("openid", &[("response_mode", mode), ("max_age", "x")]);
        let no = browser.send(Ask::get(&silent));
        for (answer, name) in [(yes, "code"), (no, "error")] {
            let mut told = told(&answer, mode);
            if mode.ends_with(".jwt") {
                assert_eq!(told.len(), 1, "{mode}: {told:?}");
                let says = claims(&world, &told[0].1);
                assert_eq!(says["aud"], "openidapp");
                let left_s = says["exp"].as_u64().unwrap() - world.app.engine.clock.now().0;
                assert!((10..600).contains(&left_s));
                let members = says.as_object().unwrap().iter();
                let text = |(k, v): (&String, &Value)| (k.clone(), v.as_str().map(str::to_owned));
                told = members.map(text).filter_map(|(k, v)| Some((k, v?))).collect();
            }
            let value =
                |wanted: &str| told.iter().find(|(name, _)| name == wanted).map(|(_, v)| &**v);
            assert!(value(name).is_some(), "{mode}: {told:?}");
            assert_eq!(value("iss"), Some(&*issuer()), "{mode}");
            let state = if mode == "form_post" { "a&lt;b&amp;&quot;c" } else { "a<b&\"c" };
            assert!(name == "error" || value("state") == Some(state), "{mode}: {told:?}");
            if mode.starts_with("form_post") {
                answer.clone().expect(200);
                assert!(answer.header("location").is_none());
                let policy = answer.header("content-security-policy").unwrap();
                assert!(policy.contains("form-action http://127.0.0.1;"), "{policy}");
                assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"));
                assert!(answer.text().contains("id=\"form-post-submit\""));
                assert!(answer.text().contains(&format!("action=\"{CALLBACK}\"")));
            }
        }
    }
}

#[test]
fn the_script_of_the_form_page_is_the_one_that_its_policy_names() {
    let world = World::new();
    let target = authorize("openid", &[("response_mode", "form_post"), ("prompt", "none")]);
    let page = Browser::new(&world).send(Ask::get(&target)).expect(200);
    let (_, script) = page.text().split_once("<script>").unwrap();
    let (script, _) = script.split_once("</script>").unwrap();
    let hash = counterfoil_jose::provider::sha256(script.as_bytes());
    let wanted = format!("'sha256-{}'", base64ct::Base64::encode_string(&hash));
    assert!(page.header("content-security-policy").unwrap().contains(&wanted));
}

#[test]
fn an_unregistered_address_is_a_page_in_every_mode() {
    let world = World::new();
    for mode in ["query", "fragment", "form_post", "jwt", "form_post.jwt", "nonsense"] {
        let target = of(&OPENID, "https://evil.example/cb", ALL, &[("response_mode", mode)]);
        let page = Browser::new(&world).send(Ask::get(&target)).expect(400);
        assert!(page.header("location").is_none() && !page.text().contains("<script"), "{mode}");
        assert!(page.text().contains("id=\"error-reference\""));
    }
}

/// Pushes a request of `OPENID`.
fn push(world: &World, more: &[(&str, &str)]) -> Answer {
    let mut pairs =
        vec![("redirect_uri", CALLBACK), ("response_type", "code"), ("scope", "openid")];
    pairs.extend_from_slice(more);
    world.send(OPENID.ask("/par", &pairs))
}

fn by_reference(app: &App, request_uri: &str) -> String {
    let pairs = [("client_id", app.id), ("request_uri", request_uri)];
    format!("{}/authorize?{}", app.base, encoded(&pairs))
}

#[test]
fn a_pushed_request_is_used_by_its_client_until_it_is_answered() {
    let world = World::new();
    let answer = push(&world, &[("state", "inside"), ("nonce", "n1")]).expect(201);
    assert_eq!(answer.json()["expires_in"], 90);
    let uri = answer.member("request_uri");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:ru_"));
    // What stands beside it is not looked at (R11).
    let target = format!("{}&state=outside&nonce=n2&scope=phone", by_reference(&OPENID, &uri));
    let mut first = Browser::new(&world);
    let page = first.open(&target).expect(200);
    let mut second = Browser::new(&world);
    let other_page = second.open(&target).expect(200);
    let page = first.sign_in(&page, "alice");
    let back = first.allow(&page);
    assert_eq!(back.parameter("state").as_deref(), Some("inside"));
    let code = back.parameter("code").unwrap();
    let tokens = world.send(redeem(&OPENID, &code, CALLBACK)).expect(200);
    assert_eq!(claims(&world, &tokens.member("id_token"))["nonce"], "n1");
    // Spent when the authorization completed (R10): the other tab comes too late, and so does a third.
    world.drain();
    second.sign_in(&other_page, "alice").expect(400);
    assert_eq!(world.drain(), ["E3076"]);
    Browser::new(&world).open(&target).expect(400);
    assert_eq!(world.drain(), ["E3076"]);
}

#[test]
fn a_pushed_request_that_was_declined_is_spent_too() {
    let world = World::new();
    let uri = push(&world, &[]).expect(201).member("request_uri");
    let mut browser = Browser::new(&world);
    let page = browser.open(&by_reference(&OPENID, &uri)).expect(200);
    let back = browser.submit(&page, &[("action", "cancel")]);
    assert_eq!(error(&back), "access_denied");
    world.drain();
    browser.open(&by_reference(&OPENID, &uri)).expect(400);
    assert_eq!(world.drain(), ["E3076"]);
}

#[test]
fn a_login_that_fails_for_good_spends_the_pushed_request() {
    let world = World::new();
    let uri = push(&world, &[]).expect(201).member("request_uri");
    let target = by_reference(&OPENID, &uri);
    let wrong = [("login", "alice"), ("password", "wrong"), ("action", "submit")];
    let (mut first, mut second) = (Browser::new(&world), Browser::new(&world));
    let (page, other_page) = (first.open(&target).expect(200), second.open(&target).expect(200));
    for _ in 1..LOGIN_ATTEMPTS_MAX {
        first.submit(&page, &wrong).expect(200);
        // Another tab may still begin with it.
        Browser::new(&world).open(&target).expect(200);
    }
    let back = first.submit(&page, &wrong);
    assert_eq!(error(&back), "access_denied");
    world.drain();
    Browser::new(&world).open(&target).expect(400);
    assert_eq!(world.drain(), ["E3076"]);
    // The tab that is late guesses no longer than the first, and has no answer for the client.
    for _ in 1..LOGIN_ATTEMPTS_MAX {
        second.submit(&other_page, &wrong).expect(200);
    }
    world.drain();
    second.submit(&other_page, &wrong).expect(400);
    assert_eq!(world.drain(), ["E3076"]);
    second.sign_in(&other_page, "alice").expect(400);
    assert_eq!(world.drain(), ["E3010"]);
}

#[test]
fn a_bank_that_says_no_at_the_login_spends_the_pushed_request() {
    let world = World::new();
    let uri = push(&world, &[]).expect(201).member("request_uri");
    let target = by_reference(&OPENID, &uri);
    let mut browser = Browser::new(&world);
    let page = browser.open(&target).expect(200);
    let back = browser.sign_in(&page, "demo-denied");
    assert_eq!(error(&back), "access_denied");
    world.drain();
    Browser::new(&world).open(&target).expect(400);
    assert_eq!(world.drain(), ["E3076"]);
}

#[test]
fn an_answer_without_a_page_spends_the_pushed_request_too() {
    let world = World::new();
    let mut browser = Browser::new(&world);
    let answered = |browser: &mut Browser<'_>, wanted: &str| {
        let uri = push(&world, &[("prompt", "none")]).expect(201).member("request_uri");
        let target = by_reference(&OPENID, &uri);
        assert_eq!(error(&browser.open(&target)), wanted);
        world.drain();
        browser.open(&target).expect(400);
        assert_eq!(world.drain(), ["E3076"], "{wanted}");
    };
    answered(&mut browser, "login_required");
    let page = browser.open(&authorize("openid", &[])).expect(200);
    browser.sign_in(&page, "alice").expect(200);
    // Signed in, and nothing is allowed yet.
    answered(&mut browser, "consent_required");
}

#[test]
fn a_request_uri_is_worth_nothing_elsewhere_or_later() {
    let world = World::new();
    let uri = push(&world, &[]).expect(201).member("request_uri");
    let refused = |target: &str, code: &str| {
        world.drain();
        let page = Browser::new(&world).open(target).expect(400);
        assert!(page.header("location").is_none());
        assert_eq!(world.drain(), [code], "{target}");
    };
    refused(&by_reference(&OTHER, &uri), "E3074");
    let mut changed = uri.clone();
    changed.pop();
    changed.push(if uri.ends_with('A') { 'B' } else { 'A' });
    refused(&by_reference(&OPENID, &changed), "E3074");
    refused(&by_reference(&OPENID, "urn:ietf:params:oauth:request_uri:ru_"), "E3074");
    world.clock.advance(89);
    Browser::new(&world).open(&by_reference(&OPENID, &uri)).expect(200);
    world.clock.advance(1);
    refused(&by_reference(&OPENID, &uri), "E3075");
}

/// A request object of the client that signs.
fn signed(changes: &Value) -> String {
    let now = crate::world::NOW.0;
    let mut object = json!({
        "iss": SIGNER, "aud": issuer(), "nbf": now, "exp": now + 300, "client_id": SIGNER,
        "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "state": "inside",
        "max_age": 100,
    });
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    let key = SigningKey::from_pem(Alg::ES256, &file("keys/elliptic.pem")).unwrap();
    let header = Protected::new(Alg::ES256, Some("oauth-authz-req+jwt"), None);
    jws::encode(&header, object.to_string().as_bytes(), &key).unwrap()
}

#[test]
fn a_signed_request_counts_alone() {
    let world = World::new();
    let object = signed(&json!({}));
    let pairs = [
        ("client_id", SIGNER),
        ("request", &*object),
        ("redirect_uri", CALLBACK),
        ("state", "outside"),
        ("scope", "openid email"),
    ];
    let target = format!("/o/standard/authorize?{}", encoded(&pairs));
    let back = Browser::new(&world).consent(&target, "alice");
    assert_eq!(back.parameter("state").as_deref(), Some("inside"));
    assert!(back.parameter("code").is_some());
}

#[test]
fn a_request_object_that_is_wrong_is_told_to_the_registered_address_only() {
    let world = World::new();
    let now = crate::world::NOW.0;
    let unsigned = format!("{}.e30.", Base64UrlUnpadded::encode_string(br#"{"alg":"none"}"#));
    for (object, code) in [
        (unsigned, "E3102"),
        ("x".to_owned(), "E3101"),
        (signed(&json!({"iss": "other"})), "E3107"),
        (signed(&json!({"sub": SIGNER})), "E3108"),
        (signed(&json!({"client_id": "other"})), "E3109"),
        (signed(&json!({"aud": format!("{}/par", issuer())})), "E3110"),
        (signed(&json!({"exp": now - 1})), "E3113"),
        (signed(&json!({"nbf": now - 4000})), "E3114"),
        (signed(&json!({"request_uri": "urn:x"})), "E3115"),
    ] {
        let pairs = [("client_id", SIGNER), ("request", &*object), ("redirect_uri", CALLBACK)];
        world.drain();
        let target = format!("/o/standard/authorize?{}", encoded(&pairs));
        let back = Browser::new(&world).open(&target);
        assert_eq!(error(&back), "invalid_request_object", "{code}");
        assert_eq!(world.drain(), [code]);
        let elsewhere = [pairs[0], pairs[1], ("redirect_uri", "https://evil.example/")];
        let target = format!("/o/standard/authorize?{}", encoded(&elsewhere));
        let page = Browser::new(&world).open(&target).expect(400);
        assert!(page.header("location").is_none());
    }
}

#[test]
fn a_code_used_twice_ends_what_it_gave() {
    let world = World::new();
    let back = Browser::new(&world).consent(&authorize("openid", &[]), "alice");
    let code = back.parameter("code").unwrap();
    let token = world.send(redeem(&OPENID, &code, CALLBACK)).expect(200).member("access_token");
    world.send(Ask::get("/o/standard/userinfo").bearer(&token)).expect(200);
    world.refused(redeem(&OPENID, &code, CALLBACK), 400, "E2015");
    world.refused(Ask::get("/o/standard/userinfo").bearer(&token), 401, "E4001");
}

#[test]
fn pkce_is_honoured_where_it_is_used() {
    let world = World::new();
    let challenge = challenge();
    let more = [("code_challenge", &*challenge), ("code_challenge_method", "S256")];
    let mut browser = Browser::new(&world);
    let code = |browser: &mut Browser<'_>| {
        browser.consent(&authorize("openid", &more), "alice").parameter("code").unwrap()
    };
    let first = code(&mut browser);
    world.refused(redeem(&OPENID, &first, CALLBACK), 400, "E2020");
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", &*first),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    world.send(OPENID.ask("/token", &pairs)).expect(200);
}

#[test]
fn the_query_of_a_registered_address_survives() {
    let world = World::new();
    let target = of(&OTHER, OTHER_CALLBACK, "openid", &[("state", "s")]);
    let back = Browser::new(&world).consent(&target, "alice");
    for name in ["dummy1", "dummy2", "code", "state", "iss"] {
        assert!(parameter(back.location(), name).is_some(), "{name}: {}", back.location());
    }
}

#[test]
fn a_posted_authorization_request_is_one() {
    let world = World::new();
    let (path, query) = authorize("openid", &[("state", "posted")]).split_once('?').map_or_else(
        || unreachable!("a query is always there"),
        |(path, query)| (path.to_owned(), query.to_owned()),
    );
    let mut browser = Browser::new(&world);
    let started = browser.send(Ask::post(&path, &query)).expect(303);
    let page = browser.open(started.location());
    let page = browser.sign_in(&page, "alice");
    assert_eq!(browser.allow(&page).parameter("state").as_deref(), Some("posted"));
}
