//! The text of every statement, by kind, and those that a connection has prepared.

use std::collections::HashMap;

use tokio_postgres::{Client, Error, Statement};

use crate::kind::Kind;

/// What is done with records of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Verb {
    /// Where they stand, and they do not move before the commit.
    Hold,
    /// The same, and we may change them.
    Take,
    /// New ones. A key that is taken fails the transaction.
    Insert,
    /// Ones that stand.
    Update,
    /// No more.
    Delete,
}

/// The table of a kind.
pub(super) const fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Tenant => "tenants",
        Kind::Client => "clients",
        Kind::Grant => "grants",
        Kind::Consent => "consents",
        Kind::Subject => "subjects",
        Kind::Interaction => "interactions",
        Kind::Session => "sessions",
        Kind::Replay => "replays",
        Kind::SigningKey => "signing_keys",
        Kind::KeySet => "key_sets",
        Kind::Claim => "claims",
        Kind::Customer => "customers",
        Kind::Pushed => "pushed",
        Kind::Delivery => "deliveries",
    }
}

/// Keys travel sorted and are locked in that order, so that two transactions never wait for each
/// other.
fn text(verb: Verb, kind: Kind) -> String {
    let table = table(kind);
    match verb {
        Verb::Hold => {
            format!("select key, revision from {table} where key = any($1) order by key for share")
        }
        Verb::Take => {
            format!("select key, revision from {table} where key = any($1) order by key for update")
        }
        Verb::Insert => format!(
            "insert into {table} (key, revision, bucket, body)
             select * from unnest($1::bytea[], $2::int8[], $3::int8[], $4::bytea[])"
        ),
        Verb::Update => format!(
            "update {table} set revision = n.revision, bucket = n.bucket, body = n.body
             from unnest($1::bytea[], $2::int8[], $3::int8[], $4::bytea[])
                as n (key, revision, bucket, body)
             where {table}.key = n.key"
        ),
        Verb::Delete => format!("delete from {table} where key = any($1)"),
    }
}

/// One record after another by key; all of them from one snapshot, because it is one statement (S7).
pub(super) fn read(kinds: &[Kind]) -> String {
    let one = |(at, kind): (usize, &Kind)| {
        let (number, table) = (at + 1, table(*kind));
        format!("select {at}::int4, key, revision, body from {table} where key = any(${number})")
    };
    kinds.iter().enumerate().map(one).collect::<Vec<_>>().join(" union all ")
}

/// A part of a list.
pub(super) fn list(kind: Kind) -> String {
    let table = table(kind);
    format!(
        "select key, revision, body from {table} where key > $1 and key < $2 order by key limit $3"
    )
}

/// A step of a sweep by bucket. What another node sweeps at the same moment is left to it.
pub(super) fn sweep_buckets(kind: Kind) -> String {
    let table = table(kind);
    format!(
        "with gone as (delete from {table} where key = any(array(
                select key from {table} where bucket < $1
                order by bucket limit $2 for update skip locked)) returning 1)
         select count(*) from gone"
    )
}

/// A step of a sweep by key.
pub(super) fn sweep_below(kind: Kind) -> String {
    let table = table(kind);
    format!(
        "with gone as (delete from {table} where key = any(array(
                select key from {table} where key < $1
                order by key limit $2 for update skip locked)) returning 1)
         select count(*) from gone"
    )
}

/// Begins a group.
pub(super) const BEGIN: &str = "begin";
/// Ends it. Fails, or changes nothing, when anything before it has failed.
pub(super) const COMMIT: &str = "commit";
/// Gives it up.
pub(super) const ROLLBACK: &str = "rollback";
/// Events of one lane. The revision is that of their batch: it orders the lanes among each other.
pub(super) const INSERT_EVENTS: &str =
    "insert into events (lane, number, revision, body, hash, heard)
    select $1::int2, * from unnest($2::int8[], $3::int8[], $4::bytea[], $5::bytea[], $6::bool[])";
