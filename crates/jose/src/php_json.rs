//! JSON as PHP writes it: some SDKs sign the form as an object while they send it urlencoded.

/// The object that PHP's `json_encode` makes of the fields with `JSON_UNESCAPED_SLASHES` and
/// `JSON_UNESCAPED_UNICODE`.
pub(crate) fn php_json(fields: &[(&str, &str)]) -> String {
    let mut out = String::from("{");
    for (name, value) in fields {
        if out.len() > 1 {
            out.push(',');
        }
        php_string(&mut out, name);
        out.push(':');
        php_string(&mut out, value);
    }
    out.push('}');
    out
}

fn php_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // PHP keeps escaping the two line ends of JavaScript.
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_letters_stay_and_controls_are_escaped() {
        let fields = [("a/b", "é\u{1F600}/\u{7f}"), ("q", "\"\\\n\r\t\u{8}\u{c}\u{1}\u{2028}")];
        let expected =
            "{\"a/b\":\"é\u{1F600}/\u{7f}\",\"q\":\"\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u2028\"}";
        assert_eq!(php_json(&fields), expected);
        assert_eq!(php_json(&[]), "{}");
    }
}
