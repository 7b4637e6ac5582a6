//! The tables, step by step: expand and contract. A step that expands can be taken while older
//! programs run; one that contracts waits until none of them does.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::address::Address;
use super::session::{Session, Trouble, fix};
use crate::limits::POSTGRES_TABLES_PATIENCE;
use crate::open::OpenError;

/// One step of the schema.
#[derive(Debug)]
pub struct Step {
    /// The version that the tables have after it.
    pub version: i64,
    /// What it does, in a few words.
    pub about: &'static str,
    /// Whether older programs can no longer work with the tables after it.
    pub contracts: bool,
    /// How.
    pub sql: &'static str,
}

/// Every step that there ever was, in order. A step that was released is never changed.
pub static STEPS: &[Step] = &[
    Step { version: 1, about: "the tables", contracts: false, sql: include_str!("schema.sql") },
    Step {
        version: 2,
        about: "pushed authorization requests and the outbox",
        contracts: false,
        sql: include_str!("schema_2.sql"),
    },
    Step {
        version: 3,
        about: "which events other nodes must hear of",
        contracts: false,
        sql: include_str!("schema_3.sql"),
    },
];

/// Where a schema stands, and which steps are left.
#[derive(Debug)]
pub struct Plan {
    /// The version of the tables; 0 before the first step.
    pub found: i64,
    /// The version that this program needs.
    pub known: i64,
    /// What is left.
    pub steps: Vec<&'static Step>,
    /// Nodes that run a program which a contracting step would leave behind.
    pub behind: Vec<String>,
}

impl Plan {
    /// The first step that has to wait, because an older program still runs.
    #[must_use]
    pub fn held_up(&self) -> Option<&'static Step> {
        let waits = |step: &&Step| step.contracts && !self.behind.is_empty();
        self.steps.iter().copied().find(waits)
    }
}

/// How a schema looks to a program that knows `steps`.
pub(super) struct Schema<'a> {
    pub(super) session: &'a Session,
    pub(super) address: &'a Address,
    pub(super) steps: &'static [Step],
}

/// What stands in `meta`.
struct Meta {
    schema: i64,
    oldest: i64,
    number: i64,
}

