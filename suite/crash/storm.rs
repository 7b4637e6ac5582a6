//! Everything that runs at once while the process is killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::{JoinHandle, spawn};

use crate::client::Client;
use crate::codes::Codes;
use crate::server::Server;
use crate::workers::{Chain, Ledger};

const CHAINS: usize = 3;

/// Clients who remember what they were told.
pub(crate) struct Storm {
    chains: Vec<Chain>,
    ledger: Ledger,
    codes: Codes,
    answers: usize,
    lost: usize,
}

impl Storm {
    pub(crate) fn begin(client: &Client) -> Self {
        let chains = (0..CHAINS).map(|_| Chain::begin(client)).collect();
        let (ledger, codes) = (Ledger::default(), Codes::begin(client));
        Self { chains, ledger, codes, answers: 0, lost: 0 }
    }

    /// Runs until so many answers have arrived; then the process is killed.
    pub(crate) fn rage(&mut self, server: &mut Server, quota: u64) {
        let (done, acknowledged) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let client = || Client::new(&server.http);
        let chains: Vec<JoinHandle<Chain>> = self
            .chains
            .drain(..)
            .map(|chain| {
                let (client, done, stop) = (client(), done.clone(), stop.clone());
                spawn(move || chain.refresh_until(&client, &done, &stop))
            })
            .collect();
        let ledger = {
            let (client, done, stop) = (client(), done.clone(), stop.clone());
            let ledger = std::mem::take(&mut self.ledger);
            spawn(move || ledger.issue_and_revoke_until(&client, &done, &stop))
        };
        let codes = {
            let (client, stop) = (client(), stop.clone());
            let codes = std::mem::take(&mut self.codes);
            spawn(move || codes.approve_and_redeem_until(&client, &done, &stop))
        };
        self.answers += acknowledged.iter().take(usize::try_from(quota).unwrap()).count();
        // Under load, between any two bytes of an answer or a commit.
        server.kill();
        stop.store(true, Ordering::Relaxed);
        self.chains.extend(chains.into_iter().map(|thread| thread.join().unwrap()));
        self.ledger = ledger.join().unwrap();
        self.codes = codes.join().unwrap();
        self.lost += self.chains.iter().filter(|chain| chain.unanswered).count();
    }

    /// What each of them finds changed.
    pub(crate) fn faults(&mut self, client: &Client) -> Vec<String> {
        let chains: Result<(), String> =
            self.chains.iter_mut().try_for_each(|chain| chain.goes_on(client));
        let all = [chains, self.ledger.holds(client), self.codes.holds(client)];
        all.into_iter().filter_map(Result::err).collect()
    }

    /// Every acknowledged answer is still true.
    pub(crate) fn holds(&mut self, client: &Client) -> Result<(), String> {
        self.faults(client).into_iter().next().map_or(Ok(()), Err)
    }

    /// A token that was replaced and whose successor was used is a replay, for ever.
    pub(crate) fn is_guarded(&self, client: &Client) -> Result<(), String> {
        self.chains.iter().try_for_each(|chain| chain.is_guarded(client))
    }

    pub(crate) fn raged(&self) -> bool {
        self.answers > 0 && self.codes.looked_at > 0
    }

    pub(crate) fn told(&self) -> String {
        let Self { answers, lost, codes, .. } = self;
        let looked_at = codes.looked_at;
        format!(
            "{answers} acknowledged answers counted, {lost} requests left open, {looked_at} codes \
             looked at"
        )
    }
}
