//! In what a redirect URI differs from the registered one: the error that developers stumble on most.

/// The difference from the nearest registered URI, in words; `None` when none is near.
pub(super) fn between<'r>(sent: &str, registered: impl Iterator<Item = &'r str>) -> Option<String> {
    registered.filter_map(|known| one(sent, known)).min_by_key(|(rank, _)| *rank).map(|(_, d)| d)
}

/// How near, and how it differs; the smaller the nearer.
fn one(sent: &str, known: &str) -> Option<(u8, String)> {
    let says = |rank, text: &str| Some((rank, text.to_owned()));
    if sent.strip_suffix('/') == Some(known) {
        return says(0, "a trailing / that is not registered");
    }
    if known.strip_suffix('/') == Some(sent) {
        return says(0, "the trailing / is missing");
    }
    if sent.eq_ignore_ascii_case(known) {
        return says(1, "upper and lower case");
    }
    let (sent_bare, known_bare) = (before(sent, '?'), before(known, '?'));
    if sent_bare == known_bare {
        return says(2, "the query");
    }
    let (sent, known) = (parts(sent)?, parts(known)?);
    let same = |n: usize| sent[n] == known[n];
    match (same(0), same(1), same(2), same(3)) {
        (false, true, true, true) => {
            says(3, &format!("the scheme: {} instead of {}", sent[0], known[0]))
        }
        (true, true, false, true) => says(4, "the port"),
        (true, false, _, true) => {
            says(5, &format!("the host: {} instead of {}", sent[1], known[1]))
        }
        (true, true, true, false) => {
            says(6, &format!("the path: {} instead of {}", sent[3], known[3]))
        }
        (false, ..) | (_, false, ..) | (_, _, false, _) | (true, true, true, true) => None,
    }
}

fn before(raw: &str, mark: char) -> &str {
    raw.split(mark).next().unwrap_or(raw)
}

/// Scheme, host, port, path.
fn parts(raw: &str) -> Option<[&str; 4]> {
    let (scheme, rest) = raw.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = match authority.rsplit_once(':') {
        // Any port of a loopback literal is admitted, so it is never the difference.
        Some((host @ ("127.0.0.1" | "[::1]"), _)) if scheme == "http" => (host, ""),
        Some((host, port)) if !port.ends_with(']') => (host, port),
        Some(_) | None => (authority, ""),
    };
    Some([scheme, host, port, before(path, '?')])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_mistakes_have_words() {
        let known = ["https://tpp.example/cb", "https://other.example/x"];
        let say = |sent: &str| between(sent, known.into_iter()).unwrap_or_default();
        assert_eq!(say("https://tpp.example/cb/"), "a trailing / that is not registered");
        assert_eq!(say("https://TPP.example/cb"), "upper and lower case");
        assert_eq!(say("https://tpp.example/cb?a=1"), "the query");
        assert_eq!(say("http://tpp.example/cb"), "the scheme: http instead of https");
        assert_eq!(say("https://tpp.example:444/cb"), "the port");
        assert_eq!(say("https://evil.example/cb"), "the host: evil.example instead of tpp.example");
        assert_eq!(say("https://tpp.example/callback"), "the path: /callback instead of /cb");
        assert_eq!(say("nonsense"), "");
        let loopback = ["http://127.0.0.1/callback"];
        let said = between("http://127.0.0.1:45305/other", loopback.into_iter());
        assert_eq!(said.unwrap_or_default(), "the path: /other instead of /callback");
    }
}