impl Schema<'_> {
    /// Makes the tables where there is nothing, and checks them where there is something. Returns the
    /// number of the store.
    pub(super) async fn ready(&self) -> Result<i32, OpenError> {
        let known = self.known();
        let meta = match self.meta().await? {
            Some(meta) if meta.schema >= known => meta,
            // Somebody may be at it in this moment: another node that starts, or `migrate run`.
            Some(_) | None => {
                self.turn(Some(POSTGRES_TABLES_PATIENCE)).await?;
                if self.meta().await?.is_none() {
                    self.take_all().await?;
                }
                self.turn_over().await?;
                let missing = || self.refused("the tables were not made", "try again");
                self.meta().await?.ok_or_else(missing)?
            }
        };
        let Meta { schema, oldest, number } = meta;
        if oldest > known {
            return Err(self.refused(
                format!("its tables have version {schema} and need a program of version {oldest}"),
                format!("use the later program; this one knows versions up to {known}"),
            ));
        }
        if schema < known {
            return Err(self.refused(
                format!("its tables have version {schema}, this program needs {known}"),
                "look at `counterfoil migrate plan`, then run `counterfoil migrate run`",
            ));
        }
        self.rights().await?;
        // Made by us as a positive int4.
        Ok(i32::try_from(number).unwrap_or_default())
    }

    /// Where it stands.
    pub(super) async fn plan(&self) -> Result<Plan, OpenError> {
        let found = self.meta().await?.map_or(0, |meta| meta.schema);
        let steps: Vec<_> = self.steps.iter().filter(|step| step.version > found).collect();
        let last = steps.iter().rev().find(|step| step.contracts).map_or(0, |step| step.version);
        let behind = if found == 0 { vec![] } else { self.behind(last).await? };
        Ok(Plan { found, known: self.known(), steps, behind })
    }

    /// Takes every step that can be taken. Several programs at once take turns.
    pub(super) async fn run_all(&self) -> Result<(), OpenError> {
        self.turn(None).await?;
        self.take_all().await?;
        self.turn_over().await
    }

    /// Waits until nobody else makes or changes the tables, and keeps them from it until our turn is
    /// over, or the connection is. Of several steps nobody sees the tables in between.
    async fn turn(&self, patience: Option<Duration>) -> Result<(), OpenError> {
        let millis = patience.map_or(0, |patience| patience.as_millis());
        let text = format!(
            "begin; set local statement_timeout = 0; set local lock_timeout = {millis};
             select pg_advisory_lock({}); commit",
            self.lock()
        );
        self.session.client.batch_execute(&text).await.map_err(|why| match why.code() {
            Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => OpenError::unreachable(
                self.address,
                "somebody else is making or changing its tables",
                "wait until `counterfoil migrate run` has ended, or the other node has started",
            ),
            Some(_) | None => self.told(&Trouble::Postgres(why)),
        })
    }

    async fn turn_over(&self) -> Result<(), OpenError> {
        self.execute(&format!("select pg_advisory_unlock({})", self.lock())).await
    }

    /// By name, because the schema need not be there yet.
    fn lock(&self) -> String {
        format!("hashtext('counterfoil schema'), hashtext('{}')", self.address.schema)
    }

    /// One transaction each, in our turn.
    async fn take_all(&self) -> Result<(), OpenError> {
        let name = &self.address.schema;
        let exists = "select 1 from pg_namespace where nspname = $1";
        if self.ask(exists, &[&&**name]).await?.is_empty() {
            self.execute(&format!("create schema \"{name}\"")).await?;
        }
        let plan = self.plan().await?;
        let held_up = plan.held_up().map_or(i64::MAX, |step| step.version);
        for step in plan.steps.iter().filter(|step| step.version < held_up) {
            self.take(step).await?;
        }
        Ok(())
    }

    async fn take(&self, step: &Step) -> Result<(), OpenError> {
        let Step { version, sql, .. } = step;
        let oldest = if step.contracts { *version } else { 0 };
        let done = self
            .execute(&format!(
                "begin; set local statement_timeout = 0;
                 {sql}; update meta set value = {version} where name = 'schema';
                 update meta set value = greatest(value, {oldest}) where name = 'oldest'; commit"
            ))
            .await;
        if done.is_err() {
            // The first error is the one that says why.
            let _ = self.execute("rollback").await;
        }
        done
    }

    fn known(&self) -> i64 {
        self.steps.last().map_or(0, |step| step.version)
    }

    async fn meta(&self) -> Result<Option<Meta>, OpenError> {
        let name = &*self.address.schema;
        let tables = "select count(*), count(*) filter (where tablename = 'meta')
            from pg_tables where schemaname = $1";
        let rows = self.ask(tables, &[&name]).await?;
        let count = |at| rows.first().and_then(|row| row.try_get::<_, i64>(at).ok());
        let (all, ours) = (count(0).unwrap_or_default(), count(1).unwrap_or_default());
        if all == 0 {
            return Ok(None);
        }
        let foreign = || {
            let found = format!("the schema {name} has tables that are not counterfoil's");
            self.refused(found, "name another one: add schema=NAME to the URL")
        };
        if ours == 0 {
            return Err(foreign());
        }
        let shape = "select count(*) from information_schema.columns where table_schema = $1
            and table_name = 'meta' and (column_name, data_type)
                in (('name', 'text'), ('value', 'bigint'))";
        let rows = self.ask(shape, &[&name]).await?;
        if rows.first().and_then(|row| row.try_get::<_, i64>(0).ok()) != Some(2) {
            return Err(foreign());
        }
        let rows = self.ask("select name, value from meta", &[]).await?;
        let value = |name: &str| {
            let row =
                rows.iter().find(|row| row.try_get::<_, &str>(0).is_ok_and(|known| known == name));
            row.and_then(|row| row.try_get::<_, i64>(1).ok())
        };
        match (value("schema"), value("oldest"), value("number")) {
            (Some(schema), Some(oldest), Some(number)) => Ok(Some(Meta { schema, oldest, number })),
            _ => Err(foreign()),
        }
    }

    /// Nodes that live and know less than `version`.
    async fn behind(&self, version: i64) -> Result<Vec<String>, OpenError> {
        let rows = self.ask(super::nodes::BEHIND, &[&version]).await?;
        let told = |row: &Row| {
            let name: String = row.try_get(0).unwrap_or_default();
            let program: String = row.try_get(1).unwrap_or_default();
            format!("{name} ({program})")
        };
        Ok(rows.iter().map(told).collect())
    }

    /// Every table can be read and written.
    async fn rights(&self) -> Result<(), OpenError> {
        let ask = "select tablename::text from pg_tables where schemaname = $1 and not (
                has_table_privilege(format('%I.%I', schemaname, tablename), 'select')
                and has_table_privilege(format('%I.%I', schemaname, tablename), 'insert')
                and has_table_privilege(format('%I.%I', schemaname, tablename), 'update')
                and has_table_privilege(format('%I.%I', schemaname, tablename), 'delete'))
            order by tablename limit 1";
        let rows = self.ask(ask, &[&&*self.address.schema]).await?;
        let Some(table) = rows.first().and_then(|row| row.try_get::<_, String>(0).ok()) else {
            return Ok(());
        };
        let (schema, user) = (&self.address.schema, self.address.user());
        Err(self.refused(
            format!("{user} may not read and write the table {table}"),
            format!(
                "as its owner: grant select, insert, update, delete on all tables in schema \
                 {schema} to {user}"
            ),
        ))
    }

    async fn ask(
        &self,
        text: &str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<Vec<Row>, OpenError> {
        let asked = Session::within(self.session.client.query(text, values)).await;
        asked.map_err(|trouble| self.told(&trouble))
    }

    async fn execute(&self, text: &str) -> Result<(), OpenError> {
        let done = self.session.client.batch_execute(text).await;
        done.map_err(|why| self.told(&Trouble::Postgres(why)))
    }

    fn told(&self, trouble: &Trouble) -> OpenError {
        match fix(trouble, self.address) {
            Some(fix) => OpenError::refused(self.address, trouble, fix),
            None => OpenError::unreachable(self.address, trouble, "look at the server's log"),
        }
    }

    fn refused(&self, found: impl std::fmt::Display, fix: impl Into<Box<str>>) -> OpenError {
        OpenError::refused(self.address, found, fix)
    }
}

#[cfg(test)]
mod tests {
    use super::super::statements::table;
    use super::*;
    use crate::kind::Kind;

    #[test]
    fn every_kind_has_its_table_and_versions_go_up_by_one() {
        let all: String = STEPS.iter().map(|step| step.sql).collect();
        for kind in Kind::ALL {
            let made = all.contains(&format!("create table {} ", table(kind)));
            assert!(made, "{kind:?} has no table: add a step that makes it");
            if kind.has_bucket() {
                assert!(all.contains(&format!("create index {}_bucket ", table(kind))), "{kind:?}");
            }
        }
        assert!(STEPS.iter().map(|step| step.version).eq(1..=STEPS.len().cast_signed() as i64));
    }
}
