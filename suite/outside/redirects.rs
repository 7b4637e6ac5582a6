//! Class B: redirect URIs that look like the registered one (T-RED).

use counterfoil_protocol::form::encode;

use crate::server::Server;
use crate::wire::request;

const REGISTERED: &str = "http://127.0.0.1/callback";

/// Several hundred URIs, every one a way in which parsers have disagreed.
fn corpus() -> Vec<String> {
    let mut all: Vec<String> = vec![];
    let hosts = [
        "127.0.0.1.evil.example",
        "evil.example",
        "localhost",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "127.0.0.1.",
        "127.0.0.1@evil.example",
        "evil.example@127.0.0.1",
        "a:b@127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "127.0.0.2",
        "①②⑦.0.0.1",
        "evil.example#127.0.0.1",
        "evil.example\\@127.0.0.1",
        "127.0.0.1%00.evil.example",
        "127.0.0.1%2eevil.example",
        "127.0.0.1 .evil.example",
        "127.0.0.1:80@evil.example",
        "127.0.0.1:80:80",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:99999999",
        "127.0.0.1:08a",
        "127.0.0.1:-1",
    ];
    let schemes = ["http", "https", "HTTP", "Http", "ftp", "javascript", "data", "file", "ws", "x"];
    for scheme in schemes {
        for host in hosts {
            all.push(format!("{scheme}://{host}/callback"));
        }
    }
    let paths = [
        "",
        "/",
        "/callback/",
        "/Callback",
        "/CALLBACK",
        "/callback?x=1",
        "/callback#f",
        "/callback;a",
        "/./callback",
        "/x/../callback",
        "/%63allback",
        "/callback%2f",
        "/callback%00",
        "/callback%20",
        "//callback",
        "/callback/..",
        "/callback/.",
        "/callback/..;/",
        "/..;/callback",
        "/callback?",
        "/callback&x",
        "/callback%23",
        "/callback%3f",
        "\\callback",
        "/callback\\",
        "/call back",
        "/callback\u{202e}",
        "/callback\t",
        "/callbac",
        "/callbackk",
        "/a/callback",
        "/callback/a",
    ];
    for host in
        ["http://127.0.0.1", "http://127.0.0.1:8080", "http://127.0.0.1:1", "https://127.0.0.1"]
    {
        for path in paths {
            all.push(format!("{host}{path}"));
        }
    }
    let odd = [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "http:127.0.0.1/callback",
        "http:/127.0.0.1/callback",
        "//127.0.0.1/callback",
        "/callback",
        "callback",
        "*",
        "http://*/callback",
        "http://127.0.0.1/callback,http://evil.example",
        " http://127.0.0.1/callback",
        "http://127.0.0.1/callback ",
        "http://127.0.0.1/callback\nhttp://evil.example",
        "about:blank",
        "urn:ietf:wg:oauth:2.0:oob",
        "http://127.0.0.1/callback\u{0}",
        "regexp=.*",
        "http://",
        "",
    ];
    all.extend(odd.map(str::to_owned));
    for scheme in schemes {
        for port in [1, 80, 443, 8080, 53_117] {
            all.push(format!("{scheme}://localhost:{port}/callback"));
            all.push(format!("{scheme}://[::1]:{port}/callback"));
            all.push(format!("{scheme}://evil.example:{port}/callback"));
        }
    }
    all
}

/// The registered one, or the registered one at another port of the loopback literal.
fn admitted(uri: &str) -> bool {
    let port =
        uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/callback"));
    uri == REGISTERED || port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

#[test]
fn only_the_registered_uri_is_ever_redirected_to() {
    let server = Server::ephemeral();
    let at = server.address();
    let corpus = corpus();
    assert!(corpus.len() >= 500, "{}", corpus.len());
    // `response_type=token` is refused at once: by redirect if the URI is trusted, else by a page.
    for path in
        ["/oauth2/v4/authorize?client_id=mxrecipient", "/oauth/token/authorize?app_id=finapp"]
    {
        for uri in &corpus {
            let target =
                format!("{path}&response_type=token&scope=openid&redirect_uri={}", encode(uri));
            let answer = request(&at, "GET", &target, "accept: text/html\r\n", b"");
            if admitted(uri) {
                assert_eq!(answer.status, 302, "{uri}: {answer:?}");
                assert!(answer.header("location").unwrap().starts_with(uri.as_str()), "{uri}");
            } else {
                assert_eq!(answer.status, 400, "{uri}: {answer:?}");
                assert!(answer.header("location").is_none(), "{uri}: {answer:?}");
                answer.is_proper(uri);
            }
        }
    }
}
