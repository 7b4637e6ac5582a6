//! The authorization endpoint: what is checked before a customer is asked, and what they answer.

use counterfoil_engine::authorize::{
    Approval, AuthorizeError, Browser, Outcome, Received, Unpacked,
};
use counterfoil_engine::consent::{ConsentState, Shown};
use counterfoil_engine::grant::CodeState;
use counterfoil_engine::interaction::{RefusedWhy, Step};
use counterfoil_engine::limits::INTERACTION_TTL_S;
use counterfoil_engine::store::{Key, Record};
use counterfoil_engine::subject::Scenario;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::AccountId;
use counterfoil_protocol::refusal::{Fault, Refusal};

use crate::dice::{Dice, now, step};
use crate::fixtures::{self, CALLBACK, OWNER, PASSWORD, RIVAL};
use crate::policies::{FAPI2, policy};
use crate::ways::{code_of, refusal_of};
use crate::world::{Tab, World, at};

fn validate(world: &World, form: &[(&str, &str)]) -> Result<(), AuthorizeError> {
    let form = Form::of(form.iter().copied());
    let mut dice = world.dice();
    let call = world.call(&mut dice);
    let client_id = form.one("client_id").unwrap().unwrap_or_default();
    let unpacked = Unpacked::default();
    let received = Received { form: &form, client_id, default_scope: None, unpacked: &unpacked };
    now(world.engine.validate(&call, received)).map(|_| ())
}

/// The usual request, with one parameter changed; `None` leaves it out.
fn with(name: &'static str, value: Option<&str>) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("response_type", "code".to_owned()),
        ("client_id", OWNER.into()),
        ("redirect_uri", CALLBACK.into()),
        ("scope", "openid accounts".into()),
        ("state", "s%26t".into()),
        ("code_challenge", fixtures::challenge()),
        ("code_challenge_method", "S256".into()),
    ];
    all.retain(|(known, _)| *known != name);
    all.extend(value.map(|value| (name, value.to_owned())));
    all
}

#[test]
fn nobody_is_redirected_to_where_nobody_registered() {
    let world = World::new(policy("mx"), 1);
    let long = "s".repeat(5_000);
    let parameter = Refusal::Parameter;
    for (name, value, why) in [
        ("client_id", Some("nobody"), Refusal::ClientUnknown),
        ("client_id", Some(fixtures::RESOURCE_SERVER), Refusal::RedirectUnregistered),
        ("client_id", None, Refusal::ClientUnknown),
        ("redirect_uri", None, parameter("redirect_uri", Fault::Missing)),
        ("redirect_uri", Some("https://evil.example/cb"), Refusal::RedirectUnregistered),
        ("redirect_uri", Some("https://tpp.example/cb/"), Refusal::RedirectUnregistered),
        ("redirect_uri", Some("https://tpp.example/cb?x=1"), Refusal::RedirectUnregistered),
        ("redirect_uri", Some("not a uri"), Refusal::RedirectUnregistered),
    ] {
        let form = with(name, value);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, &**value)).collect();
        match validate(&world, &form).unwrap_err() {
            AuthorizeError::Show { why: shown, .. } => assert_eq!(shown, why, "{name}={value:?}"),
            AuthorizeError::Redirect { why, .. } => unreachable!("{name}: {why:?}"),
        }
    }
    for (name, value, why) in [
        ("response_type", Some("token"), Refusal::ResponseTypeUnknown),
        ("response_type", None, parameter("response_type", Fault::Missing)),
        ("scope", None, Refusal::ScopeMissing),
        ("scope", Some("accounts"), Refusal::ScopeNotAllowed),
        ("scope", Some("openid payments"), Refusal::ScopeNotAllowed),
        ("code_challenge", None, parameter("code_challenge", Fault::Missing)),
        ("code_challenge", Some("short"), parameter("code_challenge", Fault::Malformed)),
        ("code_challenge_method", None, parameter("code_challenge_method", Fault::Missing)),
        (
            "code_challenge_method",
            Some("plain"),
            parameter("code_challenge_method", Fault::Malformed),
        ),
        ("state", Some(&long), parameter("state", Fault::Malformed)),
        ("nonce", Some(&long), parameter("nonce", Fault::Malformed)),
    ] {
        let form = with(name, value);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, &**value)).collect();
        match validate(&world, &form).unwrap_err() {
            AuthorizeError::Redirect { to, state, why: told, .. } => {
                assert_eq!(told, why, "{name}={value:?}");
                assert_eq!(to.uri().as_str(), CALLBACK);
                assert_eq!(state.as_deref(), (name != "state").then_some("s%26t"));
            }
            AuthorizeError::Show { why, .. } => unreachable!("{name}: {why:?}"),
        }
    }
    let usual = with("state", Some("1"));
    let mut usual: Vec<_> = usual.iter().map(|(name, value)| (*name, &**value)).collect();
    assert!(validate(&world, &usual).is_ok());
    usual.push(("scope", "openid"));
    let repeated = validate(&world, &usual).unwrap_err();
    let AuthorizeError::Redirect { why, .. } = repeated else { unreachable!() };
    assert_eq!(why, parameter("scope", Fault::Repeated));
}

