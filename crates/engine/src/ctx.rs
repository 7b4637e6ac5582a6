//! Everything a decision may observe besides its input: the moment, the dice, the rules, the issuer.

use counterfoil_protocol::moment::Moment;

use crate::keys::Issuer;
use crate::policy::Policy;

/// Where the moment comes from.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Moment;
}

/// Where randomness comes from. Seeded in tests, so that a failure can be repeated.
pub trait Entropy: Send + Sync {
    /// 32 unpredictable bytes.
    fn bytes32(&mut self) -> [u8; 32];
}

/// What a decision may look at. Read once per attempt, so that all checks in it agree.
pub struct Ctx<'a> {
    /// The moment of this attempt.
    pub now: Moment,
    /// Dice.
    pub entropy: &'a mut dyn Entropy,
    /// The rules of the surface.
    pub policy: &'static Policy,
    /// The tenant and its keys.
    pub issuer: &'a Issuer,
}

impl std::fmt::Debug for Ctx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("now", &self.now).field("policy", &self.policy.name).finish()
    }
}
