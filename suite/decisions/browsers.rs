//! Browsers: cookies, logins, sessions, guesses.

use std::sync::Arc;

use counterfoil_engine::audit::What;
use counterfoil_engine::authorize::Browser;
use counterfoil_engine::ctx::Entropy as _;
use counterfoil_engine::handle::{Sealed, Session};
use counterfoil_engine::interaction::RefusedWhy;
use counterfoil_engine::limits::{
    LOGIN_ATTEMPTS_MAX, LOGIN_FAILURES_MAX, LOGIN_WINDOW_S, SESSION_TTL_S,
};
use counterfoil_engine::login::LoggedIn;
use counterfoil_engine::login::password::{Busy, Passwords};
use counterfoil_engine::store::{BoxFuture, Key};
use counterfoil_protocol::ids::SessionId;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::secret::{Digest, Secret};

use crate::dice::{Dice, now, step};
use crate::fixtures::{PASSWORD, tenant_id};
use crate::policies::policy;
use crate::ways::{code_of, refusal_of};
use crate::world::{Tab, World};

fn opened(world: &World) -> Tab {
    let started = now(world.start(None, &mut world.dice())).unwrap();
    Tab { id: started.id, cookie: started.cookie.unwrap() }
}

fn try_login(world: &World, tab: &Tab, login: &str, password: &str) -> Result<LoggedIn, Refusal> {
    let secret = Secret::new(password.into());
    let browser = Browser { cookie: Some(&tab.cookie), session: None };
    let mut dice = world.dice();
    now(world.engine.login(&mut world.call(&mut dice), tab.id, browser, (login, &secret)))
}

fn switch(world: &World, tab: &Tab) -> Result<(), Refusal> {
    let browser = Browser { cookie: Some(&tab.cookie), session: None };
    let mut dice = world.dice();
    now(world.engine.switch_customer(&mut world.call(&mut dice), tab.id, browser))
}

#[test]
fn the_address_of_an_authorization_is_worth_nothing_in_another_browser() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    let (other, _) = world.tab();
    let foreign = Tab { cookie: other.cookie, ..tab.clone() };
    let none = Tab { cookie: String::new(), ..tab.clone() };
    for stranger in [&foreign, &none] {
        let unknown = Refusal::InteractionUnknown;
        assert_eq!(world.say_yes(stranger).unwrap_err(), unknown);
        assert_eq!(world.say_no(stranger, RefusedWhy::Declined).unwrap_err(), unknown);
        assert_eq!(switch(&world, stranger).unwrap_err(), unknown);
        assert_eq!(try_login(&world, stranger, "ada", PASSWORD).unwrap_err(), unknown);
        let browser = Browser { cookie: Some(&stranger.cookie), session: None };
        let mut dice = world.dice();
        let call = world.call(&mut dice);
        assert_eq!(now(world.engine.question(&call, tab.id, browser)).unwrap_err(), unknown);
    }
    let no_cookie = Browser { cookie: None, session: None };
    let seen = now(world.engine.interaction(world.issuer(), tab.id, no_cookie));
    assert_eq!(seen.unwrap_err(), Refusal::InteractionUnknown);
    assert!(world.say_yes(&tab).is_ok());
}

#[test]
fn a_cookie_planted_before_the_login_is_dead_after_it() {
    let world = World::new(policy("mx"), 1);
    let planted = opened(&world);
    let tab = world.log_in(&planted);
    assert_ne!(planted.cookie, tab.cookie);
    assert_eq!(world.say_yes(&planted).unwrap_err(), Refusal::InteractionUnknown);
    assert!(world.say_yes(&tab).is_ok());
}

#[test]
fn a_login_that_took_its_time_is_judged_by_where_the_tab_is_now() {
    let world = World::new(policy("mx"), 1);
    let planted = opened(&world);
    let mut dice = Dice(7);
    let mut slow = Box::pin(world.login(&planted, PASSWORD, &mut dice));
    // Its cookie was good when it came in; now the password is being checked.
    for _ in 0..4 {
        assert!(step(&mut slow).is_none());
    }
    let tab = world.log_in(&planted);
    switch(&world, &tab).unwrap();
    assert_eq!(now(slow).unwrap_err(), Refusal::InteractionUnknown);
    assert!(world.say_yes(&world.log_in(&tab)).is_ok());
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_the_same() {
    let world = World::new(policy("mx"), 1);
    let tab = opened(&world);
    for (n, (login, password)) in
        [("ada", "wrong"), ("nobody", PASSWORD), ("", "x"), ("ada", "")].into_iter().enumerate()
    {
        let LoggedIn::Again { attempts_left } = try_login(&world, &tab, login, password).unwrap()
        else {
            unreachable!()
        };
        assert_eq!(usize::from(attempts_left), usize::from(LOGIN_ATTEMPTS_MAX) - 1 - n);
    }
    let LoggedIn::Finished(answer) = try_login(&world, &tab, "ada", "wrong").unwrap() else {
        unreachable!()
    };
    assert_eq!(refusal_of(&answer), Refusal::LoginThrottled);
    let late = try_login(&world, &tab, "ada", PASSWORD);
    assert_eq!(late.unwrap_err(), Refusal::InteractionUnknown, "this authorization is over");
    assert_eq!(world.told(What::LoginFailed), usize::from(LOGIN_ATTEMPTS_MAX));
}

/// More passwords wait than is allowed.
struct AllBusy;

impl Passwords for AllBusy {
    fn check<'a>(&'a self, _: Option<&'a str>, _: &'a Secret) -> BoxFuture<'a, Result<bool, Busy>> {
        Box::pin(async { Err(Busy) })
    }
}

