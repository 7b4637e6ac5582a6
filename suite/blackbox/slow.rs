//! Slow clients: the limits of the server are ten seconds, and then it answers or closes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::server::{FORM, Server};
use crate::wire::{Wire, request};

/// Sends what is whole, and then nothing; several at once, so that they wait together.
fn stalled(server: &Server, bytes: &[u8], count: usize) -> Vec<Wire> {
    let connect = |_| {
        let mut wire = server.connect();
        wire.send(bytes);
        wire
    };
    (0..count).map(connect).collect()
}

/// All of them wait for the same ten seconds.
#[test]
fn slow_clients_are_told_or_closed_and_nobody_waits_for_them() {
    let server = Server::shared();
    std::thread::scope(|scope| {
        let server = &server;
        scope.spawn(|| a_body_that_does_not_come_is_408(server));
        scope.spawn(|| a_head_that_does_not_come_is_closed(server));
        scope.spawn(|| a_handshake_that_does_not_come_is_closed(server));
        scope.spawn(|| a_body_that_trickles_is_408_however_lively_it_is(server));
    });
}

fn a_body_that_does_not_come_is_408(server: &Server) {
    let headers = [("content-type", FORM), ("content-length", "100")];
    let bytes = request("POST", "/oauth/accesstoken", &headers, b"grant_type=");
    for mut wire in stalled(server, &bytes, 20) {
        let answer = wire.read().unwrap_or_else(|| panic!("closed without an answer"));
        answer.is_polite("half a body");
        assert_eq!(answer.status, 408);
    }
    server.lives();
}

fn a_head_that_does_not_come_is_closed(server: &Server) {
    let halves = [&b""[..], b"P", b"POST /oauth/accesstoken HTTP/1.1\r\nhost: x\r\nx-half: "];
    let all: Vec<Wire> = halves.iter().flat_map(|bytes| stalled(server, bytes, 10)).collect();
    for mut wire in all {
        if let Some(answer) = wire.read() {
            answer.is_polite("half a head");
            assert_eq!(answer.status, 408);
        }
        assert!(wire.is_closed());
    }
    server.lives();
}

fn a_handshake_that_does_not_come_is_closed(server: &Server) {
    let address = format!("127.0.0.1:{}", server.tls_port());
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let connect = |bytes: &[u8]| {
        let mut wire = Wire::connect(&address);
        wire.send(bytes);
        wire
    };
    for mut wire in [connect(b""), connect(hello), connect(hello)] {
        assert!(wire.is_closed());
    }
    server.lives();
}

fn a_body_that_trickles_is_408_however_lively_it_is(server: &Server) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let headers = [("content-type", FORM), ("content-length", "60000")];
    stream.write_all(&request("POST", "/introspect", &headers, b"")).unwrap();
    // Between two bytes, half a second in which an answer may come.
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut answer = vec![];
    for _ in 0..50 {
        let mut some = [0; 4096];
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&some[..read]),
            Err(_) if stream.write_all(b"a").is_ok() => {}
            Err(_) => break,
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    server.lives();
}

#[test]
fn others_are_served_while_hundreds_stand_still() {
    let server = Server::shared();
    let headers = [("content-type", FORM), ("content-length", "100")];
    let bytes = request("POST", "/oauth/accesstoken", &headers, b"grant_type=");
    let waiting = stalled(&server, &bytes, 300);
    let heads = stalled(&server, b"GET /jwks HTTP/1.1\r\n", 300);
    for _ in 0..20 {
        server.lives();
    }
    drop((waiting, heads));
}
