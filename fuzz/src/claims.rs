//! The `claims` parameter: bounded, and nothing twice.

use super::shared::members;
use counterfoil_engine::claims::{Requested, Wanted};
use counterfoil_engine::limits::{CLAIMS_REQUESTED_MAX, CLAIMS_TEXT_LEN_MAX};
use serde_json::{Map, Value};

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(requested) = Requested::parse(text) else { return };
    assert!(text.len() <= CLAIMS_TEXT_LEN_MAX);
    let sent = members(text.as_bytes());
    judge(&requested.userinfo, sent.get("userinfo").and_then(Value::as_object));
    judge(&requested.id_token, sent.get("id_token").and_then(Value::as_object));
}

fn judge(wanted: &[Wanted], sent: Option<&Map<String, Value>>) {
    assert!(wanted.len() <= CLAIMS_REQUESTED_MAX);
    for one in wanted {
        let how = sent.and_then(|sent| sent.get(&one.name)).expect("it was asked for");
        let essential = how.get("essential").and_then(Value::as_bool) == Some(true);
        assert_eq!(one.essential, essential, "{}", one.name);
    }
    let mut names: Vec<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), wanted.len());
}
