//! The ways in which a client of these surfaces can speak for itself.

use super::discovered::Endpoint;
use crate::cli::arguments::{Auth, Sender};
use crate::cli::play::OpenIdClient;
use crate::failure::Failure;

/// How it proves who it is, and what its tokens are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) auth: Auth,
    pub(super) sender: Option<Sender>,
}

impl Manner {
    /// As asked for, as far as the client can.
    pub(super) fn of(
        client: &OpenIdClient,
        auth: Option<Auth>,
        sender: Option<Sender>,
    ) -> Result<Self, Failure> {
        let by_secret = client.client_secret.is_some();
        let (default, bound) =
            if by_secret { (Auth::Basic, None) } else { (Auth::Jwt, Some(Sender::Dpop)) };
        let manner = Self { auth: auth.unwrap_or(default), sender: sender.or(bound) };
        if by_secret != manner.by_secret() {
            let other = if by_secret { "basic or secret" } else { "jwt or mtls" };
            return Err(Failure::usage(format!("this surface takes --auth {other}")));
        }
        if by_secret && sender == Some(Sender::Mtls) {
            return Err(Failure::usage("this surface binds tokens to a key only: --sender dpop"));
        }
        Ok(manner)
    }

    pub(super) fn by_secret(self) -> bool {
        matches!(self.auth, Auth::Basic | Auth::Secret)
    }

    /// Whether an endpoint is called with the certificate. Pushing a request binds nothing, so only
    /// authentication counts there.
    pub(super) fn by_certificate(self, endpoint: Endpoint) -> bool {
        let (proves, binds) = (self.auth == Auth::Mtls, self.sender == Some(Sender::Mtls));
        match endpoint {
            Endpoint::Par | Endpoint::Revocation => proves,
            Endpoint::Token => proves || binds,
            Endpoint::UserInfo => binds,
        }
    }

    pub(super) fn proves_key(self, endpoint: Endpoint) -> bool {
        self.sender == Some(Sender::Dpop) && endpoint != Endpoint::Revocation
    }

    /// The methods by their registered names.
    pub(super) fn spelled(self, endpoint: Endpoint) -> String {
        let auth = match self.auth {
            Auth::Secret => "client_secret_post",
            Auth::Basic => "client_secret_basic",
            Auth::Jwt => "private_key_jwt",
            Auth::Mtls => "tls_client_auth",
        };
        let more = match self.sender {
            Some(Sender::Dpop) if self.proves_key(endpoint) => ", DPoP",
            Some(Sender::Mtls) if endpoint == Endpoint::Token => ", mTLS",
            Some(Sender::Dpop | Sender::Mtls) | None => "",
        };
        format!("{auth}{more}")
    }
}
