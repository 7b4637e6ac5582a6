//! `--reads`: what the read of one grant costs by the way it is made. The server reads on the worker
//! that answers, and keeps grants that it read lately; both are beliefs as long as nobody compares.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use counterfoil_engine::store::{Key, Store};
use counterfoil_server::system::micros;
use counterfoil_store::SqliteStore;
use serde_json::json;
use tokio::time::Instant;

use crate::drive::median;
use crate::options::Options;
use crate::process::Usage;
use crate::report::rounded;
use crate::run::{FEW, MANY, Voice, filled};
use crate::seed::Amounts;

/// Tasks that read at the same time, as the driver has connections.
const TASKS: usize = 64;
/// Threads that run them, as on the machine of the targets.
const WORKERS: usize = 2;
/// Grants that fit what is kept.
const HOT: usize = 4_000;
/// From one key to the next: neighbours share pages, and are not asked about in a row.
const LEAP: usize = 7_919;

/// One way to read.
struct Way {
    name: &'static str,
    about: &'static str,
    store: Arc<dyn Store>,
    keys: Arc<[Key]>,
    handed: bool,
}

/// Measures all ways in turn, so that drift hits each of them.
pub(crate) fn run(options: &Options, voice: &Voice) -> Result<(), String> {
    let grants = if options.quick { FEW } else { MANY };
    let amounts = Amounts { grants, codes: 0, revocable: 0, chains: 0, fapi_codes: 0 };
    let (ground, _, seeded) = filled(options, amounts)?;
    let keys: Arc<[Key]> = seeded.keys.into();
    let hot: Arc<[Key]> = keys.iter().take(HOT).cloned().collect();
    let open = |e: counterfoil_store::OpenError| e.to_string();
    let keeps: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&ground.store(), Box::new(micros)).map_err(open)?);
    // Opened like this it keeps nothing.
    let reads: Arc<dyn Store> =
        Arc::new(SqliteStore::open_read_only(&ground.store()).map_err(open)?);
    let way = |name, about, store: &Arc<dyn Store>, keys: &Arc<[Key]>, handed| Way {
        name,
        about,
        store: store.clone(),
        keys: keys.clone(),
        handed,
    };
    let ways = [
        way("read-worker", "from the file, on the worker that asks", &reads, &keys, false),
        way("read-handed", "from the file, on a thread for what blocks", &reads, &keys, true),
        way("read-worker-hot", "the same few again and again, on the worker", &reads, &hot, false),
        way("read-kept", "the same few, from what is kept", &keeps, &hot, false),
        way("read-unkept", "any of all, past what is kept", &keeps, &keys, false),
    ];
    let count = if options.quick { 100_000 } else { 400_000 };
    let mut measured: Vec<Vec<(f64, f64)>> = vec![vec![]; ways.len()];
    for _ in 0..options.rounds {
        for (way, rounds) in ways.iter().zip(&mut measured) {
            rounds.push(asked(way, count)?);
        }
    }
    voice.say(&format!("{:<16} {:>9} {:>11}  {grants} grants on disk", "read", "us", "per s"));
    for (way, rounds) in ways.iter().zip(measured) {
        let cpu = median(rounds.iter().map(|(cpu, _)| *cpu).collect());
        let rate = median(rounds.iter().map(|(_, rate)| *rate).collect());
        voice.say(&format!("{:<16} {cpu:>9.2} {rate:>11.0}  {}", way.name, way.about));
        voice.object(&json!({
            "flow": way.name, "grants": grants, "ours_cpu_us": rounded(cpu), "rate": rounded(rate),
        }));
    }
    Ok(())
}

/// Microseconds of processors for one read, and reads per second.
fn asked(way: &Way, count: usize) -> Result<(f64, f64), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    let each = count / TASKS;
    let all = || {
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for task in 0..TASKS {
                tasks.spawn(some(way.store.clone(), way.keys.clone(), (task, each), way.handed));
            }
            while let Some(done) = tasks.join_next().await {
                done.map_err(|e| e.to_string())??;
            }
            Ok::<_, String>(())
        })
    };
    // Once before it counts: threads are started, pages are in memory.
    all()?;
    let (before, began) = (Usage::own()?, Instant::now());
    all()?;
    let (after, took) = (Usage::own()?, began.elapsed());
    let reads = (each * TASKS) as f64;
    Ok((after.cpu_ns_since(&before) as f64 / 1e3 / reads, reads / took.as_secs_f64()))
}

async fn some(
    store: Arc<dyn Store>,
    keys: Arc<[Key]>,
    (task, each): (usize, usize),
    handed: bool,
) -> Result<(), String> {
    for n in 0..each {
        let at = (task * each + n).wrapping_mul(LEAP) % keys.len();
        let found = if handed {
            let (store, keys) = (store.clone(), keys.clone());
            let read = move || at_once(store.read(std::slice::from_ref(&keys[at])));
            tokio::task::spawn_blocking(read).await.map_err(|e| e.to_string())?
        } else {
            Some(store.read(std::slice::from_ref(&keys[at])).await)
        };
        match found {
            Some(Ok(found)) if found.iter().all(Option::is_some) => {}
            _ => return Err("a grant that was written was not found".into()),
        }
    }
    Ok(())
}

/// What a future says that never waits.
fn at_once<T>(mut future: Pin<Box<dyn Future<Output = T> + Send + '_>>) -> Option<T> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(said) => Some(said),
        Poll::Pending => None,
    }
}
