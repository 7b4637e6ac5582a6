//! Who may ask at all: assertions that count once, clients and customers who are out.

use counterfoil_protocol::refusal::{AssertionFault, Refusal};
use counterfoil_protocol::scope::ScopeSet;

use super::{Observer, Verdict, broken};
use crate::act::{By, Op, Outcome};

/// A client assertion that was made.
pub(super) struct Signed {
    pub(super) text: String,
    /// How often it was presented as it is.
    pub(super) begun: u32,
    accepted: bool,
    /// Nobody knows: the answer was lost, or the store did not say.
    perhaps: bool,
}

/// What can be turned off and on: what is known about it.
#[derive(Default)]
pub(super) struct Switch {
    /// `Some(true)`: out for certain. `None`: nobody knows.
    out: Option<bool>,
    asked: Vec<bool>,
    heard: bool,
    touched: bool,
}

/// What the registration of the client allows, as far as anybody knows.
pub(super) struct Registration {
    possible: Vec<&'static str>,
    asked: Vec<&'static str>,
    heard: bool,
    /// The last round in which somebody changed it.
    pub(super) changed: Option<usize>,
}

impl Registration {
    pub(super) fn new(scope: &'static str) -> Self {
        Self { possible: vec![scope], asked: vec![], heard: false, changed: None }
    }

    pub(super) fn sent(&mut self, scope: &'static str, round: usize) {
        self.possible.push(scope);
        self.asked.push(scope);
        self.changed = Some(round);
    }

    pub(super) fn heard(&mut self) {
        self.heard = true;
    }

    pub(super) fn end(&mut self) {
        if let ([scope], true) = (&self.asked[..], self.heard) {
            self.possible = vec![scope];
        }
        self.asked.clear();
        self.heard = false;
    }

    pub(super) fn may_allow(&self, scope: &ScopeSet) -> bool {
        self.possible.iter().any(|text| scope.is_subset(&ScopeSet::parse(text).unwrap()))
    }
}

impl Switch {
    pub(super) fn begin(&mut self, asked: &[bool]) {
        if !self.touched {
            self.out = Some(false);
        }
        self.asked = asked.to_vec();
        self.heard = false;
        self.touched |= !asked.is_empty();
    }

    pub(super) fn heard(&mut self) {
        self.heard = true;
    }

    pub(super) fn end(&mut self) {
        let Some(first) = self.asked.first().copied() else { return };
        let agreed = self.asked.iter().all(|asked| *asked == first);
        let stays = self.out == Some(first);
        self.out = (agreed && (self.heard || stays)).then_some(first);
        self.asked.clear();
    }

    /// Known before this round, and nobody in it asks for the contrary.
    pub(super) fn is_out(&self) -> bool {
        self.out == Some(true) && !self.asked.contains(&false)
    }

    pub(super) fn may_be_out(&self) -> bool {
        self.out != Some(false) || self.asked.contains(&true)
    }

    /// Whether it was ever turned.
    pub(super) fn touched(&self) -> bool {
        self.touched
    }

    /// Out, or nobody knows: somebody should turn it on again.
    pub(super) fn should_return(&self) -> bool {
        self.touched && self.out != Some(false)
    }
}

/// Refusals that say who is not served, not what.
fn unauthenticated(why: Refusal) -> bool {
    matches!(
        why,
        Refusal::ClientCredentialsMissing
            | Refusal::ClientUnknown
            | Refusal::ClientSuspended
            | Refusal::ClientCredentialsWrong
            | Refusal::ClientCredentialsConflict
            | Refusal::ClientAuthAmbiguous
            | Refusal::ClientAuthNotAllowed(_)
            | Refusal::Assertion(_)
    )
}

impl Observer<'_> {
    /// A new assertion. Returns its number.
    pub(crate) fn sign(&mut self, text: String) -> usize {
        self.signed.push(Signed { text, begun: 0, accepted: false, perhaps: false });
        self.signed.len() - 1
    }

    pub(crate) fn assertions(&self) -> usize {
        self.signed.len()
    }

    pub(crate) fn assertion(&self, number: usize) -> &str {
        &self.signed[number].text
    }

    /// Whether the answer fits who asked.
    pub(super) fn authenticated(&mut self, op: &Op, outcome: &Outcome) -> Verdict {
        let why = match outcome {
            Outcome::Token(Err(why)) | Outcome::Done(Err(why)) => Some(*why),
            _ => None,
        };
        match op.by {
            By::Owner => Ok(()),
            By::Rival => rival(op, outcome),
            By::Forged(_) => match (outcome, why) {
                (Outcome::Lost, _) | (_, Some(Refusal::StoreUnavailable)) => Ok(()),
                (_, Some(Refusal::Assertion(fault))) if fault != AssertionFault::Replayed => Ok(()),
                _ => broken(format!("a forged assertion was answered with {outcome:?}")),
            },
            By::Signed(number) => self.presented(number, outcome, why),
        }
    }

    fn presented(&mut self, number: usize, outcome: &Outcome, why: Option<Refusal>) -> Verdict {
        let signed = &mut self.signed[number];
        match (outcome, why) {
            (Outcome::Lost, _) | (_, Some(Refusal::StoreUnavailable)) => signed.perhaps = true,
            // Somebody else moved first, so nothing was written.
            (_, Some(Refusal::StoreContended)) => {}
            (_, Some(Refusal::Assertion(AssertionFault::Replayed))) => {
                if signed.begun < 2 && !signed.perhaps {
                    return broken("an assertion that nobody had used was called a replay");
                }
                self.count("assertions refused as used");
            }
            (_, Some(why)) if unauthenticated(why) => {}
            _ if signed.accepted => return broken("one assertion was accepted twice"),
            // Used, also by a request that was refused for another reason.
            _ => {
                signed.accepted = true;
                self.count("assertions accepted");
            }
        }
        Ok(())
    }

    /// Somebody should let the client, or the customer, in again.
    pub(crate) fn should_return(&self) -> (bool, bool) {
        (self.client.should_return(), self.customer.should_return())
    }
}

/// Another client is told one thing only, whatever it holds, and nothing comes of it.
fn rival(op: &Op, outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Lost | Outcome::Done(Ok(())) => Ok(()),
        Outcome::Token(Err(why)) | Outcome::Done(Err(why)) => match why {
            Refusal::ClientMismatch | Refusal::StoreUnavailable | Refusal::StoreContended => Ok(()),
            why => broken(format!("another client was told {why:?} of {:?}", op.what)),
        },
        other => broken(format!("another client was served: {other:?}")),
    }
}
