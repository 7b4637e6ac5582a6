//! What must hold of every history (attacks.md section 7): functions of what was asked and told, and
//! of nothing else. What the store must hold besides is in `inspect.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{By, Call, Said, What};

/// A client's own scopes: what it may have without a customer.
const OWN: [(&str, &str); 3] = [
    (
        "finapp",
        "OAC organisations:read organisations:write companies:read companies:write users:read \
         users:write applications:read applications:write",
    ),
    ("crashapp", "OAC organisations:read"),
    ("worldline", "VOP WERO"),
];

/// A code lives 60 s; one that is older than this may have ended by itself.
const CODE_SURE_S: u64 = 45;

/// Everything that is wrong with a history; nothing, if nothing is.
pub(crate) fn broken(calls: &[Call]) -> Vec<String> {
    let family = Family::of(calls);
    let mut faults = vec![];
    codes(calls, &family, &mut faults);
    refreshes(calls, &family, &mut faults);
    assertions(calls, &mut faults);
    scopes(calls, &family, &mut faults);
    suspensions(calls, &family, &mut faults);
    what_ended(calls, &family, &mut faults);
    what_lives(calls, &family, &mut faults);
    faults
}

/// Which tokens descend from which code or request.
struct Family<'c> {
    root: BTreeMap<&'c str, &'c str>,
    /// The scope that was allowed at the root.
    scope: BTreeMap<&'c str, &'c str>,
    client: BTreeMap<&'c str, &'static str>,
    refresh: BTreeSet<&'c str>,
}

impl<'c> Family<'c> {
    fn of(calls: &'c [Call]) -> Self {
        let (mut root, mut scope) = (BTreeMap::new(), BTreeMap::new());
        let (mut client, mut refresh) = (BTreeMap::new(), BTreeSet::new());
        // An answer may come after a call that already uses what it told: until nothing is new.
        let mut known = usize::MAX;
        while known != root.len() {
            known = root.len();
            for Call { what, said, .. } in calls {
                match (what, said) {
                    (What::Approve { scope: allowed }, Said::Code(code)) => {
                        root.insert(code.as_str(), code.as_str());
                        scope.insert(code.as_str(), allowed.as_str());
                    }
                    (
                        What::Redeem { code: from, .. } | What::Refresh { token: from },
                        Said::Tokens { access, refresh: next, .. },
                    ) => {
                        let Some(&of) = root.get(from.as_str()) else { continue };
                        root.insert(access, of);
                        if let Some(next) = next {
                            root.insert(next, of);
                            refresh.insert(next.as_str());
                        }
                    }
                    (
                        What::Issue { client: by, .. },
                        Said::Tokens { access, refresh: next, .. },
                    ) => {
                        client.insert(access.as_str(), *by);
                        scope.insert(access, own(by));
                        root.insert(access, access.as_str());
                        if let Some(next) = next {
                            root.insert(next, access);
                            refresh.insert(next.as_str());
                            client.insert(next, *by);
                        }
                    }
                    (What::Assert { .. }, Said::Tokens { access, .. }) => {
                        root.insert(access, access.as_str());
                        scope.insert(access, own("worldline"));
                    }
                    _ => {}
                }
            }
        }
        Self { root, scope, client, refresh }
    }

    fn same(&self, one: &str, other: &str) -> bool {
        self.root.get(one).is_some_and(|root| self.root.get(other) == Some(root))
    }
}

fn own(client: &str) -> &'static str {
    OWN.iter().find(|(name, _)| *name == client).map_or("", |(_, scope)| scope)
}

fn gave(call: &Call) -> bool {
    matches!(call.said, Said::Tokens { .. })
}

fn short(token: &str) -> &str {
    token.get(..24).unwrap_or(token)
}

