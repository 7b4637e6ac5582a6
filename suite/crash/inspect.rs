//! What must hold of the store itself, whatever clients saw.

use std::collections::BTreeSet;
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil_engine::consent::ConsentState;
use counterfoil_engine::store::{Key, Position, Record, Store};
use counterfoil_protocol::ids::{GrantId, TenantId};
use counterfoil_store::SqliteStore;
use counterfoil_store::sqlite::examine;

use crate::history::{Call, Said, What};

/// Events that are read at once.
const EVENTS_MAX: usize = 1_000_000;

/// I4 and I7, and that every record can be read.
pub(crate) fn broken(store: &Path, calls: &[Call]) -> Vec<String> {
    let mut faults = vec![];
    match examine(store) {
        Ok(report) => {
            faults.extend(report.faults.into_iter().map(|fault| format!("I7: the store: {fault}")));
        }
        Err(why) => return vec![format!("the store cannot be read: {why}")],
    }
    let opened = match SqliteStore::open_read_only(store) {
        Ok(opened) => opened,
        Err(why) => return vec![format!("the store cannot be opened: {why}")],
    };
    events(&opened, calls, &mut faults);
    consents(&opened, calls, &mut faults);
    faults
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// I7: every change that was acknowledged has its event.
fn events(store: &SqliteStore, calls: &[Call], faults: &mut Vec<String>) {
    let Ok(events) = wait(store.feed(Position::default(), EVENTS_MAX)) else {
        faults.push("I7: the events cannot be read".into());
        return;
    };
    let told: BTreeSet<[u8; 16]> = events.iter().map(|event| event.event.request).collect();
    for (n, call) in calls.iter().enumerate() {
        let Some(request) = call.request else { continue };
        // An assertion that was sent before, with its answer lost, may have changed everything then.
        let first = !calls[..n].iter().any(|earlier| earlier.what == call.what);
        let changed = match (&call.what, &call.said) {
            (What::Approve { .. }, Said::Code(_)) => true,
            (What::Redeem { .. } | What::Issue { .. }, Said::Tokens { .. }) => true,
            (What::Refresh { .. }, Said::Tokens { .. }) => first,
            _ => false,
        };
        if changed && !told.contains(&request) {
            faults.push(format!("I7: no event tells of {:?}", call.what));
        }
    }
}

/// I4: a token of a customer's stands on a consent that allows it.
fn consents(store: &SqliteStore, calls: &[Call], faults: &mut Vec<String>) {
    let tenant = TenantId::parse("default").unwrap();
    for call in calls {
        let (What::Redeem { .. }, Said::Tokens { access, .. }) = (&call.what, &call.said) else {
            continue;
        };
        let Some(id) = grant_of(access) else { continue };
        let found = wait(store.read(&[Key::Grant(tenant.clone(), id)]));
        let grant = found.ok().and_then(|mut found| found.pop().flatten());
        let Some(Record::Grant(grant)) = grant.map(|found| found.record) else {
            faults.push("I13: the grant of an acknowledged token is gone".into());
            continue;
        };
        if grant.revoked.is_some() {
            continue;
        }
        let Some(copy) = &grant.consent else {
            faults.push("I4: a customer's grant without a consent".into());
            continue;
        };
        let found = wait(store.read(&[Key::Consent(tenant.clone(), copy.id)]));
        let consent = found.ok().and_then(|mut found| found.pop().flatten());
        let allows = match consent.map(|found| found.record) {
            Some(Record::Consent(consent)) => {
                consent.state == ConsentState::Active
                    && consent.grants.contains(&grant.id)
                    && grant.scope.is_subset(&consent.scope)
            }
            _ => false,
        };
        if !allows {
            faults.push("I4: a living grant stands on no consent that allows it".into());
        }
    }
}

/// The record id of a handle (docs/reference/handles.md).
fn grant_of(token: &str) -> Option<GrantId> {
    let bytes = Base64UrlUnpadded::decode_vec(token.split_once('_')?.1).ok()?;
    Some(GrantId(bytes.get(2..18)?.try_into().ok()?))
}
