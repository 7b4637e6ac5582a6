//! Authorization details (RFC 9396) from the pushed request over the page to the resource server: shown in
//! words, told back, narrowed and never widened.

use counterfoil_jose::jwt;
use serde_json::{Value, json};

use crate::browser::{App, Browser, CALLBACK, Page};
use crate::openid::OPENID;
use crate::targets::introspected;
use crate::wire::{Answer, encoded};
use crate::world::World;

const JWT: App = App { id: "openidjwt", secret: "jwtsecret", base: "/o/standard" };

fn payment() -> Value {
    json!({
        "type": "payment_initiation", "actions": ["initiate", "status"],
        "instructedAmount": {"currency": "EUR", "amount": "123.50"},
        "creditorName": "Merchant <A>", "creditorAccount": {"iban": "DE02100100109307118603"},
        "remittanceInformationUnstructured": "Invoice 7",
    })
}

fn accounts() -> Value {
    json!({"type": "account_information", "actions": ["read_balances", "read_transactions"]})
}

fn fdx(duration: &str) -> Value {
    json!({"type": "fdx_v1.0", "consentRequest": {
        "durationType": duration, "lookbackPeriod": 60,
        "resources": [{"resourceType": "ACCOUNT", "dataClusters": ["TRANSACTIONS", "STATEMENTS"]}],
    }})
}

/// The address of a pushed request for these details.
fn pushed(world: &World, app: &App, scope: Option<&str>, details: &Value) -> String {
    let text = details.to_string();
    let mut pairs = vec![
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("authorization_details", &*text),
    ];
    pairs.extend(scope.map(|scope| ("scope", scope)));
    let uri = world.send(app.ask("/par", &pairs)).expect(201).member("request_uri");
    format!("{}/authorize?{}", app.base, encoded(&[("client_id", app.id), ("request_uri", &uri)]))
}

/// The consent page, and the browser it stands in.
fn asked<'w>(world: &'w World, target: &str) -> (Browser<'w>, Answer) {
    let mut browser = Browser::new(world);
    let login = browser.open(target).expect(200);
    let page = browser.sign_in(&login, "alice").expect(200);
    (browser, page)
}

