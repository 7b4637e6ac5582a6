//! Forms: what decodes is bounded text without NUL, and encoded again it says the same.

use counterfoil_protocol::form::{Form, PARAMETERS_MAX, encode, percent_decode};
use counterfoil_protocol::refusal::{Fault, Refusal};

const NAMES: [&str; 5] = ["a", "scope", "resource", "client_id", ""];

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(form) = Form::decode(data) else { return };
    let pairs: Vec<(&str, &str)> = form.iter().collect();
    assert!(pairs.len() <= PARAMETERS_MAX);
    assert!(pairs.iter().all(|(name, value)| !name.contains('\0') && !value.contains('\0')));
    let again: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let again = again.join("&");
    let decoded = Form::decode(again.as_bytes()).expect("what is encoded decodes");
    assert!(decoded.iter().eq(form.iter()), "{again}");
    for name in NAMES {
        let values: Vec<&str> =
            pairs.iter().filter(|(known, _)| *known == name).map(|(_, value)| *value).collect();
        let expected = match values.as_slice() {
            [] | [""] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err(Refusal::Parameter(name, Fault::Repeated)),
        };
        assert_eq!(form.one(name), expected);
    }
    let mut names: Vec<&str> =
        pairs.iter().map(|(name, _)| *name).filter(|name| *name != "resource").collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(form.repeats(), names.len() < all);
    for (_, value) in pairs {
        assert_eq!(percent_decode(&encode(value), true).as_deref(), Some(value));
    }
}
