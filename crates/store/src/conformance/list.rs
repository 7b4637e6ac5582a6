//! Lists: by key, paged, within one tenant.

use counterfoil_engine::store::{Key, Page, Query, Record, Store};
use counterfoil_engine::tenant::Tenant;
use counterfoil_protocol::ids::{ClientId, ConsentId, SubjectId, TenantId};
use counterfoil_store::limits::LIST_STEP_MAX;

use super::{Open, batch, block_on, commit, create, opened, put, samples, tenant};

/// Whatever the order they were made in.
pub fn pages_follow_the_order_of_keys(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let names = ["b", "a", "ba", "a b", "c", "B", "~", "aa", "0"];
    for raw in names {
        put(store, client(&tenant(), raw), sample(|record| matches!(record, Record::Client(_))));
    }
    let mut wanted: Vec<_> = names.into_iter().map(|raw| client(&tenant(), raw)).collect();
    wanted.sort();
    let query = Query::Clients(tenant());
    for max in [1, 2, 4, 9, 100] {
        assert_eq!(pages(store, &query, max), wanted, "pages of {max}");
    }
    assert_eq!(page(store, &query, None, 0), []);
    let found = block_on(store.list(query, Page { after: None, max: 1 })).unwrap();
    assert_eq!(found[0].1.record, sample(|record| matches!(record, Record::Client(_))));
}

/// Also when the name of one tenant is the beginning of another's.
pub fn a_list_keeps_to_its_tenant(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let names = ["ab", "a", "a-b", "a.b", "a0"];
    let tenants = names.map(|raw| TenantId::parse(raw).unwrap());
    for tenant in &tenants {
        let record = sample(|record| matches!(record, Record::Tenant(_)));
        let Record::Tenant(record) = record else { panic!("no tenant") };
        let record = Tenant { id: tenant.clone(), ..*record };
        put(store, Key::Tenant(tenant.clone()), Record::Tenant(Box::new(record)));
        for raw in ["1", "2"] {
            let subject = Key::Subject(tenant.clone(), SubjectId::parse(raw).unwrap());
            put(store, subject, sample(|record| matches!(record, Record::Subject(_))));
            put(store, client(tenant, raw), sample(|record| matches!(record, Record::Client(_))));
        }
    }
    for tenant in &tenants {
        let subject = |raw| Key::Subject(tenant.clone(), SubjectId::parse(raw).unwrap());
        let query = Query::Subjects(tenant.clone());
        assert_eq!(pages(store, &query, 1), ["1", "2"].map(subject));
        assert_eq!(pages(store, &query, 9), ["1", "2"].map(subject));
    }
    let mut all = tenants.clone().map(Key::Tenant).to_vec();
    all.sort();
    assert_eq!(pages(store, &Query::Tenants, 2), all);

    // The cursor of another list ends this one.
    let query = Query::Subjects(tenants[0].clone());
    assert_eq!(page(store, &query, Some(client(&tenants[0], "1")), 9), []);
    let elsewhere = Key::Subject(tenants[1].clone(), SubjectId::parse("1").unwrap());
    assert_eq!(page(store, &query, Some(elsewhere), 9), []);
}

/// S10: longer than one step, and still whole.
pub fn a_long_list_is_read_in_steps(open: &Open) {
    let backend = opened(open);
    let store = backend.store();
    let count = LIST_STEP_MAX * 2 + 10;
    let record = sample(|record| matches!(record, Record::Consent(_)));
    let mut wanted = vec![];
    for n in 0..count as u64 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        wanted.push(Key::Consent(tenant(), ConsentId(id)));
    }
    for part in wanted.chunks(200) {
        let changes: Vec<_> = part.iter().map(|key| create(key.clone(), record.clone())).collect();
        commit(store, batch(changes)).unwrap();
    }
    wanted.sort();
    let query = Query::Consents(tenant());
    assert_eq!(page(store, &query, None, usize::MAX), wanted);
    assert_eq!(page(store, &query, None, count), wanted);
    assert_eq!(page(store, &query, None, count - 1), wanted[..count - 1]);
}

fn client(tenant: &TenantId, raw: &str) -> Key {
    Key::Client(tenant.clone(), ClientId::parse(raw).unwrap())
}

fn sample(kind: impl Fn(&Record) -> bool) -> Record {
    samples::all().into_iter().map(|(_, record)| record).find(kind).unwrap()
}

fn page(store: &dyn Store, query: &Query, after: Option<Key>, max: usize) -> Vec<Key> {
    let found = block_on(store.list(query.clone(), Page { after, max })).unwrap();
    assert!(found.len() <= max);
    found.into_iter().map(|(key, _)| key).collect()
}

/// All of it, part by part.
fn pages(store: &dyn Store, query: &Query, max: usize) -> Vec<Key> {
    let mut all = vec![];
    loop {
        let part = page(store, query, all.last().cloned(), max);
        if part.is_empty() {
            return all;
        }
        all.extend(part);
        // Otherwise a list that starts again would never end.
        assert!(all.is_sorted_by(|before, after| before < after), "{all:?}");
    }
}
