//! One connection to the server that takes writes, set up as every connection of ours is.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

use super::address::{Address, told};
use super::tls::Encrypted;
use crate::limits::{
    POSTGRES_CONNECT_TIMEOUT, POSTGRES_EXCHANGE_TIMEOUT, POSTGRES_IDLE_TIMEOUT,
    POSTGRES_STATEMENT_TIMEOUT,
};
use crate::open::OpenError;

/// The oldest server that we are tested against in spirit: it has everything that is used here.
const SERVER_OLDEST: i32 = 130_000;

/// See the module.
pub(super) struct Session {
    pub(super) client: Client,
    ended: JoinHandle<()>,
    warned: Arc<AtomicBool>,
}

/// Why there is no session, or why something failed in one.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The driver or the server says no.
    Postgres(tokio_postgres::Error),
    /// Nobody answered in time.
    Silent,
    /// The server is a standby, or does not take writes now.
    ReadOnly,
    /// Its version, too old.
    Old(i32),
    /// It does not flush, so nothing it acknowledges is durable.
    NoFlush,
    /// It said that a commit was done, and warned: of a standby that has not confirmed it.
    Warned,
}

impl Session {
    /// The first host that takes writes.
    pub(super) async fn open(address: &Address) -> Result<Self, Troubles> {
        let mut troubles = vec![];
        for (name, config) in address.ways() {
            let opening = async {
                let (client, connection) = config.connect(address.tls.clone()).await?;
                let warned = Arc::new(AtomicBool::new(false));
                let ended = tokio::spawn(until_over(connection, warned.clone()));
                let session = Self { client, ended, warned };
                session.set_up(address).await?;
                Ok(session)
            };
            // The driver bounds the TCP handshake only; a host that hangs after it must not keep us
            // from the next one.
            let found = timeout(POSTGRES_CONNECT_TIMEOUT * 2, opening).await;
            match found.unwrap_or(Err(Trouble::Silent)) {
                Ok(session) => return Ok(session),
                Err(trouble) => troubles.push((name, trouble)),
            }
        }
        Err(Troubles(troubles))
    }

    async fn set_up(&self, address: &Address) -> Result<(), Trouble> {
        let ask = "select pg_is_in_recovery() or current_setting('transaction_read_only')::bool,
            current_setting('server_version_num')::int4, current_setting('fsync')::bool,
            current_setting('synchronous_commit')";
        let row = self.client.query_one(ask, &[]).await?;
        let (read_only, version, flushes): (bool, i32, bool) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if version < SERVER_OLDEST {
            return Err(Trouble::Old(version));
        }
        if read_only {
            return Err(Trouble::ReadOnly);
        }
        if !flushes {
            return Err(Trouble::NoFlush);
        }
        // `remote_apply` promises more than `on`; everything else promises less.
        let durable = match row.try_get::<_, &str>(3)? {
            "remote_apply" => "remote_apply",
            _ => "on",
        };
        self.client.batch_execute(&settings(&address.schema, durable)).await?;
        Ok(())
    }

    /// Whether it is of no more use.
    pub(super) fn is_over(&self) -> bool {
        self.client.is_closed()
    }

    /// Waits for its end, from whichever side.
    pub(super) async fn over(&mut self) {
        // Fails when the task has ended already.
        let _ = (&mut self.ended).await;
    }

    /// An exchange after which nothing may be in doubt. Whoever cancels the wait for a synchronous
    /// standby makes the server acknowledge what only it has, with a warning; that is not done.
    pub(super) async fn surely<T>(
        &self,
        exchange: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        self.warned.store(false, Ordering::Release);
        let done = exchange.await?;
        if self.warned.load(Ordering::Acquire) { Err(Trouble::Warned) } else { Ok(done) }
    }

    /// One exchange, in time or not at all.
    pub(super) async fn within<T>(
        exchange: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Trouble> {
        match timeout(POSTGRES_EXCHANGE_TIMEOUT, exchange).await {
            Ok(done) => done.map_err(Trouble::Postgres),
            Err(_) => Err(Trouble::Silent),
        }
    }
}

impl Drop for Session {
    /// A connection in an unknown state is not left to be finished by anybody.
    fn drop(&mut self) {
        self.ended.abort();
    }
}

/// Carries messages to whoever waits for them, until the end.
async fn until_over(mut connection: Connection<Socket, Encrypted>, warned: Arc<AtomicBool>) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message
            && notice.parsed_severity() == Some(Severity::Warning)
        {
            // Before the answer that it belongs to.
            warned.store(true, Ordering::Release);
        }
    }
}

