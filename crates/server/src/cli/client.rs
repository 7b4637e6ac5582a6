//! `counterfoil client list` and `client show`: from the store, also while the server runs. `client
//! suspend` and `client resume`: by the server.

use std::path::Path;

use counterfoil_engine::client::{Client, ClientStatus};
use counterfoil_engine::store::{Key, Page, Query, Record, Store};
use counterfoil_protocol::ids::TenantId;
use counterfoil_store::SqliteStore;
use serde::Serialize;

use super::arguments::{ClientVerb, OneClient};
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::operator::ask::ask;
use crate::operator::clients::{Asked, Done};

#[derive(Serialize)]
struct Shown<'a> {
    tenant: &'a str,
    client_id: &'a str,
    name: &'a str,
    surface: &'a str,
    status: &'a str,
    auth: Vec<&'a str>,
    grants: Vec<&'a str>,
    scopes: Vec<&'a str>,
    redirect_uris: Vec<&'a str>,
    resource_server: bool,
    secrets: usize,
    keys: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    managed_by: Option<&'a str>,
}

pub(super) async fn run(verb: ClientVerb) -> Result<(), Failure> {
    match verb {
        ClientVerb::List { store, json } => {
            let all = all(&store).await?;
            let shown: Vec<Shown<'_>> = all.iter().map(|(t, c)| shown(t, c)).collect();
            if json { print_json(&shown) } else { table(&shown) }
        }
        ClientVerb::Suspend(one) => told(one, "/client/suspend", "suspended").await,
        ClientVerb::Resume(one) => told(one, "/client/resume", "resumed").await,
        ClientVerb::Show { id, tenant, store, json } => {
            let all = all(&store).await?;
            let wanted = |t: &TenantId| tenant.as_ref().is_none_or(|name| name == t.as_str());
            let found: Vec<Shown<'_>> = all
                .iter()
                .filter(|(t, c)| wanted(t) && c.id.as_str() == id)
                .map(|(t, c)| shown(t, c))
                .collect();
            match found.as_slice() {
                [] => {
                    let known = all.iter().map(|(_, c)| c.id.as_str());
                    let meant = nearest(&id, known).map(|m| format!(", did you mean \"{m}\"?"));
                    let meant = meant.unwrap_or_default();
                    Err(Failure::failed(format!("no client \"{id}\"{meant}")))
                }
                [one] if json => print_json(one),
                [one] => one_client(one),
                _ => Err(Failure::usage(format!("several tenants have \"{id}\": add --tenant"))),
            }
        }
    }
}

/// Asks the running server, which alone writes.
async fn told(one: OneClient, path: &str, done: &str) -> Result<(), Failure> {
    let OneClient { id, tenant, state } = one;
    let Done { tenant, client } = ask(&state, path, &Asked { id, tenant }).await?;
    super::out(&format!("{done} {client} of {tenant}"));
    Ok(())
}

async fn all(path: &Path) -> Result<Vec<(TenantId, Client)>, Failure> {
    let opened = SqliteStore::open_read_only(path);
    let store = opened.map_err(|e| Failure::unreachable(e.to_string()))?;
    let mut clients = vec![];
    for (key, _) in everything(&store, &Query::Tenants).await? {
        let tenant = key.tenant().clone();
        for (_, record) in everything(&store, &Query::Clients(tenant.clone())).await? {
            if let Record::Client(client) = record {
                clients.push((tenant.clone(), *client));
            }
        }
    }
    Ok(clients)
}

pub(super) async fn everything(
    store: &dyn Store,
    query: &Query,
) -> Result<Vec<(Key, Record)>, Failure> {
    const PAGE_MAX: usize = 500;
    let mut all: Vec<(Key, Record)> = vec![];
    loop {
        let after = all.last().map(|(key, _)| key.clone());
        let listed = store.list(query.clone(), Page { after, max: PAGE_MAX }).await;
        let listed = listed.map_err(|_| Failure::unreachable("the store does not answer"))?;
        let last = listed.len() < PAGE_MAX;
        all.extend(listed.into_iter().map(|(key, versioned)| (key, versioned.record)));
        if last {
            return Ok(all);
        }
    }
}

fn shown<'a>(tenant: &'a TenantId, client: &'a Client) -> Shown<'a> {
    Shown {
        tenant: tenant.as_str(),
        client_id: client.id.as_str(),
        name: &client.name,
        surface: if client.resource_server { "-" } else { &client.surface },
        status: match client.status {
            ClientStatus::Active => "active",
            ClientStatus::Suspended => "suspended",
        },
        auth: client.auth.iter().map(|a| &**a).collect(),
        grants: client.grants.iter().map(|g| &**g).collect(),
        scopes: client.scope.iter().collect(),
        redirect_uris: client.redirect_uris.iter().map(|uri| uri.as_str()).collect(),
        resource_server: client.resource_server,
        secrets: client.secrets.len(),
        keys: client.keys.len(),
        managed_by: client.managed_by.as_deref(),
    }
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|e| Failure::failed(e.to_string()))?;
    super::out(&text);
    Ok(())
}

fn table(clients: &[Shown<'_>]) -> Result<(), Failure> {
    let width = |of: fn(&Shown<'_>) -> usize, least: usize| {
        clients.iter().map(of).max().unwrap_or(0).max(least)
    };
    let (tenant, id) = (width(|c| c.tenant.len(), 6), width(|c| c.client_id.len(), 6));
    let surface = width(|c| c.surface.len(), 7);
    super::out(&format!(
        "{:tenant$}  {:id$}  {:surface$}  status     sign-in",
        "tenant", "client", "surface"
    ));
    for c in clients {
        let auth = if c.resource_server {
            format!("{} (resource server)", c.auth.join(", "))
        } else {
            c.auth.join(", ")
        };
        let line = format!(
            "{:tenant$}  {:id$}  {:surface$}  {:9}  {auth}",
            c.tenant, c.client_id, c.surface, c.status
        );
        super::out(&line);
    }
    Ok(())
}

fn one_client(c: &Shown<'_>) -> Result<(), Failure> {
    let rows = [
        ("client", c.client_id.to_owned()),
        ("tenant", c.tenant.to_owned()),
        ("name", c.name.to_owned()),
        ("surface", c.surface.to_owned()),
        ("status", c.status.to_owned()),
        ("sign-in", c.auth.join(", ")),
        ("grants", c.grants.join(", ")),
        ("scopes", c.scopes.join(" ")),
        ("redirects", c.redirect_uris.join(", ")),
        ("secrets", c.secrets.to_string()),
        ("keys", c.keys.to_string()),
        ("managed by", c.managed_by.unwrap_or("-").to_owned()),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        super::out(&format!("{name:10}  {value}"));
    }
    Ok(())
}
