//! `Client-Cert` and `Client-Cert-Chain` (RFC 9440): believed from listed peers alone, taken off in
//! any case. The first line is the peer, every other one a header.

use std::net::IpAddr;
use std::sync::LazyLock;

use base64ct::{Base64, Encoding as _};
use counterfoil_jose::provider::sha256;
use counterfoil_server::client_certificate::Trust;
use counterfoil_server::proxy::{Proxies, certificate};
use http::{HeaderMap, HeaderName, HeaderValue};

static CERTIFICATE: HeaderName = HeaderName::from_static("client-cert");
static CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
const LISTED: &str = "10.0.0.1, 192.0.2.0/24, 2001:db8::/32";
static PROXIES: LazyLock<Proxies> = LazyLock::new(|| Proxies::parse(LISTED).expect("a list"));
static TRUST: LazyLock<Trust> = LazyLock::new(Trust::default);

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let first = lines.next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    // The setting is read by the same file.
    let _ = Proxies::parse(first);
    let Ok(peer) = first.parse::<IpAddr>() else { return };
    let mut headers = HeaderMap::new();
    for line in lines.take(8) {
        let (name, value) = match line.strip_prefix(b"+") {
            Some(chain) => (&CHAIN, chain),
            None => (&CERTIFICATE, line),
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let sent: Vec<_> = headers.get_all(&CERTIFICATE).iter().cloned().collect();
    let answer = certificate(&mut headers, (peer, &PROXIES), None, &TRUST);
    assert!(headers.is_empty(), "a header goes on");
    if !listed(peer) {
        assert_eq!(answer, Ok(None), "believed from anybody");
        return;
    }
    let Ok(Some(shown)) = answer else {
        assert!(answer.is_err() || sent.is_empty());
        return;
    };
    let [one] = sent.as_slice() else { panic!("{} certificates", sent.len()) };
    let item = one.to_str().expect("ASCII").trim();
    let encoded = item.strip_prefix(':').and_then(|item| item.strip_suffix(':')).expect("an item");
    let der = Base64::decode_vec(encoded).expect("base64");
    assert_eq!(shown.certificate.sha256(), sha256(&der));
    assert!(!shown.trusted, "nobody is trusted here");
}

/// The same list, by other means.
fn listed(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(peer) => {
            let [a, b, c, d] = peer.octets();
            [a, b, c, d] == [10, 0, 0, 1] || [a, b, c] == [192, 0, 2]
        }
        IpAddr::V6(peer) => peer.segments()[..2] == [0x2001, 0xdb8],
    }
}
