//! What the outside world has seen so far, and what must therefore be true. It knows the promises of
//! the protocol and nothing of how the engine keeps them.
//!
//! Everything in one round overlaps; what was answered in an earlier round came before.

mod authorizations;
mod clients;
mod invariants;
mod tokens;

use std::collections::BTreeMap;

use counterfoil_engine::handle::Facts;
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use crate::act::{By, Op, Outcome, What};
use crate::fixtures;
use crate::world::{Tab, World};
use clients::{Registration, Signed, Switch};

pub(crate) type Tally = BTreeMap<&'static str, u64>;
pub(crate) type Verdict = Result<(), String>;

fn broken<T>(promise: impl Into<String>) -> Result<T, String> {
    Err(promise.into())
}

/// What came of one approval, or of a client's own grant with a refresh token.
struct Family {
    code: Option<String>,
    customer: Option<String>,
    grant: GrantId,
    /// When its first answer was heard.
    heard: usize,
    heard_at: Moment,
    /// Before this it cannot have existed.
    asked_at: Moment,
    redeems_begun: u32,
    redeemed: Option<usize>,
    /// It is over, and somebody was told so.
    dead: Option<usize>,
    /// Somebody has asked for what may end it.
    doomed: bool,
    /// Rounds in which a refresh that ends the access tokens before it was answered.
    turnovers: Vec<usize>,
}

/// One refresh token.
#[derive(Default)]
struct Chained {
    family: usize,
    begun: u32,
    successor: Option<String>,
    first_success: Option<(usize, Moment)>,
}

/// One access token.
struct Born {
    /// `None`: the client's own standing grant.
    family: Option<usize>,
    round: usize,
    facts: Facts,
    scope: ScopeSet,
    revocation_asked: bool,
    revocation_done: Option<usize>,
}

/// One authorization in a browser.
struct Visit {
    tab: Tab,
    begun_at: Moment,
    signed_in: bool,
    login_begun: bool,
    approval_begun: Option<(usize, Moment)>,
    decline_begun: bool,
    family: Option<usize>,
    refused: bool,
}

pub(crate) struct Observer<'a> {
    world: &'a World,
    round: usize,
    visits: Vec<Visit>,
    families: Vec<Family>,
    by_code: BTreeMap<String, usize>,
    chained: BTreeMap<String, Chained>,
    /// Refresh tokens in the order in which they were first seen.
    order: Vec<String>,
    born: BTreeMap<String, Born>,
    signed: Vec<Signed>,
    client: Switch,
    customer: Switch,
    registration: Registration,
    /// The last round in which somebody asked to forget the customer.
    forgotten: Option<usize>,
    /// Since this round the customer's list of grants is full: one more ends the oldest.
    pub(crate) crowded: Option<usize>,
    pub(crate) session: Option<String>,
    /// What happened, so that a run can show that it was worth something.
    pub(crate) tally: Tally,
}

