//! How far behind the server is, and who is sent away first.
//!
//! The measure is the time a new task waits until a worker takes it: it grows when more is asked than
//! the processors can do, and is gone as soon as the rest has been answered. Sent away is what can be
//! asked again at little cost and is asked most, in classes: resource servers keep what introspection
//! told them, clients try a token request again, and a customer in the middle of a login stays. Of a
//! class as many are sent away as the wait is too long, so that the processors stay busy with the rest:
//! a class that is sent away whole leaves them idle until the next measurement.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

/// How often the wait is measured. Short against what is measured, and nothing against the work.
const EVERY: Duration = Duration::from_millis(10);
/// Fewer connections that ask than this cannot ask for more than a moment's work: then a long wait is
/// some other program's doing, and sending clients away would not shorten it.
const CONNECTIONS_MIN: usize = 256;
/// How often is looked whether there are that many.
const REST: Duration = Duration::from_millis(100);
/// How much one measurement moves what is believed: one late task is no overload.
const SMOOTHING: u32 = 4;
/// How often the operator is told, in measurements.
const TELL_EVERY: u32 = 100;

/// What a request asks for, in the order in which it is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Introspection,
    Token,
    Pushed,
    Authorization,
    Registration,
}

impl Class {
    /// `None` for what is never sent away for this reason: logins, consents, keys, metadata.
    fn of(path: &str) -> Option<Self> {
        match path.rsplit('/').next().unwrap_or_default() {
            "introspect" | "introspection" => Some(Self::Introspection),
            "token" | "accesstoken" | "access-token" | "refreshtoken" | "refresh_token"
            | "refresh-token" => Some(Self::Token),
            "par" => Some(Self::Pushed),
            "authorize" | "auth" | "connect" => Some(Self::Authorization),
            "register" | "reg" => Some(Self::Registration),
            _ => None,
        }
    }

    /// The wait at which the first of this class are sent away; at twice of it all are. The first one
    /// bounds what a token request waits; each further one is reached only if all before it did not
    /// suffice.
    const fn bearable_us(self) -> u32 {
        match self {
            Self::Introspection => 10_000,
            Self::Token => 20_000,
            Self::Pushed => 40_000,
            Self::Authorization => 80_000,
            Self::Registration => 160_000,
        }
    }

    /// How many of [`PARTS`] requests of this class are sent away after a wait.
    fn parts_away(self, wait_us: u32) -> u32 {
        let bearable = self.bearable_us();
        (wait_us.saturating_sub(bearable) / (bearable / PARTS)).min(PARTS)
    }
}

/// A class is sent away by so many parts, which take turns.
const PARTS: u32 = 64;
/// Goes through all parts in leaps of the golden ratio, which keeps those who are sent away apart. Has no
/// divisor in common with [`PARTS`].
const LEAP: u32 = 39;

/// See the module.
#[derive(Debug, Default)]
pub struct Pressure {
    wait_us: AtomicU32,
    /// Whose turn it is, of [`PARTS`].
    turn: AtomicU32,
    sent_away: AtomicU64,
}

