//! SIGKILL at a moment that has nothing to do with the disk: after so many answers, under load.

use std::path::Path;

use crate::actors::{Actors, Props};
use crate::history::{self, History, Said};
use crate::stage::{self, Server};
use crate::storm::{self, Estate, Operator};
use crate::{Dice, inspect, rules, times};

/// Kills of a plain `cargo test`.
const KILLS: u64 = 12;
/// After so many deaths a folder has seen enough; then the store is not read in vain for ever.
pub(crate) const DEATHS_OF_ONE_FOLDER: u64 = 60;
/// Answers before a kill.
const ANSWERS_MAX: u64 = 90;

/// An operator with a file and a signal.
pub(crate) struct ByFile<'s> {
    pub(crate) server: &'s Server,
    pub(crate) folder: &'s Path,
}

impl Operator for ByFile<'_> {
    fn suspend(&self, suspended: bool) -> bool {
        stage::suspended(self.folder, suspended);
        self.server.reload()
    }
}

/// What a run has seen, for people.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) deaths: u64,
    pub(crate) calls: usize,
    pub(crate) acknowledged: usize,
    pub(crate) open: usize,
    pub(crate) again: usize,
}

impl Told {
    pub(crate) fn in_words(&self) -> String {
        let Self { deaths, calls, acknowledged, open, again } = self;
        format!(
            "{deaths} deaths: {calls} calls before them, {acknowledged} answered and {open} left \
             open; {again} calls afterwards"
        )
    }

    pub(crate) fn storm(&mut self, history: &History) {
        let calls = history.calls();
        self.deaths += 1;
        self.calls += calls.len();
        let open = calls.iter().filter(|call| call.said == Said::Nothing).count();
        self.open += open;
        self.acknowledged += calls.len() - open;
    }
}

/// After a start: everything is asked again, and everything that was ever told must be true.
pub(crate) fn judged(
    server: &Server,
    (history, props): (&History, &Props),
    (estate, retire): (&mut Estate, bool),
    folder: &Path,
) -> Result<usize, String> {
    let actors = Actors { wire: &server.wire, history, props };
    let before = history.calls().len();
    // The start has applied what the file says.
    estate.state_of_the_file(history);
    storm::ask_again(&actors, estate, retire);
    let calls = history.calls();
    let mut faults = rules::broken(&calls);
    faults.extend(inspect::broken(&folder.join("store.db"), &calls));
    if let Some(mute) = calls[before..].iter().find(|call| call.said == Said::Nothing) {
        faults.push(format!("no answer after the start: {:?}", mute.what));
    }
    if faults.is_empty() {
        return Ok(calls.len() - before);
    }
    Err(format!(
        "{}
{}",
        history::shown(&calls),
        faults.join(
            "
"
        )
    ))
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_a_kill() {
    let kills = times("COUNTERFOIL_KILLS", KILLS);
    let (props, mut dice, mut told) = (stage::props(), Dice(7), Told::default());
    while told.deaths < kills {
        let folder = tempfile::tempdir().unwrap();
        stage::set(folder.path());
        let mut estate = Estate::default();
        let mut server = Server::start(folder.path());
        for _ in 0..DEATHS_OF_ONE_FOLDER.min(kills - told.deaths) {
            let history = History::default();
            let actors = Actors { wire: &server.wire, history: &history, props: &props };
            let quota = 1 + dice.below(ANSWERS_MAX);
            let operator = ByFile { server: &server, folder: folder.path() };
            let begun = estate.prepare(&actors);
            begun.unwrap_or_else(|e| panic!("death {}: {e}", told.deaths));
            storm::rage(&actors, &mut estate, &operator, |history| {
                let begun = history.answers();
                let wanted = begun + usize::try_from(quota).unwrap();
                history.wait_for(wanted, &|| server.ended().is_none());
                server.kill();
            });
            told.storm(&history);
            server = Server::start(folder.path());
            let retire = dice.below(3) == 0;
            let facts = (&history, &props);
            let again = judged(&server, facts, (&mut estate, retire), folder.path());
            told.again += again.unwrap_or_else(|e| panic!("death {}: {e}", told.deaths));
        }
    }
    println!("killed at random moments, the program as it is shipped: {}", told.in_words());
    assert!(told.acknowledged > 0 && told.open > 0, "a storm in which nothing happened");
}
