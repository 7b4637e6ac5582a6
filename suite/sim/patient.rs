//! One honest client with one to three workers, in bad weather. It keeps the newest refresh token it
//! was given, asks again when it heard nothing, and must never be told that its grant is gone.

use counterfoil_engine::policy::{Policy, Previous, Rotation};
use counterfoil_protocol::refusal::Refusal;

use crate::act::{By, Op, Outcome, Tokens, What, play};
use crate::dice::{Dice, now};
use crate::fixtures::{self, OWNER};
use crate::observer::Tally;
use crate::policies::signs;
use crate::world::{Shows, Tab, World};

const ROUNDS: usize = 12;
const WORKERS_MAX: u64 = 3;

struct Client<'w> {
    world: &'w World,
    dice: Dice,
    newest: String,
    signed: u32,
    steps: u64,
}

/// `Err` names the broken promise.
pub(crate) fn patient(policy: &'static Policy, seed: u64) -> Result<Tally, String> {
    let world = World::new(policy, seed);
    world.storm.set_slow(300);
    let mut dice = Dice(seed ^ 0xabcd);
    let (tab, _) = world.signed_in(&mut dice);
    let mut client = Client { world: &world, dice, newest: String::new(), signed: 0, steps: 0 };
    client.live(&tab).map_err(|why| format!("{}, seed {seed}: {why}", policy.name))
}

impl Client<'_> {
    fn live(&mut self, tab: &Tab) -> Result<Tally, String> {
        self.begin(tab)?;
        let (mut successes, mut waited, mut interrupted) = (0, 0, 0);
        for _ in 0..ROUNDS {
            if self.dice.chance(100) {
                self.world.turn_keys();
            }
            if self.dice.chance(100) {
                self.interruption()?;
                interrupted += 1;
            }
            let workers = 1 + self.dice.below(WORKERS_MAX) as usize;
            let Some(heard) = self.refresh(workers)? else {
                // Nothing heard: ask again, but within the window (60 s is the shortest here).
                let wait = self.dice.below(59 - waited);
                waited += wait;
                self.world.clock.advance(wait);
                continue;
            };
            waited = 0;
            successes += 1;
            self.alive(&heard, workers)?;
            let pause = self.dice.one(&[0, 1, 600, 86_400]);
            self.world.clock.advance(pause);
        }
        let tally = [
            ("steps", self.steps),
            ("token answers", successes),
            ("suspended and resumed", interrupted),
        ];
        Ok(Tally::from(tally))
    }

    /// In fair weather: approved, and the code redeemed.
    fn begin(&mut self, tab: &Tab) -> Result<(), String> {
        let answer = now(self.world.approve(tab, &mut self.dice)).map_err(|e| format!("{e:?}"))?;
        let counterfoil_engine::authorize::Outcome::Code { code, .. } = answer.outcome else {
            return Err("no code".into());
        };
        let redeem = self.signed(What::Redeem { code: code.into(), fits: true });
        let answers = self.play(&[redeem], 0)?;
        let [Outcome::Token(Ok(tokens))] = &answers[..] else { return Err("no start".into()) };
        self.newest = tokens.refresh.clone().ok_or("no refresh token")?;
        Ok(())
    }

    /// Signs anew for every request: the same assertion twice would be a replay.
    fn signed(&mut self, what: What) -> Op {
        if !signs(self.world.policy) || self.dice.chance(300) {
            return Op { what, by: By::Owner, shows: Shows::Secret(OWNER) };
        }
        self.signed += 1;
        let now = self.world.now().0;
        let assertion = fixtures::assertion(&format!("patient-{}", self.signed), now);
        Op { what, by: By::Signed(0), shows: Shows::Assertion(assertion) }
    }

    fn play(&mut self, ops: &[Op], lost_per_mille: u64) -> Result<Vec<Outcome>, String> {
        let mut answers = vec![];
        self.steps +=
            play(self.world, ops, &[], (&mut self.dice, lost_per_mille), |_, outcome| {
                answers.push(outcome);
                Ok(())
            })?;
        Ok(answers)
    }

    /// All workers at once, in a storm. `None`: nobody heard anything.
    fn refresh(&mut self, workers: usize) -> Result<Option<Vec<Tokens>>, String> {
        let what = What::Refresh { token: self.newest.clone(), scope: None };
        let ops: Vec<_> = (0..workers).map(|_| self.signed(what.clone())).collect();
        self.world.storm.set_faults(200);
        let answers = self.play(&ops, 200)?;
        self.world.storm.set_faults(0);
        let mut heard: Vec<Tokens> = vec![];
        for answer in answers {
            match answer {
                Outcome::Token(Ok(tokens)) => heard.push(tokens),
                Outcome::Lost
                | Outcome::Token(Err(Refusal::StoreUnavailable | Refusal::StoreContended)) => {}
                other => return Err(format!("lost its grant: {other:?}")),
            }
        }
        let Some(first) = heard.first() else { return Ok(None) };
        let successor = first.refresh.clone().ok_or("no refresh token")?;
        if heard.iter().any(|tokens| tokens.refresh.as_ref() != Some(&successor)) {
            return Err("two successors".into());
        }
        self.newest = successor;
        Ok(Some(heard))
    }

    /// What it was just given works.
    fn alive(&mut self, heard: &[Tokens], workers: usize) -> Result<(), String> {
        let policy = self.world.policy;
        let rivals = policy.rotation == Rotation::Never && policy.previous_access == Previous::Dies;
        if heard.len() != workers || (workers > 1 && rivals) {
            return Ok(());
        }
        let ask = |tokens: &Tokens| Op {
            what: What::Introspect(tokens.access.clone()),
            by: By::Owner,
            shows: Shows::Secret(OWNER),
        };
        let ops: Vec<_> = heard.iter().map(ask).collect();
        for answer in self.play(&ops, 0)? {
            if !matches!(answer, Outcome::Seen(Ok(Some(_)))) {
                return Err(format!("a fresh access token is dead: {answer:?}"));
            }
        }
        Ok(())
    }

    /// Suspended, the client is refused and nothing is lost; resumed, it goes on.
    fn interruption(&mut self) -> Result<(), String> {
        let customer = self.dice.chance(500);
        let flip =
            |out| if customer { What::SuspendCustomer(out) } else { What::SuspendClient(out) };
        let (out, back) = (self.signed(flip(true)), self.signed(flip(false)));
        self.play(&[out], 0)?;
        let what = What::Refresh { token: self.newest.clone(), scope: None };
        let refresh = self.signed(what);
        for answer in self.play(&[refresh], 0)? {
            let Outcome::Token(Err(Refusal::SubjectSuspended | Refusal::ClientSuspended)) = answer
            else {
                return Err(format!("served while it was suspended: {answer:?}"));
            };
        }
        self.play(&[back], 0)?;
        Ok(())
    }
}
