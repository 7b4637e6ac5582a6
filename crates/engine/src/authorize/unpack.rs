//! Where the parameters of an authorization request really stand: in the request itself, in a pushed
//! one (RFC 9126 §4) or in a request object (RFC 9101 §5). One place counts, never a mixture.

use counterfoil_jose::alg::Alg;
use counterfoil_jose::request_object::{self, From};
use counterfoil_protocol::form::{Form, encode};
use counterfoil_protocol::ids::{ClientId, PushedId};
use counterfoil_protocol::refusal::{AuthorizeFault, Refusal};
use counterfoil_protocol::secret::Digest;

use super::validate::{AuthorizeError, trust};
use crate::client::Client;
use crate::engine::{Call, Engine};
use crate::handle::{RequestUri, Sealed};
use crate::policy::{PushedRequests, SignedRequests};
use crate::store::{Key, Record};

/// What stands before the handle of a pushed request (RFC 9126 §2.2).
pub(crate) const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// Parameters that came another way than in the request itself, and what came with them.
#[derive(Debug, Default)]
pub struct Unpacked {
    form: Option<Box<str>>,
    /// Whether the client itself said it: pushed, or signed.
    pub(super) by_client: bool,
    pub(super) sender: Option<Digest>,
    pub(super) pushed: Option<PushedId>,
}

impl Unpacked {
    /// The parameters of a request that is being pushed.
    pub(crate) fn by_client() -> Self {
        Self { by_client: true, ..Self::default() }
    }

    /// The parameters that count instead of those of the request, as a form.
    #[must_use]
    pub fn form(&self) -> Option<&str> {
        self.form.as_deref()
    }
}

impl Engine {
    /// Finds the parameters that count.
    ///
    /// # Errors
    /// Where and how to say no. A `request_uri` that does not open is a page: only what it stands for
    /// says where to redirect.
    pub async fn unpack(
        &self,
        call: &Call<'_>,
        client_id: &str,
        form: &Form<'_>,
    ) -> Result<Unpacked, AuthorizeError> {
        let show = AuthorizeError::show;
        let rules = call.policy.authorization;
        let sent = form.one("request_uri").map_err(show)?;
        if let Some(raw) = sent.and_then(|uri| uri.strip_prefix(URN))
            && rules.pushed != PushedRequests::Never
        {
            return self.pushed(call, client_id, raw).await.map_err(show);
        }
        if rules.pushed == PushedRequests::Required {
            return Err(show(Refusal::Authorize(AuthorizeFault::PushedRequired)));
        }
        let object = form.one("request").map_err(show)?;
        let SignedRequests::Taken(profile) = rules.signed else { return Ok(Unpacked::default()) };
        let Some(raw) = object else { return Ok(Unpacked::default()) };
        let id = ClientId::parse(client_id).map_err(|_| show(Refusal::ClientUnknown))?;
        let found = self.client(&call.issuer.tenant.id, &id).await.map_err(show)?;
        let (client, _) = found.ok_or(show(Refusal::ClientUnknown))?;
        match self.opened(call, &client, raw, profile) {
            Ok(form) => Ok(Unpacked { form: Some(form), ..Unpacked::by_client() }),
            // Who sent it is not proven: it goes where this client may be answered, or nowhere.
            Err(why) => Err(match trust(&client, form) {
                Ok(to) => AuthorizeError::redirect(to, &client, call.policy, why),
                Err(_) => show(why),
            }),
        }
    }

    /// The request that was pushed under a `request_uri`.
    async fn pushed(
        &self,
        call: &Call<'_>,
        client_id: &str,
        raw: &str,
    ) -> Result<Unpacked, Refusal> {
        let ring = &call.issuer.ring;
        let sealed: Sealed<RequestUri> =
            Sealed::open(raw, ring).ok_or(Refusal::Authorize(AuthorizeFault::PushedUnknown))?;
        let key = Key::Pushed(call.issuer.tenant.id.clone(), PushedId(sealed.record()));
        let found = self.store.read(&[key]).await?.pop().flatten().map(|v| v.record);
        let Some(Record::Pushed(pushed)) = found else {
            // Its record is swept some time after it expired.
            let expired = sealed.expires() <= self.clock.now();
            return Err(if expired {
                Refusal::Authorize(AuthorizeFault::PushedExpired)
            } else {
                Refusal::Authorize(AuthorizeFault::PushedUnknown)
            });
        };
        let proven = sealed.prove(&pushed.salt, ring).is_some();
        if !proven || pushed.client.as_str() != client_id {
            return Err(Refusal::Authorize(AuthorizeFault::PushedUnknown));
        }
        if pushed.spent {
            return Err(Refusal::Authorize(AuthorizeFault::PushedSpent));
        }
        if pushed.expires <= self.clock.now() {
            return Err(Refusal::Authorize(AuthorizeFault::PushedExpired));
        }
        let (sender, id) = (pushed.sender, Some(pushed.id));
        Ok(Unpacked { form: Some(pushed.form), by_client: true, sender, pushed: id })
    }

    /// The parameters of a request object, as a form.
    pub(crate) fn opened(
        &self,
        call: &Call<'_>,
        client: &Client,
        raw: &str,
        profile: &request_object::Profile,
    ) -> Result<Box<str>, Refusal> {
        let registered = client.metadata.request_object_alg.as_deref();
        let allowed: Vec<Alg> = match registered {
            Some(name) => Alg::parse(name).into_iter().collect(),
            None => call.policy.algs.to_vec(),
        };
        let allowed: Vec<Alg> =
            allowed.into_iter().filter(|alg| call.policy.algs.contains(alg)).collect();
        let from = From { client: &client.id, keys: client.verifying_keys(), allowed: &allowed };
        let signed = request_object::open(raw, profile, from, &call.issuer.url, self.clock.now())?;
        let pairs = signed.parameters.iter().map(|(name, value)| (&**name, &**value));
        Ok(written(pairs))
    }
}

/// Names and values as a form.
pub(crate) fn written<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Box<str> {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(value));
    }
    out.into()
}
