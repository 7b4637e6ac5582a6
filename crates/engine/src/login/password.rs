//! Passwords: argon2id in PHC form, checked off the async workers.

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use counterfoil_protocol::refusal::Refusal;
use counterfoil_protocol::secret::Secret;

use crate::store::BoxFuture;

/// Checks passwords, wherever that is done. A hash costs tens of milliseconds.
pub trait Passwords: Send + Sync {
    /// Whether `password` is behind `hash`. `None` takes as long and is always false, so that time
    /// does not tell whether a customer exists.
    ///
    /// # Errors
    /// [`Busy`]: nobody has looked, so it says nothing about the password.
    fn check<'a>(
        &'a self,
        hash: Option<&'a str>,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, Busy>>;
}

/// More passwords wait to be checked than is allowed, or the check broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl From<Busy> for Refusal {
    fn from(Busy: Busy) -> Self {
        Self::Overloaded
    }
}

/// Of no password anybody knows; what an unknown customer is checked against.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y291bnRlcmZvaWw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Checks in place.
#[must_use]
pub fn check(hash: Option<&str>, password: &Secret) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    let verified = argon2().verify_password(password.expose(), &parsed).is_ok();
    verified && hash.is_some()
}

/// OWASP's setting: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Checks in place, for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct InPlace;

impl Passwords for InPlace {
    fn check<'a>(
        &'a self,
        hash: Option<&'a str>,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, Busy>> {
        Box::pin(async move { Ok(check(hash, password)) })
    }
}