/// Whoever floods the sign-in must not be able to lock a customer out.
#[test]
fn a_password_that_nobody_had_time_to_check_is_no_wrong_one() {
    let mut world = World::new(policy("mx"), 1);
    let tab = opened(&world);
    let commits = world.commits();
    let idle = std::mem::replace(&mut world.engine.passwords, Arc::new(AllBusy));
    for _ in 0..LOGIN_FAILURES_MAX + 1 {
        let busy = try_login(&world, &tab, "ada", PASSWORD).unwrap_err();
        assert_eq!((busy, busy.status(false)), (Refusal::Overloaded, 503));
    }
    assert_eq!(world.commits(), commits);
    assert_eq!(world.told(What::LoginFailed), 0);
    world.engine.passwords = idle;
    let LoggedIn::Again { attempts_left } = try_login(&world, &tab, "ada", "wrong").unwrap() else {
        unreachable!()
    };
    assert_eq!(attempts_left, LOGIN_ATTEMPTS_MAX - 1);
    assert!(world.say_yes(&world.log_in(&tab)).is_ok());
}

#[test]
fn the_right_password_forgives_the_wrong_ones_before_it() {
    let world = World::new(policy("mx"), 1);
    let tab = opened(&world);
    for _ in 1..LOGIN_ATTEMPTS_MAX {
        try_login(&world, &tab, "ada", "wrong").unwrap();
    }
    let tab = world.log_in(&tab);
    switch(&world, &tab).unwrap();
    let again = try_login(&world, &tab, "ada", "wrong").unwrap();
    assert!(matches!(again, LoggedIn::Again { attempts_left } if attempts_left == 4));
}

#[test]
fn guesses_are_bounded_per_name_whatever_the_browser() {
    let world = World::new(policy("mx"), 1);
    let (per_tab, mut guesses) = (u32::from(LOGIN_ATTEMPTS_MAX) - 1, 0);
    while guesses < LOGIN_FAILURES_MAX {
        let tab = opened(&world);
        for _ in 0..per_tab.min(LOGIN_FAILURES_MAX - guesses) {
            try_login(&world, &tab, "ada", "wrong").unwrap();
            guesses += 1;
        }
    }
    let tab = opened(&world);
    let throttled = try_login(&world, &tab, "ada", PASSWORD);
    assert_eq!(throttled.unwrap_err(), Refusal::LoginThrottled, "even the right one");
    world.clock.advance(LOGIN_WINDOW_S);
    assert!(try_login(&world, &tab, "ada", PASSWORD).is_ok());
}

#[test]
fn a_session_spares_the_next_login_and_ends() {
    let world = World::new(policy("mx"), 1);
    let (_, session) = world.tab();
    let started = |session: &str| now(world.start(Some(session), &mut world.dice())).unwrap();
    let next = started(&session);
    assert!(next.signed_in);
    let tab = Tab { id: next.id, cookie: next.cookie.unwrap() };
    assert!(world.say_yes(&tab).is_ok());
    assert!(!started("se_garbage").signed_in);
    assert!(!started(&session.replacen("se_", "at_", 1)).signed_in);
    world.clock.advance(SESSION_TTL_S - 1);
    assert!(started(&session).signed_in);
    world.clock.advance(1);
    assert!(!started(&session).signed_in);
}

#[test]
fn a_session_that_ends_meanwhile_spares_no_login() {
    let world = World::new(policy("mx"), 1);
    let (_, session) = world.tab();
    let mut dice = Dice(1);
    let mut start = Box::pin(world.start(Some(&session), &mut dice));
    for _ in 0..2 {
        assert!(step(&mut start).is_none());
    }
    // What it was decided on is gone before it is written.
    let opened: Sealed<Session> = Sealed::open(&session, &world.issuer().ring).unwrap();
    world.storm.set(Key::Session(tenant_id(), SessionId(opened.record())), None);
    assert!(!now(start).unwrap().signed_in);
}

#[test]
fn a_suspended_customer_cannot_sign_in() {
    let world = World::new(policy("mx"), 1);
    world.set_customer(true);
    let tab = opened(&world);
    let LoggedIn::Finished(answer) = try_login(&world, &tab, "ada", PASSWORD).unwrap() else {
        unreachable!()
    };
    assert_eq!(refusal_of(&answer), Refusal::AccessDenied);
    assert_eq!(world.told(What::LoginSucceeded), 0);
}

#[test]
fn somebody_else_may_sign_in_instead() {
    let world = World::new(policy("mx"), 1);
    let (tab, _) = world.tab();
    switch(&world, &tab).unwrap();
    let commits = world.commits();
    switch(&world, &tab).unwrap();
    assert_eq!(world.commits(), commits, "they have left already");
    assert_eq!(world.say_yes(&tab).unwrap_err(), Refusal::InteractionUnknown);
    let tab = world.log_in(&tab);
    let code = code_of(&world.say_yes(&tab).unwrap()).to_owned();
    assert_eq!(switch(&world, &tab).unwrap_err(), Refusal::InteractionUnknown, "it was answered");
    assert!(world.redeem(&code).is_ok());
}

#[test]
fn a_form_of_ours_belongs_to_one_browser() {
    let world = World::new(policy("mx"), 1);
    let (mut one, mut other) = (Dice(1), Dice(2));
    let (one, other) = (Digest::known(one.bytes32()), Digest::known(other.bytes32()));
    let issuer = world.issuer();
    assert_eq!(issuer.anti_forgery(&one), issuer.anti_forgery(&one));
    assert_ne!(issuer.anti_forgery(&one), issuer.anti_forgery(&other));
}
