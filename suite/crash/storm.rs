//! Everything that goes on at once while the server dies, and what is asked of it afterwards.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::actors::{Actors, MX, Whose, credentials};
use crate::history::{By, Call, History, Said, What};

/// The client that an operator suspends and resumes.
const CRASHAPP: &str = "crashapp";
/// Chains that are refreshed at the same time.
const CHAINS: usize = 2;
/// How much is asked again after a start.
const LOOKS_MAX: usize = 14;
const CODES_MAX: usize = 5;

/// A customer's grant at a client that refreshes and refreshes.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    code: String,
    /// The newest refresh tokens, at most three of them, the newest last.
    tokens: Vec<String>,
}

/// Refresh tokens that are remembered from one history to the next.
const TOKENS_KEPT: usize = 3;

/// What outlives a death of the server.
#[derive(Clone, Default)]
pub(crate) struct Estate {
    /// The sessions of the customer who allows, and of the one whose grants are refreshed.
    pub(crate) sessions: Option<(String, String)>,
    chains: Vec<Chain>,
    /// What the operator's file says.
    pub(crate) suspended: bool,
}

/// What an operator can do meanwhile.
pub(crate) trait Operator: Sync {
    /// Suspends or resumes [`CRASHAPP`]; whether it was told that this is done.
    fn suspend(&self, suspended: bool) -> bool;
}

impl Estate {
    /// Signs in where nobody has, opens chains, and writes down what is known from before.
    pub(crate) fn prepare(&mut self, actors: &Actors<'_>) -> Result<(), String> {
        if self.sessions.is_none() {
            self.sessions = Some((actors.sign_in("bob")?, actors.sign_in("ada")?));
        }
        let (_, ada) = self.sessions.clone().unwrap_or_default();
        self.chains.iter().for_each(|chain| chain.write_down(actors.history));
        while self.chains.len() < CHAINS {
            let code = actors.approve(&ada, "ada-current");
            let code = code.ok_or("an acknowledged login is gone")?;
            let Said::Tokens { refresh: Some(token), .. } = actors.redeem(&code, By::Owner) else {
                return Err("a good code was refused".into());
            };
            self.chains.push(Chain { code, tokens: vec![token] });
        }
        self.state_of_the_file(actors.history);
        Ok(())
    }

    /// A start applies what the file says.
    pub(crate) fn state_of_the_file(&self, history: &History) {
        let client = CRASHAPP;
        let what = if self.suspended { What::Suspend { client } } else { What::Resume { client } };
        history.known(what, Said::Done);
    }
}

impl Chain {
    fn write_down(&self, history: &History) {
        history.known(
            What::Approve { scope: "openid accounts".into() },
            Said::Code(self.code.clone()),
        );
        let mut what = What::Redeem { code: self.code.clone(), by: By::Owner };
        for (n, token) in self.tokens.iter().enumerate() {
            let (access, scope) = (format!("earlier-{n}-{token}"), None);
            history.known(what, Said::Tokens { access, refresh: Some(token.clone()), scope });
            what = What::Refresh { token: token.clone() };
        }
    }

    /// The tokens that a history tells of, the newest last, and whether the newest was presented
    /// without an answer.
    fn at(&self, calls: &[Call]) -> (Vec<String>, bool) {
        let given = |call: &Call| match &call.said {
            Said::Tokens { refresh, .. } => refresh.clone(),
            _ => None,
        };
        let first = calls.iter().find_map(|call| {
            let of_it = matches!(&call.what, What::Redeem { code, .. } if *code == self.code);
            of_it.then(|| given(call)).flatten()
        });
        let mut tokens: Vec<String> = first.into_iter().collect();
        let asked = |token: &String, call: &&Call| matches!(&call.what, What::Refresh { token: t } if t == token);
        while let Some(newest) = tokens.last()
            && let Some(next) = calls.iter().filter(|c| asked(newest, c)).find_map(given)
        {
            // A fault that the rules tell of; here it must not lead in a circle.
            if tokens.contains(&next) {
                break;
            }
            tokens.push(next);
        }
        let open = tokens.last().is_some_and(|newest| {
            let unknown = |call: &Call| matches!(call.said, Said::Nothing | Said::Later);
            calls.iter().filter(|call| asked(newest, call)).any(unknown)
        });
        (tokens, open)
    }
}

