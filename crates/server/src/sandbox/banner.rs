//! What the sandbox prints when it is ready: for people, or one line of JSON for test suites.

use counterfoil_jose::certificate::Certificate;
use counterfoil_protocol::ids::hex;
use serde::Serialize;

use super::{Files, clients, seeds};
use crate::failure::Failure;

/// A sandbox that is ready.
pub(super) struct Ready<'a> {
    pub(super) http: &'a str,
    pub(super) https: &'a str,
    pub(super) mtls: &'a str,
    pub(super) files: &'a Files,
    pub(super) kept: bool,
    pub(super) took_us: u64,
}

#[derive(Serialize)]
struct Json<'a> {
    version: &'a str,
    http: &'a str,
    https: &'a str,
    mtls: &'a str,
    ca: String,
    state: String,
    customers: Vec<&'a str>,
    password: &'a str,
    surfaces: Surfaces,
}

#[derive(Serialize)]
struct Surfaces {
    fintecture: Surface,
    mx: Surface,
    worldline: Surface,
    standard: OpenId,
    fapi2: OpenId,
    fapi2_ms: OpenId,
}

/// A tenant that speaks OpenID Connect: everything else stands in its metadata.
#[derive(Serialize)]
struct OpenId {
    issuer: String,
    discovery: String,
    resource: String,
    registration_endpoint: String,
    initial_access_token: &'static str,
    resource_server: ResourceServer,
    client: OpenIdClient,
    client2: OpenIdClient,
}

#[derive(Serialize)]
struct OpenIdClient {
    client_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'static str>,
    redirect_uri: &'static str,
    scopes: &'static [&'static str],
    /// A private set.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_key: Option<String>,
}

#[derive(Serialize)]
struct Surface {
    issuer: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    introspection_endpoint: String,
    client: Client,
    resource_server: ResourceServer,
}

#[derive(Serialize)]
struct Client {
    client_id: &'static str,
    client_secret: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_uri: Option<&'static str>,
    scopes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

#[derive(Serialize)]
struct ResourceServer {
    client_id: &'static str,
    client_secret: &'static str,
}

const CALLBACK: &str = "http://127.0.0.1/callback";
const CALLBACK_WITH_QUERY: &str = "http://127.0.0.1/callback?dummy1=lorem&dummy2=ipsum";

const OPENID_SCOPES: &[&str] = &["openid", "profile", "email", "address", "phone"];
const FAPI_SCOPES: &[&str] =
    &["openid", "profile", "email", "address", "phone", "accounts", "payments"];

const fn openid_client(
    client_id: &'static str,
    client_secret: &'static str,
    redirect_uri: &'static str,
) -> OpenIdClient {
    OpenIdClient {
        client_id,
        client_secret: Some(client_secret),
        redirect_uri,
        scopes: OPENID_SCOPES,
        jwks: None,
        certificate: None,
        certificate_key: None,
    }
}

impl Ready<'_> {
    fn surfaces(&self) -> Result<Surfaces, Failure> {
        let root = self.http;
        let realm = format!("{root}/auth/realms/sandbox");
        let connect = format!("{realm}/protocol/openid-connect");
        Ok(Surfaces {
            fintecture: Surface {
                issuer: root.into(),
                token_endpoint: format!("{root}/oauth/accesstoken"),
                refresh_endpoint: Some(format!("{root}/oauth/refreshtoken")),
                authorization_endpoint: Some(format!("{root}/oauth/token/authorize")),
                revocation_endpoint: Some(format!("{root}/revoke")),
                jwks_uri: None,
                introspection_endpoint: format!("{root}/introspect"),
                client: Client {
                    client_id: "finapp",
                    client_secret: "finsecret",
                    redirect_uri: Some(CALLBACK),
                    scopes: vec!["PIS", "AIS", "customers", "e-mandates", "OAC"],
                    private_key: None,
                    certificate: None,
                    kid: None,
                },
                resource_server: resource_server("finresource", "finresourcesecret"),
            },
            mx: Surface {
                issuer: root.into(),
                token_endpoint: format!("{root}/oauth2/v4/token"),
                refresh_endpoint: None,
                authorization_endpoint: Some(format!("{root}/oauth2/v4/authorize")),
                revocation_endpoint: Some(format!("{root}/oauth2/v4/revoke")),
                jwks_uri: Some(format!("{root}/jwks")),
                introspection_endpoint: format!("{root}/introspect"),
                client: Client {
                    client_id: "mxrecipient",
                    client_secret: "mxsecret",
                    redirect_uri: Some(CALLBACK),
                    scopes: vec!["openid", "customers", "accounts", "transactions", "statements"],
                    private_key: None,
                    certificate: None,
                    kid: None,
                },
                resource_server: resource_server("mxresource", "mxresourcesecret"),
            },
            worldline: Surface {
                token_endpoint: format!("{connect}/token"),
                refresh_endpoint: None,
                authorization_endpoint: None,
                revocation_endpoint: Some(format!("{connect}/revoke")),
                jwks_uri: Some(format!("{connect}/certs")),
                introspection_endpoint: format!("{connect}/token/introspect"),
                issuer: realm,
                client: Client {
                    client_id: "Worldline-000021",
                    client_secret: "password123",
                    redirect_uri: None,
                    scopes: vec!["VOP", "WERO"],
                    private_key: Some(self.files.worldline_key.display().to_string()),
                    certificate: Some(self.files.worldline.display().to_string()),
                    kid: Some(self.kid()?),
                },
                resource_server: resource_server("wlresource", "wlresourcesecret"),
            },
            standard: self.standard(),
            fapi2: self.fapi("fapi2", "sandbox-registers-fapi2-clients-00001")?,
            fapi2_ms: self.fapi("fapi2-ms", "sandbox-registers-fapi2-ms-clients-01")?,
        })
    }

