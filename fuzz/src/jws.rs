//! Signed messages: what is taken has one spelling, an algorithm of ours and nothing twice; and only
//! what was signed verifies.

use super::shared::{Message, harmless, key};
use counterfoil_jose::alg::Alg;
use counterfoil_jose::jws::{Compact, JwsFault};
use serde_json::Value;

const LEN_MAX: usize = 8 * 1024;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Some(sent) = Message::of(data) else { return };
    let with_jwk = Compact::parse_with_jwk(&sent.raw, LEN_MAX);
    let Ok(message) = Compact::parse(&sent.raw, LEN_MAX) else {
        if let Ok(message) = with_jwk {
            assert!(message.header().jwk.is_some(), "refused for its key alone");
            harmless(&sent.parts().0, true);
        }
        return;
    };
    assert!(sent.raw.len() <= LEN_MAX && with_jwk.is_ok());
    let (header, payload) = sent.parts();
    harmless(&header, false);
    let said = message.header();
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    assert_eq!(text("alg").and_then(Alg::parse), Some(said.alg));
    assert_eq!((text("kid"), text("typ")), (said.kid.as_deref(), said.typ.as_deref()));
    assert_eq!((text("x5t"), text("x5t#S256")), (said.x5t.as_deref(), said.x5t_s256.as_deref()));
    let verified = message.verify(key(), &Alg::ALL);
    if sent.signed && said.alg == Alg::ES256 {
        assert_eq!(verified, Ok(payload.as_slice()));
    } else {
        assert!(verified.is_err(), "nobody has signed it");
    }
    let others = Alg::ALL.map(|alg| if alg == said.alg { Alg::EdDSA } else { alg });
    if said.alg != Alg::EdDSA {
        assert_eq!(message.verify(key(), &others), Err(JwsFault::Algorithm));
    }
    assert_eq!(message.verify(key(), &[]), Err(JwsFault::Algorithm));
}
