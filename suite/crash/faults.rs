//! What the store does when the disk does not: no false acknowledgement, nothing built upon what may
//! be lost, and what needs no write goes on (FI2, FI3, FI22).

use std::path::PathBuf;

use counterfoil_disk::{Cut, Disk, Fault, File, Kind, Plan};
use counterfoil_engine::audit::{Note, What};
use counterfoil_engine::store::{
    Batch, Change, ClaimKind, CommitError, Expected, Key, Record, Store,
};
use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_store::sqlite::{LogPages, examine};
use counterfoil_store::{Health, SqliteStore};
use tempfile::TempDir;

/// A store on a disk of its own.
struct Bench {
    store: Option<SqliteStore>,
    disk: Disk,
    path: PathBuf,
    pages: LogPages,
    acknowledged: Vec<String>,
    _folder: TempDir,
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn tenant() -> TenantId {
    TenantId::parse("bank").unwrap()
}

fn claim(name: &str) -> Key {
    Key::Claim(tenant(), ClaimKind::Login, name.into())
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::under(folder.path()).unwrap();
        let path = folder.path().canonicalize().unwrap().join("store.db");
        let pages = LogPages::SHIPPED;
        let acknowledged = vec![];
        let mut bench = Self { store: None, disk, path, pages, acknowledged, _folder: folder };
        bench.open();
        bench.commit("first").unwrap();
        bench
    }

    fn open(&mut self) {
        let store = SqliteStore::open_with(&self.path, Box::new(|| 1_000_000), self.pages);
        self.store = Some(store.unwrap());
    }

    fn store(&self) -> &SqliteStore {
        self.store.as_ref().unwrap()
    }

    /// A record and an event.
    fn commit(&mut self, name: &str) -> Result<(), CommitError> {
        let next = Some(Record::Claim("owner".into()));
        let change = Change { key: claim(name), expected: Expected::Absent, next };
        let event = Note::of(What::ResourceApplied).at(Moment(1), &tenant(), [1; 16]);
        let batch = Batch { guards: vec![], changes: vec![change], events: vec![event] };
        let done = wait(self.store().commit(batch));
        if done.is_ok() {
            self.acknowledged.push(name.into());
        }
        done
    }

    /// Everything that was acknowledged is there, and the chain of events holds.
    fn holds(&self) {
        for name in &self.acknowledged {
            let found = wait(self.store().read(&[claim(name)])).unwrap();
            assert!(found[0].is_some(), "{name} was acknowledged");
        }
        let report = examine(&self.path).unwrap();
        assert_eq!(report.faults, [""; 0]);
        assert!(report.events >= self.acknowledged.len() as u64);
    }

    /// The machine loses power, and starts again on a disk that works.
    fn lose_power(&mut self, cut: Cut) {
        // What a dying process would do no more must not reach the disk.
        self.disk.plan(Some(Plan::every(Kind::Change, Fault::Error)));
        self.store = None;
        self.disk.plan(None);
        self.disk.cut(cut).unwrap();
        self.open();
    }
}

#[test]
fn a_full_disk_acknowledges_nothing_and_ends_nothing() {
    for fault in [Fault::Full, Fault::Short] {
        let mut bench = Bench::new();
        bench.disk.plan(Some(Plan::every(Kind::Write, fault)));
        for _ in 0..3 {
            assert_eq!(bench.commit("lost"), Err(CommitError::Unavailable));
        }
        let Health::Interrupted { why } = bench.store().health() else { panic!("it is ready") };
        assert!(why.contains("full"), "{why}");
        bench.holds();
        bench.disk.plan(None);
        for n in 0..3 {
            bench.commit(&format!("after {n}")).unwrap();
        }
        assert_eq!(bench.store().health(), Health::Ready);
        assert!(wait(bench.store().read(&[claim("lost")])).unwrap()[0].is_none());
        bench.holds();
        bench.lose_power(Cut::None);
        bench.holds();
        bench.commit("last").unwrap();
        bench.holds();
    }
}

#[test]
fn after_an_error_of_the_device_nothing_is_written_until_a_new_start() {
    for (kind, cut) in [(Kind::Write, Cut::None), (Kind::Flush, Cut::All), (Kind::Flush, Cut::None)]
    {
        let mut bench = Bench::new();
        bench.disk.plan(Some(Plan::every(kind, Fault::Error).on(File::Log)));
        assert_eq!(bench.commit("unknown"), Err(CommitError::Unavailable));
        bench.disk.plan(None);
        let changes = bench.disk.changes();
        assert_eq!(bench.commit("refused"), Err(CommitError::Unavailable));
        assert_eq!(bench.disk.changes(), changes, "nothing follows a failed {kind:?}");
        let Health::Stopped { why } = bench.store().health() else { panic!("it goes on") };
        assert!(why.contains("a write failed"), "{why}");
        bench.holds();
        bench.lose_power(cut);
        bench.holds();
        bench.commit("after").unwrap();
        bench.holds();
    }
}

