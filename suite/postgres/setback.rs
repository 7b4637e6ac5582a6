//! A database that is set back by an older copy, under servers that work and under one that starts: no
//! revoked token comes back silently (FI19, I8).

use crate::actors::{Actors, MX, Whose};
use crate::cluster::Cluster;
use crate::history::{By, History, Said};
use crate::house::House;
use crate::patience::until;
use crate::place::Place;
use crate::rules;
use crate::stage::{self, Server};
use crate::wire::Wire as _;

const QUARANTINE: &str = r#"{"ready":false,"failing":["quarantine"]}"#;

fn readiness(node: &Server) -> (u16, String) {
    let answer = node.wire.send("GET", "/readyz", "", "").unwrap();
    (answer.status, answer.body)
}

fn is_quarantined(node: &Server) -> bool {
    readiness(node) == (503, QUARANTINE.into())
}

/// How many events the server's folder knows of, in all lanes.
fn remembered(house: &House, name: &str) -> u64 {
    let path = house.path().join(name).join("keys/store-mark.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let numbers = text.lines().filter_map(|line| line.strip_prefix("number = "));
    numbers.map(|number| number.parse::<u64>().unwrap()).sum()
}

fn accept(house: &House, name: &str) {
    let done = house.operate(name, &["restore", "--accept"]);
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_database_that_was_set_back_is_quarantined_until_somebody_accepts_it() {
    let cluster = Cluster::start(&[]);
    let house = House::at(Place::at(&cluster.url()));
    let nodes = [house.start("a"), house.start("b")];
    let (history, props) = (History::default(), stage::props());
    let at = |node| Actors { wire: node, history: &history, props: &props };
    let session = at(&nodes[0].wire).sign_in("bob").unwrap();
    let code = at(&nodes[0].wire).approve(&session, "bob-current").unwrap();
    let Said::Tokens { access, refresh: Some(refresh), .. } =
        at(&nodes[1].wire).redeem(&code, By::Owner)
    else {
        panic!("no tokens");
    };
    cluster.stop("fast");
    cluster.copy("d", "copy");
    cluster.again();
    nodes.iter().for_each(|node| until("the node is ready", || readiness(node).0 == 200));
    assert_eq!(at(&nodes[0].wire).revoke(&refresh, MX), Said::Done);
    let looks = |there: Actors<'_>| there.look(&access, Whose::Mx);
    until("the other node has heard of it", || looks(at(&nodes[1].wire)) == Said::Inactive);
    let events: u64 = house.place.sql("select count(*) from events").parse().unwrap();
    until("both remember it", || ["a", "b"].iter().all(|name| remembered(&house, name) == events));

    cluster.stop("fast");
    cluster.copy("copy", "d");
    cluster.again();
    for node in &nodes {
        until("the node has seen it", || is_quarantined(node));
        assert_eq!(looks(at(&node.wire)), Said::Inactive);
        assert_eq!(at(&node.wire).refresh(&refresh), Said::Later);
        assert_eq!(at(&node.wire).issue("finapp"), Said::Later);
    }
    let told = house.operate("b", &["status"]);
    let told = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
    assert!(told.contains("events are missing"), "{told}");
    assert!(nodes.iter().all(|node| node.stop().success()));
    let nodes = [house.start("a"), house.start("b")];
    assert!(nodes.iter().all(is_quarantined), "also at a start");
    assert_eq!(rules::broken(&history.calls()), [""; 0]);

    // Each server remembers for itself, so each is told.
    accept(&house, "a");
    assert_eq!(readiness(&nodes[0]).0, 200);
    assert!(matches!(at(&nodes[0].wire).issue("finapp"), Said::Tokens { .. }));
    assert!(is_quarantined(&nodes[1]));
    accept(&house, "b");
    assert!(matches!(at(&nodes[1].wire).issue("finapp"), Said::Tokens { .. }));
    // Accepted: now it is as old as it is, and the rules see what that means.
    assert!(matches!(looks(at(&nodes[0].wire)), Said::Active { .. }));
    let revived = rules::broken(&history.calls());
    assert!(revived.iter().any(|fault| fault.starts_with("I3")), "{revived:?}");
    assert!(nodes.iter().all(|node| node.stop().success()));
    assert_eq!(readiness(&house.start("a")).0, 200);
}