/// Every statement goes by key, so that plans that do not are switched off: an empty table would
/// otherwise get one that is remembered when it is full. Rows are locked in the order of their keys
/// only in a nested loop.
fn settings(schema: &str, durable: &str) -> String {
    let millis = |duration: Duration| duration.as_millis();
    format!(
        "set search_path = \"{schema}\";
         set synchronous_commit = {durable};
         set default_transaction_isolation = 'read committed';
         set statement_timeout = {};
         set idle_in_transaction_session_timeout = {};
         set client_min_messages = warning;
         set jit = off;
         set plan_cache_mode = force_generic_plan;
         set enable_seqscan = off;
         set enable_bitmapscan = off;
         set enable_hashjoin = off;
         set enable_mergejoin = off",
        millis(POSTGRES_STATEMENT_TIMEOUT),
        millis(POSTGRES_IDLE_TIMEOUT),
    )
}

impl Trouble {
    /// The server gave the transaction up for the sake of another; nothing of it happened.
    pub(super) fn is_worth_another_try(&self) -> bool {
        self.code().is_some_and(|code| {
            [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED].contains(&code)
        })
    }

    /// Somebody else inserted the same key meanwhile; nothing of ours happened.
    pub(super) fn is_taken(&self) -> bool {
        self.code() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    pub(super) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(why) => why.code(),
            Self::Silent | Self::ReadOnly | Self::Old(_) | Self::NoFlush | Self::Warned => None,
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Postgres(why) => f.write_str(&told(why)),
            Self::Silent => f.write_str("no answer in time"),
            Self::ReadOnly => f.write_str("it takes no writes (a standby?)"),
            Self::Old(version) => write!(f, "PostgreSQL {}", version / 10_000),
            Self::NoFlush => f.write_str("fsync is off"),
            Self::Warned => f.write_str("a commit that its standby has not confirmed"),
        }
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(why: tokio_postgres::Error) -> Self {
        Self::Postgres(why)
    }
}

/// What every host said.
#[derive(Debug)]
pub(super) struct Troubles(Vec<(String, Trouble)>);

impl std::fmt::Display for Troubles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<String> = self.0.iter().map(|(host, why)| format!("{host}: {why}")).collect();
        f.write_str(&all.join("; "))
    }
}

impl Troubles {
    /// For the operator. The first host that was there and refused says most.
    pub(super) fn at_start(&self, address: &Address) -> OpenError {
        let fix = self.0.iter().find_map(|(_, trouble)| fix(trouble, address));
        match fix {
            Some(fix) => OpenError::refused(address, self, fix),
            None => {
                let standby = |(_, why): &(String, Trouble)| matches!(why, Trouble::ReadOnly);
                let fix = if self.0.iter().any(standby) {
                    "name the host that takes writes as well, or wait for the failover to end"
                } else {
                    "start PostgreSQL there, or correct the host and the port"
                };
                OpenError::unreachable(address, self, fix)
            }
        }
    }
}

/// What to do where waiting does not help.
pub(super) fn fix(trouble: &Trouble, address: &Address) -> Option<String> {
    let (user, database, schema) = (address.user(), address.database(), &address.schema);
    let rights = format!(
        "as the owner of the database: create schema {schema} authorization {user}; or grant \
         create on database {database} to {user}"
    );
    Some(match trouble {
        Trouble::Old(_) => "use PostgreSQL 13 or later".into(),
        Trouble::NoFlush => "set fsync = on there: what it acknowledges must be durable".into(),
        Trouble::Silent | Trouble::ReadOnly | Trouble::Warned => return None,
        Trouble::Postgres(why) => match why.code() {
            Some(code) if *code == SqlState::INVALID_PASSWORD => {
                "correct the user or the password in the URL".into()
            }
            Some(code) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                "correct the user in the URL, or let it in by pg_hba.conf".into()
            }
            Some(code) if *code == SqlState::INVALID_CATALOG_NAME => {
                format!("create it: createdb --owner {user} {database}")
            }
            Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => rights,
            Some(_) => return None,
            None => of_the_driver(why)?,
        },
    })
}

/// The driver's own reasons have no codes.
fn of_the_driver(why: &tokio_postgres::Error) -> Option<String> {
    let told = told(why);
    let fix = if told.contains("password missing") {
        "write the password into the URL, best in a file named by COUNTERFOIL_STORE_FILE"
    } else if told.contains("certificate") {
        "let sslrootcert name the authority of the server's certificate, and the host its name"
    } else if told.contains("support TLS") {
        "switch ssl on at the server, or use sslmode=disable where the network is trusted"
    } else if told.contains("authentication") {
        "use scram-sha-256, the default of PostgreSQL"
    } else {
        return None;
    };
    Some(fix.into())
}
