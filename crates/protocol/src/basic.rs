//! `Authorization: Basic`: what real clients put into it, and the up to three ways to read it.
//!
//! RFC 6749 §2.3.1 asks for form-encoding inside; most libraries do not do it, one does half of it.
//! So every reading is tried (surfaces.md 1.2), in this order: as it stands, form-decoded,
//! percent-decoded.

use std::fmt;

use crate::form::{holds, percent_decode};
use crate::ids::ClientId;
use crate::secret::Secret;

/// One reading of a Basic header.
pub struct Candidate {
    /// The client that is named.
    pub client: ClientId,
    /// The secret that comes with it.
    pub secret: Secret,
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({}, [redacted])", self.client)
    }
}

/// The readings of the decoded text `id:secret`, without duplicates. Split at the first colon: ids
/// cannot hold one, secrets can.
#[must_use]
pub fn candidates(decoded: &str) -> Vec<Candidate> {
    let Some((id, secret)) = decoded.split_once(':') else { return Vec::new() };
    let plain = Some((id.into(), secret.into()));
    // Without an escape all readings are one.
    let encoded = holds(decoded, |b| matches!(b, b'%' | b'+'));
    let readings = if encoded {
        [
            plain,
            percent_decode(id, true).zip(percent_decode(secret, true)),
            percent_decode(id, false).zip(percent_decode(secret, false)),
        ]
    } else {
        [plain, None, None]
    };
    let mut out: Vec<Candidate> = Vec::with_capacity(1);
    for (id, secret) in readings.into_iter().flatten() {
        let Ok(client) = ClientId::parse(&id) else { continue };
        let known = |c: &Candidate| c.client == client && c.secret.expose() == secret.as_bytes();
        if !out.iter().any(known) {
            let secret = Secret::new(secret.as_bytes().to_vec());
            out.push(Candidate { client, secret });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The four encodings of `Worldline-000021` and `p w:+/=` that libraries really send.
    #[test]
    fn every_library_finds_its_reading() {
        for decoded in [
            "Worldline-000021:p w:+/=",
            "Worldline%2D000021:p+w%3A%2B%2F%3D",
            "Worldline-000021:p+w%3A%2B%2F%3D",
            "Worldline-000021:p w%3A+/=",
        ] {
            let hit = candidates(decoded).into_iter().any(|c| {
                c.client.as_str() == "Worldline-000021" && c.secret.expose() == b"p w:+/="
            });
            assert!(hit, "{decoded}");
        }
    }

    #[test]
    fn plain_credentials_have_one_reading() {
        assert_eq!(candidates("finapp:finsecret").len(), 1);
        assert_eq!(candidates("no colon").len(), 0);
        assert_eq!(candidates(":no id").len(), 0);
    }
}
