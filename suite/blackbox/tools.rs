//! Commands that look at tokens, keys and certificates without a server.

use std::path::Path;

use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::qc_statement::{Kind, Role};

use crate::cli::{ends, run};
use crate::server::Server;

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

// RFC 7638 §3.1.
const JWK: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;

// RFC 7515 A.3.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

#[test]
fn a_jwt_is_shown_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let shown = ends(&run(&["jwt", "decode", TOKEN]), 0);
    assert!(shown.contains("\"alg\": \"ES256\"") && shown.contains("\"iss\": \"joe\""), "{shown}");
    let key = written(folder.path(), "key.json", KEY);
    let told = ends(&run(&["jwt", "check", TOKEN, "--jwks", &key]), 1);
    assert!(told.contains("expired"), "{told}");
    let set = written(folder.path(), "set.json", &format!(r#"{{"keys":[{KEY}]}}"#));
    let forged = TOKEN.replace("DtEhU3", "DtEhU4");
    let told = ends(&run(&["jwt", "check", &forged, "--jwks", &set]), 1);
    assert!(told.contains("the signature is wrong"), "{told}");
    let other = written(folder.path(), "rsa.json", JWK);
    let told = ends(&run(&["jwt", "check", TOKEN, "--jwks", &other]), 1);
    assert!(told.contains("the signature is wrong"), "{told}");
    for nonsense in ["x", "a.b", "a.b.c", "a.b.c.d.e", "eyJh.eyJh.eyJh"] {
        ends(&run(&["jwt", "decode", nonsense]), 1);
        ends(&run(&["jwt", "check", nonsense, "--jwks", &set]), 1);
    }
    ends(&run(&["jwt", "check", TOKEN]), 2);
}

#[test]
fn a_key_has_a_thumbprint() {
    let folder = tempfile::tempdir().unwrap();
    let one = written(folder.path(), "one.json", JWK);
    let told = ends(&run(&["jwk", "thumbprint", &one]), 0);
    assert_eq!(told, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs  2011-04-29\n");
    let set = written(folder.path(), "set.json", &format!(r#"{{"keys":[{JWK},{KEY}]}}"#));
    assert_eq!(ends(&run(&["jwk", "thumbprint", &set]), 0).lines().count(), 2);
    let private = written(folder.path(), "d.json", &KEY.replace("\"x\"", "\"d\":\"AA\",\"x\""));
    let told = ends(&run(&["jwk", "thumbprint", &private]), 1);
    assert!(told.contains("private members"), "{told}");
}

#[test]
fn a_certificate_of_a_provider_is_made_under_the_sandboxes_authority() {
    let server = Server::shared();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("tpp").display().to_string();
    let state = server.state.display().to_string();
    let make = |more: &[&str]| {
        let mut line = vec!["cert", "tpp", "--state", &state, "--out", &out];
        line.extend(more);
        run(&line)
    };
    let told = ends(&make(&["--roles", "ai,ic", "--name", "Ada TPP"]), 0);
    assert!(told.contains("PSP_AI PSP_IC"), "{told}");
    let pem = std::fs::read_to_string(format!("{out}.pem")).unwrap();
    let made = Certificate::from_pem(&pem).unwrap();
    let provider = made.provider().unwrap();
    assert_eq!(provider.roles, [Role::AccountInformation, Role::CardIssuing]);
    assert_eq!(provider.kind, Some(Kind::Web));
    assert_eq!(provider.authority_id, "DE-BAFIN");
    assert!(made.subject().contains("Ada TPP"), "{}", made.subject());
    assert!(std::fs::read_to_string(format!("{out}-key.pem")).unwrap().contains("PRIVATE KEY"));
    assert_eq!(ends(&run(&["jwk", "thumbprint", &format!("{out}.pem")]), 0).trim().len(), 43);

    ends(&make(&["--kind", "qseal", "--expired"]), 0);
    let pem = std::fs::read_to_string(format!("{out}.pem")).unwrap();
    let made = Certificate::from_pem(&pem).unwrap();
    assert_eq!(made.provider().unwrap().kind, Some(Kind::Seal));
    assert!(made.not_after().0 - made.not_before().0 < 40 * 86_400);

    for id in ["x", "PSDde-BAFIN-1", "PSDDE-BAFIN", "PSDDE--1", "PSD\u{e9}-B-1"] {
        let told = ends(&make(&["--id", id]), 2);
        assert!(told.contains("is no identifier"), "{told}");
    }
    ends(&make(&["--roles", "xx"]), 2);
    let nowhere = folder.path().display().to_string();
    let told = ends(&run(&["cert", "tpp", "--state", &nowhere, "--out", &out]), 1);
    assert!(told.contains("counterfoil sandbox"), "{told}");
}
