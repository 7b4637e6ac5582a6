//! Basic credentials: every encoding that libraries send is found among the readings, and no reading
//! comes from anywhere else.

use counterfoil_protocol::basic::candidates;
use counterfoil_protocol::form::{encode, percent_decode};
use counterfoil_protocol::ids::ClientId;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let found = candidates(text);
    assert!(found.len() <= 3);
    let Some((id, secret)) = text.split_once(':') else {
        assert!(found.is_empty(), "no colon");
        return;
    };
    let readings = [Some(id.into()), percent_decode(id, true), percent_decode(id, false)];
    for (at, one) in found.iter().enumerate() {
        assert!(readings.iter().flatten().any(|id| id == one.client.as_str()));
        let same = |other: &counterfoil_protocol::basic::Candidate| {
            other.client == one.client && other.secret.expose() == one.secret.expose()
        };
        assert!(!found[..at].iter().any(same), "one reading, twice");
    }
    if ClientId::parse(id).is_err() || id.contains(':') {
        return;
    }
    // As it stands, as RFC 6749 asks for it, and as a library writes it that knows only `%`.
    let full = format!("{}:{}", encode(id), encode(secret));
    let percent = full.replace('+', "%20");
    for sent in [text, &full, &percent] {
        let hit = candidates(sent)
            .into_iter()
            .any(|one| one.client.as_str() == id && one.secret.expose() == secret.as_bytes());
        assert!(hit, "{sent}");
    }
}
