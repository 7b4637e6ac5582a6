//! One storm whose every disk operation is written down; then every state in which a loss of power
//! could have left the disk is started and asked. No process dies here: it is the same engine, store
//! and SQLite, over what the disk would have held.

use counterfoil_disk::{Cut, Disk};
use counterfoil_protocol::moment::Moment;

use crate::actors::{self, Actors, Props};
use crate::history::{self, History, Said};
use crate::inside::House;
use crate::stage;
use crate::storm::{self, Estate, Operator};
use crate::{inspect, rules, times};

/// Answers of a storm in a plain `cargo test`: some hundred positions.
const ANSWERS: u64 = 25;
/// With how many losses of each position a plain run is content.
const CUTS: u64 = 1;

impl Operator for House {
    fn suspend(&self, suspended: bool) -> bool {
        House::suspend(self, "crashapp", suspended)
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_whatever_the_disk_kept() {
    let (answers, cuts) =
        (times("COUNTERFOIL_ANSWERS", ANSWERS), times("COUNTERFOIL_LOSSES", CUTS));
    let (folder, props) = (tempfile::tempdir().unwrap(), stage::props());
    stage::set(folder.path());
    let disk_folder = folder.path().join("disk");
    std::fs::create_dir(&disk_folder).unwrap();
    let disk = Disk::under(&disk_folder).unwrap();
    disk.record();
    let mut history = History::default();
    let moment = Moment(actors::now());
    (history.disk, history.second) = (Some(disk.clone()), Some(moment.0));
    let mut estate = Estate::default();
    let (from, to) = {
        let house = House::open(folder.path(), &disk_folder.join("store.db"), moment).unwrap();
        let actors = Actors { wire: &house, history: &history, props: &props };
        estate.prepare(&actors).unwrap();
        let from = disk.changes();
        storm::rage(&actors, &mut estate, &house, |history| {
            let wanted = history.answers() + usize::try_from(answers).unwrap();
            assert!(history.wait_for(wanted, &|| true));
        });
        let to = disk.changes();
        // The end of the process folds the log into the file: positions of their own.
        house.store.close();
        (from, disk.changes().max(to))
    };
    let trace = disk.trace();
    let (mut images, mut looked_at, mut asked) = (trace.images(), 0_u64, 0_usize);
    for position in from..=to {
        images.move_to(usize::try_from(position).unwrap());
        for n in 0..cuts {
            let cut = match (position + n) % 4 {
                0 => Cut::None,
                1 => Cut::All,
                _ => Cut::Some(position * 31 + n),
            };
            let image = tempfile::tempdir().unwrap();
            images.write(cut, image.path()).unwrap();
            let seen = history.cut(position);
            let again = started(folder.path(), image.path(), &seen, (&estate, &props), moment);
            asked += again.unwrap_or_else(|e| panic!("position {position} of {to}, {cut:?}: {e}"));
            looked_at += 1;
        }
    }
    println!(
        "states of the disk that were started: {looked_at}, at {} positions, {asked} calls \
         afterwards",
        to - from + 1
    );
    assert!(looked_at > answers, "a storm in which nothing happened");
}

/// What a start on this image makes of everything that was told before.
fn started(
    folder: &std::path::Path,
    image: &std::path::Path,
    history: &History,
    (estate, props): (&Estate, &Props),
    moment: Moment,
) -> Result<usize, String> {
    let store = image.join("store.db");
    // A disk that counts nothing, and waits for no device.
    let disk = Disk::under(image)?;
    let house = House::open(folder, &store, moment)?;
    // The start has applied what the file says.
    let mut estate = estate.clone();
    estate.suspended = false;
    estate.state_of_the_file(history);
    let actors = Actors { wire: &house, history, props };
    let before = history.calls().len();
    storm::ask_again(&actors, &mut estate, before.is_multiple_of(2));
    let calls = history.calls();
    let mut faults = rules::broken(&calls);
    faults.extend(inspect::broken(&store, &calls));
    if let Some(mute) = calls[before..].iter().find(|call| call.said == Said::Later) {
        faults.push(format!("no answer after the start: {:?}", mute.what));
    }
    drop(house);
    disk.release();
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
