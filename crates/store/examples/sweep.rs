//! What sweeping costs those who commit meanwhile (S10): latencies of commits with nothing to sweep,
//! while a million expired records are swept without a pause, and with nothing to sweep again.
//!
//! A measurement and no test: `cargo xtask sweep`.

#![expect(clippy::unwrap_used, reason = "a measurement may fail loudly")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured here")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use counterfoil_engine::store::{Batch, Change, Expected, Key, Record, ReplayId, Store as _};
use counterfoil_protocol::ids::{InteractionId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_store::SqliteStore;
use counterfoil_store::conformance::samples;
use tokio::task::JoinSet;

/// Who commits at the same time.
const CALLERS: u64 = 16;
/// How long each part takes at least.
const WINDOW: Duration = Duration::from_secs(10);
/// Records of one batch while the store is filled.
const FILLED_AT_ONCE: u64 = 250;
/// As the server does it.
const STEP: usize = 1_000;

fn main() {
    let expired = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(expired));
}

async fn measure(expired: u64) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("store.db"), Box::new(micros)).unwrap();
    let (store, serial) = (Arc::new(store), Arc::new(AtomicU64::new(0)));
    fill(&store, expired).await;
    println!(
        "{expired} expired records; {CALLERS} callers commit one record each, closed loop; \
         milliseconds"
    );
    println!("{:<22} {:>9} {:>8} {:>8} {:>8} {:>8}", "", "commits/s", "p50", "p99", "p99.9", "max");
    round("nothing to sweep", &store, &serial, None).await;
    let steps = round("sweeping all the time", &store, &serial, Some(expired)).await;
    round("nothing to sweep", &store, &serial, None).await;
    println!(
        "{:<22} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "steps of the sweep", "", "p50", "p99", "", "max"
    );
    println!("{:<22} {}", format!("{} of {STEP} rows", steps.len()), spread(steps, false));
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_micros()).unwrap()
}

fn tenant() -> TenantId {
    TenantId::parse("bank").unwrap()
}

/// Authorizations in progress that nobody came back for: rows with a body and an entry in an index.
async fn fill(store: &Arc<SqliteStore>, count: u64) {
    let sample = samples::all().into_iter().find_map(|(_, record)| match record {
        Record::Interaction(interaction) => Some(interaction),
        _ => None,
    });
    let mut sample = sample.unwrap();
    sample.ends = Moment(1_000_000);
    let mut filling = JoinSet::new();
    for from in (0..count).step_by(usize::try_from(FILLED_AT_ONCE).unwrap()) {
        let change = |n: u64| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&n.to_be_bytes());
            let key = Key::Interaction(tenant(), InteractionId(id));
            let next = Some(Record::Interaction(sample.clone()));
            Change { key, expected: Expected::Absent, next }
        };
        let changes = (from..count.min(from + FILLED_AT_ONCE)).map(change).collect();
        let (store, batch) = (store.clone(), Batch { changes, ..Batch::default() });
        filling.spawn(async move { store.commit(batch).await });
        if filling.len() > 64 {
            filling.join_next().await.unwrap().unwrap().unwrap();
        }
    }
    while let Some(done) = filling.join_next().await {
        done.unwrap().unwrap();
    }
}

/// Commits until the window is over and everything is swept. The times of the sweep's steps.
async fn round(
    name: &str,
    store: &Arc<SqliteStore>,
    serial: &Arc<AtomicU64>,
    swept: Option<u64>,
) -> Vec<Duration> {
    let over = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (store, serial, over) = (store.clone(), serial.clone(), over.clone());
        callers.spawn(async move {
            let mut took = vec![];
            while !over.load(Ordering::Relaxed) {
                let mut digest = [0; 16];
                let n = serial.fetch_add(1, Ordering::Relaxed);
                digest[..8].copy_from_slice(&n.to_be_bytes());
                let minute = micros() / 60_000_000 + 5;
                let key = Key::Replay(tenant(), ReplayId { minute, digest });
                let (expected, next) = (Expected::Absent, Some(Record::Replay));
                let batch =
                    Batch { changes: vec![Change { key, expected, next }], ..Batch::default() };
                let asked = Instant::now();
                store.commit(batch).await.unwrap();
                took.push(asked.elapsed());
            }
            took
        });
    }
    let mut steps = vec![];
    while swept.is_some() {
        let asked = Instant::now();
        let done = store.sweep(Moment(micros() / 1_000_000), STEP).await.unwrap();
        steps.push(asked.elapsed());
        if !done.more {
            break;
        }
    }
    tokio::time::sleep(WINDOW.saturating_sub(begun.elapsed())).await;
    over.store(true, Ordering::Relaxed);
    let mut took = vec![];
    while let Some(done) = callers.join_next().await {
        took.extend(done.unwrap());
    }
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    println!("{name:<22} {rate:>9.0} {}", spread(took, true));
    steps
}

fn spread(mut took: Vec<Duration>, fine: bool) -> String {
    took.sort_unstable();
    let at = |part: f64| {
        let n = ((took.len() as f64 * part) as usize).min(took.len().saturating_sub(1));
        took.get(n).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    };
    let (middle, tail, end) = (at(0.5), at(0.99), at(1.0));
    if fine {
        format!("{middle:>8.2} {tail:>8.2} {:>8.2} {end:>8.2}", at(0.999))
    } else {
        format!("{:>9} {middle:>8.2} {tail:>8.2} {:>8} {end:>8.2}", "", "")
    }
}