/// I1: a code gives tokens once, and to its client with its verifier only.
fn codes(calls: &[Call], family: &Family<'_>, faults: &mut Vec<String>) {
    let mut spent: BTreeMap<&str, &Call> = BTreeMap::new();
    for call in calls {
        let What::Redeem { code, by } = &call.what else { continue };
        if gave(call) && *by != By::Owner {
            faults.push(format!("I1: {by:?} redeemed {}", short(code)));
        }
        if gave(call) && spent.insert(code, call).is_some() {
            faults.push(format!("I1: {} was redeemed twice", short(code)));
        }
    }
    // A second valid redemption revokes.
    for call in calls {
        let What::Redeem { code, by: By::Owner } = &call.what else { continue };
        let replayed = spent.get(code.as_str()).is_some_and(|first| first.before(call));
        if replayed && matches!(call.said, Said::Refused(_)) {
            alive_after(calls, call, |token| family.same(token, code), "I1: a replay", faults);
        }
    }
}

/// I2: one successor for each refresh token, and a replay ends the family.
fn refreshes(calls: &[Call], family: &Family<'_>, faults: &mut Vec<String>) {
    let mut next: BTreeMap<&str, (&str, &Call)> = BTreeMap::new();
    for call in calls {
        if let (What::Refresh { token }, Said::Tokens { refresh: Some(successor), .. }) =
            (&call.what, &call.said)
        {
            let (known, _) = next.entry(token).or_insert((successor, call));
            if known != successor {
                faults.push(format!("I2: two successors of {}", short(token)));
            }
        }
    }
    for call in calls {
        let What::Refresh { token } = &call.what else { continue };
        let Some((successor, _)) = next.get(token.as_str()) else { continue };
        let superseded = next.get(successor).is_some_and(|(_, used)| used.before(call));
        if superseded && gave(call) {
            faults.push(format!("I2: {} was honoured after its successor", short(token)));
        }
        if superseded && matches!(call.said, Said::Refused(_)) {
            alive_after(calls, call, |other| family.same(other, token), "I2: a replay", faults);
        }
    }
}

/// Nothing that is `meant` is alive in a call that was sent after `ended` was answered.
fn alive_after(
    calls: &[Call],
    ended: &Call,
    meant: impl Fn(&str) -> bool,
    why: &str,
    faults: &mut Vec<String>,
) {
    for call in calls.iter().filter(|call| ended.before(call)) {
        let alive = match (&call.what, &call.said) {
            (What::Look { token }, Said::Active { .. }) if meant(token) => token,
            (What::Refresh { token }, Said::Tokens { .. }) if meant(token) => token,
            _ => continue,
        };
        faults.push(format!("{why} was answered, and {} is alive", short(alive)));
    }
}

/// I6: an assertion is accepted once.
fn assertions(calls: &[Call], faults: &mut Vec<String>) {
    let mut accepted = BTreeSet::new();
    for call in calls.iter().filter(|call| gave(call)) {
        if let What::Assert { assertion, .. } = &call.what
            && !accepted.insert(assertion)
        {
            faults.push("I6: an assertion was accepted twice".into());
        }
    }
}

/// I5: nobody has more than was allowed.
fn scopes(calls: &[Call], family: &Family<'_>, faults: &mut Vec<String>) {
    for call in calls {
        let (token, has) = match (&call.what, &call.said) {
            (What::Look { token }, Said::Active { scope }) => (token, scope),
            (_, Said::Tokens { access, scope: Some(scope), .. }) => (access, scope),
            _ => continue,
        };
        let Some(allowed) = family.root.get(token.as_str()).and_then(|r| family.scope.get(r))
        else {
            continue;
        };
        if let Some(more) = has.split(' ').find(|one| !allowed.split(' ').any(|a| a == *one)) {
            faults.push(format!("I5: {} has `{more}`, allowed was `{allowed}`", short(token)));
        }
    }
}

/// I14: a suspended client gets nothing, and nothing it has is alive.
fn suspensions(calls: &[Call], family: &Family<'_>, faults: &mut Vec<String>) {
    for suspended in calls.iter().filter(|call| call.said == Said::Done) {
        let What::Suspend { client } = suspended.what else { continue };
        for call in calls.iter().filter(|call| suspended.before(call)) {
            let resumed = |other: &Call| {
                other.what == (What::Resume { client })
                    && other.may_precede(call)
                    && !other.before(suspended)
            };
            if calls.iter().any(resumed) {
                continue;
            }
            let bad = match (&call.what, &call.said) {
                (What::Issue { client: by, .. }, Said::Tokens { .. }) => *by == client,
                (What::Look { token }, Said::Active { .. }) => {
                    family.client.get(token.as_str()) == Some(&client)
                }
                _ => false,
            };
            if bad {
                faults.push(format!("I14: {client} is suspended and goes on: {:?}", call.what));
            }
        }
    }
}