#[test]
fn a_client_of_another_surface_or_without_codes_goes_no_further() {
    let world = World::new(&FAPI2, 1);
    let form = with("state", Some("1"));
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, &**value)).collect();
    let mut client = world.client(OWNER);
    client.grants.retain(|name| &**name != "authorization_code");
    world.change(&client);
    let AuthorizeError::Redirect { why, .. } = validate(&world, &form).unwrap_err() else {
        unreachable!()
    };
    assert_eq!(why, Refusal::AuthorizeNotAllowed);
    client.surface = "mx".into();
    world.change(&client);
    let AuthorizeError::Show { why, .. } = validate(&world, &form).unwrap_err() else {
        unreachable!()
    };
    assert_eq!(why, Refusal::ClientUnknown);
}

#[test]
fn consent_grant_and_code_come_about_in_one_batch_or_not_at_all() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    world.storm.set_faults(1000);
    let mut refused = 0;
    while let Err(why) = world.say_yes(&tab) {
        assert_eq!(why, Refusal::StoreUnavailable);
        refused += 1;
        // Half of the commits that fail are written: then the answer is there to be asked for.
        if !world.subject().grants.is_empty() {
            break;
        }
        assert!(refused < 50);
    }
    world.storm.set_faults(0);
    let before = world.commits();
    let answer = world.say_yes(&tab).unwrap();
    assert_eq!(world.commits(), before, "nothing is written twice");
    let code = code_of(&answer).to_owned();
    let [id] = world.subject().grants[..] else { unreachable!() };
    let grant = world.grant(id).unwrap();
    assert!(matches!(grant.code, CodeState::Issued { .. }));
    let key = Key::Consent(fixtures::tenant_id(), grant.consent.as_ref().unwrap().id);
    let Some(Record::Consent(consent)) = world.storm.record(&key) else { unreachable!() };
    assert_eq!((consent.state, &consent.grants[..]), (ConsentState::Active, &[id][..]));
    assert_eq!((&consent.scope, consent.ends), (&grant.scope, grant.ends));
    assert!(world.redeem(&code).is_ok());
}

#[test]
fn a_button_pressed_twice_gives_one_grant_and_the_same_code() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    let (mut one, mut other) = (Dice(1), Dice(2));
    let mut tasks =
        vec![Box::pin(world.approve(&tab, &mut one)), Box::pin(world.approve(&tab, &mut other))];
    let mut codes = vec![];
    while !tasks.is_empty() {
        tasks.retain_mut(|task| match step(task) {
            Some(answer) => {
                codes.push(code_of(&answer.unwrap()).to_owned());
                false
            }
            None => true,
        });
    }
    assert_eq!(codes[0], codes[1]);
    world.turn_keys();
    assert_eq!(code_of(&world.say_yes(&tab).unwrap()), codes[0], "also under another key");
    assert_eq!(world.subject().grants.len(), 1);
    world.redeem(&codes[0]).unwrap();
    assert_eq!(world.say_yes(&tab).unwrap_err(), Refusal::InteractionUnknown, "it is spent");
}

#[test]
fn what_was_asked_for_is_given_back_byte_for_byte() {
    let world = World::new(policy("mx"), 1);
    let form = with("state", Some("a&b=%20+ü"));
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, &**value)).collect();
    let browser = Some(Browser { cookie: None, session: None });
    let mut dice = world.dice();
    let started = now(world.start_with(&form, world.channel(), browser, &mut dice)).unwrap();
    let tab = world.log_in(&Tab { id: started.id, cookie: started.cookie.unwrap() });
    let answer = world.say_yes(&tab).unwrap();
    assert_eq!(answer.state.as_deref(), Some("a&b=%20+ü"));
    assert_eq!(answer.uri().as_str(), CALLBACK);
}

#[test]
fn no_step_can_be_skipped() {
    let world = World::new(policy("mx"), 1);
    let started = now(world.start(None, &mut world.dice())).unwrap();
    assert!(!started.signed_in);
    let tab = Tab { id: started.id, cookie: started.cookie.unwrap() };
    assert_eq!(world.say_yes(&tab).unwrap_err(), Refusal::InteractionUnknown, "nobody signed in");
    let tab = world.log_in(&tab);
    let again = now(world.login(&tab, PASSWORD, &mut world.dice()));
    assert_eq!(again.unwrap_err(), Refusal::InteractionUnknown, "nor twice");
    assert!(world.say_yes(&tab).is_ok());
}