/// Events after a position, in one order for all lanes: whatever was acknowledged before another
/// batch began has a lower revision on the same node.
pub(super) const FEED: &str = "select e.lane, e.number, e.body, e.hash
    from lanes left join unnest($1::int2[], $2::int8[]) as p (lane, number)
            on p.lane = lanes.lane
        cross join lateral (select * from events where events.lane = lanes.lane
            and events.number > coalesce(p.number, 0) order by events.number limit $3) as e
    order by e.revision, e.lane, e.number limit $3";
/// Events after those heard that others must hear of, each lane in its order; and a row without a body
/// for an event that was heard and is not there: somebody has set the store back.
pub(super) const HEARD: &str = "select p.lane, p.number, null::bytea, p.hash
    from unnest($1::int2[], $2::int8[], $4::bytea[]) as p (lane, number, hash)
    where not exists (select from events where events.lane = p.lane
        and events.number = p.number and events.hash = p.hash)
    union all
    (select e.lane, e.number, e.body, e.hash
    from lanes left join unnest($1::int2[], $2::int8[]) as p (lane, number)
            on p.lane = lanes.lane
        cross join lateral (select * from events where events.lane = lanes.lane and heard
            and events.number > coalesce(p.number, 0) order by events.number limit $3) as e
    order by e.lane, e.number limit $3)";
/// The last event of each lane.
pub(super) const FEED_END: &str = "select lanes.lane, e.number, e.hash from lanes
    cross join lateral (select number, hash from events where events.lane = lanes.lane
        order by number desc limit 1) as e";
/// The store, each lane with its last event, and the hash of one event of each of some lanes.
pub(super) const PROGRESS: &str = "select meta.value, lanes.lane, e.number, e.hash, t.hash
    from meta cross join lanes
        left join unnest($1::int2[], $2::int8[]) as p (lane, number) on p.lane = lanes.lane
        left join lateral (select number, hash from events where events.lane = lanes.lane
            order by number desc limit 1) as e on true
        left join events as t on t.lane = p.lane and t.number = p.number
    where meta.name = 'number'";
/// The end of a lane's chain.
pub(super) const HEAD: &str =
    "select number, hash from events where lane = $1 order by number desc limit 1";
/// A lane belongs to whoever holds its lock, for as long as the connection lives.
pub(super) const CLAIM: &str = "select pg_try_advisory_lock($1::int4, $2::int4)";
/// The lanes there are.
pub(super) const ADD_LANE: &str = "insert into lanes (lane) values ($1) on conflict do nothing";
/// Raises the mark of revisions, and says where it stands now. Its own flush may come later: whatever
/// is committed under these revisions comes after it in the log.
pub(super) const RESERVE: &str =
    "with off as (select set_config('synchronous_commit', 'off', true))
    update meta set value = greatest(value, $1) + $2 from off where name = 'revision'
    returning value";

/// The statements that one connection has prepared: prepared once, by name of what they do.
#[derive(Default)]
pub(super) struct Prepared {
    by_kind: HashMap<(Verb, Kind), Statement>,
    by_text: HashMap<&'static str, Statement>,
}

impl Prepared {
    /// A statement by kind.
    pub(super) async fn of(
        &mut self,
        client: &Client,
        verb: Verb,
        kind: Kind,
    ) -> Result<Statement, Error> {
        if let Some(known) = self.by_kind.get(&(verb, kind)) {
            return Ok(known.clone());
        }
        let made = client.prepare(&text(verb, kind)).await?;
        self.by_kind.insert((verb, kind), made.clone());
        Ok(made)
    }

    /// A statement by its text.
    pub(super) async fn text(
        &mut self,
        client: &Client,
        text: &'static str,
    ) -> Result<Statement, Error> {
        if let Some(known) = self.by_text.get(text) {
            return Ok(known.clone());
        }
        let made = client.prepare(text).await?;
        self.by_text.insert(text, made.clone());
        Ok(made)
    }
}
