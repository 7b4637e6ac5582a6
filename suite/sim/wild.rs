//! Clients, customers, operators, thieves and accidents: anybody may send anything that was ever
//! handed out, and any of it may fail or be lost.

use std::sync::Arc;

use counterfoil_engine::ctx::Clock as _;
use counterfoil_engine::policy::Policy;
use counterfoil_engine::store::Store;
use counterfoil_protocol::ids::GrantId;
use counterfoil_store::MemoryStore;

use crate::act::{By, Op, What, play};
use crate::dice::{Dice, SetClock};
use crate::fixtures::{self, OWNER, RIVAL};
use crate::observer::{Observer, Tally};
use crate::plain::Plain;
use crate::policies::{serves, signs};
use crate::storm::Bug;
use crate::world::{START, Shows, World};

const ROUNDS: usize = 20;
const CONCURRENCY: usize = 3;

/// What a run has to weather.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chaos {
    pub(crate) bug: Bug,
    /// The round from which on the bug shows.
    pub(crate) bug_from: usize,
    /// Commits that fail; half of those are written all the same.
    pub(crate) faults_per_mille: u64,
    /// Requests that are dropped at a point where they wait, and answers that never arrive.
    pub(crate) lost_per_mille: u64,
}

pub(crate) const CALM: Chaos =
    Chaos { bug: Bug::None, bug_from: 0, faults_per_mille: 0, lost_per_mille: 0 };
pub(crate) const STORM: Chaos =
    Chaos { bug: Bug::None, bug_from: 0, faults_per_mille: 50, lost_per_mille: 80 };

/// What lies below the storm.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ground {
    /// A map.
    Plain,
    /// The memory backend of the product.
    Memory,
}

pub(crate) fn world(ground: Ground, policy: &'static Policy, seed: u64) -> World {
    let clock = Arc::new(SetClock::at(START));
    let store: Arc<dyn Store> = match ground {
        Ground::Plain => Arc::new(Plain::default()),
        Ground::Memory => {
            let clock = clock.clone();
            Arc::new(MemoryStore::new(Box::new(move || clock.now().0 * 1_000_000)))
        }
    };
    World::over(store, clock, policy, seed)
}

/// `Err` names the broken promise.
pub(crate) fn wild(
    ground: Ground,
    policy: &'static Policy,
    seed: u64,
    chaos: Chaos,
) -> Result<Tally, String> {
    let mut dice = Dice(seed);
    let world = world(ground, policy, seed);
    let mut observer = Observer::new(&world);
    let (tab, session) = world.signed_in(&mut dice);
    observer.visit(tab, true);
    observer.session = Some(session);
    let mut steps = 0;
    for round in 0..ROUNDS {
        let fail = |e: String| format!("{}, seed {seed}, round {round}: {e}", policy.name);
        world.storm.set_faults(chaos.faults_per_mille);
        world.storm.set_slow(300);
        world.storm.set_bug(if round < chaos.bug_from { Bug::None } else { chaos.bug });
        let wait = dice.one(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 30, 59, 299, 601]);
        world.clock.advance(wait);
        if dice.chance(50) {
            world.turn_keys();
        }
        if seed % 16 == 5 && round == 3 && !observer.codes().is_empty() {
            crowd(&world, &mut observer, round);
        }
        let ops = Chooser { observer: &mut observer, world: &world, dice: &mut dice }.round();
        let tabs = observer.tabs();
        observer.begin(round, &ops);
        let weather = (&mut dice, chaos.lost_per_mille);
        steps += play(&world, &ops, &tabs, weather, |op, outcome| observer.see(op, outcome))
            .and_then(|steps| observer.end().map(|()| steps))
            .map_err(fail)?;
    }
    let (reads, commits) = world.storm.trips();
    observer.tally.extend([("steps", steps), ("reads", reads), ("commits", commits)]);
    Ok(observer.tally)
}

/// The customer has given grants to many others since: the next one ends the oldest.
fn crowd(world: &World, observer: &mut Observer<'_>, round: usize) {
    let mut subject = world.subject();
    let room = counterfoil_engine::limits::GRANTS_PER_SUBJECT_MAX - subject.grants.len();
    let rest: Vec<_> = subject.grants.iter().skip(1).copied().collect();
    let others = (0..room).map(|n| GrantId([n as u8; 16]));
    subject.grants.truncate(1);
    subject.grants.extend(others.chain(rest));
    // Only if the oldest is the one the observer takes for it.
    let known = observer.oldest().is_some_and(|oldest| subject.grants[0] == oldest);
    observer.crowded = known.then_some(round);
    world.set_subject(subject);
}

/// Mostly what clients do, sometimes what thieves do. A replay ends a family, so it must be rare for
/// the others to grow old.
struct Chooser<'c, 'w> {
    observer: &'c mut Observer<'w>,
    world: &'w World,
    dice: &'c mut Dice,
}

impl Chooser<'_, '_> {
    fn round(&mut self) -> Vec<Op> {
        let (unanswered, fresh) = (self.observer.waiting().1, self.observer.fresh_codes());
        let first = if let (Some(code), true) = (fresh.last(), self.dice.chance(600)) {
            Some(What::Redeem { code: (*code).clone(), fits: true })
        } else if self.observer.codes().is_empty() {
            unanswered.last().map(|visit| What::Approve(*visit))
        } else {
            None
        };
        let Some(first) = first else {
            return (0..CONCURRENCY).map(|_| self.any()).collect();
        };
        // Pressed twice, sent twice: often enough at the same time.
        let workers = if self.dice.chance(250) { CONCURRENCY } else { 1 };
        (0..workers).map(|_| self.by_owner(first.clone())).collect()
    }

