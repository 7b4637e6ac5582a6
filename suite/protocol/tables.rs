//! The tables, each in a world of its own.

use counterfoil_web::surfaces;

use crate::table::run;
use crate::world::World;

/// One of every surface, and one of what every tenant answers.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    surfaces::ALL.iter().map(|surface| surface.name()).chain(["common"])
}

#[test]
fn every_surface_answers_as_its_table_says() {
    std::thread::scope(|scope| {
        for name in tables() {
            scope.spawn(move || run(name, &World::new()));
        }
    });
}
