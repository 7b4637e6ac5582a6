//! Everything that is not on the path of a request: lists, the feed, sweeping, records of nodes. One
//! connection of its own, so that none of it delays a commit (S10).

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::oneshot;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use super::session::{Session, Trouble};
use super::shared::Shared;

/// A value of a statement.
pub(super) type Value = Box<dyn ToSql + Send + Sync>;

/// A statement, its values, and who waits for the rows.
pub(super) struct Errand {
    text: String,
    values: Vec<Value>,
    answer: oneshot::Sender<Vec<Row>>,
}

/// The rows of a statement; `None` when the desk is busy or has no connection.
pub(super) async fn ask(
    desk: &Sender<Errand>,
    text: impl Into<String>,
    values: Vec<Value>,
) -> Option<Vec<Row>> {
    let (answer, rows) = oneshot::channel();
    desk.try_send(Errand { text: text.into(), values, answer }).ok()?;
    rows.await.ok()
}

/// Works until nobody can ask any more. A lost connection is had again when it is needed.
pub(super) async fn run(
    mut session: Option<Session>,
    mut queue: Receiver<Errand>,
    shared: Arc<Shared>,
) {
    let mut prepared = HashMap::new();
    while let Some(errand) = queue.recv().await {
        let at = match session.take().filter(|session| !session.is_over()) {
            Some(at) => at,
            None => {
                prepared.clear();
                match Session::open(&shared.address).await {
                    Ok(at) => at,
                    Err(why) => {
                        shared.note(why);
                        continue;
                    }
                }
            }
        };
        match query(&at, &mut prepared, &errand).await {
            Ok(rows) => {
                // A caller that has gone needs no answer.
                let _ = errand.answer.send(rows);
                session = Some(at);
            }
            Err(trouble) => shared.note(trouble),
        }
    }
}

async fn query(
    session: &Session,
    prepared: &mut HashMap<String, Statement>,
    errand: &Errand,
) -> Result<Vec<Row>, Trouble> {
    let statement = match prepared.get(&errand.text) {
        Some(known) => known.clone(),
        None => {
            let made = Session::within(session.client.prepare(&errand.text)).await?;
            prepared.insert(errand.text.clone(), made.clone());
            made
        }
    };
    let values: Vec<&(dyn ToSql + Sync)> =
        errand.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    Session::within(session.client.query(&statement, &values)).await
}
