//! Handles: what they can and cannot do, what a leak is worth, and what garbage costs.

use counterfoil_engine::audit::What;
use counterfoil_engine::handle::{
    Access, Code, Facts, Generation, HandleKey, KeyId, Keyring, Minted, Refresh, Salt, Sealed,
    Serial, TenantRing, ViewId,
};
use counterfoil_engine::sender::Binding;
use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::secret::{Digest, Secret};

use crate::dice::{Dice, now};
use crate::fixtures::{self, CALLBACK, VERIFIER};
use crate::policies::policy;
use crate::ways::{BY_OWNER, rt};
use crate::world::{World, at};

fn ring(turns: u8) -> TenantRing {
    fixtures::key_file(turns).keyring.of(&fixtures::tenant_id())
}

/// A ring whose key has the right number and other bytes.
fn guessed() -> TenantRing {
    let key = HandleKey { id: KeyId(0), secret: Secret::new(vec![0; 32]) };
    Keyring::new(key, vec![]).of(&fixtures::tenant_id())
}

fn facts() -> Facts {
    Facts {
        key: KeyId(0),
        record: [7; 16],
        generation: Generation(3),
        view: ViewId(2),
        serial: Serial(0x0123_4567_89ab_cdef),
        expires: Moment(2_000_000_000),
        binding: None,
    }
}

fn salt(seed: u64) -> Salt {
    Salt::mint(&mut Dice(seed))
}

#[test]
fn what_was_minted_is_what_is_read() {
    let keys = ring(0);
    for (binding, length) in [
        (None, 89),
        (Some(Binding::Key(Digest::known([5; 32]))), 131),
        (Some(Binding::Certificate(Digest::known([5; 32]))), 131),
    ] {
        let facts = Facts { binding, ..facts() };
        let minted = Minted::<Access>::mint(facts, &salt(1), &keys).unwrap();
        assert_eq!(minted.to_wire().len(), length);
        let sealed = Sealed::<Access>::open(minted.to_wire(), &keys).unwrap();
        assert_eq!((sealed.record(), sealed.expires()), (facts.record, facts.expires));
        assert_eq!(*sealed.prove(&salt(1), &keys).unwrap().facts(), facts);
    }
}

#[test]
fn the_same_facts_are_the_same_text() {
    let text =
        |keys| Minted::<Refresh>::mint(facts(), &salt(1), &keys).unwrap().to_wire().to_owned();
    assert_eq!(text(ring(0)), text(ring(1)), "the active key has changed, the facts name the old");
}

#[test]
fn every_changed_character_is_refused() {
    let keys = ring(0);
    for binding in [
        None,
        Some(Binding::Key(Digest::known([5; 32]))),
        Some(Binding::Certificate(Digest::known([5; 32]))),
    ] {
        let facts = Facts { binding, ..facts() };
        let good = Minted::<Access>::mint(facts, &salt(1), &keys).unwrap().to_wire().to_owned();
        let mut past_the_seal = 0;
        for at in 0..good.len() {
            for other in (0x20..0x7f).filter(|b| *b != good.as_bytes()[at]) {
                let mut bad = good.clone().into_bytes();
                bad[at] = other;
                let bad = String::from_utf8(bad).unwrap();
                let Some(sealed) = Sealed::<Access>::open(&bad, &keys) else { continue };
                // Only the last 16 bytes are outside the seal, and the proof refuses those.
                past_the_seal += 1;
                assert!(sealed.prove(&salt(1), &keys).is_none(), "{bad}");
            }
        }
        assert!(past_the_seal > 0);
        for bad in [format!("{good}A"), format!("{good}="), good[..good.len() - 1].to_owned()] {
            assert!(Sealed::<Access>::open(&bad, &keys).is_none(), "{bad}");
        }
    }
}

#[test]
fn a_kind_is_not_another_kind_even_with_its_prefix() {
    let keys = ring(0);
    let code = Minted::<Code>::mint(facts(), &salt(1), &keys).unwrap().to_wire().to_owned();
    assert!(Sealed::<Refresh>::open(&code, &keys).is_none());
    assert!(Sealed::<Refresh>::open(&code.replacen("ac_", "rt_", 1), &keys).is_none());
}

#[test]
fn a_tenant_does_not_open_what_another_minted() {
    let other = fixtures::key_file(0).keyring.of(&TenantId::parse("other").unwrap());
    let minted = Minted::<Access>::mint(facts(), &salt(1), &ring(0)).unwrap();
    assert!(Sealed::<Access>::open(minted.to_wire(), &other).is_none());
}

