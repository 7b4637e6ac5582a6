//! Handles: no text of a stranger opens, and of a genuine one no other kind, tenant or byte does.

use std::sync::LazyLock;

use counterfoil_engine::ctx::Entropy;
use counterfoil_engine::handle::{
    Access, Code, Facts, Generation, HandleKey, KeyId, Keyring, Kind, Minted, Refresh,
    Registration, RequestUri, Salt, Sealed, Serial, Session, TenantRing, ViewId,
};
use counterfoil_engine::sender::Binding;
use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::secret::{Digest, Secret};

struct Same(u8);

impl Entropy for Same {
    fn bytes32(&mut self) -> [u8; 32] {
        [self.0; 32]
    }
}

fn ring(tenant: &str) -> TenantRing {
    let key = |id, byte| HandleKey { id: KeyId(id), secret: Secret::new(vec![byte; 32]) };
    let tenant = TenantId::parse(tenant).expect("a name");
    Keyring::new(key(7, 0x5a), vec![key(6, 0x35)]).of(&tenant)
}

static OURS: LazyLock<TenantRing> = LazyLock::new(|| ring("bank"));
static THEIRS: LazyLock<TenantRing> = LazyLock::new(|| ring("other"));

fn never<K: Kind>(text: &str) {
    assert!(Sealed::<K>::open(text, &OURS).is_none(), "{text}");
}

/// Of every kind.
fn never_at_all(text: &str) {
    never::<Code>(text);
    never::<Access>(text);
    never::<Refresh>(text);
    never::<RequestUri>(text);
    never::<Registration>(text);
    never::<Session>(text);
}

/// Bytes as a statement, and which of its characters to change into what.
fn facts(data: &[u8]) -> Option<(Facts, usize, u8)> {
    let (fixed, rest) = data.split_first_chunk::<44>()?;
    let binding = || rest.first_chunk::<32>().map(|digest| Digest::known(*digest));
    let facts = Facts {
        key: KeyId(6 + (fixed[0] & 1)),
        record: fixed[1..17].try_into().ok()?,
        generation: Generation(u32::from_be_bytes(fixed[17..21].try_into().ok()?)),
        view: ViewId(u16::from_be_bytes(fixed[21..23].try_into().ok()?)),
        serial: Serial(u64::from_be_bytes(fixed[23..31].try_into().ok()?)),
        expires: Moment(u64::from_be_bytes(fixed[31..39].try_into().ok()?)),
        binding: match fixed[39] % 3 {
            0 => None,
            1 => binding().map(Binding::Key),
            _ => binding().map(Binding::Certificate),
        },
    };
    Some((facts, usize::from(fixed[40]), fixed[41]))
}

fn genuine<K: Kind>(facts: Facts, at: usize, other: u8) {
    let (salt, wrong) = (Salt::mint(&mut Same(1)), Salt::mint(&mut Same(2)));
    let minted = Minted::<K>::mint(facts, &salt, &OURS).expect("the key is there");
    let text = minted.to_wire();
    let opened = Sealed::<K>::open(text, &OURS).expect("it is ours");
    assert_eq!((opened.record(), opened.expires()), (facts.record, facts.expires));
    assert_eq!(opened.prove(&salt, &OURS).expect("of this record").facts(), &facts);
    assert!(opened.prove(&wrong, &OURS).is_none(), "of another record");
    assert!(Sealed::<K>::open(text, &THEIRS).is_none(), "of another tenant");
    let mut changed = text.as_bytes().to_vec();
    let at = at % changed.len();
    changed[at] = other & 0x7f;
    let changed = String::from_utf8(changed).expect("ASCII");
    if changed == text {
        return;
    }
    // The proof is the last 16 bytes, which the seal does not cover.
    if let Some(opened) = Sealed::<K>::open(&changed, &OURS) {
        assert!(at + 23 > text.len(), "{changed}");
        assert!(opened.prove(&salt, &OURS).is_none(), "{changed}");
    }
    never_at_all(&text[..text.len() - 1]);
    never_at_all(&format!("{text}A"));
    let body = &text[K::PREFIX.len()..];
    for prefix in ["ac_", "at_", "rt_", "ru_", "rg_", "se_"] {
        if prefix != K::PREFIX {
            never_at_all(&format!("{prefix}{body}"));
        }
    }
}

/// Panics where that does not hold.
pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        never_at_all(text);
    }
    let Some((facts, at, other)) = facts(data) else { return };
    match data[42] % 6 {
        0 => genuine::<Code>(facts, at, other),
        1 => genuine::<Access>(facts, at, other),
        2 => genuine::<Refresh>(facts, at, other),
        3 => genuine::<RequestUri>(facts, at, other),
        4 => genuine::<Registration>(facts, at, other),
        _ => genuine::<Session>(facts, at, other),
    }
}
