//! The two clients that the suite plays in a FAPI plan, registered with the server (RFC 7591).

use serde_json::{Value, json};
use ureq::Agent;

use super::keys::Key;
use super::plans::{Auth, Fapi2, Profile, Sender};
use super::sandbox::Surface;

/// What the redirect URI of the second client carries; it must survive (R34).
const SECOND_QUERY: &str = "?dummy1=lorem&dummy2=ipsum";

/// Scopes that only mean something to OpenID Connect.
const OPENID_SCOPES: [&str; 5] = ["openid", "profile", "email", "address", "phone"];

/// A registered client, as the suite's configuration has it.
pub(super) struct Client {
    pub(super) configuration: Value,
    pub(super) mtls: Value,
}

/// Registers both. `callback` is the redirect URI that the suite listens on.
pub(super) fn pair(
    agent: &Agent,
    surface: &Surface,
    combination: Fapi2,
    callback: &str,
) -> Result<(Client, Client), String> {
    let one = register(agent, surface, combination, "one", callback.to_owned())?;
    let two = register(agent, surface, combination, "two", format!("{callback}{SECOND_QUERY}"))?;
    Ok((one, two))
}

fn register(
    agent: &Agent,
    surface: &Surface,
    combination: Fapi2,
    name: &str,
    redirect_uri: String,
) -> Result<Client, String> {
    let key = Key::make(name)?;
    let scope = scope(surface, combination);
    let metadata = metadata(combination, name, &scope, &key, redirect_uri);
    let url = &surface.registration_endpoint;
    let bearer = format!("Bearer {}", surface.initial_access_token);
    let answer = agent
        .post(url)
        .header("Authorization", &bearer)
        .content_type("application/json")
        .send(&metadata.to_string());
    let told = |e: ureq::Error| format!("POST {url}: {e}");
    let mut answer = answer.map_err(told)?;
    let status = answer.status();
    let body = answer.body_mut().read_to_string().map_err(told)?;
    let read: Value = serde_json::from_str(&body).unwrap_or_default();
    let id = read["client_id"].as_str().filter(|_| status.is_success());
    let id = id.ok_or_else(|| format!("POST {url}: {status}: {body}\n  for {metadata}"))?;
    Ok(Client {
        configuration: json!({
            "client_id": id,
            "scope": scope,
            "jwks": {"keys": [key.private]},
            "dpop_signing_alg": "PS256",
        }),
        mtls: json!({"cert": key.certificate, "key": key.certificate_key}),
    })
}

/// The scopes a client of this combination asks for.
fn scope(surface: &Surface, combination: Fapi2) -> String {
    let fits = |scope: &&String| combination.openid || !OPENID_SCOPES.contains(&scope.as_str());
    let scopes: Vec<&str> = surface.scopes.iter().filter(fits).map(String::as_str).collect();
    scopes.join(" ")
}

fn metadata(combination: Fapi2, name: &str, scope: &str, key: &Key, redirect_uri: String) -> Value {
    let mut metadata = json!({
        "client_name": format!("Conformance {name}"),
        "jwks": {"keys": [key.public]},
        "scope": scope,
        "token_endpoint_auth_method": match combination.auth {
            Auth::Jwt => "private_key_jwt",
            Auth::Mtls => "self_signed_tls_client_auth",
        },
    });
    match combination.auth {
        Auth::Jwt => metadata["token_endpoint_auth_signing_alg"] = "PS256".into(),
        Auth::Mtls => {}
    }
    match combination.sender {
        Sender::Dpop => metadata["dpop_bound_access_tokens"] = true.into(),
        Sender::Mtls => metadata["tls_client_certificate_bound_access_tokens"] = true.into(),
    }
    match combination.profile {
        Profile::ClientCredentials => {
            metadata["grant_types"] = json!(["client_credentials"]);
            metadata["response_types"] = json!([]);
        }
        Profile::Security | Profile::MessageSigning => {
            metadata["grant_types"] = json!(["authorization_code", "refresh_token"]);
            metadata["response_types"] = json!(["code"]);
            metadata["redirect_uris"] = json!([redirect_uri]);
            metadata["id_token_signed_response_alg"] = "PS256".into();
        }
    }
    if combination.profile == Profile::MessageSigning {
        metadata["request_object_signing_alg"] = "PS256".into();
        metadata["authorization_signed_response_alg"] = "PS256".into();
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(profile: Profile, auth: Auth, sender: Sender, openid: bool) -> Value {
        let key = Key {
            private: json!({"d": "secret"}),
            public: json!({"kid": "one"}),
            certificate: String::new(),
            certificate_key: String::new(),
        };
        let combination = Fapi2 { profile, auth, sender, openid };
        metadata(combination, "one", "accounts", &key, "https://localhost/callback".into())
    }

    #[test]
    fn a_client_registers_what_its_combination_needs() {
        let client = of(Profile::Security, Auth::Jwt, Sender::Dpop, false);
        assert_eq!(client["token_endpoint_auth_method"], "private_key_jwt");
        assert_eq!(client["dpop_bound_access_tokens"], true);
        assert_eq!(client["jwks"], json!({"keys": [{"kid": "one"}]}));
        assert!(client.get("request_object_signing_alg").is_none());

        let client = of(Profile::MessageSigning, Auth::Mtls, Sender::Mtls, true);
        assert_eq!(client["token_endpoint_auth_method"], "self_signed_tls_client_auth");
        assert_eq!(client["tls_client_certificate_bound_access_tokens"], true);
        assert_eq!(client["authorization_signed_response_alg"], "PS256");

        let client = of(Profile::ClientCredentials, Auth::Jwt, Sender::Mtls, false);
        assert_eq!(client["grant_types"], json!(["client_credentials"]));
        assert!(client.get("redirect_uris").is_none());
    }

    #[test]
    fn without_openid_no_scope_of_it_is_asked_for() {
        let surface = Surface {
            issuer: String::new(),
            resource: None,
            registration_endpoint: String::new(),
            initial_access_token: String::new(),
            scopes: ["openid", "accounts", "email", "payments"].map(str::to_owned).into(),
        };
        let of = |openid| Fapi2 {
            profile: Profile::Security,
            auth: Auth::Jwt,
            sender: Sender::Dpop,
            openid,
        };
        assert_eq!(scope(&surface, of(false)), "accounts payments");
        assert_eq!(scope(&surface, of(true)), "openid accounts email payments");
    }
}
