//! What anybody may do in a world, and what comes back.

use std::future::Future;
use std::pin::Pin;

use counterfoil_engine::active::Active;
use counterfoil_engine::authorize::{Answer, Browser, Started};
use counterfoil_engine::client::ClientStatus;
use counterfoil_engine::grants::Issued;
use counterfoil_engine::handle::Facts;
use counterfoil_engine::interaction::RefusedWhy;
use counterfoil_engine::login::LoggedIn;
use counterfoil_engine::store::Store as _;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::scope::ScopeSet;

use crate::dice::{Dice, step};
use crate::fixtures::{self, CALLBACK, OTHER_VERIFIER, OWNER, PASSWORD, VERIFIER};
use crate::world::{self, Shows, Tab, World};

#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) what: What,
    pub(crate) by: By,
    pub(crate) shows: Shows,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A customer follows the client's link, with the session there is.
    Start(Option<String>),
    /// Of the tab with this number.
    Login(usize),
    Approve(usize),
    Decline(usize),
    /// With the right verifier, or with another.
    Redeem {
        code: String,
        fits: bool,
    },
    Refresh {
        token: String,
        scope: Option<&'static str>,
    },
    /// The client in its own name.
    Credentials(&'static str),
    RevokeGrant(String),
    RevokeToken(String),
    Introspect(String),
    /// Out, or in again.
    SuspendClient(bool),
    SuspendCustomer(bool),
    /// The client's registration gets another scope.
    Register(&'static str),
    /// The client takes back all that the customer of this id has allowed.
    Forget(String),
    Sweep,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The client the tokens are for, by its secret; or a customer, or the operator.
    Owner,
    /// Another client, by its own secret.
    Rival,
    /// The owner, by the assertion with this number.
    Signed(usize),
    /// Somebody who has seen that assertion and has not the key.
    Forged(usize),
}

impl By {
    /// Whether the owner is behind it, whatever became of the authentication.
    pub(crate) fn is_owner(self) -> bool {
        matches!(self, Self::Owner | Self::Signed(_))
    }
}

/// What the client was given, before signatures.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) facts: Facts,
    pub(crate) refresh: Option<String>,
    pub(crate) generation: u32,
    pub(crate) scope: ScopeSet,
}

impl Tokens {
    fn of(issued: &Issued) -> Self {
        Self {
            access: world::at(issued).into(),
            facts: *issued.access.facts(),
            refresh: issued.refresh.as_ref().map(|token| token.to_wire().into()),
            generation: issued.refresh.as_ref().map_or(0, |token| token.facts().generation.0),
            scope: issued.scope.clone(),
        }
    }
}

/// What came back. The sender of a lost answer knows nothing; the server may have done anything.
#[derive(Debug)]
pub(crate) enum Outcome {
    Lost,
    Token(Result<Tokens, Refusal>),
    Done(Result<(), Refusal>),
    Seen(Result<Option<Active>, Refusal>),
    Started(Result<Started, Refusal>),
    LoggedIn(Result<LoggedIn, Refusal>),
    Answered(Result<Answer, Refusal>),
}

async fn perform(world: &World, op: &Op, tabs: &[Tab], mut dice: Dice) -> Outcome {
    let (shows, dice) = (&op.shows, &mut dice);
    match &op.what {
        What::Start(session) => Outcome::Started(world.start(session.as_deref(), dice).await),
        What::Login(tab) => Outcome::LoggedIn(world.login(&tabs[*tab], PASSWORD, dice).await),
        What::Approve(tab) => Outcome::Answered(world.approve(&tabs[*tab], dice).await),
        What::Decline(tab) => {
            let browser = Browser { cookie: Some(&tabs[*tab].cookie), session: None };
            let (mut call, why) = (world.call(dice), RefusedWhy::Declined);
            Outcome::Answered(world.engine.decline(&mut call, tabs[*tab].id, browser, why).await)
        }
        What::Redeem { code, fits } => {
            let verifier = if *fits { VERIFIER } else { OTHER_VERIFIER };
            let form = redemption(code, verifier);
            Outcome::Token(world.token(shows, &form, dice).await.map(|t| Tokens::of(&t)))
        }
        What::Refresh { token, scope } => {
            let scope = scope.unwrap_or_default();
            let form =
                [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
            Outcome::Token(world.token(shows, &form, dice).await.map(|t| Tokens::of(&t)))
        }
        What::Credentials(scope) => {
            let form = [("grant_type", "client_credentials"), ("scope", *scope)];
            Outcome::Token(world.token(shows, &form, dice).await.map(|t| Tokens::of(&t)))
        }
        What::RevokeGrant(token) | What::RevokeToken(token) => {
            Outcome::Done(world.revoke(shows, token, dice).await)
        }
        What::Introspect(token) => Outcome::Seen(world.introspect(token, dice).await),
        What::SuspendClient(out) => {
            let status = if *out { ClientStatus::Suspended } else { ClientStatus::Active };
            let (id, mut call) = (fixtures::client_id(OWNER), world.call(dice));
            Outcome::Done(world.engine.set_client_status(&mut call, &id, status).await)
        }
        What::SuspendCustomer(out) => {
            let (id, mut call) = (fixtures::subject_id(), world.call(dice));
            Outcome::Done(world.engine.set_subject_suspended(&mut call, &id, *out).await)
        }
        What::Register(scope) => Outcome::Done(world.reregister(scope, dice).await),
        What::Forget(customer) => {
            let client = world.client(OWNER);
            let mut call = world.call(dice);
            Outcome::Done(world.engine.forget_customer(&mut call, &client, customer).await)
        }
        What::Sweep => {
            let swept = world.storm.sweep(world.now(), 1_000).await;
            Outcome::Done(swept.map(|_| ()).map_err(Refusal::from))
        }
    }
}

pub(crate) fn redemption<'a>(code: &'a str, verifier: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
    ]
}

type Task<'t> = Pin<Box<dyn Future<Output = Outcome> + 't>>;

/// Runs the operations of one round against each other; whoever goes next is chosen by the dice.
/// Hands the answers over in their order. A request may be dropped at a point where it waits, and an
/// answer may never arrive.
pub(crate) fn play(
    world: &World,
    ops: &[Op],
    tabs: &[Tab],
    (dice, lost_per_mille): (&mut Dice, u64),
    mut see: impl FnMut(&Op, Outcome) -> Result<(), String>,
) -> Result<u64, String> {
    let mut steps = 0;
    let mut tasks: Vec<(&Op, Task)> = Vec::new();
    for op in ops {
        let entropy = Dice(dice.next());
        tasks.push((op, Box::pin(perform(world, op, tabs, entropy))));
    }
    while !tasks.is_empty() {
        steps += 1;
        let pick = dice.below(tasks.len() as u64) as usize;
        let outcome = step(&mut tasks[pick].1);
        let lost = dice.chance(lost_per_mille);
        match outcome {
            None if !lost => {}
            None => {
                let (op, task) = tasks.swap_remove(pick);
                drop(task);
                see(op, Outcome::Lost)?;
            }
            Some(outcome) => {
                let (op, _) = tasks.swap_remove(pick);
                see(op, if lost { Outcome::Lost } else { outcome })?;
            }
        }
    }
    Ok(steps)
}
