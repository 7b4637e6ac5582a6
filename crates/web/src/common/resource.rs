//! What every resource of ours has in common: where the access token stands, challenges (RFC 6750
//! §3, RFC 9449 §7.1, RFC 9470 §3), and `x-fapi-interaction-id`.

use counterfoil_engine::sender::resource::{Bearing, Scheme};
use counterfoil_jose::dpop;
use counterfoil_protocol::refusal::{Fault, Refusal};
use http::HeaderName;
use http::header::WWW_AUTHENTICATE;

use super::step_up::Demand;
use crate::app::Ask;
use crate::edge;
use crate::reply::{ErrorBody, Reply};

const INTERACTION: HeaderName = HeaderName::from_static("x-fapi-interaction-id");
/// A UUID has 36 characters; some send other text.
const INTERACTION_LEN_MAX: usize = 64;

/// The access token of a request, from its header alone: in the query it would stand in every log on
/// the way (RFC 9700 §4.3.2), so there it is none, and beside the header it is one too many.
///
/// # Errors
/// [`Refusal::TokenInactive`] without one; [`Refusal::Parameter`] for another in the query.
pub(crate) fn bearing<'r>(ask: &Ask<'r>) -> Result<Bearing<'r>, Refusal> {
    let sent = edge::access_token(&ask.parts.headers).ok_or(Refusal::TokenInactive)?;
    edge::no_credentials_in(ask.parts.uri.query())?;
    Ok(sent)
}

/// An answer of a resource: what the caller named its request, or a name of ours.
pub(crate) fn answered(mut reply: Reply, ask: &Ask<'_>) -> Reply {
    let sent = edge::header(&ask.parts.headers, INTERACTION.as_str());
    let plain = |text: &&str| {
        let fits = (1..=INTERACTION_LEN_MAX).contains(&text.len());
        fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
    };
    match sent.filter(plain) {
        Some(sent) => reply.set(INTERACTION, sent),
        None => reply.set(INTERACTION, &ask.id.to_string()),
    }
    reply
}

/// A refusal of a resource.
pub(crate) fn refused(why: Refusal, ask: &mut Ask<'_>) -> Reply {
    refused_demanding(why, ask, &Demand::default())
}

/// The same, with what the resource demands of the sign-in in its challenge.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "an override: what is not listed keeps the default"
)]
pub(crate) fn refused_demanding(why: Refusal, ask: &mut Ask<'_>, demand: &Demand) -> Reply {
    ask.trace.refused(why);
    let (error, text) = (why.code().as_str(), why.description());
    let body = ErrorBody { error, error_description: &text };
    let status = if matches!(why, Refusal::Proof(_)) { 401 } else { why.status(false) };
    let mut reply = Reply::json(status, &body).retry_after(why.retry_after_s());
    let realm = ask.issuer.tenant.id.as_str();
    let told = format!("error=\"{error}\", error_description=\"{text}\"");
    let bearer = format!("Bearer realm=\"{realm}\"");
    let proofs = ask.policy.sender.proofs.map(|profile| format!("DPoP algs=\"{}\"", algs(profile)));
    let sent = edge::access_token(&ask.parts.headers);
    let had_token = sent.is_some();
    match why {
        // RFC 6750 §3: without a token the challenge carries no error code.
        Refusal::TokenInactive if !had_token => {
            let all = [Some(bearer), proofs];
            all.into_iter().flatten().for_each(|one| reply.set(WWW_AUTHENTICATE, &one));
        }
        Refusal::Proof(_) | Refusal::SchemeWrong => {
            let challenge = proofs.unwrap_or_else(|| "DPoP".into());
            let separator = if challenge.contains(' ') { ", " } else { " " };
            reply.set(WWW_AUTHENTICATE, &format!("{challenge}{separator}{told}"));
        }
        Refusal::AuthenticationInsufficient => {
            let by_proof = sent.is_some_and(|sent| sent.scheme == Scheme::Dpop);
            let scheme = proofs.filter(|_| by_proof).unwrap_or(bearer);
            reply.set(WWW_AUTHENTICATE, &format!("{scheme}, {told}{}", demand.challenge()));
        }
        Refusal::TokenInactive | Refusal::ScopeInsufficient | Refusal::CertificateMismatch => {
            reply.set(WWW_AUTHENTICATE, &format!("{bearer}, {told}"));
        }
        Refusal::Parameter(_, Fault::InQuery) => {
            reply.set(WWW_AUTHENTICATE, &format!("{bearer}, {told}"));
        }
        _ => {}
    }
    answered(reply, ask)
}

fn algs(profile: &dpop::Profile) -> String {
    profile.algs.iter().map(|alg| alg.as_str()).collect::<Vec<_>>().join(" ")
}