fn redeemed(world: &World, app: &App, back: &Answer, more: &[(&str, &str)]) -> Answer {
    let code = back.parameter("code").unwrap_or_else(|| panic!("no code: {}", back.location()));
    let mut pairs =
        vec![("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
    pairs.extend_from_slice(more);
    world.send(app.ask("/token", &pairs))
}

fn refreshed(world: &World, tokens: &Answer, details: Option<&Value>) -> Answer {
    let (token, text) = (tokens.member("refresh_token"), details.map(Value::to_string));
    let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", &*token)];
    pairs.extend(text.as_deref().map(|text| ("authorization_details", text)));
    world.send(OPENID.ask("/token", &pairs))
}

fn details(answer: &Answer) -> Value {
    answer.json()["authorization_details"].clone()
}

/// What a resource server is told.
fn seen(world: &World, tokens: &Answer) -> Value {
    introspected(world, &tokens.member("access_token"))["authorization_details"].clone()
}

#[test]
fn a_payment_is_shown_allowed_and_told_back_as_it_was_asked() {
    let world = World::new();
    let asks = json!([payment()]);
    let (mut browser, page) = asked(&world, &pushed(&world, &OPENID, Some("openid"), &asks));
    for part in [
        "Approve the payment <bdi>Budget Buddy</bdi> asks for",
        "<bdi>€123.50</bdi>",
        "Merchant &lt;A&gt;",
        "DE02100100109307118603",
        "Invoice 7",
        "See whether it was made",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    assert!(!page.text().contains("move money") && Page(page.text()).accounts().is_empty());
    let back = browser.allow(&page);
    let tokens = redeemed(&world, &OPENID, &back, &[]).expect(200);
    assert_eq!((details(&tokens), seen(&world, &tokens)), (asks.clone(), asks.clone()));
    // A refresh may ask for less of it, and for nothing else.
    let mut less = payment();
    less["actions"] = json!(["status"]);
    let narrowed = refreshed(&world, &tokens, Some(&json!([less]))).expect(200);
    assert_eq!((details(&narrowed), seen(&world, &narrowed)), (json!([less]), json!([less])));
    let mut more = payment();
    more["instructedAmount"]["amount"] = "123.51".into();
    for more in [json!([more]), json!([payment(), payment()]), json!([accounts()]), json!([])] {
        world.drain();
        let refused = refreshed(&world, &narrowed, Some(&more)).expect(400);
        assert_eq!(refused.member("error"), "invalid_authorization_details", "{more}");
        assert_eq!(world.drain(), ["E3080"]);
    }
    // The refresh token keeps all of it.
    assert_eq!(details(&refreshed(&world, &narrowed, None).expect(200)), asks);
    assert_eq!(seen(&world, &narrowed), json!([less]), "a token is what it was");
    assert_eq!(seen(&world, &tokens), asks);
}

#[test]
fn accounts_are_those_that_the_customer_chose() {
    let world = World::new();
    let target = pushed(&world, &OPENID, None, &json!([accounts()]));
    let (mut browser, page) = asked(&world, &target);
    assert!(page.text().contains("See balances") && page.text().contains("See transactions"));
    assert_eq!(Page(page.text()).accounts(), ["alice-current", "alice-savings"]);
    let none = browser.submit(&page, &[("action", "allow")]);
    assert!(none.text().contains("id=\"accounts-error\""));
    let back = browser.submit(&none, &[("action", "allow"), ("account", "alice-savings")]);
    let tokens = redeemed(&world, &OPENID, &back, &[]).expect(200);
    let mut given = accounts();
    given["accounts"] = json!(["alice-savings"]);
    assert_eq!(details(&tokens), json!([given]));
    // Without a scope there is none to tell.
    assert!(tokens.json().get("scope").is_none() && tokens.json().get("id_token").is_none());
    let told = introspected(&world, &tokens.member("access_token"));
    assert!(told.get("scope").is_none() && told["accounts"] == json!(["alice-savings"]), "{told}");
    let mut less = given.clone();
    less["actions"] = json!(["read_balances"]);
    let narrowed = refreshed(&world, &tokens, Some(&json!([less]))).expect(200);
    assert_eq!(seen(&world, &narrowed), json!([less]));
    less["accounts"] = json!(["alice-current"]);
    refreshed(&world, &narrowed, Some(&json!([less]))).expect(400);
    less.as_object_mut().unwrap().remove("accounts");
    refreshed(&world, &narrowed, Some(&json!([less]))).expect(400);
}

#[test]
fn an_account_that_was_not_asked_for_cannot_be_chosen() {
    let world = World::new();
    let mut one = accounts();
    one["accounts"] = json!(["alice-savings", "somebody-elses"]);
    let (mut browser, page) = asked(&world, &pushed(&world, &OPENID, None, &json!([one])));
    assert_eq!(Page(page.text()).accounts(), ["alice-savings"]);
    let forged = browser.submit(&page, &[("action", "allow"), ("account", "alice-current")]);
    assert!(forged.text().contains("id=\"accounts-error\""));
    let back = browser.allow(&page);
    one["accounts"] = json!(["alice-savings"]);
    assert_eq!(details(&redeemed(&world, &OPENID, &back, &[]).expect(200)), json!([one]));
}

#[test]
fn a_code_can_be_redeemed_for_less_and_a_client_that_lost_a_type_has_it_no_more() {
    let world = World::new();
    let target = pushed(&world, &OPENID, Some("openid"), &json!([accounts(), payment()]));
    let (mut browser, page) = asked(&world, &target);
    assert!(page.text().contains("it can make no payment but the one below"));
    let back = browser.allow(&page);
    let more = json!([fdx("ONE_TIME")]).to_string();
    world.drain();
    redeemed(&world, &OPENID, &back, &[("authorization_details", &more)]).expect(400);
    assert_eq!(world.drain(), ["E3080"]);
    let less = json!([payment()]).to_string();
    let tokens = redeemed(&world, &OPENID, &back, &[("authorization_details", &less)]).expect(200);
    assert_eq!(details(&tokens), json!([payment()]));
    let all = refreshed(&world, &tokens, None).expect(200);
    assert_eq!(details(&all).as_array().unwrap().len(), 2);

    let mut client = world.client("standard", OPENID.id);
    client.metadata.details_types.retain(|name| &**name != "payment_initiation");
    world.register("standard", client);
    let left = refreshed(&world, &all, None).expect(200);
    assert_eq!(details(&left)[0]["type"], "account_information");
    assert_eq!(details(&left).as_array().unwrap().len(), 1);
}

#[test]
fn details_end_when_they_say_so() {
    let world = World::new();
    // Once: the refresh token does not outlive it.
    let target = pushed(&world, &OPENID, None, &json!([fdx("ONE_TIME")]));
    let (mut browser, page) = asked(&world, &target);
    for part in ["Your financial data", "From your accounts", "Once", "60 days", "Statements"] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    let tokens = redeemed(&world, &OPENID, &browser.allow(&page), &[]).expect(200);
    world.clock.advance(899);
    let tokens = refreshed(&world, &tokens, None).expect(200);
    assert_eq!(tokens.json()["expires_in"], 1);
    world.clock.advance(1);
    refreshed(&world, &tokens, None).expect(400);
    assert_eq!(introspected(&world, &tokens.member("access_token")), json!({"active": false}));
    // Until a day: the page says it.
    let mut until = accounts();
    until["expirationDate"] = "2027-01-31".into();
    let (_, page) = asked(&world, &pushed(&world, &OPENID, None, &json!([until])));
    assert!(page.text().contains("until <bdi class=\"nb\">31 January 2027</bdi>."));
    let (_, page) = asked(&world, &pushed(&world, &OPENID, None, &json!([fdx("PERSISTENT")])));
    assert!(page.text().contains("Until it ends or you stop it"));
}

#[test]
fn details_are_for_one_time_and_are_asked_again() {
    let world = World::new();
    let asks = json!([payment()]);
    let (mut browser, page) = asked(&world, &pushed(&world, &OPENID, Some("openid"), &asks));
    browser.allow(&page);
    // The scope was allowed before; the payment is another one.
    let again = browser.open(&pushed(&world, &OPENID, Some("openid"), &asks)).expect(200);
    assert!(again.text().contains("id=\"consent-allow\""));
    let plain = format!(
        "{}/authorize?{}",
        OPENID.base,
        encoded(&[
            ("client_id", OPENID.id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
        ])
    );
    let silent = browser.open(&plain);
    let tokens = redeemed(&world, &OPENID, &silent, &[]).expect(200);
    assert!(tokens.json().get("authorization_details").is_none(), "no payment comes with a login");
}

#[test]
fn a_signed_access_token_says_what_it_is_for_and_how_the_customer_signed_in() {
    let world = World::new();
    let asks = json!([payment()]);
    let (mut browser, page) = asked(&world, &pushed(&world, &JWT, Some("openid"), &asks));
    let tokens = redeemed(&world, &JWT, &browser.allow(&page), &[]).expect(200);
    let issuer = world.issuer("standard");
    let keys = issuer.keys.iter().map(|key| (key.kid.as_str(), &*key.verifying, key.alg));
    let token = tokens.member("access_token");
    let claims = jwt::verify_own(&token, "at+jwt", keys).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["authorization_details"], asks);
    let told = introspected(&world, &token);
    assert_eq!(told["authorization_details"], asks);
    for name in ["auth_time", "acr"] {
        assert!(!told[name].is_null() && told[name] == claims[name], "{name}: {told}");
    }
}

#[test]
fn only_published_types_can_be_asked_for_and_every_one_has_a_schema() {
    let world = World::new();
    for base in ["/o/standard", "/o/fapi2", "/o/fapi2-ms"] {
        let get = |path: &str| world.send(crate::wire::Ask::get(&format!("{base}{path}")));
        let metadata = get("/.well-known/openid-configuration").expect(200).json();
        let types = metadata["authorization_details_types_supported"].as_array().unwrap();
        assert_eq!(types, &["account_information", "payment_initiation", "fdx_v1.0"]);
        for name in types {
            let schema = get(&format!("/authorization-details/{}", name.as_str().unwrap()));
            assert_eq!(schema.header("content-type"), Some("application/schema+json"));
            assert_eq!(schema.expect(200).json()["title"], *name);
        }
        get("/authorization-details/anything").expect(404);
    }
}
