//! Redirect URIs: parsed twice at registration, compared byte for byte ever after (RFC 9700 §2.1).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ids::Malformed;

const REDIRECT_URI_LEN_MAX: usize = 2048;

/// A redirect URI as sent or as registered. Never normalised: equality is equality of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RedirectUri(Box<str>);

impl RedirectUri {
    /// Any text that could be compared with a registration. Says nothing about whether to go there.
    ///
    /// # Errors
    /// [`Malformed`] when empty, too long, or with anything but visible ASCII.
    pub fn parse(raw: &str) -> Result<Self, Malformed> {
        let fits = !raw.is_empty()
            && raw.len() <= REDIRECT_URI_LEN_MAX
            && raw.bytes().all(|b| (0x21..0x7f).contains(&b));
        fits.then(|| Self(raw.into())).ok_or(Malformed("redirect_uri"))
    }

    /// A URI that may be registered: what browsers and RFC 3986 read alike, https or a loopback IP
    /// literal or a private-use scheme, no fragment, no user, no dots or delimiters in disguise.
    ///
    /// # Errors
    /// [`Malformed`] for everything else (attacks.md P3).
    pub fn parse_registered(raw: &str) -> Result<Self, Malformed> {
        let bad = Malformed("redirect_uri");
        let uri = Self::parse(raw)?;
        let dots = ["/../", "/./"];
        if raw.contains(['\\', '#', '@', '*', '<', '>', '"', '{', '}', '|', '^', '`', ';'])
            || dots.iter().any(|part| raw.contains(part))
            || is_disguised(raw)
            || raw.ends_with("/..")
            || raw.ends_with("/.")
        {
            return Err(bad);
        }
        let url = Url::parse(raw).map_err(|_| bad)?;
        // What a browser would make of it must be what stands there, or somebody reads it differently.
        let as_read = url.as_str() == raw || url.as_str().strip_suffix('/') == Some(raw);
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]"));
        let allowed = match url.scheme() {
            "https" => url.host_str().is_some_and(|host| !host.ends_with('.')),
            "http" => loopback,
            // Private-use schemes of native apps contain a dot (RFC 8252 §7.1).
            scheme => scheme.contains('.') && !url.cannot_be_a_base(),
        };
        if as_read && allowed { Ok(uri) } else { Err(bad) }
    }

    /// The text as sent or registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `sent` is this registered URI: the same bytes, and for a loopback IP literal any port
    /// (RFC 8252 §7.3), because a native app takes a free one.
    #[must_use]
    pub fn admits(&self, sent: &Self) -> bool {
        if self == sent {
            return true;
        }
        match (loopback_parts(&self.0), loopback_parts(&sent.0)) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (None | Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Scheme and authority, as a CSP source expression.
    #[must_use]
    pub fn origin(&self) -> &str {
        let Some((scheme, rest)) = self.0.split_once("://") else { return &self.0 };
        let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        &self.0[..scheme.len() + 3 + authority]
    }

    /// This URI with `parameters` appended to its query, percent-encoded.
    #[must_use]
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> String {
        let glue = match self.0.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        self.with(glue, parameters)
    }

    /// This URI with `parameters` as its fragment, percent-encoded. A registered URI has none.
    #[must_use]
    pub fn with_fragment(&self, parameters: &[(&str, &str)]) -> String {
        self.with("#", parameters)
    }

    fn with(&self, mut glue: &'static str, parameters: &[(&str, &str)]) -> String {
        let mut out = String::from(&*self.0);
        for (name, value) in parameters {
            out.push_str(glue);
            out.push_str(name);
            out.push('=');
            out.push_str(&crate::form::encode(value));
            glue = "&";
        }
        out
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a `%` stands for something that would be read as structure, by whoever decodes it once too
/// often: a dot, a delimiter, a control character, another `%`; or for nothing at all.
fn is_disguised(raw: &str) -> bool {
    let decoded = |rest: &str| u8::from_str_radix(rest.get(..2)?, 16).ok();
    raw.split('%').skip(1).any(|rest| {
        let plain = rest.bytes().take(2).all(|b| b.is_ascii_hexdigit());
        decoded(rest).is_none_or(|b| !plain || b.is_ascii_control() || b"./\\@:;?#[]%".contains(&b))
    })
}

/// `http://127.0.0.1[:port]rest` as host and rest; `None` for any other host, also for `localhost`.
fn loopback_parts(raw: &str) -> Option<(&str, &str)> {
    let rest = raw.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = &rest[host.len()..];
    let Some(after) = rest.strip_prefix(':') else {
        let ends = rest.is_empty() || rest.starts_with(['/', '?']);
        return ends.then_some((host, rest));
    };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let tail = &after[digits..];
    let port_fits = after[..digits].parse::<u16>().is_ok_and(|port| port > 0);
    (port_fits && (tail.is_empty() || tail.starts_with(['/', '?']))).then_some((host, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(raw: &str) -> RedirectUri {
        RedirectUri::parse(raw).unwrap()
    }

    #[test]
    fn only_the_port_of_a_loopback_literal_may_differ() {
        let registered = uri("http://127.0.0.1/callback");
        for good in ["http://127.0.0.1/callback", "http://127.0.0.1:53117/callback"] {
            assert!(registered.admits(&uri(good)), "{good}");
        }
        for bad in [
            "http://127.0.0.1:53117/callback/",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:99999/callback",
            "http://127.0.0.1:1@evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://localhost:53117/callback",
            "http://[::1]/callback",
            "https://127.0.0.1/callback",
            "HTTP://127.0.0.1/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1/callback?x=1",
        ] {
            assert!(!registered.admits(&uri(bad)), "{bad}");
        }
        assert!(!uri("https://tpp.example/cb").admits(&uri("https://tpp.example:443/cb")));
    }

    #[test]
    fn registration_refuses_what_parsers_could_read_differently() {
        for good in [
            "https://tpp.example/cb",
            "https://tpp.example",
            "https://tpp.example/cb?x=1",
            "http://127.0.0.1/callback",
            "http://[::1]:8000/cb",
            "com.example.app://cb/x",
            "https://tpp.example/a%20b/%C3%A9?x=%26",
        ] {
            assert!(RedirectUri::parse_registered(good).is_ok(), "{good}");
        }
        for bad in [
            "http://tpp.example/cb",
            "http://localhost/cb",
            "https://a@tpp.example/cb",
            "https://tpp.example/cb#f",
            "https://tpp.example/a/../cb",
            "https://tpp.example/%2e%2e/cb",
            "https://tpp.example\\@evil.example/",
            "https://TPP.example/cb",
            "https://tpp.example:443/cb",
            "https://tpp.example./cb",
            "https://*.tpp.example/cb",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "https:tpp.example/cb",
            "https://tpp.example/a;b/cb",
            "https://tpp.example/..%3b/cb",
            "https://tpp.example/cb%3Fx",
            "https://tpp.example/cb%23x",
            "https://tpp.example/cb%5D",
            "https://tpp.example/cb%252e",
            "https://tpp.example/cb%0d%0a",
            "https://tpp.example/cb%7f",
            "https://tpp.example/cb%zz",
            "https://tpp.example/cb%u0041",
            "https://tpp.example/cb%4",
            "https://tpp.example/cb%",
            "cb",
            "",
        ] {
            assert!(RedirectUri::parse_registered(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_query_is_extended_not_replaced() {
        let both = [("code", "ac_1"), ("state", "a b+c%2F&=")];
        let encoded = "code=ac_1&state=a+b%2Bc%252F%26%3D";
        assert_eq!(
            uri("https://t.example/cb").with_query(&both),
            format!("https://t.example/cb?{encoded}")
        );
        assert_eq!(
            uri("https://t.example/cb?x=1").with_query(&both),
            format!("https://t.example/cb?x=1&{encoded}")
        );
        assert_eq!(
            uri("https://t.example/cb?x=1").with_fragment(&both),
            format!("https://t.example/cb?x=1#{encoded}")
        );
        assert_eq!(uri("https://t.example/cb?x=1").origin(), "https://t.example");
    }
}