/// Refreshes as long as there are answers.
fn refresher(actors: &Actors<'_>, chain: &Chain, going: &dyn Fn() -> bool) {
    let Some(mut newest) = chain.tokens.last().cloned() else { return };
    while going() {
        match actors.refresh(&newest) {
            Said::Tokens { refresh: Some(next), .. } => newest = next,
            _ => return,
        }
    }
}

/// Lets everybody ask until `over` returns, then until their last request has ended.
pub(crate) fn rage(
    actors: &Actors<'_>,
    estate: &mut Estate,
    operator: &dyn Operator,
    over: impl FnOnce(&History),
) {
    let stop = AtomicBool::new(false);
    let going = || !stop.load(Ordering::Relaxed);
    let (bob, _) = estate.sessions.clone().unwrap_or_default();
    let suspended = Mutex::new(estate.suspended);
    thread::scope(|scope| {
        for chain in &estate.chains {
            scope.spawn(|| refresher(actors, chain, &going));
        }
        scope.spawn(|| recipient(actors, &bob, &going));
        scope.spawn(|| ledger(actors, &going));
        scope.spawn(|| asserter(actors, &going));
        scope.spawn(|| operate(actors, operator, &suspended, &going));
        over(actors.history);
        stop.store(true, Ordering::Relaxed);
    });
    estate.suspended = suspended.into_inner().unwrap_or_default();
}

fn gone(said: &Said) -> bool {
    *said == Said::Nothing
}

/// Codes: good and bad redemptions, two at once, and some that are left for afterwards.
fn recipient(actors: &Actors<'_>, session: &str, going: &dyn Fn() -> bool) {
    let mut n = 0;
    while going() {
        n += 1;
        let Some(code) = actors.approve(session, "bob-current") else { return };
        let said = match n % 6 {
            // Left for afterwards.
            1 => continue,
            2 => {
                let wrong = actors.redeem(&code, By::WrongVerifier);
                if gone(&wrong) || gone(&actors.redeem(&code, By::Stranger)) {
                    return;
                }
                actors.redeem(&code, By::Owner)
            }
            3 => thread::scope(|scope| {
                let other = scope.spawn(|| actors.redeem(&code, By::Owner));
                let one = actors.redeem(&code, By::Owner);
                let other = other.join().unwrap();
                if gone(&one) { one } else { other }
            }),
            _ => actors.redeem(&code, By::Owner),
        };
        match said {
            Said::Tokens { access, refresh: Some(refresh), .. }
                if n % 6 == 4
                    && (gone(&actors.revoke(&refresh, MX))
                        || gone(&actors.look(&access, Whose::Mx))) =>
            {
                return;
            }
            Said::Nothing => return,
            _ => {}
        }
    }
}

/// Tokens in a client's own name: given, looked at, some of them given back.
fn ledger(actors: &Actors<'_>, going: &dyn Fn() -> bool) {
    let mut n = 0;
    while going() {
        n += 1;
        let client = if n % 2 == 0 { CRASHAPP } else { "finapp" };
        match actors.issue(client) {
            Said::Tokens { access, .. } if n % 3 == 0 => {
                let revoked = actors.revoke(&access, credentials(client));
                if gone(&revoked) || gone(&actors.look(&access, Whose::Fintecture)) {
                    return;
                }
            }
            Said::Nothing => return,
            _ => {}
        }
    }
}

/// Assertions that are used once, and some that are sent by two at the same time.
fn asserter(actors: &Actors<'_>, going: &dyn Fn() -> bool) {
    let mut n = 0;
    while going() {
        n += 1;
        let assertion = actors.assertion();
        let said = if n % 4 == 0 {
            thread::scope(|scope| {
                let other = scope.spawn(|| actors.assert(&assertion));
                let one = actors.assert(&assertion);
                let other = other.join().unwrap();
                if gone(&one) { one } else { other }
            })
        } else {
            actors.assert(&assertion)
        };
        if gone(&said) {
            return;
        }
    }
}

/// Suspends and resumes once in a while.
fn operate(
    actors: &Actors<'_>,
    operator: &dyn Operator,
    suspended: &Mutex<bool>,
    going: &dyn Fn() -> bool,
) {
    let mut seen = actors.history.answers();
    while going() {
        seen += 20;
        if !actors.history.wait_for(seen, going) {
            return;
        }
        let Ok(mut now) = suspended.lock() else { return };
        *now = !*now;
        let client = CRASHAPP;
        let what = if *now { What::Suspend { client } } else { What::Resume { client } };
        let begin = actors.history.now();
        let done = operator.suspend(*now);
        actors.history.told(begin, what, (if done { Said::Done } else { Said::Nothing }, None));
        if !done {
            return;
        }
    }
}

