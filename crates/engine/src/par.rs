//! Pushed authorization requests (RFC 9126): the client proves who it is before a customer is
//! bothered, and the browser carries a name instead of the request.

use counterfoil_protocol::form::Form;
use counterfoil_protocol::ids::PushedId;
use counterfoil_protocol::refusal::{AuthorizeFault, Fault, ProofFault, Refusal};
use counterfoil_protocol::secret::Digest;

use crate::authorize::{AuthorizeError, Received, URN, Unpacked, written};
use crate::client_auth::Presented;
use crate::engine::{Call, Decided, Engine, Settle};
use crate::handle::Salt;
use crate::limits::{INTERACTION_TTL_S, PUSHED_TTL_S};
use crate::policy::SignedRequests;
use crate::pushed::Pushed;
use crate::sender::Binding;
use crate::store::{Key, Record};

/// A request that was taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// What the browser carries to the authorization endpoint.
    pub request_uri: String,
    /// For how many seconds.
    pub expires_in_s: u64,
}

/// What authenticates the client is no part of the request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

impl Engine {
    /// Takes a request, or refuses it as the authorization endpoint would.
    ///
    /// # Errors
    /// Why the client could not be authenticated; what is wrong with the request; the store's.
    pub async fn push(
        &self,
        call: &mut Call<'_>,
        presented: &Presented<'_>,
        form: &Form<'_>,
    ) -> Result<Taken, Refusal> {
        let surface = Some(call.policy.name);
        let client = self.authenticate(call, presented, &call.policy.client_auth, surface).await?;
        let client = client.possessing(call, (&presented.shown, false), self.clock.now())?;
        // A certificate is of the connection; a code is bound to keys only (RFC 9449 §10).
        let sender = match client.binding() {
            Some(Binding::Key(key)) => Some(key),
            Some(Binding::Certificate(_)) | None => None,
        };
        let request = match self.request_of(call, &client, form) {
            Ok(request) => self.acceptable(call, client.id.as_str(), request, sender).await,
            Err(why) => Err(why),
        };
        let tenant = call.issuer.tenant.id.clone();
        let with = Settle {
            guards: &[client.guard(call.issuer)],
            // Used by this request whatever comes of it.
            replay: client.replay(call.issuer),
            quiet: false,
        };
        self.settle(
            call,
            with,
            |_| vec![],
            |ctx, _| {
                let request = match &request {
                    Ok(request) => request,
                    Err(why) => return Decided::refuse(*why),
                };
                let pushed = Pushed {
                    id: PushedId::mint(ctx.now, ctx.entropy.bytes32()),
                    client: client.id.clone(),
                    form: request.clone(),
                    sender,
                    expires: ctx.now.after(PUSHED_TTL_S),
                    // An authorization that begins in the last moment may take its whole time.
                    ends: ctx.now.after(PUSHED_TTL_S + INTERACTION_TTL_S),
                    spent: false,
                    salt: Salt::mint(ctx.entropy),
                    key: ctx.issuer.ring.active(),
                };
                let Some(handle) = pushed.handle(&ctx.issuer.ring) else {
                    return Decided::refuse(Refusal::Internal);
                };
                let request_uri = format!("{URN}{}", handle.to_wire());
                let key = Key::Pushed(tenant.clone(), pushed.id);
                Decided {
                    changes: vec![(key, Some(Record::Pushed(Box::new(pushed))))],
                    notes: client.notes(),
                    outcome: Ok(Taken { request_uri, expires_in_s: PUSHED_TTL_S }),
                }
            },
        )
        .await
    }

    /// The parameters that count: those of the request object if there is one, and then no others.
    fn request_of(
        &self,
        call: &Call<'_>,
        client: &crate::client::Client,
        form: &Form<'_>,
    ) -> Result<Box<str>, Refusal> {
        // RFC 9126 §2.1: a pushed request refers to no other.
        if form.one("request_uri")?.is_some() {
            return Err(Refusal::Parameter("request_uri", Fault::Conflicting));
        }
        match (call.policy.authorization.signed, form.one("request")?) {
            (SignedRequests::Never, Some(_)) => {
                Err(Refusal::Authorize(AuthorizeFault::RequestNotSupported))
            }
            (SignedRequests::Required(_), None) => {
                Err(Refusal::Authorize(AuthorizeFault::RequestObjectMissing))
            }
            (SignedRequests::Taken(profile) | SignedRequests::Required(profile), Some(raw)) => {
                self.opened(call, client, raw, profile)
            }
            (SignedRequests::Never | SignedRequests::Taken(_), None) => {
                Ok(written(form.iter().filter(|(name, _)| !CREDENTIALS.contains(name))))
            }
        }
    }

    /// The request, if the authorization endpoint would go on with it.
    async fn acceptable(
        &self,
        call: &Call<'_>,
        client_id: &str,
        request: Box<str>,
        sender: Option<Digest>,
    ) -> Result<Box<str>, Refusal> {
        let form = Form::decode(request.as_bytes())?;
        let unpacked = Unpacked::by_client();
        let received =
            Received { form: &form, client_id, default_scope: None, unpacked: &unpacked };
        match self.validate(call, received).await {
            Ok(valid) if !valid.fits(sender.as_ref()) => Err(ProofFault::KeyMismatch.into()),
            Ok(_) => Ok(request),
            Err(AuthorizeError::Show { why, .. } | AuthorizeError::Redirect { why, .. }) => {
                Err(why)
            }
        }
    }
}
