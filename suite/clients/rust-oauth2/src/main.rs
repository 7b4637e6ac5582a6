//! The crate oauth2, unchanged: Worldline and Fintecture by client_credentials, MX by code.

mod http;

use std::fmt::Debug;
use std::process::ExitCode;
use std::time::Duration;

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge,
    RedirectUrl, RefreshToken, RequestTokenError, RevocationUrl, Scope, StandardRevocableToken,
    TokenResponse, TokenUrl,
};
use serde_json::Value;

const CALLBACK: &str = "http://127.0.0.1:8099/callback";

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
fn code<E: Debug + std::error::Error>(
    why: RequestTokenError<E, oauth2::basic::BasicErrorResponse>,
) -> BasicErrorResponseType {
    match why {
        RequestTokenError::ServerResponse(told) => told.error().clone(),
        other => panic!("{other:?}"),
    }
}

fn scopes(token: &BasicTokenResponse) -> String {
    let scopes = token.scopes().expect("scopes").iter();
    scopes.map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let sandbox = std::env::var("COUNTERFOIL_SANDBOX").expect("COUNTERFOIL_SANDBOX");
    let sandbox: Value = serde_json::from_str(&sandbox).expect("JSON");
    let said =
        |path: &str| sandbox.pointer(path).and_then(Value::as_str).expect("a value").to_owned();
    http::trust(&said("/ca"), &said("/https"));
    let client = |surface: &str, secret: Option<&str>| {
        let of = |name: &str| said(&format!("/surfaces/{surface}/{name}"));
        let secret = secret.map_or_else(|| of("client/client_secret"), str::to_owned);
        BasicClient::new(ClientId::new(of("client/client_id")))
            .set_client_secret(ClientSecret::new(secret))
            .set_token_uri(TokenUrl::new(of("token_endpoint")).expect("a URL"))
    };
    let mut failed = false;

    for (name, auth) in [("basic", AuthType::BasicAuth), ("post", AuthType::RequestBody)] {
        let realm = client("worldline", None).set_auth_type(auth.clone());
        call(&mut failed, &format!("worldline {name}"), || {
            let request = realm.exchange_client_credentials();
            let request =
                request.add_scope(Scope::new("VOP".into())).add_scope(Scope::new("WERO".into()));
            let token = request.request(&http::send).expect("a token");
            assert_eq!(scopes(&token), "VOP WERO");
            assert_eq!(token.expires_in(), Some(Duration::from_secs(300)));
            assert!(token.refresh_token().is_none());
        });
        let stranger = client("worldline", Some("wrong")).set_auth_type(auth);
        call(&mut failed, &format!("worldline {name}, wrong secret"), || {
            let request =
                stranger.exchange_client_credentials().add_scope(Scope::new("VOP".into()));
            let why = request.request(&http::send).expect_err("a refusal");
            assert_eq!(code(why), BasicErrorResponseType::InvalidClient);
        });
    }
    let app = client("fintecture", None);
    call(&mut failed, "fintecture PIS", || {
        let request = app.exchange_client_credentials().add_scope(Scope::new("PIS".into()));
        let token = request.request(&http::send).expect("a token");
        assert_eq!(token.expires_in(), Some(Duration::from_secs(3600)));
        assert_eq!(scopes(&token), "PIS");
    });

    let of = |name: &str| said(&format!("/surfaces/mx/{name}"));
    let app = client("mx", None)
        .set_auth_uri(AuthUrl::new(of("authorization_endpoint")).expect("a URL"))
        .set_redirect_uri(RedirectUrl::new(CALLBACK.into()).expect("a URL"))
        // The crate wants https here; `http::send` does not look at the scheme at this address.
        .set_revocation_url(
            RevocationUrl::new(of("revocation_endpoint").replace("http:", "https:"))
                .expect("a URL"),
        );
    let base = said("/http");
    let redeem = |spoil: bool| {
        let (challenge, mut verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = app
            .authorize_url(CsrfToken::new_random)
            .add_scopes(["openid", "accounts"].map(|scope| Scope::new(scope.into())))
            .set_pkce_challenge(challenge)
            .url();
        let back = http::customer(&base, url.as_str()) + "&";
        assert_eq!(http::between(&back, "state=", "&"), Some(state.secret().as_str()));
        let code = http::between(&back, "code=", "&").expect("a code").to_owned();
        if spoil {
            verifier = PkceCodeChallenge::new_random_sha256().1;
        }
        app.exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(verifier)
            .request(&http::send)
    };
    let refresh = |token: &RefreshToken| app.exchange_refresh_token(token).request(&http::send);

    let first = call(&mut failed, "mx code", || {
        let token = redeem(false).expect("a token");
        assert_eq!(token.expires_in(), Some(Duration::from_secs(600)));
        assert_eq!(scopes(&token), "openid accounts");
        token.refresh_token().expect("a refresh token").clone()
    });
    call(&mut failed, "mx wrong code_verifier", || {
        assert_eq!(
            code(redeem(true).expect_err("a refusal")),
            BasicErrorResponseType::InvalidGrant
        );
    });
    let Some(first) = first else { return ExitCode::FAILURE };
    let second = call(&mut failed, "mx refresh: rotated", || {
        let token = refresh(&first).expect("a token");
        let token = token.refresh_token().expect("a refresh token").clone();
        assert_ne!(token.secret(), first.secret());
        token
    });
    let Some(second) = second else { return ExitCode::FAILURE };
    call(&mut failed, "mx refresh again: the identical successor", || {
        let token = refresh(&first).expect("a token");
        assert_eq!(token.refresh_token().map(|t| t.secret()), Some(second.secret()));
    });
    call(&mut failed, "mx revoke", || {
        let token = StandardRevocableToken::RefreshToken(second.clone());
        app.revoke_token(token).expect("a revocation URL").request(&http::send).expect("an answer");
    });
    call(&mut failed, "mx refresh after it", || {
        assert_eq!(
            code(refresh(&second).expect_err("a refusal")),
            BasicErrorResponseType::InvalidGrant
        );
    });
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