#[test]
fn a_no_is_told_to_the_client_and_is_final() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    let answer = world.say_no(&tab, RefusedWhy::Declined).unwrap();
    assert_eq!(refusal_of(&answer), Refusal::AccessDenied);
    assert_eq!(refusal_of(&world.say_yes(&tab).unwrap()), Refusal::AccessDenied);
    let (tab, _) = world.tab();
    let code = code_of(&world.say_yes(&tab).unwrap()).to_owned();
    let no = world.say_no(&tab, RefusedWhy::Declined).unwrap();
    assert_eq!(code_of(&no), code, "and so is a yes");
}

#[test]
fn accounts_are_the_customers_own_and_at_least_one() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    let approve = |accounts: &[&str], accounts_needed| {
        let accounts = accounts.iter().map(|id| AccountId::parse(id).unwrap()).collect();
        let shown = Shown { page_sha256: [3; 32], locale: "en".into(), template: "1".into() };
        let approval = Approval { accounts, accounts_needed, shown };
        let browser = Browser { cookie: Some(&tab.cookie), session: None };
        let mut dice = world.dice();
        now(world.engine.approve(&mut world.call(&mut dice), tab.id, browser, &approval))
    };
    assert_eq!(approve(&[], true).unwrap_err(), Refusal::AccountsMissing);
    assert_eq!(approve(&["current", "theirs"], true).unwrap_err(), Refusal::AccountsMissing);
    assert!(world.subject().grants.is_empty());
    let code = code_of(&approve(&["theirs"], false).unwrap()).to_owned();
    let issued = world.redeem(&code).unwrap();
    let seen = world.seen(at(&issued)).unwrap();
    assert!(seen.consent().unwrap().accounts.is_empty(), "none are shared where none are needed");
}

#[test]
fn an_authorization_has_its_time() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    let started = now(world.start(None, &mut world.dice())).unwrap();
    world.clock.advance(INTERACTION_TTL_S);
    assert_eq!(world.say_yes(&tab).unwrap_err(), Refusal::InteractionExpired);
    assert_eq!(world.say_no(&tab, RefusedWhy::Declined).unwrap_err(), Refusal::InteractionExpired);
    let browser = Browser { cookie: Some(&tab.cookie), session: None };
    let shown = now(world.engine.interaction(world.issuer(), tab.id, browser));
    assert_eq!(shown.unwrap_err(), Refusal::InteractionExpired, "nor is its page shown");
    let late = Tab { id: started.id, cookie: started.cookie.unwrap() };
    let login = now(world.login(&late, PASSWORD, &mut world.dice()));
    assert_eq!(login.unwrap_err(), Refusal::InteractionExpired);
}

#[test]
fn a_sandbox_customer_does_what_their_scenario_says() {
    for (scenario, why) in [
        (Scenario::Denied, Refusal::AccessDenied),
        (Scenario::ScaFail, Refusal::AuthenticationFailed),
    ] {
        let world = World::new(policy("mx"), 1);
        let mut subject = world.subject();
        subject.scenario = scenario;
        world.set_subject(subject);
        let started = now(world.start(None, &mut world.dice())).unwrap();
        let tab = Tab { id: started.id, cookie: started.cookie.unwrap() };
        let outcome = now(world.login(&tab, PASSWORD, &mut world.dice())).unwrap();
        let counterfoil_engine::login::LoggedIn::Finished(answer) = outcome else { unreachable!() };
        assert_eq!(refusal_of(&answer), why);
    }
    let world = World::new(policy("mx"), 1);
    let mut subject = world.subject();
    subject.scenario = Scenario::Expired;
    world.set_subject(subject);
    let code = world.code();
    assert_eq!(world.redeem(&code).unwrap_err(), Refusal::HandleExpired);
}

#[test]
fn the_page_knows_what_to_ask_and_of_whom() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    let browser = Browser { cookie: Some(&tab.cookie), session: None };
    let mut dice = world.dice();
    let call = world.call(&mut dice);
    let question = now(world.engine.question(&call, tab.id, browser)).unwrap();
    assert_eq!(question.client.id.as_str(), OWNER);
    assert_eq!(question.subject.id.as_str(), "psu");
    assert_eq!(question.ends, world.now().after(365 * 86_400));
    assert!(matches!(question.interaction.step, Step::Consent { .. }));
}

#[test]
fn one_customer_may_answer_many_clients() {
    let world = World::new(policy("mx"), 1);
    let code = world.code();
    let form = with("client_id", Some(RIVAL));
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, &**value)).collect();
    let browser = Some(Browser { cookie: None, session: None });
    let mut dice = world.dice();
    let started = now(world.start_with(&form, world.channel(), browser, &mut dice)).unwrap();
    let tab = world.log_in(&Tab { id: started.id, cookie: started.cookie.unwrap() });
    let answer = world.say_yes(&tab).unwrap();
    assert!(matches!(&answer.outcome, Outcome::Code { code: other, .. } if **other != *code));
    assert_eq!(world.redeem(code_of(&answer)).unwrap_err(), Refusal::ClientMismatch);
    assert!(world.redeem(&code).is_ok());
}
