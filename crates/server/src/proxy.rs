//! What a proxy in front says of its client (RFC 9440): believed from listed peers, and from nobody
//! else (attacks.md P21).

use std::net::IpAddr;
use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use counterfoil_engine::sender::mtls::PeerCertificate;
use http::{HeaderMap, HeaderName};
use rustls::pki_types::CertificateDer;

use crate::client_certificate::{CHAIN_MAX, Trust};

static CERTIFICATE: HeaderName = HeaderName::from_static("client-cert");
static CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
/// Networks that can be listed.
const NETWORKS_MAX: usize = 64;

/// A network: an address and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    len: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, len) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let len = len.map_or(Some(bits), |len| len.parse().ok().filter(|len| *len <= bits))?;
        Some(Self { address, len })
    }

    fn holds(&self, peer: IpAddr) -> bool {
        match (self.address, peer) {
            (IpAddr::V4(net), IpAddr::V4(peer)) => {
                let differing = (net.to_bits() ^ peer.to_bits()).leading_zeros();
                differing >= self.len
            }
            (IpAddr::V6(net), IpAddr::V6(peer)) => {
                let differing = (net.to_bits() ^ peer.to_bits()).leading_zeros();
                differing >= self.len
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The proxies that this server stands behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// Addresses and networks, separated by commas. `None` for text that is something else, and for
    /// nothing: a header that nobody may send is a mistake.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all: Option<Vec<_>> = text.split(',').map(|one| Network::parse(one.trim())).collect();
        all.filter(|all| all.len() <= NETWORKS_MAX).map(Self)
    }

    fn lists(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.holds(peer))
    }
}

/// The certificate of the client behind a peer. The headers go in any case: nobody further inside can
/// take them for something else. From a listed peer only the header counts: a certificate of the
/// connection itself is the proxy's.
///
/// # Errors
/// From a listed peer, headers that are not what RFC 9440 says.
pub fn certificate(
    headers: &mut HeaderMap,
    (peer, proxies): (IpAddr, &Proxies),
    of_connection: Option<&Arc<PeerCertificate>>,
    trust: &Trust,
) -> Result<Option<Arc<PeerCertificate>>, Malformed> {
    let listed = proxies.lists(peer);
    if !listed && !headers.contains_key(&CERTIFICATE) && !headers.contains_key(&CHAIN) {
        return Ok(of_connection.cloned());
    }
    let sent: Vec<_> = headers.get_all(&CERTIFICATE).iter().cloned().collect();
    let above: Vec<_> = headers.get_all(&CHAIN).iter().cloned().collect();
    headers.remove(&CERTIFICATE);
    headers.remove(&CHAIN);
    if !listed {
        return Ok(of_connection.cloned());
    }
    let [one] = sent.as_slice() else {
        return if sent.is_empty() { Ok(None) } else { Err(Malformed) };
    };
    let mut chain = vec![binary(one.to_str().map_err(|_| Malformed)?)?];
    for value in &above {
        for item in value.to_str().map_err(|_| Malformed)?.split(',') {
            chain.push(binary(item)?);
        }
    }
    if chain.len() > CHAIN_MAX {
        return Err(Malformed);
    }
    trust.judge(&chain).map(|peer| Some(Arc::new(peer))).ok_or(Malformed)
}

/// The headers of a proxy do not say what they should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// `:BASE64:` (RFC 8941 §3.3.5).
fn binary(item: &str) -> Result<CertificateDer<'static>, Malformed> {
    let inner = item.trim().strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    let bytes = Base64::decode_vec(inner.ok_or(Malformed)?).map_err(|_| Malformed)?;
    Ok(CertificateDer::from(bytes))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn der() -> Vec<u8> {
        let made = rcgen::generate_simple_self_signed(vec!["client.example".into()]).unwrap();
        made.cert.der().to_vec()
    }

    fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn item(bytes: &[u8]) -> String {
        format!(":{}:", Base64::encode_string(bytes))
    }

    fn read(
        pairs: &[(&'static str, String)],
        peer: &str,
        of_connection: Option<&Arc<PeerCertificate>>,
    ) -> Result<Option<Arc<PeerCertificate>>, Malformed> {
        let mut headers = headers(pairs);
        let proxies = Proxies::parse("10.0.0.1, 192.0.2.0/24, 2001:db8::/32").unwrap();
        let peer = peer.parse().unwrap();
        let got = certificate(&mut headers, (peer, &proxies), of_connection, &Trust::default());
        assert!(headers.is_empty(), "the header goes on");
        got
    }

    #[test]
    fn a_header_of_a_listed_peer_is_the_certificate() {
        let der = der();
        let sent = [("client-cert", item(&der))];
        for peer in ["10.0.0.1", "192.0.2.0", "192.0.2.255", "2001:db8::7", "::ffff:10.0.0.1"] {
            let got = read(&sent, peer, None).unwrap().unwrap();
            assert_eq!(got.certificate.sha256(), counterfoil_jose::provider::sha256(&der));
            assert!(!got.trusted);
        }
    }

    #[test]
    fn a_header_of_anybody_else_is_ignored() {
        let sent = [("client-cert", item(&der()))];
        for peer in ["10.0.0.2", "192.0.3.0", "192.0.1.255", "127.0.0.1", "2001:db9::", "::1"] {
            assert_eq!(read(&sent, peer, None), Ok(None), "{peer}");
        }
        let shown = Trust::default().judge(&[CertificateDer::from(der())]).map(Arc::new);
        assert_eq!(read(&sent, "10.0.0.2", shown.as_ref()), Ok(shown.clone()));
        // Between a listed proxy and us the certificate of the connection is the proxy's.
        assert_eq!(read(&[], "10.0.0.1", shown.as_ref()), Ok(None));
    }

    #[test]
    fn a_listed_peer_that_sends_something_else_is_refused() {
        let good = item(&der());
        let twice = [("client-cert", good.clone()), ("client-cert", good.clone())];
        assert_eq!(read(&twice, "10.0.0.1", None), Err(Malformed));
        let bare = good.trim_matches(':').to_owned();
        let pem = "-----BEGIN CERTIFICATE-----".to_owned();
        for wrong in
            [bare, pem, "::".into(), ":AAAA:".into(), ":%%:".into(), format!("{good},{good}")]
        {
            let sent = [("client-cert", wrong.clone())];
            assert_eq!(read(&sent, "10.0.0.1", None), Err(Malformed), "{wrong}");
        }
        let deep =
            [("client-cert", good.clone()), ("client-cert-chain", vec![good; 10].join(", "))];
        assert_eq!(read(&deep, "10.0.0.1", None), Err(Malformed));
    }

    #[test]
    fn only_addresses_and_networks_can_be_listed() {
        for text in ["", " ", "proxy.example", "10.0.0.1/33", "::/129", "10.0.0.1,", "10.0.0/8"] {
            assert_eq!(Proxies::parse(text), None, "{text}");
        }
        assert!(Proxies::parse("0.0.0.0/0").unwrap().lists("203.0.113.9".parse().unwrap()));
    }
}
