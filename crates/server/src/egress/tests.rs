//! The guard against hosts that a client must not make us call, and a real TLS server on loopback.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

/// Texts that are refused whatever a resolver would say.
const REFUSED: [&str; 45] = [
    "",
    "jwks",
    "//keys.example/jwks",
    "http://keys.example/jwks",
    "HTTPS://keys.example/jwks",
    "ftp://keys.example/jwks",
    "file:///etc/passwd",
    "data:application/json,{}",
    "javascript:alert(1)",
    "https:keys.example/jwks",
    "https:///jwks",
    "https://user@keys.example/jwks",
    "https://user:pass@keys.example/jwks",
    "https://@keys.example/jwks",
    "https://keys.example@127.0.0.1/jwks",
    "https://keys.example\\@127.0.0.1/jwks",
    "https://keys.example/jwks#x",
    "https://keys.example:0/jwks",
    "https://keys.example:65536/jwks",
    "https://keys example/jwks",
    "https://keys.example/jwks\r\nHost: inner",
    "https://keys.example/\u{e9}",
    "https://127.0.0.1/jwks",
    "https://127.1/jwks",
    "https://2130706433/jwks",
    "https://0x7f000001/jwks",
    "https://017700000001/jwks",
    "https://0/jwks",
    "https://10.0.0.1/jwks",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.168.1.1:8443/jwks",
    "https://[::1]/jwks",
    "https://[::]/jwks",
    "https://[::ffff:127.0.0.1]/jwks",
    "https://[::ffff:a9fe:a9fe]/jwks",
    "https://[fd00:ec2::254]/jwks",
    "https://[fe80::1]/jwks",
    "https://localhost/jwks",
    "https://localhost./jwks",
    "https://LOCALHOST/jwks",
    "https://a.localhost/jwks",
    "https://printer.local/jwks",
    "https://metadata.google.internal/jwks",
    "https://intranet/jwks",
    "https://%31%32%37.0.0.1/jwks",
];

#[test]
fn an_address_that_leads_inside_is_refused_by_its_text() {
    let egress = Egress::new(Reach::Public, &[]).unwrap();
    for url in REFUSED {
        assert!(!egress.admits(url), "{url}");
        let call = Outgoing { url, accept: "*/*", form: None, len_max: 10 };
        assert_eq!(wait(egress.call(call)), Err(OutboundFault::NotAdmitted), "{url}");
    }
    assert!(!egress.admits(&format!("https://keys.example/{}", "a".repeat(URL_LEN_MAX))));
    for url in ["https://keys.example/jwks", "https://1.1.1.1:8443/a?b=c@d", "https://a.b.example."]
    {
        assert!(egress.admits(url), "{url}");
    }
}

#[test]
fn a_sandbox_reaches_this_machine_and_nothing_else_inside() {
    let egress = Egress::new(Reach::Loopback, &[]).unwrap();
    for url in ["https://localhost:9/jwks", "https://127.0.0.1/jwks", "https://[::1]/jwks"] {
        assert!(egress.admits(url), "{url}");
    }
    for url in ["https://10.0.0.1/jwks", "https://169.254.169.254/", "http://localhost/jwks"] {
        assert!(!egress.admits(url), "{url}");
    }
}

/// A server on this machine that answers every connection with the same bytes.
struct Other {
    port: u16,
    ca: tempfile::TempDir,
    asked: tokio::sync::mpsc::UnboundedReceiver<String>,
}

async fn other(answer: &'static [u8]) -> Other {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("ca.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let acceptor = TlsAcceptor::from(crate::tls::server(&cert, &key).unwrap());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = vec![0; 4096];
            let len = stream.read(&mut head).await.unwrap_or_default();
            let _ = tell.send(String::from_utf8_lossy(&head[..len]).into_owned());
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    Other { port, ca: folder, asked }
}

impl Other {
    fn egress(&self, reach: Reach) -> Egress {
        Egress::new(reach, &[self.ca.path().join("ca.pem")]).unwrap()
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/keys?a=b", self.port)
    }
}

