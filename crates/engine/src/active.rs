//! A living access token: its grant, seen through the view that the token names. It borrows the
//! grant that was read and copies nothing.

use std::sync::Arc;

use counterfoil_protocol::ids::ClientId;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::scope::ScopeSet;

use crate::grant::{ConsentCopy, Grant, SubjectRef};
use crate::handle::{Access, Facts, Proven, ViewId};
use crate::sender::Binding;

/// What a resource server may know about a living access token.
#[derive(Clone, Debug)]
pub struct Active {
    grant: Arc<Grant>,
    view: ViewId,
    /// When it ends.
    pub expires: Moment,
    /// What it is bound to.
    pub binding: Option<Binding>,
}

impl Active {
    /// `None` when the token is dead: [`Grant::enlivens`] decides.
    pub(crate) fn of(grant: Arc<Grant>, token: &Proven<Access>, now: Moment) -> Option<Self> {
        let Facts { view, expires, binding, .. } = *token.facts();
        grant.enlivens(token, now).then_some(Self { grant, view, expires, binding })
    }

    /// The client it was issued to.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        &self.grant.client
    }

    /// The customer, if there is one.
    #[must_use]
    pub fn subject(&self) -> Option<&SubjectRef> {
        self.grant.subject.as_ref()
    }

    /// What it allows.
    #[must_use]
    pub fn scope(&self) -> &ScopeSet {
        // A token without its view does not live, so the grant's scope never stands in for it.
        self.grant.scope_of(self.view).unwrap_or(&self.grant.scope)
    }

    /// The resource servers it is for; empty: all of the tenant.
    #[must_use]
    pub fn audience(&self) -> &[Box<str>] {
        self.grant.audience(self.view)
    }

    /// Under which consent.
    #[must_use]
    pub fn consent(&self) -> Option<&ConsentCopy> {
        self.grant.consent.as_ref()
    }

    /// The `claims` parameter of the authorization request.
    #[must_use]
    pub fn claims(&self) -> Option<&str> {
        self.grant.openid.claims.as_deref()
    }

    /// Authorization details, normalised JSON (RFC 9396).
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        self.grant.details(self.view)
    }

    /// When the customer signed in and how strongly, on surfaces that tell (RFC 9470 §6.2).
    #[must_use]
    pub fn login(&self) -> Option<(Moment, &str)> {
        let at = self.grant.login.as_ref().map(|login| login.auth_time);
        at.zip(self.grant.openid.acr.as_deref())
    }
}
