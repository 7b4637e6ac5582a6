//! Reads by key, on the primary. What waits while one statement runs is answered by the next one, so
//! many callers cost one round trip; and one statement is one snapshot (S7), begun after everybody in
//! it had asked (S6).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::session::{Session, Trouble};
use super::shared::Shared;
use super::statements;
use crate::kind::Kind;
use crate::limits::{
    POSTGRES_READ_GROUP_MAX, POSTGRES_READ_STATEMENTS_MAX, POSTGRES_RETRY_FIRST,
    POSTGRES_RETRY_LONGEST,
};

/// A revision and a body, as they lie there. Shared, because several callers may want the same.
pub(super) type Found = Option<(i64, Arc<[u8]>)>;
/// Keys, and who wants to know what stands there, in their order.
pub(super) type Asked = (Vec<(Kind, Vec<u8>)>, oneshot::Sender<Vec<Found>>);

/// Works until nobody can ask any more.
pub(super) async fn run(
    part: String,
    mut session: Option<Session>,
    mut queue: Receiver<Asked>,
    shared: Arc<Shared>,
) {
    let mut group = Vec::with_capacity(POSTGRES_READ_GROUP_MAX);
    let mut prepared = HashMap::new();
    loop {
        let Some(mut at) = session.take() else {
            prepared.clear();
            match connect(&part, &mut queue, &shared).await {
                Some(found) => session = Some(found),
                None => return,
            }
            continue;
        };
        let taken = tokio::select! {
            taken = queue.recv_many(&mut group, POSTGRES_READ_GROUP_MAX) => taken,
            () = at.over() => {
                shared.lost(&part, "the server ended the connection");
                continue;
            }
        };
        if taken == 0 {
            return;
        }
        match read(&at, &mut prepared, &group).await {
            Ok(found) => {
                for (keys, caller) in group.drain(..) {
                    let one = |key: &(Kind, Vec<u8>)| found.get(key).cloned();
                    let _ = caller.send(keys.iter().map(one).collect());
                }
                session = Some(at);
            }
            Err(trouble) => {
                group.clear();
                shared.note(&trouble);
                if at.is_over() || !matches!(trouble, Trouble::Postgres(_)) {
                    shared.lost(&part, trouble);
                } else {
                    session = Some(at);
                }
            }
        }
    }
}

type Answers = HashMap<(Kind, Vec<u8>), (i64, Arc<[u8]>)>;

async fn read(
    session: &Session,
    prepared: &mut HashMap<Vec<Kind>, Statement>,
    group: &[Asked],
) -> Result<Answers, Trouble> {
    let mut wanted: BTreeMap<Kind, Vec<&[u8]>> = BTreeMap::new();
    for (kind, key) in group.iter().flat_map(|(keys, _)| keys) {
        wanted.entry(*kind).or_default().push(key);
    }
    let mut keys: Vec<Vec<&[u8]>> = vec![];
    for (_, mut of_kind) in wanted.iter().map(|(kind, keys)| (kind, keys.clone())) {
        of_kind.sort_unstable();
        of_kind.dedup();
        keys.push(of_kind);
    }
    let kinds: Vec<Kind> = wanted.into_keys().collect();
    let statement = match prepared.get(&kinds) {
        Some(known) => known.clone(),
        None => {
            let text = statements::read(&kinds);
            let made = Session::within(session.client.prepare(&text)).await?;
            if prepared.len() >= POSTGRES_READ_STATEMENTS_MAX {
                prepared.clear();
            }
            prepared.insert(kinds.clone(), made.clone());
            made
        }
    };
    let parameters: Vec<&(dyn ToSql + Sync)> =
        keys.iter().map(|keys| keys as &(dyn ToSql + Sync)).collect();
    let rows = Session::within(session.client.query(&statement, &parameters)).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let at = usize::try_from(row.try_get::<_, i32>(0)?).unwrap_or_default();
        let Some(kind) = kinds.get(at) else { continue };
        let key: &[u8] = row.try_get(1)?;
        let body: &[u8] = row.try_get(3)?;
        found.insert((*kind, key.to_vec()), (row.try_get(2)?, body.into()));
    }
    Ok(found)
}

/// Tries until there is a connection; `None` when nobody needs one any more. Who asks meanwhile is
/// told at once.
async fn connect(part: &str, queue: &mut Receiver<Asked>, shared: &Shared) -> Option<Session> {
    let mut refused = Vec::with_capacity(POSTGRES_READ_GROUP_MAX);
    let mut pause = Duration::ZERO;
    loop {
        let wait = pause;
        let next = async {
            let _ = timeout(wait, std::future::pending::<()>()).await;
            Session::open(&shared.address).await
        };
        tokio::pin!(next);
        let found = loop {
            tokio::select! {
                found = &mut next => break found,
                taken = queue.recv_many(&mut refused, POSTGRES_READ_GROUP_MAX) => {
                    refused.clear();
                    if taken == 0 {
                        return None;
                    }
                }
            }
        };
        match found {
            Ok(session) => {
                shared.found(part);
                return Some(session);
            }
            Err(why) => shared.lost(part, why),
        }
        pause = (pause * 2).clamp(POSTGRES_RETRY_FIRST, POSTGRES_RETRY_LONGEST);
    }
}