/// Asks again for everything that was acknowledged, and for what was not. The rules judge.
pub(crate) fn ask_again(actors: &Actors<'_>, estate: &mut Estate, retire: bool) {
    let calls = actors.history.calls();
    for chain in &estate.chains {
        let (tokens, open) = chain.at(&calls);
        if let ([.., previous, _], false) = (tokens.as_slice(), open) {
            // The last answer arrived, and perhaps not: asking again leads to the same successor.
            actors.refresh(previous);
        }
        if let Some(newest) = tokens.last() {
            actors.refresh(newest);
            actors.refresh(newest);
        }
    }
    tokens_again(actors, &calls);
    codes_again(actors, &calls, &estate.chains);
    assertions_again(actors, &calls);
    if let Said::Tokens { access, .. } = actors.issue(CRASHAPP) {
        actors.look(&access, Whose::Fintecture);
    }
    let calls = actors.history.calls();
    for chain in &mut estate.chains {
        let (tokens, _) = chain.at(&calls);
        chain.tokens = tokens[tokens.len().saturating_sub(TOKENS_KEPT)..].to_vec();
    }
    let long = |chain: &Chain| chain.tokens.len() == TOKENS_KEPT;
    if retire && let Some(at) = estate.chains.iter().position(long) {
        // A token whose successor was used is a replay, for ever; it ends everything.
        let chain = estate.chains.swap_remove(at);
        for token in chain.tokens.first().into_iter().chain(chain.tokens.last()) {
            actors.refresh(token);
        }
    }
}

fn tokens_again(actors: &Actors<'_>, calls: &[Call]) {
    let whose = |what: &What| match what {
        What::Redeem { .. } | What::Refresh { .. } => Some(Whose::Mx),
        What::Issue { .. } => Some(Whose::Fintecture),
        What::Assert { .. } => Some(Whose::Worldline),
        _ => None,
    };
    let given = calls.iter().rev().filter_map(|call| match (&call.said, whose(&call.what)) {
        (Said::Tokens { access, .. }, Some(whose)) if !access.starts_with("earlier-") => {
            Some((access, whose))
        }
        _ => None,
    });
    let given: Vec<_> = given.collect();
    // What was given back is looked at first: it must be dead.
    let back = |token: &str| {
        let revoked = |call: &Call| matches!(&call.what, What::Revoke { token: t } if t == token);
        calls.iter().any(revoked)
    };
    let dead = given.iter().filter(|(token, _)| back(token)).take(LOOKS_MAX / 2);
    for (token, whose) in dead.chain(given.iter().take(LOOKS_MAX)) {
        actors.look(token, *whose);
    }
}

fn codes_again(actors: &Actors<'_>, calls: &[Call], chains: &[Chain]) {
    let mut looked_at = 0;
    for call in calls.iter().rev() {
        let (What::Approve { .. }, Said::Code(code)) = (&call.what, &call.said) else { continue };
        let attempts: Vec<&Call> = calls
            .iter()
            .filter(|c| matches!(&c.what, What::Redeem { code: c, by: By::Owner } if c == code))
            .collect();
        // A second redemption would end a chain that goes on.
        let chained = chains.iter().any(|chain| chain.code == *code);
        if chained || looked_at == CODES_MAX {
            continue;
        }
        looked_at += 1;
        for _ in 0..2 {
            if let Said::Tokens { access, .. } = actors.redeem(code, By::Owner) {
                actors.look(&access, Whose::Mx);
            }
        }
        for attempt in attempts {
            if let Said::Tokens { access, .. } = &attempt.said {
                actors.look(access, Whose::Mx);
            }
        }
    }
}

fn assertions_again(actors: &Actors<'_>, calls: &[Call]) {
    let asserted = calls.iter().rev().filter_map(|call| match &call.what {
        What::Assert { assertion, .. } => Some((assertion, &call.said)),
        _ => None,
    });
    let asserted: Vec<_> = asserted.collect();
    let open = asserted.iter().filter(|(_, said)| gone(said));
    for (assertion, _) in open.chain(asserted.iter().take(3)) {
        actors.assert(assertion);
        actors.assert(assertion);
    }
}
