//! The world outside: the clock, the dice, the pools of threads. The only file that looks at either.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use counterfoil_engine::ctx::{Clock, Entropy};
use counterfoil_engine::keys::{LoadedKey, Signer, Unsigned};
use counterfoil_engine::login::password::{self, Busy, Passwords};
use counterfoil_engine::store::BoxFuture;
use counterfoil_jose::alg::Alg;
use counterfoil_jose::key::SigningKey;
use counterfoil_jose::provider;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::secret::Secret;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The time of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment(micros() / 1_000_000)
    }
}

/// Microseconds since the epoch. A clock before 1970 reads as 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where time comes from")]
pub fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Randomness of the operating system, through the crypto library.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDice;

impl SystemDice {
    #[expect(
        clippy::panic,
        reason = "without randomness nothing may be issued; the panic answers 500 and issues nothing"
    )]
    fn fill(self, out: &mut [u8]) {
        if provider::random_bytes(out).is_err() {
            panic!("the system gives no random bytes");
        }
    }
}

impl Entropy for SystemDice {
    fn bytes32(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        self.fill(&mut out);
        out
    }
}

/// Draws that a thread has ready: the generator's own work for a call outweighs the bytes of several.
const DRAWS: usize = 16;

/// Bytes that nobody has been given yet. They are wiped as they are given out.
struct Drawn {
    ready: [[u8; 32]; DRAWS],
    left: usize,
}

thread_local! {
    static DRAWN: RefCell<Drawn> =
        const { RefCell::new(Drawn { ready: [[0; 32]; DRAWS], left: 0 }) };
}

/// Randomness for requests, drawn for several of them at once. Nothing is given out twice.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestDice;

impl Entropy for RequestDice {
    fn bytes32(&mut self) -> [u8; 32] {
        DRAWN.with_borrow_mut(|drawn| {
            if drawn.left == 0 {
                SystemDice.fill(drawn.ready.as_flattened_mut());
                drawn.left = DRAWS;
            }
            drawn.left -= 1;
            std::mem::take(&mut drawn.ready[drawn.left])
        })
    }
}

/// Signs: what is quick in place, RSA on the blocking pool, so that no worker stands still for a
/// third of a millisecond per token.
#[derive(Clone, Copy, Debug, Default)]
pub struct PooledSigner;

impl Signer for PooledSigner {
    fn sign<'a>(
        &'a self,
        key: &'a Arc<LoadedKey>,
        input: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, Unsigned>> {
        if !key.signing.is_slow() {
            let signed = key.signing.sign(input.as_bytes()).map_err(|_| Unsigned);
            return Box::pin(std::future::ready(signed));
        }
        let (key, input) = (key.clone(), input.to_owned());
        Box::pin(async move {
            let signed = spawn_blocking(move || key.signing.sign(input.as_bytes())).await;
            signed.map_err(|_| Unsigned)?.map_err(|_| Unsigned)
        })
    }

    fn make(&self, alg: Alg) -> BoxFuture<'_, Result<(SigningKey, Secret), Unsigned>> {
        // An RSA key takes as long as a hundred requests.
        Box::pin(async move {
            let made = spawn_blocking(move || SigningKey::generate(alg)).await;
            made.map_err(|_| Unsigned)?.map_err(|_| Unsigned)
        })
    }
}

/// Password hashes that are computed at the same time. Each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 2;
/// Password checks that wait or run; one more is refused at once.
const HASHES_WAITING_MAX: usize = 64;

/// Checks passwords on the blocking pool, a few at a time.
#[derive(Debug)]
pub struct PooledPasswords {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Default for PooledPasswords {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            admitted: Arc::new(Semaphore::new(HASHES_WAITING_MAX)),
        }
    }
}

impl Passwords for PooledPasswords {
    fn check<'a>(
        &'a self,
        hash: Option<&'a str>,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, Busy>> {
        let hash = hash.map(str::to_owned);
        let secret = Secret::new(secret.expose().to_vec());
        Box::pin(async move {
            let _admitted = self.admitted.clone().try_acquire_owned().map_err(|_| Busy)?;
            let _running = self.running.clone().acquire_owned().await.map_err(|_| Busy)?;
            let checked = spawn_blocking(move || password::check(hash.as_deref(), &secret)).await;
            checked.map_err(|_| Busy)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_password_too_many_is_refused_and_not_called_wrong() {
        let pool = PooledPasswords::default();
        let secret = Secret::new(b"demo".to_vec());
        let all = u32::try_from(HASHES_WAITING_MAX).unwrap_or(u32::MAX);
        let others = pool.admitted.clone().acquire_many_owned(all);
        let others = others.await.unwrap();
        assert_eq!(pool.check(None, &secret).await, Err(Busy));
        drop(others);
        assert_eq!(pool.check(None, &secret).await, Ok(false));
    }

    #[test]
    fn a_request_draws_nothing_twice() {
        let mut seen: Vec<[u8; 32]> = (0..2 * DRAWS + 1).map(|_| RequestDice.bytes32()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 2 * DRAWS + 1);
        assert!(!seen.contains(&[0; 32]));
    }
}
