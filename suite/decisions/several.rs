//! Two processes on one store: what one changes, the other hears of, and uses nothing that it
//! remembers while it hears nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use counterfoil_engine::client::ClientStatus;
use counterfoil_engine::directory::{Directory, Lease};
use counterfoil_jose::alg::Alg;
use counterfoil_protocol::refusal::Refusal;

use crate::dice::{Dice, SetClock, now, step};
use crate::fixtures;
use crate::plain::Plain;
use crate::policies::FAPI2;
use crate::world::{START, World, at};

/// A lease that a test gives and takes.
#[derive(Debug, Default)]
struct Given(AtomicBool);

impl Lease for Given {
    fn holds(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// This process and another one; the lease is this one's.
struct Two {
    here: World,
    there: World,
    lease: Arc<Given>,
}

impl Two {
    fn new() -> Self {
        let (store, clock) = (Arc::new(Plain::default()), Arc::new(SetClock::at(START)));
        let there = World::over(store.clone(), clock.clone(), &FAPI2, 1);
        let mut here = World::over(store, clock, &FAPI2, 2);
        let lease = Arc::new(Given(AtomicBool::new(true)));
        here.engine.directory = Directory::leased(lease.clone());
        Self { here, there, lease }
    }

    fn hear(&self) {
        let events = self.here.storm.events();
        self.here.engine.directory.heard(events.iter().map(|told| Some(&told.event)));
    }
}

#[test]
fn a_client_suspended_elsewhere_is_out_as_soon_as_that_was_heard() {
    let two = Two::new();
    let own = two.here.own("openid").unwrap();
    assert!(two.here.lives(at(&own)));
    two.there.set_client(ClientStatus::Suspended);
    assert!(!two.there.lives(at(&own)));
    assert!(two.here.lives(at(&own)), "remembered, for as long as the lease allows");
    two.hear();
    assert!(!two.here.lives(at(&own)));
    assert_eq!(two.here.own("openid").unwrap_err(), Refusal::ClientSuspended);
}

#[test]
fn what_commits_is_refused_before_that_was_heard() {
    let two = Two::new();
    let first = two.here.begun();
    let (tab, _) = two.here.tab();
    two.there.set_client(ClientStatus::Suspended);
    let commits = two.here.commits();
    let refresh = two.here.refresh(crate::ways::rt(&first));
    // On this surface a refresh changes nothing and is judged by what is remembered.
    assert!(refresh.is_ok() && two.here.commits() == commits);
    assert_eq!(two.here.say_yes(&tab).unwrap_err(), Refusal::StoreContended);
    assert_eq!(two.here.say_yes(&tab).unwrap_err(), Refusal::ClientSuspended);
}

#[test]
fn while_nothing_is_heard_nothing_remembered_is_used() {
    let two = Two::new();
    let own = two.here.own("openid").unwrap();
    let reads = |world: &World| {
        let before = world.reads();
        assert!(world.lives(at(&own)));
        world.reads() - before
    };
    reads(&two.here);
    let remembering = reads(&two.here);
    two.lease.0.store(false, Ordering::Relaxed);
    assert!(reads(&two.here) > remembering);
    two.there.set_client(ClientStatus::Suspended);
    assert!(!two.here.lives(at(&own)), "nobody had to hear of it");
    two.there.set_client(ClientStatus::Active);
    two.lease.0.store(true, Ordering::Relaxed);
    two.hear();
    reads(&two.here);
    assert_eq!(reads(&two.here), remembering);
}

#[test]
fn an_event_that_only_a_later_version_reads_may_mean_anything() {
    let two = Two::new();
    let own = two.here.own("openid").unwrap();
    assert!(two.here.lives(at(&own)));
    two.there.set_client(ClientStatus::Suspended);
    two.here.engine.directory.heard([None]);
    assert!(!two.here.lives(at(&own)));
}

#[test]
fn keys_made_elsewhere_are_read_as_soon_as_that_was_heard() {
    let two = Two::new();
    let tenant = fixtures::tenant_id();
    let keys = |world: &World| now(world.engine.issuer(&tenant)).unwrap().jwks().keys.len();
    let before = keys(&two.here);
    now(two.there.engine.ensure_keys(&tenant, &[Alg::ES256], &mut Dice(7))).unwrap();
    assert_eq!(keys(&two.here), before);
    two.hear();
    assert_eq!(keys(&two.here), before + 1);
}

/// Whoever was reading when it was heard has read the old record, perhaps.
#[test]
fn what_was_read_before_a_change_was_heard_is_not_remembered() {
    for turns in 1..8 {
        let two = Two::new();
        let own = two.there.own("openid").unwrap();
        two.here.storm.set_slow(1000);
        let mut dice = Dice(1);
        let mut reader = Box::pin(two.here.introspect(at(&own), &mut dice));
        let read = (0..turns).find_map(|_| step(&mut reader));
        two.there.set_client(ClientStatus::Suspended);
        two.hear();
        if read.is_none() {
            // Begun before it was heard: either is true.
            now(reader).unwrap();
        }
        assert!(!two.here.lives(at(&own)), "after {turns} steps");
    }
}
