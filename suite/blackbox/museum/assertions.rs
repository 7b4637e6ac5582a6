//! Signed assertions of clients.

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::browser::mx_authorize;
use crate::jwt;
use crate::server::{REALM, Server};

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
    let pem = include_str!("../../protocol/keys/server.pem");
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