/// Measures as long as it is kept.
#[derive(Debug)]
pub struct Watch(#[expect(dead_code, reason = "dropping it ends the thread")] Sender<()>);

impl Pressure {
    /// Begins to measure this runtime, while many connections ask.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn watch(
        self: &Arc<Self>,
        runtime: Handle,
        mut connections: impl FnMut() -> usize + Send + 'static,
    ) -> std::io::Result<Watch> {
        let (keep, ended) = channel::<()>();
        let pressure = self.clone();
        std::thread::Builder::new().name("pressure".into()).spawn(move || {
            let mut asked: Option<Arc<Mutex<Option<Instant>>>> = None;
            let (mut since, mut told, mut rounds) = (Instant::now(), 0, 0_u32);
            let mut every = REST;
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                if connections() < CONNECTIONS_MIN {
                    (every, asked) = (REST, None);
                    pressure.forget();
                    continue;
                }
                every = EVERY;
                let taken = asked.as_ref().and_then(|at| at.lock().ok().and_then(|at| *at));
                let wait = match (&asked, taken) {
                    (None, _) => Duration::ZERO,
                    (Some(_), Some(at)) => at.duration_since(since),
                    // Nobody has taken it yet.
                    (Some(_), None) => since.elapsed(),
                };
                pressure.note(wait);
                if asked.is_none() || taken.is_some() {
                    let at = Arc::new(Mutex::new(None));
                    (since, asked) = (Instant::now(), Some(at.clone()));
                    // From outside the runtime it goes to the end of the common queue.
                    runtime.spawn(async move {
                        if let Ok(mut at) = at.lock() {
                            *at = Some(Instant::now());
                        }
                    });
                }
                rounds = rounds.wrapping_add(1);
                if rounds.is_multiple_of(TELL_EVERY) {
                    told = pressure.tell(told);
                }
            }
        })?;
        Ok(Watch(keep))
    }

    /// One measurement. Only the watch writes.
    fn note(&self, wait: Duration) {
        let us = u32::try_from(wait.as_micros()).unwrap_or(u32::MAX);
        let believed = self.wait_us.load(Ordering::Relaxed);
        let next = believed - believed / SMOOTHING + us / SMOOTHING;
        self.wait_us.store(next, Ordering::Relaxed);
    }

    fn forget(&self) {
        self.wait_us.store(0, Ordering::Relaxed);
    }

    /// Tells the operator how many were sent away since the last time.
    fn tell(&self, told: u64) -> u64 {
        let now = self.sent_away.load(Ordering::Relaxed);
        if now > told {
            let wait_ms = self.wait_us.load(Ordering::Relaxed) / 1_000;
            eprintln!("overloaded: {} requests sent away, tasks wait {wait_ms} ms", now - told);
        }
        now
    }

    /// Whether a request for `path` is to come again later. So many `connections` ask.
    #[must_use]
    pub fn sends_away(&self, path: &str, connections: usize) -> bool {
        let wait_us = self.wait_us.load(Ordering::Relaxed);
        if connections < CONNECTIONS_MIN || wait_us <= Class::Introspection.bearable_us() {
            return false;
        }
        let Some(class) = Class::of(path) else { return false };
        let turn = self.turn.fetch_add(LEAP, Ordering::Relaxed) % PARTS;
        let away = turn < class.parts_away(wait_us);
        self.sent_away.fetch_add(u64::from(away), Ordering::Relaxed);
        away
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: [&str; 6] = [
        "/auth/realms/r/protocol/openid-connect/token/introspect",
        "/oauth2/v4/token",
        "/o/acme/par",
        "/oauth2/v4/authorize",
        "/register",
        "/login",
    ];

    /// What a server is like that has measured this for a while.
    fn after(wait_ms: u64) -> Pressure {
        let pressure = Pressure::default();
        (0..100).for_each(|_| pressure.note(Duration::from_millis(wait_ms)));
        pressure
    }

    #[test]
    fn the_longer_the_wait_the_more_classes_are_sent_away() {
        for (wait_ms, away) in [(5, 0), (10, 0), (21, 1), (41, 2), (81, 3), (161, 4), (1_000, 5)] {
            let pressure = after(wait_ms);
            let many = PATHS.map(|path| {
                (0..PARTS).filter(|_| pressure.sends_away(path, CONNECTIONS_MIN)).count()
            });
            let whole = many.iter().filter(|sent| **sent == PARTS as usize).count();
            assert_eq!(whole, away, "{wait_ms} ms: {many:?}");
            assert!(many.is_sorted_by(|a, b| a >= b), "{wait_ms} ms: {many:?}");
            let few = PATHS.map(|path| pressure.sends_away(path, CONNECTIONS_MIN - 1));
            assert_eq!(few, [false; 6]);
        }
    }

    #[test]
    fn of_a_class_as_many_are_sent_away_as_the_wait_is_too_long() {
        for (wait_ms, of_64) in [(20, 0..=0), (25, 14..=17), (30, 29..=33), (35, 44..=49)] {
            let pressure = after(wait_ms);
            let token = "/oauth2/v4/token";
            let away: Vec<bool> =
                (0..PARTS).map(|_| pressure.sends_away(token, CONNECTIONS_MIN)).collect();
            let sent = away.iter().filter(|sent| **sent).count();
            assert!(of_64.contains(&sent), "{wait_ms} ms: {sent}");
            let longest = away.split(|sent| !sent).map(<[bool]>::len).max();
            assert!(longest <= Some(4), "{wait_ms} ms: {longest:?} in a row");
        }
    }

    #[test]
    fn one_late_task_is_no_overload() {
        let pressure = Pressure::default();
        pressure.note(Duration::from_millis(35));
        assert!(!pressure.sends_away("/introspect", CONNECTIONS_MIN));
    }

    #[test]
    fn every_token_and_introspection_endpoint_has_a_class() {
        use counterfoil_web::surfaces;
        let shared = counterfoil_web::common::ROUTES.iter();
        let of_surfaces = surfaces::ALL.iter().flat_map(|surface| surface.routes());
        for route in shared.chain(of_surfaces) {
            let path = route.path;
            let named = path.contains("token") || path.contains("introspect");
            let browser = path.contains("authorize");
            if named && !browser && !path.contains("revoke") {
                assert!(Class::of(path).is_some(), "{path}");
            }
            assert!(!browser || Class::of(path).is_some() || path.contains("{}"), "{path}");
        }
    }

    #[test]
    fn a_task_that_nobody_takes_is_a_wait() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let pressure = Arc::new(Pressure::default());
        let watch = pressure.watch(runtime.handle().clone(), || CONNECTIONS_MIN).unwrap();
        let (go_on, blocked) = channel::<()>();
        // The one worker stands still until it is let go.
        runtime.spawn(async move { blocked.recv().unwrap_or_default() });
        while !pressure.sends_away("/introspect", CONNECTIONS_MIN) {
            std::hint::spin_loop();
        }
        drop(go_on);
        while pressure.sends_away("/introspect", CONNECTIONS_MIN) {
            std::hint::spin_loop();
        }
        drop(watch);
    }
}
