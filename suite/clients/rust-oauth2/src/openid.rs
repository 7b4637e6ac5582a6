//! The crate openidconnect, unchanged: plain OpenID Connect by discovery.

mod http;

use std::process::ExitCode;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreClientRegistrationRequest,
    CoreErrorResponseType, CoreGrantType, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::registration::EmptyAdditionalClientMetadata;
use openidconnect::{
    AccessToken, AccessTokenHash, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IntrospectionUrl, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, RequestTokenError, RevocationUrl, Scope,
    StandardErrorResponse, TokenIntrospectionResponse, TokenResponse,
};
use serde_json::Value;

const CALLBACK: &str = "http://127.0.0.1:8099/callback";

/// A client with everything that metadata and these tests give it.
type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointSet,
    EndpointSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// One call of the crate: a panic of an assertion is its failure.
fn call<T>(failed: &mut bool, name: &str, body: impl FnOnce() -> T) -> Option<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)) {
        Ok(value) => {
            println!("ok {name}");
            Some(value)
        }
        Err(why) => {
            let text = why.downcast_ref::<String>().cloned();
            let text = text.or(why.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            println!("FAILED {name}: {}", text.unwrap_or_default().replace('\n', " "));
            *failed = true;
            None
        }
    }
}

/// The code of the error body.
fn code<E: std::error::Error + 'static>(
    why: RequestTokenError<E, StandardErrorResponse<CoreErrorResponseType>>,
) -> CoreErrorResponseType {
    match why {
        RequestTokenError::ServerResponse(told) => told.error().clone(),
        other => panic!("{other:?}"),
    }
}

/// What an authorization brings: the code, and what belongs to it.
struct Came {
    code: AuthorizationCode,
    verifier: openidconnect::PkceCodeVerifier,
    nonce: Nonce,
}

fn authorize(client: &Client, issuer: &str) -> Came {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.into())))
        .set_pkce_challenge(challenge)
        .url();
    let bank = url.origin().ascii_serialization();
    let back = openidconnect::url::Url::parse(&http::customer(&bank, url.as_str())).expect("a URL");
    let parameter = |name: &str| {
        let found = back.query_pairs().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).expect("a parameter")
    };
    assert_eq!(parameter("state"), *state.secret());
    assert_eq!(parameter("iss"), issuer);
    Came { code: AuthorizationCode::new(parameter("code")), verifier, nonce }
}

fn redeem(client: &Client, came: Came) -> (CoreTokenResponse, Nonce) {
    let request = client.exchange_code(came.code).expect("a token endpoint");
    let token = request.set_pkce_verifier(came.verifier).request(&http::send).expect("tokens");
    (token, came.nonce)
}

/// The ID token, with everything that the crate can check of it.
fn login(
    client: &Client,
    token: &CoreTokenResponse,
    nonce: &Nonce,
    alg: CoreJwsSigningAlgorithm,
) -> CoreIdTokenClaims {
    let verifier = client.id_token_verifier().set_allowed_algs([alg.clone()]);
    let signed: &CoreIdToken = token.id_token().expect("an ID token");
    let claims = signed.claims(&verifier, nonce).expect("claims").clone();
    assert_eq!(*signed.signing_alg().expect("an algorithm"), alg);
    let key = signed.signing_key(&verifier).expect("its key");
    let hash = AccessTokenHash::from_token(token.access_token(), &alg, key).expect("a hash");
    assert_eq!(claims.access_token_hash(), Some(&hash));
    claims
}

