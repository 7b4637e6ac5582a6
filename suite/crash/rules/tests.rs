//! The rules see what they are there for, and nothing else.

use super::*;
use crate::history::{Call, Stamp};

/// Calls one after the other, written down in their order.
fn history(calls: &[(What, Said)]) -> Vec<String> {
    let stamp = |order| Stamp { order, disk: 0, second: 0 };
    let call = |(n, (what, said)): (usize, &(What, Said))| Call {
        begin: stamp(2 * n as u64),
        end: stamp(2 * n as u64 + 1),
        what: what.clone(),
        said: said.clone(),
        request: None,
    };
    let calls: Vec<Call> = calls.iter().enumerate().map(call).collect();
    broken(&calls)
}

fn approved(code: &str) -> (What, Said) {
    (What::Approve { scope: "accounts openid".into() }, Said::Code(code.into()))
}

fn redeem(code: &str, said: Said) -> (What, Said) {
    (What::Redeem { code: code.into(), by: By::Owner }, said)
}

fn refresh(token: &str, said: Said) -> (What, Said) {
    (What::Refresh { token: token.into() }, said)
}

fn look(token: &str, said: Said) -> (What, Said) {
    (What::Look { token: token.into() }, said)
}

fn tokens(access: &str, refresh: &str) -> Said {
    let refresh = (!refresh.is_empty()).then(|| refresh.into());
    Said::Tokens { access: access.into(), refresh, scope: None }
}

fn active() -> Said {
    Said::Active { scope: "accounts".into() }
}

fn no() -> Said {
    Said::Refused("no".into())
}

/// One fault, of this rule.
fn seen(rule: &str, calls: &[(What, Said)]) {
    let faults = history(calls);
    assert!(faults.iter().any(|fault| fault.starts_with(rule)), "{rule}: {faults:?}");
}

fn sound(calls: &[(What, Said)]) {
    assert_eq!(history(calls), [""; 0]);
}

#[test]
fn a_code_is_spent_once_and_by_its_client() {
    let (first, second) = (redeem("c", tokens("a", "r")), redeem("c", tokens("a2", "r2")));
    seen("I1", &[approved("c"), first.clone(), second.clone()]);
    seen("I1", &[approved("c"), redeem("c", Said::Nothing), first.clone(), second]);
    let by_another = (What::Redeem { code: "c".into(), by: By::Stranger }, tokens("a", "r"));
    seen("I1", &[approved("c"), by_another]);
    seen("I1", &[approved("c"), first.clone(), redeem("c", no()), look("a", active())]);
    sound(&[approved("c"), first, redeem("c", no()), look("a", Said::Inactive)]);
}

#[test]
fn a_refresh_token_has_one_successor_and_its_replay_ends_the_family() {
    let begun = [approved("c"), redeem("c", tokens("a", "r1"))];
    let with = |more: &[(What, Said)]| [&begun[..], more].concat();
    let (once, retried) = (refresh("r1", tokens("b", "r2")), refresh("r1", tokens("b2", "r2")));
    sound(&with(&[once.clone(), retried.clone(), look("a", active())]));
    seen("I2", &with(&[once.clone(), refresh("r1", tokens("b", "r3"))]));
    let used = refresh("r2", tokens("d", "r3"));
    seen("I2", &with(&[once.clone(), used.clone(), retried]));
    let replayed = refresh("r1", no());
    seen("I2", &with(&[once.clone(), used.clone(), replayed.clone(), look("d", active())]));
    sound(&with(&[once, used, replayed, look("d", Said::Inactive), refresh("r3", no())]));
}

#[test]
fn what_was_acknowledged_is_there() {
    seen("I13", &[approved("c"), redeem("c", no())]);
    let begun = [approved("c"), redeem("c", tokens("a", "r1"))];
    let with = |more: &[(What, Said)]| [&begun[..], more].concat();
    seen("I13", &with(&[look("a", Said::Inactive)]));
    seen("I13", &with(&[refresh("r1", no())]));
    let chain = [refresh("r1", tokens("b", "r2")), refresh("r2", tokens("d", "r3"))];
    let chain = |more: &[(What, Said)]| with(&[&chain[..], more].concat());
    seen("I13", &chain(&[refresh("r3", no())]));
    seen("I13", &chain(&[refresh("r2", Said::Nothing), refresh("r3", no())]));
    // Nobody knows: the first was not answered, so the second may have been a replay.
    sound(&[approved("c"), redeem("c", Said::Nothing), redeem("c", no())]);
    sound(&chain(&[refresh("r1", Said::Nothing), refresh("r3", no())]));
    let revoke = |said| (What::Revoke { token: "r3".into() }, said);
    sound(&chain(&[revoke(Said::Nothing), refresh("r3", no())]));
    seen("I3", &chain(&[revoke(Said::Done), look("a", active())]));
}

#[test]
fn an_assertion_is_accepted_once() {
    let assert = |said| (What::Assert { assertion: "x".into(), scope: "VOP".into() }, said);
    seen("I6", &[assert(tokens("a", "")), assert(tokens("b", ""))]);
    seen("I6", &[assert(Said::Nothing), assert(tokens("a", "")), assert(tokens("b", ""))]);
    sound(&[assert(tokens("a", "")), assert(no())]);
}

#[test]
fn nobody_has_more_than_was_allowed() {
    let more = Said::Active { scope: "accounts payments".into() };
    seen("I5", &[approved("c"), redeem("c", tokens("a", "r")), look("a", more)]);
}

#[test]
fn a_suspended_client_gets_nothing_until_it_is_resumed() {
    let issue =
        |access| (What::Issue { client: "crashapp", scope: "OAC".into() }, tokens(access, ""));
    let suspend = (What::Suspend { client: "crashapp" }, Said::Done);
    let resume = (What::Resume { client: "crashapp" }, Said::Done);
    seen("I14", &[suspend.clone(), issue("a")]);
    let oac = Said::Active { scope: "OAC".into() };
    seen("I14", &[issue("a"), suspend.clone(), look("a", oac.clone())]);
    sound(&[issue("a"), suspend.clone(), look("a", Said::Inactive)]);
    sound(&[issue("a"), suspend, resume, look("a", oac), issue("b")]);
}
