//! What a start finds, and what it says: what was tried, what was found, what to do.

use std::sync::Barrier;
use std::thread;

use counterfoil_engine::store::{Batch, Change, ClaimKind, Expected, Key, Record, Store};
use counterfoil_protocol::ids::TenantId;
use counterfoil_store::PostgresStore;
use counterfoil_store::postgres::{STEPS, Step};

use crate::backend::Place;
use crate::conformance::{Hands, block_on};
use crate::patience::until;

fn open(url: &str) -> Result<PostgresStore, String> {
    PostgresStore::open(url, Hands::at(Hands::START).micros()).map_err(|why| why.to_string())
}

fn refused(url: &str) -> String {
    open(url).map(|_| ()).unwrap_err()
}

fn put(store: &PostgresStore, name: &str) {
    let key = Key::Claim(TenantId::parse("bank").unwrap(), ClaimKind::Login, name.into());
    let next = Some(Record::Claim("owner".into()));
    let changes = vec![Change { key, expected: Expected::Absent, next }];
    block_on(store.commit(Batch { changes, ..Batch::default() })).unwrap();
}

#[test]
fn tables_of_somebody_else_are_left_alone() {
    let place = Place::new();
    place.other().run(&format!("create schema {0}; create table {0}.theirs ()", place.schema));
    let told = refused(&place.url);
    assert!(told.contains("tables that are not counterfoil's"), "{told}");
    place.other().run("create table meta (name text, value text)");
    let told = refused(&place.url);
    assert!(told.contains("add schema=NAME"), "{told}");
}

#[test]
fn a_database_or_a_role_that_is_not_there_is_named() {
    let place = Place::new();
    let told = refused(&place.url.replace("/postgres?", "/nowhere?"));
    assert!(told.contains("\"nowhere\" does not exist"), "{told}");
    assert!(told.contains("createdb --owner postgres nowhere"), "{told}");
    let told = refused(&place.url.replace("//postgres@", "//nobody@"));
    assert!(told.contains("nobody") && told.contains("correct the user"), "{told}");
}