    fn standard(&self) -> OpenId {
        let token = "sandbox-registers-openid-clients-0001";
        let clients = (
            openid_client("openidapp", "openidsecret", CALLBACK),
            openid_client("openidother", "othersecret", CALLBACK_WITH_QUERY),
        );
        let resource_server = resource_server("openidresource", "openidresourcesecret");
        self.openid("standard", token, resource_server, clients)
    }

    fn fapi(&self, tenant: &str, token: &'static str) -> Result<OpenId, Failure> {
        let [one, two] = &clients::CLIENTS;
        let clients =
            (self.fapi_client(one, CALLBACK)?, self.fapi_client(two, CALLBACK_WITH_QUERY)?);
        let resource_server = resource_server("fapiresource", "fapiresourcesecret");
        Ok(self.openid(tenant, token, resource_server, clients))
    }

    fn fapi_client(
        &self,
        client: &clients::Seeded,
        redirect_uri: &'static str,
    ) -> Result<OpenIdClient, Failure> {
        let path = client.set(self.files);
        let text = crate::toml_file::text(&path)?;
        let bad = |e| Failure::failed(format!("{}: {e}", path.display()));
        let (certificate, key) = client.certificate(self.files);
        Ok(OpenIdClient {
            client_id: client.id,
            client_secret: None,
            redirect_uri,
            scopes: FAPI_SCOPES,
            jwks: Some(serde_json::from_str(&text).map_err(bad)?),
            certificate: Some(certificate.display().to_string()),
            certificate_key: Some(key.display().to_string()),
        })
    }

    fn openid(
        &self,
        tenant: &str,
        initial_access_token: &'static str,
        resource_server: ResourceServer,
        (client, client2): (OpenIdClient, OpenIdClient),
    ) -> OpenId {
        let issuer = format!("{}/o/{tenant}", self.https);
        OpenId {
            discovery: format!("{issuer}/.well-known/openid-configuration"),
            resource: format!("{issuer}/demo/resource"),
            registration_endpoint: format!("{issuer}/register"),
            initial_access_token,
            resource_server,
            client,
            client2,
            issuer,
        }
    }

    /// SHA-1 of the certificate, in upper case without colons, as the vendor writes it.
    fn kid(&self) -> Result<String, Failure> {
        let path = &self.files.worldline;
        let text = crate::toml_file::text(path)?;
        let bad = |_| Failure::failed(format!("{}: is not one PEM certificate", path.display()));
        let certificate = Certificate::from_pem(&text).map_err(bad)?;
        Ok(hex(&certificate.sha1()).to_uppercase())
    }

    /// One line, for test suites.
    pub(super) fn json(&self) -> Result<String, Failure> {
        let json = Json {
            version: env!("CARGO_PKG_VERSION"),
            http: self.http,
            https: self.https,
            mtls: self.mtls,
            ca: self.files.ca.display().to_string(),
            state: self.files.state.display().to_string(),
            customers: seeds::CUSTOMERS.iter().map(|(login, _)| *login).collect(),
            password: seeds::PASSWORD,
            surfaces: self.surfaces()?,
        };
        serde_json::to_string(&json).map_err(|e| Failure::failed(e.to_string()))
    }

    pub(super) fn print(&self) {
        let (http, https) = (self.http, self.https);
        let seconds = format!("{}.{:02}", self.took_us / 1_000_000, self.took_us / 10_000 % 100);
        let kept = if self.kept {
            format!("{} (kept; --ephemeral to forget)", short(&self.files.state))
        } else {
            "forgotten at the end".into()
        };
        let key = short(&self.files.worldline_key);
        let logins: Vec<&str> = seeds::CUSTOMERS.iter().map(|(login, _)| *login).collect();
        let logins = logins.join(", ");
        let password = seeds::PASSWORD;
        let version = env!("CARGO_PKG_VERSION");
        let text = format!(
            "Counterfoil {version}  sandbox, ready in {seconds} s      state: {kept}\n  \
             {http}      {https} (certificate of {ca})\n\n  \
             like         token endpoint                                          client             secret or key\n  \
             Fintecture   /oauth/accesstoken                                      finapp             finsecret\n  \
             MX (FDX)     /oauth2/v4/token                                        mxrecipient        mxsecret\n  \
             Worldline    /auth/realms/sandbox/protocol/openid-connect/token      Worldline-000021   password123, or {key}\n  \
             OpenID       /o/standard/token (https)                               openidapp          openidsecret\n  \
             FAPI 2.0     /o/fapi2/token (https)                                  fapiapp            {fapi}\n\n  \
             customers    {logins}     password: {password}\n  \
             next         counterfoil flow mx        counterfoil flow fapi2        counterfoil token worldline --auth jwt        counterfoil explain CODE\n\n  \
             A token now:\n  \
             curl -s {http}/oauth/accesstoken -d grant_type=client_credentials -d client_id=finapp -d client_secret=finsecret -d scope=PIS",
            ca = short(&self.files.ca),
            fapi = short(&clients::CLIENTS[0].set(self.files)),
        );
        crate::cli::out(&text);
    }
}

const fn resource_server(client_id: &'static str, client_secret: &'static str) -> ResourceServer {
    ResourceServer { client_id, client_secret }
}

/// A path as somebody in this folder would write it.
fn short(path: &std::path::Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.as_ref().and_then(|here| path.strip_prefix(here).ok());
    relative.map_or_else(|| path.display().to_string(), |p| format!("./{}", p.display()))
}
