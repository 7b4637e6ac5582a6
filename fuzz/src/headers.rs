//! The headers that everybody may send: each line of the input is one of them.

use counterfoil_engine::client_auth::Authorization;
use counterfoil_engine::sender::ProofHeader;
use counterfoil_protocol::form::Form;
use counterfoil_web::edge;
use counterfoil_web::ui::texts::{Texts, candidates};
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

static DPOP: HeaderName = HeaderName::from_static("dpop");
/// Languages that are looked at.
const LANGUAGES_MAX: usize = 16;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let names = [&AUTHORIZATION, &COOKIE, &CONTENT_TYPE, &ACCEPT_LANGUAGE, &DPOP];
    let mut headers = HeaderMap::new();
    for (line, name) in data.split(|byte| *byte == b'\n').take(8).zip(names.iter().cycle()) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(*name, value);
        }
    }
    let once = |name: &HeaderName| headers.get_all(name).iter().count() == 1;
    if let Some(bearing) = edge::access_token(&headers) {
        assert!(once(&AUTHORIZATION));
        assert_eq!(bearing.token, bearing.token.trim());
    }
    if let Some(token) = edge::bearer(&headers) {
        assert_eq!(edge::access_token(&headers).map(|bearing| bearing.token), Some(token));
    }
    let form = Form::default();
    let presented = edge::presented(&headers, &form).expect("nothing is repeated in no form");
    match presented.authorization {
        Authorization::Absent => assert!(!headers.contains_key(AUTHORIZATION)),
        Authorization::Basic(readings) => assert!(once(&AUTHORIZATION) && !readings.is_empty()),
        Authorization::Other => assert!(headers.contains_key(AUTHORIZATION)),
    }
    match edge::proof(&headers) {
        ProofHeader::Absent => assert!(!headers.contains_key(&DPOP)),
        ProofHeader::One(_) => assert!(once(&DPOP)),
        ProofHeader::Repeated => assert!(headers.contains_key(&DPOP)),
    }
    if let Some(value) = edge::cookie(&headers, "__Host-session") {
        assert!(!value.contains(';'));
    }
    if edge::form(&headers, None, b"a=1").is_ok() {
        assert!(once(&CONTENT_TYPE));
    }
    let accepted = edge::header(&headers, "accept-language");
    for asked in [None, edge::header(&headers, "cookie")] {
        let wanted = candidates(asked, accepted);
        assert!(wanted.len() <= LANGUAGES_MAX);
        assert!(wanted.iter().all(|tag| !tag.is_empty() && *tag == tag.trim()));
        assert!(!Texts::for_locale(&wanted).language().tag.is_empty());
    }
}
