//! The museum's other wing: advisories on features that are not built. Each is refused and not
//! advertised.

use std::net::TcpListener;

use crate::browser::mx_authorize;
use crate::server::{FIN, FORM, MX, REALM, Server};
use crate::wire::encoded;

fn metadata(server: &Server) -> Vec<String> {
    let realm = "/auth/realms/sandbox";
    let paths = ["", realm].map(|base| format!("{base}/.well-known/openid-configuration"));
    paths.iter().map(|path| server.ask("GET", path, &[], b"").expect(200).text()).collect()
}

/// A grant type that does not exist, with whatever it would bring along.
fn no_grant(server: &Server, grant: &str, more: &str) {
    let body = format!("grant_type={}&scope=accounts&{more}", encoded(grant));
    for (path, credentials) in
        [("/oauth/accesstoken", FIN), ("/oauth2/v4/token", MX), ("/oauth/refreshtoken", FIN)]
    {
        let answer = server.form(path, credentials, &body).expect(400);
        assert_eq!(answer.member("error"), "unsupported_grant_type", "{grant}");
    }
    let body = format!("{body}&client_id=Worldline-000021&client_secret=password123");
    let answer = server.post(&format!("{REALM}/token"), &body).expect(400);
    assert_eq!(answer.member("error"), "unsupported_grant_type", "{grant}");
    for metadata in metadata(server) {
        assert!(!metadata.contains(grant), "{grant} is advertised");
    }
}

/// Paths that do not exist, by no method, and are not advertised.
fn no_paths(server: &Server, paths: &[&str], members: &[&str]) {
    for path in paths {
        for base in ["", "/auth/realms/sandbox", "/realms/sandbox/protocol/openid-connect"] {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                let headers = [("content-type", "application/json")];
                let answer = server.ask(method, &format!("{base}{path}"), &headers, b"{}");
                answer.is_polite(path);
                assert_eq!(answer.status, 404, "{method} {base}{path}");
            }
        }
    }
    for metadata in metadata(server) {
        for member in members {
            assert!(!metadata.contains(member), "{member} is advertised");
        }
    }
}

#[test]
fn m020_cve_2026_9798_ciba() {
    let server = Server::shared();
    no_grant(&server, "urn:openid:params:grant-type:ciba", "auth_req_id=x");
    no_paths(&server, &["/bc-authorize", "/ext/ciba/auth"], &["backchannel_authentication"]);
}

#[test]
fn m021_cve_2026_88770_device_codes() {
    let server = Server::shared();
    no_grant(&server, "urn:ietf:params:oauth:grant-type:device_code", "device_code=x");
    no_paths(
        &server,
        &["/device_authorization", "/device", "/auth/device"],
        &["device_authorization"],
    );
}

#[test]
fn m022_m041_cve_2025_14559_token_exchange() {
    let server = Server::shared();
    let token = server.form("/oauth/accesstoken", FIN, "grant_type=client_credentials&scope=PIS");
    let token = token.member("access_token");
    let grant = "urn:ietf:params:oauth:grant-type:token-exchange";
    for subject in [&*token, "", "x"] {
        no_grant(&server, grant, &format!("subject_token={subject}&subject_token_type=x"));
    }
}

#[test]
fn m023_m024_m040_cve_2026_1609_jwt_bearer() {
    let server = Server::shared();
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    no_grant(&server, grant, "assertion=eyJhbGciOiJub25lIn0.e30.");
}

#[test]
fn m031_cve_2026_9792_password_and_implicit() {
    let server = Server::shared();
    no_grant(&server, "password", "username=ada&password=demo");
    no_grant(&server, "implicit", "");
    // What one surface has is not the other's.
    let body = "grant_type=client_credentials&scope=openid";
    let answer = server.form("/oauth2/v4/token", MX, body).expect(400);
    assert_eq!(answer.member("error"), "unsupported_grant_type");
}

#[test]
fn m032_cve_2026_7571_no_token_in_the_front_channel() {
    let server = Server::shared();
    for kind in ["token", "id_token", "code+token", "code+id_token", "id_token+token", "none"] {
        let target = mx_authorize("mxrecipient").replace("=code&", &format!("={kind}&"));
        let back = server.ask("GET", &target, &[], b"").expect(302);
        let back = back.location();
        assert!(back.contains("error=unsupported_response_type") && !back.contains('#'), "{back}");
        assert!(!back.contains("token="), "{back}");
    }
}

