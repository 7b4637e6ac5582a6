//! The text of every statement that names the table of a kind.

use crate::kind::Kind;

/// `table` stands for the name of the kind's table, which may occur twice.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $a:literal table $b:literal $(table $c:literal)?;)*) => {$(
        $(#[$doc])*
        pub(super) const fn $name(kind: Kind) -> &'static str {
            match kind {
                Kind::Tenant => concat!($a, "tenants", $b $(, "tenants", $c)?),
                Kind::Client => concat!($a, "clients", $b $(, "clients", $c)?),
                Kind::Grant => concat!($a, "grants", $b $(, "grants", $c)?),
                Kind::Consent => concat!($a, "consents", $b $(, "consents", $c)?),
                Kind::Subject => concat!($a, "subjects", $b $(, "subjects", $c)?),
                Kind::Interaction => concat!($a, "interactions", $b $(, "interactions", $c)?),
                Kind::Session => concat!($a, "sessions", $b $(, "sessions", $c)?),
                Kind::Replay => concat!($a, "replays", $b $(, "replays", $c)?),
                Kind::SigningKey => concat!($a, "signing_keys", $b $(, "signing_keys", $c)?),
                Kind::KeySet => concat!($a, "key_sets", $b $(, "key_sets", $c)?),
                Kind::Claim => concat!($a, "claims", $b $(, "claims", $c)?),
                Kind::Customer => concat!($a, "customers", $b $(, "customers", $c)?),
                Kind::Pushed => concat!($a, "pushed", $b $(, "pushed", $c)?),
                Kind::Delivery => concat!($a, "deliveries", $b $(, "deliveries", $c)?),
            }
        }
    )*};
}

statements! {
    /// A record.
    select: "select revision, body from " table " where key = ?1";
    /// Where a record stands, for guards.
    revision: "select revision from " table " where key = ?1";
    /// A new record. No row when the key is taken.
    insert: "insert into " table " (key, revision, bucket, body) values (?1, ?2, ?3, ?4)
        on conflict do nothing";
    /// A record that ends in the same hour as before: leaves the index on buckets alone. The plus
    /// keeps that index out of the search.
    rewrite: "update " table " set revision = ?3, body = ?4
        where key = ?1 and revision = ?2 and +bucket is ?5";
    /// A record that ends in another hour than before.
    replace: "update " table " set revision = ?3, body = ?4, bucket = ?5
        where key = ?1 and revision = ?2";
    /// No record any more.
    delete: "delete from " table " where key = ?1 and revision = ?2";
    /// A part of a list.
    list: "select key, revision, body from " table " where key > ?1 and key < ?2
        order by key limit ?3";
    /// Everything, for whoever examines a store.
    all: "select key, body from " table " order by key";
    /// A step of a sweep by bucket.
    sweep_buckets: "delete from " table " where key in
        (select key from " table " where bucket < ?1 order by bucket limit ?2)";
    /// A step of a sweep by key.
    sweep_below: "delete from " table " where key in
        (select key from " table " where key < ?1 order by key limit ?2)";
}

/// Begins a group. Immediate, so that the lock is had before anything was decided.
pub(super) const BEGIN: &str = "begin immediate";
/// Begins a read of several keys: the first select takes the snapshot for all of them.
pub(super) const BEGIN_READ: &str = "begin deferred";
/// Ends either.
pub(super) const COMMIT: &str = "commit";
/// Takes back a group.
pub(super) const ROLLBACK: &str = "rollback";
/// Before a batch of several changes.
pub(super) const SAVEPOINT: &str = "savepoint batch";
/// After it.
pub(super) const RELEASE: &str = "release batch";
/// When one of its changes did not match.
pub(super) const ROLLBACK_TO: &str = "rollback to batch";
/// One event.
pub(super) const INSERT_EVENT: &str =
    "insert into events (lane, number, body, hash) values (?1, ?2, ?3, ?4)";
/// Events after a number.
pub(super) const FEED: &str = "select number, body, hash from events
    where lane = ?1 and number > ?2 order by number limit ?3";
/// The end of the chain.
pub(super) const HEAD: &str =
    "select number, hash from events where lane = ?1 order by number desc limit 1";
/// The revision up to which numbers may have been given out.
pub(super) const RESERVED: &str = "select value from meta where name = 'revision'";
/// Raises it.
pub(super) const RESERVE: &str = "update meta set value = ?1 where name = 'revision'";
/// Every event with its hash.
pub(super) const CHAIN: &str =
    "select number, body, hash from events where lane = ?1 order by number";
/// The hash of one event.
pub(super) const HASH: &str = "select hash from events where lane = ?1 and number = ?2";
/// What tells this store from every other one; copies of it say the same.
pub(super) const STORE: &str = "select value from meta where name = 'store'";
/// The version of the schema.
pub(super) const SCHEMA: &str = "select value from meta where name = 'schema'";

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::sqlite::schema::STEPS;

    /// With every table of the newest schema.
    fn empty() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        STEPS.iter().for_each(|step| connection.execute_batch(step).unwrap());
        connection
    }

    fn plan(connection: &Connection, sql: &str) -> String {
        let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
        let rows = statement.raw_query().mapped(|row| row.get::<_, String>("detail"));
        rows.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    }

    #[test]
    fn every_statement_of_every_kind_searches_by_its_key() {
        let connection = empty();
        for kind in Kind::ALL {
            for sql in [select(kind), revision(kind), rewrite(kind), replace(kind), delete(kind)] {
                let plan = plan(&connection, sql);
                assert!(plan.contains("USING PRIMARY KEY (key=?)"), "{sql}: {plan}");
            }
            let list = plan(&connection, list(kind));
            assert!(list.contains("USING PRIMARY KEY (key>? AND key<?)"), "{list}");
            connection.prepare(insert(kind)).unwrap();
        }
    }

    #[test]
    fn a_sweep_reads_only_what_has_passed() {
        let connection = empty();
        for kind in Kind::IN_BUCKETS {
            let plan = plan(&connection, sweep_buckets(kind));
            assert!(plan.contains("_bucket (bucket<?)"), "{kind:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{kind:?}: {plan}");
        }
        let plan = plan(&connection, sweep_below(Kind::Replay));
        assert!(plan.contains("USING PRIMARY KEY (key<?)"), "{plan}");
    }
}
