//! `key list` and `key rotate`, inside the server.

use counterfoil_engine::key_cycle::{KeyLine, Known};
use counterfoil_engine::keys::KeyState;
use counterfoil_engine::store::{Page, Query};
use counterfoil_jose::alg::Alg;
use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::refusal::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Desk, read, write};
use crate::failure::Failure;
use crate::key_times::KEY_TIMES;
use crate::system::SystemDice;

/// Tenants that are looked at in one command.
const TENANTS_MAX: usize = 10_000;

/// Which keys.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Of this tenant; of all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Of this algorithm; of all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alg: Option<String>,
    /// `rotate`: the new key signs at once.
    #[serde(default)]
    pub(crate) now: bool,
}

/// One key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) tenant: String,
    pub(crate) kid: String,
    pub(crate) alg: String,
    /// `next`, `active` or `retiring`.
    pub(crate) state: String,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// `next`: when it signs. `active`: when its successor is announced. `retiring`: when it goes.
    pub(crate) until: u64,
}

pub(super) async fn list(desk: &Desk, asked: Value) -> Result<Value, Failure> {
    let asked: Asked = read(asked)?;
    write(&lines(desk, &asked).await?)
}

/// Announces a successor for every key that was meant; with `now` it signs at once.
pub(super) async fn rotate(desk: &Desk, asked: Value) -> Result<Value, Failure> {
    let asked: Asked = read(asked)?;
    let engine = &desk.app.engine;
    let mut announced = vec![];
    for line in lines(desk, &asked).await?.into_iter().filter(|line| line.state == "active") {
        let alg = Alg::parse(&line.alg);
        let alg = alg.ok_or_else(|| Failure::failed(format!("no algorithm {}", line.alg)))?;
        let tenant = tenant_id(&line.tenant)?;
        let kid = engine.announce_key(&tenant, alg, &mut SystemDice).await.map_err(refused)?;
        if asked.now {
            let known = match desk.vigil.nodes() {
                None => Known::Alone,
                Some(nodes) => nodes.until_known(engine, &kid).await?,
            };
            engine.activate_key(&tenant, &kid, &known).await.map_err(refused)?;
        }
        announced.push((line.tenant, kid.to_string()));
    }
    if announced.is_empty() {
        return Err(Failure::failed("there is no such key to be followed by another"));
    }
    let mut all = lines(desk, &asked).await?;
    all.retain(|line| announced.iter().any(|(t, kid)| *t == line.tenant && *kid == line.kid));
    write(&all)
}

async fn lines(desk: &Desk, asked: &Asked) -> Result<Vec<Line>, Failure> {
    let engine = &desk.app.engine;
    let tenants = match &asked.tenant {
        Some(name) => vec![tenant_id(name)?],
        None => {
            let page = Page { after: None, max: TENANTS_MAX };
            let listed = engine.store.list(Query::Tenants, page).await;
            let listed = listed.map_err(|_| refused(Refusal::StoreUnavailable))?;
            listed.into_iter().map(|(key, _)| key.tenant().clone()).collect()
        }
    };
    let mut lines = vec![];
    for tenant in tenants {
        // Right after a first start some are still being made.
        desk.app.making.over(&tenant).await;
        let keys = engine.key_lines(&tenant).await.map_err(refused)?;
        let meant = |key: &KeyLine| asked.alg.as_deref().is_none_or(|alg| alg == &*key.alg);
        lines.extend(keys.iter().filter(|key| meant(key)).map(|key| line(&tenant, key)));
    }
    Ok(lines)
}

fn line(tenant: &TenantId, key: &KeyLine) -> Line {
    let (state, until) = match key.state {
        KeyState::Next => ("next", key.created.after(KEY_TIMES.published_s)),
        KeyState::Active => ("active", key.created.after(KEY_TIMES.rotated_s)),
        KeyState::Retiring { since } => ("retiring", since.after(KEY_TIMES.longest_token_s)),
    };
    Line {
        tenant: tenant.to_string(),
        kid: key.kid.to_string(),
        alg: key.alg.to_string(),
        state: state.into(),
        created: key.created.0,
        until: until.0,
    }
}

pub(super) fn tenant_id(name: &str) -> Result<TenantId, Failure> {
    TenantId::parse(name).map_err(|_| Failure::usage(format!("\"{name}\" is no tenant")))
}

pub(super) fn refused(why: Refusal) -> Failure {
    let stable = why.stable();
    Failure::failed(format!("{} {}", stable.code, stable.title))
}