#[test]
fn a_leaked_store_mints_nothing() {
    // The thief has every salt and every counter, and no key.
    let forged = Minted::<Refresh>::mint(facts(), &salt(1), &guessed()).unwrap();
    assert!(Sealed::<Refresh>::open(forged.to_wire(), &ring(0)).is_none());
}

#[test]
fn a_leaked_key_mints_nothing_and_gives_itself_away() {
    let world = World::new(policy("mx"), 1);
    let code = world.code();
    let real = world.redeem(&code).unwrap();
    // The thief has the key and real handles to copy the facts from, and no salt.
    let ring = &world.issuer().ring;
    let refresh = *real.refresh.as_ref().unwrap().facts();
    let forged = Minted::<Refresh>::mint(refresh, &salt(99), ring).unwrap();
    assert_eq!(world.refresh(forged.to_wire()).unwrap_err(), Refusal::HandleForged);
    let sealed = Sealed::<Code>::open(&code, ring).unwrap();
    let facts = Facts { record: sealed.record(), expires: sealed.expires(), ..facts() };
    let forged = Minted::<Code>::mint(facts, &salt(99), ring).unwrap();
    let redeem = world.ask(&BY_OWNER, &crate::codes::form(forged.to_wire(), CALLBACK, VERIFIER));
    assert_eq!(redeem.unwrap_err(), Refusal::HandleForged);
    let forged = Minted::<Access>::mint(*real.access.facts(), &salt(99), ring).unwrap();
    assert!(!world.lives(forged.to_wire()));
    let forged = Minted::<Refresh>::mint(refresh, &salt(99), ring).unwrap();
    world.give_back(forged.to_wire());
    assert!(world.lives(at(&real)), "and ends nothing");
    assert!(world.refresh(rt(&real)).is_ok());
    assert_eq!(world.kept(What::HandleForged), 4, "and every time the alarm is raised");
}

#[test]
fn a_dropped_key_ends_what_it_minted() {
    let old = Minted::<Refresh>::mint(facts(), &salt(1), &ring(0)).unwrap();
    let key = HandleKey { id: KeyId(9), secret: Secret::new(vec![1; 32]) };
    let dropped = Keyring::new(key, vec![]).of(&fixtures::tenant_id());
    assert!(Sealed::<Refresh>::open(old.to_wire(), &dropped).is_none());
    assert!(Minted::<Refresh>::mint(facts(), &salt(1), &dropped).is_none());
}

#[test]
fn garbage_forgeries_and_expired_access_tokens_cost_no_read() {
    let world = World::new(policy("mx"), 7);
    let first = world.begun();
    assert!(world.lives(at(&first)), "everybody who asks is known from now on");
    let expired = Facts { expires: world.now(), ..facts() };
    let expired = Minted::<Access>::mint(expired, &salt(1), &world.issuer().ring).unwrap();
    let forged = Minted::<Access>::mint(facts(), &salt(1), &guessed()).unwrap();
    let before = world.storm.trips();
    for raw in ["", "at_", "at_AAAA", "rt_x", "ey.ey.ey", expired.to_wire(), forged.to_wire()] {
        assert!(!world.lives(raw), "{raw}");
    }
    assert_eq!(world.storm.trips(), before);
    for raw in ["", "at_", "rt_x", "ey.ey.ey", forged.to_wire()] {
        now(world.revoke(&BY_OWNER, raw, &mut world.dice())).unwrap();
        assert!(world.refresh(raw).is_err(), "{raw}");
    }
    assert_eq!(world.storm.trips(), before);
    // Revocation looks an expired token up: it may still name a living grant.
    world.give_back(expired.to_wire());
    assert_eq!(world.storm.trips(), (before.0 + 1, before.1));
}

#[test]
fn an_unknown_record_is_an_unknown_handle() {
    let world = World::new(policy("mx"), 1);
    let ring = &world.issuer().ring;
    let refresh = Minted::<Refresh>::mint(facts(), &salt(1), ring).unwrap();
    assert_eq!(world.refresh(refresh.to_wire()).unwrap_err(), Refusal::HandleUnknown);
    let code = Minted::<Code>::mint(facts(), &salt(1), ring).unwrap();
    assert_eq!(world.redeem(code.to_wire()).unwrap_err(), Refusal::HandleUnknown);
    let access = Minted::<Access>::mint(facts(), &salt(1), ring).unwrap();
    assert!(!world.lives(access.to_wire()));
}