fn userinfo(client: &Client, token: &AccessToken, claims: &CoreIdTokenClaims) {
    let request = client.user_info(token.clone(), Some(claims.subject().clone()));
    let told: CoreUserInfoClaims =
        request.expect("a userinfo endpoint").request(&http::send).expect("claims");
    let name = told.name().and_then(|name| name.get(None)).expect("a name");
    assert_eq!(name.as_str(), "Ada Lovelace");
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let sandbox = std::env::var("COUNTERFOIL_SANDBOX").expect("COUNTERFOIL_SANDBOX");
    let sandbox: Value = serde_json::from_str(&sandbox).expect("JSON");
    let text =
        |path: &str| sandbox.pointer(path).and_then(Value::as_str).expect("a value").to_owned();
    let said = |name: &str| text(&format!("/surfaces/standard/{name}"));
    http::trust(&text("/ca"), &text("/https"));
    let mut failed = false;
    let issuer = said("issuer");

    let discover = || {
        let url = IssuerUrl::new(issuer.clone()).expect("a URL");
        CoreProviderMetadata::discover(&url, &http::send).expect("metadata and keys")
    };
    let found = call(&mut failed, "standard discovery", || {
        let found = discover();
        assert_eq!(found.issuer().as_str(), issuer);
        found
    });
    let Some(found) = found else { return ExitCode::FAILURE };
    let client_of = |found: &CoreProviderMetadata, id: &str, secret: &str| -> Client {
        let redirect = RedirectUrl::new(CALLBACK.into()).expect("a URL");
        let (id, secret) = (ClientId::new(id.into()), ClientSecret::new(secret.into()));
        let at = |path: &str| format!("{issuer}{path}");
        CoreClient::from_provider_metadata(found.clone(), id, Some(secret))
            .set_redirect_uri(redirect)
            .set_revocation_url(RevocationUrl::new(at("/revoke")).expect("a URL"))
            .set_introspection_url(IntrospectionUrl::new(at("/introspect")).expect("a URL"))
    };
    let client = |id: &str, secret: &str| client_of(&found, id, secret);
    let (id, secret) = (said("client/client_id"), said("client/client_secret"));
    let server = client(&said("resource_server/client_id"), &said("resource_server/client_secret"));
    let active = |token: &AccessToken| {
        server.introspect(token).request(&http::send).expect("an answer").active()
    };

    for (how, auth) in [("basic", AuthType::BasicAuth), ("post", AuthType::RequestBody)] {
        let app = client(&id, &secret).set_auth_type(auth.clone());
        let first = call(&mut failed, &format!("standard {how}: code, ID token, at_hash"), || {
            let (token, nonce) = redeem(&app, authorize(&app, &issuer));
            assert_eq!(token.expires_in(), Some(Duration::from_secs(600)));
            let alg = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
            let claims = login(&app, &token, &nonce, alg);
            (token, claims)
        });
        let Some((token, claims)) = first else { continue };
        call(&mut failed, &format!("standard {how}: userinfo"), || {
            userinfo(&app, token.access_token(), &claims);
        });
        let second = call(&mut failed, &format!("standard {how}: refresh, rotated"), || {
            let old = token.refresh_token().expect("a refresh token");
            let request = app.exchange_refresh_token(old).expect("a token endpoint");
            let next = request.request(&http::send).expect("tokens");
            assert_ne!(next.refresh_token().map(|t| t.secret()), Some(old.secret()));
            assert!(active(token.access_token()) && active(next.access_token()));
            next
        });
        let Some(second) = second else { continue };
        call(&mut failed, &format!("standard {how}: revoke"), || {
            let newest = second.refresh_token().expect("a refresh token").clone();
            let request = app.revoke_token(newest.into()).expect("a revocation endpoint");
            request.request(&http::send).expect("an answer");
            assert!(!active(token.access_token()) && !active(second.access_token()));
        });
        call(&mut failed, &format!("standard {how}: a nonce that was not sent"), || {
            let (token, _) = redeem(&app, authorize(&app, &issuer));
            let signed = token.id_token().expect("an ID token");
            assert!(signed.claims(&app.id_token_verifier(), &Nonce::new_random()).is_err());
        });
        call(&mut failed, &format!("standard {how}: wrong code_verifier"), || {
            let came = authorize(&app, &issuer);
            let (_, verifier) = PkceCodeChallenge::new_random_sha256();
            let request = app.exchange_code(came.code).expect("a token endpoint");
            let refused = request.set_pkce_verifier(verifier).request(&http::send);
            let why = code(refused.expect_err("a refusal"));
            assert_eq!(why, CoreErrorResponseType::InvalidGrant);
        });
        call(&mut failed, &format!("standard {how}: wrong secret"), || {
            let stranger = client(&id, "wrong").set_auth_type(auth);
            let request = stranger.exchange_client_credentials().expect("a token endpoint");
            let request = request.add_scope(Scope::new("profile".into()));
            let why = code(request.request(&http::send).expect_err("a refusal"));
            assert_eq!(why, CoreErrorResponseType::InvalidClient);
        });
    }

    let algs = [
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ];
    for alg in algs {
        let name = serde_json::to_string(&alg).expect("a name");
        let name = format!("standard: a client registers and has its ID tokens signed with {name}");
        call(&mut failed, &name, || {
            let redirect = vec![RedirectUrl::new(CALLBACK.into()).expect("a URL")];
            let url = found.registration_endpoint().expect("a registration endpoint");
            let none = EmptyAdditionalClientMetadata {};
            let told = CoreClientRegistrationRequest::new(redirect, none)
                .set_initial_access_token(Some(AccessToken::new(said("initial_access_token"))))
                .set_token_endpoint_auth_method(Some(CoreClientAuthMethod::ClientSecretBasic))
                .set_grant_types(Some(vec![
                    CoreGrantType::AuthorizationCode,
                    CoreGrantType::RefreshToken,
                ]))
                .set_id_token_signed_response_alg(Some(alg.clone()))
                .register(url, &http::send)
                .expect("a client");
            let secret = told.client_secret().expect("a secret").secret();
            // A key of another algorithm is made for its first client.
            let app = client_of(&discover(), told.client_id(), secret);
            let (token, nonce) = redeem(&app, authorize(&app, &issuer));
            login(&app, &token, &nonce, alg);
        });
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
