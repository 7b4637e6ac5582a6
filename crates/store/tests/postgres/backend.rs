//! The backend under test: a schema of its own for every test.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};

use counterfoil_engine::store::Store;
use counterfoil_store::{Micros, PostgresStore};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::conformance::Backend;

pub(crate) fn postgres(micros: Micros) -> Box<dyn Backend> {
    let place = Place::new();
    let store = PostgresStore::open(&place.url, micros).unwrap();
    Box::new(Postgres { store, place })
}

/// A schema that goes with the test.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) schema: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("test_{}_{number}", std::process::id());
        let server = server();
        let sign = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{sign}schema={schema}&application_name={schema}");
        Self { url, schema }
    }

    /// SQL for the sessions of the stores that are open here.
    pub(crate) fn sessions(&self) -> String {
        format!("(select pid from pg_stat_activity where application_name = '{}')", self.schema)
    }

    /// SQL for those of them that wait for a lock.
    pub(crate) fn held_up(&self) -> String {
        format!("from pg_locks where not granted and pid in {}", self.sessions())
    }

    /// Somebody else at the same server.
    pub(crate) fn other(&self) -> Other {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&server(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        let other = Other { client, runtime };
        other.run(&format!("set search_path = {}", self.schema));
        other
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.other().run(&format!("drop schema if exists {} cascade", self.schema));
    }
}

/// A connection that is not the store's.
pub(crate) struct Other {
    client: Client,
    runtime: Runtime,
}

impl Other {
    pub(crate) fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.runtime.block_on(self.client.query_one(sql, &[])).unwrap().get(0)
    }
}

#[expect(clippy::disallowed_methods, reason = "how the check names the server it has started")]
fn server() -> String {
    std::env::var("COUNTERFOIL_POSTGRES")
        .expect("COUNTERFOIL_POSTGRES names a server: use `cargo xtask check --only postgres`")
}

/// The store first, so that it is closed before its schema goes.
struct Postgres {
    store: PostgresStore,
    place: Place,
}

impl Backend for Postgres {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn reopen(self: Box<Self>, micros: Micros) -> Option<Box<dyn Backend>> {
        let Self { store, place } = *self;
        drop(store);
        let store = PostgresStore::open(&place.url, micros).unwrap();
        Some(Box::new(Self { store, place }))
    }

    /// As somebody who holds the table.
    fn stall(&self) -> Option<Box<dyn Any>> {
        let other = self.place.other();
        other.run("begin; lock table claims in exclusive mode");
        Some(Box::new(other))
    }
}
