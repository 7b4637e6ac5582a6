//! Where a client's picture is (RFC 7591 §2, `logo_uri`).

use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::refusal::Refusal;

use crate::client::ClientStatus;
use crate::engine::Engine;
use crate::keys::Issuer;

impl Engine {
    /// The address that an active client of this tenant registered; `None` for all others.
    ///
    /// # Errors
    /// [`Refusal::StoreUnavailable`].
    pub async fn logo_uri(
        &self,
        issuer: &Issuer,
        client: &str,
    ) -> Result<Option<Box<str>>, Refusal> {
        let Ok(id) = ClientId::parse(client) else { return Ok(None) };
        let found = self.client(&issuer.tenant.id, &id).await?;
        let active = found.filter(|(client, _)| client.status == ClientStatus::Active);
        Ok(active.and_then(|(client, _)| client.metadata.logo_uri.clone()))
    }
}
