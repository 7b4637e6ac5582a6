//! A client that is suspended at one node is out at the other within the second that
//! `docs/reference/store.md` publishes.

use std::time::{Duration, Instant};

use counterfoil_server::nodes::HEARD_FOR;

use crate::actors::{Actors, Whose};
use crate::history::{History, Said};
use crate::house::House;
use crate::stage::{self, Server};
use crate::storm::Operator;
use crate::wire::Wire as _;

/// An operator with one folder of files for both nodes, and a signal for the first.
pub(crate) struct ByFile<'h> {
    house: &'h House,
    nodes: &'h [Server; 2],
}

impl<'h> ByFile<'h> {
    pub(crate) fn new(house: &'h House, nodes: &'h [Server; 2]) -> Self {
        Self { house, nodes }
    }
}

impl Operator for ByFile<'_> {
    /// Done means that both nodes know.
    fn suspend(&self, suspended: bool) -> bool {
        stage::suspended(self.house.path(), suspended);
        if !self.nodes[0].reload() {
            return false;
        }
        let (history, props) = (History::default(), stage::props());
        let there = Actors { wire: &self.nodes[1].wire, history: &history, props: &props };
        within(HEARD_FOR, || matches!(there.issue("crashapp"), Said::Tokens { .. }) != suspended);
        true
    }
}

/// Asks until it is so. What is asked later than `bound` from now must be so; what is asked before
/// may be.
#[expect(clippy::disallowed_methods, reason = "a bound in time that is published is tried")]
fn within(bound: Duration, is: impl Fn() -> bool) {
    let begun = Instant::now();
    loop {
        let asked = begun.elapsed();
        if is() {
            return;
        }
        assert!(asked < bound, "asked {asked:?} later, and still not so");
    }
}

struct Two {
    house: House,
    nodes: [Server; 2],
}

impl Two {
    fn new() -> Self {
        let house = House::new();
        let nodes = [house.start("a"), house.start("b")];
        Self { house, nodes }
    }
}

#[test]
fn a_client_suspended_by_file_at_one_node_is_out_at_the_other_within_the_second() {
    let two = Two::new();
    let (history, props) = (History::default(), stage::props());
    let there = Actors { wire: &two.nodes[1].wire, history: &history, props: &props };
    let Said::Tokens { access, .. } = there.issue("crashapp") else { panic!("no token") };
    let looks = || there.look(&access, Whose::Fintecture);
    for _ in 0..3 {
        assert!(matches!(looks(), Said::Active { .. }));
        stage::suspended(two.house.path(), true);
        assert!(two.nodes[0].reload());
        within(HEARD_FOR, || looks() == Said::Inactive);
        assert!(matches!(there.issue("crashapp"), Said::Refused(_)));
        stage::suspended(two.house.path(), false);
        assert!(two.nodes[0].reload());
        within(HEARD_FOR, || looks() != Said::Inactive);
    }
}

/// One that registered itself: at one node it registers, at the other it is suspended.
#[test]
fn a_client_suspended_by_command_is_out_at_every_node() {
    let house = House::new();
    let open =
        "[[tenant]]\nid = \"open\"\nsurfaces = [\"mx\"]\nregistration = { surface = \"mx\" }\n";
    std::fs::write(house.path().join("resources/open.toml"), open).unwrap();
    let nodes = [house.start("a"), house.start("b")];
    let body = r#"{"redirect_uris":["https://app.example/cb"],"client_name":"App"}"#;
    let json = "content-type: application/json\r\n";
    let made = nodes[0].wire.send("POST", "/o/open/register", json, body).unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let (id, secret) = (made.member("client_id").unwrap(), made.member("client_secret").unwrap());
    let form = "grant_type=authorization_code&code=x&redirect_uri=https%3A%2F%2Fapp.example%2Fcb";
    let basic = format!("{id}:{secret}");
    let is_out = |node: &Server| {
        let answer = node.wire.post("/o/open/oauth2/v4/token", &basic, form).unwrap();
        answer.member("error").as_deref() == Some("invalid_client")
    };
    assert!(!is_out(&nodes[1]), "registered at one node, known to the other at once");
    for (verb, out) in [("suspend", true), ("resume", false)] {
        let done = house.operate("a", &["client", verb, &id]);
        assert!(done.status.success(), "{done:?}");
        assert_eq!(is_out(&nodes[0]), out);
        within(HEARD_FOR, || is_out(&nodes[1]) == out);
    }
}
