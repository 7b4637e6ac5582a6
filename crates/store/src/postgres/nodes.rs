//! The processes that serve from one store: each writes down which keys it has loaded, so that none
//! starts to use a key that another lacks, and hears what the others change of what it remembers.

use std::collections::BTreeMap;

use counterfoil_engine::audit::Event;
use counterfoil_engine::store::Unavailable;
use tokio::sync::mpsc::Sender;
use tokio_postgres::Row;

use super::desk::{self, Errand, Value};
use super::{Fault, PostgresStore, limit, statements};
use crate::codec;

/// A node that has not been seen for so long has gone without a word.
macro_rules! alive {
    () => {
        "seen > now() - interval '30 seconds'"
    };
}

/// Nodes that live and know fewer steps of the schema than this.
pub(super) const BEHIND: &str =
    concat!("select name, program from nodes where knows < $1 and ", alive!());
/// The nodes that live, but for one.
const OTHERS: &str = concat!(
    "select name, program, keys from nodes where id <> $1 and ",
    alive!(),
    " order by name"
);
/// Writes the record of a node, and clears away those that have gone. A sign of life that is lost with
/// the server is given again in a moment, so it waits for no disk and no standby.
const WRITE: &str = concat!(
    "with off as (select set_config('synchronous_commit', 'off', true)),
        gone as (delete from nodes where id <> $1 and not (",
    alive!(),
    ") and seen < now() - interval '1 day')
    insert into nodes (id, name, program, knows, keys, seen)
    select $1::bytea, $2::text, $3::text, $4::int8, $5::bytea, now() from off
    on conflict (id) do update set keys = excluded.keys, seen = excluded.seen
    returning (select value from meta where name = 'oldest')"
);
const REMOVE: &str = "delete from nodes where id = $1";

/// What one process says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Drawn at its start.
    pub id: [u8; 16],
    /// How people know it.
    pub name: String,
    /// Which version it is.
    pub program: String,
    /// The keys it has loaded, in a form that tells no key: the server's to write and to read.
    pub keys: Vec<u8>,
}

/// How far a process has heard what the others commit: the last event of each lane.
#[derive(Clone, Debug, Default)]
pub struct Listening(BTreeMap<i16, Heard>);

#[derive(Clone, Debug)]
struct Heard {
    number: i64,
    hash: Vec<u8>,
}

/// Another process, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// How people know it.
    pub name: String,
    /// Which version it is.
    pub program: String,
    /// The keys it has loaded.
    pub keys: Vec<u8>,
}

impl Node {
    /// Writes it down, or says again that it lives. Returns the oldest version of a program that can use
    /// the tables; `None` when the store does not answer.
    pub(super) async fn write(&self, ear: &Sender<Errand>, knows: i64) -> Option<i64> {
        let Self { id, name, program, keys } = self.clone();
        let values: Vec<Value> = vec![
            Box::new(id.to_vec()),
            Box::new(name),
            Box::new(program),
            Box::new(knows),
            Box::new(keys),
        ];
        desk::ask(ear, WRITE, values).await?.first()?.try_get(0).ok()
    }

    /// The others that live.
    pub(super) async fn others(&self, ear: &Sender<Errand>) -> Option<Vec<Other>> {
        let rows = desk::ask(ear, OTHERS, vec![Box::new(self.id.to_vec())]).await?;
        let one = |row: &Row| {
            let (name, program) = (row.try_get(0).ok()?, row.try_get(1).ok()?);
            Some(Other { name, program, keys: row.try_get(2).ok()? })
        };
        rows.iter().map(one).collect()
    }

    /// It ends in good order.
    pub(super) async fn remove(&self, ear: &Sender<Errand>) {
        // Otherwise it is forgotten when it has not been seen for long enough.
        let _ = desk::ask(ear, REMOVE, vec![Box::new(self.id.to_vec())]).await;
    }
}

impl PostgresStore {
    /// From here on, everything that any process commits is heard.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn listen(&self) -> Result<Listening, Unavailable> {
        let rows = self.ear(statements::FEED_END, vec![]).await?;
        let one = |row: &Row| {
            Ok((row.try_get(0)?, Heard { number: row.try_get(1)?, hash: row.try_get(2)? }))
        };
        let lanes: Result<_, Fault> = rows.iter().map(one).collect();
        Ok(Listening(lanes.map_err(|fault| self.unavailable(fault))?))
    }

    /// What any process has committed since that changes what others keep in memory, at most `max`
    /// events, each lane in its order. `None` stands for everything: for an event that only a later
    /// version can read, and for a store that was set back, which may have lost what was heard.
    ///
    /// # Errors
    /// [`Unavailable`]; the next call hears what this one did not.
    pub async fn heard(
        &self,
        listening: &mut Listening,
        max: usize,
    ) -> Result<Vec<Option<Event>>, Unavailable> {
        let lanes: Vec<i16> = listening.0.keys().copied().collect();
        let numbers: Vec<i64> = listening.0.values().map(|heard| heard.number).collect();
        let hashes: Vec<Vec<u8>> = listening.0.values().map(|heard| heard.hash.clone()).collect();
        let values: Vec<Value> =
            vec![Box::new(lanes), Box::new(numbers), Box::new(limit(max)), Box::new(hashes)];
        let rows = self.ear(statements::HEARD, values).await?;
        let one = |row: &Row| {
            let heard = Heard { number: row.try_get(1)?, hash: row.try_get(3)? };
            Ok((
                row.try_get(0)?,
                heard,
                row.try_get::<_, Option<&[u8]>>(2)?.map(codec::decode_event),
            ))
        };
        let told: Result<Vec<(i16, _, _)>, Fault> = rows.iter().map(one).collect();
        let told = told.map_err(|fault| self.unavailable(fault))?;
        if told.iter().any(|(_, _, event)| event.is_none()) {
            *listening = self.listen().await?;
            return Ok(vec![None]);
        }
        let one = |(lane, heard, event): (i16, Heard, Option<Result<Event, _>>)| {
            listening.0.insert(lane, heard);
            event.and_then(Result::ok)
        };
        Ok(told.into_iter().map(one).collect())
    }

    /// Writes down what this process says of itself, or says again that it lives. The record goes
    /// when the store is closed. A process that was taken for gone while the tables contracted learns of
    /// it here, and takes no more part.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn announce(&self, node: &Node) -> Result<(), Unavailable> {
        self.shared.is_node(node.clone());
        let oldest = node.write(&self.parts.ear, self.knows).await.ok_or(Unavailable)?;
        if oldest > self.knows {
            self.shared.left_behind(oldest);
            return Err(Unavailable);
        }
        Ok(())
    }

    /// The other processes that live.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn others(&self, node: &Node) -> Result<Vec<Other>, Unavailable> {
        node.others(&self.parts.ear).await.ok_or(Unavailable)
    }

    pub(super) async fn ear(
        &self,
        text: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Unavailable> {
        desk::ask(&self.parts.ear, text, values).await.ok_or(Unavailable)
    }
}
