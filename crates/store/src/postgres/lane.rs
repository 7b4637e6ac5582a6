//! A lane: one committer that writes its groups one after another, so its events are gapless and
//! become visible in order. Callers are answered after the commit. While its connection is lost it
//! answers that it is, at once, and tries to have another.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::decide::Outcome;
use super::group::Committer;
use super::session::{Session, Troubles};
use super::shared::Shared;
use crate::encoded::Encoded;
use crate::limits::{POSTGRES_GROUP_MAX, POSTGRES_RETRY_FIRST, POSTGRES_RETRY_LONGEST};

/// A batch, and who waits for it. Whoever finds the other end dropped knows nothing about the
/// outcome.
pub(super) type Waiting = (Encoded, oneshot::Sender<Outcome>);

/// Works until the queue is closed and empty.
pub(super) async fn run(
    part: String,
    mut committer: Option<Committer>,
    mut queue: UnboundedReceiver<Waiting>,
    shared: Arc<Shared>,
) {
    let mut group: Vec<Waiting> = Vec::with_capacity(POSTGRES_GROUP_MAX);
    loop {
        let Some(mut at) = committer.take() else {
            match connect(&part, &mut queue, &shared).await {
                Some(found) => committer = Some(found),
                None => return,
            }
            continue;
        };
        let taken = tokio::select! {
            taken = queue.recv_many(&mut group, POSTGRES_GROUP_MAX) => taken,
            () = at.session.over() => {
                shared.lost(&part, "the server ended the connection");
                continue;
            }
        };
        if taken == 0 {
            return;
        }
        let (batches, callers): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        match at.commit(&batches, &shared).await {
            Ok(outcomes) => {
                for (caller, outcome) in callers.into_iter().zip(outcomes) {
                    // A caller that has gone needs no answer.
                    let _ = caller.send(outcome);
                }
                committer = Some(at);
            }
            // Written or not: nobody knows, and nobody is told that it was (S5).
            Err(trouble) => {
                shared.note(&trouble);
                shared.lost(&part, trouble);
            }
        }
        shared.answered(taken);
    }
}

/// Tries until there is a connection; `None` when nobody needs one any more.
async fn connect(
    part: &str,
    queue: &mut UnboundedReceiver<Waiting>,
    shared: &Shared,
) -> Option<Committer> {
    let mut refused = Vec::with_capacity(POSTGRES_GROUP_MAX);
    let mut pause = Duration::ZERO;
    loop {
        let wait = pause;
        let next = async {
            let _ = timeout(wait, std::future::pending::<()>()).await;
            open(shared).await
        };
        tokio::pin!(next);
        let found = loop {
            tokio::select! {
                found = &mut next => break found,
                taken = queue.recv_many(&mut refused, POSTGRES_GROUP_MAX) => {
                    refused.clear();
                    shared.answered(taken);
                    if taken == 0 {
                        return None;
                    }
                }
            }
        };
        match found {
            Ok(committer) => {
                shared.found(part);
                return Some(committer);
            }
            Err(why) => shared.lost(part, why),
        }
        pause = (pause * 2).clamp(POSTGRES_RETRY_FIRST, POSTGRES_RETRY_LONGEST);
    }
}

/// A connection with a lane of its own.
pub(super) async fn open(shared: &Shared) -> Result<Committer, String> {
    let session = Session::open(&shared.address).await.map_err(|why: Troubles| why.to_string())?;
    Committer::claim(session, shared).await.map_err(|why| why.to_string())
}