#[test]
fn a_tenant_that_registers_nobody_has_no_registration() {
    let server = Server::shared();
    let paths = [
        "/register",
        "/register/mxrecipient",
        "/oauth2/v4/register",
        "/oauth2/v4/register/mxrecipient",
        "/clients",
        "/clients-registrations/openid-connect",
        "/api/v4/api_access_credentials",
    ];
    no_paths(&server, &paths, &["registration_endpoint"]);
}

#[test]
fn m060_m063_m086_logout_redirects_nobody_and_believes_no_token() {
    let server = Server::shared();
    for query in [
        "post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F&client_id=Worldline-000021",
        "redirect_uri=https%3A%2F%2Fevil.example%2F",
        "id_token_hint=x.y.z&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F&state=s",
    ] {
        let answer = server.ask("GET", &format!("{REALM}/logout?{query}"), &[], b"");
        answer.is_polite(query);
        assert_eq!(answer.status, 405);
        let answer = server.post(&format!("{REALM}/logout"), query);
        assert!(answer.status >= 400 && answer.header("location").is_none());
    }
    let forged = "logout_token=eyJhbGciOiJub25lIn0.e30.";
    let answer = server.post(&format!("{REALM}/logout"), forged).expect(400);
    assert_eq!(answer.member("error"), "invalid_client");
    no_paths(&server, &["/backchannel_logout", "/logout/backchannel"], &["backchannel_logout"]);
}

#[test]
fn m070_m071_m073_m074_cve_2026_1180_no_address_of_a_caller_is_ever_asked() {
    let server = Server::shared();
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let url = encoded(&format!("http://127.0.0.1:{}/x", trap.local_addr().unwrap().port()));
    let names = [
        "request_uri",
        "jwks_uri",
        "sector_identifier_uri",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "client_uri",
        "backchannel_logout_uri",
        "backchannel_client_notification_endpoint",
        "client_assertion",
        "id_token_hint",
        "resource",
        "claims",
        "registration",
        "iss",
    ];
    for name in names {
        let target = format!("{}&{name}={url}", mx_authorize("mxrecipient"));
        server.ask("GET", &target, &[], b"");
        let body = format!("grant_type=client_credentials&scope=PIS&{name}={url}");
        server.form("/oauth/accesstoken", FIN, &body);
        let body = format!("grant_type=client_credentials&scope=VOP&{name}={url}&client_id={url}");
        server.post(&format!("{REALM}/token"), &body);
        server.form(
            "/oauth2/v4/token",
            MX,
            &format!("grant_type=refresh_token&refresh_token=x&{name}={url}"),
        );
    }
    // A client id that is an address (client id metadata documents) is no client.
    let target = mx_authorize(&url);
    assert_eq!(server.ask("GET", &target, &[("accept", "text/html")], b"").status, 400);
    server.lives();
    assert!(trap.accept().is_err(), "somebody came");
}

#[test]
fn m095_m098_m099_reset_enrolment_and_invitation() {
    let server = Server::shared();
    let paths = [
        "/reset",
        "/login/reset",
        "/reset-credentials",
        "/login-actions/reset-credentials",
        "/login-actions/restart",
        "/register-user",
        "/invite",
        "/enroll",
        "/recover",
    ];
    no_paths(&server, &paths, &["reset", "invit"]);
}

#[test]
fn m100_cve_2024_10039_a_certificate_in_a_header_authenticates_nobody() {
    let server = Server::shared();
    let certificate =
        server.ready["surfaces"]["worldline"]["client"]["certificate"].as_str().unwrap();
    let pem = encoded(&std::fs::read_to_string(certificate).unwrap());
    for name in [
        "client-cert",
        "client-cert-chain",
        "x-client-cert",
        "ssl-client-cert",
        "x-ssl-cert",
        "x-forwarded-client-cert",
        "x-client-certificate",
        "x-amzn-mtls-clientcert",
    ] {
        for body in [
            "grant_type=client_credentials&scope=VOP&client_id=Worldline-000021",
            "grant_type=client_credentials&scope=VOP&client_id=signed",
            "grant_type=client_credentials&scope=VOP",
        ] {
            let headers = [(name, &*pem), (name, &*pem), ("content-type", FORM)];
            let answer = server.ask("POST", &format!("{REALM}/token"), &headers, body.as_bytes());
            answer.is_polite(name);
            assert_eq!(
                (answer.status, &*answer.member("error")),
                (400, "invalid_client"),
                "{name}"
            );
        }
    }
    for metadata in metadata(&server) {
        assert!(!metadata.contains("tls_client"));
    }
}

#[test]
fn m101_kc_51275_user_codes() {
    no_paths(&Server::shared(), &["/device", "/activate", "/device/verify"], &["device"]);
}
