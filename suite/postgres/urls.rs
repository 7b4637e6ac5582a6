//! Everything that a store URL can have wrong: one line that says what was tried, what was found and
//! what to do, and an exit code: 3 where something must be corrected, 4 where somebody must be there.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use counterfoil_store::PostgresStore;
use counterfoil_store::postgres::STEPS;

use crate::cluster::Cluster;
use crate::fake;
use crate::house::House;
use crate::place::Place;
use crate::stage;

/// What a start says to a store that it cannot use, and its exit code.
pub(crate) fn refused(house: &House, url: &str) -> (i32, String) {
    let state = house.settle("refused", url);
    let mut command = Command::new(stage::shipped());
    command.arg("serve").arg("--config").arg(state.join("counterfoil.toml"));
    command.env("COUNTERFOIL_KEYS_FILE", house.keys()).env_remove("COUNTERFOIL_POSTGRES");
    let done = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "one line: {told}");
    assert!(told.starts_with("counterfoil: "), "{told}");
    (done.status.code().unwrap(), told)
}

/// Every part of the line is there.
pub(crate) fn says(house: &House, url: &str, (code, parts): (i32, &[&str])) {
    let (ended, told) = refused(house, url);
    for part in parts {
        assert!(told.contains(part), "\"{part}\" is not said: {told}");
    }
    assert_eq!(ended, code, "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

fn house() -> House {
    House::new()
}

#[test]
fn a_scheme_that_nobody_knows() {
    let known: &[&str] = &["no store has the scheme `mysql:`", "sqlite:PATH", "postgres://"];
    says(&house(), "mysql://a:s3cret@127.0.0.1/bank", (3, known));
    says(&house(), "postgress://a:s3cret@127.0.0.1/bank", (3, &["scheme `postgress:`"]));
}

#[test]
fn a_host_that_is_not_there() {
    let house = house();
    let nobody = "postgres://a:s3cret@127.0.0.1:1/bank";
    says(
        &house,
        nobody,
        (
            4,
            &[
                "postgres://a@127.0.0.1:1/bank cannot be reached",
                "refused",
                "start PostgreSQL there, or correct the host and the port",
            ],
        ),
    );
    let unknown = "postgres://a:s3cret@no-such-host.invalid/bank?sslmode=disable";
    says(&house, unknown, (4, &["no-such-host.invalid", "cannot be reached", "correct the host"]));
    let no_host = "postgres:///bank";
    says(&house, no_host, (3, &["names no host", "write one before the database"]));
}

/// It takes the connection and says nothing.
#[test]
fn a_host_that_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://a:s3cret@127.0.0.1:{port}/bank?connect_timeout=1");
    says(&house(), &url, (4, &["no answer in time", "start PostgreSQL there"]));
}

#[test]
fn a_host_that_is_something_else() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let speaks = move |mut to: TcpStream| {
        let _ = to.read(&mut [0; 64]);
    };
    std::thread::spawn(move || other.incoming().flatten().for_each(speaks));
    let url = format!("postgres://a:s3cret@127.0.0.1:{port}/bank");
    says(&house(), &url, (4, &["127.0.0.1", "cannot be reached"]));
}

