//! Registration and its management: what a client gets, and every reason to say no.

use serde_json::{Value, json};

use crate::cli::{ends, run};
use crate::server::Server;
use crate::wire::Answer;

/// Two tenants of the MX surface: one that registers anybody, one that wants its token.
pub(crate) const TENANTS: &str = r#"[[tenant]]
id = "open"
surfaces = ["mx"]
registration = { surface = "mx" }

[[tenant]]
id = "guarded"
surfaces = ["mx"]
registration = { surface = "mx", initial_access_token = "the-bank-gave-us-this-token-0123456789" }
"#;
pub(crate) const INITIAL: &str = "the-bank-gave-us-this-token-0123456789";

/// Good metadata of the MX surface.
pub(crate) fn good() -> Value {
    json!({"redirect_uris": ["https://app.example/cb"], "client_name": "App"})
}

/// `good` with other members; `null` takes one out.
pub(crate) fn with(changes: Value) -> Value {
    let mut metadata = good();
    for (name, value) in changes.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    metadata.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    metadata
}

pub(crate) fn send(
    server: &Server,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|value| ("authorization", value)));
    server.ask(method, path, &headers, body.to_string().as_bytes())
}

pub(crate) fn register(server: &Server, body: &Value) -> Answer {
    send(server, "POST", "/o/open/register", None, body)
}

/// A client that registered itself: its address and its token.
pub(crate) struct Own {
    pub(crate) answer: Answer,
    pub(crate) path: String,
    pub(crate) token: String,
}

impl Own {
    pub(crate) fn new(server: &Server, body: &Value) -> Self {
        let answer = register(server, body).expect(201);
        let uri = answer.member("registration_client_uri");
        let path = uri.split("//").nth(1).unwrap();
        let path = path[path.find('/').unwrap()..].to_owned();
        let token = answer.member("registration_access_token");
        Self { answer, path, token }
    }

    pub(crate) fn id(&self) -> String {
        self.answer.member("client_id")
    }

    pub(crate) fn get(&self, server: &Server) -> Answer {
        send(server, "GET", &self.path, Some(&self.token), &Value::Null)
    }

    pub(crate) fn put(&self, server: &Server, body: &Value) -> Answer {
        let mut body = body.clone();
        body["client_id"] = self.id().into();
        send(server, "PUT", &self.path, Some(&self.token), &body)
    }

    pub(crate) fn delete(&self, server: &Server) -> Answer {
        send(server, "DELETE", &self.path, Some(&self.token), &Value::Null)
    }
}

