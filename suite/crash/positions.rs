//! The server dies at a named operation on its disk: of the process, with everything written kept by
//! the system, or of the machine, with nothing kept that was not flushed, or some of it.

use std::path::Path;

use crate::actors::Actors;
use crate::history::History;
use crate::kills::{ByFile, DEATHS_OF_ONE_FOLDER, Told, judged};
use crate::stage::{self, Server};
use crate::storm::{self, Estate};
use crate::{Dice, times};

/// Deaths of a plain `cargo test`.
const CUTS: u64 = 12;
/// Every position up to this one comes first, and then from the beginning. A commit of the storm is
/// a few of them; folding the log into the file is one for each page.
const POSITION_MAX: u64 = 160;
/// Every so many deaths, one during the start, which folds the log into the file.
const STARTS: u64 = 4;
/// Operations of a start that folds a log.
const START_POSITION_MAX: u64 = 12;

/// The words of an order.
fn order(at: u64, dice: &mut Dice) -> String {
    let how = match dice.below(5) {
        0 => "kill".to_owned(),
        1 => "cut all".to_owned(),
        2 => "cut none".to_owned(),
        _ => format!("cut some {}", dice.below(1_000_000)),
    };
    format!("at {at} change any {how}")
}

pub(crate) fn give(orders: &Path, text: &str) {
    let next = orders.with_extension("next");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, orders).unwrap();
}

#[test]
fn nothing_that_was_acknowledged_is_lost_at_any_position() {
    let cuts = times("COUNTERFOIL_CUTS", CUTS);
    let (props, mut dice, mut told) = (stage::props(), Dice(11), Told::default());
    let (mut position, mut starts) = (0, 0);
    // A plain run has few deaths: they are spread.
    let stride = (POSITION_MAX / cuts.max(1)).max(1);
    while told.deaths < cuts {
        let folder = tempfile::tempdir().unwrap();
        let orders = folder.path().join("orders");
        stage::set(folder.path());
        let start = || Server::on_disk(folder.path(), &orders).unwrap();
        give(&orders, "nothing");
        let mut estate = Estate::default();
        let mut server = start();
        for _ in 0..DEATHS_OF_ONE_FOLDER.min(cuts - told.deaths) {
            let history = History::default();
            let actors = Actors { wire: &server.wire, history: &history, props: &props };
            let operator = ByFile { server: &server, folder: folder.path() };
            let begun = estate.prepare(&actors);
            begun.unwrap_or_else(|e| panic!("death {}: {e}", told.deaths));
            position = 1 + (position + stride - 1) % POSITION_MAX;
            let order = order(position, &mut dice);
            give(&orders, &order);
            storm::rage(&actors, &mut estate, &operator, |history| {
                history.wait_for(usize::MAX, &|| server.ended().is_none());
            });
            told.storm(&history);
            if told.deaths.is_multiple_of(STARTS) && told.deaths < cuts {
                let at = 1 + dice.below(START_POSITION_MAX);
                give(&orders, &self::order(at, &mut dice));
                match Server::on_disk(folder.path(), &orders) {
                    Err(_) => (starts, told.deaths) = (starts + 1, told.deaths + 1),
                    // Fewer operations than that.
                    Ok(server) => server.kill(),
                }
            }
            give(&orders, "nothing");
            server = start();
            let retire = dice.below(3) == 0;
            let facts = (&history, &props);
            let again = judged(&server, facts, (&mut estate, retire), folder.path());
            told.again += again.unwrap_or_else(|e| panic!("death {} ({order}): {e}", told.deaths));
        }
    }
    println!(
        "killed or cut off at a position, the same program on a disk that obeys: {}; {starts} of \
         the deaths during a start",
        told.in_words()
    );
    assert!(told.acknowledged > 0 && told.open > 0, "a storm in which nothing happened");
}
