//! The sector document of a client with pairwise subjects (OpenID Connect Core §8.1, Registration
//! §5): it must name every redirect URI, or anybody could join somebody else's sector.

use counterfoil_protocol::refusal::{MetadataFault, Refusal};

use crate::client::Client;
use crate::outbound::{Outbound, Outgoing};

/// Longest sector document: as many redirect URIs as a client may have, and some.
const SECTOR_LEN_MAX: usize = 64 * 1024;

/// Fetches the document, if the client registered one.
///
/// # Errors
/// [`Refusal::Metadata`] when it is not there, not a JSON array of text, or lacks a redirect URI.
pub(super) async fn check(outbound: &dyn Outbound, client: &Client) -> Result<(), Refusal> {
    let Some(url) = client.metadata.sector_identifier_uri.as_deref() else { return Ok(()) };
    let accept = "application/json";
    let call = Outgoing { url, accept, form: None, len_max: SECTOR_LEN_MAX };
    let wrong = Refusal::Metadata("sector_identifier_uri", MetadataFault::Unreachable);
    let answer = outbound.call(call).await.map_err(|_| wrong)?;
    if answer.status != 200 {
        return Err(wrong);
    }
    let named: Vec<String> = serde_json::from_slice(&answer.body).map_err(|_| wrong)?;
    let has = |uri: &str| named.iter().any(|known| known == uri);
    if client.redirect_uris.iter().all(|uri| has(uri.as_str())) { Ok(()) } else { Err(wrong) }
}
