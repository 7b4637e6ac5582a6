//! Proofs of possession: whatever verifies was signed by the key that it brings, names this request
//! and is of now.

use super::shared::{Message, NOW, harmless, members};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::dpop::{Expected, FAPI2, Fresh, RFC9449, Received, token_hash};
use counterfoil_jose::jwk::Jwk;
use counterfoil_jose::thumbprint::jwk_thumbprint;
use serde_json::{Map, Value};
use url::Url;

const ADDRESS: &str = "https://bank.example/token";
const TOKEN: &str = "at_of_somebody";

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Some(sent) = Message::of(data) else { return };
    let Ok(received) = Received::parse(&sent.raw) else { return };
    let (header, payload) = sent.parts();
    harmless(&header, true);
    let claims = members(&payload);
    assert_eq!(header["typ"], "dpop+jwt");
    for profile in [&FAPI2, &RFC9449] {
        for token in [None, Some(TOKEN)] {
            let addresses = [ADDRESS];
            let expected = Expected {
                method: "POST",
                addresses: &addresses,
                token,
                profile,
                fresh: Fresh::Issued,
            };
            let Ok(verified) = received.verify(&expected, NOW) else { continue };
            let alg = header["alg"].as_str().and_then(Alg::parse).expect("an algorithm");
            assert!(profile.algs.contains(&alg));
            named(&header, &verified.thumbprint);
            judge(&claims, token);
            assert!(verified.until > NOW);
            assert_eq!(received.verify(&expected, NOW), Ok(verified), "the same twice");
            for other in [
                Expected { method: "GET", ..expected },
                Expected { addresses: &[], ..expected },
                Expected { addresses: &["https://bank.example/other"], ..expected },
            ] {
                assert!(received.verify(&other, NOW).is_err());
            }
            // Where no token is expected, the proof may be for any.
            let another = Expected { token: Some("another"), ..expected };
            assert!(token.is_none() || received.verify(&another, NOW).is_err());
            assert!(received.verify(&expected, NOW.after(125)).is_err(), "too late");
            // With a nonce of ours its sender's clock is of no interest.
            let fresh = Fresh::Nonce(NOW.after(7_200));
            let nonce = Expected { fresh, ..expected };
            assert!(received.verify(&nonce, NOW.after(3_600)).is_ok());
        }
    }
}

fn named(header: &Map<String, Value>, thumbprint: &[u8; 32]) {
    let jwk: Jwk = serde_json::from_value(header["jwk"].clone()).expect("a public key");
    assert_eq!(jwk_thumbprint(&jwk).as_ref(), Some(thumbprint));
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(header["jwk"].get(private).is_none(), "{private}");
    }
}

fn judge(claims: &Map<String, Value>, token: Option<&str>) {
    assert_eq!(claims["htm"], "POST");
    let id = claims["jti"].as_str().expect("an id");
    assert!((1..=255).contains(&id.len()));
    let issued = claims["iat"].as_f64().expect("a date");
    assert!((issued - NOW.0 as f64).abs() <= 60.0);
    let mut address = Url::parse(claims["htu"].as_str().expect("text")).expect("an address");
    address.set_query(None);
    address.set_fragment(None);
    assert_eq!(address.as_str(), ADDRESS);
    if let Some(token) = token {
        assert_eq!(claims["ath"], token_hash(token));
    }
}
