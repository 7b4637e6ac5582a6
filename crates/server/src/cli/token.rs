//! `counterfoil token`: one access token, as a client would get it.

use super::arguments::{Auth, Kind, TokenOptions, Vendor};
use super::customer::consent;
use super::http::{Answer, Ask, Http};
use super::openid;
use super::play::{CALLBACK, OneSurface, Running, assertion, authorize_url, parameter, pkce};
use crate::failure::Failure;

pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) async fn run(options: TokenOptions) -> Result<(), Failure> {
    let server = Running::find(&options.state)?;
    let answer = match options.surface.kind() {
        Kind::OpenId(kind) => openid::token(&server, server.openid(kind), &options).await?,
        Kind::Vendor(_) if options.sender.is_some() => {
            return Err(Failure::usage("--sender is for standard, fapi2 and fapi2-ms"));
        }
        Kind::Vendor(vendor) => of_vendor(&server, vendor, &options).await?,
    };
    print(&answer, &options)
}

async fn of_vendor(
    server: &Running,
    vendor: Vendor,
    options: &TokenOptions,
) -> Result<Answer, Failure> {
    let (surface, mut http) = (server.vendor(vendor), Http::default());
    let default = match vendor {
        Vendor::Mx => return by_code(&mut http, server, surface, options).await,
        Vendor::Fintecture => "PIS",
        Vendor::Worldline => "VOP WERO",
    };
    let scope = options.scope.as_deref().unwrap_or(default);
    by_credentials(&mut http, surface, scope, options.auth.unwrap_or(Auth::Secret)).await
}

/// A client in its own name.
pub(super) async fn by_credentials(
    http: &mut Http,
    surface: &OneSurface,
    scope: &str,
    auth: Auth,
) -> Result<Answer, Failure> {
    let client = &surface.client;
    let signed;
    let mut form = vec![("grant_type", "client_credentials"), ("scope", scope)];
    match auth {
        Auth::Secret => {
            form.push(("client_id", client.client_id.as_str()));
            form.push(("client_secret", client.client_secret.as_str()));
            http.send(Ask::post(&surface.token_endpoint, form)).await
        }
        Auth::Basic => {
            let ask = Ask::post(&surface.token_endpoint, form);
            http.send(ask.basic(&client.client_id, &client.client_secret)).await
        }
        Auth::Jwt => {
            signed = assertion(surface)?;
            form.push(("client_assertion_type", ASSERTION_TYPE));
            form.push(("client_assertion", signed.as_str()));
            http.send(Ask::post(&surface.token_endpoint, form)).await
        }
        Auth::Mtls => Err(Failure::usage("--auth mtls is for fapi2 and fapi2-ms")),
    }
}

async fn by_code(
    http: &mut Http,
    server: &Running,
    surface: &OneSurface,
    options: &TokenOptions,
) -> Result<Answer, Failure> {
    match options.auth {
        None | Some(Auth::Basic) => {}
        Some(Auth::Secret | Auth::Jwt | Auth::Mtls) => {
            return Err(Failure::usage("mx takes client_secret_basic only: --auth basic"));
        }
    }
    let scope = options.scope.as_deref().unwrap_or("openid accounts");
    let (verifier, challenge) = pkce();
    let endpoint = surface.authorization_endpoint.as_deref().unwrap_or_default();
    let url = authorize_url(
        endpoint,
        &[
            ("client_id", &surface.client.client_id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("scope", scope),
        ],
    );
    let (back, _) = consent(http, &url, (&options.user, &server.password)).await?;
    let Some(code) = parameter(&back, "code") else {
        let error = parameter(&back, "error").unwrap_or_default();
        let text = parameter(&back, "error_description").unwrap_or_default();
        return Err(Failure::failed(format!("the customer was sent back with {error}: {text}")));
    };
    let form = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier.as_str()),
    ];
    let ask = Ask::post(&surface.token_endpoint, form);
    http.send(ask.basic(&surface.client.client_id, &surface.client.client_secret)).await
}

fn print(answer: &Answer, options: &TokenOptions) -> Result<(), Failure> {
    let reference = answer.reference().unwrap_or_default();
    if answer.status != 200 {
        let (status, body) = (answer.status, &answer.body);
        return Err(Failure::failed(format!("{status} {body}      reference {reference}")));
    }
    if options.json {
        super::out(&answer.body);
    } else if options.quiet {
        super::out(&answer.member("access_token").unwrap_or_default());
    } else {
        super::out(&format!("{} {}      reference {reference}", answer.status, answer.body));
    }
    Ok(())
}
