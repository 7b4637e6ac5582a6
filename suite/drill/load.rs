//! Clients that never give up: each asks both nodes for the same thing at once, and again until it is
//! answered.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::actors::{Actors, Props, Whose};
use crate::history::{By, History, Said, What};
use crate::stage::Server;

/// Grants that are refreshed and refreshed.
const CHAINS: usize = 6;
/// Between two attempts that were not answered.
const PAUSE: Duration = Duration::from_millis(100);
/// No failover takes so long.
const PATIENCE: Duration = Duration::from_secs(180);
/// How many of what was acknowledged are asked for again at the end.
const AGAIN: usize = 300;

/// When writes were acknowledged.
pub(crate) struct Acknowledged {
    begun: Instant,
    at: Mutex<Vec<Duration>>,
    more: Condvar,
}

impl Acknowledged {
    #[expect(clippy::disallowed_methods, reason = "how long nothing is written is what is asked")]
    fn new() -> Self {
        Self { begun: Instant::now(), at: Mutex::default(), more: Condvar::new() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn note(&self) {
        let now = self.now();
        self.at.lock().unwrap_or_else(PoisonError::into_inner).push(now);
        self.more.notify_all();
    }

    pub(crate) fn count(&self) -> usize {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits for so many more.
    pub(crate) fn wait_for(&self, more: usize) {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = at.len() + more;
        let few = |at: &mut Vec<Duration>| at.len() < wanted;
        let waited = self.more.wait_timeout_while(at, PATIENCE, few);
        let (at, _) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(
            at.len() >= wanted,
            "{} of {more} writes in {PATIENCE:?}",
            at.len() + more - wanted
        );
    }

    /// The longest time without one, of those that ended after `since`.
    pub(crate) fn longest_gap(&self, since: Duration) -> Duration {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner).clone();
        at.sort_unstable();
        let gaps = at.windows(2).filter(|pair| pair[1] > since).map(|pair| pair[1] - pair[0]);
        gaps.max().unwrap_or_default()
    }
}

/// What a chain of refresh tokens has come to: the newest, and the one before.
pub(crate) struct Chain {
    previous: Option<String>,
    newest: String,
}

/// See the module.
pub(crate) struct Load<'l> {
    nodes: &'l [Server; 2],
    history: &'l History,
    props: &'l Props,
    pub(crate) acknowledged: Acknowledged,
    session: String,
}

impl<'l> Load<'l> {
    pub(crate) fn new(nodes: &'l [Server; 2], history: &'l History, props: &'l Props) -> Self {
        let actors = Actors { wire: &nodes[0].wire, history, props };
        let session = actors.sign_in("ada").unwrap();
        Self { nodes, history, props, acknowledged: Acknowledged::new(), session }
    }

    fn at(&self, node: usize) -> Actors<'_> {
        Actors { wire: &self.nodes[node].wire, history: self.history, props: self.props }
    }

    /// Both nodes at once; what either of them gave.
    fn race(&self, ask: impl Fn(&Actors<'_>) -> Said + Sync) -> Option<Said> {
        let said = thread::scope(|scope| {
            let other = scope.spawn(|| ask(&self.at(1)));
            [ask(&self.at(0)), other.join().unwrap()]
        });
        let given = said.into_iter().find(|said| matches!(said, Said::Tokens { .. }));
        match given {
            Some(_) => self.acknowledged.note(),
            None => thread::park_timeout(PAUSE),
        }
        given
    }

    /// The grants that are refreshed.
    pub(crate) fn begin(&self) -> Vec<Chain> {
        let one = |n: usize| {
            let code = self.at(n % 2).approve(&self.session, "ada-current").unwrap();
            let Said::Tokens { refresh: Some(newest), .. } = self.at(0).redeem(&code, By::Owner)
            else {
                panic!("a good code was refused")
            };
            Chain { previous: None, newest }
        };
        (0..CHAINS).map(one).collect()
    }

    /// Everybody at work, until it is over.
    pub(crate) fn run<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        chains: Vec<Chain>,
        going: &'s (dyn Fn() -> bool + Sync),
    ) -> Vec<ScopedJoinHandle<'s, Chain>> {
        scope.spawn(move || self.recipient(going));
        scope.spawn(move || self.asserter(going));
        let refresher = |chain| scope.spawn(move || self.refresher(chain, going));
        chains.into_iter().map(refresher).collect()
    }

    fn refresher(&self, mut chain: Chain, going: &dyn Fn() -> bool) -> Chain {
        while going() {
            let given = self.race(|actors| actors.refresh(&chain.newest));
            if let Some(Said::Tokens { refresh: Some(next), .. }) = given {
                chain = Chain { previous: Some(chain.newest), newest: next };
            }
        }
        chain
    }

    /// Codes; both nodes are asked for each, and one may give.
    fn recipient(&self, going: &dyn Fn() -> bool) {
        while going() {
            let Some(code) = self.at(0).approve(&self.session, "ada-current") else {
                thread::park_timeout(PAUSE);
                continue;
            };
            self.acknowledged.note();
            // One that was not answered is left: whether it was spent is what nobody knows.
            self.race(|actors| actors.redeem(&code, By::Owner));
        }
    }

    fn asserter(&self, going: &dyn Fn() -> bool) {
        while going() {
            let assertion = self.at(0).assertion();
            self.race(|actors| actors.assert(&assertion));
        }
    }

    /// Everything that was acknowledged must be there, wherever it is asked.
    pub(crate) fn ask_again(&self, chains: &[Chain]) {
        for (n, chain) in chains.iter().enumerate() {
            if let Some(previous) = &chain.previous {
                self.at(n % 2).refresh(previous);
            }
            let next = self.at(1 - n % 2).refresh(&chain.newest);
            assert!(matches!(next, Said::Tokens { .. }), "a chain is lost: {next:?}");
        }
        let calls = self.history.calls();
        let (mut given, mut asserted) = (vec![], vec![]);
        for call in calls.iter().rev() {
            match (&call.what, &call.said) {
                (What::Refresh { .. }, Said::Tokens { access, .. }) => given.push(access),
                (What::Assert { assertion, .. }, Said::Tokens { .. }) => asserted.push(assertion),
                _ => {}
            }
        }
        for (n, assertion) in asserted.into_iter().take(AGAIN).enumerate() {
            self.at(n % 2).assert(assertion);
        }
        for (n, access) in given.into_iter().take(AGAIN).enumerate() {
            self.at(n % 2).look(access, Whose::Mx);
        }
    }
}
