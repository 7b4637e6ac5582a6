//! What a resource server is told of the holder of a token, in a JWT and at introspection alike:
//! `cnf` (RFC 7800 §3, RFC 8705 §3.1, RFC 9449 §6.1) and `aud`.

use counterfoil_jose::dpop;
use counterfoil_protocol::secret::Digest;
use serde::{Deserialize, Serialize};

use crate::sender::Binding;

/// `cnf`: by what the holder shows to be the one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jkt: Option<String>,
    #[serde(default, rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

impl From<Binding> for Confirmation {
    fn from(binding: Binding) -> Self {
        let text = dpop::thumbprint_text(binding.digest().bytes());
        match binding {
            Binding::Key(_) => Self { jkt: Some(text), certificate: None },
            Binding::Certificate(_) => Self { jkt: None, certificate: Some(text) },
        }
    }
}

impl Confirmation {
    /// The inverse; `None` when it says neither.
    #[must_use]
    pub fn binding(&self) -> Option<Binding> {
        let digest = |text: &Option<String>| {
            text.as_deref().and_then(dpop::thumbprint_of).map(Digest::known)
        };
        let key = digest(&self.jkt).map(Binding::Key);
        key.or_else(|| digest(&self.certificate).map(Binding::Certificate))
    }
}

/// `aud`: one text where there is one (RFC 7519 §4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Audience<'a> {
    /// One resource server, or all of the tenant by the issuer.
    One(&'a str),
    /// Several.
    Many(&'a [Box<str>]),
}

impl<'a> Audience<'a> {
    /// Without a resource a token is for the resource servers of the tenant, which know it by the
    /// issuer.
    #[must_use]
    pub fn of(audience: &'a [Box<str>], issuer: &'a str) -> Self {
        match audience {
            [] => Self::One(issuer),
            [one] => Self::One(one),
            many => Self::Many(many),
        }
    }
}
