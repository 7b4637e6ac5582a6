//! Sender constraint: what a token is bound to, and how its user shows to be the one (RFC 8705,
//! RFC 9449).

pub mod dpop;
pub mod mtls;
pub mod resource;

use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{ProofFault, Refusal};
use counterfoil_protocol::secret::Digest;

use crate::client_metadata::Sender;
use crate::keys::Issuer;
use crate::policy::Policy;
use crate::store::ReplayId;
use mtls::PeerCertificate;

/// What a token is bound to. The digest alone would not say how it is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The thumbprint of a key that signs a proof for every request: `jkt`.
    Key(Digest),
    /// The SHA-256 of the certificate of the connection: `x5t#S256`.
    Certificate(Digest),
}

impl Binding {
    /// The digest, for what was bound before it was known how.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        match self {
            Self::Key(digest) | Self::Certificate(digest) => digest,
        }
    }

    /// The `token_type` of such a token (RFC 9449 §5, RFC 8705 §3).
    #[must_use]
    pub const fn token_type(binding: Option<&Self>) -> &'static str {
        match binding {
            Some(Self::Key(_)) => "DPoP",
            Some(Self::Certificate(_)) | None => "Bearer",
        }
    }
}

/// What a request shows besides credentials: facts that nobody has interpreted yet.
#[derive(Clone, Debug, Default)]
pub struct Shown<'a> {
    /// The `DPoP` header.
    pub proof: ProofHeader<'a>,
    /// The certificate of the connection.
    pub certificate: Option<&'a PeerCertificate>,
    /// The method of the request.
    pub method: &'a str,
    /// The addresses of the endpoint that was called, from its own configuration.
    pub addresses: Vec<String>,
}

/// The `DPoP` header of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProofHeader<'a> {
    /// There was none.
    #[default]
    Absent,
    /// One.
    One(&'a str),
    /// Several, or one that is no text.
    Repeated,
}

/// What a client has shown to hold. Only this module makes one that is not empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Possession {
    binding: Option<Binding>,
    replay: Option<ReplayId>,
}

impl Possession {
    /// What tokens of this request are bound to.
    #[must_use]
    pub const fn binding(&self) -> Option<Binding> {
        self.binding
    }

    /// The single use of the proof.
    #[must_use]
    pub const fn replay(&self) -> Option<ReplayId> {
        self.replay
    }
}

/// What a client shows at an endpoint that issues: its token endpoint, and the pushed request, where
/// nothing has to be shown yet.
///
/// # Errors
/// What the client registered, or its surface demands, is missing; the proof is not acceptable.
pub fn possession(
    (registered, demanded): (Sender, bool),
    shown: &Shown<'_>,
    policy: &Policy,
    issuer: &Issuer,
    now: Moment,
) -> Result<Possession, Refusal> {
    let certificate = shown.certificate.map(|peer| Digest::known(peer.certificate.sha256()));
    let (unbound, proven) = (registered == Sender::Unbound, shown.proof != ProofHeader::Absent);
    // Who registered neither way chooses it with each request, where one of them is demanded.
    let chosen = unbound && demanded && policy.sender.required && !proven;
    if let Some(digest) = certificate.filter(|_| registered == Sender::Mtls || chosen) {
        return Ok(Possession { binding: Some(Binding::Certificate(digest)), replay: None });
    }
    let proof = policy
        .sender
        .proofs
        .filter(|_| registered == Sender::Dpop || (unbound && (proven || policy.sender.required)));
    if let Some(profile) = proof.filter(|_| demanded || proven) {
        let verified = dpop::prove(shown, None, (profile, &policy.sender), issuer, now)?;
        return Ok(Possession {
            binding: Some(Binding::Key(Digest::known(verified.thumbprint))),
            replay: Some(dpop::replay(&verified)),
        });
    }
    if registered == Sender::Mtls && demanded {
        return Err(Refusal::CertificateMissing);
    }
    Ok(Possession::default())
}

/// Whether a code that was bound when its authorization was asked for is spent by the same sender
/// (RFC 9449 §10).
///
/// # Errors
/// [`Refusal::Proof`] when the key is another, [`Refusal::CertificateMismatch`] for a certificate.
pub(crate) fn same(bound: Option<&Digest>, binding: Option<Binding>) -> Result<(), Refusal> {
    match (bound, binding) {
        (None, _) => Ok(()),
        (Some(bound), Some(shown)) if shown.digest() == bound => Ok(()),
        (Some(_), Some(Binding::Certificate(_))) => Err(Refusal::CertificateMismatch),
        (Some(_), Some(Binding::Key(_)) | None) => Err(ProofFault::KeyMismatch.into()),
    }
}
