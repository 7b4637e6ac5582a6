//! Codes, and what is good for one use.

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::browser::{
    Browser, field, fin_code, fin_redeem, fin_refresh, mx_authorize, mx_code, mx_redeem,
    mx_refresh, mx_tokens,
};
use crate::jwt;
use crate::server::{FIN, FIN_OTHER, MX, MX_OTHER, Server};

/// Each readable part of a handle changed in turn.
fn edited(handle: &str) -> Vec<String> {
    let (prefix, body) = handle.split_at(3);
    let bytes = Base64UrlUnpadded::decode_vec(body).unwrap();
    let edit = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        format!("{prefix}{}", Base64UrlUnpadded::encode_string(&bytes))
    };
    (0..bytes.len()).map(edit).collect()
}

#[test]
fn m001_cve_2026_16089_a_code_of_another_client_whole_or_edited() {
    let server = Server::shared();
    let code = mx_code(&server, MX);
    let foreign = mx_redeem(&server, MX_OTHER, &code).expect(400);
    assert_eq!(foreign.member("error"), "invalid_grant");
    let others = mx_code(&server, MX_OTHER);
    for edited in edited(&code) {
        for client in [MX, MX_OTHER] {
            let answer = mx_redeem(&server, client, &edited).expect(400);
            assert_eq!(answer.member("error"), "invalid_grant", "{edited}");
        }
    }
    // The grant of one code, the tags of another.
    let (a, b) = (
        Base64UrlUnpadded::decode_vec(&code[3..]).unwrap(),
        Base64UrlUnpadded::decode_vec(&others[3..]).unwrap(),
    );
    for (front, back) in [(&a, &b), (&b, &a)] {
        let mixed = [&front[..40], &back[40..]].concat();
        let mixed = format!("ac_{}", Base64UrlUnpadded::encode_string(&mixed));
        mx_redeem(&server, MX, &mixed).expect(400);
    }
    mx_redeem(&server, MX, &code).expect(200);
    mx_redeem(&server, MX_OTHER, &others).expect(200);
}

#[test]
fn m002_ghsa_xqxv_4jc2_x56x_code_and_refresh_token_of_another_client() {
    let server = Server::shared();
    let code = fin_code(&server, FIN);
    fin_redeem(&server, FIN_OTHER, &code).expect(401);
    let tokens = fin_redeem(&server, FIN, &code).expect(200);
    let (access, refresh) = (tokens.member("access_token"), tokens.member("refresh_token"));
    let foreign = fin_refresh(&server, FIN_OTHER, &refresh).expect(401);
    assert_eq!(foreign.member("error"), "invalid_grant");
    assert!(server.is_active(&access), "a foreign attempt revoked something");
    fin_refresh(&server, FIN, &refresh).expect(200);
}

#[test]
fn m003_cve_2026_4282_every_handle_at_every_place_of_another_kind() {
    let server = Server::shared();
    let (access, refresh) = mx_tokens(&server, MX);
    let code = mx_code(&server, MX);
    for (handle, prefix) in [(&access, "at_"), (&refresh, "rt_"), (&code, "ac_")] {
        for wanted in ["ac_", "rt_", "at_", "se_"] {
            if wanted == prefix {
                continue;
            }
            for handle in [handle.clone(), format!("{wanted}{}", &handle[3..])] {
                match wanted {
                    "ac_" => drop(mx_redeem(&server, MX, &handle).expect(400)),
                    "rt_" => drop(mx_refresh(&server, MX, &handle).expect(400)),
                    "at_" => assert!(!server.is_active(&handle)),
                    _ => {
                        let cookie = format!("cf-session-default={handle}");
                        let headers = [("cookie", &*cookie)];
                        let begun = server.ask("GET", &mx_authorize("mxrecipient"), &headers, b"");
                        assert!(begun.location().starts_with("/login?"));
                    }
                }
            }
        }
    }
    mx_redeem(&server, MX, &code).expect(200);
    mx_refresh(&server, MX, &refresh).expect(200);
}

#[test]
fn m004_cve_2026_4325_what_was_used_is_not_forgotten_through_another_feature() {
    let server = Server::shared();
    let code = mx_code(&server, MX);
    let answer = mx_redeem(&server, MX, &code).expect(200);
    let refresh = answer.member("refresh_token");
    // Everything that takes a key of its own from the caller, with that of the code.
    server.form("/oauth2/v4/revoke", MX, &format!("token={code}")).expect(200);
    server.form("/revoke", MX, &format!("token={code}")).expect(200);
    server.form("/introspect", crate::server::RESOURCE, &format!("token={code}")).expect(200);
    mx_refresh(&server, MX, &code).expect(400);
    let assertion = jwt::sign(
        &jwt::key(&server),
        &jwt::header(&server),
        &jwt::claims(&server, "signed", &format!(",\"jti\":\"{code}\"")),
    );
    jwt::ask(&server, &assertion, "").expect(200);
    let begun = server.ask(
        "GET",
        &format!("{}&nonce={code}&state={code}", mx_authorize("mxrecipient")),
        &[],
        b"",
    );
    assert_eq!(begun.status, 303);
    let replay = mx_redeem(&server, MX, &code).expect(400);
    assert_eq!(replay.member("error"), "invalid_grant");
    mx_refresh(&server, MX, &refresh).expect(400);
}

