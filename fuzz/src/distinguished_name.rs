//! Distinguished names as text (RFC 4514): a name equals itself in every spelling, and never one that
//! says more.

use counterfoil_jose::distinguished_name::DistinguishedName;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(name) = DistinguishedName::parse(text) else { return };
    assert!(!name.is_empty());
    assert_eq!(DistinguishedName::parse(text).as_ref(), Ok(&name), "the same twice");
    let front = format!(" {text}");
    if let Ok(spaced) = DistinguishedName::parse(&front) {
        assert_eq!(spaced, name, "{front:?}");
    }
    for more in ["C=XX", "O=x+OU=y", "2.5.4.97=#0c0141"] {
        for longer in [format!("{more},{text}"), format!("{text},{more}")] {
            // Too long, or too many parts; or a backslash at the end has taken the comma.
            let Ok(other) = DistinguishedName::parse(&longer) else { continue };
            assert_ne!(other, name, "{longer:?}");
        }
    }
    // Short names and their numbers are one.
    if let Some(value) = text.strip_prefix("CN=") {
        for kind in ["cn", "commonName", "2.5.4.3", "OID.2.5.4.3", " CN "] {
            if let Ok(other) = DistinguishedName::parse(&format!("{kind}={value}")) {
                assert_eq!(other, name, "{kind}");
            }
        }
    }
}
