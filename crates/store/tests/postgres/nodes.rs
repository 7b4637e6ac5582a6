//! Several processes on one store: who lives, and what the others must hear of.

use counterfoil_engine::store::{Batch, Change, Expected, Key, Store};
use counterfoil_store::PostgresStore;
use counterfoil_store::postgres::{Listening, Node};

use crate::backend::Place;
use crate::conformance::{Hands, block_on, samples};

fn opened(place: &Place) -> PostgresStore {
    PostgresStore::open(&place.url, Hands::at(Hands::START).micros()).unwrap()
}

/// Makes the sample record of every kind that `is` names, each with an event of its own.
fn make(store: &PostgresStore, is: impl Fn(&Key) -> bool) -> usize {
    let wanted: Vec<_> = samples::all().into_iter().filter(|(key, _)| is(key)).collect();
    for (key, record) in &wanted {
        let (key, next) = (key.clone(), Some(record.clone()));
        let changes = vec![Change { key, expected: Expected::Absent, next }];
        let events = vec![samples::event()];
        block_on(store.commit(Batch { changes, events, ..Batch::default() })).unwrap();
    }
    wanted.len()
}

fn is_remembered(key: &Key) -> bool {
    matches!(key, Key::Tenant(..) | Key::Client(..) | Key::KeySet(..) | Key::SigningKey(..))
}

#[test]
fn what_others_remember_is_heard_and_nothing_else() {
    let place = Place::new();
    let (here, there) = (opened(&place), opened(&place));
    let mut listening = block_on(here.listen()).unwrap();
    make(&there, |key| !is_remembered(key));
    assert_eq!(block_on(here.heard(&mut listening, 100)), Ok(vec![]));
    let made = make(&there, is_remembered);
    assert_eq!(made, 4);
    let told = block_on(here.heard(&mut listening, 3)).unwrap();
    assert_eq!(told, vec![Some(samples::event()); 3]);
    assert_eq!(block_on(here.heard(&mut listening, 3)).unwrap().len(), 1);
    assert_eq!(block_on(here.heard(&mut listening, 3)), Ok(vec![]));
    let mut from_the_start = Listening::default();
    assert_eq!(block_on(there.heard(&mut from_the_start, 100)).unwrap().len(), made);
}

/// The statement of version 2 of the tables.
#[test]
fn what_an_older_program_writes_without_saying_is_heard() {
    let place = Place::new();
    let here = opened(&place);
    let mut listening = block_on(here.listen()).unwrap();
    place.other().run(
        "insert into lanes values (77);
         insert into events (lane, number, revision, body, hash) values (77, 1, 1, '\\x01', '\\x')",
    );
    assert_eq!(block_on(here.heard(&mut listening, 9)), Ok(vec![None]), "and cannot be read");
    assert_eq!(block_on(here.heard(&mut listening, 9)), Ok(vec![]));
}

/// As after a failover to a standby that had not yet received everything.
#[test]
fn after_the_store_was_set_back_everything_may_have_changed() {
    let place = Place::new();
    let (here, there) = (opened(&place), opened(&place));
    let mut listening = block_on(here.listen()).unwrap();
    make(&there, |key| matches!(key, Key::Tenant(..)));
    assert_eq!(block_on(here.heard(&mut listening, 9)).unwrap().len(), 1);
    place.other().run("delete from events");
    assert_eq!(block_on(here.heard(&mut listening, 9)), Ok(vec![None]));
    assert_eq!(block_on(here.heard(&mut listening, 9)), Ok(vec![]));
    make(&there, |key| matches!(key, Key::KeySet(..)));
    assert_eq!(block_on(here.heard(&mut listening, 9)), Ok(vec![Some(samples::event())]));
    // Another event in the place of the one that was heard.
    place.other().run("update events set hash = '\\x00'");
    assert_eq!(block_on(here.heard(&mut listening, 9)), Ok(vec![None]));
}

fn node(id: u8, keys: &[u8]) -> Node {
    Node { id: [id; 16], name: format!("node-{id}"), program: "1.2.3".into(), keys: keys.into() }
}

#[test]
fn who_lives_is_known_to_the_others_until_it_ends_or_is_not_seen() {
    let place = Place::new();
    let (here, there) = (opened(&place), opened(&place));
    block_on(here.announce(&node(1, b"a"))).unwrap();
    assert_eq!(block_on(here.others(&node(1, b""))), Ok(vec![]));
    block_on(there.announce(&node(2, b"b"))).unwrap();
    block_on(there.announce(&node(2, b"c"))).unwrap();
    let others = block_on(here.others(&node(1, b""))).unwrap();
    assert_eq!(others.len(), 1);
    assert_eq!((&*others[0].name, &*others[0].keys), ("node-2", &b"c"[..]));
    place
        .other()
        .run("update nodes set seen = now() - interval '31 seconds' where name = 'node-2'");
    assert_eq!(block_on(here.others(&node(1, b""))), Ok(vec![]), "gone without a word");
    block_on(there.announce(&node(2, b"c"))).unwrap();
    assert_eq!(block_on(here.others(&node(1, b""))).unwrap().len(), 1);
    there.close();
    assert_eq!(block_on(here.others(&node(1, b""))), Ok(vec![]), "gone in good order");
}
