//! How far behind the server is, and who is sent away first.
//!
//! The measure is the time a new task waits until a worker takes it: it grows when more is asked than
//! the processors can do, and is gone as soon as the rest has been answered. Sent away is what can be
//! asked again at little cost and is asked most, in classes: resource servers keep what introspection
//! told them, clients try a token request again, and a customer in the middle of a login stays.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

/// How often the wait is measured. Short against what is measured, and nothing against the work.
const EVERY: Duration = Duration::from_millis(10);
/// Fewer open connections than this cannot ask for more than a moment's work: then a long wait is
/// some other program's doing, and sending clients away would not shorten it.
const CONNECTIONS_MIN: usize = 256;
/// How often is looked whether there are that many.
const REST: Duration = Duration::from_millis(100);
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

    /// The wait at which this class is sent away. The first one bounds what a token request waits;
    /// each further one is reached only if all before it did not suffice.
    const fn bearable(self) -> Duration {
        Duration::from_millis(match self {
            Self::Introspection => 10,
            Self::Token => 20,
            Self::Pushed => 40,
            Self::Authorization => 80,
            Self::Registration => 160,
        })
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Pressure {
    wait_us: AtomicU32,
    sent_away: AtomicU64,
}

/// Measures as long as it is kept.
#[derive(Debug)]
pub struct Watch(#[expect(dead_code, reason = "dropping it ends the thread")] Sender<()>);

impl Pressure {
    /// Begins to measure this runtime, while many connections are open.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn watch(
        self: &Arc<Self>,
        runtime: Handle,
        connections: impl Fn() -> usize + Send + 'static,
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
                    pressure.note(Duration::ZERO);
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

    fn note(&self, wait: Duration) {
        let us = u32::try_from(wait.as_micros()).unwrap_or(u32::MAX);
        self.wait_us.store(us, Ordering::Relaxed);
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

    /// Whether a request for `path` is to come again later. `connections` are open now.
    #[must_use]
    pub fn sends_away(&self, path: &str, connections: usize) -> bool {
        let wait = Duration::from_micros(self.wait_us.load(Ordering::Relaxed).into());
        if connections < CONNECTIONS_MIN || wait < Class::Introspection.bearable() {
            return false;
        }
        let away = Class::of(path).is_some_and(|class| wait >= class.bearable());
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

    #[test]
    fn the_longer_the_wait_the_more_classes_are_sent_away() {
        for (wait_ms, away) in [(5, 0), (10, 1), (25, 2), (50, 3), (100, 4), (1_000, 5)] {
            let pressure = Pressure::default();
            pressure.note(Duration::from_millis(wait_ms));
            let many = PATHS.map(|path| pressure.sends_away(path, CONNECTIONS_MIN));
            assert_eq!(many.iter().filter(|sent| **sent).count(), away, "{wait_ms} ms");
            assert!(many.is_sorted_by(|a, b| a >= b), "{wait_ms} ms: {many:?}");
            let few = PATHS.map(|path| pressure.sends_away(path, CONNECTIONS_MIN - 1));
            assert_eq!(few, [false; 6]);
        }
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