#[test]
fn a_password_that_is_wrong_or_missing() {
    let cluster = Cluster::set(&[]);
    cluster
        .write("d/pg_hba.conf", "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    cluster.again();
    Place::at(&cluster.url()).sql(
        "create role oauth login password 's3cret'; grant create on database postgres to oauth",
    );
    let house = house();
    let url = |who: &str| format!("postgres://{who}@127.0.0.1:{}/postgres", cluster.port);
    says(
        &house,
        &url("oauth:wr0ng"),
        (3, &["oauth@127.0.0.1", "28P01", "correct the user or the password in the URL"]),
    );
    says(&house, &url("nobody:s3cret"), (3, &["correct the user or the password"]));
    says(&house, &url("oauth"), (3, &["password missing", "COUNTERFOIL_STORE_FILE"]));
    drop(PostgresStore::open(&url("oauth:s3cret"), Box::new(|| 1)).unwrap());
}

#[test]
fn a_database_or_a_role_that_is_not_there() {
    let house = house();
    let server = Place::new().url();
    says(
        &house,
        &server.replace("/postgres?", "/nowhere?"),
        (3, &["\"nowhere\" does not exist", "createdb --owner postgres nowhere"]),
    );
    says(&house, &server.replace("//postgres@", "//nobody@"), (3, &["nobody", "correct the user"]));
    says(&house, "postgres://127.0.0.1", (3, &["names no database", "after the last slash"]));
}

#[test]
fn a_schema_that_is_no_name_or_somebody_elses() {
    let house = house();
    let url = house.place.url();
    says(&house, &format!("{url}&schema=a%22b"), (3, &["no name of a schema", "use a-z"]));
    let schema = &house.place.schema;
    house.place.sql(&format!("create schema {schema}; create table {schema}.theirs (a int)"));
    says(&house, &url, (3, &["tables that are not counterfoil's", "schema=NAME"]));
}

#[test]
fn tables_of_a_later_or_an_earlier_version() {
    let house = house();
    let url = house.place.url();
    drop(PostgresStore::open_knowing(&url, Box::new(|| 1), &STEPS[..2]).unwrap());
    let migrate = |verb: &str| {
        let state = house.settle("refused", &url);
        let mut command = Command::new(stage::shipped());
        command.args(["migrate", verb, "--config"]).arg(state.join("counterfoil.toml"));
        let done = command.env_remove("COUNTERFOIL_POSTGRES").output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    says(&house, &url, (3, &["have version 2, this program needs", "counterfoil migrate run"]));
    assert!(migrate("plan").contains("expand"));
    assert!(migrate("run").contains("taken:   3"));
    assert!(migrate("run").contains("nothing to do"));
    assert!(house.start("a").stop().success());
    house.place.sql("update meta set value = 99 where name in ('schema', 'oldest')");
    says(&house, &url, (3, &["version 99", "use the later program"]));
}

#[test]
fn a_role_without_rights() {
    let house = house();
    let schema = &house.place.schema;
    let role = format!("poor_{schema}");
    house.place.sql(&format!("create role {role} login"));
    let url = house.place.url().replace("//postgres@", &format!("//{role}@"));
    says(&house, &url, (3, &["42501", "create schema", "grant create on database postgres"]));
    drop(house.start("a"));
    house
        .place
        .sql(&format!("grant usage on schema {schema} to {role}; grant select on meta to {role}"));
    says(&house, &url, (3, &["may not read and write the table", "grant select, insert, update"]));
    house.place.sql(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn a_server_that_takes_no_writes_or_does_not_flush() {
    let cluster = Cluster::start(&["default_transaction_read_only = on"]);
    let house = house();
    says(&house, &cluster.url(), (4, &["takes no writes", "failover"]));
    cluster.stop("fast");
    cluster.append("d/postgresql.conf", "default_transaction_read_only = off\nfsync = off\n");
    cluster.again();
    says(&house, &cluster.url(), (3, &["fsync is off", "set fsync = on"]));
}

#[test]
fn a_server_that_is_too_old() {
    let port = fake::server(120_007);
    let url = format!("postgres://a:s3cret@127.0.0.1:{port}/bank");
    says(&house(), &url, (3, &["PostgreSQL 12", "use PostgreSQL 13 or later"]));
}

#[test]
fn a_connection_that_would_not_be_encrypted() {
    let house = house();
    let away = "postgres://a:s3cret@db.bank.example/bank";
    says(&house, away, (3, &["no sslrootcert", "add sslrootcert=FILE", "sslmode=disable"]));
    says(&house, &format!("{away}?sslmode=require"), (3, &["sslmode=require", "use verify-full"]));
    says(&house, &format!("{away}?sslrootcert=/no/such.pem"), (3, &["/no/such.pem", "PEM file"]));
    let other = "postgres://127.0.0.1/bank?target_session_attrs=read-only";
    says(&house, other, (3, &["target_session_attrs", "the store writes"]));
}
