//! Promises about customers in browsers: one authorization has one answer.

use counterfoil_engine::authorize::{Answer, Outcome, Started};
use counterfoil_engine::handle::{Code, Sealed};
use counterfoil_engine::limits::INTERACTION_TTL_S;
use counterfoil_engine::login::LoggedIn;
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::refusal::Refusal;

use super::{Family, Observer, Verdict, Visit, broken};
use crate::act::{Op, What};
use crate::world::Tab;

impl Observer<'_> {
    pub(super) fn started(&mut self, started: Result<Started, Refusal>) -> Verdict {
        match started {
            Ok(started) => {
                if self.client.is_out() {
                    return broken("an authorization began for a client that is suspended");
                }
                let tab = Tab { id: started.id, cookie: started.cookie.unwrap_or_default() };
                self.visit(tab, started.signed_in);
                Ok(())
            }
            Err(Refusal::StoreUnavailable | Refusal::StoreContended) => Ok(()),
            Err(Refusal::ClientSuspended) if self.client.may_be_out() => Ok(()),
            Err(Refusal::ScopeNotAllowed) if self.registration.changed.is_some() => Ok(()),
            Err(why) => broken(format!("an authorization could not begin: {why:?}")),
        }
    }

    pub(crate) fn visit(&mut self, tab: Tab, signed_in: bool) {
        self.count("authorizations begun");
        self.visits.push(Visit {
            tab,
            begun_at: self.world.now(),
            signed_in,
            login_begun: false,
            approval_begun: None,
            decline_begun: false,
            family: None,
            refused: false,
        });
    }

    pub(super) fn logged_in(&mut self, op: &Op, outcome: Result<LoggedIn, Refusal>) -> Verdict {
        let What::Login(number) = op.what else { return Ok(()) };
        let visit = &mut self.visits[number];
        match outcome {
            Ok(LoggedIn::Proceed { cookie, session }) => {
                if visit.signed_in {
                    return broken("signed in twice in one authorization");
                }
                visit.tab.cookie = cookie;
                visit.signed_in = true;
                self.session = Some(session);
                Ok(())
            }
            Ok(LoggedIn::Finished(answer)) => self.answered(op, Ok(answer)),
            // An earlier attempt may have got through, or the authorization may be over.
            Err(Refusal::InteractionUnknown) if visit.login_begun => Ok(()),
            Err(
                Refusal::StoreUnavailable | Refusal::StoreContended | Refusal::InteractionExpired,
            ) => Ok(()),
            other => broken(format!("the right password was answered with {other:?}")),
        }
    }

    pub(super) fn answered(&mut self, op: &Op, answer: Result<Answer, Refusal>) -> Verdict {
        let (What::Approve(number) | What::Decline(number) | What::Login(number)) = op.what else {
            return Ok(());
        };
        match answer {
            Ok(answer) => match answer.outcome {
                Outcome::Code { code, customer_id } => self.code(number, &code, customer_id),
                Outcome::Refused(why) => self.declined(number, why),
                Outcome::Elsewhere => broken("nobody asks elsewhere here"),
            },
            Err(
                Refusal::StoreUnavailable | Refusal::StoreContended | Refusal::InteractionExpired,
            ) => Ok(()),
            Err(Refusal::ClientSuspended) if self.client.may_be_out() => Ok(()),
            Err(Refusal::InteractionUnknown) if self.may_be_over(number) => Ok(()),
            Err(why) => broken(format!("{:?} was answered with {why:?}", op.what)),
        }
    }

    /// Its code was spent, its cookie is an old one, nobody has signed in, or it was swept.
    fn may_be_over(&self, number: usize) -> bool {
        let visit = &self.visits[number];
        let spent = visit.family.is_some_and(|family| self.families[family].redeems_begun > 0);
        let swept = self.world.now() >= visit.begun_at.after(INTERACTION_TTL_S);
        spent || visit.login_begun || !visit.signed_in || swept
    }

    fn code(&mut self, number: usize, code: &str, customer: Option<String>) -> Verdict {
        let visit = &self.visits[number];
        if visit.refused {
            return broken("one authorization had two answers");
        }
        if let Some(family) = visit.family {
            self.count("answers given again");
            let same = self.families[family].code.as_deref() == Some(code);
            return if same { Ok(()) } else { broken("one approval had two codes") };
        }
        let Some((asked, asked_at)) = visit.approval_begun else {
            return broken("a code without an approval");
        };
        if self.client.is_out() {
            return broken("a code for a client that is suspended");
        }
        if self.customer.is_out() && asked == self.round {
            return broken("a code for a customer who is suspended");
        }
        let Some(sealed) = Sealed::<Code>::open(code, &self.world.issuer().ring) else {
            return broken("a code that is none of ours");
        };
        self.count("codes given");
        if self.crowded.is_some_and(|since| since <= asked)
            && let Some(oldest) = self.families.first_mut()
        {
            // Their list was full: the oldest grant made room, in the same step.
            oldest.dead.get_or_insert(self.round);
            self.count("grants displaced");
            self.crowded = None;
        }
        let family = Family {
            code: Some(code.into()),
            // Somebody may have taken it back before its answer was heard.
            doomed: customer.is_some() && self.forgotten >= Some(asked),
            customer,
            grant: GrantId(sealed.record()),
            heard: self.round,
            heard_at: self.world.now(),
            asked_at,
            redeems_begun: 0,
            redeemed: None,
            dead: None,
            turnovers: vec![],
        };
        self.by_code.insert(code.into(), self.families.len());
        self.visits[number].family = Some(self.families.len());
        self.families.push(family);
        Ok(())
    }

    fn declined(&mut self, number: usize, why: Refusal) -> Verdict {
        let visit = &mut self.visits[number];
        if visit.family.is_some() {
            return broken("one authorization had two answers");
        }
        visit.refused = true;
        let suspended = self.customer.touched();
        match why {
            Refusal::AccessDenied if visit.decline_begun || suspended => Ok(()),
            why => broken(format!("nobody declined, and the client is told {why:?}")),
        }
    }

    pub(crate) fn tabs(&self) -> Vec<Tab> {
        self.visits.iter().map(|visit| visit.tab.clone()).collect()
    }

    /// Authorizations without an answer: who must sign in, who must answer.
    pub(crate) fn waiting(&self) -> (Vec<usize>, Vec<usize>) {
        let open = |visit: &Visit| visit.family.is_none() && !visit.refused;
        let of = |signed_in: bool| {
            let those = self.visits.iter().enumerate();
            let those = those.filter(|(_, v)| open(v) && v.signed_in == signed_in);
            those.map(|(number, _)| number).collect()
        };
        (of(false), of(true))
    }

    /// Authorizations that have been answered with a code.
    pub(crate) fn approved(&self) -> Vec<usize> {
        let those = self.visits.iter().enumerate();
        those.filter(|(_, visit)| visit.family.is_some()).map(|(number, _)| number).collect()
    }

    /// The first grant of the world.
    pub(crate) fn oldest(&self) -> Option<GrantId> {
        self.families.first().map(|family| family.grant)
    }

    /// The customer's name towards the client, where there is one.
    pub(crate) fn customer_id(&self) -> Option<&String> {
        self.families.iter().rev().find_map(|family| family.customer.as_ref())
    }
}
