//! `client suspend` and `client resume`, inside the server.

use counterfoil_engine::client::{Client, ClientStatus};
use counterfoil_engine::ctx::Entropy as _;
use counterfoil_engine::engine::Call;
use counterfoil_engine::store::{Key, Page, Query, Record};
use counterfoil_protocol::ids::{ClientId, TenantId};
use counterfoil_protocol::refusal::Refusal;
use counterfoil_web::surfaces;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keys::{refused, tenant_id};
use super::{Desk, read, write};
use crate::failure::Failure;
use crate::system::SystemDice;

/// Tenants that are looked through for a client.
const TENANTS_MAX: usize = 10_000;

/// Which client.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) id: String,
    /// Where several tenants have one of that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) tenant: String,
    pub(crate) client: String,
}

pub(super) async fn suspend(desk: &Desk, asked: Value) -> Result<Value, Failure> {
    set(desk, asked, ClientStatus::Suspended).await
}

pub(super) async fn resume(desk: &Desk, asked: Value) -> Result<Value, Failure> {
    set(desk, asked, ClientStatus::Active).await
}

/// One commit, which every request of the client is guarded by: once this is answered, nothing that
/// it has is active and nothing is issued to it.
async fn set(desk: &Desk, asked: Value, status: ClientStatus) -> Result<Value, Failure> {
    let asked: Asked = read(asked)?;
    let (tenant, client) = found(desk, &asked).await?;
    // The next reload would undo it, without a word.
    if let Some(file) = &client.managed_by {
        let what = match status {
            ClientStatus::Suspended => "set `suspended = true` there",
            ClientStatus::Active => "take `suspended` out there",
        };
        let id = &client.id;
        let fix = "and send SIGHUP: it holds as soon as the log says \"reload\"";
        return Err(Failure::failed(format!("\"{id}\" is managed by {file}: {what} {fix}")));
    }
    let engine = &desk.app.engine;
    let issuer = engine.issuer(&tenant).await.map_err(refused)?;
    let served = issuer.tenant.surface(&client.surface);
    let surface = surfaces::named(&client.surface).zip(served);
    let (surface, switches) =
        surface.ok_or_else(|| Failure::failed("its tenant does not serve its surface"))?;
    let (mut dice, mut request) = (SystemDice, [0; 16]);
    request.copy_from_slice(&SystemDice.bytes32()[..16]);
    let policy = surface.policy(switches);
    let mut call = Call { issuer: &issuer, policy, entropy: &mut dice, request };
    engine.set_client_status(&mut call, &client.id, status).await.map_err(refused)?;
    write(&Done { tenant: tenant.to_string(), client: client.id.to_string() })
}

/// The one client that was meant.
async fn found(desk: &Desk, asked: &Asked) -> Result<(TenantId, Client), Failure> {
    let store = &desk.app.engine.store;
    let unavailable = |_| refused(Refusal::StoreUnavailable);
    let id = ClientId::parse(&asked.id);
    let id = id.map_err(|_| Failure::usage(format!("\"{}\" is no client id", asked.id)))?;
    let tenants = match &asked.tenant {
        Some(name) => vec![tenant_id(name)?],
        None => {
            let page = Page { after: None, max: TENANTS_MAX };
            let listed = store.list(Query::Tenants, page).await.map_err(unavailable)?;
            listed.into_iter().map(|(key, _)| key.tenant().clone()).collect()
        }
    };
    let mut all = vec![];
    for tenant in tenants {
        let key = [Key::Client(tenant.clone(), id.clone())];
        let found = store.read(&key).await.map_err(unavailable)?.pop().flatten();
        if let Some(Record::Client(client)) = found.map(|found| found.record) {
            all.push((tenant, *client));
        }
    }
    match all.len() {
        0 => Err(Failure::failed(format!("no client \"{id}\""))),
        1 => Ok(all.remove(0)),
        _ => Err(Failure::usage(format!("several tenants have \"{id}\": add --tenant"))),
    }
}
