//! Tenants whose first signing keys are still being made: an RSA key takes longer than everything else
//! that a first start does. Whoever needs one waits for it; nobody is refused, and nobody is given a
//! key set that lacks it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use counterfoil_protocol::ids::TenantId;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long anybody waits: far more than the slowest machine takes. A store that takes no key is told of
/// by other refusals.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// See the module.
#[derive(Debug, Default)]
pub struct Making {
    tenants: watch::Sender<BTreeSet<TenantId>>,
    /// Whether there are any: nearly always there are none, and every request asks.
    any: AtomicBool,
}

impl Making {
    /// Keys of this tenant will come.
    pub fn begin(&self, tenant: &TenantId) {
        self.tenants.send_modify(|making| {
            making.insert(tenant.clone());
            self.any.store(true, Ordering::Release);
        });
    }

    /// They are there.
    pub fn done(&self, tenant: &TenantId) {
        self.tenants.send_modify(|making| {
            making.remove(tenant);
            self.any.store(!making.is_empty(), Ordering::Release);
        });
    }

    /// Whether keys of this tenant are still to come. When they are not, whoever looks for them from
    /// now on finds them.
    #[must_use]
    pub fn is_at(&self, tenant: &TenantId) -> bool {
        self.any.load(Ordering::Acquire) && self.tenants.borrow().contains(tenant)
    }

    /// Waits until they are there.
    pub async fn over(&self, tenant: &TenantId) {
        let mut seen = self.tenants.subscribe();
        let _ = timeout(WAIT_MAX, seen.wait_for(|making| !making.contains(tenant))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_needs_a_key_waits_for_it() {
        let (making, tenant) = (Making::default(), TenantId::parse("t").unwrap());
        making.over(&tenant).await;
        making.begin(&tenant);
        let waits = making.over(&tenant);
        let comes = async {
            tokio::task::yield_now().await;
            assert!(making.is_at(&tenant));
            making.done(&tenant);
        };
        tokio::join!(biased; waits, comes);
        assert!(!making.is_at(&tenant));
    }
}
