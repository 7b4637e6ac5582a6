//! The `DPoP` header against the rules of a surface (RFC 9449 §4.3, §8).

use counterfoil_jose::dpop::{Expected, Fresh, Profile, Received, Verified};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{ProofFault, Refusal};

use super::{ProofHeader, Shown};
use crate::keys::Issuer;
use crate::policy::{NonceRule, SenderRules};
use crate::store::ReplayId;

/// The proof of a request. `token` is the access token that comes with it, at resources.
///
/// # Errors
/// [`Refusal::Proof`].
pub(super) fn prove(
    shown: &Shown<'_>,
    token: Option<&str>,
    (profile, rules): (&'static Profile, &SenderRules),
    issuer: &Issuer,
    now: Moment,
) -> Result<Verified, Refusal> {
    let raw = match shown.proof {
        ProofHeader::Absent => return Err(ProofFault::Missing.into()),
        ProofHeader::Repeated => return Err(ProofFault::Repeated.into()),
        ProofHeader::One(raw) => raw,
    };
    let received = Received::parse(raw)?;
    let fresh = match (received.nonce(), rules.nonce) {
        (None, NonceRule::Honoured) => Fresh::Issued,
        (None, NonceRule::Required) => return Err(ProofFault::Nonce.into()),
        (Some(nonce), NonceRule::Honoured | NonceRule::Required) => {
            Fresh::Nonce(issuer.nonces.until(nonce, now).ok_or(ProofFault::Nonce)?)
        }
    };
    let addresses: Vec<&str> = shown.addresses.iter().map(String::as_str).collect();
    let expected = Expected { method: shown.method, addresses: &addresses, token, profile, fresh };
    Ok(received.verify(&expected, now)?)
}

/// The single use of a proof: the same for every endpoint, so that it cannot be sent to another.
pub(super) fn replay(verified: &Verified) -> ReplayId {
    ReplayId { minute: verified.until.0 / 60, digest: verified.id }
}
