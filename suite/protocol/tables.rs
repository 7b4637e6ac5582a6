//! The tables, each in a world of its own.

use crate::table::run;
use crate::world::World;

pub(crate) const TABLES: [&str; 7] =
    ["fintecture", "mx", "worldline", "common", "standard", "fapi2", "fapi2_ms"];

#[test]
fn fintecture_answers_as_its_table_says() {
    run("fintecture", &World::new());
}

#[test]
fn mx_answers_as_its_table_says() {
    run("mx", &World::new());
}

#[test]
fn worldline_answers_as_its_table_says() {
    run("worldline", &World::new());
}

#[test]
fn what_every_tenant_answers_is_as_its_table_says() {
    run("common", &World::new());
}

#[test]
fn plain_openid_answers_as_its_table_says() {
    run("standard", &World::new());
}

#[test]
fn fapi2_answers_as_its_table_says() {
    run("fapi2", &World::new());
}

#[test]
fn fapi2_message_signing_answers_as_its_table_says() {
    run("fapi2_ms", &World::new());
}
