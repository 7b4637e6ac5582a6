//! Class B: redirect URIs. Of more than 500, only those that are registered byte for byte, or differ from
//! a loopback literal in the port, get any further; everything else is a page without `Location`.

use std::collections::BTreeSet;

use crate::browser::{challenge, fin_authorize, mx_authorize};
use crate::server::Server;
use crate::wire::{Answer, encoded, request};

/// What is registered (`more.toml`).
pub(crate) const REGISTERED: [&str; 6] = [
    "https://tpp.example/cb",
    "https://tpp.example/cb?x=1",
    "https://tpp.example:8443/Path/to/cb",
    "http://127.0.0.1/callback",
    "http://[::1]/callback",
    "com.example.app://cb/x",
];

/// RFC 8252 §7.3, once more and by itself: the oracle of this test.
fn is_admitted(uri: &str) -> bool {
    if REGISTERED.contains(&uri) {
        return true;
    }
    ["127.0.0.1", "[::1]"].into_iter().any(|host| {
        let rest = uri.strip_prefix(&format!("http://{host}:"));
        let port = rest.and_then(|rest| rest.strip_suffix("/callback"));
        port.is_some_and(|port| {
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            digits && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    })
}

/// Scheme, authority and the rest.
fn parts(uri: &str) -> (&str, &str, &str) {
    let (scheme, rest) = uri.split_once("://").unwrap();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    (scheme, &rest[..end], &rest[end..])
}

const EVIL: &str = "evil.example";

/// Every disguise of a URI that is registered.
fn disguises(uri: &str) -> Vec<String> {
    let (scheme, authority, path) = parts(uri);
    let authorities = other_authorities(authority).into_iter().chain(other_hosts(authority));
    let authorities = authorities.map(|authority| format!("{scheme}://{authority}{path}"));
    let schemes = SCHEMES.iter().map(|scheme| format!("{scheme}://{authority}{path}"));
    let paths = other_paths(path).into_iter();
    let paths = paths.map(|path| format!("{scheme}://{authority}{path}"));
    let all = authorities.chain(schemes).chain(paths);
    all.chain(other_shapes(uri)).collect()
}

fn other_authorities(authority: &str) -> Vec<String> {
    let around = [
        ("", ":443"),
        ("", ":80"),
        ("", ":0"),
        ("", ":65536"),
        ("", ":-1"),
        ("", ":+80"),
        ("", ":"),
        ("", ":80:80"),
        ("", ":\u{668}\u{660}"),
        ("", ":8080%25@evil.example"),
        ("", "."),
        ("", "%2e"),
        ("", ".evil.example"),
        ("", "@evil.example"),
        ("", "%2F@evil.example"),
        ("", "%00.evil.example"),
        ("", "%23.evil.example"),
        ("", "%5cevil.example"),
        ("", "\\evil.example"),
        ("", " "),
        ("", "\t"),
        ("", "%20"),
        (" ", ""),
        ("/", ""),
        ("[", "]"),
        ("*.", ""),
        ("www.", ""),
        ("evil.example.", ""),
        ("evil.example@", ""),
        ("evil.example%40", ""),
        ("evil.example\\@", ""),
        ("a:b@", ""),
    ];
    let mut all: Vec<String> =
        around.into_iter().map(|(front, back)| format!("{front}{authority}{back}")).collect();
    all.push(format!("{authority}@{authority}@{EVIL}"));
    all
}

/// Another host altogether, or one that only looks the same.
fn other_hosts(authority: &str) -> Vec<String> {
    let homographs = [
        authority.to_uppercase(),
        authority.replace('.', "\u{3002}"),
        authority.replace('.', "%2e"),
        authority.replace('e', "\u{435}"),
        authority.replace('p', "\u{440}"),
    ];
    let hosts = [
        "",
        EVIL,
        "evil.example:443",
        "localhost",
        "127.1",
        "127.0.0.2",
        "127.0.0.1.nip.example",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "[::1%25lo]",
        "[::]",
        "0.0.0.0",
    ];
    homographs.into_iter().chain(hosts.map(str::to_owned)).collect()
}

const SCHEMES: [&str; 13] = [
    "http",
    "https",
    "HTTP",
    "HtTpS",
    "ftp",
    "javascript",
    "data",
    "file",
    "ws",
    "com.example",
    "com.example.app.evil",
    "https:https",
    "",
];

fn other_paths(path: &str) -> Vec<String> {
    let around = [
        ("", "/"),
        ("", "/x"),
        ("", "x"),
        ("", "?y=1"),
        ("", "&y=1"),
        ("", "?"),
        ("", "#"),
        ("", "#x"),
        ("", "%23x"),
        ("", ";x"),
        ("", "/..;/x"),
        ("", "/../evil"),
        ("", "/%2e%2e/evil"),
        ("", "/%2e%2e%2fevil"),
        ("", "/./"),
        ("", "%00"),
        ("", "\0"),
        ("", "%0d%0aSet-Cookie:x=y"),
        ("", "\r\nX-Injected: 1"),
        ("", "\n"),
        ("", " "),
        ("", "%20"),
        ("", "+"),
        ("", "\u{202e}"),
        ("", "*"),
        ("", "%u0041"),
        ("\t", ""),
        ("/.", ""),
        ("/x/..", ""),
        ("/", ""),
    ];
    let mut all: Vec<String> =
        around.into_iter().map(|(front, back)| format!("{front}{path}{back}")).collect();
    all.extend([
        String::new(),
        "/".into(),
        "/evil".into(),
        path.to_uppercase(),
        path.replacen('c', "%63", 1),
        path.replace('/', "%2f"),
        path.replace('/', "\\"),
    ]);
    all
}

fn other_shapes(uri: &str) -> Vec<String> {
    let (scheme, authority, path) = parts(uri);
    vec![
        format!(" {uri}"),
        format!("{uri},https://{EVIL}/"),
        format!("{uri} https://{EVIL}/"),
        format!("{scheme}:{authority}{path}"),
        format!("{scheme}:/{authority}{path}"),
        format!("{scheme}:///{authority}{path}"),
        format!("//{authority}{path}"),
        format!("/{path}"),
        format!("{authority}{path}"),
        format!("{uri}{uri}"),
        format!("<{uri}>"),
        format!("\u{feff}{uri}"),
        encoded(uri),
        uri.repeat(80),
    ]
}

/// What never was a registered URI of anybody.
const STRANGE: [&str; 24] = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//127.0.0.1/callback",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "DATA:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "about:blank",
    "blob:https://tpp.example/1",
    "mailto:a@tpp.example",
    "urn:ietf:wg:oauth:2.0:oob",
    "http://[::1",
    "http://]",
    "https://",
    "https:",
    "://",
    ":",
    "?",
    "#",
    "*",
    ".*",
    "regexp=.*",
    "https://*",
    "http://169.254.169.254/latest/meta-data/",
];

fn corpus() -> BTreeSet<String> {
    let mut all: BTreeSet<String> = REGISTERED.into_iter().flat_map(disguises).collect();
    all.extend(REGISTERED.map(str::to_owned));
    all.extend(STRANGE.map(str::to_owned));
    for host in ["127.0.0.1", "[::1]"] {
        for port in ["1", "80", "8080", "53117", "65535", "080", "00001"] {
            all.insert(format!("http://{host}:{port}/callback"));
        }
    }
    all
}

pub(crate) fn target(uri: &str, more: &str) -> String {
    format!(
        "/oauth2/v4/authorize?client_id=redirects&redirect_uri={}&response_type=code\
         &code_challenge={}&code_challenge_method=S256&scope=openid+accounts{more}",
        encoded(uri),
        challenge()
    )
}

/// A refusal that stays on our page.
pub(crate) fn stays(answer: &Answer, uri: &str) {
    answer.is_polite(uri);
    assert_eq!(answer.status, 400, "{uri:?}");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{uri:?}");
    assert!(answer.header("location").is_none(), "{uri:?} leads to {:?}", answer.location());
    assert!(answer.header("set-cookie").is_none(), "{uri:?}");
    let html = answer.text();
    for raw in ["<script", "href=\"javascript", "href=\"data", "http-equiv"] {
        assert!(!html.contains(raw), "{uri:?}: {raw}");
    }
}

#[test]
fn only_what_is_registered_byte_for_byte_gets_any_further() {
    let server = Server::shared();
    let corpus = corpus();
    assert!(corpus.len() >= 500, "{} URIs", corpus.len());
    let mut wire = server.connect();
    let (mut passed, mut stayed) = (0, 0);
    for uri in &corpus {
        wire.send(&request("GET", &target(uri, ""), &[("accept", "text/html")], b""));
        let answer = wire.read().unwrap_or_else(|| panic!("closed at {uri:?}"));
        if is_admitted(uri) {
            assert_eq!(answer.status, 303, "{uri:?}");
            assert!(answer.location().starts_with("/login?interaction="), "{uri:?}");
            passed += 1;
        } else {
            stays(&answer, uri);
            stayed += 1;
        }
    }
    // The registered ones, and the ports of the two literals.
    assert!(passed >= REGISTERED.len() + 14, "{passed} passed");
    println!("{} URIs: {passed} passed, {stayed} stayed", corpus.len());
}

#[test]
fn m058_no_other_fault_sends_anybody_to_a_foreign_uri() {
    let server = Server::shared();
    let faults = [
        ("response_type=code", "response_type=token"),
        ("response_type=code", ""),
        ("scope=openid+accounts", "scope=accounts"),
        ("scope=openid+accounts", ""),
        ("code_challenge_method=S256", "code_challenge_method=plain"),
        ("response_type=code", "response_type=code&response_type=code"),
        ("response_type=code", "response_type=code&state=%ff"),
        ("client_id=redirects", "client_id=nobody"),
        ("client_id=redirects", ""),
        ("response_type=code", "response_type=code&prompt=none"),
        ("response_type=code", "response_type=code&request=x.y.z"),
        ("response_type=code", "response_type=code&request_uri=https%3A%2F%2Fevil.example%2F"),
    ];
    for uri in ["https://evil.example/", "https://tpp.example/cb/", "javascript:alert(1)"] {
        for (right, wrong) in faults {
            let target = target(uri, "").replace(right, wrong);
            let answer = server.ask("GET", &target, &[("accept", "text/html")], b"");
            stays(&answer, &target);
        }
    }
}

#[test]
fn m057_no_response_mode_posts_or_leads_to_a_foreign_uri() {
    let server = Server::shared();
    for mode in
        ["query", "fragment", "form_post", "jwt", "query.jwt", "form_post.jwt", "web_message"]
    {
        let foreign = target("https://evil.example/", &format!("&response_mode={mode}"));
        stays(&server.ask("GET", &foreign, &[("accept", "text/html")], b""), mode);
        // Towards a registered one there is the query and nothing else.
        let more = format!("&response_mode={mode}&state=s");
        let own = target(REGISTERED[0], &more).replace("response_type=code", "response_type=x");
        let answer = server.ask("GET", &own, &[], b"").expect(302);
        assert!(answer.location().starts_with("https://tpp.example/cb?error="));
    }
}

#[test]
fn m059_m061_nothing_is_learned_from_what_was_asked() {
    let server = Server::shared();
    for _ in 0..3 {
        for kind in ["code", "token", "id_token", "none", "code+token"] {
            let target =
                target("https://first.example/", "").replace("=code&", &format!("={kind}&"));
            stays(&server.ask("GET", &target, &[("accept", "text/html")], b""), kind);
        }
    }
    // Without one at all there is none to fall back to, even for a client that has just one.
    for target in [mx_authorize("mxrecipient"), fin_authorize("finapp")] {
        let without = target.replace("redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback", "");
        let answer = server.ask("GET", &without, &[("accept", "text/html")], b"");
        answer.is_polite(&without);
        assert!(answer.status == 400 && answer.header("location").is_none(), "{without}");
    }
}

#[test]
fn the_other_authorization_endpoint_is_as_strict() {
    let server = Server::shared();
    for uri in disguises("http://127.0.0.1/callback") {
        let target =
            fin_authorize("finapp").replace("http%3A%2F%2F127.0.0.1%2Fcallback", &encoded(&uri));
        let answer = server.ask("GET", &target, &[("accept", "text/html")], b"");
        if is_admitted(&uri) {
            assert_eq!(answer.status, 303, "{uri:?}");
        } else {
            stays(&answer, &uri);
        }
        let connect = format!("/ais/v2/connect?redirect_uri={}&state=s", encoded(&uri));
        let answer = server.ask("GET", &connect, &[("app_id", "finapp")], b"");
        assert_eq!(answer.status == 200, is_admitted(&uri), "{uri:?}");
        answer.is_polite(&uri);
    }
}
