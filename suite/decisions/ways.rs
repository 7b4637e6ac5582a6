//! The ways through a world, in fair weather.

use std::sync::Arc;

use counterfoil_engine::active::Active;
use counterfoil_engine::admin::Desired;
use counterfoil_engine::audit::What;
use counterfoil_engine::authorize::{Answer, Browser, Outcome};
use counterfoil_engine::client::{Client, ClientStatus};
use counterfoil_engine::grant::Grant;
use counterfoil_engine::grants::Issued;
use counterfoil_engine::interaction::RefusedWhy;
use counterfoil_engine::login::LoggedIn;
use counterfoil_engine::store::{Key, Record};
use counterfoil_protocol::ids::GrantId;
use counterfoil_protocol::refusal::Refusal;

use crate::dice::{Dice, now};
use crate::fixtures::{self, CALLBACK, OWNER, PASSWORD, RIVAL, VERIFIER};
use crate::world::{Shows, Tab, World};

pub(crate) const DAY: u64 = 86_400;
pub(crate) const BY_OWNER: Shows = Shows::Secret(OWNER);
pub(crate) const BY_RIVAL: Shows = Shows::Secret(RIVAL);

/// The text of a refresh token.
pub(crate) fn rt(issued: &Issued) -> &str {
    issued.refresh.as_ref().unwrap().to_wire()
}

/// The code of an answer that has one.
pub(crate) fn code_of(answer: &Answer) -> &str {
    match &answer.outcome {
        Outcome::Code { code, .. } => code,
        other => unreachable!("{other:?}"),
    }
}

/// The refusal of an answer that is one.
pub(crate) fn refusal_of(answer: &Answer) -> Refusal {
    match &answer.outcome {
        Outcome::Refused(why) => *why,
        other => unreachable!("{other:?}"),
    }
}

impl World {
    /// Different for every request, the same in every run.
    pub(crate) fn dice(&self) -> Dice {
        let (reads, commits) = self.storm.trips();
        Dice(self.now().0 ^ (reads << 40) ^ (commits << 20))
    }

    pub(crate) fn reads(&self) -> u64 {
        self.storm.trips().0
    }

    pub(crate) fn commits(&self) -> u64 {
        self.storm.trips().1
    }

    /// A customer has signed in.
    pub(crate) fn tab(&self) -> (Tab, String) {
        self.signed_in(&mut self.dice())
    }

    /// Signs in and moves on to the cookie of the consent page.
    pub(crate) fn log_in(&self, tab: &Tab) -> Tab {
        match now(self.login(tab, PASSWORD, &mut self.dice())).unwrap() {
            LoggedIn::Proceed { cookie, .. } => Tab { cookie, ..tab.clone() },
            other => unreachable!("{other:?}"),
        }
    }

    /// Changes the registration of a client, by file.
    pub(crate) fn change(&self, client: &Client) {
        let clients = vec![(fixtures::tenant_id(), client.clone())];
        let desired = Desired { clients, ..Desired::default() };
        now(self.engine.apply(&desired, &mut self.dice())).unwrap();
    }

    pub(crate) fn set_client(&self, status: ClientStatus) {
        let (id, mut dice) = (fixtures::client_id(OWNER), self.dice());
        now(self.engine.set_client_status(&mut self.call(&mut dice), &id, status)).unwrap();
    }

    pub(crate) fn set_customer(&self, suspended: bool) {
        let (id, mut dice) = (fixtures::subject_id(), self.dice());
        let call = &mut self.call(&mut dice);
        now(self.engine.set_subject_suspended(call, &id, suspended)).unwrap();
    }

    pub(crate) fn say_yes(&self, tab: &Tab) -> Result<Answer, Refusal> {
        now(self.approve(tab, &mut self.dice()))
    }

    /// A customer has just approved.
    pub(crate) fn code(&self) -> String {
        code_of(&self.say_yes(&self.tab().0).unwrap()).into()
    }

    pub(crate) fn say_no(&self, tab: &Tab, why: RefusedWhy) -> Result<Answer, Refusal> {
        let browser = Browser { cookie: Some(&tab.cookie), session: None };
        let mut dice = self.dice();
        now(self.engine.decline(&mut self.call(&mut dice), tab.id, browser, why))
    }

    pub(crate) fn forget(&self, client: &str, customer: &str) -> Result<(), Refusal> {
        let (client, mut dice) = (self.client(client), self.dice());
        now(self.engine.forget_customer(&mut self.call(&mut dice), &client, customer))
    }

    /// As if there had never been a client of that name.
    pub(crate) fn forget_client(&self, name: &str) {
        self.storm.set(Key::Client(fixtures::tenant_id(), fixtures::client_id(name)), None);
    }

    pub(crate) fn ask(&self, shows: &Shows, form: &[(&str, &str)]) -> Result<Issued, Refusal> {
        now(self.token(shows, form, &mut self.dice()))
    }

    pub(crate) fn redeem(&self, code: &str) -> Result<Issued, Refusal> {
        self.ask(&BY_OWNER, &crate::codes::form(code, CALLBACK, VERIFIER))
    }

    /// Approved and redeemed.
    pub(crate) fn begun(&self) -> Issued {
        self.redeem(&self.code()).unwrap()
    }

    pub(crate) fn refresh(&self, token: &str) -> Result<Issued, Refusal> {
        self.ask(&BY_OWNER, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    pub(crate) fn refresh_for(&self, token: &str, scope: &str) -> Result<Issued, Refusal> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        self.ask(&BY_OWNER, &form)
    }

    /// The client in its own name.
    pub(crate) fn own(&self, scope: &str) -> Result<Issued, Refusal> {
        self.ask(&BY_OWNER, &[("grant_type", "client_credentials"), ("scope", scope)])
    }

    pub(crate) fn seen(&self, token: &str) -> Option<Active> {
        now(self.introspect(token, &mut self.dice())).unwrap()
    }

    pub(crate) fn lives(&self, token: &str) -> bool {
        self.seen(token).is_some()
    }

    pub(crate) fn give_back(&self, token: &str) {
        now(self.revoke(&BY_OWNER, token, &mut self.dice())).unwrap();
    }

    pub(crate) fn grant_of(&self, issued: &Issued) -> Grant {
        self.grant(GrantId(issued.access.facts().record)).unwrap()
    }

    /// Puts a grant back to what it was.
    pub(crate) fn put_grant(&self, grant: Grant) {
        let key = Key::Grant(fixtures::tenant_id(), grant.id);
        self.storm.put(key, Record::Grant(Arc::new(grant)));
    }

    /// How many events there are of this kind, those included that waited for the next append.
    pub(crate) fn kept(&self, what: What) -> usize {
        now(self.engine.append_access_events()).unwrap();
        self.told(what)
    }

    /// How many events there are of this kind.
    pub(crate) fn told(&self, what: What) -> usize {
        self.storm.events().iter().filter(|found| found.event.what == what).count()
    }
}
