//! Signed requests of the draft-cavage family: the first line is the `Signature` header, the second
//! the target, every other one a signed header.

use super::shared::{NOW, keys};
use base64ct::{Base64, Encoding as _};
use counterfoil_jose::http_signature::{Outcome, Request, SignatureHeader, check};

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let raw = lines.next().unwrap_or_default();
    let target = lines.next().unwrap_or("/");
    let others: Vec<(&str, &str)> = lines.take(16).filter_map(|l| l.split_once(": ")).collect();
    let header = |name: &str| {
        if name == "signature" {
            return Some(raw);
        }
        others.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    };
    let request = Request {
        app_id: "finapp",
        method: "POST",
        target,
        header: &header,
        body: b"a=1",
        fields: &[("a", "1")],
    };
    for required in [false, true] {
        // Of an elliptic key: no signature of this family verifies.
        assert!(check(required, &request, keys(), NOW).is_err());
        let unregistered = check(required, &request, &[], NOW);
        assert!(if required {
            unregistered.is_err()
        } else {
            unregistered == Ok(Outcome::Ignored)
        });
    }
    let Ok(signature) = SignatureHeader::parse(raw) else { return };
    let names: Vec<&str> = signature.headers().collect();
    assert!(!names.is_empty() || raw.contains("headers=\""));
    assert!(names.iter().all(|name| signature.covers(name) && !name.contains(' ')));
    let again = format!(
        "keyId=\"{}\",algorithm=\"{}\",headers=\"{}\",signature=\"{}\"",
        signature.key_id(),
        signature.algorithm(),
        names.join(" "),
        Base64::encode_string(signature.signature()),
    );
    // With names that stand for what was left out it may be too long for a header.
    if again.len() <= raw.len() {
        assert_eq!(SignatureHeader::parse(&again).as_ref(), Ok(&signature), "{again}");
    }
    if let Ok(signed) = signature.signing_string("POST", "/path?query", |name| {
        header(name).filter(|value| !value.contains('\r'))
    }) {
        // One line for each name, in order: nothing can be moved from one into another.
        let lines: Vec<&str> = signed.split('\n').filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), names.len(), "{signed:?}");
        assert!(
            lines.iter().zip(&names).all(|(line, name)| line.starts_with(&format!("{name}: ")))
        );
    }
}
