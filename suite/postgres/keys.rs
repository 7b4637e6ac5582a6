//! Keys that several nodes share: signing keys that sign when every node has loaded them, and key files
//! that must be the same.

use serde_json::Value;

use crate::actors::{Actors, Whose};
use crate::history::{History, Said};
use crate::house::{House, make_keys};
use crate::stage::{self, Server};
use crate::wire::Wire as _;
use counterfoil_server::system::SystemDice;

const ROTATE: [&str; 6] = ["key", "rotate", "--now", "--tenant", "sandbox", "--json"];
const JWKS: &str = "/auth/realms/sandbox/protocol/openid-connect/certs";

fn published(node: &Server) -> Vec<String> {
    let answer = node.wire.send("GET", JWKS, "", "").unwrap();
    let set: Value = serde_json::from_str(&answer.body).unwrap();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// What one node signs with its new key the other can verify at once: it had loaded it before.
#[test]
fn a_key_signs_when_every_node_has_loaded_it() {
    let house = House::new();
    let nodes = [house.start("a"), house.start("b")];
    let (history, props) = (History::default(), stage::props());
    let at = |node: usize| Actors { wire: &nodes[node].wire, history: &history, props: &props };
    let token = |node: usize| match at(node).assert(&at(node).assertion()) {
        Said::Tokens { access, .. } => access,
        other => panic!("{other:?}"),
    };
    for (here, there) in [(0, 1), (1, 0), (0, 1)] {
        let before = token(here);
        let name = ["a", "b"][here];
        let done = house.operate(name, &ROTATE);
        assert!(done.status.success(), "{done:?}");
        let keys: Value = serde_json::from_slice(&done.stdout).unwrap();
        let kid = keys[0]["kid"].as_str().unwrap().to_owned();
        assert_eq!(keys[0]["state"], "active");
        assert!(published(&nodes[there]).contains(&kid), "the other node publishes it already");
        let after = token(here);
        for token in [&before, &after] {
            assert!(matches!(at(there).look(token, Whose::Worldline), Said::Active { .. }));
        }
    }
    assert_eq!(published(&nodes[0]).len(), 4);
}

/// A node that lives and does not say that it knows the key: as one that cannot reach the store.
#[test]
fn a_key_does_not_sign_while_a_node_that_lives_may_lack_it() {
    let house = House::new();
    let node = house.start("a");
    house.place.sql(
        "insert into nodes values ('\\x00', 'ghost/1', '0.0.1', 99, convert_to('{}', 'utf8'), now())",
    );
    let done = house.operate("a", &ROTATE);
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("not loaded by ghost/1"), "{told}");
    assert_eq!(published(&node).len(), 2, "published, for when it may sign");
    house.place.sql("delete from nodes where name = 'ghost/1'");
    let done = house.operate("a", &ROTATE);
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_node_with_other_keys_does_not_start_beside_one_that_lives() {
    let house = House::new();
    let first = house.start("a");
    let other = house.path().join("other-keys.toml");
    make_keys(&other, &mut SystemDice);
    let told = house.try_start("b", &other).map(|_| ()).unwrap_err();
    assert!(told.contains("exit status: 3"), "{told}");
    assert!(told.contains("it has another key file") && told.contains("same keys"), "{told}");
    // Nor when nobody lives: what is in the store does not open.
    assert!(first.stop().success());
    let told = house.try_start("b", &other).map(|_| ()).unwrap_err();
    assert!(told.contains("exit status: 3") && told.contains("filled with another"), "{told}");
    drop(house.start("b"));
}

/// As a platform hands secrets to its processes.
#[test]
fn keys_come_in_a_variable_as_well() {
    let house = House::new();
    let first = house.start("a");
    let text = std::fs::read_to_string(house.keys()).unwrap();
    let state = house.settle("b", &house.place.url());
    let mut command = std::process::Command::new(stage::shipped());
    command.env("COUNTERFOIL_KEYS", text);
    let second = Server::spawn(command, &state).unwrap();
    let (history, props) = (History::default(), stage::props());
    let at = |node| Actors { wire: node, history: &history, props: &props };
    let Said::Tokens { access, .. } = at(&first.wire).issue("finapp") else { panic!("no token") };
    assert!(matches!(at(&second.wire).look(&access, Whose::Fintecture), Said::Active { .. }));
    assert!(!state.join("keys/handle-keys.toml").exists());
}
