//! The tables, each in a world of its own.

use crate::table::run;
use crate::world::World;

pub(crate) const TABLES: [&str; 5] = ["fintecture", "mx", "worldline", "common", "standard"];

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