#[test]
fn a_client_registers_reads_changes_and_removes_itself() {
    let server = Server::with(TENANTS);
    let own = Own::new(&server, &good());
    let told = own.answer.json();
    assert_eq!(told["redirect_uris"], json!(["https://app.example/cb"]));
    assert_eq!(told["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(told["grant_types"], json!(["authorization_code"]));
    assert_eq!(told["response_types"], json!(["code"]));
    assert_eq!(told["id_token_signed_response_alg"], "RS256");
    assert_eq!(
        (&told["client_secret_expires_at"], &told["client_name"]),
        (&json!(0), &"App".into())
    );
    assert!(told["client_id_issued_at"].as_u64().unwrap() > 1_700_000_000);
    let secret = told["client_secret"].as_str().unwrap();
    assert!(secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert!(own.token.starts_with("rg_"));
    assert_eq!(own.answer.header("cache-control"), Some("no-store"));

    // Known at once, also to the token endpoint.
    let credentials = format!("{}:{secret}", own.id());
    let body = "grant_type=authorization_code&code=x&redirect_uri=https%3A%2F%2Fapp.example%2Fcb";
    let token = |credentials: &str| server.form("/o/open/oauth2/v4/token", credentials, body);
    assert_ne!(token(&credentials).member("error"), "invalid_client");

    let read = own.get(&server).expect(200).json();
    assert_eq!(read["registration_access_token"], own.token);
    assert!(read.get("client_secret").is_none(), "told once");
    let mut same = told.clone();
    same.as_object_mut().unwrap().remove("client_secret");
    same.as_object_mut().unwrap().remove("client_secret_expires_at");
    assert_eq!(read, same);

    let changed = own.put(&server, &with(json!({"client_name": "Renamed"}))).expect(200).json();
    assert_eq!(changed["client_name"], "Renamed");
    assert!(changed.get("client_secret").is_none(), "the secret that it has stays");
    assert_ne!(token(&credentials).member("error"), "invalid_client");
    // What a change leaves out is the default again.
    let changed = own.put(&server, &with(json!({"client_name": null}))).expect(200).json();
    assert_eq!(changed["client_name"], own.id());

    assert!(own.delete(&server).expect(204).body.is_empty());
    assert_eq!(token(&credentials).member("error"), "invalid_client");
    for answer in [own.get(&server), own.put(&server, &good()), own.delete(&server)] {
        assert_eq!(answer.expect(401).member("error"), "invalid_token");
    }
}

#[test]
fn a_registration_survives_a_restart() {
    let server = Server::with(TENANTS);
    let own = Own::new(&server, &good());
    server.kill();
    let server = server.again();
    let path = own.path.clone();
    let read = send(&server, "GET", &path, Some(&own.token), &Value::Null).expect(200).json();
    assert_eq!(read["client_id"], own.id());
}

#[test]
fn who_may_register_is_the_banks_to_say() {
    let server = Server::with(TENANTS);
    let guarded = |token| send(&server, "POST", "/o/guarded/register", token, &good());
    for wrong in [None, Some("x"), Some(&INITIAL[1..]), Some("rg_AAAA")] {
        let answer = guarded(wrong).expect(401);
        assert_eq!(answer.member("error"), "invalid_token");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer realm=\"guarded\""));
    }
    guarded(Some(INITIAL)).expect(201);
    // It registers, and manages nothing.
    let own = Own::new(&server, &good());
    send(&server, "GET", &own.path, Some(INITIAL), &Value::Null).expect(401);
    let discovery = |tenant: &str| {
        let path = format!("/o/{tenant}/.well-known/openid-configuration");
        server.ask("GET", &path, &[], b"").expect(200).json()["registration_endpoint"].clone()
    };
    assert!(discovery("open").as_str().unwrap().ends_with("/o/open/register"));
    assert!(discovery("guarded").as_str().unwrap().ends_with("/o/guarded/register"));
}

#[test]
fn a_registration_token_manages_its_own_client_only() {
    let server = Server::with(TENANTS);
    let (one, other) = (Own::new(&server, &good()), Own::new(&server, &good()));
    for method in ["GET", "PUT", "DELETE"] {
        for token in [None, Some(&*other.token), Some("rg_x"), Some("at_x"), Some("")] {
            let answer = send(&server, method, &one.path, token, &good()).expect(401);
            assert_eq!(answer.member("error"), "invalid_token", "{method} {token:?}");
        }
    }
    // A file's client has no such token.
    send(&server, "GET", "/o/open/register/mxrecipient", Some(&one.token), &Value::Null)
        .expect(401);
    // Not at another tenant.
    let elsewhere = one.path.replace("/o/open/", "/o/guarded/");
    send(&server, "GET", &elsewhere, Some(&one.token), &Value::Null).expect(401);
    one.get(&server).expect(200);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of metadata")]
fn what_cannot_be_registered_is_refused_by_name() {
    let server = Server::with(TENANTS);
    let metadata = "invalid_client_metadata";
    let redirect = "invalid_redirect_uri";
    for (changes, error, told) in [
        (json!({"redirect_uris": null}), redirect, ""),
        (json!({"redirect_uris": []}), redirect, ""),
        (json!({"redirect_uris": ["https://app.example/cb#f"]}), redirect, ""),
        (json!({"redirect_uris": ["http://app.example/cb"]}), redirect, ""),
        (json!({"redirect_uris": ["javascript:alert(1)"]}), redirect, ""),
        (json!({"redirect_uris": ["https://*.app.example/cb"]}), redirect, ""),
        (json!({"redirect_uris": ["com.example.app:/cb"]}), redirect, ""),
        (json!({"redirect_uris": vec!["https://app.example/cb"; 33]}), redirect, ""),
        (json!({"application_type": "desktop"}), metadata, "application_type"),
        (json!({"token_endpoint_auth_method": "none"}), metadata, "token_endpoint_auth_method"),
        (json!({"token_endpoint_auth_method": "client_secret_jwt"}), metadata, "auth_method"),
        (json!({"grant_types": []}), metadata, "grant_types"),
        (json!({"grant_types": ["implicit"]}), metadata, "grant_types"),
        (json!({"grant_types": ["password"]}), metadata, "grant_types"),
        (json!({"grant_types": ["refresh_token"]}), metadata, "contradicts the rest: grant_types"),
        (json!({"response_types": ["token"]}), metadata, "response_types"),
        (json!({"response_types": ["code", "code id_token"]}), metadata, "response_types"),
        (json!({"response_types": []}), metadata, "contradicts the rest: response_types"),
        (json!({"scope": "openid admin"}), metadata, "scope"),
        (json!({"subject_type": "anonymous"}), metadata, "subject_type"),
        (
            json!({"subject_type": "public", "sector_identifier_uri": "https://127.0.0.1/s"}),
            metadata,
            "sector_identifier_uri",
        ),
        (
            json!({
                "subject_type": "pairwise",
                "redirect_uris": ["https://one.example/cb", "https://two.example/cb"],
            }),
            metadata,
            "missing metadata: sector_identifier_uri",
        ),
        (json!({"id_token_signed_response_alg": "none"}), metadata, "id_token_signed"),
        (json!({"id_token_signed_response_alg": "HS256"}), metadata, "id_token_signed"),
        (json!({"id_token_encrypted_response_alg": "RSA-OAEP"}), metadata, "id_token_encrypted"),
        (json!({"userinfo_signed_response_alg": "none"}), metadata, "userinfo_signed"),
        (json!({"request_object_signing_alg": "none"}), metadata, "request_object_signing"),
        (json!({"jwks": {"keys": []}}), metadata, "malformed metadata: jwks"),
        (json!({"jwks": {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}}), metadata, "jwks"),
        (json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}), metadata, "jwks"),
        (
            json!({"jwks": ed25519(), "jwks_uri": "https://127.0.0.1/jwks"}),
            metadata,
            "contradicts the rest: jwks_uri",
        ),
        (
            json!({"dpop_bound_access_tokens": true,
                "tls_client_certificate_bound_access_tokens": true}),
            metadata,
            "dpop_bound_access_tokens",
        ),
        (json!({"tls_client_auth_san_dns": "app.example"}), metadata, "auth_method"),
        (
            json!({"tls_client_auth_san_dns": "a", "tls_client_auth_subject_dn": "CN=a"}),
            metadata,
            "contradicts the rest: tls_client_auth_san_dns",
        ),
        (json!({"initiate_login_uri": "http://app.example/l"}), metadata, "initiate_login_uri"),
        (json!({"policy_uri": "JaVaScRiPt:alert(1)"}), metadata, "policy_uri"),
        (json!({"tos_uri": "data:text/html,x"}), metadata, "tos_uri"),
        (json!({"client_uri": "https://a@app.example/"}), metadata, "client_uri"),
        (json!({"post_logout_redirect_uris": ["https://a.example/#f"]}), metadata, "post_logout"),
        (json!({"client_name": "x".repeat(1_025)}), metadata, "client_name"),
        (json!({"client_name": "a\u{0}b"}), metadata, "client_name"),
        (json!({"contacts": vec!["a@app.example"; 33]}), metadata, "contacts"),
        (json!({"software_statement": "e30.e30."}), "unapproved_software_statement", ""),
        // Admitted in a sandbox, and nobody is there.
        (
            json!({"sector_identifier_uri": "https://127.0.0.1:1/sector.json"}),
            metadata,
            "does not give what it must: sector_identifier_uri",
        ),
    ] {
        let answer = register(&server, &with(changes.clone())).expect(400);
        answer.is_polite(&changes.to_string());
        assert_eq!(answer.member("error"), error, "{changes}: {}", answer.text());
        assert!(answer.member("error_description").contains(told), "{changes}: {}", answer.text());
    }
    server.lives();
}

