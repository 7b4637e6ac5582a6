//! A client that authenticates and binds its tokens in one of the ways of its surface.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;

use super::discovered::{Discovered, Endpoint};
use super::manner::Manner;
use super::messages::{self, Named, Parties};
use super::verified::Keys;
use crate::cli::arguments::{Auth, Sender};
use crate::cli::http::{Answer, Ask, Http};
use crate::cli::play::{OpenIdSurface, Running, path};
use crate::cli::steps::Steps;
use crate::cli::token::ASSERTION_TYPE;
use crate::failure::Failure;

/// See the module.
pub(super) struct Player<'s> {
    surface: &'s OpenIdSurface,
    pub(super) server: Discovered,
    pub(super) keys: Keys,
    pub(super) manner: Manner,
    pub(super) http: Http,
    mtls: &'s str,
    signing: Option<Named>,
    proving: SigningKey,
    /// It proves the key that it signs with, not one of this flow alone.
    own: bool,
    nonce: Option<String>,
}

impl<'s> Player<'s> {
    /// Reads what the server says of itself, and what the client has.
    pub(super) async fn begin(
        running: &'s Running,
        surface: &'s OpenIdSurface,
        manner: Manner,
        steps: &mut Steps,
    ) -> Result<Self, Failure> {
        let client = &surface.client;
        let identity = client.certificate.as_deref().zip(client.certificate_key.as_deref());
        let mut http = Http::trusting(&running.ca, identity)?;
        let (server, keys) = Discovered::find(&mut http, surface, steps).await?;
        let signing = match client.jwks {
            Some(_) => {
                let (key, kid) = running.key_of(client, Alg::ES256)?;
                Some(Named { key, kid })
            }
            None => None,
        };
        let made = SigningKey::generate(Alg::ES256);
        let (proving, _) = made.map_err(|e| Failure::failed(format!("no key: {e}")))?;
        let (mtls, own, nonce) = (running.mtls.as_str(), false, None);
        Ok(Self { surface, server, keys, manner, http, mtls, signing, proving, own, nonce })
    }

    /// Proves a key of the client's own set from now on. Its name.
    pub(super) fn prove_own_key(&mut self) -> Result<String, Failure> {
        self.own = true;
        Ok(self.signing()?.kid.clone())
    }

    fn proving(&self) -> &SigningKey {
        let own = self.signing.as_ref().filter(|_| self.own);
        own.map_or(&self.proving, |named| &named.key)
    }

    /// Remembers a nonce that the server will not take, as after a long pause.
    pub(super) fn with_an_old_nonce(&mut self) {
        self.nonce = Some("of-an-earlier-day".into());
    }

    pub(super) fn id(&self) -> &'s str {
        &self.surface.client.client_id
    }

    pub(super) fn parties(&self) -> Parties<'_> {
        Parties { client: self.id(), issuer: &self.server.issuer }
    }

    /// The key of its assertions and request objects.
    pub(super) fn signing(&self) -> Result<&Named, Failure> {
        self.signing.as_ref().ok_or(Failure::usage("this client has no key of its own"))
    }

    /// How a step at an endpoint is told.
    pub(super) fn told(&self, endpoint: Endpoint) -> String {
        let url = self.server.url(endpoint, self.manner.by_certificate(endpoint));
        format!("POST {}  {}", path(url), self.manner.spelled(endpoint))
    }

    /// A form with the client's authentication and, where tokens are bound to a key, a proof of it.
    pub(super) async fn post(
        &mut self,
        steps: &mut Steps,
        endpoint: Endpoint,
        form: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let answer = self.post_once(endpoint, form).await?;
        if !self.was_told_a_nonce(steps, &self.told(endpoint), &answer) {
            return Ok(answer);
        }
        self.post_once(endpoint, form).await
    }

    async fn post_once(
        &mut self,
        endpoint: Endpoint,
        form: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let by_certificate = self.manner.by_certificate(endpoint);
        let url = self.server.url(endpoint, by_certificate).to_owned();
        let client = &self.surface.client;
        let secret = client.client_secret.as_deref().unwrap_or_default();
        let mut form = form.to_vec();
        let named = form.iter().any(|(name, _)| *name == "client_id");
        let assertion = match self.manner.auth {
            Auth::Jwt => self.signing()?.assertion(self.parties(), 0)?,
            Auth::Secret | Auth::Basic | Auth::Mtls => String::new(),
        };
        match self.manner.auth {
            Auth::Basic => {}
            Auth::Jwt => form.extend([
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.as_str()),
            ]),
            Auth::Secret | Auth::Mtls if !named => form.push(("client_id", &client.client_id)),
            Auth::Secret | Auth::Mtls => {}
        }
        if self.manner.auth == Auth::Secret {
            form.push(("client_secret", secret));
        }
        let mut ask = Ask::post(&url, form);
        if self.manner.auth == Auth::Basic {
            ask = ask.basic(&client.client_id, secret);
        }
        if self.manner.proves_key(endpoint) {
            let nonce = self.nonce.as_deref();
            let proof = messages::proof(self.proving(), ("POST", &url), None, nonce)?;
            ask.headers.push(("dpop", proof));
        }
        self.http.send(ask).await
    }

    /// Whether the server wants to be asked again with a nonce of its own (RFC 9449 §8).
    fn was_told_a_nonce(&mut self, steps: &mut Steps, what: &str, answer: &Answer) -> bool {
        let Some(nonce) = answer.header("dpop-nonce") else { return false };
        self.nonce = Some(nonce.to_owned());
        let refused = answer.status == 400 || answer.status == 401;
        if refused {
            steps.say(
                "nonce",
                what,
                Some(answer),
                "use_dpop_nonce: once more, with the nonce in it",
            );
        }
        refused
    }

    /// `GET` with the access token, as its sender. `proven` is false for somebody who has the token and
    /// nothing else.
    pub(super) async fn get(
        &mut self,
        steps: &mut Steps,
        url: &str,
        token: &str,
        proven: bool,
    ) -> Result<Answer, Failure> {
        let answer = self.get_once(url, token, proven).await?;
        let what = format!("GET  {}", path(url));
        if !self.was_told_a_nonce(steps, &what, &answer) {
            return Ok(answer);
        }
        self.get_once(url, token, proven).await
    }

    async fn get_once(&mut self, url: &str, token: &str, proven: bool) -> Result<Answer, Failure> {
        let mut ask = Ask::get(url);
        let by_key = self.manner.sender == Some(Sender::Dpop);
        ask.authorization = Some(format!("{} {token}", if by_key { "DPoP" } else { "Bearer" }));
        if by_key && proven {
            let nonce = self.nonce.as_deref();
            let proof = messages::proof(self.proving(), ("GET", url), Some(token), nonce)?;
            ask.headers.push(("dpop", proof));
        }
        self.http.send(ask).await
    }

    /// The demo resource, on the listener where the token can be shown to be the client's; `elsewhere`
    /// is the other one.
    pub(super) fn resource(&self, elsewhere: bool) -> String {
        let plain = &self.surface.resource;
        let asking = self.manner.sender == Some(Sender::Mtls) && !elsewhere;
        if asking { format!("{}{}", self.mtls, path(plain)) } else { plain.clone() }
    }
}
