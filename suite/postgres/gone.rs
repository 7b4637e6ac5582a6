//! A database that goes away while a node serves: 503 with `Retry-After`, never a false success, and
//! nothing has to be restarted.

use crate::actors::{Actors, MX};
use crate::cluster::Cluster;
use crate::history::{By, History, Said};
use crate::house::House;
use crate::place::Place;
use crate::stage::{self, Server};
use crate::wire::{Answer, Wire as _};

const TOKEN: &str = "/oauth2/v4/token";

fn refresh(node: &Server, token: &str) -> Answer {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    node.wire.post(TOKEN, MX, &form).unwrap()
}

/// A refresh token of ada's.
fn begun(node: &Server) -> String {
    let (history, props) = (History::default(), stage::props());
    let actors = Actors { wire: &node.wire, history: &history, props: &props };
    let session = actors.sign_in("ada").unwrap();
    let code = actors.approve(&session, "ada-current").unwrap();
    match actors.redeem(&code, By::Owner) {
        Said::Tokens { refresh: Some(token), .. } => token,
        other => panic!("{other:?}"),
    }
}

fn is_later(answer: &Answer) -> bool {
    if answer.status == 503 {
        assert_eq!(answer.header("retry-after"), Some("1"), "{}", answer.head);
        assert_eq!(answer.member("error").as_deref(), Some("temporarily_unavailable"));
    }
    answer.status == 503
}

/// Asks until it is answered; 503 is the only other answer.
fn until_answered(node: &Server, token: &str) -> String {
    loop {
        let answer = refresh(node, token);
        if !is_later(&answer) {
            assert_eq!(answer.status, 200, "{}", answer.body);
            return answer.member("refresh_token").unwrap();
        }
        std::thread::yield_now();
    }
}

fn readiness(node: &Server) -> (u16, String) {
    let answer = node.wire.send("GET", "/readyz", "", "").unwrap();
    (answer.status, answer.body)
}

fn until_ready(node: &Server) {
    while readiness(node).0 != 200 {
        std::thread::yield_now();
    }
}

#[test]
fn connections_that_are_cut_are_had_again_without_a_restart() {
    let house = House::new();
    let node = house.start("a");
    let mut token = begun(&node);
    // Four lanes, two readers, two desks.
    assert_eq!(house.place.cut(), 8);
    for _ in 0..5 {
        token = until_answered(&node, &token);
        until_ready(&node);
        // A desk is had again when it is needed.
        assert!(house.place.cut() >= 6);
        token = until_answered(&node, &token);
        until_ready(&node);
    }
}

#[test]
fn a_database_that_is_stopped_and_started_again_is_waited_for() {
    let cluster = Cluster::start(&[]);
    let house = House::at(Place::at(&cluster.url()));
    let nodes = [house.start("a"), house.start("b")];
    let token = begun(&nodes[0]);
    for how in ["fast", "immediate"] {
        cluster.stop(how);
        for node in &nodes {
            assert!(is_later(&refresh(node, &token)));
            let live = node.wire.send("GET", "/livez", "", "").unwrap();
            assert_eq!(live.status, 200);
            // First the connections are found lost, then the silence is too long.
            while !readiness(node).1.contains("[\"store\",\"feed\"]") {
                std::thread::yield_now();
            }
            assert_eq!(readiness(node).0, 503);
            let form = format!("token={token}");
            let look = node.wire.post("/introspect", "mxresource:mxresourcesecret", &form).unwrap();
            assert!(is_later(&look), "not \"inactive\": nobody knows");
        }
        cluster.again();
        let next = nodes.each_ref().map(|node| until_answered(node, &token));
        assert_eq!(next[0], next[1], "wherever it is asked");
        nodes.iter().for_each(until_ready);
    }
}

/// The connection dies while the commit waits for a lock: written or not, nobody knows, and nobody says
/// that it was.
#[test]
fn an_unknown_outcome_is_503_and_the_retry_is_answered() {
    let house = House::new();
    let node = house.start("a");
    let token = begun(&node);
    let schema = &house.place.schema;
    let lock = house.place.session("begin; lock table grants in exclusive mode;");
    let held = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation
        join pg_namespace n on n.oid = c.relnamespace where c.relname = 'grants' and n.nspname = ";
    let granted = format!("{held}'{schema}' and l.mode = 'ExclusiveLock' and l.granted");
    while house.place.sql(&granted) != "1" {
        std::thread::yield_now();
    }
    let answer = std::thread::scope(|scope| {
        let asked = scope.spawn(|| refresh(&node, &token));
        let waits = format!("{held}'{schema}' and not l.granted");
        while house.place.sql(&waits) == "0" {
            std::thread::yield_now();
        }
        house.place.cut();
        asked.join().unwrap()
    });
    assert!(is_later(&answer), "{}", answer.head);
    drop(lock);
    let next = until_answered(&node, &token);
    assert_eq!(until_answered(&node, &token), next);
    until_answered(&node, &next);
}
