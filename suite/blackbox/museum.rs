//! The museum: public advisories on other servers, as tests against this one. What does not apply, and
//! why, stands in `museum.md`.

use std::collections::BTreeSet;

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::browser::{
    Browser, field, fin_code, fin_redeem, fin_refresh, mx_authorize, mx_code, mx_redeem,
    mx_refresh, mx_tokens,
};
use crate::jwt;
use crate::server::{FIN, FIN_OTHER, FORM, MX, MX_OTHER, REALM, Server};
use crate::wire::{Wire, basic, request};

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
fn m010_cve_2026_1035_64_refreshes_of_one_token_at_once() {
    let server = Server::shared();
    let (_, refresh) = mx_tokens(&server, MX);
    let (id, secret) = MX.split_once(':').unwrap();
    let basic = basic(id, secret);
    let body = format!("grant_type=refresh_token&refresh_token={refresh}");
    let headers = [("authorization", &*basic), ("content-type", FORM)];
    let bytes = request("POST", "/oauth2/v4/token", &headers, body.as_bytes());
    let mut wires: Vec<Wire> = (0..64).map(|_| server.connect()).collect();
    wires.iter_mut().for_each(|wire| wire.send(&bytes));
    let mut successors = BTreeSet::new();
    let mut good = 0;
    for wire in &mut wires {
        let answer = wire.read().unwrap();
        match answer.status {
            200 => {
                successors.insert(answer.member("refresh_token"));
                good += 1;
            }
            503 => assert_eq!(answer.member("error"), "temporarily_unavailable"),
            other => panic!("{other} {}", answer.text()),
        }
    }
    assert_eq!(successors.len(), 1, "{good} answers, and not one successor");
    let successor = successors.pop_first().unwrap();
    assert_ne!(successor, refresh);
    mx_refresh(&server, MX, &successor).expect(200);
}

#[test]
fn m011_cve_2026_9802_a_replay_after_a_crash_is_still_one() {
    let server = Server::start();
    let (_, first) = mx_tokens(&server, MX);
    let second = mx_refresh(&server, MX, &first).expect(200).member("refresh_token");
    let third = mx_refresh(&server, MX, &second).expect(200);
    server.kill();
    let server = server.again();
    let access = third.member("access_token");
    assert!(server.is_active(&access));
    assert_eq!(mx_refresh(&server, MX, &first).expect(400).member("error"), "invalid_grant");
    assert!(!server.is_active(&access), "the replay revoked nothing");
    mx_refresh(&server, MX, &third.member("refresh_token")).expect(400);
}

