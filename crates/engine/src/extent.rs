//! What one access token leaves of its grant: scope, resource servers, authorization details. A token
//! says which view it is of; the grant knows what the view leaves.

use counterfoil_protocol::scope::ScopeSet;

use crate::ctx::Ctx;
use crate::grant::{Grant, Narrowed, View};
use crate::handle::ViewId;
use crate::limits::{STEPS, VIEWS_MAX};

/// What a token is to be good for. Whoever makes one has checked that it lies within the grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The scope.
    pub scope: ScopeSet,
    /// The resource servers; empty: all of the tenant.
    pub audience: Vec<Box<str>>,
    /// The authorization details, normalised JSON.
    pub details: Option<Box<str>>,
}

impl Extent {
    /// Whether it gives nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scope.is_empty() && self.details.is_none()
    }
}

impl Grant {
    /// The view for an extent that the caller has checked to lie within the grant, if there is one
    /// and it need not be changed for a token of now: that is most requests.
    #[must_use]
    pub fn view_kept(&self, wanted: &Extent, ctx: &Ctx<'_>) -> Option<ViewId> {
        let whole = self.leaves(ViewId::WHOLE, wanted);
        // The scope of a standing grant follows the registration; a token of it must not.
        if whole && wanted.scope == self.scope && !self.is_standing() {
            return Some(ViewId::WHOLE);
        }
        let token_until = ctx.now.after(ctx.policy.access_ttl_s);
        let mut views = self.access.views.iter();
        let known = views.find(|v| v.scope == wanted.scope && self.leaves(v.id, wanted))?;
        (known.until >= token_until).then_some(known.id)
    }

    /// The view for an extent that the caller has checked to lie within the grant. Writes only when
    /// the view is new, or about to run out. `None`: too many are alive.
    pub fn view(&mut self, wanted: &Extent, ctx: &Ctx<'_>) -> Option<ViewId> {
        if let Some(kept) = self.view_kept(wanted, ctx) {
            return Some(kept);
        }
        let whole = self.leaves(ViewId::WHOLE, wanted);
        let token_until = ctx.now.after(ctx.policy.access_ttl_s);
        let until = ctx.now.after(ctx.policy.access_ttl_s.saturating_mul(STEPS));
        let views = &self.access.views;
        let known = views.iter().position(|v| v.scope == wanted.scope && self.leaves(v.id, wanted));
        if let Some(view) = known.and_then(|at| self.access.views.get_mut(at)) {
            if view.until < token_until {
                view.until = until;
            }
            return Some(view.id);
        }
        self.access.views.retain(|v| v.until > ctx.now);
        let views = &self.access.views;
        self.openid.narrowed.retain(|less| views.iter().any(|view| view.id == less.view));
        let free = self.access.views.len() < VIEWS_MAX && self.access.next_view < u16::MAX;
        let id = free.then_some(ViewId(self.access.next_view))?;
        self.access.next_view += 1;
        self.access.views.push(View { id, scope: wanted.scope.clone(), until });
        if !whole {
            let (audience, details) = (wanted.audience.clone(), wanted.details.clone());
            self.openid.narrowed.push(Narrowed { view: id, audience, details });
        }
        Some(id)
    }

    /// The resource servers that a view of it is for; empty: all of the tenant.
    #[must_use]
    pub fn audience(&self, view: ViewId) -> &[Box<str>] {
        self.narrowed(view).map_or(&self.openid.audience, |narrowed| &narrowed.audience)
    }

    /// The authorization details of a view of it.
    #[must_use]
    pub fn details(&self, view: ViewId) -> Option<&str> {
        let details =
            self.narrowed(view).map_or(&self.openid.details, |narrowed| &narrowed.details);
        details.as_deref()
    }

    fn narrowed(&self, view: ViewId) -> Option<&Narrowed> {
        self.openid.narrowed.iter().find(|narrowed| narrowed.view == view)
    }

    /// Whether a view is as wide as this beside its scope.
    fn leaves(&self, view: ViewId, wanted: &Extent) -> bool {
        self.audience(view) == wanted.audience && self.details(view) == wanted.details.as_deref()
    }
}
