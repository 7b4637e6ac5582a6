//! The same request at both nodes: one winner, and retries that are identical wherever they arrive.

use std::sync::Barrier;
use std::thread;

use crate::actors::{Actors, Props};
use crate::history::{By, History, Said};
use crate::house::{Both, House};
use crate::patience::until;
use crate::stage::{self, Server};
use crate::storm::{self, Estate};
use crate::suspended::ByFile;
use crate::wire::Wire as _;
use crate::{history, rules};

const ROUNDS: usize = 12;
/// Answers of a storm over both nodes.
const ANSWERS: usize = 400;

/// Two nodes, and the same actor at each.
struct Two {
    house: House,
    nodes: [Server; 2],
    history: History,
    props: Props,
}

impl Two {
    fn new() -> Self {
        let house = House::new();
        let nodes = [house.start("a"), house.start("b")];
        Self { house, nodes, history: History::default(), props: stage::props() }
    }

    fn at(&self, node: usize) -> Actors<'_> {
        Actors { wire: &self.nodes[node].wire, history: &self.history, props: &self.props }
    }

    /// Both at once.
    fn race(&self, ask: impl Fn(&Actors<'_>) -> Said + Sync) -> [Said; 2] {
        let start = Barrier::new(2);
        thread::scope(|scope| {
            let one = |node: usize| {
                let (start, ask) = (&start, &ask);
                scope.spawn(move || {
                    start.wait();
                    ask(&self.at(node))
                })
            };
            [one(0), one(1)].map(|asked| asked.join().unwrap())
        })
    }
}

fn refresh_of(said: &Said) -> String {
    match said {
        Said::Tokens { refresh: Some(token), .. } => token.clone(),
        other => panic!("no tokens: {other:?}"),
    }
}

fn gave(said: &Said) -> bool {
    matches!(said, Said::Tokens { .. })
}

#[test]
fn of_rivals_for_one_code_on_two_nodes_one_wins() {
    let two = Two::new();
    let session = two.at(0).sign_in("ada").unwrap();
    for round in 0..ROUNDS {
        let code = two.at(round % 2).approve(&session, "ada-current").unwrap();
        let said = two.race(|actors| actors.redeem(&code, By::Owner));
        assert_eq!(said.iter().filter(|said| gave(said)).count(), 1, "{said:?}");
        let Some(Said::Tokens { access, .. }) = said.iter().find(|said| gave(said)) else {
            panic!()
        };
        // The second one was a replay, whichever it was: what the first one got is dead.
        let looks = [0, 1].map(|node| two.at(node).look(access, crate::actors::Whose::Mx));
        assert_eq!(looks, [Said::Inactive, Said::Inactive]);
    }
}

#[test]
fn a_refresh_token_has_one_successor_wherever_it_is_presented() {
    let two = Two::new();
    let session = two.at(0).sign_in("ada").unwrap();
    let code = two.at(0).approve(&session, "ada-current").unwrap();
    let mut newest = refresh_of(&two.at(1).redeem(&code, By::Owner));
    for round in 0..ROUNDS {
        let [one, other] = two.race(|actors| actors.refresh(&newest));
        assert_eq!(refresh_of(&one), refresh_of(&other), "round {round}");
        let again = two.at(round % 2).refresh(&newest);
        assert_eq!(refresh_of(&again), refresh_of(&one), "a retry is answered the same");
        newest = refresh_of(&one);
    }
    assert_eq!(rules::broken(&two.history.calls()), Vec::<String>::new());
}

#[test]
fn an_assertion_is_good_once_for_all_nodes() {
    let two = Two::new();
    for round in 0..ROUNDS {
        let assertion = two.at(0).assertion();
        let said = two.race(|actors| actors.assert(&assertion));
        assert_eq!(said.iter().filter(|said| gave(said)).count(), 1, "round {round}: {said:?}");
        assert!(!gave(&two.at(round % 2).assert(&assertion)));
    }
}

/// The tables, the tenants, their keys: each is made once, whoever comes first.
#[test]
fn nodes_that_start_at_once_on_an_empty_database_agree() {
    for _ in 0..4 {
        let house = House::new();
        let nodes = thread::scope(|scope| {
            let start = |name| {
                let house = &house;
                scope.spawn(move || house.start(name))
            };
            ["a", "b", "c"].map(start).map(|started| started.join().unwrap())
        });
        let published = |node: &Server| {
            node.wire
                .send("GET", "/auth/realms/sandbox/protocol/openid-connect/certs", "", "")
                .unwrap()
                .body
        };
        // RSA keys are made behind the start; each node hears of those of another within a second.
        until("the nodes publish one set of keys", || {
            let keys = published(&nodes[0]);
            keys.contains("\"kid\"") && nodes.iter().all(|node| published(node) == keys)
        });
    }
}

/// The storm of the crash harness, every request at the other node than the one before, and nobody
/// dies: the rules are the same.
#[test]
fn a_storm_over_two_nodes_obeys_the_rules() {
    let two = Two::new();
    let both = Both::new(&two.nodes[0], &two.nodes[1]);
    let actors = Actors { wire: &both, history: &two.history, props: &two.props };
    let mut estate = Estate::default();
    estate.prepare(&actors).unwrap();
    let operator = ByFile::new(&two.house, &two.nodes);
    storm::rage(&actors, &mut estate, &operator, |history| {
        let alive = || two.nodes.iter().all(|node| node.ended().is_none());
        assert!(history.wait_for(history.answers() + ANSWERS, &alive), "a node has ended");
    });
    storm::ask_again(&actors, &mut estate, true);
    let calls = two.history.calls();
    assert!(calls.iter().all(|call| call.said != Said::Nothing), "every request has an answer");
    let faults = rules::broken(&calls);
    assert!(faults.is_empty(), "{}\n{}", history::shown(&calls), faults.join("\n"));
}