#[test]
fn m012_ghsa_895x_rfqp_jh5c_a_scope_that_the_client_lost_is_not_renewed() {
    let server = Server::start();
    let (access, refresh) = mx_tokens(&server, MX_OTHER);
    let path = server.state.join("resources/more.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let less = text.replacen("scopes = [\"openid\", \"accounts\"]", "scopes = [\"openid\"]", 1);
    assert_ne!(less, text);
    std::fs::write(&path, less).unwrap();
    server.signal("HUP");
    assert!(server.told().contains("client mxother"));
    let answer = mx_refresh(&server, MX_OTHER, &refresh).expect(200);
    assert_eq!(answer.member("scope"), "openid");
    let wider = format!(
        "grant_type=refresh_token&refresh_token={}&scope=openid+accounts",
        answer.member("refresh_token")
    );
    let wider = server.form("/oauth2/v4/token", MX_OTHER, &wider).expect(400);
    assert_eq!(wider.member("error"), "invalid_scope");
    let fresh = answer.member("access_token");
    let said = server.form("/introspect", crate::server::RESOURCE, &format!("token={fresh}"));
    assert_eq!(said.member("scope"), "openid");
    let _ = access;
}

#[test]
fn m016_fosite_167_revoking_with_a_rotated_refresh_token_ends_the_grant() {
    let server = Server::shared();
    let (access, first) = mx_tokens(&server, MX);
    let second = mx_refresh(&server, MX, &first).expect(200);
    let (fresh, newest) = (second.member("access_token"), second.member("refresh_token"));
    server.form("/oauth2/v4/revoke", MX, &format!("token={first}")).expect(200);
    assert!(!server.is_active(&access) && !server.is_active(&fresh));
    mx_refresh(&server, MX, &newest).expect(400);
}

#[test]
fn m017_kc_35813_revoking_one_grant_leaves_its_sibling() {
    let server = Server::shared();
    let (one, other) = (mx_tokens(&server, MX), mx_tokens(&server, MX));
    server.form("/oauth2/v4/revoke", MX, &format!("token={}", one.1)).expect(200);
    assert!(!server.is_active(&one.0) && server.is_active(&other.0));
    mx_refresh(&server, MX, &other.1).expect(200);
}

#[test]
fn m018_defguard_3625_a_refresh_without_client_authentication() {
    let server = Server::shared();
    let (_, refresh) = mx_tokens(&server, MX);
    for more in ["", "&client_id=mxrecipient", "&client_id=mxrecipient&client_secret="] {
        let body = format!("grant_type=refresh_token&refresh_token={refresh}{more}");
        let answer = server.post("/oauth2/v4/token", &body).expect(400);
        assert_eq!(answer.member("error"), "invalid_client", "{more}");
    }
    mx_refresh(&server, MX, &refresh).expect(200);
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

#[test]
fn m025_cve_2026_2733_a_suspended_client_gets_nothing_anywhere() {
    let server = Server::start();
    let (access, refresh) = mx_tokens(&server, MX_OTHER);
    let code = mx_code(&server, MX_OTHER);
    let path = server.state.join("resources/more.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let closed = text.replace("id = \"mxother\"", "id = \"mxother\"\nsuspended = true");
    std::fs::write(&path, closed).unwrap();
    server.signal("HUP");
    assert!(server.told().contains("client mxother"));
    mx_redeem(&server, MX_OTHER, &code).expect(401);
    mx_refresh(&server, MX_OTHER, &refresh).expect(401);
    server.form("/oauth2/v4/revoke", MX_OTHER, "token=x").expect(401);
    assert!(!server.is_active(&access));
    let bearer = format!("Bearer {access}");
    server.ask("GET", "/userinfo", &[("authorization", &bearer)], b"").expect(401);
    let page = server.ask("GET", &mx_authorize("mxother"), &[("accept", "text/html")], b"");
    assert!(page.status == 401 && page.header("location").is_none());
}

#[test]
fn m030_cve_2026_16093_a_forged_assertion_does_not_open_another_way_in() {
    let server = Server::shared();
    // This client signs; it never had a secret.
    let forged = jwt::with_signature(r#"{"alg":"none"}"#, &jwt::claims(&server, "signed", ""), b"");
    for more in ["&client_secret=signed", "&client_secret=password123&client_id=signed"] {
        let answer = jwt::ask(&server, &forged, more);
        assert_eq!(answer.status, 400);
        let error = answer.member("error");
        assert!(matches!(&*error, "invalid_client" | "invalid_request"), "{error}");
    }
    for secret in ["", "signed", "password123"] {
        let body = format!(
            "grant_type=client_credentials&scope=VOP&client_id=signed&client_secret={secret}"
        );
        let answer = server.post(&format!("{REALM}/token"), &body).expect(400);
        assert_eq!(answer.member("error"), "invalid_client");
    }
}

#[test]
fn m080_cve_2026_11800_an_algorithm_that_is_not_the_keys() {
    let server = Server::shared();
    let key = jwt::key(&server);
    let claims = jwt::claims(&server, "signed", "");
    let good = jwt::header(&server);
    jwt::ask(&server, &jwt::sign(&key, &good, &claims), "").expect(200);
    // HMAC under everything that is public.
    let certificate =
        server.ready["surfaces"]["worldline"]["client"]["certificate"].as_str().unwrap();
    let pem = std::fs::read(certificate).unwrap();
    let spki = key.verifying_key().unwrap().to_spki_der().unwrap();
    for secret in [&pem[..], &spki, b"", b"signed", b"password123"] {
        for alg in ["HS256", "HS384", "HS512", "hs256"] {
            let header = good.replace("RS256", alg);
            let input = counterfoil_jose::jws::signing_input(header.as_bytes(), claims.as_bytes());
            let tag = counterfoil_jose::provider::MacKey::new(secret).tag(&[input.as_bytes()]);
            let forged = jwt::with_signature(&header, &claims, &tag);
            refused(&server, &forged);
        }
    }
    for alg in ["none", "None", "NONE", "", "RS384", "RS512", "PS256", "ES256", "EdDSA", "RSA1_5"] {
        let header = good.replace("RS256", alg);
        refused(&server, &jwt::sign(&key, &header, &claims));
        refused(&server, &jwt::with_signature(&header, &claims, b""));
    }
    // Keys that come along.
    for more in [
        r#","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
        r#","jku":"https://evil.example/jwks""#,
        r#","x5u":"https://evil.example/x5c""#,
        r#","x5c":["MIIB"]"#,
        r#","crit":["b64"],"b64":false"#,
        r#","crit":[]"#,
        r#","zip":"DEF""#,
    ] {
        let header = good.replace('}', &format!("{more}}}"));
        let answer = jwt::ask(&server, &jwt::sign(&elsewhere(), &header, &claims), "");
        assert_eq!(answer.status, 400, "{more}");
    }
}

/// A key that nobody has registered.
fn elsewhere() -> counterfoil_jose::key::SigningKey {
    let pem = include_str!("../protocol/keys/server.pem");
    counterfoil_jose::key::SigningKey::from_pem(counterfoil_jose::alg::Alg::RS256, pem).unwrap()
}

fn refused(server: &Server, assertion: &str) {
    let answer = jwt::ask(server, assertion, "");
    answer.is_polite(assertion);
    assert_eq!((answer.status, &*answer.member("error")), (400, "invalid_client"), "{assertion}");
}

#[test]
fn m081_cve_2026_9793_an_encrypted_assertion_is_none() {
    let server = Server::shared();
    let header = Base64UrlUnpadded::encode_string(br#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
    let json = Base64UrlUnpadded::encode_string(jwt::claims(&server, "signed", "").as_bytes());
    refused(&server, &format!("{header}.a.b.{json}.c"));
    refused(&server, &jwt::claims(&server, "signed", "").replace(['{', '}', '"', ':', '/'], "x"));
    let target = format!("{}&request={header}.a.b.{json}.c", mx_authorize("mxrecipient"));
    // Not advertised; like any parameter that is unknown it is ignored.
    server.ask("GET", &target, &[], b"").expect(303);
}

#[test]
fn m082_ghsa_3p3g_vpw6_4w66_the_same_assertion_twice_also_after_a_crash() {
    let server = Server::start();
    let claims = jwt::claims(&server, "signed", ",\"jti\":\"once\"");
    let assertion = jwt::sign(&jwt::key(&server), &jwt::header(&server), &claims);
    // The issuer of a sandbox is its address: it must be the same after the restart for this to be
    // about the jti.
    let issuer = jwt::issuer(&server);
    jwt::ask(&server, &assertion, "").expect(200);
    refused(&server, &assertion);
    server.kill();
    let server = server.again();
    let again = if jwt::issuer(&server) == issuer {
        assertion
    } else {
        let claims = jwt::claims(&server, "signed", ",\"jti\":\"once\"");
        let exp = |text: &str| text.split("\"exp\":").nth(1).unwrap().to_owned();
        let same = claims.replace(&exp(&claims), &exp(&assertion_claims(&assertion)));
        jwt::sign(&jwt::key(&server), &jwt::header(&server), &same)
    };
    let answer = jwt::ask(&server, &again, "").expect(400);
    assert_eq!(answer.member("error_description"), "Token reuse detected");
}

fn assertion_claims(assertion: &str) -> String {
    let payload = assertion.split('.').nth(1).unwrap();
    String::from_utf8(Base64UrlUnpadded::decode_vec(payload).unwrap()).unwrap()
}

#[test]
fn m083_audiences_that_are_almost_ours() {
    let server = Server::shared();
    let issuer = jwt::issuer(&server);
    let base = server.ready["http"].as_str().unwrap();
    let port = base.rsplit(':').next().unwrap();
    let key = jwt::key(&server);
    let with = |aud: &str| {
        let claims = jwt::claims(&server, "signed", "");
        let claims = claims.replace(&format!("\"aud\":\"{issuer}\""), &format!("\"aud\":{aud}"));
        jwt::sign(&key, &jwt::header(&server), &claims)
    };
    // surfaces.md 4.4: the issuer and the token URL, in both spellings of the path.
    let realm = format!("{base}/realms/sandbox");
    let token = "/protocol/openid-connect/token";
    for good in
        [issuer.clone(), realm.clone(), format!("{issuer}{token}"), format!("{realm}{token}")]
    {
        jwt::ask(&server, &with(&format!("\"{good}\"")), "").expect(200);
        jwt::ask(&server, &with(&format!("[\"{good}\"]")), "").expect(200);
    }
    for bad in [
        format!("\"{issuer}/\""),
        format!("\"{base}\""),
        format!("\"{base}/\""),
        format!("\"{}\"", issuer.to_uppercase()),
        format!("\"{}\"", &issuer[..issuer.len() - 1]),
        format!("\"{issuer}2\""),
        format!("\"{issuer}?x\""),
        format!("\"{issuer}#x\""),
        format!("\"http://127.0.0.1:{port}/auth/realms/sandbox\""),
        format!("\"https://localhost:{port}/auth/realms/sandbox\""),
        format!("\"{base}/auth/realms/other\""),
        format!("\"{issuer}/protocol/openid-connect/auth\""),
        format!("\"{issuer}/protocol/openid-connect/token/introspect\""),
        format!("[\"{issuer}\",\"https://evil.example\"]"),
        format!("[\"{issuer}\",\"{issuer}\"]"),
        "[]".into(),
        "\"\"".into(),
        "null".into(),
        "{}".into(),
        "1".into(),
        format!("[[\"{issuer}\"]]"),
    ] {
        refused(&server, &with(&bad));
    }
}

#[test]
fn m084_cve_2022_21449_signatures_that_are_no_numbers() {
    let server = Server::shared();
    let claims = jwt::claims(&server, "elliptic", "");
    let header = r#"{"alg":"ES256","kid":"elliptic"}"#;
    let good = jwt::sign(&jwt::elliptic(), header, &claims);
    jwt::ask(&server, &good, "").expect(200);
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25,
        0x51_u8,
    ];
    let (zero, one, most) = ([0_u8; 32], [0xff_u8; 32], order);
    let raw = Base64UrlUnpadded::decode_vec(good.rsplit('.').next().unwrap()).unwrap();
    let (r, s) = raw.split_at(32);
    let mut forged: Vec<Vec<u8>> = vec![];
    for (r, s) in
        [(&zero[..], &zero[..]), (&zero, s), (r, &zero), (&one, &one), (&most, s), (r, &most)]
    {
        forged.push([r, s].concat());
    }
    forged.push(vec![]);
    forged.push(raw[..63].to_vec());
    forged.push([&raw[..], &[0]].concat());
    forged.push([&[0x30, 0x44, 2, 0x20][..], r, &[2, 0x20], s].concat());
    forged.push(vec![0x30, 6, 2, 1, 0, 2, 1, 0]);
    for signature in forged {
        refused(&server, &jwt::with_signature(header, &claims, &signature));
    }
}

#[test]
fn m085_kc_43505_a_replay_at_the_edge_of_the_grace() {
    let server = Server::shared();
    let now = jwt::now();
    // It ended three seconds ago, within the grace of ten; used, it is used.
    let claims = jwt::claims(&server, "signed", ",\"jti\":\"edge\"");
    let exp = claims.split("\"exp\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let claims = claims.replace(&exp, &(now - 3).to_string());
    let iat = claims.split("\"iat\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let claims = claims.replacen(&iat, &(now - 300).to_string(), 1);
    let assertion = jwt::sign(&jwt::key(&server), &jwt::header(&server), &claims);
    jwt::ask(&server, &assertion, "").expect(200);
    for _ in 0..5 {
        refused(&server, &assertion);
    }
}

#[test]
fn m087_cve_2025_2559_assertions_for_two_days_are_not_remembered() {
    let server = Server::shared();
    let now = jwt::now();
    let key = jwt::key(&server);
    for n in 0..300 {
        let claims = jwt::claims(&server, "signed", &format!(",\"jti\":\"long-{n}\""));
        let exp = claims.split("\"exp\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
        let claims = claims.replace(&exp, &(now + 172_800).to_string());
        let assertion = jwt::sign(&key, &jwt::header(&server), &claims);
        let answer = jwt::ask(&server, &assertion, "").expect(400);
        let told = answer.member("error_description");
        assert_eq!(told, "Token was issued too far in the past to be used now");
    }
}

#[test]
fn m090_cve_2026_37979_introspection_by_whoever_may_not_ask() {
    let server = Server::shared();
    let (access, refresh) = mx_tokens(&server, MX);
    let told = |credentials: &str, token: &str| {
        let answer = server.form("/introspect", credentials, &format!("token={token}"));
        (answer.status, answer.text())
    };
    let unknown = told(crate::server::RESOURCE, "unknown");
    assert_eq!(unknown, (200, r#"{"active":false}"#.to_owned()));
    for credentials in [MX, MX_OTHER, FIN] {
        for token in [&access, &refresh] {
            assert_eq!(told(credentials, token), unknown, "{credentials}");
        }
    }
    assert_eq!(told(crate::server::RESOURCE, &refresh), unknown);
    // The resource server of another tenant.
    let body = format!("token={access}&client_id=wlresource&client_secret=wlresourcesecret");
    let answer = server.post(&format!("{REALM}/token/introspect"), &body).expect(200);
    assert_eq!(answer.text(), unknown.1);
}

#[test]
fn m091_cve_2026_18208_the_signed_form_tells_no_more() {
    let server = Server::shared();
    let (access, _) = mx_tokens(&server, MX);
    let (id, secret) = MX.split_once(':').unwrap();
    let basic = basic(id, secret);
    for token in [&*access, "unknown"] {
        let headers = [
            ("authorization", &*basic),
            ("content-type", FORM),
            ("accept", "application/token-introspection+jwt"),
        ];
        let answer =
            server.ask("POST", "/introspect", &headers, format!("token={token}").as_bytes());
        assert_eq!(answer.text(), r#"{"active":false}"#);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn m096_cve_2026_7507_the_handle_that_was_planted_dies_at_login() {
    let server = Server::shared();
    let mut attacker = Browser::new(&server);
    let login = attacker.open(&mx_authorize("mxrecipient"));
    // The victim's browser was made to carry the attacker's cookie.
    let mut victim = Browser::new(&server);
    victim.cookies = attacker.cookies.clone();
    let consent = victim.submit(&login, "login=ada&password=demo&action=submit");
    assert!(consent.text().contains("id=\"consent-allow\""));
    let interaction = field(&consent.text(), "interaction");
    let page = attacker.open(&format!("/consent?interaction={interaction}"));
    assert_eq!(page.status, 400);
    let fresh = |browser: &Browser<'_>| -> BTreeSet<String> {
        browser.cookies.iter().map(|(_, value)| value.clone()).collect()
    };
    assert!(fresh(&victim).is_disjoint(&fresh(&attacker)), "a cookie survived the login");
}

#[test]
fn m097_hydra_1e80a1d_the_cookie_changes_at_login() {
    let server = Server::shared();
    let mut browser = Browser::new(&server);
    let login = browser.open(&mx_authorize("mxrecipient"));
    let before = browser.cookies.clone();
    let consent = browser.submit(&login, "login=ada&password=demo&action=submit");
    assert!(browser.cookies.iter().all(|cookie| !before.contains(cookie)));
    let after = browser.cookies.clone();
    browser.cookies = before;
    assert_eq!(browser.submit(&consent, "account=ada-current&action=allow").status, 400);
    browser.cookies = after;
    assert!(
        browser.submit(&consent, "account=ada-current&action=allow").parameter("code").is_some()
    );
}

#[test]
fn m102_cve_2026_4634_scopes_without_end() {
    let server = Server::shared();
    let many: Vec<String> = (0..6_000).map(|n| format!("s{n}")).collect();
    let repeated = vec!["PIS"; 10_000].join("+");
    for scope in [many.join("+"), repeated, "s".repeat(60_000), "+".repeat(60_000)] {
        let body = format!("grant_type=client_credentials&scope={scope}");
        let answer = server.form("/oauth/accesstoken", FIN, &body);
        answer.is_polite(&scope[..40]);
        assert_eq!(answer.member("error"), "invalid_scope", "{}", &scope[..40]);
    }
    let body = format!("grant_type=client_credentials&scope={}", vec!["PIS"; 900].join("+"));
    server.form("/oauth/accesstoken", FIN, &body).expect(200);
}

#[test]
fn m103_cve_2026_79651_locales_without_end() {
    let server = Server::start();
    let resident = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let mut wire = server.connect();
    let mut ask = |n: usize| {
        let target = format!("/nothing?ui_locales=x{n}-Y{n}");
        let language = format!("l{n}-X{n};q=0.{}, *", n % 10);
        let headers = [("accept", "text/html"), ("accept-language", &*language)];
        wire.send(&request("GET", &target, &headers, b""));
        assert_eq!(wire.read().unwrap().status, 404);
    };
    (0..1_000).for_each(&mut ask);
    let before = resident();
    (1_000..6_000).for_each(&mut ask);
    let grown = resident().saturating_sub(before);
    assert!(grown < 6 * 1024, "{grown} KiB for five thousand locales");
}

#[test]
fn m104_kc_52669_nothing_dear_before_authentication() {
    let server = Server::shared();
    // A password of a kilobyte, a code, a token: the client comes first.
    let long = "p".repeat(60_000);
    for (path, body) in [
        ("/oauth2/v4/token", format!("grant_type=refresh_token&refresh_token={long}")),
        ("/introspect", format!("token={long}")),
        ("/oauth2/v4/revoke", format!("token={long}")),
    ] {
        let answer = server.form(path, "nobody:x", &body).expect(401);
        assert_eq!(answer.member("error"), "invalid_client");
    }
}

#[test]
fn m105_cve_2026_15573_a_path_by_another_name_is_not_found() {
    let server = Server::shared();
    for path in [
        "/introspect/",
        "/introspect;x",
        "//x/introspect",
        "/x//introspect",
        "/intro%73pect",
        "/introspect%2f",
        "/jwks/../introspect",
        "/jwks%2f..%2fintrospect",
        "/introspect/jwks",
        "/jwks?/introspect",
        "/introspect\\",
        "/o//introspect",
        "/auth/realms//protocol/openid-connect/token",
        "/auth/realms/sandbox//protocol/openid-connect/token",
        "/auth/realms/sandbox;/protocol/openid-connect/token",
    ] {
        let answer = server.form(path, crate::server::RESOURCE, "token=x");
        answer.is_polite(path);
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.status);
    }
    // Forgiven at the front, for one vendor's module; it is the same path with the same rules.
    assert_eq!(server.form("//introspect", MX, "token=x").text(), r#"{"active":false}"#);
}

#[test]
fn m106_ghsa_cq42_vhv7_xr7p_wrong_passwords_lock_nobody_out_who_is_in() {
    let server = Server::start();
    let mut known = Browser::new(&server);
    known.consent(&mx_authorize("mxrecipient"));
    for _ in 0..5 {
        let mut attacker = Browser::new(&server);
        let login = attacker.open(&mx_authorize("mxrecipient"));
        for _ in 0..4 {
            attacker.submit(&login, "login=ada&password=wrong&action=submit");
        }
    }
    let mut attacker = Browser::new(&server);
    let login = attacker.open(&mx_authorize("mxrecipient"));
    let told = attacker.submit(&login, "login=ada&password=demo&action=submit").expect(200);
    assert!(told.text().contains("id=\"login-error\""));
    // The browser that was signed in goes on, and so do tokens and other customers.
    assert!(known.consent(&mx_authorize("mxrecipient")).parameter("code").is_some());
    let login = Browser::new(&server).open(&mx_authorize("mxrecipient"));
    assert_eq!(login.status, 200);
    let mut bob = Browser::new(&server);
    let login = bob.open(&mx_authorize("mxrecipient"));
    let consent = bob.submit(&login, "login=bob&password=demo&action=submit");
    assert!(consent.text().contains("id=\"consent-allow\""));
}

#[test]
fn m107_hydra_26_2_5_no_answer_has_the_words_of_another_request() {
    let server = Server::shared();
    let address = server.address();
    std::thread::scope(|scope| {
        for lane in 0..16 {
            let address = &address;
            scope.spawn(move || {
                let mut wire = Wire::connect(address);
                for n in 0..100 {
                    let own = format!("LANE{lane}N{n}");
                    let body = format!(
                        "grant_type=client_credentials&scope={own}&client_id=Worldline-000021&client_secret=password123"
                    );
                    let bytes =
                        request("POST", &format!("{REALM}/token"), &[("content-type", FORM)], body.as_bytes());
                    wire.send(&bytes);
                    let answer = wire.read().unwrap();
                    assert_eq!(answer.member("error_description"), format!("Invalid scopes: {own}"));
                }
            });
        }
    });
}

#[test]
fn m108_hydra_1438_a_prefix_of_a_long_secret_is_another_secret() {
    let server = Server::shared();
    let body = "grant_type=client_credentials&scope=PIS";
    for len in [0, 1, 71, 72, 73, 79, 81, 160] {
        let credentials = format!("longsecret:{}", "s".repeat(len));
        let answer = server.form("/oauth/accesstoken", &credentials, body).expect(401);
        assert_eq!(answer.member("error"), "invalid_client", "{len}");
    }
    server.form("/oauth/accesstoken", &format!("longsecret:{}", "s".repeat(80)), body).expect(200);
}