#[test]
fn m005_identityserver4_3996_a_wrong_client_burns_no_code() {
    let server = Server::shared();
    let code = mx_code(&server, MX);
    for wrong in [MX_OTHER, "mxrecipient:wrong", "nobody:x"] {
        assert_ne!(mx_redeem(&server, wrong, &code).status, 200);
    }
    mx_redeem(&server, MX, &code).expect(200);
}

#[test]
fn m006_cve_2022_39222_an_interaction_url_is_worth_nothing_in_another_browser() {
    let server = Server::shared();
    // The attacker begins, the victim is sent the URL.
    let mut attacker = Browser::new(&server);
    let login = attacker.open(&mx_authorize("mxrecipient"));
    let interaction = field(&login.text(), "interaction");
    let mut victim = Browser::new(&server);
    for page in ["login", "consent"] {
        let answer = victim.open(&format!("/{page}?interaction={interaction}"));
        assert_eq!(answer.status, 400);
        assert!(answer.header("location").is_none());
    }
    let csrf = field(&login.text(), "csrf");
    let body =
        format!("interaction={interaction}&csrf={csrf}&login=ada&password=demo&action=submit");
    assert_eq!(victim.send("POST", "/login", &body).status, 400);
    // And the other way round: without the cookie of the victim there is no code for the attacker.
    let mut victim = Browser::new(&server);
    let login = victim.open(&mx_authorize("mxrecipient"));
    let consent = victim.submit(&login, "login=ada&password=demo&action=submit");
    let interaction = field(&consent.text(), "interaction");
    let csrf = field(&consent.text(), "csrf");
    let body = format!("interaction={interaction}&csrf={csrf}&account=ada-current&action=allow");
    assert_eq!(attacker.send("POST", "/consent", &body).status, 400);
    assert_eq!(attacker.open(&format!("/consent?interaction={interaction}")).status, 400);
    assert!(
        victim.submit(&consent, "account=ada-current&action=allow").parameter("code").is_some()
    );
}

#[test]
fn m007_a_code_used_twice_ends_what_it_gave() {
    let server = Server::shared();
    let code = mx_code(&server, MX);
    let first = mx_redeem(&server, MX, &code).expect(200);
    let (access, refresh) = (first.member("access_token"), first.member("refresh_token"));
    assert!(server.is_active(&access));
    let second = mx_redeem(&server, MX, &code).expect(400);
    assert_eq!(second.member("error"), "invalid_grant");
    assert!(!server.is_active(&access));
    mx_refresh(&server, MX, &refresh).expect(400);
}

#[test]
fn m008_kc_26808_a_verifier_without_a_challenge() {
    let server = Server::shared();
    // MX demands a challenge; Fintecture does not, and then there is no verifier either.
    let without = mx_authorize("mxrecipient");
    let without = without.split("&code_challenge=").next().unwrap().to_owned() + "&scope=openid";
    let answer = server.ask("GET", &without, &[], b"").expect(302);
    assert!(answer.location().contains("error=invalid_request"));
    let code = fin_code(&server, FIN);
    let body = format!(
        "grant_type=authorization_code&code={code}&code_verifier={}",
        crate::browser::VERIFIER
    );
    let answer = server.form("/oauth/accesstoken", FIN, &body).expect(401);
    assert_eq!(answer.member("error"), "invalid_grant");
    fin_redeem(&server, FIN, &code).expect(200);
}

#[test]
fn m009_a_replay_by_somebody_else_denies_nobody_service() {
    let server = Server::shared();
    let code = mx_code(&server, MX);
    let first = mx_redeem(&server, MX, &code).expect(200);
    let access = first.member("access_token");
    mx_redeem(&server, MX_OTHER, &code).expect(400);
    let wrong_verifier = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_verifier={}",
        "w".repeat(43)
    );
    server.form("/oauth2/v4/token", MX, &wrong_verifier).expect(400);
    let wrong_uri = wrong_verifier.replace("callback", "elsewhere");
    server.form("/oauth2/v4/token", MX, &wrong_uri).expect(400);
    assert!(server.is_active(&access));
    mx_refresh(&server, MX, &first.member("refresh_token")).expect(200);
}

#[test]
fn m019_twenty_22548_a_verifier_does_not_stand_for_a_secret() {
    let server = Server::shared();
    let code = mx_code(&server, MX);
    let body = format!(
        "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback\
         &code_verifier={}&client_id=mxrecipient",
        crate::browser::VERIFIER
    );
    let answer = server.post("/oauth2/v4/token", &body).expect(400);
    assert_eq!(answer.member("error"), "invalid_client");
    mx_redeem(&server, MX, &code).expect(200);
}
