//! What a resource demands of the sign-in behind an access token (RFC 9470 §3).

use std::fmt::Write as _;

use counterfoil_engine::active::Active;
use counterfoil_protocol::form::Form;
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::{Fault, Refusal, printable};

/// How strong and how young the sign-in must be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// One of these; empty: any.
    acr_values: String,
    max_age_s: Option<u64>,
}

impl Demand {
    /// What a query says, with the names of the authorization request.
    pub(crate) fn of(query: Option<&str>) -> Result<Self, Refusal> {
        let form = Form::decode(query.unwrap_or_default().as_bytes())?;
        let max_age = form.one("max_age")?.map(str::parse).transpose();
        Ok(Self {
            acr_values: printable(form.one("acr_values")?.unwrap_or_default()),
            max_age_s: max_age.map_err(|_| Refusal::Parameter("max_age", Fault::Malformed))?,
        })
    }

    /// Whether the sign-in behind a token is good enough.
    pub(crate) fn is_met_by(&self, token: &Active, now: Moment) -> bool {
        if *self == Self::default() {
            return true;
        }
        let Some((at, acr)) = token.login() else { return false };
        let strong = self.acr_values.is_empty() || self.acr_values.split(' ').any(|v| v == acr);
        strong && self.max_age_s.is_none_or(|age_s| at >= now.before(age_s))
    }

    /// The parameters of the challenge, each after a comma.
    pub(crate) fn challenge(&self) -> String {
        let mut out = String::new();
        if !self.acr_values.is_empty() {
            let _ = write!(out, ", acr_values=\"{}\"", self.acr_values); // a String takes everything
        }
        if let Some(age_s) = self.max_age_s {
            let _ = write!(out, ", max_age=\"{age_s}\"");
        }
        out
    }
}
