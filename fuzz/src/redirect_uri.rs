//! Redirect URIs: a registered one on the first line, a sent one on the second. Nothing but the same
//! bytes, or another port of a loopback literal, is let through; and what is registered is read alike
//! by a browser.

use counterfoil_protocol::form::percent_decode;
use counterfoil_protocol::redirect_uri::RedirectUri;
use url::Url;

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (registered, sent) = text.split_once('\n').unwrap_or((text, text));
    let Ok(registered) = RedirectUri::parse_registered(registered) else { return };
    let raw = registered.as_str();
    let url = Url::parse(raw).expect("a browser reads it");
    assert_eq!((url.username(), url.password(), url.fragment()), ("", None, None));
    assert!(matches!(url.scheme(), "https" | "http") || url.scheme().contains('.'));
    assert!(raw.starts_with(registered.origin()));
    assert!(registered.admits(&registered));
    // Decoded once too often it is still the same place.
    let decoded = percent_decode(raw, false).expect("no escape is broken");
    if let Ok(other) = Url::parse(&decoded) {
        let deep = |url: &Url| url.path().matches('/').count();
        assert_eq!((other.host_str(), other.port()), (url.host_str(), url.port()), "{decoded}");
        assert_eq!((deep(&other), other.fragment()), (deep(&url), None), "{decoded}");
    }
    let parameters = [("code", "a&b=c#d e\u{e9}"), ("state", "\"<>+%")];
    for (whole, after) in [
        (registered.with_query(&parameters), Url::query as fn(&Url) -> Option<&str>),
        (registered.with_fragment(&parameters), Url::fragment),
    ] {
        let led = Url::parse(&whole).expect("a browser reads the answer");
        assert_eq!(led.scheme(), url.scheme());
        assert_eq!((led.host_str(), led.port()), (url.host_str(), url.port()), "{whole}");
        assert!(whole.starts_with(raw), "{whole}");
        let said = url::form_urlencoded::parse(after(&led).unwrap_or_default().as_bytes());
        let said: Vec<_> = said.collect();
        let tail = &said[said.len() - parameters.len()..];
        assert!(tail.iter().zip(parameters).all(|((k, v), (n, w))| k == n && v == w), "{whole}");
    }
    let Ok(sent) = RedirectUri::parse(sent) else { return };
    if !registered.admits(&sent) || registered == sent {
        return;
    }
    let other = Url::parse(sent.as_str()).expect("a browser reads what is let through");
    assert!(matches!(url.host_str(), Some("127.0.0.1" | "[::1]")) && url.scheme() == "http");
    assert_eq!(other.host_str(), url.host_str());
    assert_eq!((other.path(), other.query()), (url.path(), url.query()));
    assert_eq!((other.scheme(), other.username(), other.fragment()), ("http", "", None));
}