/// I3: what was revoked is dead for every later request.
fn what_ended(calls: &[Call], family: &Family<'_>, faults: &mut Vec<String>) {
    for revoked in calls.iter().filter(|call| call.said == Said::Done) {
        let What::Revoke { token } = &revoked.what else { continue };
        let whole = family.refresh.contains(token.as_str());
        let meant = |other: &str| other == token || whole && family.same(other, token);
        alive_after(calls, revoked, meant, "I3: a revocation", faults);
    }
}

/// I13: what was acknowledged is there, unless something that may have ended it was begun.
fn what_lives(calls: &[Call], family: &Family<'_>, faults: &mut Vec<String>) {
    let told: BTreeMap<&str, &Call> = calls
        .iter()
        .flat_map(|call| match &call.said {
            Said::Code(code) => vec![(code.as_str(), call)],
            Said::Tokens { access, refresh, .. } => {
                let refresh = refresh.as_deref().map(|refresh| (refresh, call));
                [(access.as_str(), call)].into_iter().chain(refresh).collect()
            }
            _ => vec![],
        })
        .rev()
        .collect();
    for call in calls {
        let (token, gone) = match (&call.what, &call.said) {
            (What::Look { token }, Said::Inactive) => (token, "a token"),
            (What::Refresh { token }, Said::Refused(_)) => (token, "a refresh token"),
            (What::Redeem { code, by: By::Owner }, Said::Refused(_)) => (code, "an approval"),
            _ => continue,
        };
        let acknowledged = told.get(token.as_str()).is_some_and(|told| {
            let old = call.end.second.saturating_sub(told.begin.second) > CODE_SURE_S;
            told.before(call) && !(old && matches!(call.what, What::Redeem { .. }))
        });
        // A refresh can be the replay that ends its own token; a first redemption cannot.
        let itself = matches!(&call.what, What::Refresh { .. });
        let ended = |other: &Call| {
            (itself || other != call)
                && other.may_precede(call)
                && may_end(other, token, family, calls)
        };
        if acknowledged && !calls.iter().any(ended) {
            let said = if let Said::Refused(why) = &call.said { why } else { "" };
            faults.push(format!("I13: {gone} that was acknowledged is gone: {token} {said}"));
        }
    }
}

/// Whether a call, answered or not, may be the end of `token`.
fn may_end(call: &Call, token: &str, family: &Family<'_>, calls: &[Call]) -> bool {
    match &call.what {
        What::Revoke { token: revoked } => revoked == token || family.same(revoked, token),
        What::Suspend { client } => family.client.get(token) == Some(client),
        What::Redeem { code, by: By::Owner } if code == token => true,
        // The second redemption is a replay.
        What::Redeem { code, by: By::Owner } => {
            let again = |other: &&Call| matches!(&other.what, What::Redeem { code: c, by: By::Owner } if c == code);
            family.same(code, token) && calls.iter().filter(again).count() > 1
        }
        // A replay, if a successor may have been used before it arrived.
        What::Refresh { token: used } => {
            let follows = |next: &str| {
                calls.iter().any(|one| {
                    matches!(&one.what, What::Refresh { token: t } if t == used)
                        && matches!(&one.said, Said::Tokens { refresh: Some(n), .. } if n == next)
                })
            };
            let overtakes = |later: &Call| {
                matches!(&later.what, What::Refresh { token: t } if t != used && follows(t))
                    && later.may_precede(call)
            };
            family.same(used, token) && calls.iter().any(overtakes)
        }
        What::Approve { .. }
        | What::Redeem { .. }
        | What::Issue { .. }
        | What::Assert { .. }
        | What::Resume { .. }
        | What::Look { .. } => false,
    }
}

#[cfg(test)]
#[path = "rules/tests.rs"]
mod tests;
