//! An older and a newer program on one database: expand and contract. The older one is the program as it is
//! shipped; the newer one is the same code in this process, with a list of steps that goes on by one more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use counterfoil_engine::ctx::Clock as _;
use counterfoil_server::system::{SystemClock, micros};
use counterfoil_store::postgres::{STEPS, Step};
use counterfoil_store::{Opened, PostgresStore};

use crate::actors::{Actors, MX, Props, Whose};
use crate::history::{By, History, Said};
use crate::house::House;
use crate::inside;
use crate::patience::until;
use crate::rules;
use crate::stage::{self, Server};
use crate::wire::Wire;

const EXPANDS: &str = "alter table grants add column remark text";
const CONTRACTS: &str =
    "alter table grants alter column remark set default 'a later program is here'";

/// What there is, and so many more.
fn steps(more: &[(bool, &'static str)]) -> &'static [Step] {
    let there = STEPS.iter().map(|step| Step { sql: step.sql, ..*step });
    let more = more.iter().zip(STEPS.len() as i64 + 1..).map(|((contracts, sql), version)| Step {
        version,
        about: "a later one",
        contracts: *contracts,
        sql,
    });
    there.chain(more).collect::<Vec<_>>().leak()
}

fn open(house: &House, steps: &'static [Step]) -> Result<Arc<Opened>, String> {
    let store = PostgresStore::open_knowing(&house.place.url(), Box::new(micros), steps);
    store.map(|store| Arc::new(Opened::Postgres(Arc::new(store)))).map_err(|e| e.to_string())
}

fn migrate(house: &House, steps: &'static [Step]) -> counterfoil_store::postgres::Plan {
    PostgresStore::migrate(&house.place.url(), steps).unwrap()
}

/// A grant of ada's, begun at one program and redeemed at the other.
fn begun(here: &Actors<'_>, there: &Actors<'_>) -> (String, String) {
    let session = here.sign_in("ada").unwrap();
    let code = here.approve(&session, "ada-current").unwrap();
    match there.redeem(&code, By::Owner) {
        Said::Tokens { access, refresh: Some(refresh), .. } => (access, refresh),
        other => panic!("{other:?}"),
    }
}

fn next(said: Said) -> String {
    match said {
        Said::Tokens { refresh: Some(token), .. } => token,
        other => panic!("{other:?}"),
    }
}

fn readiness(node: &Server) -> String {
    node.wire.send("GET", "/readyz", "", "").unwrap().body
}

#[test]
fn an_older_and_a_newer_program_serve_from_one_database() {
    let house = House::new();
    let older = house.start("a");
    let later = steps(&[(false, EXPANDS)]);
    let told = open(&house, later).map(|_| ()).unwrap_err();
    assert!(told.contains("counterfoil migrate run"), "{told}");

    let (history, props): (History, Props) = (History::default(), stage::props());
    let at = |wire| Actors { wire, history: &history, props: &props };
    let old: &dyn Wire = &older.wire;
    let (_, mut newest) = begun(&at(old), &at(old));
    // The step is taken while the older one is asked and asked.
    let taken = AtomicBool::new(false);
    newest = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut newest = newest;
            while !taken.load(Ordering::Relaxed) {
                newest = next(at(old).refresh(&newest));
            }
            next(at(old).refresh(&newest))
        });
        assert_eq!(migrate(&house, later).steps.len(), 1);
        taken.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    });

    let newer = open(&house, later).unwrap();
    let newer = inside::House::on(house.path(), newer, SystemClock.now()).unwrap();
    let new: &dyn Wire = &newer;
    for round in 0..6 {
        let (here, there) = if round % 2 == 0 { (at(old), at(new)) } else { (at(new), at(old)) };
        let successor = next(there.refresh(&newest));
        assert_eq!(next(here.refresh(&newest)), successor, "a retry is answered the same");
        newest = successor;
        let (access, refresh) = begun(&here, &there);
        assert!(matches!(here.look(&access, Whose::Mx), Said::Active { .. }));
        assert_eq!(there.revoke(&refresh, MX), Said::Done);
        assert_eq!(here.look(&access, Whose::Mx), Said::Inactive);
        let assertion = here.assertion();
        assert!(matches!(here.assert(&assertion), Said::Tokens { .. }));
        assert!(matches!(there.assert(&assertion), Said::Refused(_)), "spent at the other");
    }
    // One more of the older ones may start as well.
    let another = house.start("b");
    next(at(&another.wire).refresh(&newest));
    assert_eq!(rules::broken(&history.calls()), [""; 0]);
}

#[test]
fn an_older_program_is_waited_for_and_then_refused_by_its_exit_code() {
    let house = House::new();
    let older = house.start("a");
    let (history, props): (History, Props) = (History::default(), stage::props());
    let asked = Actors { wire: &older.wire, history: &history, props: &props };
    let later = steps(&[(false, EXPANDS), (true, CONTRACTS)]);
    let plan = migrate(&house, later);
    assert_eq!((plan.steps.len(), plan.behind.len()), (2, 1), "{:?}", plan.behind);
    assert!(plan.behind[0].contains(env!("CARGO_PKG_VERSION")), "{:?}", plan.behind);
    assert_eq!(plan.held_up().unwrap().version, later.last().unwrap().version);
    // The step that expands was taken, and it goes on serving.
    assert!(matches!(asked.issue("finapp"), Said::Tokens { .. }));
    assert!(older.stop().success());
    let plan = migrate(&house, later);
    assert!(plan.held_up().is_none() && plan.steps.len() == 1);
    let told = house.try_start("a", &house.keys()).map(|_| ()).unwrap_err();
    assert!(told.contains("exit status: 3") && told.contains("use the later program"), "{told}");
}

/// As one that was cut off for so long that it was taken for gone.
#[test]
fn an_older_program_that_was_not_waited_for_takes_no_more_part() {
    let house = House::new();
    let older = house.start("a");
    let (history, props): (History, Props) = (History::default(), stage::props());
    let asked = Actors { wire: &older.wire, history: &history, props: &props };
    assert!(matches!(asked.issue("finapp"), Said::Tokens { .. }));
    let later = steps(&[(false, EXPANDS), (true, CONTRACTS)]);
    house.place.sql("update nodes set seen = now() - interval '1 minute'");
    assert!(migrate(&house, later).held_up().is_none());
    until("it has learned of it", || readiness(&older).contains("\"store\""));
    assert_eq!(asked.issue("finapp"), Said::Later);
    let told = house.operate("a", &["status"]);
    let told = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
    assert!(told.contains("need a program of version 5"), "{told}");
}
