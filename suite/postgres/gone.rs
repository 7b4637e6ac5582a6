//! A database that goes away while a node serves: 503 with `Retry-After`, never a false success, and
//! nothing has to be restarted.

use crate::actors::{Actors, MX};
use crate::cluster::Cluster;
use crate::history::{By, History, Said};
use crate::house::House;
use crate::patience::{until, until_some};
use crate::place::Place;
use crate::stage::{self, Server};
use crate::wire::{Answer, Wire as _};

const TOKEN: &str = "/oauth2/v4/token";

fn refresh(node: &Server, token: &str) -> Answer {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    node.wire.post(TOKEN, MX, &form).unwrap()
}

/// A refresh token of ada's.
fn begun(node: &Server) -> String {
    let (history, props) = (History::default(), stage::props());
    let actors = Actors { wire: &node.wire, history: &history, props: &props };
    let session = actors.sign_in("ada").unwrap();
    let code = actors.approve(&session, "ada-current").unwrap();
    match actors.redeem(&code, By::Owner) {
        Said::Tokens { refresh: Some(token), .. } => token,
        other => panic!("{other:?}"),
    }
}

fn is_later(answer: &Answer) -> bool {
    if answer.status == 503 {
        assert_eq!(answer.header("retry-after"), Some("1"), "{}", answer.head);
        assert_eq!(answer.member("error").as_deref(), Some("temporarily_unavailable"));
    }
    answer.status == 503
}

/// Asks until it is answered; 503 is the only other answer.
fn until_answered(node: &Server, token: &str) -> String {
    until_some("a refresh is answered", || {
        let answer = refresh(node, token);
        if is_later(&answer) {
            return None;
        }
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.member("refresh_token")
    })
}

fn readiness(node: &Server) -> (u16, String) {
    let answer = node.wire.send("GET", "/readyz", "", "").unwrap();
    (answer.status, answer.body)
}

fn until_ready(node: &Server) {
    until("the node is ready", || readiness(node).0 == 200);
}

#[test]
fn connections_that_are_cut_are_had_again_without_a_restart() {
    let house = House::new();
    let node = house.start("a");
    let mut token = begun(&node);
    // Four lanes, two readers, two desks.
    assert_eq!(house.place.cut(), 8);
    for _ in 0..5 {
        token = until_answered(&node, &token);
        until_ready(&node);
        // A desk is had again when it is needed.
        assert!(house.place.cut() >= 6);
        token = until_answered(&node, &token);
        until_ready(&node);
    }
}

#[test]
fn a_database_that_is_stopped_and_started_again_is_waited_for() {
    let cluster = Cluster::start(&[]);
    let house = House::at(Place::at(&cluster.url()));
    let nodes = [house.start("a"), house.start("b")];
    let token = begun(&nodes[0]);
    for how in ["fast", "immediate"] {
        cluster.stop(how);
        for node in &nodes {
            assert!(is_later(&refresh(node, &token)));
            let live = node.wire.send("GET", "/livez", "", "").unwrap();
            assert_eq!(live.status, 200);
            // First the connections are found lost, then the silence is too long.
            let silent = || readiness(node).1.contains("[\"store\",\"feed\"]");
            until("the silence is noticed", silent);
            assert_eq!(readiness(node).0, 503);
            let form = format!("token={token}");
            let look = node.wire.post("/introspect", "mxresource:mxresourcesecret", &form).unwrap();
            assert!(is_later(&look), "not \"inactive\": nobody knows");
        }
        cluster.again();
        let next = nodes.each_ref().map(|node| until_answered(node, &token));
        assert_eq!(next[0], next[1], "wherever it is asked");
        nodes.iter().for_each(until_ready);
    }
}

/// A server at which every commit waits for a standby that is not there.
struct Forsaken<'h>(&'h House);

impl<'h> Forsaken<'h> {
    /// The server heeds a setting some time after it was told. So it counts when a commit does wait:
    /// somebody else's, one after the other.
    fn begin(house: &'h House) -> Self {
        let forsaken = Self(house);
        forsaken.confirmed_by("nobody");
        let _probe = house.place.session(
            "set application_name = 'probe'; set synchronous_commit = on;
             do $$ begin loop
                 perform pg_logical_emit_message(true, 'probe', '');
                 commit;
             end loop; end $$;",
        );
        until("a commit waits for the standby", || forsaken.waiting("probe", "pid") > 0);
        forsaken.waiting("probe", "pg_terminate_backend(pid)");
        forsaken
    }

    fn confirmed_by(&self, who: &str) {
        self.0.place.sql(&format!("alter system set synchronous_standby_names = '{who}'"));
        self.0.place.sql("select pg_reload_conf()");
    }

    /// Does something about each commit of `who` that waits. How many there were.
    fn waiting(&self, who: &str, what: &str) -> usize {
        let text = format!(
            "select {what} from pg_stat_activity
             where wait_event = 'SyncRep' and application_name = '{who}'"
        );
        self.0.place.sql(&text).lines().count()
    }

    fn over(self) {
        self.confirmed_by("");
    }
}

/// The standby that must confirm does not: nobody is told that it did, also not when somebody at the
/// server ends the wait, after which the server calls it done.
#[test]
fn a_commit_that_no_standby_confirms_is_not_acknowledged() {
    let cluster = Cluster::start(&[]);
    let house = House::at(Place::at(&cluster.url()));
    let node = house.start("a");
    let tokens = [begun(&node), begun(&node)];
    let schema = &house.place.schema;
    let forsaken = Forsaken::begin(&house);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| refresh(&node, &tokens[0]));
        // Whatever else the node commits in the meantime is ended with it.
        until("the refresh is answered when its wait is ended", || {
            forsaken.waiting(schema, "pg_cancel_backend(pid)");
            asked.is_finished()
        });
        assert!(is_later(&asked.join().unwrap()), "cancelled, and called done by the server");
        let asked = scope.spawn(|| refresh(&node, &tokens[1]));
        until("the refresh waits for the standby, or is answered", || {
            forsaken.waiting(schema, "pid") > 0 || asked.is_finished()
        });
        assert!(is_later(&asked.join().unwrap()), "not confirmed in time");
    });
    let log = std::fs::read_to_string(cluster.path("log")).unwrap();
    assert!(log.contains("canceling wait for synchronous replication due to user request"));
    forsaken.over();
    for token in tokens {
        let next = until_answered(&node, &token);
        assert_eq!(until_answered(&node, &token), next);
    }
}

/// The connection dies while the commit waits for a lock: written or not, nobody knows, and nobody says
/// that it was.
#[test]
fn an_unknown_outcome_is_503_and_the_retry_is_answered() {
    let house = House::new();
    let node = house.start("a");
    let token = begun(&node);
    let schema = &house.place.schema;
    let lock = house.place.session("begin; lock table grants in exclusive mode;");
    let held = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation
        join pg_namespace n on n.oid = c.relnamespace where c.relname = 'grants' and n.nspname = ";
    let granted = format!("{held}'{schema}' and l.mode = 'ExclusiveLock' and l.granted");
    until("the table is locked", || house.place.sql(&granted) == "1");
    let answer = std::thread::scope(|scope| {
        let asked = scope.spawn(|| refresh(&node, &token));
        let waits = format!("{held}'{schema}' and not l.granted");
        until("the commit waits for the lock", || house.place.sql(&waits) != "0");
        house.place.cut();
        asked.join().unwrap()
    });
    assert!(is_later(&answer), "{}", answer.head);
    drop(lock);
    let next = until_answered(&node, &token);
    assert_eq!(until_answered(&node, &token), next);
    until_answered(&node, &next);
}
