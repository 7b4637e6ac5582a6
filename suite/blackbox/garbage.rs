//! Class H: tokens that are none. Ten thousand of them, and every answer is the same.

use counterfoil_jose::provider::sha256_of;

use crate::browser::mx_tokens;
use crate::server::{FORM, MX, RESOURCE, Server};
use crate::wire::{Wire, basic, request};

const TOKENS: usize = 10_000;
const INACTIVE: &str = r#"{"active":false}"#;

/// Bytes that follow from a number.
fn noise(n: usize) -> [u8; 32] {
    sha256_of(&[b"noise", &n.to_be_bytes()])
}

fn base64url(bytes: &[u8]) -> String {
    <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string(bytes)
}

/// The n-th token: noise, or a good one with something wrong with it.
fn garbage(n: usize, good: &str, jwt: &str) -> String {
    let noise = noise(n);
    let long: Vec<u8> = (0..2).flat_map(|k| self::noise(n * 7 + k)).collect();
    let at = usize::from(noise[0]) % good.len();
    let digit = char::from(b'A' + noise[1] % 26);
    match n % 12 {
        0 => format!("at_{}", base64url(&long)),
        1 => format!("rt_{}", base64url(&long)),
        2 => base64url(&noise[..usize::from(noise[1]) % 32 + 1]),
        3 => good[..at].to_owned(),
        4 => format!("{good}{digit}"),
        // A letter for another one, which may be the same.
        5 if !good[at..].starts_with(digit) => format!("{}{digit}{}", &good[..at], &good[at + 1..]),
        6 => good.replacen("at_", ["ac_", "rt_", "se_", "AT_", ""][n / 12 % 5], 1),
        7 => format!("{jwt}{digit}"),
        8 => format!("ey{}.{}.{}", base64url(&noise[..8]), base64url(&noise), base64url(&long)),
        9 => jwt.split('.').rev().collect::<Vec<_>>().join("."),
        10 => format!("{}%00{}", &good[..at], &good[at..]).replace("%00", "%2B"),
        _ => format!("{good}%3D"),
    }
}

#[test]
fn ten_thousand_garbage_tokens_get_the_same_bytes() {
    let server = Server::shared();
    let (good, _) = mx_tokens(&server, MX);
    let jwt = server.post(
        &format!("{}/token", crate::server::REALM),
        "grant_type=client_credentials&scope=VOP&client_id=Worldline-000021&client_secret=password123",
    );
    let jwt = jwt.member("access_token");
    let (id, secret) = RESOURCE.split_once(':').unwrap();
    let basic = basic(id, secret);
    let address = server.address();
    std::thread::scope(|scope| {
        for lane in 0..4 {
            let (good, jwt, basic, address) = (&good, &jwt, &basic, &address);
            scope.spawn(move || {
                let mut wire = Wire::connect(address);
                for n in (lane..TOKENS).step_by(4) {
                    let token = garbage(n, good, jwt);
                    let headers = [("authorization", &**basic), ("content-type", FORM)];
                    let body = format!("token={token}");
                    // An empty one would be a missing one.
                    if token.is_empty() {
                        continue;
                    }
                    wire.send(&request("POST", "/introspect", &headers, body.as_bytes()));
                    let answer = wire.read().unwrap_or_else(|| panic!("closed at {token}"));
                    assert_eq!((answer.status, &*answer.text()), (200, INACTIVE), "{token}");
                    assert_eq!(answer.header("content-type"), Some("application/json"));
                    assert_eq!(answer.header("cache-control"), Some("no-store"));
                }
            });
        }
    });
    assert!(server.is_active(&good), "the good one died of it");
    server.lives();
}

#[test]
fn garbage_is_invalid_grant_where_a_code_or_refresh_token_is_wanted() {
    let server = Server::shared();
    let (good, refresh) = mx_tokens(&server, MX);
    let jwt = "eyJhbGciOiJub25lIn0.e30.x";
    for n in 0..600 {
        let token = garbage(n, &good, jwt);
        if token.is_empty() {
            continue;
        }
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        let answer = server.form("/oauth2/v4/token", MX, &body);
        assert_eq!((answer.status, &*answer.member("error")), (400, "invalid_grant"), "{token}");
        server.form("/oauth2/v4/revoke", MX, &format!("token={token}")).expect(200);
    }
    assert!(server.is_active(&good));
    crate::browser::mx_refresh(&server, MX, &refresh).expect(200);
}
