//! Deterministic simulation: the real engine, a store in some weather, every interleaving chosen by
//! a seed. A failure prints its seed; the seed is the reproduction.
//!
//! The engine sees the world only through its store, clock, dice and keys, so no special runtime is
//! needed. `SEEDS` at build time says how many seeds run for each policy and world.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![expect(clippy::wildcard_enum_match_arm, reason = "an observer looks at some of many")]

mod dice;
mod plain;
mod storm;
mod policies;
mod fixtures;
mod world;
mod act;
mod observer;
mod wild;
mod patient;

use counterfoil_engine::policy::Policy;

use observer::Tally;
use patient::patient;
use policies::{all, signs};
use storm::Bug;
use wild::{CALM, Chaos, Ground, STORM, wild};

fn seeds() -> u64 {
    std::option_env!("SEEDS").and_then(|s| s.parse().ok()).unwrap_or(300)
}

fn sweep(name: &str, run: impl Fn(&'static Policy, u64) -> Result<Tally, String>) -> Vec<Tally> {
    let one = |policy: &'static Policy| {
        let mut sum = Tally::new();
        for seed in 0..seeds() {
            for (what, n) in run(policy, seed).unwrap_or_else(|e| panic!("{name}: {e}")) {
                *sum.entry(what).or_default() += n;
            }
        }
        println!("{name}, {}, {} seeds, no violation: {sum:?}", policy.name, seeds());
        sum
    };
    all().map(one).into()
}

/// A storm in which nothing happened proves nothing.
fn eventful(tallies: &[Tally]) {
    let everywhere = [
        "token answers",
        "codes given",
        "codes redeemed",
        "answers given again",
        "replays refused",
        "seen active",
        "seen inactive",
        "registrations changed",
    ];
    for (policy, tally) in all().iter().zip(tallies) {
        for what in everywhere {
            assert!(tally.get(what) > Some(&(seeds() / 50)), "{what}: {tally:?}");
        }
        let here = |what: &str| tally.contains_key(what);
        assert_eq!(here("assertions accepted"), signs(policy), "{tally:?}");
        assert_eq!(here("assertions refused as used"), signs(policy), "{tally:?}");
        assert_eq!(here("customers forgotten"), policy.name == "fintecture", "{tally:?}");
        assert!(here("grants displaced") || seeds() < 100, "{tally:?}");
    }
}

#[test]
fn every_promise_holds_in_a_storm() {
    eventful(&sweep("wild", |policy, seed| wild(Ground::Plain, policy, seed, STORM)));
}

#[test]
fn every_promise_holds_on_the_memory_store() {
    sweep("memory", |policy, seed| wild(Ground::Memory, policy, seed ^ (1 << 32), STORM));
}

#[test]
fn a_patient_client_never_loses_its_grant() {
    sweep("patient", patient);
}

/// The simulator must be able to see the bugs it exists for.
fn is_caught(policy: &'static Policy, chaos: Chaos) {
    let caught = (0..5_000).find_map(|seed| wild(Ground::Plain, policy, seed, chaos).err());
    println!("{:?} from {}: {caught:?}", chaos.bug, chaos.bug_from);
    assert!(caught.is_some(), "the simulator is blind on {}: {chaos:?}", policy.name);
}

#[test]
fn an_unguarded_commit_is_caught() {
    for (policy, bug_from) in all().into_iter().flat_map(|p| [(p, 0), (p, 3)]) {
        is_caught(policy, Chaos { bug: Bug::Unguarded, bug_from, ..CALM });
    }
}

#[test]
fn a_commit_that_ignores_what_it_only_read_is_caught() {
    for policy in all() {
        is_caught(policy, Chaos { bug: Bug::GuardsIgnored, ..CALM });
    }
}

#[test]
fn a_forgotten_replay_is_caught() {
    for policy in all().into_iter().filter(|policy| signs(policy)) {
        is_caught(policy, Chaos { bug: Bug::ReplaysForgotten, ..CALM });
    }
}

#[test]
fn a_silent_store_is_caught() {
    for policy in all() {
        is_caught(policy, Chaos { bug: Bug::EventsDropped, ..CALM });
    }
}

#[test]
fn success_that_was_not_written_is_caught() {
    for policy in all() {
        is_caught(policy, Chaos { bug: Bug::FailureUntold, ..STORM });
    }
}

#[test]
fn half_a_batch_is_caught() {
    for policy in all() {
        is_caught(policy, Chaos { bug: Bug::Torn, ..CALM });
    }
}

#[test]
fn an_old_record_read_again_is_caught() {
    for policy in all() {
        is_caught(policy, Chaos { bug: Bug::Stale, ..CALM });
    }
}

#[test]
fn a_seed_is_a_reproduction() {
    for policy in all() {
        let bug = Chaos { bug: Bug::Unguarded, ..STORM };
        let runs = || {
            [7, 42, 99].map(|seed| {
                let on = |ground, chaos| wild(ground, policy, seed, chaos);
                (on(Ground::Plain, bug), on(Ground::Memory, STORM), patient(policy, seed))
            })
        };
        assert_eq!(runs(), runs());
    }
}
