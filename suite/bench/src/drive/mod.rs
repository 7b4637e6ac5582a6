//! The driver: keep-alive connections that ask, wait, and check every answer.

mod connection;
mod pace;
mod window;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::process::{Process, Usage};
pub(crate) use connection::Answer;
use connection::Connection;
use pace::Arrivals;
pub(crate) use window::{Window, median};

/// Connections of a measurement (performance.md 4).
pub(crate) const CONNECTIONS: usize = 64;
/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(20);
/// Latencies that are kept at first.
const ROOM: usize = 1 << 16;

/// What one connection asks, and how it judges.
pub(crate) trait Work {
    /// Writes the next request, head and body. `false`: there is no more.
    fn next(&mut self, out: &mut Vec<u8>) -> bool;
    /// Whether the answer is right.
    fn judge(&mut self, answer: &Answer<'_>) -> bool;
}

/// The work of every connection.
pub(crate) type Works = Vec<Box<dyn Work>>;

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Each connection asks again as soon as it was answered.
    Closed,
    /// So many a second, whatever the answers do; latency counts from the moment that was planned.
    Rate(f64),
}

/// How a load is put on a server.
#[derive(Clone)]
pub(crate) struct Load {
    /// Where.
    pub(crate) address: SocketAddr,
    /// Over TLS, when there are connectors: each connection has its own, as far as they go.
    pub(crate) tls: Vec<Arc<TlsConnector>>,
    /// When.
    pub(crate) pace: Pace,
    /// Not measured: connections, caches, the first grant of every client.
    pub(crate) warm: Duration,
    /// Measured.
    pub(crate) window: Duration,
    /// Whether 429 and 503 with `Retry-After` are right answers.
    pub(crate) may_shed: bool,
}

/// What the connections share.
struct Shared {
    load: Load,
    recording: Cell<bool>,
    ended: Cell<bool>,
    exhausted: Notify,
    arrivals: Option<Arrivals>,
    taken: RefCell<Taken>,
}

#[derive(Default)]
struct Taken {
    answers: u64,
    shed: u64,
    failures: u64,
    latencies_us: Vec<u32>,
    statuses: BTreeMap<u16, u64>,
    example: Option<String>,
}

/// Puts the load on the server and measures.
pub(crate) fn run(load: &Load, works: Works, process: &Process) -> Result<Window, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    LocalSet::new().block_on(&runtime, measure(load, works, process))
}

/// So many requests, one after the other on one connection; every answer must be right.
pub(crate) fn one_by_one(
    address: SocketAddr,
    work: &mut dyn Work,
    count: usize,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let mut connection = Connection::open(address, None).await?;
        let mut request = Vec::new();
        for _ in 0..count {
            request.clear();
            if !work.next(&mut request) {
                return Err("the work ended too soon".into());
            }
            let answer = connection.ask(&request).await?;
            if !work.judge(&answer) {
                return Err(format!("a wrong answer: {}", answer.shown()));
            }
        }
        Ok(())
    })
}

async fn measure(load: &Load, works: Works, process: &Process) -> Result<Window, String> {
    let arrivals = match load.pace {
        Pace::Closed => None,
        Pace::Rate(per_second) => Some(Arrivals::new(per_second)),
    };
    let shared = Rc::new(Shared {
        load: load.clone(),
        recording: Cell::new(false),
        ended: Cell::new(false),
        exhausted: Notify::new(),
        arrivals,
        taken: RefCell::default(),
    });
    let mut connections = JoinSet::new();
    for (n, work) in works.into_iter().enumerate() {
        let tls = load.tls.get(n % load.tls.len().max(1)).cloned();
        connections.spawn_local(connection(shared.clone(), tls, work));
    }
    let pacing = shared.clone();
    let pacer = tokio::task::spawn_local(async move {
        if let Some(arrivals) = &pacing.arrivals {
            arrivals.run(&pacing.ended).await;
        }
    });
    if timeout(load.warm, shared.exhausted.notified()).await.is_ok() {
        shared.ended.set(true);
        let why = shared.taken.borrow_mut().example.take();
        return Err(why.unwrap_or("the work ended before the measurement began".into()));
    }
    *shared.taken.borrow_mut() =
        Taken { latencies_us: Vec::with_capacity(ROOM), ..Taken::default() };
    let before = (process.usage()?, process.usage_beside()?);
    let started = Instant::now();
    shared.recording.set(true);
    let _ = timeout(load.window, shared.exhausted.notified()).await;
    shared.recording.set(false);
    let took = started.elapsed();
    let after = (process.usage()?, process.usage_beside()?);
    shared.ended.set(true);
    if let Some(arrivals) = &shared.arrivals {
        arrivals.end(CONNECTIONS_MAX);
    }
    while connections.join_next().await.is_some() {}
    pacer.abort();
    let taken = std::mem::take(&mut *shared.taken.borrow_mut());
    Ok(window(taken, took, (&before, &after)))
}