fn get(url: &str) -> Outgoing<'_> {
    Outgoing { url, accept: "application/json", form: None, len_max: 16 }
}

const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\ncontent-length: 2\r\n\r\n{}";

#[test]
fn an_answer_comes_back_as_it_is() {
    wait(async {
        let mut there = other(OK).await;
        let egress = there.egress(Reach::Loopback);
        let answer = egress.call(get(&there.url())).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
        assert_eq!(answer.media_type.as_deref(), Some("application/json"));
        let asked = there.asked.recv().await.unwrap();
        assert!(asked.starts_with("GET /keys?a=b HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains(&format!("host: localhost:{}\r\n", there.port)), "{asked}");

        let call = Outgoing { form: Some("logout_token=x"), ..get("") };
        let answer = egress.call(Outgoing { url: &there.url(), ..call }).await.unwrap();
        assert_eq!(answer.status, 200);
        let asked = there.asked.recv().await.unwrap();
        assert!(asked.starts_with("POST ") && asked.ends_with("logout_token=x"), "{asked}");
    });
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    const FOUND: &[u8] =
        b"HTTP/1.1 302 Found\r\nlocation: https://localhost:1/inner\r\ncontent-length: 0\r\n\r\n";
    wait(async {
        let mut there = other(FOUND).await;
        let answer = there.egress(Reach::Loopback).call(get(&there.url())).await.unwrap();
        assert_eq!(answer.status, 302);
        assert!(there.asked.recv().await.is_some());
        assert!(there.asked.try_recv().is_err(), "one call, one request");
    });
}

#[test]
fn an_answer_out_of_bounds_is_none() {
    const LONG: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n12345678901234567";
    const ENDLESS: &[u8] =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n11\r\n12345678901234567\r\n0\r\n\r\n";
    const NO_HTTP: &[u8] = b"220 mail.example ESMTP\r\n";
    for bytes in [LONG, ENDLESS, NO_HTTP, b""] {
        let got = wait(async {
            let there = other(bytes).await;
            there.egress(Reach::Loopback).call(get(&there.url())).await
        });
        assert_eq!(got, Err(OutboundFault::NoAnswer), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn only_a_certificate_we_trust_and_only_within_reach() {
    wait(async {
        let mut there = other(OK).await;
        let url = there.url();
        let stranger = Egress::new(Reach::Loopback, &[]).unwrap();
        assert_eq!(stranger.call(get(&url)).await, Err(OutboundFault::NoAnswer));
        // The name of the certificate is `localhost`, not the address.
        let by_address = url.replace("localhost", "127.0.0.1");
        let egress = there.egress(Reach::Loopback);
        assert_eq!(egress.call(get(&by_address)).await, Err(OutboundFault::NoAnswer));
        assert_eq!(
            there.egress(Reach::Public).call(get(&url)).await,
            Err(OutboundFault::NotAdmitted)
        );
        assert!(there.asked.try_recv().is_err(), "no request went out");
    });
}

#[test]
fn a_name_that_resolves_inside_is_not_connected_to() {
    // Not ruled out by its text: `localtest.invalid` would be, if it resolved, by its address.
    let egress = Egress::new(Reach::Public, &[]).unwrap();
    assert!(!egress.may_call("127.0.0.1".parse().unwrap()));
    assert!(!egress.may_call("::ffff:127.0.0.1".parse().unwrap()));
    let there = Egress::new(Reach::Loopback, &[]).unwrap();
    assert!(there.may_call("::ffff:127.0.0.1".parse().unwrap()));
    let url = Url::parse("https://localhost:1/").unwrap();
    let got = wait(egress.connect(&url)).err();
    assert_eq!(got, Some(OutboundFault::NotAdmitted));
}

#[test]
fn a_file_without_certificates_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, "nothing").unwrap();
    let told = Egress::new(Reach::Public, std::slice::from_ref(&path)).unwrap_err().text;
    assert!(told.contains("ca.pem: no certificate in it"), "{told}");
}
