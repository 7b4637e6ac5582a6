//! The thread of the store: a runtime of its own, on which every connection lives, so that callers
//! need none and the thread that commits waits for nobody else's work.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, JoinHandle};

use tokio::sync::mpsc::{Sender, UnboundedSender, channel, unbounded_channel};
use tokio::time::timeout;

use super::desk::{self, Errand};
use super::lane::{self, Waiting};
use super::reader::{self, Asked};
use super::schema::{Schema, Step};
use super::session::{Session, Troubles};
use super::shared::Shared;
use super::together::{Sending, together};
use crate::limits::{
    POSTGRES_CLOSE_TIMEOUT, POSTGRES_ERRANDS_MAX, POSTGRES_LANES, POSTGRES_READERS,
    POSTGRES_READS_MAX,
};
use crate::open::OpenError;

/// The callers' ends.
pub(super) struct Parts {
    pub(super) lanes: Vec<UnboundedSender<Waiting>>,
    pub(super) readers: Vec<Sender<Asked>>,
    pub(super) desk: Sender<Errand>,
    /// A desk that nobody's long list keeps waiting: what other nodes say and are told.
    pub(super) ear: Sender<Errand>,
}

/// Opens every connection, then works until the store is closed.
pub(super) fn start(
    shared: &Arc<Shared>,
    steps: &'static [Step],
) -> Result<(Parts, JoinHandle<()>), OpenError> {
    let (tell, told) = sync_channel(1);
    let ours = Arc::clone(shared);
    let failed = |why: &dyn std::fmt::Display| {
        OpenError::unreachable(&shared.address, why, "look at what the system lacks")
    };
    let thread = Builder::new().name("store-postgres".into()).spawn(move || {
        let opened = |runtime: &tokio::runtime::Runtime| runtime.block_on(open(&ours, steps));
        let started = runtime().map(|runtime| (opened(&runtime), runtime));
        match started {
            Ok((Ok(parts), runtime)) => {
                let ear = parts.ear.clone();
                if tell.send(Ok(Ok(parts))).is_ok() {
                    runtime.block_on(until_closed(&ours, &ear));
                }
            }
            Ok((Err(why), _)) => drop(tell.send(Ok(Err(why)))),
            Err(why) => drop(tell.send(Err(why))),
        }
    });
    let thread = thread.map_err(|why| failed(&why))?;
    match told.recv() {
        Ok(Ok(parts)) => Ok((parts?, thread)),
        Ok(Err(why)) => Err(failed(&why)),
        Err(_) => Err(failed(&"the thread of the store ended")),
    }
}

/// Runs something with a connection on a runtime of this thread, for tools.
pub(super) fn run<T>(
    work: impl Future<Output = Result<T, OpenError>>,
    failed: impl Fn(io::Error) -> OpenError,
) -> Result<T, OpenError> {
    runtime().map_err(failed)?.block_on(work)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn open(shared: &Arc<Shared>, steps: &'static [Step]) -> Result<Parts, OpenError> {
    let at_start = |troubles: Troubles| troubles.at_start(&shared.address);
    let session = Session::open(&shared.address).await.map_err(at_start)?;
    let schema = Schema { session: &session, address: &shared.address, steps };
    shared.is_number(schema.ready().await?);

    let claim = |_| -> Sending<'_, _> { Box::pin(lane::open(shared)) };
    let claimed = together((0..POSTGRES_LANES).map(claim).collect()).await;
    let connect = |_| -> Sending<'_, _> { Box::pin(Session::open(&shared.address)) };
    let mut connected = together((0..=POSTGRES_READERS).map(connect).collect()).await;
    let listening = connected.pop().transpose().map_err(at_start)?;

    let lost = |why: String| {
        let fix = "look at the server's log; max_connections may be too low";
        OpenError::unreachable(&shared.address, why, fix)
    };
    let mut lanes = vec![];
    for (at, committer) in (1..).zip(claimed) {
        let (send, queue) = unbounded_channel();
        let committer = Some(committer.map_err(lost)?);
        tokio::spawn(lane::run(format!("lane {at}"), committer, queue, Arc::clone(shared)));
        lanes.push(send);
    }
    let mut readers = vec![];
    for (at, session) in (1..).zip(connected) {
        let (send, queue) = channel(POSTGRES_READS_MAX);
        let session = Some(session.map_err(at_start)?);
        tokio::spawn(reader::run(format!("reader {at}"), session, queue, Arc::clone(shared)));
        readers.push(send);
    }
    let (desk, queue) = channel(POSTGRES_ERRANDS_MAX);
    tokio::spawn(desk::run(Some(session), queue, Arc::clone(shared)));
    let (ear, queue) = channel(POSTGRES_ERRANDS_MAX);
    tokio::spawn(desk::run(listening, queue, Arc::clone(shared)));
    Ok(Parts { lanes, readers, desk, ear })
}

/// What was admitted is answered first; then the connections go with the runtime.
async fn until_closed(shared: &Shared, ear: &Sender<Errand>) {
    shared.closing().await;
    let _ = timeout(POSTGRES_CLOSE_TIMEOUT, async {
        shared.idle().await;
        if let Some(node) = shared.node() {
            node.remove(ear).await;
        }
    })
    .await;
}
