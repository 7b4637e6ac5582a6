//! Access tokens at resources: userinfo, and whatever else this server protects with its own tokens
//! (RFC 6750 §2, RFC 9449 §7, RFC 8705 §3).

use counterfoil_jose::dpop as proof;
use counterfoil_protocol::refusal::{ProofFault, Refusal};
use counterfoil_protocol::secret::Digest;

use super::{Binding, Shown, dpop};
use crate::engine::{Call, Engine};
use crate::introspect::Introspected;
use crate::store::{Batch, Change, CommitError, Expected, Key, Record};

/// An access token as it was sent.
#[derive(Clone, Copy)]
pub struct Bearing<'a> {
    /// Under which scheme of `Authorization`, or in a body, which is the same as `Bearer`.
    pub scheme: Scheme,
    /// The token.
    pub token: &'a str,
}

impl std::fmt::Debug for Bearing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bearing({:?})", self.scheme)
    }
}

/// The scheme of an `Authorization` header with an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

impl Engine {
    /// A living token in the hands of the one it is bound to. The proof is spent, and it is durable
    /// before anything is answered.
    ///
    /// # Errors
    /// [`Refusal::TokenInactive`]; [`Refusal::SchemeWrong`] for a bound token sent as any other and
    /// the other way round; [`Refusal::Proof`]; [`Refusal::CertificateMismatch`];
    /// [`Refusal::StoreUnavailable`].
    pub async fn admit(
        &self,
        call: &Call<'_>,
        sent: Bearing<'_>,
        shown: &Shown<'_>,
    ) -> Result<Introspected, Refusal> {
        let seen = self.look(call.issuer, sent.token).await?.ok_or(Refusal::TokenInactive)?;
        match (seen.active.binding, sent.scheme) {
            (None, Scheme::Bearer) => {}
            (Some(Binding::Key(key)), Scheme::Dpop) => {
                self.prove_at_resource(call, sent.token, shown, &key).await?;
            }
            (Some(Binding::Certificate(certificate)), Scheme::Bearer) => {
                let peer = shown.certificate.ok_or(Refusal::CertificateMismatch)?;
                if Digest::known(peer.certificate.sha256()) != certificate {
                    return Err(Refusal::CertificateMismatch);
                }
            }
            (None | Some(Binding::Certificate(_)), Scheme::Dpop)
            | (Some(Binding::Key(_)), Scheme::Bearer) => return Err(Refusal::SchemeWrong),
        }
        Ok(seen)
    }

    async fn prove_at_resource(
        &self,
        call: &Call<'_>,
        token: &str,
        shown: &Shown<'_>,
        key: &Digest,
    ) -> Result<(), Refusal> {
        let rules = &call.policy.sender;
        let profile = rules.proofs.unwrap_or(&proof::RFC9449);
        let now = self.clock.now();
        let verified = dpop::prove(shown, Some(token), (profile, rules), call.issuer, now)?;
        if Digest::known(verified.thumbprint) != *key {
            return Err(ProofFault::KeyMismatch.into());
        }
        let key = Key::Replay(call.issuer.tenant.id.clone(), dpop::replay(&verified));
        let next = Some(Record::Replay);
        let used = Change { key, expected: Expected::Absent, next };
        let batch = Batch { changes: vec![used], ..Batch::default() };
        match self.commit(batch).await {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(ProofFault::Replayed.into()),
            Err(CommitError::Unavailable) => Err(Refusal::StoreUnavailable),
        }
    }
}