/// After a failed flush the system takes the pages for clean: a process that is started again reads
/// them, and they never reach the disk. What is committed after them must not depend on them.
#[test]
fn what_follows_a_failed_flush_is_not_lost_with_it() {
    let mut bench = Bench::new();
    bench.disk.plan(Some(Plan::every(Kind::Flush, Fault::Error).on(File::Log)));
    assert_eq!(bench.commit("unknown"), Err(CommitError::Unavailable));
    // The process dies, not the machine: it leaves its log behind.
    bench.disk.plan(Some(Plan::every(Kind::Change, Fault::Error)));
    bench.store = None;
    bench.disk.plan(None);
    bench.open();
    bench.commit("after").unwrap();
    bench.lose_power(Cut::None);
    bench.holds();
}

#[test]
fn a_log_that_cannot_be_folded_is_kept() {
    let mut bench = Bench::new();
    bench.disk.plan(Some(Plan::every(Kind::Flush, Fault::Error).on(File::Main)));
    for n in 0..5 {
        bench.commit(&format!("{n}")).unwrap();
    }
    // Closing folds the log into the file.
    bench.store = None;
    bench.disk.plan(None);
    bench.disk.cut(Cut::None).unwrap();
    bench.open();
    bench.holds();
}

#[test]
fn a_disk_that_fails_while_the_log_is_folded_gets_no_more_commits() {
    for (kind, cut) in [(Kind::Write, Cut::None), (Kind::Flush, Cut::All), (Kind::Flush, Cut::None)]
    {
        let mut bench = Bench::new();
        bench.store = None;
        bench.pages = LogPages { part: 4, max: 16 };
        bench.open();
        bench.disk.plan(Some(Plan::every(kind, Fault::Error).on(File::Main)));
        let refused = (0..100).find(|n| bench.commit(&format!("{n}")).is_err());
        assert!(refused.is_some(), "{kind:?} failed and nobody minds");
        bench.disk.plan(None);
        assert_eq!(bench.commit("refused"), Err(CommitError::Unavailable));
        assert!(matches!(bench.store().health(), Health::Stopped { .. }));
        bench.lose_power(cut);
        bench.holds();
        bench.commit("after").unwrap();
        bench.holds();
    }
}

/// SQLite counts a part as folded that it could not flush yet, because a reader or a commit stood in the
/// way. The flush that should have covered it fails once: only a start that folds all of it anew writes
/// it again, and a regular stop must leave it the log.
#[test]
fn what_was_folded_before_a_flush_that_failed_is_folded_again() {
    let mut bench = Bench::new();
    bench.store = None;
    bench.pages = LogPages { part: i32::MAX, max: 800 };
    bench.open();
    // Names that fill pages which nothing later touches.
    for n in 0..300 {
        bench.commit(&format!("a {n:0100}")).unwrap();
    }
    let reader = rusqlite::Connection::open(&bench.path).unwrap();
    reader.execute_batch("begin; select count(*) from events").unwrap();
    for n in 0..150 {
        bench.commit(&format!("z {n}")).unwrap();
    }
    let (kind, file, fault) = (Kind::Flush, File::Main, Fault::Error);
    bench.disk.plan(Some(Plan { at: 1, kind, file, fault, lasting: false }));
    reader.execute_batch("rollback").unwrap();
    drop(reader);
    // The last commit of a regular stop folds, and meets it.
    bench.store = None;
    assert_eq!(bench.disk.faults(), 1);
    bench.disk.plan(None);
    bench.disk.cut(Cut::None).unwrap();
    bench.open();
    bench.holds();
}

#[test]
fn a_flush_of_the_file_that_fails_once_is_the_last() {
    let mut failed = 0;
    for at in 1..=12 {
        let mut bench = Bench::new();
        bench.store = None;
        bench.pages = LogPages { part: 4, max: 16 };
        bench.open();
        let (kind, file, fault) = (Kind::Flush, File::Main, Fault::Error);
        bench.disk.plan(Some(Plan { at, kind, file, fault, lasting: false }));
        let refused = (0..60).find(|n| bench.commit(&format!("{n}")).is_err());
        failed += u32::from(refused.is_some());
        // A regular stop, of a process whose disk has just failed it once.
        bench.store = None;
        bench.disk.plan(None);
        bench.disk.cut(Cut::None).unwrap();
        bench.open();
        bench.holds();
    }
    assert!(failed > 0, "no flush failed");
}

#[test]
fn a_read_that_fails_is_unavailable_and_no_end() {
    let mut bench = Bench::new();
    // A reader that has nothing in memory yet.
    bench.store = None;
    bench.open();
    bench.commit("second").unwrap();
    bench.disk.plan(Some(Plan::every(Kind::Read, Fault::Error)));
    assert!(wait(bench.store().read(&[claim("second")])).is_err());
    assert!(bench.store().last_fault().is_some());
    bench.disk.plan(None);
    bench.holds();
    bench.commit("third").unwrap();
    bench.holds();
}

/// The disk itself is checked: one that lies about its flushes is noticed.
#[test]
fn a_flush_that_did_nothing_is_noticed() {
    let mut bench = Bench::new();
    bench.disk.plan(Some(Plan::every(Kind::Flush, Fault::Lie)));
    bench.commit("believed").unwrap();
    assert!(bench.disk.faults() > 0);
    bench.lose_power(Cut::None);
    assert!(wait(bench.store().read(&[claim("believed")])).unwrap()[0].is_none());
}