/// More than any load has.
const CONNECTIONS_MAX: usize = 1 << 14;

/// Of the server, and of its database.
type Both = (Usage, Usage);

fn window(taken: Taken, took: Duration, (before, after): (&Both, &Both)) -> Window {
    let ((before, beside_before), (after, beside_after)) = (before, after);
    Window::new(window::Raw {
        answers: taken.answers,
        shed: taken.shed,
        failures: taken.failures,
        latencies_us: taken.latencies_us,
        statuses: taken.statuses,
        example: taken.example,
        took,
        cpu_ns: after.cpu_ns_since(before),
        written: after.written.saturating_sub(before.written),
        beside_ns: beside_after.cpu_ns_since(beside_before),
        beside_written: beside_after.written.saturating_sub(beside_before.written),
        rss_kb: after.rss_kb,
    })
}

/// Asks until the end; a connection that breaks is a failure and is opened anew.
async fn connection(shared: Rc<Shared>, tls: Option<Arc<TlsConnector>>, mut work: Box<dyn Work>) {
    let tls = tls.as_deref();
    let mut request = Vec::with_capacity(2048);
    let mut open: Option<Connection> = None;
    while !shared.ended.get() {
        let planned = match &shared.arrivals {
            None => None,
            Some(arrivals) => match arrivals.next().await {
                Some(due) => Some(due),
                None => break,
            },
        };
        request.clear();
        if !work.next(&mut request) {
            shared.exhausted.notify_one();
            break;
        }
        let sent = planned.unwrap_or_else(Instant::now);
        match timeout(PATIENCE, ask(&shared.load, (&mut open, tls), &request, &mut *work)).await {
            Ok(Ok(judged)) => shared.record(judged, sent),
            Ok(Err(why)) => {
                open = None;
                shared.broken(why, sent);
            }
            Err(_) => {
                open = None;
                shared.broken("no answer".into(), sent);
            }
        }
    }
}

/// An answer and what was thought of it.
struct Judged {
    status: u16,
    right: bool,
    shed: bool,
    example: Option<String>,
}

async fn ask(
    load: &Load,
    (open, tls): (&mut Option<Connection>, Option<&TlsConnector>),
    request: &[u8],
    work: &mut dyn Work,
) -> Result<Judged, String> {
    let connection = match open {
        Some(connection) => connection,
        None => open.insert(Connection::open(load.address, tls).await?),
    };
    let answer = connection.ask(request).await?;
    let (status, closes) = (answer.status, answer.closes());
    let right = work.judge(&answer);
    let shed =
        load.may_shed && matches!(status, 429 | 503) && answer.header("retry-after").is_some();
    let example = (!right && !shed).then(|| answer.shown());
    if closes {
        *open = None;
    }
    Ok(Judged { status, right, shed, example })
}

impl Shared {
    fn record(&self, judged: Judged, sent: Instant) {
        if !self.recording.get() && judged.example.is_none() {
            return;
        }
        let mut taken = self.taken.borrow_mut();
        if let Some(example) = judged.example {
            taken.example.get_or_insert(example);
        }
        if !self.recording.get() {
            return;
        }
        *taken.statuses.entry(judged.status).or_default() += 1;
        match (judged.right, judged.shed) {
            (true, _) => {
                taken.answers += 1;
                let us = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
                taken.latencies_us.push(us);
            }
            (false, true) => taken.shed += 1,
            (false, false) => taken.failures += 1,
        }
    }

    fn broken(&self, why: String, sent: Instant) {
        let _ = sent;
        let mut taken = self.taken.borrow_mut();
        taken.example.get_or_insert(why);
        if self.recording.get() {
            taken.failures += 1;
            *taken.statuses.entry(0).or_default() += 1;
        }
    }
}
