//! Bounds open registration: so many clients per tenant in a window, whoever asks.
//!
//! In memory: forgetting at a restart lets as many more in, no more.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::moment::Moment;

use crate::limits::{REGISTRATION_WINDOW_S, REGISTRATIONS_MAX, TENANTS_CACHED_MAX};

/// Registrations by tenant.
#[derive(Debug, Default)]
pub struct Flood(Mutex<HashMap<TenantId, (Moment, u32)>>);

impl Flood {
    /// Counts one more, and whether it is within bounds.
    #[must_use]
    pub fn admits(&self, tenant: &TenantId, now: Moment) -> bool {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= TENANTS_CACHED_MAX && !table.contains_key(tenant) {
            table.clear();
        }
        let (since, count) = table.entry(tenant.clone()).or_insert((now, 0));
        if now.since(*since) >= REGISTRATION_WINDOW_S {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= REGISTRATIONS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_tenant_takes_so_many_and_then_waits() {
        let (flood, now) = (Flood::default(), Moment(1_000));
        let (one, other) = (TenantId::parse("one").unwrap(), TenantId::parse("other").unwrap());
        for _ in 0..REGISTRATIONS_MAX {
            assert!(flood.admits(&one, now));
        }
        assert!(!flood.admits(&one, now));
        assert!(flood.admits(&other, now));
        assert!(flood.admits(&one, now.after(REGISTRATION_WINDOW_S)));
    }
}
