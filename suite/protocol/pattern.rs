//! What an answer looks like: text with holes, and what holds for every answer there is.

use serde_json::Value;

use crate::wire::Answer;

/// What fits into a hole.
enum Hole {
    /// A handle: this prefix and 86 characters.
    Handle(&'static str),
    /// Three parts in base64url.
    Jwt,
    /// A UUID v4.
    Uuid,
    /// The `X-Request-Id` of the same answer.
    RequestId,
    /// 32 lower-case hexadecimal digits.
    Hex32,
    /// Anything without a quote, a comma or a closing brace.
    Any,
    /// Everything that is left.
    Rest,
}

const HOLES: [(&str, Hole); 9] = [
    ("{at}", Hole::Handle("at_")),
    ("{rt}", Hole::Handle("rt_")),
    ("{ac}", Hole::Handle("ac_")),
    ("{jwt}", Hole::Jwt),
    ("{uuid}", Hole::Uuid),
    ("{request_id}", Hole::RequestId),
    ("{hex32}", Hole::Hex32),
    ("{any}", Hole::Any),
    ("{rest}", Hole::Rest),
];

fn base64url(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// How many bytes of `text` fill the hole.
fn filled(hole: &Hole, text: &str, request_id: &str) -> Option<usize> {
    let run = |allowed: fn(char) -> bool| text.find(|c| !allowed(c)).unwrap_or(text.len());
    let len = match hole {
        Hole::Handle(prefix) => {
            let body = text.strip_prefix(prefix)?;
            let len = body.find(|c| !base64url(c)).unwrap_or(body.len());
            (len == 86).then_some(prefix.len() + len)?
        }
        Hole::Jwt => {
            let len = run(|c| base64url(c) || c == '.');
            (text[..len].split('.').filter(|part| !part.is_empty()).count() == 3).then_some(len)?
        }
        Hole::Uuid => is_uuid(text.get(..36)?).then_some(36)?,
        Hole::RequestId => text.starts_with(request_id).then_some(request_id.len())?,
        Hole::Hex32 => {
            let len = run(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
            (len == 32).then_some(len)?
        }
        Hole::Rest => text.len(),
        Hole::Any => run(|c| !matches!(c, '"' | '&' | ',' | '}')),
    };
    Some(len)
}

/// Whether `text` is what `pattern` says, hole by hole.
pub(crate) fn fits(pattern: &str, text: &str, request_id: &str) -> bool {
    let next = HOLES.iter().filter_map(|(name, hole)| Some((pattern.find(name)?, *name, hole)));
    let Some((at, name, hole)) = next.min_by_key(|(at, _, _)| *at) else { return pattern == text };
    let Some(rest) = text.strip_prefix(&pattern[..at]) else { return false };
    let Some(len) = filled(hole, rest, request_id) else { return false };
    fits(&pattern[at + name.len()..], &rest[len..], request_id)
}

/// RFC 9562 §5.4, in lower case.
pub(crate) fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            14 => *b == b'4',
            19 => matches!(b, b'8' | b'9' | b'a' | b'b'),
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(b),
        })
}

/// RFC 6749 §5.2.
pub(crate) fn is_description(text: &str) -> bool {
    let allowed = |c| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    !text.is_empty() && text.len() <= 200 && text.chars().all(allowed)
}

/// What holds for every answer, whatever it is (surfaces.md 1.4, issue 7).
pub(crate) fn holds_for_all(answer: &Answer, shown: &str) {
    let header = |name: &str| answer.header(name).unwrap_or_default();
    assert!(is_uuid(header("x-request-id")), "{shown}: no X-Request-Id");
    assert_eq!(header("x-content-type-options"), "nosniff", "{shown}");
    assert_eq!(header("referrer-policy"), "no-referrer", "{shown}");
    match header("cache-control") {
        "no-store" => assert_eq!(header("pragma"), "no-cache", "{shown}"),
        public => assert!(public.starts_with("public,") && answer.status == 200, "{shown}"),
    }
    // The one error without a body is Keycloak's (surfaces.md 4.3).
    let empty = answer.body.is_empty();
    let may_be_empty = matches!(answer.status, 200 | 204 | 302 | 303)
        || (answer.status == 401 && shown.contains("/realms/compat"));
    assert!(!empty || may_be_empty, "{shown}: {} with an empty body", answer.status);
    match (empty, header("content-type")) {
        (true, media_type) => assert_eq!(media_type, "", "{shown}"),
        (false, "application/json") => is_good_json(answer, shown),
        (false, media_type) => {
            let known = [
                "text/html; charset=utf-8",
                "text/css; charset=utf-8",
                "application/jwt",
                "application/schema+json",
                "application/token-introspection+jwt",
            ];
            assert!(known.contains(&media_type), "{shown}: {media_type}");
        }
    }
    if answer.status == 405 {
        assert!(!header("allow").is_empty(), "{shown}: 405 without Allow");
    }
    if matches!(answer.status, 429 | 503) {
        assert!(header("retry-after").parse::<u64>().is_ok(), "{shown}: no Retry-After");
    }
}

fn is_good_json(answer: &Answer, shown: &str) {
    let json = answer.json();
    if answer.status < 400 {
        assert!(!has_null(&json), "{shown}: {}", answer.text());
        return;
    }
    let error = json.get("error").and_then(Value::as_str).unwrap_or_default();
    assert!(!error.is_empty(), "{shown}: no error in {}", answer.text());
    if let Some(description) = json.get("error_description") {
        let description = description.as_str().unwrap_or_default();
        assert!(is_description(description), "{shown}: {description}");
    }
}

fn has_null(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::Array(all) => all.iter().any(has_null),
        Value::Object(all) => all.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[test]
fn a_pattern_fits_what_it_says_and_nothing_else() {
    let handle = format!("at_{}", "a".repeat(86));
    let id = "00000000-0000-4000-8000-000000000000";
    let pattern = r#"{"a":"{at}","id":"{uuid}","same":"{request_id}","x":{any}}"#;
    let text = |a: &str, id: &str, same: &str| {
        format!(r#"{{"a":"{a}","id":"{id}","same":"{same}","x":1}}"#)
    };
    assert!(fits(pattern, &text(&handle, id, id), id));
    assert!(!fits(pattern, &text(&handle[1..], id, id), id));
    assert!(!fits(pattern, &text(&handle, &id.replace('4', "3"), id), id));
    assert!(!fits(pattern, &text(&handle, id, "other"), id));
    assert!(!fits(pattern, &format!("{} ", text(&handle, id, id)), id));
    assert!(fits("{jwt}", "a.b.c", "") && !fits("{jwt}", "a..c", "") && !fits("{jwt}", "a.b", ""));
}
