//! The way to the database: several hosts of which one takes writes, TLS, and how many connections there
//! are.

use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::actors::Actors;
use crate::cluster::Cluster;
use crate::history::{History, Said};
use crate::house::House;
use crate::place::Place;
use crate::stage;
use crate::urls::says;

const CALLERS: usize = 24;

#[test]
fn of_several_hosts_the_one_that_takes_writes_is_used() {
    let standby = Cluster::start(&["default_transaction_read_only = on"]);
    let primary = Cluster::start(&[]);
    let (one, other) = (standby.port, primary.port);
    for hosts in
        [format!("127.0.0.1:{one},127.0.0.1:{other}"), format!("127.0.0.1:1,127.0.0.1:{other}")]
    {
        let url = format!("postgres://postgres@{hosts}/postgres?target_session_attrs=read-write");
        let house = House::at(Place::at(&url));
        let node = house.start("a");
        let (history, props) = (History::default(), stage::props());
        let actors = Actors { wire: &node.wire, history: &history, props: &props };
        assert!(matches!(actors.issue("finapp"), Said::Tokens { .. }));
        let there = Place::at(&primary.url());
        let made =
            format!("select count(*) from pg_namespace where nspname = '{}'", house.place.schema);
        assert_eq!(there.sql(&made), "1");
        assert!(node.stop().success());
        there.sql(&format!("drop schema {} cascade", house.place.schema));
    }
}

#[test]
fn a_node_has_eight_connections_whatever_it_is_asked() {
    let house = House::new();
    let node = house.start("a");
    let (history, props) = (History::default(), stage::props());
    let count = format!(
        "select count(*) from pg_stat_activity where application_name = '{}'",
        house.place.schema
    );
    thread::scope(|scope| {
        let asking: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    let actors = Actors { wire: &node.wire, history: &history, props: &props };
                    (0..10).all(|_| matches!(actors.issue("finapp"), Said::Tokens { .. }))
                })
            })
            .collect();
        for caller in asking {
            assert_eq!(house.place.sql(&count), "8");
            assert!(caller.join().unwrap());
        }
    });
}

/// Of a name, by an authority.
fn certificate(name: &str, issuer: &Issuer<'_, KeyPair>) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
}

#[test]
fn the_certificate_of_the_server_is_checked_against_the_authority_and_the_name() {
    let (trusted, issuer) = authority();
    let (stranger, _) = authority();
    let (chain, key) = certificate("localhost", &issuer);
    let plain = Cluster::start(&[]);
    let cluster = Cluster::set(&["ssl = on"]);
    cluster.write("d/server.crt", &chain);
    cluster.write("d/server.key", &key);
    cluster.write("d/pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 trust\n");
    cluster.again();
    let house = House::new();
    let file = |name: &str, text: &str| {
        let path = house.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (trusted, stranger) = (file("ca.pem", &trusted), file("stranger.pem", &stranger));
    let at = |host: &str, port: u16, more: &str| {
        format!("postgres://postgres@{host}:{port}/postgres?{more}")
    };
    let port = cluster.port;
    let good = at("localhost", port, &format!("sslrootcert={trusted}"));
    let wrong: &[&str] = &["certificate", "let sslrootcert name the authority"];
    says(&house, &at("localhost", port, &format!("sslrootcert={stranger}")), (3, wrong));
    says(&house, &at("127.0.0.1", port, &format!("sslrootcert={trusted}")), (3, wrong));
    let unencrypted: &[&str] = &["no pg_hba.conf entry", "let it in by pg_hba.conf"];
    says(&house, &at("localhost", port, "sslmode=disable"), (3, unencrypted));
    let none: &[&str] = &["support TLS", "switch ssl on"];
    says(&house, &at("localhost", plain.port, &format!("sslrootcert={trusted}")), (3, none));

    let house = House::at(Place::at(&good));
    let node = house.start("a");
    let (history, props) = (History::default(), stage::props());
    let actors = Actors { wire: &node.wire, history: &history, props: &props };
    assert!(matches!(actors.issue("finapp"), Said::Tokens { .. }));
    let ours = format!("application_name = '{}'", house.place.schema);
    let there = Place::at(&cluster.url());
    assert_eq!(
        there.sql(&format!(
            "select distinct ssl, version from pg_stat_ssl join pg_stat_activity using (pid) where {ours}"
        )),
        "t|TLSv1.3"
    );
}