#[test]
fn what_is_no_metadata_is_refused() {
    let server = Server::with(TENANTS);
    let json = [("content-type", "application/json")];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let good = good().to_string();
    let twice = good.replace('{', "{\"client_name\":\"Other\",");
    let wrong_type = r#"{"redirect_uris":"https://app.example/cb"}"#;
    for (headers, body) in [
        (&json, "redirect_uris=x"),
        (&json, ""),
        (&json, "[]"),
        (&json, "\"x\""),
        (&json, &twice),
        (&json, wrong_type),
        (&json, r#"{"redirect_uris":["https://app.example/cb"],"jwks":{"keys":[],"keys":[]}}"#),
        (&json, r#"{"redirect_uris":["https://app.example/cb"],"default_max_age":-1}"#),
        (&form, &good),
    ] {
        let answer = server.ask("POST", "/o/open/register", headers, body.as_bytes()).expect(400);
        assert_eq!(answer.member("error"), "invalid_client_metadata", "{body}");
    }
    let huge = with(json!({"client_name": "x".repeat(70_000)})).to_string();
    server.ask("POST", "/o/open/register", &json, huge.as_bytes()).expect(413);
    server.ask("GET", "/o/open/register", &[], b"").expect(405);
}

/// A set with one Ed25519 key.
fn ed25519() -> Value {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one", "use": "sig"}]})
}

#[test]
fn a_change_must_be_the_clients_own_and_whole() {
    let server = Server::with(TENANTS);
    let own = Own::new(&server, &good());
    let secret = own.answer.member("client_secret");
    let put = |body: Value| send(&server, "PUT", &own.path, Some(&own.token), &body);
    let id = own.id();
    for (changes, told) in [
        (json!({}), "client_id"),
        (json!({"client_id": "another"}), "client_id"),
        (json!({"client_id": id, "client_secret": "guessed"}), "client_secret"),
        (json!({"client_id": id, "registration_access_token": "x"}), "no client metadata"),
        (json!({"client_id": id, "registration_client_uri": "x"}), "no client metadata"),
        (json!({"client_id": id, "client_secret_expires_at": 0}), "no client metadata"),
        (json!({"client_id": id, "client_id_issued_at": 0}), "no client metadata"),
    ] {
        let answer = put(with(changes.clone())).expect(400);
        assert_eq!(answer.member("error"), "invalid_client_metadata", "{changes}");
        assert!(answer.member("error_description").contains(told), "{changes}: {}", answer.text());
    }
    put(with(json!({"client_id": id, "client_secret": secret}))).expect(200);
}

#[test]
fn a_tenants_file_says_who_may_register_and_where_it_is_wrong() {
    use crate::cli::{ends, run_in};
    let folder = tempfile::tempdir().unwrap();
    let settings = "issuer = \"http://localhost:8080\"\n[listen]\nplain = \"127.0.0.1:0\"\n";
    std::fs::write(folder.path().join("counterfoil.toml"), settings).unwrap();
    std::fs::create_dir(folder.path().join("resources")).unwrap();
    std::fs::write(folder.path().join("resources/token"), format!("{INITIAL}\n")).unwrap();
    let check = |registration: &str, code| {
        let tenant = "[[tenant]]\nid = \"default\"\nsurfaces = [\"mx\"]\n";
        let text = format!("{tenant}\n[tenant.registration]\n{registration}");
        std::fs::write(folder.path().join("resources/bank.toml"), text).unwrap();
        ends(&run_in(folder.path(), &["config", "check"], &[]), code)
    };
    check("surface = \"mx\"\n", 0);
    check("surface = \"mx\"\ninitial_access_token_file = \"token\"\n", 0);
    for (registration, told) in [
        ("surface = \"xm\"\n", "bank.toml:6:11: tenant \"default\" does not serve \"xm\""),
        ("surface = \"mx\"\ninitial_access_token = \"short\"\n", "bank.toml:7:24: an initial"),
        ("surface = \"mx\"\ninitial_access_token_file = \"none\"\n", "bank.toml:7:29: none:"),
        ("surfaces = \"mx\"\n", "bank.toml:6:1: unknown key \"surfaces\""),
        ("", "missing field `surface`"),
    ] {
        let found = check(registration, 3);
        assert!(found.contains(told), "{told}: {found}");
    }
}

#[test]
fn a_clients_metadata_in_a_file_is_judged_like_a_registration() {
    use crate::cli::{ends, run_in};
    let folder = tempfile::tempdir().unwrap();
    let settings = "issuer = \"http://localhost:8080\"\n[listen]\nplain = \"127.0.0.1:0\"\n";
    std::fs::write(folder.path().join("counterfoil.toml"), settings).unwrap();
    std::fs::create_dir(folder.path().join("resources")).unwrap();
    std::fs::write(folder.path().join("resources/keys.json"), ed25519().to_string()).unwrap();
    let check = |auth: &str, metadata: &str, code| {
        let client = "[[client]]\nid = \"app\"\nsurface = \"mx\"\nscopes = [\"openid\"]\n";
        let tenant = "[[tenant]]\nid = \"default\"\nsurfaces = [\"mx\"]\n";
        let text = format!("{tenant}{client}{auth}\n[client.metadata]\n{metadata}\n");
        std::fs::write(folder.path().join("resources/bank.toml"), text).unwrap();
        ends(&run_in(folder.path(), &["config", "check"], &[]), code)
    };
    let secret = "auth = { method = \"client_secret_basic\", secret = \"s\" }";
    for metadata in [
        "",
        "post_logout_redirect_uris = [\"https://app.example/out\"]\ndefault_max_age = 60",
        "jwks_uri = \"https://10.0.0.1/keys\"\nsubject_type = \"public\"",
    ] {
        check(secret, metadata, 0);
    }
    for (metadata, told) in [
        ("subject_typ = \"public\"", ":10:1: unknown key \"subject_typ\", did you mean"),
        ("subject_type = \"secret\"", ":10:16: client \"app\": malformed metadata: subject_type"),
        ("scope = \"openid\"", ":10:1: client \"app\": scope is not said here; use scopes"),
        ("\ndefault_max_age = \"60\"", ":11:19: default_max_age: invalid type"),
        ("id_token_signed_response_alg = \"HS256\"", ":10:32: client \"app\": metadata not avail"),
        ("logo_uri = \"http://app.example/l\"", ":10:12: client \"app\": metadata not available"),
        ("tls_client_auth_san_dns = \"a\"", ":10:27: client \"app\": metadata contradicts"),
    ] {
        let found = check(secret, metadata, 3);
        assert!(found.contains(told), "{told}: {found}");
    }
    let keys = |file: &str| format!("auth = {{ method = \"http_signature\", jwks = \"{file}\" }}");
    check(&keys("keys.json"), "", 0);
    assert!(check(&keys("none.json"), "", 3).contains("none.json"));
    std::fs::write(folder.path().join("resources/bad.json"), "{\"keys\":[]}").unwrap();
    assert!(check(&keys("bad.json"), "", 3).contains("no set of public keys"));
}

#[test]
fn an_operator_suspends_a_client_that_registered_itself_and_resumes_it() {
    let server = Server::with(TENANTS);
    let own = Own::new(&server, &good());
    let credentials = format!("{}:{}", own.id(), own.answer.member("client_secret"));
    let body = "grant_type=authorization_code&code=x&redirect_uri=https%3A%2F%2Fapp.example%2Fcb";
    let error = || server.form("/o/open/oauth2/v4/token", &credentials, body).member("error");
    let (id, state) = (own.id(), server.state.display().to_string());
    let operate = |verb: &str, id: &str| run(&["client", verb, id, "--state", &state]);
    assert_ne!(error(), "invalid_client");
    assert!(ends(&operate("suspend", &id), 0).contains("suspended"));
    assert_eq!(error(), "invalid_client");
    // Twice is once.
    ends(&operate("suspend", &id), 0);
    ends(&operate("resume", &id), 0);
    assert_ne!(error(), "invalid_client");
    // What a file says is decided there: the next reload would undo it.
    let told = ends(&operate("suspend", "mxrecipient"), 1);
    assert!(told.contains("is managed by") && told.contains("suspended = true"), "{told}");
    assert!(ends(&operate("suspend", "nobody"), 1).contains("no client \"nobody\""));
}
