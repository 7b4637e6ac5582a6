//! The processes that serve from one store: each writes down which keys it has loaded, and none
//! starts to use a key that another lacks.

use tokio::sync::mpsc::Sender;

use super::desk::{self, Errand};

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
const OTHERS: &str =
    concat!("select name, keys from nodes where id <> $1 and ", alive!(), " order by name");
/// Writes the record of a node, and clears away those that have gone.
const WRITE: &str = concat!(
    "with gone as (delete from nodes where id <> $1 and not (",
    alive!(),
    ") and seen < now() - interval '1 day')
    insert into nodes (id, name, program, knows, keys, seen) values ($1, $2, $3, $4, $5, now())
    on conflict (id) do update set keys = excluded.keys, seen = excluded.seen"
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

impl Node {
    /// Writes it down, or says again that it lives. `None` when the store does not answer.
    pub(super) async fn write(&self, desk: &Sender<Errand>, knows: i64) -> Option<()> {
        let Self { id, name, program, keys } = self.clone();
        let values: Vec<desk::Value> = vec![
            Box::new(id.to_vec()),
            Box::new(name),
            Box::new(program),
            Box::new(knows),
            Box::new(keys),
        ];
        desk::ask(desk, WRITE, values).await.map(|_| ())
    }

    /// The others that live: their names and keys.
    pub(super) async fn others(&self, desk: &Sender<Errand>) -> Option<Vec<(String, Vec<u8>)>> {
        let rows = desk::ask(desk, OTHERS, vec![Box::new(self.id.to_vec())]).await?;
        rows.iter().map(|row| Some((row.try_get(0).ok()?, row.try_get(1).ok()?))).collect()
    }

    /// It ends in good order.
    pub(super) async fn remove(&self, desk: &Sender<Errand>) {
        // Otherwise it is forgotten when it has not been seen for long enough.
        let _ = desk::ask(desk, REMOVE, vec![Box::new(self.id.to_vec())]).await;
    }
}