#[test]
fn a_role_without_rights_is_told_which_it_needs() {
    let place = Place::new();
    let other = place.other();
    let role = format!("poor_{}", place.schema);
    other.run(&format!("create role {role} login"));
    let url = place.url.replace("//postgres@", &format!("//{role}@"));
    let told = refused(&url);
    assert!(told.contains("42501") && told.contains("create schema"), "{told}");

    drop(open(&place.url).unwrap());
    other.run(&format!("grant usage on schema {} to {role}", place.schema));
    other.run(&format!("grant select on meta to {role}"));
    let told = refused(&url);
    let wanted =
        format!("grant select, insert, update, delete on all tables in schema {}", place.schema);
    assert!(told.contains("claims") && told.contains(&wanted), "{told}");
    other.run(&format!("{wanted} to {role}"));
    drop(open(&url).unwrap());
    other.run(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn a_host_that_is_not_there_does_not_keep_the_next_one_from_being_used() {
    let place = Place::new();
    let url = place.url.replace("//postgres@", "//postgres@127.0.0.1:1,");
    put(&open(&url).unwrap(), "a");
    let told = refused("postgres://postgres@127.0.0.1:1,%2Fno%2Fwhere/postgres");
    assert!(told.contains("127.0.0.1:1:") && told.contains("/no/where"), "{told}");
    assert!(told.contains("cannot be reached") && told.contains("start PostgreSQL"), "{told}");
}

#[test]
fn a_server_that_takes_no_writes_is_not_used() {
    let place = Place::new();
    let url = format!("{}&options=-c%20default_transaction_read_only%3Don", place.url);
    let told = refused(&url);
    assert!(told.contains("takes no writes") && told.contains("failover"), "{told}");
}

/// The schema, its tables, the numbers in them: whoever comes second finds them made, and never half.
#[test]
fn programs_that_start_at_once_where_nothing_is_find_the_same_tables() {
    for _ in 0..8 {
        let place = Place::new();
        let start = Barrier::new(6);
        let opened = thread::scope(|scope| {
            let one = || {
                start.wait();
                open(&place.url)
            };
            let all: Vec<_> = (0..6).map(|_| scope.spawn(one)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        for (n, store) in opened.into_iter().enumerate() {
            put(&store.unwrap(), &format!("by {n}"));
        }
        assert_eq!(place.other().number("select count(*) from claims"), 6);
        assert_eq!(place.other().number("select count(*) from lanes"), 24, "four lanes each");
    }
}

/// Another node that starts, or the command: what it leaves is what counts.
#[test]
fn who_starts_while_the_tables_are_changed_waits_for_the_end() {
    let place = Place::new();
    let micros = Hands::at(Hands::START).micros();
    drop(PostgresStore::open_knowing(&place.url, micros, ONE).unwrap());
    let (changing, watching) = (place.other(), place.other());
    let lock = format!("hashtext('counterfoil schema'), hashtext('{}')", place.schema);
    changing.run(&format!("select pg_advisory_lock({lock})"));
    let started = thread::scope(|scope| {
        let started = scope.spawn(|| open(&place.url));
        let waits = format!("select count(*) {}", place.held_up());
        until("the start waits", || watching.number(&waits) > 0);
        for step in &STEPS[1..] {
            changing.run(step.sql);
        }
        let version = STEPS.len();
        changing.run(&format!("update meta set value = {version} where name = 'schema'"));
        changing.run(&format!("select pg_advisory_unlock({lock})"));
        started.join().unwrap()
    });
    put(&started.unwrap(), "after");
}

static ONE: &[Step] =
    &[Step { version: 1, about: "the tables", contracts: false, sql: STEPS[0].sql }];

fn later(contracts: bool, sql: &'static str) -> &'static [Step] {
    let copy = |step: &Step| Step { sql: step.sql, ..*step };
    let version = STEPS.len() as i64 + 1;
    let mut steps: Vec<Step> = STEPS.iter().map(copy).collect();
    steps.push(Step { version, about: "a later one", contracts, sql });
    steps.leak()
}

#[test]
fn an_older_schema_waits_for_the_command_and_goes_on_with_what_it_has() {
    let place = Place::new();
    let micros = || Hands::at(Hands::START).micros();
    put(&PostgresStore::open_knowing(&place.url, micros(), ONE).unwrap(), "before");
    let told = refused(&place.url);
    assert!(told.contains("version 1") && told.contains("counterfoil migrate run"), "{told}");
    let plan = PostgresStore::plan(&place.url, STEPS).unwrap();
    assert_eq!((plan.found, plan.known, plan.steps.len()), (1, 3, 2));
    assert_eq!(PostgresStore::migrate(&place.url, STEPS).unwrap().steps.len(), 2);
    assert!(PostgresStore::migrate(&place.url, STEPS).unwrap().steps.is_empty());
    put(&open(&place.url).unwrap(), "after");
    assert_eq!(place.other().number("select count(*) from claims"), 2);
}

#[test]
fn an_older_and_a_newer_program_work_side_by_side_after_a_step_that_expands() {
    let place = Place::new();
    let older = open(&place.url).unwrap();
    let steps = later(false, "alter table claims add column remark text");
    PostgresStore::migrate(&place.url, steps).unwrap();
    let micros = Hands::at(Hands::START).micros();
    let newer = PostgresStore::open_knowing(&place.url, micros, steps).unwrap();
    put(&older, "by the older");
    put(&newer, "by the newer");
    let another_older = open(&place.url).unwrap();
    put(&another_older, "by the older again");
    assert_eq!(place.other().number("select count(*) from claims"), 3);
}

#[test]
fn a_step_that_contracts_waits_for_older_programs_and_ends_them() {
    let place = Place::new();
    let older = open(&place.url).unwrap();
    let node = counterfoil_store::postgres::Node {
        id: [7; 16],
        name: "old-1".into(),
        program: "0.0.1".into(),
        keys: vec![],
    };
    block_on(older.announce(&node)).unwrap();
    let steps = later(true, "alter table claims add column remark text");
    let plan = PostgresStore::migrate(&place.url, steps).unwrap();
    assert_eq!(plan.held_up().unwrap().version, 4);
    assert_eq!(plan.behind, ["old-1 (0.0.1)"]);
    put(&older, "still served");
    older.close();
    assert!(PostgresStore::migrate(&place.url, steps).unwrap().held_up().is_none());
    let told = refused(&place.url);
    assert!(told.contains("need a program of version 4"), "{told}");
}