    fn any(&mut self) -> Op {
        let what = self.what();
        let bearer = matches!(
            what,
            What::Redeem { .. }
                | What::Refresh { .. }
                | What::RevokeGrant(_)
                | What::RevokeToken(_)
        );
        if bearer && self.dice.chance(40) {
            return Op { what, by: By::Rival, shows: Shows::Secret(RIVAL) };
        }
        self.by_owner(what)
    }

    /// With a secret, or with an assertion: a new one, an old one, one that was tampered with.
    fn by_owner(&mut self, what: What) -> Op {
        let shows = Shows::Secret(OWNER);
        let client = matches!(
            what,
            What::Redeem { .. }
                | What::Refresh { .. }
                | What::Credentials(_)
                | What::RevokeGrant(_)
                | What::RevokeToken(_)
        );
        if !client || !signs(self.world.policy) || self.dice.chance(250) {
            return Op { what, by: By::Owner, shows };
        }
        let known = self.observer.assertions();
        let number = if known > 0 && self.dice.chance(150) {
            // The last ones are still valid.
            known - 1 - self.dice.below(known.min(4) as u64) as usize
        } else {
            let now = self.world.now().0;
            self.observer.sign(fixtures::assertion(&format!("jti-{known}"), now))
        };
        let assertion = self.observer.assertion(number).to_owned();
        if self.dice.chance(50) {
            let shows = Shows::Assertion(fixtures::spoiled(&assertion));
            return Op { what, by: By::Forged(number), shows };
        }
        Op { what, by: By::Signed(number), shows: Shows::Assertion(assertion) }
    }

    fn what(&mut self) -> What {
        let (client, customer) = self.observer.should_return();
        if client && self.dice.chance(300) {
            return What::SuspendClient(false);
        }
        if customer && self.dice.chance(300) {
            return What::SuspendCustomer(false);
        }
        let drawn = self.dice.below(1000);
        match drawn {
            0..90 => self.authorization(),
            90..110 => What::SuspendClient(self.dice.chance(800)),
            110..130 => What::SuspendCustomer(self.dice.chance(800)),
            130..145 => What::Register(self.registration()),
            145..155 => What::Sweep,
            155..163 => self.forget(),
            163..230 => self.credentials(),
            _ => self.bearer(drawn),
        }
    }

    fn bearer(&mut self, drawn: u64) -> What {
        let introspected = self.observer.accesses();
        match drawn {
            230..560 => self.refresh(true),
            560..600 => self.refresh(false),
            600..612 => match self.observer.codes()[..] {
                [] => self.authorization(),
                ref codes => {
                    let fits = self.dice.chance(500);
                    What::Redeem { code: (*self.dice.of(codes)).clone(), fits }
                }
            },
            612..900 if !introspected.is_empty() => {
                What::Introspect((*self.dice.of(&introspected)).clone())
            }
            900..988 if !introspected.is_empty() => {
                What::RevokeToken((*self.dice.of(&introspected)).clone())
            }
            _ => match self.observer.refreshes() {
                [] => self.authorization(),
                tokens => What::RevokeGrant(self.dice.of(tokens).clone()),
            },
        }
    }

    /// The newest token of some chain, or an older one of it.
    fn refresh(&mut self, newest: bool) -> What {
        let tokens = self.observer.refreshes();
        let Some(last) = tokens.last() else { return self.authorization() };
        let start = if self.dice.chance(700) { last } else { self.dice.of(tokens) };
        let chain = self.observer.chain(start);
        let back = if newest {
            1
        } else if self.dice.chance(800) {
            2
        } else {
            chain.len()
        };
        let token = chain[chain.len().saturating_sub(back)].clone();
        let narrow = self.world.policy.name != "fintecture" && self.dice.chance(250);
        let scope = narrow.then(|| self.dice.one(&["openid", "accounts"]));
        What::Refresh { token, scope }
    }

    fn authorization(&mut self) -> What {
        let (strangers, waiting) = self.observer.waiting();
        let approved = self.observer.approved();
        match self.dice.below(100) {
            0..35 if !waiting.is_empty() => What::Approve(*self.dice.of(&waiting)),
            35..50 if !strangers.is_empty() => What::Login(*self.dice.of(&strangers)),
            50..58 if !waiting.is_empty() => What::Decline(*self.dice.of(&waiting)),
            58..66 if !approved.is_empty() => What::Decline(*self.dice.of(&approved)),
            66..76 if !approved.is_empty() => What::Approve(*self.dice.of(&approved)),
            _ => What::Start(self.observer.session.clone().filter(|_| self.dice.chance(800))),
        }
    }

    fn registration(&mut self) -> &'static str {
        if self.world.policy.name == "fintecture" {
            return self.dice.one(&["ais pis customers organisations:read", "ais pis"]);
        }
        self.dice.one(&["openid accounts transactions", "openid accounts", "accounts openid more"])
    }

    fn forget(&mut self) -> What {
        match self.observer.customer_id() {
            Some(customer) => What::Forget(customer.clone()),
            None => What::Sweep,
        }
    }

    fn credentials(&mut self) -> What {
        if !serves(self.world.policy, "client_credentials") {
            return self.refresh(true);
        }
        if self.world.policy.name == "fintecture" {
            return What::Credentials(self.dice.one(&["pis", "pis customers", "customers", "OAC"]));
        }
        let some = ["openid", "accounts", "openid accounts", "openid accounts transactions"];
        What::Credentials(self.dice.one(&some))
    }
}