impl<'a> Observer<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        Self {
            world,
            round: 0,
            visits: vec![],
            families: vec![],
            by_code: BTreeMap::new(),
            chained: BTreeMap::new(),
            order: vec![],
            born: BTreeMap::new(),
            signed: vec![],
            client: Switch::default(),
            customer: Switch::default(),
            registration: Registration::new(fixtures::registered(world.policy)),
            forgotten: None,
            crowded: None,
            session: None,
            tally: Tally::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    /// Whether what happened in that round was over before this one began.
    fn before(&self, round: usize) -> bool {
        round < self.round
    }

    /// The operations of a round are on their way: from now on they may have happened.
    pub(crate) fn begin(&mut self, round: usize, ops: &[Op]) {
        self.round = round;
        let flips = |wanted: fn(&What) -> Option<bool>| -> Vec<bool> {
            ops.iter().filter_map(|op| wanted(&op.what)).collect()
        };
        self.client.begin(&flips(|what| match what {
            What::SuspendClient(out) => Some(*out),
            // Whether a client is out is what its file says.
            What::Register(_) => Some(false),
            _ => None,
        }));
        self.customer.begin(&flips(|what| match what {
            What::SuspendCustomer(out) => Some(*out),
            _ => None,
        }));
        for op in ops {
            if let By::Signed(assertion) = op.by {
                self.signed[assertion].begun += 1;
            }
            self.sent(op);
        }
    }

    fn sent(&mut self, op: &Op) {
        let (owner, now) = (op.by.is_owner(), self.world.now());
        match &op.what {
            What::Login(visit) => self.visits[*visit].login_begun = true,
            What::Decline(visit) => self.visits[*visit].decline_begun = true,
            What::Approve(visit) => {
                let visit = &mut self.visits[*visit];
                visit.approval_begun.get_or_insert((self.round, now));
                if self.crowded.is_some() && visit.family.is_none() {
                    self.families.iter_mut().take(1).for_each(|oldest| oldest.doomed = true);
                }
            }
            What::Redeem { code, fits: true } if owner => {
                let family = &mut self.families[self.by_code[code]];
                family.redeems_begun += 1;
                family.doomed |= family.redeems_begun > 1;
            }
            What::Refresh { token, .. } if owner => self.refresh_sent(token),
            What::RevokeGrant(token) if owner => {
                let family = self.chained[token].family;
                self.families[family].doomed = true;
            }
            What::RevokeToken(token) if owner => {
                self.born.get_mut(token).unwrap().revocation_asked = true;
            }
            What::Register(scope) => self.registration.sent(scope, self.round),
            What::Forget(_) => {
                self.forgotten = Some(self.round);
                let theirs = self.families.iter_mut().filter(|family| family.customer.is_some());
                theirs.for_each(|family| family.doomed = true);
            }
            What::Redeem { .. }
            | What::Refresh { .. }
            | What::RevokeGrant(_)
            | What::RevokeToken(_)
            | What::Start(_)
            | What::Credentials(_)
            | What::Introspect(_)
            | What::SuspendClient(_)
            | What::SuspendCustomer(_)
            | What::Sweep => {}
        }
    }

    /// An answer arrived, or will never arrive.
    pub(crate) fn see(&mut self, op: &Op, outcome: Outcome) -> Verdict {
        self.authenticated(op, &outcome)?;
        match outcome {
            Outcome::Lost => Ok(()),
            Outcome::Token(Ok(tokens)) => self.issued(op, &tokens),
            Outcome::Token(Err(why)) => self.refused(op, why),
            Outcome::Seen(Ok(active)) => self.introspected(op, active),
            Outcome::Seen(Err(why)) | Outcome::Done(Err(why)) => self.unable(op, why),
            Outcome::Done(Ok(())) => self.done(op),
            Outcome::Started(started) => self.started(started),
            Outcome::LoggedIn(logged_in) => self.logged_in(op, logged_in),
            Outcome::Answered(answer) => self.answered(op, answer),
        }
    }

    fn done(&mut self, op: &Op) -> Verdict {
        let round = self.round;
        match &op.what {
            What::RevokeToken(token) if op.by.is_owner() => {
                self.born.get_mut(token).unwrap().revocation_done.get_or_insert(round);
            }
            What::RevokeGrant(token) if op.by.is_owner() => {
                let family = self.chained[token].family;
                self.families[family].dead.get_or_insert(round);
            }
            What::SuspendClient(_) => self.client.heard(),
            What::SuspendCustomer(_) => self.customer.heard(),
            What::Register(_) => {
                self.registration.heard();
                self.client.heard();
                self.count("registrations changed");
            }
            What::Forget(_) => {
                self.count("customers forgotten");
                let theirs = self.families.iter_mut().filter(|family| family.customer.is_some());
                for family in theirs.filter(|family| family.heard < round) {
                    family.dead.get_or_insert(round);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A refusal of what is no token request.
    fn unable(&mut self, op: &Op, why: Refusal) -> Verdict {
        let expected = match why {
            Refusal::StoreUnavailable | Refusal::StoreContended | Refusal::Assertion(_) => true,
            Refusal::CustomerUnknown => matches!(op.what, What::Forget(_)),
            Refusal::ClientSuspended => self.client.may_be_out(),
            _ => false,
        };
        if expected { Ok(()) } else { broken(format!("{:?} was answered with {why:?}", op.what)) }
    }

    /// The round is over: everything in it has been answered or never will be.
    pub(crate) fn end(&mut self) -> Verdict {
        self.client.end();
        self.customer.end();
        self.registration.end();
        if let Some(promise) = self.world.storm.broken() {
            return broken(promise);
        }
        self.invariants()
    }
}
